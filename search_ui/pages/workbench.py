"""The tagging workbench: one record, its text beside its tags, and every decision on them.

Named so that its path, which ends in any record's id, comes after the other pages below ``desk/tags``.
"""

from typing import Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from pydantic import Field
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from starlette.responses import JSONResponse, RedirectResponse, Response

from indexer.tagging.job import suggest_record
from indexer.tagging.opening import tagger_of
from indexer.tagging.service import Tagger
from kb.accounts import service as accounts
from kb.db import is_read_only, transaction, utcnow
from kb.errors import Conflict, Invalid, KnowledgeBaseError, ReadOnly, Unavailable
from kb.records import service as records
from kb.tagging import cases, decisions, queue
from kb.tagging.tables import DecisionRow, SuggestionRow
from schemas.accounts import Account
from schemas.base import Model
from schemas.language import Language
from schemas.tagging import Decision, TagKind
from schemas.vocabulary import load
from search_ui import i18n, reviewing, workbench
from search_ui.depends import EngineDep, SearchDep, SessionDep
from search_ui.i18n import N_
from search_ui.identity import Editor
from search_ui.inputs import FormDep, Problems, problem_of, read, said, see_other, typed
from search_ui.pages.tags_queue import STAGES, asked_of, case_path, kept_of
from search_ui.render import language_of, page
from search_ui.workbench import Bench

router = APIRouter(include_in_schema=False)

_CASE: Final = "/{lang:language}/desk/tags/{record_id}"

#: How far the model is with the records that it reads in this process: parts of the text, of how many.
_reading: Final[dict[str, tuple[int, int]]] = {}

#: What a decision did, told to who made it.
TOLD: Final = {
    "accept": N_("%(tag)s: accepted."),
    "reject": N_("%(tag)s: rejected."),
    "add": N_("%(tag)s: added."),
    "change": N_("%(tag)s: changed."),
    "remove": N_("%(tag)s: removed."),
    "undo": N_("%(tag)s: taken back."),
}


@router.get(_CASE)
def case_page(request: Request, session: SessionDep, account: Editor, record_id: str) -> Response:
    """The text on one side, the tags on the other."""
    return _case_page(request, session, account, record_id)


def _case_page(
    request: Request,
    session: Session,
    account: Account,
    record_id: str,
    *,
    values: dict[str, Any] | None = None,
    problems: Problems | None = None,
    at: str = "",
    status: int = 200,
) -> Response:
    """``at`` is the card whose form was refused, or ``add``; what was typed there is shown once more."""
    language, kept = language_of(request), kept_of(request, account)
    shown = workbench.bench(session, record_id, account.id)
    who = workbench.who_decided(session, shown.made, language)
    return page(
        request,
        "tags/case.html",
        status=status,
        section="desk",
        bench=shown,
        record=shown.record,
        here=f"/{language}/desk/tags/{record_id}",
        query=f"?{urlencode(kept)}" if kept else "",
        queue_query=asked_of(request, account).query,
        stages=STAGES,
        names=accounts.names(session, [shown.row.assignee_id] if shown.row else []),
        who=who,
        told=_told(request, shown, who, account, language),
        editors=reviewing.editors(session),
        groups=workbench.options(language),
        done_words=workbench.DONE,
        sources=workbench.SOURCES,
        contributions=workbench.CONTRIBUTIONS,
        tag_name=lambda kind, code: tag_name(kind, code, language),
        today=utcnow().date(),
        values=values or {},
        problems=problems or {},
        at=at,
    )


def tag_name(kind: TagKind, code: str, language: Language) -> str:
    """``11.2 Transport for all``; a theme by its label alone."""
    if kind == "gender":
        return i18n.gettext(N_("Gender marker"), language)
    label = load("sdgs" if kind == "sdg" else "gender_themes").label_of(code, language)
    return f"{code} {label}" if kind == "sdg" else label


