"""The tables of tagging. A record's tags stand in the record; here is how they came to be."""

import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from kb.db import Base
from schemas.language import Language
from schemas.records import RecordType
from schemas.tagging import Action, BulkOutcome, BulkStage, CaseStage, TagKind


class TagCaseRow(Base):
    """A record in the queue: where its tags stand. Written anew from the record, its last suggestions and its decisions
    whenever one of them changes."""

    __tablename__ = "tag_cases"
    __table_args__ = (
        Index(None, "stage", "confidence"), Index(None, "confidence", "record_id"), Index(None, "since", "record_id"),
    )  # fmt: skip

    record_id: Mapped[str] = mapped_column(ForeignKey("records.id", ondelete="CASCADE"), primary_key=True)
    #: The record's revision that was looked at.
    revision: Mapped[int]
    type: Mapped[RecordType] = mapped_column(String(20))
    language: Mapped[Language] = mapped_column(String(2))
    region: Mapped[str] = mapped_column(String(60), default="")
    country: Mapped[str] = mapped_column(String(2), default="", index=True)
    city_id: Mapped[str] = mapped_column(String(200), default="")
    year: Mapped[int | None] = mapped_column(index=True)
    #: ``disputed`` and ``stale`` stand beside it.
    stage: Mapped[CaseStage] = mapped_column(String(12))
    disputed: Mapped[bool] = mapped_column(default=False)
    #: The text has changed since its tags were decided.
    stale: Mapped[bool] = mapped_column(default=False, index=True)
    #: The key of the text as it is now, and as it was at the last decision; empty before it was first read or decided.
    text_key: Mapped[str] = mapped_column(String(32), default="")
    decided_key: Mapped[str] = mapped_column(String(32), default="")
    suggestion_id: Mapped[int | None]
    #: Suggestions that nobody has decided on, and the highest confidence among them.
    open: Mapped[int] = mapped_column(default=0)
    confidence: Mapped[float] = mapped_column(default=0.0)
    #: Those suggestions: kind to goal or theme to confidence.
    waiting: Mapped[dict[str, Any]]
    #: The gender marker; empty for one that is not screened.
    marker: Mapped[str] = mapped_column(String(1), default="")
    #: Goals that are tagged or suggested, with a blank around each, as ``" 5 11 "``.
    goals: Mapped[str] = mapped_column(String(80), default="")
    #: What a reader sees first: the record's title in its own language.
    title: Mapped[str] = mapped_column(String(300), default="")
    #: When its text changed last, as far as tagging knows: how long it has been waiting.
    since: Mapped[datetime.datetime]
    decided_at: Mapped[datetime.datetime | None]
    assignee_id: Mapped[str] = mapped_column(String(32), default="", index=True)
    due_on: Mapped[datetime.date | None]


class SuggestionRow(Base):
    """What one version of the model said of one text of a record. None is ever changed."""

    __tablename__ = "tag_suggestions"

    id: Mapped[int] = mapped_column(primary_key=True)
    record_id: Mapped[str] = mapped_column(ForeignKey("records.id", ondelete="CASCADE"), index=True)
    text_key: Mapped[str] = mapped_column(String(32))
    model: Mapped[str] = mapped_column(String(100))
    at: Mapped[datetime.datetime]
    #: ``schemas.tagging.Suggestions``.
    result: Mapped[dict[str, Any]]
    #: The text as learning sees it, float32: vector, evidence of the lexicon by goal, logits of the base by goal
    #: (``indexer/tagging/remembered.py``); empty where it is not known.
    vector: Mapped[bytes] = mapped_column(LargeBinary)


