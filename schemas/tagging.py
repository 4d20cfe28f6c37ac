"""What the tagger is asked and answers: goals, targets, gender themes and the marker, each with its evidence."""

from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints

from schemas.base import Model
from schemas.language import Language, Text
from schemas.records import RecordType
from schemas.tags import Contribution, Criterion
from schemas.vocabulary import term_of

Confidence = Annotated[float, Field(ge=0, le=1)]

#: Why somebody decided so.
Comment = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)]

TagKind = Literal["sdg", "theme", "gender"]
#: untagged: neither tags nor suggestions; suggested: some suggestion waits; decided: none does.
CaseStage = Literal["untagged", "suggested", "decided"]
#: accept and reject answer a suggestion; add, change and remove are the person's own; ``mark`` is a whole screening by the
#: gender wizard; dispute and resolve are of ``kb/tagging/disputes.py``; undo takes the last one back.
Action = Literal["accept", "reject", "add", "change", "remove", "mark", "dispute", "resolve", "undo"]
#: A bulk: its sample is being read, it is being accepted, it is over; or it is being taken back, and was.
BulkStage = Literal["checking", "accepting", "done", "undoing", "undone"]
#: What became of a suggestion in a bulk; empty while nothing did. ``left``: it had moved on meanwhile.
BulkOutcome = Literal["", "accepted", "rejected", "left", "undone", "kept"]
#: Characters of a text that is tagged; what comes after is not read.
LONGEST: Final = 60_000


class SuggestRequest(Model):
    """A text in one of the three languages."""

    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST)]
    language: Language


class Evidence(Model):
    """A passage of the text, word for word: ``text[start:end]``, in characters; and the terms of the lexicon that were found
    in it, as they are written there."""

    passage: str
    start: int
    end: int
    terms: list[str] = []


class TargetSuggestion(Model):
    """A target of a goal, by how near the text is to it among the targets of that goal."""

    code: Annotated[str, term_of("sdgs")]
    confidence: Confidence


class GoalSuggestion(Model):
    """A goal with its probability. ``suggested``: more likely than not; ``strong``: sure enough to be accepted in bulk.
    ``head`` is what the meaning says and ``words`` what the lexicon does, the two numbers that the confidence is made of."""

    goal: Annotated[str, term_of("sdgs")]
    target: str | None
    targets: list[TargetSuggestion]
    confidence: Confidence
    suggested: bool
    strong: bool
    head: float
    words: float
    evidence: Evidence | None


class ThemeSuggestion(Model):
    """A gender theme with its probability."""

    theme: Annotated[str, term_of("gender_themes")]
    confidence: Confidence
    suggested: bool
    evidence: Evidence | None


class CriterionSuggestion(Model):
    """What the text says to a question of the gender marker: yes, no, or None where it does not say."""

    criterion: Criterion
    answer: bool | None
    confidence: Confidence
    evidence: Evidence | None


class MarkerSuggestion(Model):
    """A proposal for the DAC gender equality policy marker, with the passages that speak for it being an objective and
    against it. ``evidence`` is the first of those that speak for the value. ``suggested``: sure enough to be shown as one."""

    value: Literal[0, 1, 2]
    confidence: Confidence
    suggested: bool
    evidence: Evidence | None
    speaks_for: list[Evidence]
    speaks_against: list[Evidence]


class GenderSuggestion(Model):
    """The gender side. ``themes`` are all of them, best first; ``criteria`` are in the vocabulary's order."""

    themes: list[ThemeSuggestion]
    marker: MarkerSuggestion
    criteria: list[CriterionSuggestion]


class Suggestions(Model):
    """All that the tagger says of a text. ``model`` is the version that says it; ``sdgs`` are all 17, best first."""

    model: str
    language: Language
    sdgs: list[GoalSuggestion]
    gender: GenderSuggestion


class Decision(Model):
    """What a person decides on one tag. ``code`` is the goal, target or theme that is decided on, ``to`` what it is changed
    to. None for what stays as it is, or as it was suggested. ``seen`` is the last decision on its goal or theme that the
    person saw, 0 for none: who saw an older one is told."""

    kind: Literal["sdg", "theme"]
    code: Annotated[str, term_of("sdgs", "gender_themes")]
    action: Literal["accept", "reject", "add", "change", "remove"]
    to: Annotated[str, term_of("sdgs", "gender_themes")] | None = None
    primary: bool | None = None
    contribution: Contribution | None = None
    passage: Text | None = None
    comment: Comment = ""
    seen: Annotated[int, Field(ge=0)] = 0

    @property
    def key(self) -> str:
        """What one person at a time can decide on: the goal, or the theme."""
        return self.code.split(".")[0]


#: What learning did to the suggestions; ``few``: there are too few decisions to say.
Verdict = Literal["better", "even", "worse", "few"]


class Measured(Model):
    """How suggestions meet the decisions: goals that were suggested, and those of them that people accepted; precision and
    recall, None where there is nothing to count; the mean log loss in nats."""

    suggested: int
    right: int
    precision: float | None
    recall: float | None
    log_loss: float


class Figures(Model):
    """Base and learnt side by side on the same decisions, of which so many say yes."""

    decisions: int
    accepted: int
    base: Measured
    learnt: Measured
    verdict: Verdict


class LearningReport(Model):
    """How a version does on decisions that it was not fitted to: each document in turn is held out. By goal and by language
    where there is any decision."""

    documents: int
    all: Figures
    goals: dict[str, Figures]
    languages: dict[str, Figures]


class Screening(Model):
    """A person's answers to the questions of the gender marker; one that is not here is not stated. ``seen`` is the last
    decision on the marker that the person saw, 0 for none."""

    answers: dict[Criterion, bool]
    passages: dict[Criterion, Text] = {}
    comment: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)] = ""
    seen: Annotated[int, Field(ge=0)] = 0


class BulkRule(Model):
    """Which suggested goals are accepted in one go: those of at least this confidence. What is empty does not matter.
    ``sample`` is how many of them are read one by one beforehand."""

    confidence: Annotated[float, Field(ge=0.5, le=1)]
    goal: Annotated[str, term_of("sdgs")] = ""
    language: Language | None = None
    region: Annotated[str, term_of("regions")] = ""
    type: RecordType | None = None
    sample: Annotated[int, Field(ge=10, le=200)] = 10
