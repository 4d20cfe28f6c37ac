"""What is shown of a text that somebody tries: the suggestions in words, and the text with its passages marked."""

import logging
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final, NamedTuple

from indexer.analysis import languages_of
from indexer.tagging import model as models
from schemas.language import LANGUAGES, Language
from schemas.tagging import (
    Confidence,
    CriterionSuggestion,
    Evidence,
    GoalSuggestion,
    MarkerSuggestion,
    Suggestions,
    ThemeSuggestion,
)
from search_ui.i18n import N_

log = logging.getLogger(__name__)

#: Confidence in words, from the lowest number that each stands for.
IN_WORDS: Final[tuple[tuple[float, str], ...]] = (
    (0.88, N_("very likely")),
    (0.5, N_("likely")),
    (0.2, N_("perhaps")),
    (0.0, N_("unlikely")),
)
#: Nothing that a machine says of a text is certain.
_SUREST: Final = 0.99
#: Characters that tell the language.
_TELLING: Final = 20_000
#: Known words for each word, function words twice, below which a text is in none of the three languages.
_KNOWN: Final = 0.75

Progress = Callable[[int, int], None]


# The language


def language_of_text(text: str) -> tuple[Language | None, bool]:
    """The language that knows most of its words, None where none knows more than the others; and whether it is likely to be in
    one of the three at all."""
    told = text[:_TELLING]
    known = languages_of(told)
    best = max(known.values())
    leading = [language for language in LANGUAGES if known[language] == best]
    words = max(len(told.split()), 1)
    return leading[0] if best and len(leading) == 1 else None, best / words >= _KNOWN


# The result


class Shown(NamedTuple):
    """A suggestion for the page. ``passage`` is the number of its evidence in the text, 0 for none."""

    said: GoalSuggestion | ThemeSuggestion | CriterionSuggestion
    passage: int

    @property
    def words(self) -> str:
        """How sure the model is, in words; to be translated."""
        return in_words(self.said.confidence)

    @property
    def share(self) -> float:
        """How sure it is, for per cent."""
        return min(self.said.confidence, _SUREST)


class Piece(NamedTuple):
    """A piece of the text: ``begins`` are the passages that begin with it, ``ends`` those that end."""

    text: str
    marked: bool
    begins: tuple[int, ...]
    ends: tuple[int, ...]


@dataclass(frozen=True)
class Result:
    """What there is to see. ``cut``: the text went on; ``foreign``: it is likely to be in none of the three languages;
    ``recognised``: nobody said in which language it is."""

    text: str
    language: Language
    cut: bool
    recognised: bool
    foreign: bool
    model: str
    goals: list[Shown]
    other_goals: list[Shown]
    themes: list[Shown]
    other_themes: list[Shown]
    marker: MarkerSuggestion
    speaks_for: list[int]
    speaks_against: list[int]
    criteria: list[Shown]
    pieces: list[Piece]
    #: What each passage is shown for: (sdg or theme or gender, code).
    reasons: dict[int, list[tuple[str, str]]]
    #: The passages by number, from 1.
    passages: dict[int, Evidence]

    @property
    def marker_share(self) -> float:
        """How sure the model is of the marker, for per cent."""
        return min(self.marker.confidence, _SUREST)


def in_words(confidence: Confidence) -> str:
    """Confidence in words."""
    return next(words for lowest, words in IN_WORDS if confidence >= lowest)


def result_of(text: str, said: Suggestions, *, cut: bool, recognised: bool, foreign: bool) -> Result:
    """The suggestions for a text as they are shown: those that are likely with their passages, the others by name."""
    gender, number = said.gender, _Numbers()
    goals = [each for each in said.sdgs if each.suggested]
    themes = [each for each in gender.themes if each.suggested]
    for goal in goals:
        number.enter(goal.evidence, "sdg", goal.goal)
    for theme in themes:
        number.enter(theme.evidence, "theme", theme.theme)
    for evidence in (*gender.marker.speaks_for, *gender.marker.speaks_against):
        number.enter(evidence, "gender", "")
    for criterion in gender.criteria:
        number.enter(criterion.evidence if criterion.answer is not None else None, "gender", "")
    numbers = number.in_order()
    return Result(
        text=text, language=said.language, cut=cut, recognised=recognised, foreign=foreign, model=said.model,
        goals=[_shown(each, numbers) for each in goals],
        other_goals=[Shown(each, 0) for each in said.sdgs if not each.suggested],
        themes=[_shown(each, numbers) for each in themes],
        other_themes=[Shown(each, 0) for each in gender.themes if not each.suggested],
        marker=gender.marker,
        speaks_for=[numbers[_span(each)] for each in gender.marker.speaks_for],
        speaks_against=[numbers[_span(each)] for each in gender.marker.speaks_against],
        criteria=[_shown(each, numbers) for each in gender.criteria],
        pieces=list(pieces(text, numbers)),
        reasons={numbers[span]: reasons for span, reasons in number.reasons.items()},
        passages={numbers[span]: each for span, each in number.evidence.items()},
    )  # fmt: skip


def _span(evidence: Evidence) -> tuple[int, int]:
    return evidence.start, evidence.end


def _shown(said: Any, numbers: dict[tuple[int, int], int]) -> Shown:
    return Shown(said, numbers.get(_span(said.evidence), 0) if said.evidence else 0)


