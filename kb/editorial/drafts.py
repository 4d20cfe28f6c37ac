"""Drafts: start one, read it, save it. Only its authors and staff can."""

import json
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from kb.accounts.secrets import new_id
from kb.audit import service as audit
from kb.db import utcnow
from kb.editorial.tables import CoAuthorRow, DraftRow, OwnerRow, TranslationDraftRow
from kb.errors import Conflict, Forbidden, Invalid, NotFound
from kb.records import service as records
from kb.records.importing import too_long
from kb.records.reasons import reasons
from kb.records.service import Stored
from kb.records.values import without
from schemas.accounts import Account
from schemas.editorial import CLOSED, WRITING
from schemas.language import LANGUAGES, Language, Said, say
from schemas.messages import N_
from schemas.records import REQUIRED, WELCOME, Record, RecordType, missing, parse, to_value


def start(session: Session, account: Account, type: RecordType, language: Language) -> DraftRow:
    """A new, empty draft."""
    return _add(session, account, type, language, {"type": type, "language": language, "title": {}})


def start_from(session: Session, account: Account, record_id: str) -> DraftRow:
    """A draft that changes a record: the open one where there is one already. Raises NotFound, Forbidden for who neither
    owns the record nor is staff, and Conflict for an owner where somebody else has begun."""
    stored = records.get(session, record_id)
    if not (account.may("review") or is_owner(session, account.id, record_id)):
        raise Forbidden(
            N_("Only those whose record it is can change it. Write to its contact, or to the editorial team.")
        )
    open_one = select(DraftRow).where(DraftRow.record_id == record_id, DraftRow.stage.not_in(CLOSED))
    # A translation goes its own way beside it.
    if found := session.scalar(open_one.where(DraftRow.id.not_in(select(TranslationDraftRow.draft_id)))):
        if not (account.may("review") or is_author(session, account.id, found)):
            raise Conflict(
                N_("Somebody else is changing this record just now. Wait until that is published, or write to them.")
            )
        return found
    return change_of(session, account, stored)


def change_of(session: Session, account: Account, stored: Stored) -> DraftRow:
    """A new draft that says what the record says now. Who calls has seen to it that the account may."""
    record = stored.record
    draft = _add(session, account, record.type, record.language, to_value(record))
    draft.record_id, draft.base_revision = record.id, stored.revision
    return draft


def _add(session: Session, account: Account, type: RecordType, language: Language, data: dict[str, Any]) -> DraftRow:
    now = utcnow()
    draft = DraftRow(
        id=new_id(),
        record_id="",
        base_revision=0,
        type=type,
        language=language,
        stage="draft",
        data=data,
        version=1,
        owner_id=account.id,
        saved_by=account.id,
        created_at=now,
        updated_at=now,
    )
    session.add(draft)
    session.flush()
    audit.note(session, account.id, "draft.start", draft.id, type=type)
    return draft


def get(session: Session, account: Account, draft_id: str) -> DraftRow:
    """The draft. Raises NotFound also for who may not know of it."""
    draft = session.get(DraftRow, draft_id)
    if draft is None or not (account.may("review") or is_author(session, account.id, draft)):
        raise NotFound(N_("This draft is not here, or it is somebody else's."))
    return draft


def is_author(session: Session, account_id: str, draft: DraftRow) -> bool:
    """Whether they own it, or were invited to write with the owner."""
    return draft.owner_id == account_id or session.get(CoAuthorRow, (draft.id, account_id)) is not None


def is_owner(session: Session, account_id: str, record_id: str) -> bool:
    """Whether the record is theirs."""
    return session.get(OwnerRow, (record_id, account_id)) is not None


def owners_of(session: Session, record_id: str) -> list[str]:
    """The ids of the accounts whose record it is."""
    return list(session.scalars(select(OwnerRow.account_id).where(OwnerRow.record_id == record_id)))


def owned_by(session: Session, account_id: str) -> list[str]:
    """The ids of somebody's records."""
    return list(session.scalars(select(OwnerRow.record_id).where(OwnerRow.account_id == account_id)))


def of_account(session: Session, account_id: str) -> list[DraftRow]:
    """Drafts that somebody owns or writes with others, the last saved first."""
    shared = select(CoAuthorRow.draft_id).where(CoAuthorRow.account_id == account_id)
    query = select(DraftRow).where(or_(DraftRow.owner_id == account_id, DraftRow.id.in_(shared)))
    return list(session.scalars(query.order_by(DraftRow.updated_at.desc(), DraftRow.id)))


def save(session: Session, account: Account, draft_id: str, data: dict[str, Any], version: int) -> DraftRow:
    """Save what it says now; all of it. ``version`` is the one that the writer saw.

    Raises Conflict, with the present draft as member ``current``, when somebody saved meanwhile; Forbidden when it is not
    with the writer: authors write drafts and those sent back to them, staff write what is submitted or in review.
    """
    get(session, account, draft_id)
    draft = session.get_one(DraftRow, draft_id, with_for_update=True, populate_existing=True)
    if not can_write(session, account, draft):
        raise Forbidden(N_("It is with the editorial team now; you can write again when they send it back."))
    if draft.version != version:
        raise Conflict(N_("Somebody else saved this meanwhile. Compare both and save again."), current=draft)
    if data != draft.data:
        _refuse_unstorable(data)
        draft.data, draft.version = data, version + 1
        draft.saved_by, draft.updated_at = account.id, utcnow()
    return draft


