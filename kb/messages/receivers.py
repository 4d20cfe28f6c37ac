"""Whom a record's messages reach: those whose record it is, else its contact by mail, else the editorial team."""

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from kb.accounts import service as accounts
from kb.accounts.tables import AccountRow
from kb.db import utcnow
from kb.editorial.tables import OwnerRow
from kb.messages.tables import RefusalRow
from kb.profiles import service as profiles
from schemas.correspondence import Reach
from schemas.language import Language, say
from schemas.records import Expert, Record

#: What can stand in a mail's header as one address.
_ADDRESS: Final = re.compile(r"[^\s@<>,;:\"()]+@[^\s@<>,;:\"()]+\.[^\s@<>,;:\"()]+")


@dataclass(frozen=True)
class Receiver:
    """Who gets the message. ``name``, ``email`` and ``language`` are those of a contact without an account; who is
    in the team, ``team`` says."""

    reach: Reach
    people: tuple[AccountRow, ...] = ()
    name: str = ""
    email: str = ""
    language: Language = "en"


def of(session: Session, record: Record) -> Receiver:
    """Who gets what is written about this record, which is the stored one, with its private fields."""
    if people := owners(session, record):
        return Receiver("people", tuple(people))
    email = address_of(record)
    if email and not refuses(session, email):
        return Receiver("contact", (), contact_name(record), email, record.language)
    return Receiver("team")


def reach_of(session: Session, record: Record) -> Reach:
    """Whom it reaches."""
    return of(session, record).reach


def owners(session: Session, record: Record) -> list[AccountRow]:
    """The accounts in use whose record it is; for an expert that of the person alone, not of who wrote about them."""
    if isinstance(record, Expert):
        keeper = profiles.account_of_expert(session, record.id)
        found = [keeper] if keeper else []
    else:
        query = select(OwnerRow.account_id).where(OwnerRow.record_id == record.id).order_by(OwnerRow.account_id)
        found = list(session.scalars(query))
    people = [accounts.by_id(session, account_id) for account_id in found]
    return [person for person in people if person.state == "active"]


def team(session: Session) -> list[AccountRow]:
    """The editors; where there is none yet, the administrators."""
    return accounts.with_role(session, "editor") or accounts.with_role(session, "administrator")


def address_of(record: Record) -> str:
    """The address in the record that a mail can be sent to; empty without one."""
    holder = record if isinstance(record, Expert) else getattr(record, "contact", None)
    email = accounts.normal(holder.email or "") if holder else ""
    return email if len(email) <= 320 and _ADDRESS.fullmatch(email) else ""


def contact_name(record: Record) -> str:
    """What the contact is called; empty where the record does not say."""
    if isinstance(record, Expert):
        said = say(record.title, record.language)
        return said.text[:200] if said else ""
    contact = getattr(record, "contact", None)
    return (contact.name or "")[:200] if contact else ""


# Addresses whose owners want none of this


def _hash(email: str) -> str:
    return hashlib.sha256(accounts.normal(email).encode()).hexdigest()


def refuses(session: Session, email: str) -> bool:
    """Whether the owner of this address wants no messages."""
    return session.get(RefusalRow, _hash(email)) is not None


def refuse(session: Session, email: str) -> None:
    """Send nothing to this address from now on."""
    session.merge(RefusalRow(address_hash=_hash(email), at=utcnow()))
