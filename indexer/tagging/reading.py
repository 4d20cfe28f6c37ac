"""A text as the model reads it: cut, embedded, matched; what all suggestions are made from."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from indexer.embedding import Embedder, Vectors
from indexer.tagging.cutting import Span, sentences, windows
from indexer.tagging.logistic import Numbers
from indexer.tagging.matching import Match, Matcher, within
from indexer.tagging.model import GENDER, TaggingModel, fused
from schemas.language import Language
from schemas.lexicon import GOALS, gender_terms, goal_terms

#: Windows whose sentences are read one by one, at most: those that say most.
CLOSELY: Final = 40

#: The logit of everything for an empty text.
NOTHING: Final = -9.0

Progress = Callable[[int, int], None]


@cache
def goal_words() -> Matcher:
    """The lexicon of the goals."""
    return Matcher(goal_terms(), GOALS)


@cache
def gender_words() -> Matcher:
    """The lexicon of the gender themes and of the aim."""
    return Matcher(gender_terms(), GENDER)


@dataclass(frozen=True)
class Pieces:
    """Parts of a text: where they stand, their vectors (n, d), and of each what heads and lexicon say."""

    spans: tuple[Span, ...]
    vectors: Vectors
    goal_heads: Numbers
    goal_words: Numbers
    goals: Numbers
    gender_words: Numbers


@dataclass(frozen=True)
class Understood:
    """A text with its windows and the sentences of those that say most."""

    text: str
    language: Language
    goal_matches: list[Match]
    gender_matches: list[Match]
    windows: Pieces
    sentences: Pieces

    def gender(self, model: TaggingModel) -> tuple[Numbers, Numbers]:
        """Of the text, (26,), and of its sentences, (n, 26): logits of what ``GENDER`` names."""
        wide = self.windows.vectors @ model.window_heads + model.window_biases
        close = np.asarray(self.sentences.vectors @ model.sentence_heads + model.sentence_biases, dtype=np.float64)
        words = gender_words().evidence(self.gender_matches)
        if not self.windows.spans:
            return np.full(len(GENDER), NOTHING), close
        whole = fused(model.gender_fusion, of_all(np.asarray(wide, dtype=np.float64)), of_all(close), words)
        return whole, fused(model.gender_fusion, close, close, self.sentences.gender_words)


def read(
    text: str,
    language: Language,
    model: TaggingModel,
    embedder: Embedder,
    pool: Executor,
    progress: Progress | None = None,
) -> Understood:
    """Read a text. A text of white space alone has no windows. ``progress`` is told how many vectors are done, of how many."""
    spans = sentences(text)
    groups = windows(spans)
    matches = goal_words().find(text, language), gender_words().find(text, language)
    whole = [Span(spans[group[0]].start, spans[group[-1]].end) for group in groups]
    counted = _Counted(progress, len(whole) + min(len(spans), CLOSELY * 3))
    vectors = _embedded(text, whole, embedder, pool, counted)
    wide = _pieces(whole, vectors, matches, model)
    close = [spans[number] for group in _telling(groups, wide) for number in group]
    known = dict(zip(whole, vectors, strict=True))
    fresh = [span for span in close if span not in known]
    known |= dict(zip(fresh, _embedded(text, fresh, embedder, pool, counted), strict=True))
    near = np.array([known[span] for span in close], dtype=np.float32).reshape(len(close), embedder.dimension)
    counted.finish()
    return Understood(text, language, *matches, wide, _pieces(close, near, matches, model))


class _Counted:
    """Tells how far it is."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0

    def one_more(self) -> None:
        self._done = min(self._done + 1, self._total)
        if self._progress:
            self._progress(self._done, self._total)

    def finish(self) -> None:
        if self._progress:
            self._progress(self._total, self._total)


def _embedded(text: str, spans: Sequence[Span], embedder: Embedder, pool: Executor, counted: _Counted) -> Vectors:
    found = []
    for vector in pool.map(lambda span: embedder.query(text[span.start : span.end]), spans):
        found.append(vector)
        counted.one_more()
    return np.array(found, dtype=np.float32).reshape(len(spans), embedder.dimension)


def _telling(groups: Sequence[range], wide: Pieces) -> list[range]:
    """The windows to read closely, in the text's order: all, or those that say most of any goal or of gender."""
    if len(groups) <= CLOSELY:
        return list(groups)
    mentioning = wide.gender_words.sum(axis=1)
    says = (wide.goals - np.median(wide.goals, axis=0)).max(axis=1) + mentioning
    return [groups[number] for number in sorted(np.argsort(-says)[:CLOSELY])]


def _pieces(
    spans: Sequence[Span], vectors: Vectors, matches: tuple[list[Match], list[Match]], model: TaggingModel
) -> Pieces:
    of_goals = _words(goal_words(), matches[0], spans, len(GOALS))
    goal_heads = np.asarray(vectors @ model.goal_heads + model.goal_biases, dtype=np.float64)
    any_head = np.repeat((vectors @ model.any_head + model.any_bias)[:, None], len(GOALS), axis=1)
    return Pieces(
        spans=tuple(spans),
        vectors=vectors,
        goal_heads=goal_heads,
        goal_words=of_goals,
        goals=fused(model.goal_fusion, goal_heads, of_goals, any_head),
        gender_words=_words(gender_words(), matches[1], spans, len(GENDER)),
    )


def _words(matcher: Matcher, matches: list[Match], spans: Sequence[Span], keys: int) -> Numbers:
    found = [matcher.evidence(within(matches, span.start, span.end)) for span in spans]
    return np.array(found, dtype=np.float64).reshape(len(spans), keys)


def of_all(logits: Numbers) -> Numbers:
    """The logit of a text from those of its windows (n, k): ln mean exp, so that one window of many can carry a goal."""
    top = logits.max(axis=0)
    return np.asarray(top + np.log(np.exp(logits - top).mean(axis=0)))
