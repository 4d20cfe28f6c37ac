"""Accounts: make them, give them roles, find them. Sessions are in ``sessions.py``."""

from collections.abc import Iterable

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from kb.accounts import sessions
from kb.accounts.secrets import hash_password, new_id
from kb.accounts.tables import AccountRow, RoleRow
from kb.db import utcnow
from kb.errors import NotFound
from schemas.accounts import Role
from schemas.language import Language


def normal(email: str) -> str:
    """An address as it is stored and compared."""
    return email.strip().lower()


def create(
    session: Session, email: str, name: str, password: str, language: Language, *, state: str = "unconfirmed"
) -> AccountRow:
    """A new account. Who calls has seen to it that the address is free."""
    row = AccountRow(
        id=new_id(),
        email=normal(email),
        name=name.strip(),
        language=language,
        state=state,
        password=hash_password(password),
        created_at=utcnow(),
    )
    session.add(row)
    session.flush()
    return row


def by_email(session: Session, email: str) -> AccountRow | None:
    """The account with this address, in whatever state."""
    return session.scalar(select(AccountRow).where(AccountRow.email == normal(email)))


def by_id(session: Session, account_id: str) -> AccountRow:
    """The account. Raises NotFound."""
    if row := session.get(AccountRow, account_id):
        return row
    raise NotFound("There is no such account; it may have been erased.")


def names(session: Session, account_ids: Iterable[str]) -> dict[str, str]:
    """The names of these people, by id; who was erased is left out."""
    found = session.execute(select(AccountRow.id, AccountRow.name).where(AccountRow.id.in_(set(account_ids))))
    return {row.id: row.name for row in found}


def active(session: Session, account_ids: Iterable[str]) -> list[AccountRow]:
    """Those of the accounts that are active; who waits, was closed or erased is left out."""
    query = select(AccountRow).where(AccountRow.id.in_(set(account_ids)), AccountRow.state == "active")
    return list(session.scalars(query.order_by(AccountRow.name, AccountRow.id)))


def with_role(session: Session, *roles: Role) -> list[AccountRow]:
    """Active accounts that were given one of these roles, by name."""
    holders = select(RoleRow.account_id).where(RoleRow.role.in_(roles))
    query = select(AccountRow).where(AccountRow.id.in_(holders), AccountRow.state == "active")
    return list(session.scalars(query.order_by(AccountRow.name, AccountRow.id)))


def set_roles(session: Session, account_id: str, roles: Iterable[tuple[Role, str]]) -> None:
    """Give these (role, organisation's id or "") and take all others. All sessions end: rights change only at sign-in."""
    session.execute(delete(RoleRow).where(RoleRow.account_id == account_id))
    session.add_all(
        RoleRow(account_id=account_id, role=role, organisation_id=organisation) for role, organisation in set(roles)
    )
    sessions.end_all(session, account_id)
