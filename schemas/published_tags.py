"""What the API says of a record's tags: each with its passage, where it comes from, and what became of it. No person is named."""

import datetime
from typing import Literal

from schemas.base import Model
from schemas.language import Language
from schemas.tagging import Action
from schemas.tags import Contribution, TagSource


class TagEvent(Model):
    """Something that a person did to a tag. ``before`` and ``after`` are the goal, target or theme that stood there.
    ``model`` and ``confidence`` are of the suggestion that they saw."""

    at: datetime.datetime
    action: Action
    before: str | None
    after: str | None
    model: str | None
    confidence: float | None
    undone: bool


class PublishedTag(Model):
    """A tag that readers see. ``model`` is the version that suggested it and ``suggested_at`` when; both are null for tags
    that no program suggested. ``date`` is when its state changed last."""

    kind: Literal["sdg", "theme"]
    code: str
    uri: str | None
    label: dict[Language, str]
    primary: bool | None
    contribution: Contribution | None
    passage: str | None
    passage_language: Language | None
    confidence: float | None
    source: TagSource
    state: Literal["accepted", "disputed"]
    date: datetime.date | None
    model: str | None
    suggested_at: datetime.datetime | None
    decided_at: datetime.datetime | None
    history: list[TagEvent]


class PublishedGenderMarker(Model):
    """The OECD DAC gender equality policy marker of a record that was screened. ``checklist`` are the answers that led to it,
    by ids of the vocabulary gender_criteria, and ``passages`` what they rest on; what is not there is not stated."""

    value: Literal[0, 1, 2]
    checklist: dict[str, bool]
    passages: dict[str, str]
    passage: str | None
    passage_language: Language | None
    source: TagSource
    state: Literal["accepted", "disputed"]
    date: datetime.date | None
    decided_at: datetime.datetime | None


class PublishedTags(Model):
    """All tags of a record. ``gender_marker`` is null for a record that was not screened."""

    id: str
    tags: list[PublishedTag]
    gender_marker: PublishedGenderMarker | None
