"""Links that are mailed and work once: looked at by a GET, taken by a POST, since mail scanners follow links."""

import datetime
from typing import Any, Final

from sqlalchemy import delete
from sqlalchemy.orm import Session

from kb.accounts.secrets import new_token, token_hash
from kb.accounts.tables import CodeRow
from kb.db import utcnow
from kb.errors import NotFound
from schemas.messages import N_

#: What a link is for, and how long it works.
LIFETIMES: Final = {
    "confirm": datetime.timedelta(hours=24),
    "reset": datetime.timedelta(hours=1),
    "staff_reset": datetime.timedelta(days=1),
    "invite": datetime.timedelta(days=7),
    "email": datetime.timedelta(hours=24),
}
#: Those with which one chooses a password.
FOR_PASSWORD: Final = ("confirm", "reset", "staff_reset", "invite")
_GONE: Final = N_(
    "This link does not work any more: it was used, it is too old, or a newer one was sent. Ask for a new one."
)


def issue(session: Session, account_id: str, purpose: str, **data: Any) -> str:
    """A new link's code; older ones of the same person for the same purpose stop working."""
    forget(session, account_id, purpose)
    code = new_token()
    session.add(
        CodeRow(
            token_hash=token_hash(code),
            account_id=account_id,
            purpose=purpose,
            data=data,
            expires_at=utcnow() + LIFETIMES[purpose],
        )
    )
    return code


def look(session: Session, code: str, *purposes: str) -> CodeRow:
    """What a link is for. Raises NotFound for one that was used, is too old, or never was."""
    row = session.get(CodeRow, token_hash(code))
    if row is None or row.purpose not in purposes or row.expires_at < utcnow():
        raise NotFound(_GONE)
    return row


def take(session: Session, code: str, *purposes: str) -> CodeRow:
    """The same, for the one time that it works. Of two who take it at once, one gets NotFound."""
    row = look(session, code, *purposes)
    taken = session.execute(delete(CodeRow).where(CodeRow.token_hash == row.token_hash))
    if taken.rowcount != 1:  # type: ignore[attr-defined]
        raise NotFound(_GONE)
    return row


def forget(session: Session, account_id: str, *purposes: str) -> None:
    """Let somebody's links for these purposes stop working."""
    session.execute(delete(CodeRow).where(CodeRow.account_id == account_id, CodeRow.purpose.in_(purposes)))