def _told(request: Request, shown: Bench, who: dict[int, str], account: Account, language: Language) -> list[str]:
    """What the decision did that led here, and what others decided since the page was last seen."""
    asked = request.query_params
    decided = next((each for each in shown.made if str(each.id) == asked.get("decided")), None)
    found = []
    if decided and decided.action in TOLD:
        name = tag_name(decided.kind, _code_after(decided), language)
        found.append(i18n.gettext(TOLD[decided.action], language) % {"tag": name})
    known = int(known) if (known := asked.get("known", "")).isdecimal() and len(known) < 12 else None
    if known is not None:
        others = [each for each in shown.made if each.id > known and each.account_id != account.id]
        found += [_of_other(each, who, language) for each in others]
    return found


def _code_after(row: DecisionRow) -> str:
    value = row.after or {}
    return str(value.get("code") or value.get("theme") or row.code)


def _of_other(row: DecisionRow, who: dict[int, str], language: Language) -> str:
    text = i18n.gettext(N_("%(name)s has decided meanwhile: %(what)s, %(tag)s."), language)
    return text % {
        "name": who[row.id],
        "what": i18n.gettext(workbench.DONE[row.action], language).lower(),
        "tag": tag_name(row.kind, _code_after(row), language),
    }


# Deciding


class Decide(Model):
    """A card's form. ``to`` is the target that was chosen of those offered, ``other`` one of all; ``known`` is the newest
    decision on the record that the page showed. In the form for a new tag ``tag`` is what it is, as ``sdg:5.2``."""

    card: str = ""
    tag: str = ""
    kind: str = ""
    code: str = ""
    action: str
    to: str = ""
    other: str = ""
    primary: bool | None = None
    contribution: str = ""
    passage: str = Field(default="", max_length=5000)
    comment: str = Field(default="", max_length=2000)
    seen: int = Field(default=0, ge=0)
    known: int = Field(default=0, ge=0)

    def decision(self, passage: str | None) -> Decision:
        """As the service takes it."""
        kind, code = self.tag.split(":", 1) if ":" in self.tag else (self.kind, self.code)
        to = self.other or self.to
        if to and to.split(".")[0] != code.split(".")[0]:
            raise ValueError("a target of another goal")
        return Decision.model_validate(
            {
                "kind": kind, "code": code, "action": self.action, "to": to if to not in ("", code) else None,
                "primary": self.primary if kind == "sdg" else None,
                "contribution": self.contribution or None if kind == "sdg" else None,
                "passage": passage, "comment": self.comment, "seen": self.seen,
            }
        )  # fmt: skip


@router.post(_CASE + "/decide")
def decide(request: Request, session: SessionDep, account: Editor, record_id: str, form: FormDep) -> Response:
    """Decide on a tag, then the page once more; also where it was refused, with what was typed."""
    language = language_of(request)
    asked, problems = read(form, Decide, language)
    status = 422
    if asked:
        try:
            with session.begin_nested():
                row = _decided(session, account, record_id, asked)
        except KnowledgeBaseError as error:
            problems, status = problem_of(error, language), error.status
            if isinstance(error, Conflict):
                problems = _conflict(session, account, record_id, asked, language) or problems
        except ValueError:
            problems = {"": i18n.gettext(N_("This is not a decision that can be made here."), language)}
        else:
            return _on(request, account, record_id, row, asked.known)
    at = asked.card if asked else "add"
    return _case_page(
        request, session, account, record_id, values=typed(form, Decide), problems=problems, at=at, status=status
    )


def _decided(session: Session, account: Account, record_id: str, asked: Decide) -> DecisionRow:
    records.hold(
        session, record_id
    )  # before anything is read: what is read first would hide what others wrote meanwhile
    shown = workbench.bench(session, record_id, account.id)
    passage = None
    if asked.passage.strip():
        passage = workbench.taken(shown.reading, asked.passage)
        if passage is None:
            raise Invalid(N_("This passage is not in the text word for word. Copy it from there."), field="passage")
    if asked.tag:
        key = asked.tag.partition(":")[2].split(".")[0]
        asked.seen = max((card.seen for card in shown.cards if card.key == key and card.seen <= asked.known), default=0)
    decision = asked.decision(passage)
    try:
        return decisions.decide(session, account, record_id, decision)
    except Conflict:
        same = _same(shown, account, decision)
        if same is None:
            raise
        return same


