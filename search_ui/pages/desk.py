"""The editorial desk: the queue, a draft under review, and several drafts at once."""

import datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request
from pydantic import AfterValidator, Field, ValidationError
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from kb.accounts import service as accounts
from kb.db import utcnow
from kb.editorial import bulk, drafts, merging, queue, stages
from kb.editorial.tables import DraftRow
from kb.errors import Invalid, KnowledgeBaseError
from kb.records import overview
from kb.records import service as records
from kb.records.reasons import reasons
from kb.records.service import Stored
from schemas.accounts import Account
from schemas.base import Model
from schemas.editorial import Stage
from schemas.language import AUTONYMS, LANGUAGES, Language
from schemas.records import RECORD_TYPES
from schemas.vocabulary import load
from search_ui import i18n, related, reviewing
from search_ui.depends import SearchDep, SessionDep
from search_ui.i18n import N_
from search_ui.identity import Editor, Needs, SignedIn
from search_ui.inputs import FormDep, Problems, problem_of, read, said, see_other, typed
from search_ui.pages.records import show
from search_ui.paging import number, paged
from search_ui.render import language_of, page

router = APIRouter(include_in_schema=False)

_DESK: Final = "/{lang:language}/desk"
_DRAFT: Final = _DESK + "/drafts/{draft_id}"
_ON_A_PAGE: Final = 50

VIEWS: Final = {
    "open": N_("To be decided"),
    "submitted": N_("Submitted"),
    "in_review": N_("In review"),
    "mine": N_("Assigned to me"),
    "due": N_("Due within a week"),
    "overdue": N_("Overdue"),
    "changes_requested": N_("Changes requested"),
    "scheduled": N_("Scheduled"),
    "writing": N_("Being written"),
    "declined": N_("Declined lately"),
}
SORTS: Final = {
    "oldest": N_("Oldest first"),
    "newest": N_("Newest first"),
    "due": N_("Due first"),
    "title": N_("Title, A to Z"),
    "type": N_("Kind of record"),
}
_AGES: Final = (7, 30, 90)


# The queue


@router.get(_DESK)
def desk(request: Request, session: SessionDep, account: SignedIn) -> Response:
    """The queue. Translators, who have no queue, are led to their page."""
    if not account.may("review") and account.may("translate"):
        return RedirectResponse(f"/{language_of(request)}/desk/translate", 303)
    Needs("review")(request)
    language, today, asked = language_of(request), utcnow().date(), request.query_params
    view = asked["view"] if asked.get("view") in VIEWS else "open"
    sort = asked["sort"] if asked.get("sort") in SORTS else "oldest"
    filters = {name: asked[name] for name in queue.FILTERS if asked.get(name)}
    filters |= {"age": asked["age"]} if asked.get("age", "") in map(str, _AGES) else {}
    every = queue.lines(session, language)
    found = queue.narrowed(every, view, filters, sort, account.id, today)
    kept = filters | ({"sort": sort} if sort != "oldest" else {})
    pages = paged(number(asked.get("page", "")), len(found), _ON_A_PAGE, request.url.path, kept | {"view": view})
    return page(
        request,
        "desk/queue.html",
        section="desk",
        lines=found[(pages.current - 1) * _ON_A_PAGE : pages.current * _ON_A_PAGE],
        total=len(found),
        view=view,
        views=[(name, i18n.gettext(text, language)) for name, text in VIEWS.items()],
        counts=queue.counts(every, account.id, today),
        values=filters | {"sort": sort},
        kept=kept,
        options=_options(session, every, language),
        sorts=[(name, i18n.gettext(text, language)) for name, text in SORTS.items()],
        names=accounts.names(session, (line.assignee_id for line in every)),
        cities=overview.by_id(session, {line.city_id for line in found}, language),
        today=today,
        pages=pages,
    )


