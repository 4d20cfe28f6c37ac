"""The tables of messages. Whose inbox a message is in is a row: nobody else reads it."""

import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from kb.db import Base
from schemas.correspondence import Reach, Reason, Side
from schemas.language import Language

_OF_ACCOUNT = "accounts.id"
_OF_THREAD = "message_threads.id"

#: As the author of a message: the contact of a record, who has no account; and somebody whose data was erased.
GUEST = ""
ERASED = "erased"


class ThreadRow(Base):
    """A conversation about a record, between who asked and those who were asked."""

    __tablename__ = "message_threads"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    subject: Mapped[str] = mapped_column(String(200))
    record_id: Mapped[str] = mapped_column(String(200), index=True)
    reach: Mapped[Reach] = mapped_column(String(10))
    started_at: Mapped[datetime.datetime]
    #: Its last message.
    last_at: Mapped[datetime.datetime] = mapped_column(index=True)
    #: When both sides were told that it will be deleted.
    told_at: Mapped[datetime.datetime | None]


class MemberRow(Base):
    """Somebody with an account who takes part. ``archived`` is for themselves only."""

    __tablename__ = "message_members"

    thread_id: Mapped[str] = mapped_column(ForeignKey(_OF_THREAD, ondelete="CASCADE"), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey(_OF_ACCOUNT, ondelete="CASCADE"), primary_key=True, index=True)
    side: Mapped[Side] = mapped_column(String(10))
    archived: Mapped[bool] = mapped_column(default=False)


class MessageRow(Base):
    """One message. ``author_id`` outlives the account: see ``GUEST`` and ``ERASED``."""

    __tablename__ = "messages"

    id: Mapped[int] = mapped_column(primary_key=True)
    thread_id: Mapped[str] = mapped_column(ForeignKey(_OF_THREAD, ondelete="CASCADE"), index=True)
    side: Mapped[Side] = mapped_column(String(10))
    author_id: Mapped[str] = mapped_column(String(32), index=True)
    text: Mapped[str] = mapped_column(Text)
    sent_at: Mapped[datetime.datetime]


class DeliveryRow(Base):
    """A message in somebody's inbox. Who had blocked its author has none."""

    __tablename__ = "message_deliveries"

    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey(_OF_ACCOUNT, ondelete="CASCADE"), primary_key=True, index=True)
    read: Mapped[bool] = mapped_column(default=False)


class GuestRow(Base):
    """The contact of a record who takes part by mail, as the record named them when the conversation began."""

    __tablename__ = "message_guests"

    thread_id: Mapped[str] = mapped_column(ForeignKey(_OF_THREAD, ondelete="CASCADE"), primary_key=True)
    #: In lower case.
    email: Mapped[str] = mapped_column(String(320), index=True)
    name: Mapped[str] = mapped_column(String(200))
    language: Mapped[Language] = mapped_column(String(2))


class GuestLinkRow(Base):
    """A link in a mail to a guest, by which they read and answer one conversation."""

    __tablename__ = "message_links"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    thread_id: Mapped[str] = mapped_column(ForeignKey(_OF_THREAD, ondelete="CASCADE"), index=True)
    expires_at: Mapped[datetime.datetime]


class RefusalRow(Base):
    """An address, as its SHA-256, whose owner wants no messages through this site."""

    __tablename__ = "message_refusals"

    address_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime.datetime]


class BlockRow(Base):
    """Whose messages somebody does not want; the other one is not told."""

    __tablename__ = "message_blocks"

    account_id: Mapped[str] = mapped_column(ForeignKey(_OF_ACCOUNT, ondelete="CASCADE"), primary_key=True)
    blocked_id: Mapped[str] = mapped_column(ForeignKey(_OF_ACCOUNT, ondelete="CASCADE"), primary_key=True, index=True)
    at: Mapped[datetime.datetime]


class ReportRow(Base):
    """What somebody said against a message, and what staff made of it. ``outcome`` is empty while it is open."""

    __tablename__ = "message_reports"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), index=True)
    #: Empty for a guest.
    reporter_id: Mapped[str] = mapped_column(String(32), index=True)
    reason: Mapped[Reason] = mapped_column(String(20))
    note: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime.datetime]
    #: The moderator who opened it, and so may read the message; empty for nobody.
    reader_id: Mapped[str] = mapped_column(String(32), default="")
    outcome: Mapped[str] = mapped_column(String(20), default="", index=True)
    closed_at: Mapped[datetime.datetime | None]


class CorrespondentRow(Base):
    """What somebody has set, or staff about them. Who has no row gets mail and may write."""

    __tablename__ = "message_settings"

    account_id: Mapped[str] = mapped_column(ForeignKey(_OF_ACCOUNT, ondelete="CASCADE"), primary_key=True)
    by_mail: Mapped[bool] = mapped_column(default=True)
    may_write: Mapped[bool] = mapped_column(default=True, index=True)
