"""SDG and gender tags. A tag says who gave it, on which passage, and what became of it."""

import datetime
from typing import Annotated, Literal

from pydantic import Field

from schemas.base import Model
from schemas.language import Language, Text
from schemas.vocabulary import term_of

TagSource = Literal["author", "machine", "staff"]
TagState = Literal["suggested", "accepted", "rejected", "disputed"]
Contribution = Literal["direct", "indirect", "negative"]
#: A question of the gender marker.
Criterion = Annotated[str, term_of("gender_criteria")]


class Tag(Model):
    """What every tag carries. ``passage`` is quoted word for word from the record, in ``passage_language``."""

    passage: Text | None = None
    passage_language: Language | None = None
    confidence: float | None = Field(default=None, ge=0, le=1)
    source: TagSource = "author"
    state: TagState = "accepted"
    reviewer: Text | None = None
    date: datetime.date | None = None

    @property
    def public(self) -> bool:
        """Whether readers and search see this tag: no machine's tag is public before a person accepted it. One that is
        disputed was accepted, and stays in view, as disputed, until it is settled."""
        return self.state in ("accepted", "disputed") and (self.source != "machine" or self.reviewer is not None)


class SdgTag(Tag):
    """A goal (``5``) or a target (``5.2``) of the 2030 Agenda."""

    code: Annotated[str, term_of("sdgs")]
    primary: bool = False
    contribution: Contribution = "direct"

    @property
    def goal(self) -> str:
        """The goal's number, also for a target: ``5`` for ``5.2``."""
        return self.code.split(".")[0]


class GenderThemeTag(Tag):
    """A theme of gender policy, from the vocabulary gender_themes."""

    theme: Annotated[str, term_of("gender_themes")]


class Gender(Model):
    """The gender side of a record. ``marker`` is the OECD DAC gender equality policy marker: 0 screened and
    not targeted, 1 significant, 2 principal; None is unscreened, which is a state of its own."""

    themes: list[GenderThemeTag] = []
    marker: Literal[0, 1, 2] | None = None
    #: The answers that led to the marker (``schemas/gender_marker.py``); a question that is not here is not stated.
    checklist: dict[Criterion, bool] = {}
    #: What an answer rests on, word for word from the record, in ``passage_language`` as ``passage`` is.
    passages: dict[Criterion, Text] = {}
    passage: Text | None = None
    passage_language: Language | None = None
    #: Beside the marker, which is about what was meant to be done: whether it is shown that something became more equal.
    results_evidenced: bool | None = None
    sex_disaggregated_data: bool | None = None
    source: TagSource = "author"
    #: Of the marker; a theme has its own.
    state: Literal["accepted", "disputed"] = "accepted"
    reviewer: Text | None = None
    date: datetime.date | None = None
