"""Mail that waits, and that went out."""

import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from kb.db import Base


class MailRow(Base):
    """One mail to one person. What was sent keeps its key, so that nothing is sent twice, and loses its text."""

    __tablename__ = "mails"

    id: Mapped[int] = mapped_column(primary_key=True)
    #: The event and the recipient: one mail for each.
    key: Mapped[str] = mapped_column(String(200), unique=True)
    recipient: Mapped[str] = mapped_column(String(320))
    subject: Mapped[str] = mapped_column(String(500))
    text: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime.datetime]
    #: When to try (again); None once it went out or was given up.
    due_at: Mapped[datetime.datetime | None] = mapped_column(index=True)
    attempts: Mapped[int] = mapped_column(default=0)
    sent_at: Mapped[datetime.datetime | None]
