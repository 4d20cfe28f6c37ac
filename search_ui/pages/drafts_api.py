"""/api/v1/drafts: contributions by programs, with an API token that may contribute."""

import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Body
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from kb.editorial import drafts
from kb.editorial.tables import DraftRow
from kb.errors import Conflict, Invalid
from kb.records.reasons import reasons
from schemas.base import Model
from schemas.editorial import Stage
from schemas.language import Language
from schemas.messages import N_
from schemas.records import RecordType
from search_ui.depends import SessionDep
from search_ui.drafting.faults import is_absence
from search_ui.drafting.pages import title
from search_ui.identity import Contributor


class DraftEntry(Model):
    """A draft in a list. ``completeness`` is a share, 0 to 1; ``version`` counts its saves."""

    id: str
    type: RecordType
    language: Language
    stage: Stage
    title: str
    version: int
    completeness: float
    updated_at: datetime.datetime
    #: The record that it changes or became; empty for a new one.
    record_id: str


class DraftProblem(Model):
    """What keeps a draft from being sent in. ``reason`` is empty for a field that is missing."""

    field: str
    reason: str


class Draft(DraftEntry):
    """A whole draft. ``data`` has the shape of an import line."""

    data: dict[str, Any]
    problems: list[DraftProblem]


class Drafts(Model):
    """All drafts that the asker writes, the last saved first."""

    drafts: list[DraftEntry]


class NewDraft(Model):
    """A draft to begin. ``data`` may lack anything; what it has must be right."""

    type: RecordType
    language: Language
    data: dict[str, Any] = {}


class Replacement(Model):
    """What a draft says from now on; all of it. ``version`` is the one that was read."""

    version: Annotated[int, Body(ge=1, le=2_000_000_000)]
    data: dict[str, Any]


def _problem(description: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": description, "content": {"application/problem+json": {"schema": schema}}}


_SIGNED: Final[dict[int | str, dict[str, Any]]] = {
    401: _problem("The token is missing, unknown or expired."),
    403: _problem("The token's scopes do not hold `contribute`, or it is not the asker's turn to write."),
    422: _problem("Something in it is wrong: each field with its reason is in `errors`."),
}
_NONE: Final[dict[int | str, dict[str, Any]]] = {404: _problem("There is no such draft, or it is somebody else's.")}
_OLD: Final[dict[int | str, dict[str, Any]]] = {
    409: _problem("Somebody saved meanwhile; `version` is the present one.")
}

router = APIRouter(prefix="/api/v1", tags=["contributions"], responses=_SIGNED)

#: What no draft says by itself.
_FIXED: Final = ("type", "id", "language", "status")


@router.get("/drafts")
def list_drafts(session: SessionDep, account: Contributor) -> Drafts:
    """The drafts that you write, alone or with others."""
    return Drafts(drafts=[DraftEntry(**_entry(draft)) for draft in drafts.of_account(session, account.id)])


@router.post("/drafts", status_code=201)
def create_draft(session: SessionDep, account: Contributor, new: NewDraft) -> Draft:
    """Begin a draft."""
    _refuse_wrong(new.type, new.language, new.data)
    draft = drafts.start(session, account, new.type, new.language)
    whole = _whole(new.type, new.language, new.data)
    return _draft(drafts.save(session, account, draft.id, whole, draft.version))


@router.get("/drafts/{draft_id}", responses=_NONE)
def read_draft(session: SessionDep, account: Contributor, draft_id: str) -> Draft:
    """One draft, with what keeps it from being sent in."""
    return _draft(drafts.get(session, account, draft_id))


@router.put("/drafts/{draft_id}", responses=_NONE | _OLD)
def replace_draft(session: SessionDep, account: Contributor, draft_id: str, new: Replacement) -> Draft:
    """Replace what a draft says, if nobody saved it since you read it."""
    draft = drafts.get(session, account, draft_id)
    _refuse_wrong(draft.type, draft.language, new.data)
    try:
        saved = drafts.save(session, account, draft_id, _whole(draft.type, draft.language, new.data), new.version)
    except Conflict as error:
        raise Conflict(error.detail, version=error.members["current"].version) from error
    return _draft(saved)


def _whole(type: RecordType, language: Language, data: dict[str, Any]) -> dict[str, Any]:
    given = {name: value for name, value in data.items() if name not in _FIXED}
    return {"type": type, "language": language, "title": {}} | given


def _refuse_wrong(type: RecordType, language: Language, data: dict[str, Any]) -> None:
    """What is missing may come later; what is there must be right, also within parts."""
    try:
        drafts.record_of(DraftRow(id="", record_id="", type=type, language=language, data=_whole(type, language, data)))
    except ValidationError as error:
        kept = [details for details in error.errors(include_url=False) if not _may_come(details)]
        if kept:
            told = dict(zip(map(str, (each["loc"] for each in error.errors())), reasons(error), strict=True))
            raise Invalid(
                N_("Something is wrong in what you sent; `errors` says what, field by field."),
                errors=[dict(zip(("field", "reason"), told[str(details["loc"])], strict=True)) for details in kept],
            ) from error


def _may_come(details: ErrorDetails) -> bool:
    return is_absence(details) and len(details["loc"]) <= 2


def _entry(draft: DraftRow) -> dict[str, Any]:
    names = ("id", "type", "language", "stage", "version", "updated_at", "record_id")
    return {name: getattr(draft, name) for name in names} | {
        "title": title(draft),
        "completeness": round(drafts.completeness(draft), 3),
    }


def _draft(draft: DraftRow) -> Draft:
    found = [DraftProblem(field=field, reason=reason) for field, reason in drafts.problems(draft)]
    return Draft(**_entry(draft), data=draft.data, problems=found)
