"""The tables of records. What a record says is one JSON value, the one that import and export use."""

import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from kb.db import Base
from kb.outbox import Indexed


class RecordRow(Indexed, Base):
    """A record as it is now. ``revision`` counts its contents; ``text_revision`` is the revision that last
    changed the text in its original language, which translations are measured against."""

    __tablename__ = "records"
    __table_args__ = (Index(None, "status", "type", "id"),)

    type: Mapped[str] = mapped_column(String(20))
    status: Mapped[str] = mapped_column(String(20))
    language: Mapped[str] = mapped_column(String(2))
    revision: Mapped[int]
    text_revision: Mapped[int]
    data: Mapped[dict[str, Any]]
    created_at: Mapped[datetime.datetime]
    updated_at: Mapped[datetime.datetime]
    #: When readers first saw it; stays when it is withdrawn.
    published_at: Mapped[datetime.datetime | None]


class RevisionRow(Base):
    """A record as it was after one save, who saved it, and why."""

    __tablename__ = "revisions"

    record_id: Mapped[str] = mapped_column(ForeignKey("records.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime.datetime]
    author: Mapped[str] = mapped_column(String(200))
    comment: Mapped[str] = mapped_column(String(2000), default="")
    data: Mapped[dict[str, Any]]


class LinkRow(Base):
    """One record points to another. The target need not exist yet, so it is no foreign key."""

    __tablename__ = "links"

    source_id: Mapped[str] = mapped_column(ForeignKey("records.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    relation: Mapped[str] = mapped_column(String(20))
    target_id: Mapped[str] = mapped_column(String(200), index=True)


class TranslationRow(Base):
    """A record's text in a language other than its own, and the text revision that it was made from."""

    __tablename__ = "translations"

    record_id: Mapped[str] = mapped_column(ForeignKey("records.id", ondelete="CASCADE"), primary_key=True)
    language: Mapped[str] = mapped_column(String(2), primary_key=True)
    source_revision: Mapped[int]
    machine: Mapped[bool]
    translator: Mapped[str | None] = mapped_column(String(200))
    #: When this language's text last changed.
    updated_at: Mapped[datetime.datetime]
