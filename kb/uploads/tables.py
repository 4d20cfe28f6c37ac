"""The table of uploads. The files lie in the uploads folder, named after what is in them."""

import datetime
from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from kb.db import Base


class UploadRow(Base):
    """A file of a draft. It refers to no draft's row: a published record may still show what a draft brought in."""

    __tablename__ = "uploads"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    #: Who uploaded it, and whose quota it counts for; None once the account is erased.
    account_id: Mapped[str | None] = mapped_column(ForeignKey("accounts.id", ondelete="SET NULL"), index=True)
    draft_id: Mapped[str] = mapped_column(String(32), index=True)
    #: The record that shows it; empty until one does.
    record_id: Mapped[str] = mapped_column(String(200), default="", index=True)
    #: ``image/webp`` or ``application/pdf``.
    media_type: Mapped[str] = mapped_column(String(50))
    #: Names of its files by width in pixels; a document has one, under ``0``.
    files: Mapped[dict[str, Any]]
    #: Of all its files together.
    bytes: Mapped[int]
    created_at: Mapped[datetime.datetime] = mapped_column(index=True)