def _refuse_unstorable(data: dict[str, Any]) -> None:
    """No database keeps NUL characters and halves of characters."""
    written = json.dumps(data, ensure_ascii=False)
    if "\\u0000" in written or any("\ud800" <= character <= "\udfff" for character in written):
        raise Invalid(N_("There is a character in it that cannot be shown. Write it again."))


def can_write(session: Session, account: Account, draft: DraftRow) -> bool:
    """Whether it is this person's turn."""
    if draft.stage in WRITING:
        return is_author(session, account.id, draft) or account.may("review")
    return draft.stage in ("submitted", "in_review") and account.may("review")


def record_of(draft: DraftRow, record_id: str = "") -> Record:
    """What it says as a record. Raises pydantic.ValidationError where it is no record yet."""
    return parse(draft.data | {"id": draft.record_id or record_id or "new", "type": draft.type, "status": "draft"})


def problems(draft: DraftRow) -> list[tuple[str, str]]:
    """(field, reason) of all that keeps it from being published. A field that is missing has no reason."""
    try:
        record = record_of(draft)
    except ValidationError as error:
        return reasons(error)
    return [*((entry, "") for entry in missing(record)), *too_long(record)]


def title_of(data: dict[str, Any], wanted: Language) -> Said | None:
    """What it is called so far; what is typed need not be right yet."""
    given = data.get("title")
    texts = given if isinstance(given, dict) else {}
    return say({name: text for name in LANGUAGES if isinstance(text := texts.get(name), str) and text}, wanted)


def hand_over(session: Session, account_id: str) -> None:
    """Give the drafts that somebody writes with others to one of those, because they leave."""
    shared = select(CoAuthorRow).join(DraftRow, DraftRow.id == CoAuthorRow.draft_id)
    for other in session.scalars(shared.where(DraftRow.owner_id == account_id).order_by(CoAuthorRow.account_id)).all():
        draft = session.get_one(DraftRow, other.draft_id)
        if draft.owner_id == account_id and other.account_id != account_id:
            draft.owner_id = other.account_id
            session.delete(other)
    session.flush()


# How far it has come

#: What a record of a type cannot be without, for looking at a draft that lacks it. Two of a transfer's are no entry of REQUIRED.
_NEEDED: Final[dict[RecordType, dict[str, Any]]] = {
    "adoption": {"case_study": "new", "city": "new", "state": "interested"},
}


def standing(draft: DraftRow) -> tuple[Record, list[str]]:
    """(record, names of fields): the draft as far as it is a record by now, without what is wrong in it; and which of the
    fields that no record can be without were made up for that."""
    fixed = {"id": "new", "type": draft.type, "status": "draft", "language": draft.language}
    value = draft.data | fixed
    needed = {"title": {draft.language: "…"}} | _NEEDED.get(draft.type, {})
    while True:
        lacking = [name for name in needed if not value.get(name)]
        if draft.language not in (value.get("title") or {}):
            lacking = ["title", *(name for name in lacking if name != "title")]
        try:
            return parse(value | {name: needed[name] for name in lacking}), lacking
        except ValidationError as error:
            fitting = without(value, [_to_drop(each) for each in error.errors(include_url=False)])
            value = fitting if fitting != value else fixed


def _to_drop(details: ErrorDetails) -> tuple[int | str, ...]:
    """What to leave out so that this fault is gone: a part that lacks something goes as a whole."""
    path = tuple(part for part in details["loc"][1:] if part != "[key]")
    return path[:-1] if details["type"] == "missing" else path


def lacks(draft: DraftRow) -> tuple[list[str], list[str]]:
    """What is missing: (what keeps it from being published, what would make it better), as entries of REQUIRED and WELCOME."""
    record, lacking = standing(draft)
    needed = [name for name in lacking if name not in REQUIRED[draft.type]]
    required = [entry for entry in REQUIRED[draft.type] if entry in lacking or entry in missing(record)]
    return needed + required, missing(record, WELCOME)


def completeness(draft: DraftRow) -> float:
    """Share, 0 to 1, of what its type requires and welcomes that it has."""
    required, welcome = lacks(draft)
    needed = 1 + len(_NEEDED.get(draft.type, {}).keys() - set(REQUIRED[draft.type]))
    return 1 - (len(required) + len(welcome)) / (needed + len(REQUIRED[draft.type]) + len(WELCOME[draft.type]))


def is_ready(draft: DraftRow) -> bool:
    """Whether nothing is wrong and nothing that is required is missing."""
    return not problems(draft)


def discard(session: Session, account: Account, draft_id: str) -> None:
    """Throw away a draft that one owns and that was not sent in. Raises Forbidden otherwise."""
    draft = get(session, account, draft_id)
    if draft.owner_id != account.id or draft.stage not in WRITING:
        raise Forbidden(
            N_("Only who began a draft can throw it away, and only while it is not with the editorial team.")
        )
    session.delete(draft)
    audit.note(session, account.id, "draft.discard", draft_id)