def _options(session: Session, every: list[queue.Line], language: Language) -> dict[str, list[tuple[str, str]]]:
    """What each filter can be: only what occurs."""
    occurring = {name: {of(line) for line in every} - {""} for name, of in queue.FILTERS.items()}
    cities = overview.by_id(session, occurring["city"], language)
    people = accounts.names(session, occurring["assignee"])
    nobody = [("nobody", i18n.gettext(N_("Nobody"), language))] if "nobody" in occurring["assignee"] else []
    return {
        "type": [
            (name, load("record_types").label_of(name, language)) for name in RECORD_TYPES if name in occurring["type"]
        ],
        "language": [(name, AUTONYMS[name]) for name in LANGUAGES if name in occurring["language"]],
        "region": sorted(
            ((name, load("regions").label_of(name, language)) for name in occurring["region"]), key=lambda pair: pair[1]
        ),
        "city": sorted(((name, line.title.text) for name, line in cities.items()), key=lambda pair: pair[1]),
        "assignee": nobody + sorted(people.items(), key=lambda pair: pair[1]),
        "age": [(str(days), _at_least(days, language)) for days in _AGES],
    }


def _at_least(days: int, language: Language) -> str:
    return i18n.ngettext("At least %(count)s day", "At least %(count)s days", days, language) % {"count": days}


# A draft


@router.get(_DRAFT)
def draft_page(request: Request, session: SessionDep, account: Editor, draft_id: str) -> Response:
    """What it says, what is said about it, and what can be done with it."""
    return reviewing.draft_page(request, session, account, drafts.get(session, account, draft_id))


@router.get(_DRAFT + "/preview")
def preview(request: Request, session: SessionDep, engine: SearchDep, account: Editor, draft_id: str) -> Response:
    """The draft as its readers will see it. Raises Invalid while it is no record yet."""
    draft = drafts.get(session, account, draft_id)
    try:
        record = drafts.record_of(draft).model_copy(update={"status": "published"})
    except ValidationError as error:
        faults = [field for field, _ in reasons(error)]
        raise Invalid(N_("It cannot be shown as readers will see it while a field is wrong."), faults=faults) from error
    now = utcnow()
    stored = Stored(record, draft.base_revision + 1, draft.created_at, now, now, frozenset())
    return show(request, session, engine, related.readable(stored), preview=f"/desk/drafts/{draft.id}")


def _utc(at: datetime.datetime) -> datetime.datetime:
    return at.replace(tzinfo=datetime.UTC) if at.tzinfo is None else at


class Move(Model):
    """A decision on a draft, with the version that was seen."""

    to: Stage
    version: int
    reason: str = Field(default="", max_length=5000)
    publish_at: Annotated[datetime.datetime, AfterValidator(_utc)] | None = None


@router.post(_DRAFT + "/move")
def move(request: Request, session: SessionDep, account: Editor, draft_id: str, form: FormDep) -> Response:
    """Move it to another stage."""
    draft = drafts.get(session, account, draft_id)

    def decide(asked: Move) -> None:
        stages.move(
            session, account, draft, asked.to, version=asked.version, reason=asked.reason, publish_at=asked.publish_at
        )

    return _changed(request, session, account, draft, form, Move, decide)


class Assign(Model):
    """Who has it, and until when."""

    assignee: str = ""
    due_on: datetime.date | None = None
    version: int


@router.post(_DRAFT + "/assign")
def assign(request: Request, session: SessionDep, account: Editor, draft_id: str, form: FormDep) -> Response:
    """Give it to an editor."""
    draft = drafts.get(session, account, draft_id)

    def give(asked: Assign) -> None:
        stages.assign(session, account, draft, asked.assignee, asked.due_on, version=asked.version)

    return _changed(request, session, account, draft, form, Assign, give)


def _changed(
    request: Request, session: Session, account: Account, draft: DraftRow, form: Any, model: Any, do: Any
) -> Response:
    """Do what a form of the draft's page asks; else the page once more, with what is wrong and what was typed."""
    language = language_of(request)
    asked, problems = read(form, model, language)
    status = 422
    if asked:
        try:
            with session.begin_nested():
                do(asked)
        except KnowledgeBaseError as error:
            problems, status = problem_of(error, language), error.status
        else:
            return see_other(f"/{language}/desk/drafts/{draft.id}", "saved")
    return reviewing.draft_page(
        request, session, account, draft, values=typed(form, model), problems=problems, status=status
    )


# Merging


