"""Rows of a table as drafts of whoever brings them in: first what would happen, then the same for good. Nothing is published."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from kb.audit import service as audit
from kb.editorial import drafts
from kb.editorial.tables import DraftRow
from kb.records import service as records
from schemas.accounts import Account
from schemas.editorial import WRITING
from schemas.messages import N_
from schemas.records import Record, parse, to_value

Outcome = Literal["created", "updated", "unchanged", "refused"]

#: Rows that are brought in at once.
MOST: Final = 500
#: The id of the example row in our templates.
EXAMPLE: Final = "example"


@dataclass(frozen=True)
class Planned:
    """What becomes of a row. ``draft_id``: the draft that it changes; ``record_id``: the record of which a draft is begun.
    ``error``, else ``reason``, says why it is refused."""

    line: int
    value: dict[str, Any]
    outcome: Outcome
    record: Record | None = None
    draft_id: str = ""
    record_id: str = ""
    error: ValidationError | None = None
    reason: str = ""


def plan(session: Session, account: Account, rows: Iterable[tuple[int, dict[str, Any]]]) -> list[Planned]:
    """What would become of these (line, import line's value)."""
    own = _own_drafts(session, account)
    planned: list[Planned] = []
    for line, value in rows:
        done = any(each.record and each.record.id == value.get("id") for each in planned)
        planned.append(_plan_one(session, account, line, value, own, seen=done))
    return planned


def _own_drafts(session: Session, account: Account) -> dict[str, DraftRow]:
    """Drafts that the account owns and may write, by the id that their row had or their record has."""
    query = select(DraftRow).where(DraftRow.owner_id == account.id, DraftRow.stage.in_(WRITING))
    return {name: draft for draft in session.scalars(query) if (name := draft.record_id or draft.data.get("id"))}


def _plan_one(
    session: Session, account: Account, line: int, value: dict[str, Any], own: dict[str, DraftRow], *, seen: bool
) -> Planned:
    if value.get("id") == EXAMPLE:
        return Planned(line, value, "refused", reason=N_("This is the example of the template; it is left out."))
    try:
        record = parse(value)
    except ValidationError as error:
        return Planned(line, value, "refused", error=error)
    if seen:
        return Planned(line, value, "refused", reason=N_("Another row above has the same id."))
    if draft := own.get(record.id):
        same = (draft.data | _said(record)) == draft.data
        return Planned(line, value, "unchanged" if same else "updated", record, draft_id=draft.id)
    if not records.existing_ids(session, [record.id]):
        return Planned(line, value, "created", record)
    if account.may("review") or drafts.is_owner(session, account.id, record.id):
        return Planned(line, value, "updated", record, record_id=record.id)
    return Planned(
        line, value, "refused", reason=N_("A record with this id is here already, and it is not yours to change.")
    )


def _said(record: Record) -> dict[str, Any]:
    return {name: value for name, value in to_value(record).items() if name != "status"}


def carry_out(session: Session, account: Account, planned: Iterable[Planned]) -> Counter[Outcome]:
    """Make the drafts. Counts what became of the rows."""
    counted: Counter[Outcome] = Counter()
    for each in planned:
        counted[each.outcome] += 1
        if each.record is not None and each.outcome in ("created", "updated"):
            draft = _draft_for(session, account, each, each.record)
            drafts.save(session, account, draft.id, draft.data | _said(each.record), draft.version)
    audit.note(session, account.id, "draft.import", "", rows=dict(counted))
    return counted


def _draft_for(session: Session, account: Account, planned: Planned, record: Record) -> DraftRow:
    if planned.draft_id:
        return drafts.get(session, account, planned.draft_id)
    if planned.record_id:
        return drafts.start_from(session, account, planned.record_id)
    return drafts.start(session, account, record.type, record.language)
