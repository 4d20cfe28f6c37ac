"""Candidates from Elasticsearch, ranked by ``ranking.py`` like those of every engine."""

import math
from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from indexer import ranking
from indexer.engines.base import Question
from schemas.language import LANGUAGES, Language

_PLACES: Final = {language: place for place, language in enumerate(LANGUAGES)}
#: Questions whose bar is remembered, a few kilobytes each.
REMEMBERED: Final = 2_000


@dataclass(frozen=True)
class Statistics:
    """What one state of the index is like as a whole: sums of the vectors of each language, shape (languages, dimension),
    how many they are, whether a version has no vector yet."""

    sums: ranking.F32
    counts: np.ndarray[Any, np.dtype[np.int64]]
    incomplete: bool
    _bars: dict[Hashable, float] = field(default_factory=dict)

    def bar(self, question: Question) -> float | None:
        """What meaning must reach to make a result, where the same was asked before: filters and pages do not change it,
        and whoever asks changes those more often than words."""
        return self._bars.get(_asked(question)) if _by_meaning(question) else math.inf

    def keep(self, question: Question, bar: float) -> None:
        """Remember what meaning must reach."""
        if len(self._bars) >= REMEMBERED:
            self._bars.clear()
        self._bars[_asked(question)] = bar


def _by_meaning(question: Question) -> bool:
    return question.vector is not None and question.mode != "keyword" and not question.phrases


def _asked(question: Question) -> Hashable:
    """All of a question that the bar depends on."""
    vector = None if question.vector is None else question.vector.tobytes()
    return question.mode, tuple(sorted(question.words.items())), vector, question.languages, question.without


@dataclass(frozen=True)
class Candidate:
    """A record that may be among the answers: its languages, the scores of the named queries, and whether it passes the
    filters."""

    id: str
    languages: tuple[Language, ...]
    scores: Mapping[str, float]

    @property
    def in_scope(self) -> bool:
        return "scope" in self.scores

    @classmethod
    def of(cls, hit: dict[str, Any]) -> "Candidate":
        """As a search found it."""
        fields = hit["fields"]
        return cls(fields["id"][0], tuple(fields["languages"]), hit.get("matched_queries", {}))


def centre(question: Question, statistics: Statistics) -> dict[Language, float]:
    """The cosine of the question with each language's mean passage."""
    if question.vector is None:
        return dict.fromkeys(LANGUAGES, 0.0)
    means = ranking.language_means(statistics.sums, statistics.counts, question.typical)
    return dict(zip(LANGUAGES, (means @ question.vector).tolist(), strict=True))


class Ranked:
    """These candidates, one row for each version. ``information`` is the most that the question's words can score, ``bar``
    what meaning must reach; None: what it must reach among these."""

    def __init__(
        self,
        candidates: Collection[Candidate],
        question: Question,
        statistics: Statistics,
        information: Mapping[Language, float],
        bar: float | None,
    ) -> None:
        self._question = question
        self._statistics = statistics
        self._information = information
        self._bar = bar
        self.rows = [(one, language) for one in candidates for language in one.languages]

    @cached_property
    def known(self) -> ranking.Evidence:
        """What speaks for each row."""
        language = np.array([_PLACES[language] for _, language in self.rows], dtype=np.intp)
        middle = np.array(list(centre(self._question, self._statistics).values()))
        most = np.array([self._information.get(language) or np.inf for language in LANGUAGES])
        return ranking.Evidence(
            language=language,
            closeness=(self._scored("near", np.nan) - 1 - middle[language]).astype(np.float32),
            coverage=ranking.coverage(self._scored("words", 0), most[language]),
            all_words=self._scored("all", -1) >= 0,
            tag=self._tags(),
            exact=np.array(["exact" in one.scores for one, _ in self.rows], dtype=bool),
        )

    def _scored(self, kind: str, otherwise: float) -> NDArray[np.float64]:
        """What the named query of that kind, of a row's language, gave it."""
        names = {language: f"{kind}.{language}" for language in LANGUAGES}
        return np.array([one.scores.get(names[language], otherwise) for one, language in self.rows], dtype=np.float64)

    def _tags(self) -> ranking.F32:
        shares = [(f"tag.{place}", share) for place, share in enumerate(self._question.terms.values())]
        found = [sum(share for name, share in shares if name in one.scores) for one, _ in self.rows]
        return np.minimum(np.array(found, dtype=np.float32), np.float32(1))

    @cached_property
    def bar(self) -> float:
        """What meaning must reach to make a result."""
        if self._bar is not None:
            return self._bar
        return ranking.bar(self.known, ranking.floors(self._question.languages, self._statistics.counts))

    @cached_property
    def _found(self) -> frozenset[str]:
        """The candidates that answer the question and pass the filters."""
        passed = ranking.relevant(self.known, self._question.mode, self.bar)
        if self._question.phrases:
            passed[:] = True
        return frozenset(one.id for (one, _), fine in zip(self.rows, passed, strict=True) if fine and one.in_scope)

    @cached_property
    def scores(self) -> ranking.F32:
        """The score of each row."""
        among = np.array([one.id in self._found for one, _ in self.rows], dtype=bool)
        return ranking.fuse(self.known, among, self._question.mode)

    def order(self) -> list[int]:
        """Rows of the records that were found, each in its best version, the best first."""
        ordered = sorted(
            (-score, one.id, row)
            for row, ((one, _), score) in enumerate(zip(self.rows, self.scores.tolist(), strict=True))
            if one.id in self._found
        )
        best: dict[str, int] = {}
        for _, id, row in ordered:
            best.setdefault(id, row)
        return list(best.values())

    def best(self, record_id: str) -> int:
        """The row of a record's best version; of its first, where nothing is asked."""
        rows = [row for row, (one, _) in enumerate(self.rows) if one.id == record_id]
        return max(rows, key=lambda row: self.scores[row]) if self._question.asks else rows[0]