class _Numbers:
    """Passages get their numbers in the order of the text, each once, whatever it is evidence of."""

    def __init__(self) -> None:
        self.reasons: dict[tuple[int, int], list[tuple[str, str]]] = {}
        self.evidence: dict[tuple[int, int], Evidence] = {}

    def enter(self, evidence: Evidence | None, kind: str, code: str) -> None:
        if evidence is None:
            return
        span = _span(evidence)
        reasons = self.reasons.setdefault(span, [])
        if (kind, code) not in reasons:
            reasons.append((kind, code))
        known = self.evidence.get(span)
        terms = [*(known.terms if known else ()), *evidence.terms]
        self.evidence[span] = evidence.model_copy(update={"terms": list(dict.fromkeys(terms))})

    def in_order(self) -> dict[tuple[int, int], int]:
        return {span: number for number, span in enumerate(sorted(self.reasons), start=1)}


def pieces(text: str, numbers: dict[tuple[int, int], int]) -> Iterator[Piece]:
    """The text cut where a passage begins or ends; together they are the text."""
    bounds = sorted({0, len(text), *(place for span in numbers for place in span if place <= len(text))})
    for start, end in pairwise(bounds):
        within = [span for span in numbers if span[0] <= start and end <= span[1]]
        yield Piece(
            text[start:end],
            bool(within),
            tuple(numbers[span] for span in within if span[0] == start),
            tuple(numbers[span] for span in within if span[1] == end),
        )


def terms_in(evidence: Evidence) -> list[tuple[int, int]]:
    """Where the terms of a passage stand in it, each at its first place."""
    places = [(evidence.passage.find(term), len(term)) for term in evidence.terms]
    return [(start, start + length) for start, length in places if start >= 0]


# The model


@lru_cache(maxsize=4)
def about_model(data_dir: Path, embedding: str) -> dict[str, Any] | None:
    """On what the model for these embeddings was trained, and which version it is; None where there is none."""
    try:
        found = models.read(data_dir, embedding)
    except models.Unreadable:
        log.exception("the tagging model cannot be read")
        return None
    return found.trained_on | {"version": found.version} if found else None


class Figure(NamedTuple):
    """What the model was found to be worth: ``what``, to be translated, and a share with its 95 % interval."""

    what: str
    share: float
    low: float
    high: float


#: The figures that readers are told, by the set and the name that ``kb tagging evaluate`` gives them.
_TOLD: Final[dict[tuple[str, str], str]] = {
    ("partners", "precision of strong"): N_("Very likely goals that people found right, on projects of partner cities"),
    ("partners", "recall of suggested"): N_("Goals that people found in these projects and that were suggested"),
    ("everyday", "accuracy"): N_(
        "Goals rightly suggested or left out, on texts that a search for the goal brings up (English)"
    ),
    ("development", "accuracy"): N_(
        "Goals rightly suggested or left out, on texts that are meant to mislead (English)"
    ),
    ("framework", "right goal suggested"): N_("Right goal suggested for an official description that was left out"),
    ("targets", "right target among three"): N_("Right target among the first three"),
    ("evidence", "right passage"): N_("Right passage shown, of four"),
    ("languages", "same first goal"): N_("Same first goal for the same text in two languages"),
    ("gender", "themes: precision"): N_("Suggested gender themes that are right"),
    ("gender", "themes: recall"): N_("Gender themes of a text that are suggested"),
    ("gender", "marker right"): N_("Right value of the gender marker"),
    ("gender", "criteria answered right"): N_("Questions of the marker answered rightly, where they are answered"),
}
_FIGURE: Final = re.compile(r"  (.+?) +(\d\.\d+) +\[(\d\.\d+), (\d\.\d+)\]")


def figures_of(printed: str) -> list[Figure]:
    """The figures in what ``kb tagging evaluate`` printed, in our order."""
    found: dict[tuple[str, str], tuple[float, float, float]] = {}
    part = ""
    for line in printed.splitlines():
        if matched := _FIGURE.match(line):
            found[part, matched[1]] = float(matched[2]), float(matched[3]), float(matched[4])
        elif line[:1].isalpha():
            part = line.partition(":")[0]
    return [Figure(what, *found[key]) for key, what in _TOLD.items() if key in found]


@cache
def shipped_figures() -> list[Figure]:
    """Those of the shipped model; none where the file is not there."""
    path = models.SHIPPED.with_name("figures.txt")
    return figures_of(path.read_text("utf-8")) if path.exists() else []


# Telling how far it is


class _StoppedError(Exception):
    """Nobody waits for it any more."""


class Step(NamedTuple):
    """So much is done, of so much."""

    done: int
    total: int


def in_steps(work: Callable[[Progress], Suggestions]) -> Iterator[Step | Suggestions]:
    """The work in a thread beside this one, and while it goes on how far it is; at last what came of it. Raises what the work
    does. Who stops listening stops the work at its next step."""
    told: SimpleQueue[Step | Suggestions | Exception] = SimpleQueue()
    stopped = threading.Event()

    def tell(done: int, total: int) -> None:
        if stopped.is_set():
            raise _StoppedError
        told.put(Step(done, total))

    def run() -> None:
        try:
            told.put(work(tell))
        except Exception as error:
            told.put(error)

    threading.Thread(target=run, name="tryout", daemon=True).start()
    try:
        while True:
            said = told.get()
            if isinstance(said, Exception):
                raise said
            yield said
            if isinstance(said, Suggestions):
                return
    finally:
        stopped.set()
