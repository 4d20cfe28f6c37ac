"""The tables of drafts. What a draft says is the import line's value, which may still lack things or be wrong."""

import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from kb.db import Base
from schemas.editorial import Stage
from schemas.language import Language
from schemas.records import RecordType


class DraftRow(Base):
    """A text that somebody works on: a new record, or a change of one that is there."""

    __tablename__ = "drafts"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    #: The record that it changes, or became; empty for a new one until it is published.
    record_id: Mapped[str] = mapped_column(String(200), index=True)
    #: The record's revision that it started from; 0 for a new one.
    base_revision: Mapped[int]
    type: Mapped[RecordType] = mapped_column(String(20))
    language: Mapped[Language] = mapped_column(String(2))
    stage: Mapped[Stage] = mapped_column(String(20), index=True)
    data: Mapped[dict[str, Any]]
    #: Counts its saves: who saves says which one they saw.
    version: Mapped[int]
    owner_id: Mapped[str] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    #: Who saved last: nobody approves their own words.
    saved_by: Mapped[str] = mapped_column(String(32))
    #: The editor who has it; empty for nobody.
    assignee_id: Mapped[str] = mapped_column(String(32), default="", index=True)
    due_on: Mapped[datetime.date | None]
    publish_at: Mapped[datetime.datetime | None]
    #: The editor who put it on the schedule: it is published in their name.
    approved_by: Mapped[str] = mapped_column(String(32), default="")
    created_at: Mapped[datetime.datetime]
    updated_at: Mapped[datetime.datetime] = mapped_column(index=True)
    submitted_at: Mapped[datetime.datetime | None]


class TranslationDraftRow(Base):
    """The draft changes nothing but the record's text in this language: a translation that waits for an editor."""

    __tablename__ = "draft_translations"

    draft_id: Mapped[str] = mapped_column(ForeignKey("drafts.id", ondelete="CASCADE"), primary_key=True)
    language: Mapped[Language] = mapped_column(String(2))


class CoAuthorRow(Base):
    """Somebody who writes a draft with its owner."""

    __tablename__ = "draft_authors"

    draft_id: Mapped[str] = mapped_column(ForeignKey("drafts.id", ondelete="CASCADE"), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True, index=True)


class InvitationRow(Base):
    """Somebody was asked by mail to write a draft with its owner. It is deleted when it is taken up, taken back or over."""

    __tablename__ = "draft_invitations"

    #: SHA-256 of the link's token.
    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    #: What the owner's list calls it by.
    id: Mapped[str] = mapped_column(String(32), unique=True)
    draft_id: Mapped[str] = mapped_column(ForeignKey("drafts.id", ondelete="CASCADE"), index=True)
    email: Mapped[str] = mapped_column(String(320))
    invited_by: Mapped[str] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime.datetime]
    expires_at: Mapped[datetime.datetime]


class OwnerRow(Base):
    """Whose record it is: who may propose changes to it without being staff, and is written to about it."""

    __tablename__ = "record_owners"

    record_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True, index=True)


class CommentRow(Base):
    """Something that somebody says about a field of a draft, or an answer to it. ``field`` is as in the import line
    (``solution``, ``costs``); empty for the text as a whole."""

    __tablename__ = "draft_comments"

    id: Mapped[int] = mapped_column(primary_key=True)
    draft_id: Mapped[str] = mapped_column(ForeignKey("drafts.id", ondelete="CASCADE"), index=True)
    field: Mapped[str] = mapped_column(String(200))
    author_id: Mapped[str] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    #: The comment that this answers.
    answers_id: Mapped[int | None] = mapped_column(ForeignKey("draft_comments.id", ondelete="CASCADE"), index=True)
    text: Mapped[str] = mapped_column(Text)
    #: An editor wants a change: it must be answered or settled before the draft is sent in again.
    is_request: Mapped[bool]
    created_at: Mapped[datetime.datetime]
    settled_at: Mapped[datetime.datetime | None]
    settled_by: Mapped[str] = mapped_column(String(32), default="")