def _same(shown: Bench, account: Account, decision: Decision) -> DecisionRow | None:
    """One's own last decision where it says the same: its answer got lost on the way, and it was sent once more."""
    made = [each for each in shown.made if (each.kind, each.key) == (decision.kind, decision.key)]
    last = made[-1] if made else None
    is_same = last and (last.account_id, last.action, last.code) == (account.id, decision.action, decision.code)
    wanted = decision.to or decision.code
    return last if last and is_same and (last.after is None or _code_after(last) == wanted) else None


def _conflict(session: Session, account: Account, record_id: str, asked: Decide, language: Language) -> Problems:
    """What the other has decided, in words."""
    kind, code = asked.tag.split(":", 1) if ":" in asked.tag else (asked.kind, asked.code)
    made = [
        each
        for each in cases.decisions_of(session, record_id)
        if (each.kind, each.key) == (kind, code.split(".")[0]) and each.id > asked.seen
    ]
    if not made:
        return {}
    what = _of_other(made[-1], workbench.who_decided(session, made, language), language)
    advice = N_("Your own decision was not made, and what you typed is still here: look at the tag as it is now.")
    return {"": f"{what} {i18n.gettext(advice, language)}"}


def _on(request: Request, account: Account, record_id: str, row: DecisionRow, known: int) -> Response:
    kept = kept_of(request, account) | {"decided": str(row.id), "known": str(known)}
    return see_other(f"/{language_of(request)}/desk/tags/{record_id}", **kept)


class Undo(Model):
    """The decision to take back, and the newest one on the record that the page showed."""

    decision: int
    known: int = Field(default=0, ge=0)


@router.post(_CASE + "/undo")
def undo(request: Request, session: SessionDep, account: Editor, record_id: str, form: FormDep) -> Response:
    """Take one's own decision back."""
    language = language_of(request)
    asked, problems = read(form, Undo, language)
    status = 422
    if asked:
        try:
            with session.begin_nested():
                row = decisions.undo(session, account, record_id, asked.decision)
        except KnowledgeBaseError as error:
            problems, status = {"": said(error.detail, language, error.members)}, error.status
        else:
            return _on(request, account, record_id, row, asked.known)
    return _case_page(request, session, account, record_id, problems=problems, status=status)


# Going on


@router.get(_CASE + "/next")
def next_case(request: Request, session: SessionDep, account: Editor, record_id: str) -> Response:
    """Lead to the case that comes after this one in the queue that it was opened from; after the last, to the queue."""
    language, asked = language_of(request), asked_of(request, account)
    at = request.query_params.get("at", "")[:40]
    found = queue.next_after(session, asked.wanted, asked.sort, record_id, at)
    if found is None:
        return see_other(f"/{language}/desk/tags", "last-case", **asked.kept)
    return RedirectResponse(case_path(found, asked, language), 303)


# Asking the model


@router.post(_CASE + "/ask")
def ask(request: Request, database: EngineDep, search: SearchDep, account: Editor, record_id: str) -> Response:
    """Have the model read the record's text now, and lead back. No transaction is open meanwhile: it takes seconds."""
    if is_read_only(database):
        raise ReadOnly
    with transaction(database, readonly=True) as session:
        records.get(session, record_id)
    try:
        tagger = tagger_of(request.app.state.taggers, search)
        row = _read(database, tagger, record_id) or _read(database, tagger, record_id)
    except Unavailable as error:
        problems = problem_of(error, language_of(request))
        with transaction(database, readonly=True) as session:
            return _case_page(request, session, account, record_id, problems=problems, status=error.status)
    done = "read" if row else ""  # it changes all the time: they may ask again
    return see_other(f"/{language_of(request)}/desk/tags/{record_id}", done, **kept_of(request, account))


def _read(database: Engine, tagger: Tagger, record_id: str) -> SuggestionRow | None:
    def progress(done: int, total: int) -> None:
        _reading[record_id] = done, total

    try:
        return suggest_record(database, tagger, record_id, progress)
    finally:
        _reading.pop(record_id, None)


@router.get(_CASE + "/reading")
def reading(account: Editor, record_id: str) -> JSONResponse:
    """How many parts of the text are read, and of how many; zeros while this process reads nothing."""
    done, total = _reading.get(record_id, (0, 0))
    return JSONResponse({"done": done, "total": total}, headers={"Cache-Control": "no-store"})
