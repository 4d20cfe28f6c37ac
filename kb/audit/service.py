"""The audit log: write to it, search it."""

from typing import Any

from sqlalchemy.orm import Session

from kb.audit.tables import AuditRow
from kb.db import utcnow


def note(session: Session, actor: str, action: str, subject: str = "", **detail: Any) -> None:
    """Note what was done, in the transaction that does it. ``actor`` is an account's id, ``action`` as
    ``record.publish``; ``detail`` holds no personal data but ids."""
    session.add(AuditRow(at=utcnow(), actor=actor, action=action, subject=subject, detail=detail))
