"""Accounts: make them, invite, give roles, activate, close, find them. What an ``actor`` does is noted here, once.

Beside it: ``entry.py`` (sign up, sign in, forgotten passwords), ``own.py`` (what people change about themselves),
``sessions.py``, ``second_factor.py``, ``tokens.py``.
"""

from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from kb.accounts import letters, links, second_factor, sessions, tokens
from kb.accounts.secrets import hash_password, new_id
from kb.accounts.tables import AccountRow, RoleRow
from kb.audit import service as audit
from kb.db import utcnow
from kb.errors import Conflict, NotFound
from kb.settings import Settings
from schemas.accounts import Role
from schemas.language import Language
from schemas.messages import N_


def normal(email: str) -> str:
    """An address as it is stored and compared."""
    return email.strip().lower()


def create(
    session: Session, email: str, name: str, password: str, language: Language, *, state: str = "unconfirmed"
) -> AccountRow:
    """A new account. Who calls has seen to it that the address is free. Without a password it has none until one is chosen
    by a mailed link."""
    row = AccountRow(
        id=new_id(),
        email=normal(email),
        name=name.strip(),
        language=language,
        state=state,
        password=hash_password(password) if password else "",
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


def set_roles(
    session: Session, account_id: str, roles: Iterable[tuple[Role, str]], *, actor: str | None = None
) -> None:
    """Give these (role, organisation's id or "") and take all others. All sessions end: rights change only at sign-in.
    With an ``actor`` it is noted; "" is the system itself."""
    session.execute(delete(RoleRow).where(RoleRow.account_id == account_id))
    given = sorted({(role, organisation) for role, organisation in roles if role != "member"})
    session.add_all(RoleRow(account_id=account_id, role=role, organisation_id=place) for role, place in given)
    sessions.end_all(session, account_id)
    if actor is not None:
        audit.note(session, actor, "account.roles", account_id, roles=[" ".join(each).strip() for each in given])


def roles_of(session: Session, account_id: str) -> list[tuple[Role, str]]:
    """The roles that were given, each with its organisation's id or ""."""
    return roles_of_all(session, [account_id])[account_id]


def roles_of_all(session: Session, account_ids: Iterable[str]) -> dict[str, list[tuple[Role, str]]]:
    """The same for each of these people."""
    found: dict[str, list[tuple[Role, str]]] = defaultdict(list)
    query = select(RoleRow).where(RoleRow.account_id.in_(set(account_ids)))
    for row in session.scalars(query.order_by(RoleRow.role, RoleRow.organisation_id)):
        found[row.account_id].append((row.role, row.organisation_id))
    return found


def invite(
    session: Session,
    settings: Settings,
    actor: str,
    email: str,
    name: str,
    language: Language,
    roles: Iterable[tuple[Role, str]] = (),
    *,
    mailed: bool = True,
) -> tuple[AccountRow, str]:
    """Make an account for somebody and mail them a link with which they choose a password. Returns both; the link is "" where
    none was ``mailed``. Raises Conflict where there is an account with this address."""
    if by_email(session, email):
        raise Conflict(N_("There is an account with this e-mail address already."), field="email")
    row = create(session, email, name, "", language)
    set_roles(session, row.id, roles)
    link = letters.with_link(session, settings, row, "invite") if mailed else ""
    audit.note(session, actor, "account.invite", row.id)
    return row, link


def activate(session: Session, settings: Settings, actor: str, account_id: str) -> None:
    """Let an account that waits, or that was closed, be used, and tell its owner. Nothing happens to one that is active."""
    row = by_id(session, account_id)
    if row.state == "active":
        return
    row.state = "active"
    letters.send(session, settings, row, "activated", page="sign-in")
    audit.note(session, actor, "account.activate", account_id)


def close(session: Session, actor: str, account_id: str) -> None:
    """End an account's use: its sessions, tokens and links. What its owner wrote stays; ``activate`` opens it again."""
    by_id(session, account_id).state = "closed"
    sessions.end_all(session, account_id)
    tokens.revoke_all(session, account_id)
    links.forget(session, account_id, *links.LIFETIMES)
    audit.note(session, actor, "account.close", account_id)


def drop_second_factor(session: Session, settings: Settings, actor: str, account_id: str) -> None:
    """For somebody who has lost their device and their recovery codes: they sign in with the password alone and set it up
    anew. Make sure that it is them."""
    row = by_id(session, account_id)
    second_factor.turn_off(session, account_id)
    sessions.end_all(session, account_id)
    letters.send(session, settings, row, "changed", what="second_factor_off")
    audit.note(session, actor, "account.second_factor_off", account_id)
