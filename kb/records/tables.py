"""The tables of records. What a record says is one JSON value, the one that import and export use."""

import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text
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
    #: By a machine, and no person has accepted it yet: readers and the index do not see it.
    machine: Mapped[bool]
    translator: Mapped[str | None] = mapped_column(String(200))
    #: When this language's text last changed.
    updated_at: Mapped[datetime.datetime]


class LookupRow(Base):
    """A published record as the database alone finds it, while the search index is away. It is derived from what readers
    may see, and written with the record. Texts are folded words between single blanks, with a blank at both ends."""

    __tablename__ = "lookups"

    record_id: Mapped[str] = mapped_column(ForeignKey("records.id", ondelete="CASCADE"), primary_key=True)
    type: Mapped[str] = mapped_column(String(20), index=True)
    #: Empty for a record without a city; a city is its own.
    city_id: Mapped[str] = mapped_column(String(200))
    #: 20190430 for 2019-04-30, 20190000 for 2019, 0 for a record without a date.
    dated: Mapped[int]
    #: The record's own coordinates as a point on the unit sphere: there, distance is plain arithmetic.
    x: Mapped[float | None]
    y: Mapped[float | None]
    z: Mapped[float | None]
    #: ``facet:value`` each, without what a city lends.
    facets: Mapped[str] = mapped_column(Text)
    #: Titles in all languages, that of the record's own language first, and other names.
    names: Mapped[str] = mapped_column(Text)
    #: The place's own name, and its country's in all languages.
    place: Mapped[str] = mapped_column(Text)
    #: All of that and the summaries.
    text: Mapped[str] = mapped_column(Text)
