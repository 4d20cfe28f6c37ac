"""The desk's records: which are old, which are due, and what becomes of them."""

from typing import Any, Final

from fastapi import APIRouter, Request
from pydantic import Field
from sqlalchemy.orm import Session
from starlette.responses import Response

from kb.accounts import service as accounts
from kb.db import utcnow
from kb.editorial import drafts, publishing, reviews
from kb.errors import KnowledgeBaseError
from kb.records import overview
from kb.records import service as records
from kb.site import service as sites
from schemas.accounts import Account
from schemas.base import Model
from schemas.language import AUTONYMS, LANGUAGES, Language
from schemas.records import RECORD_TYPES
from schemas.vocabulary import load
from search_ui import i18n
from search_ui.depends import SessionDep
from search_ui.i18n import N_
from search_ui.identity import Contributor, Editor
from search_ui.inputs import FormDep, Problems, problem_of, read, see_other, typed
from search_ui.paging import number, paged
from search_ui.render import language_of, page

router = APIRouter(include_in_schema=False)

_RECORDS: Final = "/{lang:language}/desk/records"
_RECORD: Final = _RECORDS + "/{record_id}"
_ON_A_PAGE: Final = 50

STATUSES: Final = {"published": N_("Published"), "withdrawn": N_("Withdrawn"), "archived": N_("Archived")}
LIGHTS: Final = {
    "good": N_("Verified within a year"),
    "fair": N_("Verified one to two years ago"),
    "old": N_("Verified longer ago"),
    "never": N_("Never verified"),
}
SORTS: Final = {
    "review": N_("Next check first"),
    "verified": N_("Verified longest ago first"),
    "changed": N_("Changed last first"),
    "title": N_("Title, A to Z"),
}
#: What one may do with a record that stands somewhere, by where it goes.
MOVES: Final = {"withdrawn": N_("Withdraw"), "archived": N_("Archive"), "published": N_("Put back before readers")}


@router.get(_RECORDS)
def records_page(request: Request, session: SessionDep, account: Editor) -> Response:
    """All records with the light of their freshness, narrowed by the address."""
    language, today, asked = language_of(request), utcnow().date(), request.query_params
    sort: overview.Sort = next((name for name in overview.SORTS if name == asked.get("sort")), "review")
    wanted = overview.Wanted(
        today,
        status=asked["status"] if asked.get("status") in STATUSES else "",
        type=asked["type"] if asked.get("type", "") in RECORD_TYPES else "",
        language=asked["language"] if asked.get("language", "") in LANGUAGES else "",
        light=asked["light"] if asked.get("light", "") in overview.LIGHTS else "",
        words=asked.get("words", "").strip().replace("\x00", "")[:200],
        due=asked.get("due") == "yes",
    )
    chosen = {name: getattr(wanted, name) for name in ("status", "type", "language", "light", "words")}
    values = {name: value for name, value in chosen.items() if value} | ({"due": "yes"} if wanted.due else {})
    total = overview.count(session, wanted)
    kept = values | ({"sort": sort} if sort != "review" else {})
    pages = paged(number(asked.get("page", "")), total, _ON_A_PAGE, request.url.path, kept)
    return page(
        request,
        "desk/records.html",
        section="desk",
        lines=overview.lines(session, wanted, sort, language, _ON_A_PAGE, (pages.current - 1) * _ON_A_PAGE),
        total=total,
        pages=pages,
        values=values | {"sort": sort},
        kept=kept,
        options=_options(language),
        statuses=STATUSES,
        featured=sites.read(session).featured,
        today=today,
    )


def _options(language: Language) -> dict[str, list[tuple[str, str]]]:
    def named(names: dict[str, str]) -> list[tuple[str, str]]:
        return [(name, i18n.gettext(text, language)) for name, text in names.items()]

    return {
        "status": named(STATUSES),
        "light": named(LIGHTS),
        "sort": named(SORTS),
        "type": [(name, load("record_types").label_of(name, language)) for name in RECORD_TYPES],
        "language": [(name, AUTONYMS[name]) for name in LANGUAGES],
    }


@router.get(_RECORD)
def record_page(request: Request, session: SessionDep, account: Editor, record_id: str) -> Response:
    """One record and what can be done with it."""
    return _record_page(request, session, account, record_id)


def _record_page(
    request: Request,
    session: Session,
    account: Account,
    record_id: str,
    values: dict[str, Any] | None = None,
    problems: Problems | None = None,
    status: int = 200,
) -> Response:
    stored = records.get(session, record_id)
    return page(
        request,
        "desk/record.html",
        status=status,
        section="desk",
        stored=stored,
        record=stored.record,
        moves=[(shelf, MOVES[shelf]) for shelf in publishing.SHELVES.get(stored.record.status, ())],
        statuses=STATUSES,
        owners=accounts.names(session, drafts.owners_of(session, record_id)),
        featured=sites.read(session).featured,
        today=utcnow().date(),
        values=values or {},
        problems=problems or {},
    )


@router.post(_RECORD + "/edit")
def edit(request: Request, session: SessionDep, account: Contributor, record_id: str) -> Response:
    """Begin a draft that changes it, or go on with the one that is open: for staff, and for those whose record it is."""
    draft = drafts.start_from(session, account, record_id)
    return see_other(f"/{language_of(request)}/drafts/{draft.id}")


class Seen(Model):
    """The revision that was shown, and where to go on: the list, or the record's own page."""

    revision: int
    back: str = ""


@router.post(_RECORD + "/verify")
def verify(request: Request, session: SessionDep, account: Editor, record_id: str, form: FormDep) -> Response:
    """It was checked today."""
    language = language_of(request)
    asked, problems = read(form, Seen, language)
    status = 422
    if asked:
        try:
            reviews.verify(session, account, record_id, asked.revision)
        except KnowledgeBaseError as error:
            problems, status = problem_of(error, language), error.status
        else:
            return _back(request, record_id, asked.back)
    return _record_page(request, session, account, record_id, None, problems, status)


def _back(request: Request, record_id: str, back: str) -> Response:
    path = f"/{language_of(request)}/desk/records"
    return see_other(path if back == "list" else f"{path}/{record_id}", "saved")


class Put(Model):
    """Where the record goes, and why."""

    to: publishing.Shelf
    reason: str = Field(default="", max_length=2000)
    revision: int


@router.post(_RECORD + "/status")
def put(request: Request, session: SessionDep, account: Editor, record_id: str, form: FormDep) -> Response:
    """Withdraw it, archive it, or put it before readers again."""
    language = language_of(request)
    asked, problems = read(form, Put, language)
    status = 422
    if asked:
        try:
            publishing.put(session, account, record_id, asked.to, asked.reason, asked.revision)
        except KnowledgeBaseError as error:
            problems, status = problem_of(error, language), error.status
        else:
            return _back(request, record_id, "")
    return _record_page(request, session, account, record_id, typed(form, Put), problems, status)


@router.post(_RECORD + "/feature")
def feature(request: Request, session: SessionDep, account: Editor, record_id: str) -> Response:
    """Put it on the first page, as the last of those there; or take it off."""
    stored = records.get(session, record_id)
    present = sites.read(session).featured
    without = [each for each in present if each != record_id]
    changed = without if record_id in present else [*present, stored.record.id]
    sites.change(session, account.id, featured=changed)
    return _back(request, record_id, "")
