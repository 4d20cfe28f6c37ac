"""Who asked to be forgotten, and who was."""

import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from kb.db import Base


class ErasureRequestRow(Base):
    """Somebody asked to be forgotten; until ``due_at`` they may change their mind."""

    __tablename__ = "erasure_requests"

    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    created_at: Mapped[datetime.datetime]
    due_at: Mapped[datetime.datetime] = mapped_column(index=True)


class ErasureRow(Base):
    """Somebody was forgotten. The digest says nothing about them, and finds them again in a restored backup."""

    __tablename__ = "erasures"

    #: SHA-256 of the account's id.
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime.datetime]
    #: When the files of the database were cleaned, and the index made anew; None while that is to be done.
    swept_at: Mapped[datetime.datetime | None]
    indexed_at: Mapped[datetime.datetime | None]
