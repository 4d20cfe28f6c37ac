"""Accepting suggested goals in bulk: choose, read a sample one by one, see how good it was, accept the rest, take it all back."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Path, Request
from pydantic import Field
from sqlalchemy.orm import Session
from starlette.responses import Response

from kb.accounts import service as accounts
from kb.db import transaction
from kb.errors import KnowledgeBaseError
from kb.tagging import bulk, bulk_run
from kb.tagging.cases import TAGGED
from kb.tagging.tables import BulkRow
from schemas.accounts import Account
from schemas.base import Model
from schemas.language import AUTONYMS, LANGUAGES, Language
from schemas.records import RecordType
from schemas.tagging import BulkRule
from schemas.vocabulary import load, term_of
from search_ui import i18n
from search_ui.depends import EngineDep, SessionDep
from search_ui.i18n import N_
from search_ui.identity import Editor
from search_ui.inputs import FormDep, Problems, problem_of, read, see_other, typed
from search_ui.render import KINDS, language_of, page

router = APIRouter(include_in_schema=False, prefix="/{lang:language}/desk/tags/bulk")

BulkId = Annotated[int, Path(ge=0, le=2_000_000_000)]

#: Seconds that a request works on what was accepted before it answers; a round goes on with the rest.
_AT_ONCE: Final = 2.0
_SAMPLES: Final = (10, 20, 30, 50, 100)

STAGES: Final = {
    "checking": N_("The sample is being read"),
    "accepting": N_("Being accepted"),
    "done": N_("Accepted"),
    "undoing": N_("Being taken back"),
    "undone": N_("Taken back"),
}
_COMMENT: Final = N_(
    "Accepted in bulk %(number)s: suggestions of at least %(percent)s; %(right)s of the %(read)s that were read were right."
)


class Asked(Model):
    """Which suggestions. ``confidence`` is in per cent."""

    confidence: Annotated[int, Field(ge=50, le=100)] = round(bulk.SURE * 100)
    goal: Annotated[str, term_of("sdgs")] = ""
    language: Language | None = None
    region: Annotated[str, term_of("regions")] = ""
    type: RecordType | None = None
    sample: Annotated[int, Field(ge=10, le=200)] = _SAMPLES[0]

    def rule(self) -> BulkRule:
        """As the service takes it."""
        return BulkRule.model_validate(self.model_dump(exclude_defaults=True) | {"confidence": self.confidence / 100})


class Word(Model):
    """What the reader says of one of the sample."""

    place: Annotated[int, Field(ge=1, le=1000)]
    right: Literal["yes", "no"]


class Acceptance(Model):
    """``rest``: accept the unread ones, too; ``despite``: although many of the sample were wrong."""

    rest: Literal["yes", "no"]
    despite: Literal["yes"] | None = None


# Choosing


@router.get("")
def choose(request: Request, session: SessionDep, _account: Editor) -> Response:
    """Choose by confidence and filters, and see how many they are."""
    asked, problems = read(request.query_params, Asked, language_of(request))  # type: ignore[arg-type]
    return _choose(request, session, asked, dict(request.query_params), problems)


@router.post("")
def begin(request: Request, session: SessionDep, account: Editor, form: FormDep) -> Response:
    """Keep what was chosen, and draw the sample."""
    language = language_of(request)
    asked, problems = read(form, Asked, language)
    status = 422
    if asked:
        try:
            with session.begin_nested():
                row = bulk.begin(session, account, asked.rule())
        except KnowledgeBaseError as error:
            problems, status = problem_of(error, language), error.status
        else:
            return see_other(f"/{language}/desk/tags/bulk/{row.id}")
    return _choose(request, session, asked, typed(form, Asked), problems, status)


def _choose(
    request: Request,
    session: Session,
    asked: Asked | None,
    values: dict[str, Any],
    problems: Problems,
    status: int = 200,
) -> Response:
    language = language_of(request)
    found = bulk.offers(session, asked.rule()) if asked else []
    recent = bulk.recent(session)
    return page(
        request,
        "tags/bulk.html",
        status=status,
        section="desk",
        asked=asked,
        suggestions=len(found),
        records=len({offer.record_id for offer in found}),
        is_weak=bool(asked and asked.confidence < bulk.SURE * 100),
        values={"confidence": round(bulk.SURE * 100), "sample": _SAMPLES[0]} | values,
        problems=problems,
        options=_options(language),
        recent=[(row, _facts(row, language)) for row in recent],
        names=accounts.names(session, {row.account_id for row in recent}),
        stages=STAGES,
    )


def _options(language: Language) -> dict[str, list[tuple[Any, str]]]:
    return {
        "goal": [(term.id, f"{term.id} {term.label[language]}") for term in load("sdgs").top()],
        "language": [(name, AUTONYMS[name]) for name in LANGUAGES],
        "region": [(term.id, term.label[language]) for term in load("regions").terms],
        "type": [(name, i18n.gettext(KINDS[name], language)) for name in TAGGED],
        "sample": [(size, i18n.number(size, language)) for size in _SAMPLES],
    }


def _facts(row: BulkRow, language: Language) -> list[str]:
    """The rule in words."""
    rule = bulk.rule_of(row)
    parts = [
        i18n.gettext(N_("at least %(percent)s"), language) % {"percent": i18n.percent(rule.confidence, language)},
        f"{rule.goal} {load('sdgs').label_of(rule.goal, language)}" if rule.goal else "",
        load("regions").label_of(rule.region, language) if rule.region else "",
        i18n.gettext(KINDS[rule.type], language) if rule.type else "",
        AUTONYMS[rule.language] if rule.language else "",
    ]
    return [part for part in parts if part]


# One bulk


@router.get("/{bulk_id}")
def show(request: Request, session: SessionDep, account: Editor, bulk_id: BulkId) -> Response:
    """Its sample, what it says, and what became of it."""
    return _show(request, session, account, bulk.get(session, bulk_id))


@router.post("/{bulk_id}/check")
def check(request: Request, session: SessionDep, account: Editor, bulk_id: BulkId, form: FormDep) -> Response:
    """Say of one of the sample whether it is right."""
    language = language_of(request)
    asked, problems = read(form, Word, language)
    if asked is None:
        return _show(request, session, account, bulk.get(session, bulk_id), problems, 422)
    bulk.check(session, account, bulk_id, asked.place, right=asked.right == "yes")
    return see_other(f"/{language}/desk/tags/bulk/{bulk_id}#sample")


@router.post("/{bulk_id}/accept")
def accept(request: Request, engine: EngineDep, account: Editor, bulk_id: BulkId, form: FormDep) -> Response:
    """Accept what was read, and perhaps the rest; begin with it at once."""
    language = language_of(request)
    asked, problems = read(form, Acceptance, language)
    status = 422
    if asked:
        try:
            with transaction(engine) as session:
                comment = _comment(session, bulk_id, language)
                is_despite = asked.despite is not None
                bulk.accept(session, account, bulk_id, comment, rest=asked.rest == "yes", despite=is_despite)
        except KnowledgeBaseError as error:
            if error.status not in (409, 422):
                raise
            problems, status = problem_of(error, language), error.status
        else:
            bulk_run.run(engine, bulk_id, _AT_ONCE)
            return see_other(f"/{language}/desk/tags/bulk/{bulk_id}")
    with transaction(engine, readonly=True) as session:
        return _show(request, session, account, bulk.get(session, bulk_id), problems, status)


def _comment(session: Session, bulk_id: int, language: Language) -> str:
    row = bulk.get(session, bulk_id)
    found = bulk.quality(session, row)
    return i18n.gettext(_COMMENT, language) % {
        "number": row.id,
        "percent": i18n.percent(bulk.rule_of(row).confidence, language),
        "right": i18n.number(found.right, language),
        "read": i18n.number(found.right + found.wrong, language),
    }


@router.post("/{bulk_id}/discard")
def discard(request: Request, session: SessionDep, account: Editor, bulk_id: BulkId) -> Response:
    """Throw it away before anything was accepted."""
    bulk.discard(session, account, bulk_id)
    return see_other(f"/{language_of(request)}/desk/tags/bulk", "removed")


@router.post("/{bulk_id}/undo")
def undo(request: Request, engine: EngineDep, account: Editor, bulk_id: BulkId) -> Response:
    """Take the whole of it back; begin with it at once."""
    with transaction(engine) as session:
        bulk.take_back(session, account, bulk_id)
    bulk_run.run(engine, bulk_id, _AT_ONCE)
    return see_other(f"/{language_of(request)}/desk/tags/bulk/{bulk_id}")


def _show(
    request: Request,
    session: Session,
    account: Account,
    row: BulkRow,
    problems: Problems | None = None,
    status: int = 200,
) -> Response:
    language = language_of(request)
    sample = bulk.sample(session, row)
    suggestions, records = bulk.sizes(session, row)
    quality, outcomes = bulk.quality(session, row), bulk.outcomes(session, row)
    rest = suggestions - quality.right - quality.wrong - quality.unread
    return page(
        request,
        "tags/bulk_one.html",
        status=status,
        section="desk",
        bulk=row,
        facts=_facts(row, language),
        stage=i18n.gettext(STAGES[row.stage], language),
        is_own=row.account_id == account.id,
        who=accounts.names(session, [row.account_id]).get(row.account_id, ""),
        sample=sample,
        current=_current(request, sample),
        suggestions=suggestions,
        records=records,
        rest=rest,
        quality=quality,
        wrong=[
            round(rest * (1 - share)) for share in reversed([quality.interval[0], quality.share, quality.interval[1]])
        ],
        outcomes=outcomes,
        left=[
            (
                item.key,
                case.title,
                case.type,
                case.record_id,
                i18n.gettext(item.reason, language) if item.reason else "",
            )
            for item, case in bulk.left_out(session, row)
        ],
        may_take_back=bulk.may_take_back(account, row),
        until=row.accepted_at + bulk.REVOCABLE if row.accepted_at else None,
        problems=problems or {},
    )


def _current(request: Request, sample: list[bulk.Read]) -> bulk.Read | None:
    """The one that the address asks for, else the first that is not read yet."""
    place = request.query_params.get("place", "")
    wanted = next((each for each in sample if str(each.item.sample) == place), None)
    return wanted or next((each for each in sample if each.item.is_right is None), None)
