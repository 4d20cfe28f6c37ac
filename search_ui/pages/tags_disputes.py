"""Disputed tags, and gender markers: raise a doubt, read what is doubted, settle it."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request
from pydantic import Field, ValidationError
from sqlalchemy.orm import Session
from starlette.responses import Response

from kb.accounts import service as accounts
from kb.errors import KnowledgeBaseError, NotFound
from kb.records import service as records
from kb.records.service import Stored
from kb.records.urls import record_path
from kb.tagging import cases, disputes
from kb.tagging.disputes import Dispute
from kb.tagging.letters import doubted, name
from schemas.accounts import Account
from schemas.base import Model
from schemas.language import Language
from schemas.readings import Doubt, Said, Verdict
from schemas.tagging import TagKind
from search_ui import accountable
from search_ui.depends import SessionDep
from search_ui.i18n import N_
from search_ui.identity import Editor, SignedIn
from search_ui.inputs import FormDep, Problems, problem_of, problems, read, said, see_other, typed
from search_ui.paging import paged
from search_ui.render import language_of, page

router = APIRouter(include_in_schema=False)

_RAISE: Final = "/{lang:language}/dispute/{record_id}"
_DESK: Final = "/{lang:language}/desk/tags/disputes"
_PER_PAGE: Final = 25
Id = Annotated[int, Path(ge=1, le=2**31 - 1)]

_TAG_VERDICTS: Final = {
    "keep": N_("Keep it: the tag is right"),
    "change": N_("Change it to another"),
    "remove": N_("Remove it: the tag is wrong"),
}
_MARKER_VERDICTS: Final = {
    "keep": N_("Keep it: the marker is right"),
    "remove": N_("Set it back: the marker is wrong, and the record is screened again"),
}
#: What readers can say, by what is disputed.
VERDICTS: Final[dict[TagKind, dict[str, str]]] = {
    "sdg": _TAG_VERDICTS, "theme": _TAG_VERDICTS, "gender": _MARKER_VERDICTS,
}  # fmt: skip
_TAG_OUTCOMES: Final = {
    "keep": N_("The tag stays"),
    "change": N_("The tag was changed"),
    "remove": N_("The tag was removed"),
    "withdrawn": N_("The doubt was taken back"),
}
_MARKER_OUTCOMES: Final = _TAG_OUTCOMES | {"keep": N_("The marker stays"), "remove": N_("The marker was set back")}
#: How a dispute ended, in a word, by what was disputed.
OUTCOMES: Final[dict[TagKind, dict[str, str]]] = {
    "sdg": _TAG_OUTCOMES, "theme": _TAG_OUTCOMES, "gender": _MARKER_OUTCOMES,
}  # fmt: skip


# Raising one


class Raised(Model):
    """The form that disputes a tag; ``tag`` is its kind and code, as ``sdg:11.2``, or ``gender:gender`` for the marker."""

    tag: str = Field(pattern=r"^(sdg|theme|gender):.{1,40}$")
    reason: Said
    seen: int = Field(default=0, ge=0)


@router.get(_RAISE)
def dispute_form(
    request: Request,
    session: SessionDep,
    account: SignedIn,
    record_id: str,
    tag: Annotated[str, Query(max_length=60)] = "",
) -> Response:
    """The record's tags to choose one from, with one's own open disputes."""
    return _raise_page(request, session, account, record_id, {"tag": tag})


@router.post(_RAISE)
def dispute(request: Request, session: SessionDep, account: SignedIn, record_id: str, form: FormDep) -> Response:
    """Dispute a tag or the marker."""
    language = language_of(request)
    asked, wrong = read(form, Raised, language)
    status = 422
    if asked:
        kind, _, code = asked.tag.partition(":")
        try:
            doubt = Doubt.model_validate({"kind": kind, "code": code, "reason": asked.reason, "seen": asked.seen})
            disputes.dispute(session, account, record_id, doubt)
        except NotFound:
            raise
        except KnowledgeBaseError as error:
            wrong, status = {"tag" if "field" in error.members else "": _told(error, language)}, error.status
        except ValidationError:
            wrong = {"tag": said(N_("Choose one of those that are offered."), language)}
        else:
            return see_other(f"/{language}/dispute/{record_id}", "disputed")
    return _raise_page(request, session, account, record_id, typed(form, Raised), wrong, status)


def _told(error: KnowledgeBaseError, language: Language) -> str:
    return said(error.detail, language, error.members)


@router.post(_RAISE + "/withdraw")
def withdraw(request: Request, session: SessionDep, account: SignedIn, record_id: str, form: FormDep) -> Response:
    """Take one's own doubt back."""
    language, given = language_of(request), str(form.get("dispute", ""))
    try:
        disputes.withdraw(session, account, int(given) if given.isdecimal() and len(given) < 10 else 0)
    except KnowledgeBaseError as error:
        return _raise_page(request, session, account, record_id, {}, problem_of(error, language), error.status)
    return see_other(f"/{language}/dispute/{record_id}", "saved")


