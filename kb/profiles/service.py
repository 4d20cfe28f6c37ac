"""Whose profile is whose: write one, claim one, decide on it, change it. What keeps it current is in ``upkeep.py``."""

import datetime
import re
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from kb.accounts import service as accounts
from kb.accounts.tables import AccountRow
from kb.audit import service as audit
from kb.db import utcnow
from kb.errors import Conflict, Forbidden, Invalid, NotFound
from kb.profiles import consent, letters, upkeep
from kb.profiles.tables import ProfileRow, ProfileState
from kb.records import service as records
from kb.settings import Settings
from schemas.accounts import Account
from schemas.messages import N_
from schemas.records import Consent, Expert
from schemas.text import fold

REQUESTS = "account/requests"
MINE = "account/profile"
TAKEN = N_("Somebody keeps this profile already. If it is about you, write to the editorial team.")
#: Raised, or shown at the box, where somebody does not agree to what has to be agreed to.
NOT_AGREED = Invalid(
    N_("Read what you agree to, and say that you do: nothing is published without it."), field="consent"
)


@dataclass(frozen=True)
class Profile:
    """Somebody's profile: the expert's record, and how far it is theirs."""

    account_id: str
    state: ProfileState
    note: str
    expert: Expert
    revision: int


def profile_of(session: Session, account_id: str) -> Profile | None:
    """The profile that somebody keeps, wrote or has claimed."""
    row = session.get(ProfileRow, account_id)
    return _profile(session, row) if row else None


def account_of_expert(session: Session, record_id: str) -> str | None:
    """The id of the account of the person whom the record is about; None while nobody keeps it."""
    kept = select(ProfileRow.account_id).where(ProfileRow.record_id == record_id, ProfileRow.state == "kept")
    return session.scalar(kept)


def _profile(session: Session, row: ProfileRow) -> Profile | None:
    stored = records.load(session, [row.record_id]).get(row.record_id)
    if stored is None or not isinstance(stored.record, Expert):
        return None  # the record was deleted; they may begin again
    return Profile(row.account_id, row.state, row.note, stored.record, stored.revision)


def kept(session: Session, account_id: str) -> Profile:
    """The profile that somebody may write. Raises NotFound where there is none, or they only claim it as yet."""
    found = profile_of(session, account_id)
    if found is None or found.state == "claimed":
        raise NotFound(N_("You have no profile yet. Write one, or say which one is yours."))
    return found


# Writing


def create(session: Session, settings: Settings, account: Account, expert: Expert) -> Expert:
    """A profile that was not there; it waits for staff, who see to it that names of people are not put before readers by
    others. ``expert.id`` does not matter. Raises Conflict for who has one."""
    _take_place(session, account.id)
    made = expert.model_copy(
        update={"id": _free_id(session, expert), "status": "submitted", "consent": agreed(), "confirmed_on": _today()}
    )
    records.save(session, made, account.id)
    _give(session, account.id, made.id, "new")
    audit.note(session, account.id, "profile.create", made.id)
    letters.to_staff(session, settings, "profile_asked", made.id, REQUESTS, made, why="new")
    return made


def change(session: Session, account: Account, expert: Expert, revision: int) -> None:
    """Save somebody's own words about themselves; nobody reviews them. ``revision`` is the one that they saw.

    Raises NotFound for who has no profile; Conflict when it has moved on since.
    """
    mine = kept(session, account.id)
    made = expert.model_copy(
        update={name: getattr(mine.expert, name) for name in ("id", "status", "consent", "confirmed_on")}
    )
    if records.save(session, made, account.id, expected=revision) != "unchanged":
        audit.note(session, account.id, "profile.change", made.id)


def agreed() -> Consent:
    """Agreement, today, to the text in force."""
    return Consent(date=_today(), version=consent.CURRENT)


def _today() -> datetime.date:
    return utcnow().date()


def _free_id(session: Session, expert: Expert) -> str:
    words = re.findall(r"[a-z0-9]+", fold(expert.title[expert.language]))
    name = "-".join(["expert", *(words or ["profile"])])[:150]
    candidates = [name, *(f"{name}-{number}" for number in range(2, 1000))]
    taken = records.existing_ids(session, candidates)
    return next(each for each in candidates if each not in taken)


def _take_place(session: Session, account_id: str) -> None:
    """See to it that they have no profile yet; a row whose record is gone makes place."""
    row = session.get(ProfileRow, account_id, with_for_update=True)
    if row is None:
        return
    if _profile(session, row):
        raise Conflict(N_("You have a profile already, or have asked for one."))
    session.delete(row)
    session.flush()


def _give(session: Session, account_id: str, record_id: str, state: ProfileState, note: str = "") -> None:
    session.add(ProfileRow(account_id=account_id, record_id=record_id, state=state, note=note, asked_at=utcnow()))
    _flush(session)


def _flush(session: Session) -> None:
    """The database itself sees to it that nobody is given what somebody keeps."""
    try:
        session.flush()
    except IntegrityError as error:
        raise Conflict(TAKEN) from error


