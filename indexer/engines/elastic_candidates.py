"""Candidates from Elasticsearch, ranked by ``ranking.py`` like those of every engine."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from indexer import ranking
from indexer.engines.base import Question
from schemas.language import LANGUAGES, Language


@dataclass(frozen=True)
class Statistics:
    """What the index is like as a whole: sums of the vectors of each language, shape (languages, dimension), how many
    they are, whether a version has no vector yet."""

    sums: ranking.F32
    counts: np.ndarray[Any, np.dtype[np.int64]]
    incomplete: bool


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
    """These candidates, one row for each version. ``information`` is the most that the question's words can score."""

    def __init__(
        self,
        candidates: Collection[Candidate],
        question: Question,
        statistics: Statistics,
        information: Mapping[Language, float],
    ) -> None:
        self._question = question
        self._statistics = statistics
        self._information = information
        self.rows = [(one, language) for one in candidates for language in one.languages]

    @cached_property
    def known(self) -> ranking.Evidence:
        """What speaks for each row."""
        rows, middle = self.rows, centre(self._question, self._statistics)
        return ranking.Evidence(
            language=np.array([LANGUAGES.index(language) for _, language in rows], dtype=np.int8),
            closeness=np.array(
                [one.scores.get(f"near.{language}", np.nan) - 1 - middle[language] for one, language in rows],
                dtype=np.float32,
            ),
            coverage=np.array([self._coverage(one, language) for one, language in rows], dtype=np.float32),
            all_words=np.array([f"all.{language}" in one.scores for one, language in rows], dtype=bool),
            tag=np.array([self._tag(one) for one, _ in rows], dtype=np.float32),
            exact=np.array(["exact" in one.scores for one, _ in rows], dtype=bool),
        )

    def _coverage(self, one: Candidate, language: Language) -> float:
        score = one.scores.get(f"words.{language}", 0.0)
        return min(score / self._information[language], 1.0) if score else 0.0

    def _tag(self, one: Candidate) -> float:
        shares = self._question.terms.values()
        return min(sum(share for place, share in enumerate(shares) if f"tag.{place}" in one.scores), 1.0)

    @cached_property
    def _floor(self) -> ranking.F32:
        return ranking.floors(self._question.languages, self._statistics.counts)

    @cached_property
    def _found(self) -> frozenset[str]:
        """The candidates that answer the question and pass the filters."""
        if self._question.phrases:
            return frozenset(one.id for one in {one.id: one for one, _ in self.rows}.values() if one.in_scope)
        passed = ranking.relevant(self.known, self._question.mode, self._floor)
        return frozenset(one.id for (one, _), fine in zip(self.rows, passed, strict=True) if fine and one.in_scope)

    @cached_property
    def scores(self) -> ranking.F32:
        """The score of each row."""
        among = np.array([one.id in self._found for one, _ in self.rows], dtype=bool)
        return ranking.fuse(self.known, among, self._question.mode)

    def order(self) -> list[int]:
        """Rows of the records that were found, each in its best version, the best first."""
        rows = [place for place, (one, _) in enumerate(self.rows) if one.id in self._found]
        best: dict[str, int] = {}
        for row in sorted(rows, key=lambda row: (-self.scores[row], self.rows[row][0].id)):
            best.setdefault(self.rows[row][0].id, row)
        return list(best.values())

    def bar(self) -> float | None:
        """What meaning must reach to make a result; None where nothing answers by meaning."""
        return None if self._question.mode == "keyword" else ranking.bar(self.known, self._floor)

    def best(self, record_id: str) -> int:
        """The row of a record's best version; of its first, where nothing is asked."""
        rows = [row for row, (one, _) in enumerate(self.rows) if one.id == record_id]
        return max(rows, key=lambda row: self.scores[row]) if self._question.asks else rows[0]
