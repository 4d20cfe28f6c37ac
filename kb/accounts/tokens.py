"""Personal API tokens: made, listed and revoked by their owner."""

import datetime
from collections.abc import Iterable
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from kb.accounts.secrets import new_id, new_token, token_hash
from kb.accounts.tables import ApiTokenRow
from kb.audit import service as audit
from kb.db import utcnow
from kb.errors import Invalid
from schemas.accounts import PERMISSIONS, Account, Permission
from schemas.messages import N_

#: So that programs that look for leaked secrets can tell what it is.
_PREFIX: Final = "kb_"
_MOST: Final = 20


def make(session: Session, account: Account, name: str, scopes: Iterable[Permission], days: int) -> str:
    """A token that may do these things, as long as its owner may. Returns it; it is stored nowhere. Raises Invalid."""
    asked = frozenset(scopes)
    if not asked <= set(account.permissions):
        raise Invalid(N_("Choose only what your account may do itself."), field="scopes")
    if len(of_account(session, account.id)) >= _MOST:
        raise Invalid(
            N_("You have %(most)s tokens already. Revoke one that you do not need."), field="name", most=_MOST
        )
    token, now = _PREFIX + new_token(), utcnow()
    row = ApiTokenRow(
        token_hash=token_hash(token),
        id=new_id(),
        account_id=account.id,
        name=name,
        scopes=" ".join(permission for permission in PERMISSIONS if permission in asked),
        strong=account.strong,
        created_at=now,
        expires_at=now + datetime.timedelta(days=days),
    )
    session.add(row)
    audit.note(session, account.id, "token.make", row.id, scopes=row.scopes.split())
    return token


def of_account(session: Session, account_id: str) -> list[ApiTokenRow]:
    """Somebody's tokens that are still good, the newest first."""
    found = select(ApiTokenRow).where(ApiTokenRow.account_id == account_id, ApiTokenRow.expires_at > utcnow())
    return list(session.scalars(found.order_by(ApiTokenRow.created_at.desc())))


def revoke(session: Session, account: Account, token_id: str) -> None:
    """End one of one's own tokens; one that is gone already is fine."""
    mine = (ApiTokenRow.account_id == account.id) & (ApiTokenRow.id == token_id)
    if session.execute(delete(ApiTokenRow).where(mine)).rowcount:  # type: ignore[attr-defined]
        audit.note(session, account.id, "token.revoke", token_id)


def revoke_all(session: Session, account_id: str) -> None:
    """End all of somebody's tokens."""
    session.execute(delete(ApiTokenRow).where(ApiTokenRow.account_id == account_id))
