"""What people say of tags beside deciding on them: a doubt, a verdict on it, and a blind reading of a sample's record."""

from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from schemas.base import Model
from schemas.language import Language
from schemas.messages import N_
from schemas.records import RecordType
from schemas.tagging import TagKind
from schemas.vocabulary import load, term_of

Said = Annotated[str, StringConstraints(strip_whitespace=True, min_length=10, max_length=2000)]
VerdictKind = Literal["keep", "remove", "change"]
#: How a dispute ended; ``withdrawn`` by who raised it, before anybody read it.
Outcome = Literal["keep", "remove", "change", "withdrawn"]

#: Records of one sample, and people who read each of them.
LARGEST: Final = 500
MOST_READERS: Final = 5
#: The first number that no drawing begins with.
SEEDS: Final = 2**31


class Doubt(Model):
    """Somebody thinks that a tag or the gender marker is wrong, and says why. ``seen`` is the last decision on its goal,
    its theme or the marker that they saw."""

    kind: TagKind
    code: Annotated[str, term_of("sdgs", "gender_themes")] | Literal["gender"]
    reason: Said
    seen: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _names_the_marker_by_its_kind(self) -> "Doubt":
        if (self.kind == "gender") != (self.code == "gender"):
            raise ValueError(N_("Choose one of those that are offered."))
        return self

    @property
    def key(self) -> str:
        """The goal, the theme, or ``gender``."""
        return self.code.split(".")[0]


class Verdict(Model):
    """What a reader says of a disputed tag. ``to``: what it should be changed to. The marker is kept or set back
    (``remove``), never changed: who screens the record again gives the answers that another one follows from."""

    verdict: VerdictKind
    to: Annotated[str, term_of("sdgs", "gender_themes")] | None = None
    comment: Said

    @model_validator(mode="after")
    def _says_to_what(self) -> "Verdict":
        if (self.verdict == "change") != (self.to is not None):
            raise ValueError(N_("Say what the tag should be changed to, and only then."))
        return self


class SampleRule(Model):
    """What a sample is drawn from and how: the same rule draws the same records from the same collection. Empty lists do not
    narrow anything. ``readers`` is how many people read each record."""

    size: Annotated[int, Field(ge=1, le=LARGEST)]
    seed: Annotated[int, Field(ge=0, lt=SEEDS)]
    readers: Annotated[int, Field(ge=2, le=MOST_READERS)] = 2
    types: list[RecordType] = []
    languages: list[Language] = []
    regions: list[Annotated[str, term_of("regions")]] = []


class TagReading(Model):
    """How a person tags a record of a sample, without having seen any tag of it. ``marker``: None where the text does not
    allow to tell."""

    goals: list[str] = []
    themes: list[Annotated[str, term_of("gender_themes")]] = []
    marker: Literal[0, 1, 2] | None

    @field_validator("goals")
    @classmethod
    def _are_goals(cls, goals: list[str]) -> list[str]:
        if any(goal not in load("sdgs") or load("sdgs")[goal].broader for goal in goals):
            raise ValueError(N_("Choose one of those that are offered."))
        return goals
