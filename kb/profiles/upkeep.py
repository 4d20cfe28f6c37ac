"""Whether profiles still hold: confirmed once a year, asked for by mail, and not before readers when nobody answers.

A profile that is not to be seen has its reason noted beside it (``UpkeepRow.absence``), and the round withdraws whatever has
one. So an old file that is imported again does not bring anybody back.
"""

import datetime
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from kb.accounts.secrets import new_token, token_hash
from kb.accounts.tables import AccountRow
from kb.audit import service as audit
from kb.db import transaction, utcnow
from kb.errors import Invalid, NotFound
from kb.profiles import consent, letters
from kb.profiles.tables import Absence, ProfileRow, UpkeepRow
from kb.records import service as records
from kb.records.service import Stored
from kb.settings import Settings
from schemas.language import Language
from schemas.messages import N_
from schemas.records import Consent, Expert

#: Days since the last confirmation at which experts are reminded: after 11, 12 and 12½ months.
REMINDERS: Final = (335, 365, 380)
#: Days after which a profile that nobody confirmed is not shown: 13 months.
TOO_OLD: Final = 395
#: How long the link of a mail works.
LINK: Final = datetime.timedelta(days=120)


# The database's side


def absence_of(session: Session, record_id: str) -> Absence:
    """Why a profile is not before readers; empty where it is, or where staff took it away."""
    row = session.get(UpkeepRow, record_id)
    return row.absence if row else ""


def set_absence(session: Session, record_id: str, absence: Absence) -> None:
    """Note why a profile is not to be seen, or that it is."""
    _row(session, record_id).absence = absence
    session.flush()


def _row(session: Session, record_id: str) -> UpkeepRow:
    row = session.get(UpkeepRow, record_id)
    if row is None:
        row = UpkeepRow(record_id=record_id, absence="", asked="", link_hash="", link_until=None)
        session.add(row)
    return row


def shown_until(expert: Expert) -> datetime.date | None:
    """The day after which it is not shown unless somebody confirms it again."""
    return expert.confirmed_on + datetime.timedelta(days=TOO_OLD) if expert.confirmed_on else None


def confirm(session: Session, record_id: str, actor: str, *, agrees: bool) -> None:
    """Note that the profile is right as of today; what was absent comes back. The mailed link works no more.

    Raises Invalid where the text of the consent is newer than the one agreed to, and they do not agree.
    """
    expert = _expert(session, record_id)
    if consent.is_lacking(expert) and not agrees:
        raise Invalid(N_("The text has changed since you agreed. Read it and say that you agree."), field="consent")
    today = utcnow().date()
    given = Consent(date=today, version=consent.CURRENT) if consent.is_lacking(expert) else expert.consent
    row = _row(session, record_id)
    status = "published" if row.absence and expert.status == "withdrawn" else expert.status
    row.absence, row.link_hash, row.link_until = "", "", None
    records.save(
        session, expert.model_copy(update={"confirmed_on": today, "consent": given, "status": status}), actor or "link"
    )
    audit.note(session, actor, "profile.confirm", record_id)


def _expert(session: Session, record_id: str) -> Expert:
    record = records.get(session, record_id).record
    if not isinstance(record, Expert):
        raise NotFound(N_("This is no expert's profile."))
    return record


# The link that was mailed


def of_link(session: Session, token: str) -> Expert:
    """The expert whom this link was mailed to. Raises NotFound when it was used, is too old, or never was."""
    row = session.scalar(select(UpkeepRow).where(UpkeepRow.link_hash == token_hash(token)))
    if row is None or row.link_until is None or row.link_until < utcnow():
        raise NotFound(N_("This link was used already, or is too old. Sign in to confirm your profile."))
    return _expert(session, row.record_id)


def confirm_by_link(session: Session, token: str, *, agrees: bool) -> Expert:
    """Confirm with the link, which works once. Raises as ``of_link`` and ``confirm`` do."""
    expert = of_link(session, token)
    account_id = session.scalar(
        select(ProfileRow.account_id).where(ProfileRow.record_id == expert.id, ProfileRow.state == "kept")
    )
    confirm(session, expert.id, account_id or "", agrees=agrees)
    return expert


# The round


@dataclass(frozen=True)
class _Reader:
    """Whom mail about a profile goes to."""

    email: str
    language: Language


def walk(database: Engine, settings: Settings, today: datetime.date | None = None) -> None:
    """Remind, hide, and keep hidden: one short transaction for each profile that needs something. Repeating it is harmless."""
    today = today or utcnow().date()
    with transaction(database, readonly=True) as session:
        absent = set(session.scalars(select(UpkeepRow.record_id).where(UpkeepRow.absence != "")))
        published = records.iterate(session, "expert")
        due = [each.record.id for each in published if each.record.id in absent or _is_due(each, today)]
    for record_id in due:
        with transaction(database) as session:
            _see_to(session, settings, record_id, today)


def _is_due(stored: Stored, today: datetime.date) -> bool:
    """Whether to ask. Invented experts answer no mail."""
    expert = stored.record
    assert isinstance(expert, Expert)
    return not expert.demonstration and (_age(stored, today) >= REMINDERS[0] or consent.is_lacking(expert))


def _age(stored: Stored, today: datetime.date) -> int:
    """Days since anybody said that the profile is right."""
    expert = stored.record
    assert isinstance(expert, Expert)
    said = expert.confirmed_on or (expert.consent.date if expert.consent else None) or stored.created_at.date()
    return (today - said).days


def _see_to(session: Session, settings: Settings, record_id: str, today: datetime.date) -> None:
    stored = records.load_public(session, [record_id]).get(record_id)
    if stored is None or not isinstance(stored.record, Expert):
        return
    age = _age(stored, today)
    if absence_of(session, record_id):
        _withdraw(session, stored.record)
    elif age >= TOO_OLD:
        set_absence(session, record_id, "unconfirmed")
        _withdraw(session, stored.record)
        _ask(session, settings, stored.record, age, "hidden")
    elif age >= REMINDERS[0]:
        _ask(session, settings, stored.record, age, "due")
    elif consent.is_lacking(stored.record):
        _ask(session, settings, stored.record, age, "consent")


def _withdraw(session: Session, expert: Expert) -> None:
    records.save(session, expert.model_copy(update={"status": "withdrawn"}), "upkeep")
    audit.note(session, "", "profile.hide", expert.id)


def _ask(session: Session, settings: Settings, expert: Expert, age: int, why: str) -> None:
    """Mail a link that confirms, once for each step; the links of earlier mails work no more."""
    reader = _reader(session, expert)
    step = sum(age >= days for days in REMINDERS)
    since = consent.CURRENT if why == "consent" else str(expert.confirmed_on)
    asked, row = f"{why}:{since}:{step}", _row(session, expert.id)
    if reader is None or row.asked == asked:
        return
    token = new_token()
    row.asked, row.link_hash, row.link_until = asked, token_hash(token), utcnow() + LINK
    path, key = f"experts/confirm?token={token}", f"{expert.id}:{asked}"
    letters.send(session, settings, reader.email, reader.language, "profile_confirm", key, path, expert, why=why)


def _reader(session: Session, expert: Expert) -> _Reader | None:
    kept = select(AccountRow).join(ProfileRow).where(ProfileRow.record_id == expert.id, ProfileRow.state == "kept")
    if account := session.scalar(kept):
        return _Reader(account.email, account.language) if account.state == "active" else None
    return _Reader(expert.email, expert.language) if expert.email else None