def _visible(session: Session, account: Account, record_id: str) -> Stored:
    return records.get(session, record_id) if account.may("review") else records.get_public(session, record_id)


def _raise_page(
    request: Request,
    session: Session,
    account: Account,
    record_id: str,
    values: dict[str, Any],
    wrong: Problems | None = None,
    status: int = 200,
) -> Response:
    language, record = language_of(request), _visible(session, account, record_id).record
    may = disputes.disputable(session, record, account)
    marker = str(record.gender.marker)
    options = [(f"{kind}:{code}", name(kind, marker if kind == "gender" else code, language)) for kind, code in may]
    made = cases.decisions_of(session, record_id)
    own = [each for each in disputes.of_record(session, record_id) if each.row.raised_by == account.id]
    return page(
        request,
        "tags/dispute_form.html",
        status=status,
        record=record,
        options=options,
        own=[(each, doubted(each.row, language)) for each in own],
        values={"seen": made[-1].id if made else 0} | values,
        problems=wrong or {},
        outcomes=OUTCOMES,
    )


# Reading them


@router.get(_DESK)
def disputes_page(
    request: Request,
    session: SessionDep,
    account: Editor,
    show: Annotated[str, Query(max_length=10)] = "",
    number: Annotated[int, Query(alias="page", ge=1, le=10_000)] = 1,
) -> Response:
    """Those that wait for this reader, those that wait for others, and, ``show=settled``, those that are over."""
    language, is_over = language_of(request), show == "settled"
    waiting = disputes.waiting(session)
    over, count = disputes.settled(session, _PER_PAGE, (number - 1) * _PER_PAGE)
    shown = over if is_over else waiting
    stored = records.load(session, {each.row.record_id for each in [*waiting, *over]})
    mine = {each.row.id for each in waiting if disputes.refusal(session, account, each) is None}
    return page(
        request,
        "tags/disputes.html",
        section="desk",
        is_over=is_over,
        lines=[
            (each, doubted(each.row, language), stored[each.row.record_id].record)
            for each in sorted(shown, key=lambda each: each.row.id not in mine)
            if each.row.record_id in stored
        ],
        mine=mine,
        counts=(len(waiting), count),
        outcomes=OUTCOMES,
        pages=paged(number, count, _PER_PAGE, request.url.path, {"show": "settled"}) if is_over else None,
    )


@router.get(_DESK + "/{dispute_id}")
def dispute_page(request: Request, session: SessionDep, account: Editor, dispute_id: Id) -> Response:
    """What is doubted and why, beside the text; and the form for a verdict."""
    return _read_page(request, session, account, disputes.get(session, dispute_id))


@router.post(_DESK + "/{dispute_id}")
def judge(request: Request, session: SessionDep, account: Editor, dispute_id: Id, form: FormDep) -> Response:
    """Give a verdict."""
    language = language_of(request)
    values = typed(form, Verdict)
    if values.get("verdict") != "change":
        values.pop("to", None)  # what was chosen before the verdict was another
    try:
        found = disputes.judge(session, account, dispute_id, Verdict.model_validate(values))
    except NotFound:
        raise
    except KnowledgeBaseError as error:
        wrong, status = problem_of(error, language), error.status
    except ValidationError as error:
        wrong, status = {field or "to": reason for field, reason in problems(error, language).items()}, 422
    else:
        done = "settled" if found.row.outcome else "verdict"
        return see_other(f"/{language}/desk/tags/disputes/{dispute_id}", done)
    return _read_page(request, session, account, disputes.get(session, dispute_id), typed(form, Verdict), wrong, status)


def _read_page(
    request: Request,
    session: Session,
    account: Account,
    found: Dispute,
    values: dict[str, Any] | None = None,
    wrong: Problems | None = None,
    status: int = 200,
) -> Response:
    language, record = language_of(request), records.get(session, found.row.record_id).record
    refused, shown = disputes.refusal(session, account, found), disputes.shown_to(account, found)
    kinds = VERDICTS[found.row.kind]
    people = {each.account_id for each in shown} | ({found.row.raised_by} if not found.is_open else set())
    return page(
        request,
        "tags/dispute.html",
        status=status,
        section="desk",
        dispute=found,
        tag=found.tag,
        name=doubted(found.row, language),
        record=record,
        href=record_path(record.type, record.id, language),
        parts=accountable.parts(record, found.tag.passage, language),
        choices=accountable.choices(found.row.kind, language) if "change" in kinds else [],
        verdicts=[(each, name(found.row.kind, each.code, language) if each.code else "") for each in shown],
        names=accounts.names(session, people),
        refused=said(refused.detail, language, refused.members) if refused else "",
        kinds=kinds,
        outcomes=OUTCOMES,
        values=values or {},
        problems=wrong or {},
    )