@router.get(_DRAFT + "/merge")
def merge_page(request: Request, session: SessionDep, account: Editor, draft_id: str) -> Response:
    """Three versions of each field that changed: as the draft found it, as it is published now, and as the draft says."""
    return _merge_page(request, session, drafts.get(session, account, draft_id))


@router.post(_DRAFT + "/merge")
def merge(request: Request, session: SessionDep, account: Editor, draft_id: str, form: FormDep) -> Response:
    """Make one of them."""
    language, draft = language_of(request), drafts.get(session, account, draft_id)
    chosen = {name.removeprefix("field."): str(side) for name, side in form.items() if name.startswith("field.")}
    seen, problems = read(form, Seen, language)
    status = 422
    if seen:
        try:
            with session.begin_nested():
                merging.merge(session, account, draft, chosen, seen.version, seen.revision)
        except KnowledgeBaseError as error:
            status, message = error.status, said(error.detail, language, error.members)
            problems = {f"field.{path}": message for path in error.members.get("open", [])} or {"": message}
        else:
            return see_other(f"/{language}/desk/drafts/{draft.id}", "saved")
    return _merge_page(request, session, draft, chosen, problems, status)


class Seen(Model):
    """What the merge page showed."""

    version: int
    revision: int


def _merge_page(
    request: Request,
    session: Session,
    draft: DraftRow,
    chosen: dict[str, str] | None = None,
    problems: Problems | None = None,
    status: int = 200,
) -> Response:
    return page(
        request,
        "desk/merge.html",
        status=status,
        section="desk",
        draft=draft,
        title=drafts.title_of(draft.data, language_of(request)),
        choices=merging.choices(session, draft),
        revision=records.get(session, draft.record_id).revision,
        chosen=chosen or {},
        problems=problems or {},
    )


# Several at once


class Bulk(Model):
    """What to do with the drafts that were chosen."""

    action: Literal["take", "publish", "assign"]
    assignee: str = ""
    due_on: datetime.date | None = None

    def order(self) -> bulk.Order:
        """As the service takes it."""
        return bulk.Order(self.action, self.assignee, self.due_on)


@router.get(_DESK + "/bulk")
def bulk_page(
    request: Request,
    session: SessionDep,
    account: Editor,
    action: bulk.Action = "take",
    draft: Annotated[list[str], Query(max_length=bulk.MOST)] = [],  # noqa: B006  FastAPI copies it
) -> Response:
    """What will happen to each of them, before it does."""
    return _bulk_page(request, session, action, bulk.plan(session, account, bulk.Order(action), draft))


@router.post(_DESK + "/bulk")
def do_bulk(request: Request, session: SessionDep, account: Editor, form: FormDep) -> Response:
    """Do it; what was refused is shown with the reason."""
    language = language_of(request)
    seen = [(draft_id, int(version)) for draft_id, version in map(_seen, form.getlist("draft")) if version.isdecimal()]
    asked, problems = read(form, Bulk, language)
    if asked is None:
        fates = bulk.plan(session, account, bulk.Order("assign"), [draft_id for draft_id, _ in seen])
        return _bulk_page(request, session, "assign", fates, values=typed(form, Bulk), problems=problems, status=422)
    fates = bulk.carry_out(session, account, asked.order(), seen)
    if not any(fate.refused for fate in fates):
        return see_other(f"/{language}/desk", "saved")
    return _bulk_page(request, session, asked.action, fates, is_done=True, values=typed(form, Bulk), status=422)


def _seen(text: Any) -> tuple[str, str]:
    draft_id, _, version = str(text).partition(":")
    return draft_id, version


def _bulk_page(
    request: Request,
    session: Session,
    action: bulk.Action,
    fates: list[bulk.Fate],
    *,
    is_done: bool = False,
    values: dict[str, Any] | None = None,
    problems: Problems | None = None,
    status: int = 200,
) -> Response:
    language = language_of(request)
    return page(
        request,
        "desk/bulk.html",
        status=status,
        section="desk",
        action=action,
        is_done=is_done,
        fates=[
            (
                fate,
                drafts.title_of(fate.draft.data, language),
                said(fate.refused.detail, language, fate.refused.members) if fate.refused else "",
            )
            for fate in fates
        ],
        editors=reviewing.editors(session),
        values=values or {},
        problems=problems or {},
    )
