"""What administrators do with accounts: find them, change their state and roles, end their sessions, invite and mail them.
Each leaves a note."""

import datetime
from collections import defaultdict
from collections.abc import Iterable
from typing import Final, Literal

from sqlalchemy import ColumnElement, delete, func, or_, select
from sqlalchemy.orm import Session

from kb.accounts import service, sessions
from kb.accounts.secrets import new_id, new_token, token_hash
from kb.accounts.tables import AccountRow, CodeRow, RoleRow
from kb.audit import service as audit
from kb.db import holds, utcnow
from kb.errors import Conflict, Invalid
from kb.mail import service as mail
from kb.settings import Settings
from schemas.accounts import Role
from schemas.language import Language
from schemas.messages import N_

State = Literal["unconfirmed", "waiting", "active", "closed"]
STATES: Final[tuple[State, ...]] = State.__args__  # type: ignore[attr-defined]
PAGE: Final = 50
#: Days that a mailed link works.
_LIFETIMES: Final = {"invite": 7, "reset": 1}


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


def roles_of(session: Session, account_ids: Iterable[str]) -> dict[str, list[tuple[Role, str]]]:
    """The (role, organisation's id or "") that were given to each."""
    found: dict[str, list[tuple[Role, str]]] = defaultdict(list)
    query = select(RoleRow).where(RoleRow.account_id.in_(set(account_ids)))
    for row in session.scalars(query.order_by(RoleRow.role, RoleRow.organisation_id)):
        found[row.account_id].append((row.role, row.organisation_id))
    return found


def contributors(session: Session) -> dict[str, list[AccountRow]]:
    """Who contributes for which organisation, by its record's id."""
    found: dict[str, list[AccountRow]] = defaultdict(list)
    query = select(RoleRow.organisation_id, AccountRow).join(AccountRow, AccountRow.id == RoleRow.account_id)
    for organisation, row in session.execute(query.where(RoleRow.organisation_id != "").order_by(AccountRow.name)):
        found[organisation].append(row)
    return found


def set_state(session: Session, actor: str, account_id: str, state: Literal["active", "closed"]) -> None:
    """Let somebody in (again), or close their account, which ends all their sessions and tokens."""
    row = service.by_id(session, account_id)
    if row.state == state:
        return
    if state == "closed":
        keep_an_administrator(session, account_id)
        sessions.end_all(session, account_id)
    row.state = state
    audit.note(session, actor, "account.close" if state == "closed" else "account.activate", account_id)


def set_roles(session: Session, actor: str, account_id: str, roles: Iterable[tuple[Role, str]]) -> None:
    """Give these and take all others. Raises Invalid when no administrator would be left."""
    service.by_id(session, account_id)
    wanted = set(roles)
    if set(roles_of(session, [account_id])[account_id]) == wanted:
        return
    if ("administrator", "") not in wanted:
        keep_an_administrator(session, account_id)
    service.set_roles(session, account_id, wanted)
    audit.note(session, actor, "account.roles", account_id, roles=sorted(f"{role} {of}".strip() for role, of in wanted))


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


# By mail


def invite(
    session: Session,
    settings: Settings,
    actor: str,
    email: str,
    name: str,
    language: Language,
    roles: Iterable[tuple[Role, str]] = (),
) -> AccountRow:
    """Make an account for somebody and mail them a link with which they choose a password. Raises Conflict where there is an
    account with this address."""
    if service.by_email(session, email):
        raise Conflict(N_("There is an account with this e-mail address already."), field="email")
    row = service.create(session, email, name, new_token(), language)
    service.set_roles(session, row.id, roles)
    _mail_link(session, settings, row, "invite")
    audit.note(session, actor, "account.invite", row.id)
    return row


def send_reset(session: Session, settings: Settings, actor: str, account_id: str) -> None:
    """Mail somebody a link with which they choose a new password; the old one goes on working until then."""
    row = service.by_id(session, account_id)
    _mail_link(session, settings, row, "invite" if row.state == "unconfirmed" else "reset")
    audit.note(session, actor, "account.send_reset", account_id)


def _mail_link(session: Session, settings: Settings, row: AccountRow, purpose: Literal["invite", "reset"]) -> None:
    session.execute(delete(CodeRow).where(CodeRow.account_id == row.id, CodeRow.purpose == purpose))
    code, days = new_token(), _LIFETIMES[purpose]
    expires = utcnow() + datetime.timedelta(days=days)
    session.add(CodeRow(token_hash=token_hash(code), account_id=row.id, purpose=purpose, data={}, expires_at=expires))
    link = f"{settings.resolved_public_url}/{row.language}/password/{code}"
    mail.queue(
        session, f"{purpose}:{new_id()}", row.email, row.language, f"staff_{purpose}", site=settings.site_name, link=link,
        days=days,
    )  # fmt: skip
