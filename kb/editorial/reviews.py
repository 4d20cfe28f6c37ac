"""Records grow old: who verified them, and who is reminded that they are due."""

import datetime
from collections.abc import Iterable

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from kb.accounts import service as accounts
from kb.audit import service as audit
from kb.db import chunks, transaction, utcnow
from kb.editorial import letters
from kb.editorial.tables import DraftRow, OwnerRow
from kb.errors import Forbidden
from kb.mail import service as mail
from kb.records import overview
from kb.records import service as records
from kb.records.urls import SEGMENTS
from kb.settings import Settings
from schemas.accounts import Account
from schemas.language import say
from schemas.messages import N_

#: Records of which one transaction reminds.
_BATCH = 50


def verify(session: Session, account: Account, record_id: str, expected: int) -> None:
    """It was checked today; it is due again in a year. Raises Conflict when it changed since ``expected``, NotFound."""
    if not account.may("review"):
        raise Forbidden(N_("Only the editorial team can do this."))
    today = utcnow().date()
    changes = {"last_verified": today, "next_review": today + overview.YEAR}
    record = records.get(session, record_id).record.model_copy(update=changes)
    records.save(session, record, account.id, expected=expected)
    audit.note(session, account.id, "record.verify", record_id)


def remind(database: Engine, _settings: Settings) -> None:
    """Mail those who look after a published record that is due: once for each day that it was due on. A round.

    Nobody looks after some: of those, editors get one mail a week with their number.
    """
    today = utcnow().date()
    with transaction(database, readonly=True) as session:
        due = overview.due_ids(session, today)
    orphans = 0
    for chunk in chunks(due, _BATCH):
        with transaction(database) as session:
            orphans += _remind_of(session, chunk)
    if orphans:
        with transaction(database) as session:
            _remind_editors(session, orphans, today)


def _remind_of(session: Session, record_ids: list[str]) -> int:
    """Returns how many of them nobody looks after."""
    keepers = _keepers(session, record_ids)
    lines = overview.by_id(session, record_ids, "en")
    for record_id, line in lines.items():
        for reader in accounts.active(session, keepers[record_id]):
            said = say(records.get(session, record_id).record.title, reader.language)
            mail.queue(
                session,
                f"review:{reader.id}:{line.due_on}:{record_id}"[:200],
                reader.email,
                reader.language,
                "review_due",
                title=said.text if said else record_id,
                verified=line.last_verified,
                link=letters.address(reader.language, f"/{SEGMENTS[line.type]}/{record_id}"),
            )
    return sum(not accounts.active(session, keepers[record_id]) for record_id in lines)


def _keepers(session: Session, record_ids: Iterable[str]) -> dict[str, set[str]]:
    """The owners of each record, and the editor who had its last draft."""
    ids = list(record_ids)
    found: dict[str, set[str]] = {record_id: set() for record_id in ids}
    for row in session.scalars(select(OwnerRow).where(OwnerRow.record_id.in_(ids))):
        found[row.record_id].add(row.account_id)
    last: dict[str, str] = {}
    drafts = select(DraftRow).where(DraftRow.record_id.in_(ids), DraftRow.assignee_id != "")
    for draft in session.scalars(drafts.order_by(DraftRow.updated_at)):
        last[draft.record_id] = draft.assignee_id
    for record_id, assignee in last.items():
        found[record_id].add(assignee)
    return found


def _remind_editors(session: Session, number: int, today: datetime.date) -> None:
    year, week, _ = today.isocalendar()
    for editor in accounts.with_role(session, "editor"):
        mail.queue(
            session,
            f"reviews:{editor.id}:{year}-{week}",
            editor.email,
            editor.language,
            "reviews_due",
            number=number,
            link=letters.address(editor.language, "/desk/records?due=yes"),
        )
