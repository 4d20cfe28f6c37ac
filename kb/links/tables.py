"""The tables of external links. All can be made anew but for ``fine``, which an editor said."""

import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from kb.db import Base


class LinkCheckRow(Base):
    """An address and how it answered. ``reason`` is empty where it answered well."""

    __tablename__ = "link_checks"

    #: SHA-256 of the address.
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    url: Mapped[str] = mapped_column(Text)
    host: Mapped[str] = mapped_column(String(300))
    due_at: Mapped[datetime.datetime] = mapped_column(index=True)
    checked_at: Mapped[datetime.datetime | None]
    #: The answer's HTTP status; 0 without an answer.
    status: Mapped[int] = mapped_column(default=0)
    reason: Mapped[str] = mapped_column(String(20), default="")
    #: In a row.
    failures: Mapped[int] = mapped_column(default=0)
    failing_since: Mapped[datetime.datetime | None]
    #: An editor looked and found nothing wrong; until it answers well again.
    fine: Mapped[bool] = mapped_column(default=False)


class LinkPlaceRow(Base):
    """A published record has this address."""

    __tablename__ = "link_places"

    record_id: Mapped[str] = mapped_column(ForeignKey("records.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(ForeignKey("link_checks.key", ondelete="CASCADE"), primary_key=True, index=True)


class LinkScanRow(Base):
    """The revision of a record whose addresses are in ``link_places``."""

    __tablename__ = "link_scans"

    record_id: Mapped[str] = mapped_column(ForeignKey("records.id", ondelete="CASCADE"), primary_key=True)
    revision: Mapped[int]
