"""Signed-in browsers and API tokens: open, recognise, list, end."""

import datetime
from typing import Final

from sqlalchemy import Engine, delete, select, update
from sqlalchemy.orm import Session

from kb.accounts.secrets import new_id, new_token, token_hash
from kb.accounts.tables import AccountRow, ApiTokenRow, RoleRow, SessionRow
from kb.db import transaction, utcnow
from schemas.accounts import STRONG, Account, Permission

#: A session ends when nothing was done in it for so long, and in any case after so long.
IDLE: Final = datetime.timedelta(hours=1)
WHOLE: Final = datetime.timedelta(hours=12)
#: How far the note of the last use may lag behind: not every request writes.
_LAG: Final = datetime.timedelta(minutes=2)


def open_session(session: Session, account_id: str, browser: str, *, strong: bool) -> str:
    """A new session. Returns the cookie's token, which is stored nowhere."""
    token, now = new_token(), utcnow()
    session.add(
        SessionRow(
            token_hash=token_hash(token),
            id=new_id(),
            account_id=account_id,
            strong=strong,
            browser=browser[:200],
            created_at=now,
            seen_at=now,
        )
    )
    return token


def account_of_session(database: Engine, token: str) -> Account | None:
    """Who is signed in with this cookie; None when the session is over or never was."""
    now = utcnow()
    with transaction(database, readonly=True) as session:
        row = session.get(SessionRow, token_hash(token))
        if row is None or _is_over(row, now):
            return None
        account = account_of(session, row.account_id, strong=row.strong, session_id=row.id)
    if account and now - row.seen_at > _LAG:
        _note_use(database, row.token_hash, now)
    return account


def _is_over(row: SessionRow, now: datetime.datetime) -> bool:
    return now - row.seen_at > IDLE or now - row.created_at > WHOLE


def _note_use(database: Engine, key: str, now: datetime.datetime) -> None:
    with transaction(database, always=True) as session:
        session.execute(update(SessionRow).where(SessionRow.token_hash == key).values(seen_at=now))


def account_of_token(database: Engine, token: str) -> Account | None:
    """Whose API token this is; None when it expired or never was."""
    now = utcnow()
    with transaction(database, readonly=True) as session:
        row = session.get(ApiTokenRow, token_hash(token))
        if row is None or row.expires_at < now:
            return None
        scopes: frozenset[Permission] = frozenset(row.scopes.split())  # type: ignore[arg-type]
        account = account_of(session, row.account_id, strong=row.strong, session_id=row.id, scopes=scopes)
    if account and (row.used_at is None or now - row.used_at > _LAG):
        with transaction(database, always=True) as session:
            session.execute(update(ApiTokenRow).where(ApiTokenRow.token_hash == row.token_hash).values(used_at=now))
    return account


def account_of(
    session: Session,
    account_id: str,
    *,
    strong: bool,
    session_id: str = "",
    scopes: frozenset[Permission] | None = None,
) -> Account | None:
    """The account as a session or token of that strength sees it; None unless it is active."""
    row = session.get(AccountRow, account_id)
    if row is None or row.state != "active":
        return None
    given = session.scalars(select(RoleRow).where(RoleRow.account_id == account_id)).all()
    roles = frozenset({"member", *(each.role for each in given)})
    return Account(
        id=row.id,
        email=row.email,
        name=row.name,
        language=row.language,
        roles=roles if strong else roles - STRONG,
        waiting=frozenset() if strong else roles & STRONG,
        organisations=frozenset(each.organisation_id for each in given if each.organisation_id),
        scopes=scopes,
        session_id=session_id,
        strong=strong,
        half=scopes is None and not strong and bool(row.totp_key),
    )


def sessions_of(session: Session, account_id: str) -> list[SessionRow]:
    """The sessions that are not over, the last used first."""
    found = session.scalars(select(SessionRow).where(SessionRow.account_id == account_id))
    now = utcnow()
    return sorted((row for row in found if not _is_over(row, now)), key=lambda row: row.seen_at, reverse=True)


def end_session(session: Session, account_id: str, session_id: str) -> None:
    """End one of somebody's sessions; one that is over already is fine."""
    session.execute(delete(SessionRow).where(SessionRow.account_id == account_id, SessionRow.id == session_id))


def end_this(session: Session, token: str) -> None:
    """End the session of this cookie, if it is one."""
    session.execute(delete(SessionRow).where(SessionRow.token_hash == token_hash(token)))


def end_all(session: Session, account_id: str, *, but: str = "") -> None:
    """End all of somebody's sessions, on all devices; ``but`` is the id of one that stays."""
    session.execute(delete(SessionRow).where(SessionRow.account_id == account_id, SessionRow.id != but))


def forget_ended(session: Session) -> None:
    """Delete sessions that are over; to be called now and then."""
    now = utcnow()
    over = (SessionRow.seen_at < now - IDLE) | (SessionRow.created_at < now - WHOLE)
    session.execute(delete(SessionRow).where(over))
