"""What administrators do with accounts: find them, change their state and roles, end their sessions, mail them.
Each leaves a note."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final, Literal

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from kb.accounts import letters, service, sessions
from kb.accounts.tables import AccountRow, RoleRow
from kb.audit import service as audit
from kb.db import holds
from kb.errors import Invalid
from kb.settings import Settings
from schemas.accounts import Role
from schemas.messages import N_

State = Literal["unconfirmed", "waiting", "active", "closed"]
STATES: Final[tuple[State, ...]] = State.__args__  # type: ignore[attr-defined]
PAGE: Final = 50


def search(
    session: Session, q: str = "", state: str = "", role: str = "", page: int = 1
) -> tuple[list[AccountRow], int]:
    """(accounts of that page, how many there are in all) whose name or address has these words, by name."""
    conditions: list[ColumnElement[bool]] = [
        or_(holds(func.lower(AccountRow.name), word), holds(AccountRow.email, word)) for word in q.lower().split()
    ]
    if state:
        conditions.append(AccountRow.state == state)
    if role:
        conditions.append(AccountRow.id.in_(select(RoleRow.account_id).where(RoleRow.role == role)))
    query = select(AccountRow).where(*conditions).order_by(AccountRow.name, AccountRow.id)
    count = session.scalar(select(func.count()).select_from(AccountRow).where(*conditions)) or 0
    return list(session.scalars(query.offset(PAGE * (page - 1)).limit(PAGE))), count


def contributors(session: Session) -> dict[str, list[AccountRow]]:
    """Who contributes for which organisation, by its record's id."""
    found: dict[str, list[AccountRow]] = defaultdict(list)
    query = select(RoleRow.organisation_id, AccountRow).join(AccountRow, AccountRow.id == RoleRow.account_id)
    for organisation, row in session.execute(query.where(RoleRow.organisation_id != "").order_by(AccountRow.name)):
        found[organisation].append(row)
    return found


def set_state(
    session: Session, settings: Settings, actor: str, account_id: str, state: Literal["active", "closed"]
) -> None:
    """Let somebody in (again), and tell them; or close their account. Raises Invalid when no administrator would be left."""
    if state == "active":
        service.activate(session, settings, actor, account_id)
    elif service.by_id(session, account_id).state != "closed":
        keep_an_administrator(session, account_id)
        service.close(session, actor, account_id)


def set_roles(session: Session, actor: str, account_id: str, roles: Iterable[tuple[Role, str]]) -> None:
    """Give these and take all others. Raises Invalid when no administrator would be left."""
    service.by_id(session, account_id)
    wanted = set(roles)
    if set(service.roles_of(session, account_id)) == wanted:
        return
    if ("administrator", "") not in wanted:
        keep_an_administrator(session, account_id)
    service.set_roles(session, account_id, wanted, actor=actor)


def end_sessions(session: Session, actor: str, account_id: str) -> None:
    """Sign somebody out everywhere."""
    service.by_id(session, account_id)
    sessions.end_all(session, account_id)
    audit.note(session, actor, "account.end_sessions", account_id)


def keep_an_administrator(session: Session, account_id: str) -> None:
    """Raises Invalid when this is the only active administrator. The roles stay locked until the end of the transaction, so
    that two administrators cannot remove each other at the same moment."""
    locked = select(RoleRow).where(RoleRow.role == "administrator").order_by(RoleRow.account_id).with_for_update()
    holders = {row.account_id for row in session.scalars(locked)}
    query = select(AccountRow.id).where(AccountRow.id.in_(holders), AccountRow.state == "active")
    active = set(session.scalars(query))
    if active == {account_id}:
        raise Invalid(N_("This is the only administrator. Make somebody else an administrator first."), field="roles")


def send_reset(session: Session, settings: Settings, actor: str, account_id: str) -> None:
    """Mail somebody a link with which they choose a new password; the old one goes on working until then."""
    row = service.by_id(session, account_id)
    letters.with_link(session, settings, row, "invite" if row.state == "unconfirmed" else "staff_reset")
    audit.note(session, actor, "account.send_reset", account_id)
