"""The tagging queue: which records wait for a decision on their tags, and who has which."""

import datetime
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from pydantic import Field
from sqlalchemy.orm import Session
from starlette.responses import Response

from kb.accounts import service as accounts
from kb.db import utcnow
from kb.errors import KnowledgeBaseError
from kb.tagging import queue
from kb.tagging.cases import TAGGED
from kb.tagging.tables import TagCaseRow
from schemas.accounts import Account, is_account_id
from schemas.base import Model
from schemas.language import AUTONYMS, LANGUAGES, Language
from schemas.vocabulary import load
from search_ui import i18n, reviewing, workbench
from search_ui.depends import SessionDep
from search_ui.i18n import N_
from search_ui.identity import Editor
from search_ui.inputs import FormDep, Problems, problem_of, read, see_other, typed
from search_ui.paging import number, paged
from search_ui.render import language_of, page

router = APIRouter(include_in_schema=False)

_TAGS: Final = "/{lang:language}/desk/tags"
_ON_A_PAGE: Final = 50

VIEWS: Final = {
    "open": N_("To be decided"),
    "suggested": N_("With suggestions"),
    "untagged": N_("Untagged"),
    "disputed": N_("Disputed"),
    "stale": N_("Text changed since"),
    "unscreened": N_("Gender not screened"),
    "mine": N_("Assigned to me"),
    "decided": N_("Decided"),
}
SORTS: Final = {
    "sure": N_("Surest suggestions first"),
    "unsure": N_("Least sure suggestions first"),
    "waiting": N_("Waiting longest first"),
    "changed": N_("Changed last first"),
    "due": N_("Due first"),
}
#: What a case's stage is called.
STAGES: Final = {"untagged": N_("Untagged"), "suggested": N_("With suggestions"), "decided": N_("Decided")}


class Asked(NamedTuple):
    """What of the queue an address asks for. ``kept`` are its parameters, without those that are nothing or the default."""

    wanted: queue.Wanted
    sort: queue.Sort
    kept: dict[str, str]

    @property
    def query(self) -> str:
        """The parameters as they stand in an address, with the question mark; empty where there are none."""
        return f"?{urlencode(self.kept)}" if self.kept else ""


def asked_of(request: Request, account: Account) -> Asked:
    """What the request's address asks for; what makes no sense in it is passed over."""
    given = request.query_params
    sort: queue.Sort = next((name for name in queue.SORTS if name == given.get("sort")), "sure")
    filters: dict[str, str] = {name: value for name in _CHECKS if _CHECKS[name](value := given.get(name, "").strip())}
    view = {"view": given["view"]} if given.get("view") in VIEWS else {}
    wanted = queue.Wanted(
        view=view.get("view", "open"),
        me=account.id,
        **{name: filters.get(name, "") for name in ("type", "language", "region", "country", "goal", "assignee")},
        year=int(filters["year"]) if "year" in filters else None,
        low=int(filters["low"]) / 100 if "low" in filters else None,
        high=int(filters["high"]) / 100 if "high" in filters else None,
    )
    return Asked(wanted, sort, view | filters | ({"sort": sort} if sort != "sure" else {}))


def kept_of(request: Request, account: Account) -> dict[str, str]:
    """The parameters of a case's page: of the queue, and where in it the case stood."""
    at = request.query_params.get("at", "")[:40]
    return asked_of(request, account).kept | ({"at": at} if at else {})