class DecisionRow(Base):
    """What a person did to one tag. ``key`` is the goal, the theme or ``gender``: what one person at a time can decide on;
    ``code`` is the goal, target or theme itself. ``before`` and ``after`` are the tag's value in the record, of a screening
    the whole of ``gender``; None where there is none."""

    __tablename__ = "tag_decisions"
    __table_args__ = (Index(None, "record_id", "kind", "key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    record_id: Mapped[str] = mapped_column(ForeignKey("records.id", ondelete="CASCADE"))
    kind: Mapped[TagKind] = mapped_column(String(12))
    key: Mapped[str] = mapped_column(String(40))
    code: Mapped[str] = mapped_column(String(40))
    action: Mapped[Action] = mapped_column(String(12))
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]
    #: The record's revision that it led to.
    revision: Mapped[int]
    #: What the person saw: the suggestion, its model's version and its confidence.
    suggestion_id: Mapped[int | None]
    model: Mapped[str] = mapped_column(String(100), default="")
    confidence: Mapped[float | None]
    account_id: Mapped[str] = mapped_column(String(40), index=True)
    at: Mapped[datetime.datetime] = mapped_column(index=True)
    comment: Mapped[str] = mapped_column(String(2000), default="")
    #: The key of the text that was decided on; empty where it had not been read by the model yet.
    text_key: Mapped[str] = mapped_column(String(32), default="")
    #: The decision that this one follows from, as another goal stops being the main one; both are undone together.
    follows_id: Mapped[int | None]
    #: The decision that took it back.
    undone_by: Mapped[int | None]


class DisputeRow(Base):
    """Somebody doubts a tag or the gender marker. Two readers other than who raised it say what becomes of it."""

    __tablename__ = "tag_disputes"

    id: Mapped[int] = mapped_column(primary_key=True)
    record_id: Mapped[str] = mapped_column(ForeignKey("records.id", ondelete="CASCADE"), index=True)
    kind: Mapped[TagKind] = mapped_column(String(12))
    key: Mapped[str] = mapped_column(String(40))
    #: The value of the tag, or of the marker with its answers, when it was disputed.
    tag: Mapped[dict[str, Any]]
    reason: Mapped[str] = mapped_column(String(2000))
    raised_by: Mapped[str] = mapped_column(String(40))
    raised_at: Mapped[datetime.datetime]
    #: Empty while it is open; keep, remove or change.
    outcome: Mapped[str] = mapped_column(String(12), default="", index=True)
    closed_at: Mapped[datetime.datetime | None]


class VerdictRow(Base):
    """What one reader says of a dispute."""

    __tablename__ = "tag_verdicts"

    dispute_id: Mapped[int] = mapped_column(ForeignKey("tag_disputes.id", ondelete="CASCADE"), primary_key=True)
    account_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    verdict: Mapped[str] = mapped_column(String(12))
    #: The code that it should be changed to.
    code: Mapped[str] = mapped_column(String(40), default="")
    comment: Mapped[str] = mapped_column(String(2000))
    at: Mapped[datetime.datetime]


class SampleRow(Base):
    """Records that two people tag without seeing each other's tags nor those of the record."""

    __tablename__ = "tag_samples"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    drawn_by: Mapped[str] = mapped_column(String(40))
    drawn_at: Mapped[datetime.datetime]
    #: What it was drawn from, and the number that the drawing began with: it can be drawn again.
    rule: Mapped[dict[str, Any]]


class SampleRecordRow(Base):
    """A record of a sample."""

    __tablename__ = "tag_sample_records"

    sample_id: Mapped[int] = mapped_column(ForeignKey("tag_samples.id", ondelete="CASCADE"), primary_key=True)
    record_id: Mapped[str] = mapped_column(ForeignKey("records.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int]


class ReadingRow(Base):
    """How one person tags a record of a sample."""

    __tablename__ = "tag_readings"

    sample_id: Mapped[int] = mapped_column(ForeignKey("tag_samples.id", ondelete="CASCADE"), primary_key=True)
    record_id: Mapped[str] = mapped_column(ForeignKey("records.id", ondelete="CASCADE"), primary_key=True)
    account_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    #: ``{"goals": ["5"], "themes": ["care"], "marker": 1}``
    tags: Mapped[dict[str, Any]]
    at: Mapped[datetime.datetime]


class LearntRow(Base):
    """What was learnt from the decisions so far, over the fixed base; at most one version is switched on."""

    __tablename__ = "tag_learnt"

    version: Mapped[int] = mapped_column(primary_key=True)
    #: The base model that it belongs to.
    base: Mapped[str] = mapped_column(String(100))
    fitted_at: Mapped[datetime.datetime]
    #: How many decisions and records it was fitted to, and the last decision among them.
    decisions: Mapped[int]
    records: Mapped[int]
    last_decision_id: Mapped[int]
    offsets: Mapped[bytes] = mapped_column(LargeBinary)
    #: Base and learnt side by side on decisions that were held out.
    report: Mapped[dict[str, Any]]
    active: Mapped[bool] = mapped_column(default=False)


class SwitchRow(Base):
    """Who switched which version on, or back to the base (``version`` 0), and why."""

    __tablename__ = "tag_switches"

    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int]
    account_id: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime.datetime]
    comment: Mapped[str] = mapped_column(String(2000), default="")


class BulkRow(Base):
    """Suggestions that one person accepts in one go, after having read a sample of them."""

    __tablename__ = "tag_bulks"

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(String(40), index=True)
    begun_at: Mapped[datetime.datetime]
    #: ``schemas.tagging.BulkRule``, and the number that the drawing of the sample began with: it can be drawn again.
    rule: Mapped[dict[str, Any]]
    seed: Mapped[int]
    stage: Mapped[BulkStage] = mapped_column(String(12), index=True)
    #: What each of its decisions says.
    comment: Mapped[str] = mapped_column(String(2000), default="")
    accepted_at: Mapped[datetime.datetime | None]
    #: Who takes it back, and when they said so.
    undone_by: Mapped[str] = mapped_column(String(40), default="")
    undone_at: Mapped[datetime.datetime | None]


class BulkItemRow(Base):
    """A suggested goal in a bulk, and what became of it."""

    __tablename__ = "tag_bulk_items"
    __table_args__ = (Index(None, "bulk_id", "outcome"),)

    bulk_id: Mapped[int] = mapped_column(ForeignKey("tag_bulks.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    record_id: Mapped[str] = mapped_column(ForeignKey("records.id", ondelete="CASCADE"), index=True)
    key: Mapped[str] = mapped_column(String(40))
    confidence: Mapped[float]
    suggestion_id: Mapped[int]
    #: The last decision on this goal when the bulk was begun; 0 for none.
    seen: Mapped[int]
    #: Its place in the sample, from 1; and whether whoever read it found it right.
    sample: Mapped[int | None]
    is_right: Mapped[bool | None]
    outcome: Mapped[BulkOutcome] = mapped_column(String(12), default="")
    #: Why it was left out, or stays as it is.
    reason: Mapped[str] = mapped_column(String(300), default="")
    decision_id: Mapped[int | None] = mapped_column(index=True)
