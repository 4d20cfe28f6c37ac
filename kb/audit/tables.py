"""The audit log."""

import datetime
from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from kb.db import Base


class AuditRow(Base):
    """One thing that somebody did. It refers to no row: it outlives what it tells of. Ids, never names or addresses."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime.datetime] = mapped_column(index=True)
    #: The account; empty for the system itself and for people without one.
    actor: Mapped[str] = mapped_column(String(32), index=True)
    #: As ``record.publish`` or ``account.sign_in``.
    action: Mapped[str] = mapped_column(String(50), index=True)
    #: What it was done to: a record, an account, a draft.
    subject: Mapped[str] = mapped_column(String(200), index=True)
    detail: Mapped[dict[str, Any]]