def _is_percent(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 4 and int(text) <= 100


#: The filters of an address, with what they can be.
_CHECKS: Final = {
    "type": lambda text: text in TAGGED,
    "language": lambda text: text in LANGUAGES,
    "region": lambda text: text in load("regions"),
    "country": lambda text: len(text) == 2 and text.isascii() and text.isalpha(),
    "year": lambda text: text.isascii() and text.isdecimal() and len(text) == 4,
    "goal": lambda text: text in load("sdgs") and "." not in text,
    "assignee": lambda text: text == "nobody" or is_account_id(text),
    "low": _is_percent,
    "high": _is_percent,
}


@router.get(_TAGS)
def queue_page(request: Request, session: SessionDep, account: Editor) -> Response:
    """The queue, narrowed by the address."""
    return _queue_page(request, session, account)


def _queue_page(
    request: Request,
    session: Session,
    account: Account,
    values: Mapping[str, Any] | None = None,
    problems: Problems | None = None,
    status: int = 200,
) -> Response:
    language, asked = language_of(request), asked_of(request, account)
    total = queue.count(session, asked.wanted)
    pages = paged(number(request.query_params.get("page", "")), total, _ON_A_PAGE, request.url.path, asked.kept)
    lines = queue.lines(session, asked.wanted, asked.sort, _ON_A_PAGE, (pages.current - 1) * _ON_A_PAGE)
    return page(
        request,
        "tags/queue.html",
        status=status,
        section="desk",
        lines=[(row, case_path(row, asked, language)) for row in lines],
        total=total,
        pages=pages,
        view=asked.wanted.view,
        views=named(VIEWS, language),
        counts=queue.counts(session, account.id),
        stages=STAGES,
        filters={"sort": asked.sort} | asked.kept,
        narrowed=asked.kept.keys() - {"view", "sort"},
        query=asked.query,
        options=_options(session, language),
        names=accounts.names(session, {row.assignee_id for row in lines}),
        editors=reviewing.editors(session),
        sure=workbench.sure,
        today=utcnow().date(),
        values=values or {},
        problems=problems or {},
    )


def named(names: Mapping[str, str], language: Language) -> list[tuple[str, str]]:
    """(value, text in that language) of each."""
    return [(name, i18n.gettext(text, language)) for name, text in names.items()]


def case_path(row: TagCaseRow, asked: Asked, language: Language) -> str:
    """The page of a case, opened from this queue: it knows where in the queue it stood."""
    query = urlencode(asked.kept | {"at": queue.position(row, asked.sort)})
    return f"/{language}/desk/tags/{row.record_id}?{query}"


def _options(session: Session, language: Language) -> dict[str, list[tuple[str, str]]]:
    occurring = queue.occurring(session)
    people = accounts.names(session, occurring["assignee"])
    goals, regions = load("sdgs"), load("regions")
    return {
        "type": [(name, load("record_types").label_of(name, language)) for name in TAGGED],
        "language": [(name, AUTONYMS[name]) for name in LANGUAGES],
        "region": [
            (term.id, ("– " if term.broader else "") + term.label[language])
            for top in regions.top()
            for term in (top, *regions.narrower(top.id))
        ],
        "country": sorted(
            ((code, i18n.country(code, language)) for code in occurring["country"]), key=lambda pair: pair[1]
        ),
        "year": [(str(year), str(year)) for year in reversed(occurring["year"])],
        "goal": [(term.id, f"{term.id}. {term.label[language]}") for term in goals.top()],
        "assignee": [
            ("nobody", i18n.gettext(N_("Nobody"), language)),
            *sorted(people.items(), key=lambda pair: pair[1]),
        ],
        "sort": named(SORTS, language),
    }


class Assign(Model):
    """Cases, who has them, and until when. ``back``: the case whose page the form stands on."""

    record: list[str] = Field(default=[], min_length=1, max_length=queue.MOST)
    assignee: str = ""
    due_on: datetime.date | None = None
    back: str = ""


@router.post(_TAGS)
def assign(request: Request, session: SessionDep, account: Editor, form: FormDep) -> Response:
    """Give the cases that were chosen to somebody, or to nobody."""
    language = language_of(request)
    given, problems = read(form, Assign, language)
    status = 422
    if not form.getlist("record"):
        problems = {"record": i18n.gettext(N_("Choose at least one case."), language)}
    elif given:
        try:
            queue.assign(session, account, given.record, given.assignee, given.due_on)
        except KnowledgeBaseError as error:
            problems, status = problem_of(error, language), error.status
        else:
            there = f"/{language}/desk/tags" + (f"/{given.back}" if given.back in given.record else "")
            return see_other(there, "saved", **kept_of(request, account))
    return _queue_page(request, session, account, typed(form, Assign), problems, status)
