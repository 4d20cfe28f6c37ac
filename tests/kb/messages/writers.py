"""What tests of messages stand on: records of each reach, people, and what went out."""

from typing import Any

from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from kb.accounts.tables import AccountRow
from kb.db import transaction, utcnow
from kb.editorial.tables import OwnerRow
from kb.mail.tables import MailRow
from kb.messages import service
from kb.messages.notices import Here
from kb.messages.service import NEW_FOR
from kb.messages.tables import ThreadRow
from kb.records import service as records
from schemas.accounts import Account, Role
from schemas.correspondence import NewMessage
from schemas.language import Language
from schemas.records import parse
from tests.people import person

HERE = Here("https://site.example", "The Site")

#: Addresses that nobody may ever see.
CONTACT = "planted-contact@city.example"
EXPERT = "planted-expert@home.example"
CASE = {
    "type": "case_study", "id": "trams", "language": "fr", "status": "published",
    "title": {"en": "Trams", "es": "Tranvías", "fr": "Tramways"},
    "contact": {"name": "Luc Morel", "email": CONTACT, "phone": "+33 1 23 45 67 89"},
}  # fmt: skip
OWNED = CASE | {"id": "buses", "title": {"en": "Buses", "fr": "Autobus"}}
SILENT = {"type": "case_study", "id": "ferries", "language": "en", "status": "published", "title": {"en": "Ferries"}}
RIVERA = {
    "type": "expert", "id": "rivera", "language": "es", "status": "published", "title": {"es": "Ana Rivera"},
    "email": EXPERT,
}  # fmt: skip


def save(engine: Engine, *values: dict[str, Any]) -> None:
    with transaction(engine) as session:
        for value in values or (CASE, OWNED, SILENT, RIVERA):
            records.save(session, parse(value), author="tests")


def own(engine: Engine, account: Account, record_id: str) -> None:
    with transaction(engine) as session:
        session.merge(OwnerRow(record_id=record_id, account_id=account.id))


def known(engine: Engine, name: str, *roles: Role, language: Language = "en") -> Account:
    """Somebody whose account is not new; their address must never be seen either."""
    account = person(engine, f"planted-{name}@mail.example", *roles, language=language)
    with transaction(engine) as session:
        old = utcnow() - NEW_FOR - NEW_FOR
        change = update(AccountRow).where(AccountRow.id == account.id)
        session.execute(change.values(created_at=old, name=name.title()))
    return account


def begin(
    engine: Engine, account: Account, record_id: str, text: str = "How much was it?", subject: str = "Cost"
) -> str:
    """Begins a conversation; its id."""
    with transaction(engine) as session:
        return service.start(session, HERE, account, record_id, NewMessage(subject=subject, text=text)).id


def answer(engine: Engine, account: Account, thread_id: str, text: str) -> None:
    with transaction(engine) as session:
        service.answer(session, HERE, account, thread_id, text)


def mails(engine: Engine) -> list[MailRow]:
    with transaction(engine, readonly=True) as session:
        return list(session.scalars(select(MailRow).order_by(MailRow.id)))


def link_in(mail: MailRow) -> str:
    """The token of the guest's link."""
    return mail.text.split("/messages/answer/")[1].split()[0]


def threads(session: Session) -> list[ThreadRow]:
    return list(session.scalars(select(ThreadRow)))