# Claiming


def can_claim(session: Session, record_id: str) -> bool:
    """Whether it is a published profile that nobody keeps."""
    found = records.load_public(session, [record_id]).get(record_id)
    is_person = found is not None and isinstance(found.record, Expert)
    return is_person and account_of_expert(session, record_id) is None


def claim(session: Session, settings: Settings, account: Account, record_id: str, note: str) -> ProfileState:
    """Say that a published profile is about oneself. It is theirs at once where its e-mail address is the one that they
    have confirmed; else staff decide. Raises NotFound, and Conflict where it, or they, have been taken."""
    expert = records.get_public(session, record_id).record
    if not isinstance(expert, Expert):
        raise NotFound(N_("This is no expert's profile."))
    _take_place(session, account.id)
    if account_of_expert(session, record_id):
        raise Conflict(TAKEN)
    at_once = accounts.normal(expert.email or "") == account.email
    _give(session, account.id, record_id, "kept" if at_once else "claimed", "" if at_once else note)
    audit.note(session, account.id, "profile.take" if at_once else "profile.claim", record_id)
    if at_once:
        _tell_kept(session, settings, account.id, expert)
        return "kept"
    letters.to_staff(session, settings, "profile_asked", f"{record_id}:{account.id}", REQUESTS, expert, why="claimed")
    return "claimed"


# Deciding


def waiting(session: Session) -> list[tuple[Profile, AccountRow]]:
    """Claims and new profiles that staff have to decide on, the oldest first, each with who asks."""
    query = select(ProfileRow).where(ProfileRow.state != "kept").order_by(ProfileRow.asked_at, ProfileRow.account_id)
    found = [(profile, row.account_id) for row in session.scalars(query) if (profile := _profile(session, row))]
    return [(profile, accounts.by_id(session, account_id)) for profile, account_id in found]


def decide(session: Session, settings: Settings, staff: Account, account_id: str, *, accept: bool) -> None:
    """Give somebody the profile that they claim or wrote, or refuse it. A new one is published, or stays unpublished.

    Raises Forbidden, NotFound where nothing waits, Conflict where somebody else keeps it by now.
    """
    if not staff.may("review"):
        raise Forbidden(N_("Only the editorial team decides this."))
    if staff.id == account_id:
        raise Forbidden(N_("Nobody confirms what they say themselves."))
    row = session.get(ProfileRow, account_id, with_for_update=True)
    profile = _profile(session, row) if row and row.state != "kept" else None
    if row is None or profile is None:
        raise NotFound(N_("Nothing is waiting here; somebody else may have decided it."))
    if accept:
        _accept(session, settings, staff, row, profile)
    else:
        _refuse(session, settings, staff, row, profile)


def _accept(session: Session, settings: Settings, staff: Account, row: ProfileRow, profile: Profile) -> None:
    if account_of_expert(session, row.record_id):
        raise Conflict(TAKEN)
    if row.state == "new":
        published = profile.expert.model_copy(update={"status": "published"})
        records.save(session, published, staff.id)
    row.state, row.note = "kept", ""
    _flush(session)
    audit.note(session, staff.id, "profile.accept", row.record_id, account=row.account_id)
    _tell_kept(session, settings, row.account_id, profile.expert)


def _refuse(session: Session, settings: Settings, staff: Account, row: ProfileRow, profile: Profile) -> None:
    """A new profile that is refused is deleted: nobody else has a use for it, and it is personal data."""
    if row.state == "new":
        records.delete(session, row.record_id)
    session.delete(row)
    audit.note(session, staff.id, "profile.refuse", row.record_id, account=row.account_id)
    _tell(session, settings, row.account_id, profile.expert, outcome="refused")


def _tell_kept(session: Session, settings: Settings, account_id: str, expert: Expert) -> None:
    _tell(session, settings, account_id, expert, outcome="kept")


def _tell(session: Session, settings: Settings, account_id: str, expert: Expert, outcome: str) -> None:
    key = f"{expert.id}:{utcnow():%Y%m%d%H%M%S%f}"  # somebody refused may ask, and be told, again
    for account in letters.present(session, [account_id]):
        letters.write(session, settings, account, "profile_decided", key, MINE, expert, outcome=outcome)


# Before readers, or not


def take_down(session: Session, account: Account) -> None:
    """The expert's own wish: nobody sees the profile any more, and their consent is withdrawn."""
    mine = kept(session, account.id)
    upkeep.set_absence(session, mine.expert.id, "own wish")
    status = "withdrawn" if mine.expert.status == "published" else mine.expert.status
    records.save(session, mine.expert.model_copy(update={"status": status, "consent": None}), account.id)
    audit.note(session, account.id, "profile.take_down", mine.expert.id)


def confirm(session: Session, account: Account, *, agrees: bool) -> None:
    """The profile is still right; it comes back where it was gone. Raises Invalid where they have to agree to a newer text
    and do not."""
    mine = kept(session, account.id)
    upkeep.confirm(session, mine.expert.id, account.id, agrees=agrees)
