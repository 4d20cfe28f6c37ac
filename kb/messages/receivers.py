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
from schemas.correspondence import Reach
from schemas.language import Language, say
from schemas.records import Expert, Record

#: What can stand in a mail's header as one address.
_ADDRESS: Final = re.compile(r"[^\s@<>,;:\"()]+@[^\s@<>,;:\"()]+\.[^\s@<>,;:\"()]+")


@dataclass(frozen=True)
class Receiver:
    """Who gets the message. ``name``, ``email`` and ``language`` are those of a contact without an account."""

    reach: Reach
    people: tuple[AccountRow, ...] = ()
    name: str = ""
    email: str = ""
    language: Language = "en"


def of(session: Session, record: Record) -> Receiver:
    """Who gets what is written about this record, which is the stored one, with its private fields."""
    match reach_of(session, record):
        case "people":
            return Receiver("people", tuple(owners(session, record.id)))
        case "contact":
            return Receiver("contact", (), contact_name(record), address_of(record), record.language)
        case _:
            return Receiver("team", tuple(team(session)))


def reach_of(session: Session, record: Record) -> Reach:
    """Whom it reaches; quicker than ``of``, which says who that is."""
    if owners(session, record.id):
        return "people"
    email = address_of(record)
    return "contact" if email and not refuses(session, email) else "team"


def owners(session: Session, record_id: str) -> list[AccountRow]:
    """The accounts in use whose record it is."""
    found = session.scalars(select(OwnerRow.account_id).where(OwnerRow.record_id == record_id).order_by("account_id"))
    people = [accounts.by_id(session, account_id) for account_id in found]
    return [person for person in people if person.state == "active"]


def team(session: Session) -> list[AccountRow]:
    """The editors."""
    return accounts.with_role(session, "editor")


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
