"""A question in Elasticsearch's words: which records it is about, and what is to be said of each."""

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Final

import numpy as np

from indexer import ranking
from indexer.engines.base import Question, Tokens
from indexer.engines.elastic_index import packed
from schemas.language import LANGUAGES, Language

Clause = dict[str, Any]

#: Records of each language that can be found by meaning. Where fewer passages are, all are compared; else the nearest in
#: the graph.
NEAREST: Final = 1_000
COMPARED: Final = 5_000
#: Passages that a search of the graph looks at in each segment, at least. A merged index has one segment: with 100, results
#: were those of an exact comparison to 92 %, with 400 to 98 %, in hardly more time (docs/performance.md).
LEAST_SEARCHED: Final = 500
#: Share of a question's vocabulary terms is compared with this slack: Elasticsearch adds shares as floats.
_SLACK: Final = 1e-5


class Clauses:
    """Of one question. ``counts``: how many vectors the index holds in each language; ``information``: the most that the
    question's words can score, by language."""

    def __init__(
        self, question: Question, counts: np.ndarray[Any, np.dtype[np.int64]], information: Mapping[Language, float]
    ) -> None:
        self._question = question
        self._counts = counts
        self.information = information

    # Filters

    @cached_property
    def selections(self) -> dict[str, Clause]:
        """The chosen values of each facet."""
        return {
            facet: {"terms": {"facets": [f"{facet}:{value}" for value in values]}}
            for facet, values in self._question.filters.items()
            if values
        }

    @cached_property
    def always(self) -> Clause:
        """What every answer must be, before facets filter and whatever words and meaning say."""
        question = self._question
        outside = [clause for phrase in question.excluded for clause in _holding(phrase)]
        if question.without:
            outside.append({"term": {"id": question.without}})
        inside: list[Clause] = [{"term": {"alive": True}}]
        inside += [any_of(_holding(phrase)) for phrase in question.phrases]
        years = {"gte": question.year_from, "lte": question.year_to}
        if limits := {name: year for name, year in years.items() if year is not None}:
            inside.append({"range": {"year": limits}})
        if question.near:
            lat, lon, km = question.near
            inside.append({"geo_distance": {"distance": f"{km}km", "place": {"lat": lat, "lon": lon}}})
        return {"bool": {"filter": inside, "must_not": outside}}

    @cached_property
    def unasked(self) -> Clause:
        """Which records the best of all are looked for among: filters do not change what counts as an answer."""
        left_out = [{"term": {"id": self._question.without}}] if self._question.without else []
        return {"bool": {"filter": [{"term": {"alive": True}}], "must_not": left_out}}

    @cached_property
    def scope(self) -> Clause:
        """What every answer must be, facets included."""
        return {"bool": {"filter": [self.always, *self.selections.values()]}}

    @property
    def filtered(self) -> bool:
        """Whether anything leaves records out of the answer that would be in it."""
        question = self._question
        return bool(
            self.selections
            or question.phrases
            or question.excluded
            or question.near
            or question.year_from is not None
            or question.year_to is not None
        )

    # What is to be said of a record

    @cached_property
    def worded(self) -> list[Language]:
        """The languages in which the question has words that texts hold."""
        return [one for one in LANGUAGES if self._question.words.get(one) and self.information.get(one, 0) > 0]

    @cached_property
    def understood(self) -> list[Language]:
        """The languages in which there are vectors to compare the question with."""
        if self._question.vector is None:
            return []
        return [one for one, count in zip(LANGUAGES, self._counts, strict=True) if count]

    @cached_property
    def _packed(self) -> str:
        """The question's vector as the index has those of passages: a fifth of a list of numbers, and nothing to parse."""
        assert self._question.vector is not None
        return packed(self._question.vector)

    def words(self, language: Language, **more: Any) -> Clause:
        """Scores the question's words by BM25."""
        text = " ".join(self._question.words[language])
        return {"match": {f"words.{language}": {"query": text} | more}}

    def compared(self, language: Language, **more: Any) -> Clause:
        """Scores 1 + the cosine of the nearest passage, whichever record is asked about."""
        field = f"passages.{language}.vector"
        script = {"source": f"cosineSimilarity(params.asked, '{field}') + 1.0", "params": {"asked": self._packed}}
        scored = {"script_score": {"query": {"exists": {"field": field}}, "script": script}}
        return {"nested": {"path": f"passages.{language}", "score_mode": "max", "query": scored} | more}

    def nearest(self, language: Language, number: int = NEAREST) -> Clause:
        """The same score, for so many of the nearest records only."""
        if self._counts[LANGUAGES.index(language)] <= COMPARED:
            return self.compared(language)
        graph = {
            "field": f"passages.{language}.vector",
            "query_vector": self._packed,
            "k": number,
            "num_candidates": max(number, LEAST_SEARCHED),
            "boost": 2,
        }
        return {"nested": {"path": f"passages.{language}", "score_mode": "max", "query": {"knn": graph}}}

    @cached_property
    def exact(self) -> Clause | None:
        """Records that are called so, or hold all that is preferred."""
        choices: list[Clause] = []
        if self._question.name:
            named = {"term": {"names.key": self._question.name}}
            choices.append({"nested": {"path": "names", "query": named, "score_mode": "none"}})
        if self._question.preferred:
            choices.append({"bool": {"filter": [any_of(_holding(phrase)) for phrase in self._question.preferred]}})
        return any_of(choices) if choices else None

    @cached_property
    def tags(self) -> list[Clause]:
        """Scores each vocabulary term that the question names with its share."""
        return [
            {"constant_score": {"filter": {"term": {"facets": value}}, "boost": share}}
            for value, share in self._question.terms.items()
        ]

    def evidence(self, among: Sequence[Clause]) -> Clause:
        """All that is to be said of each candidate, as named queries; and that it must be among these."""
        named = [self.words(language, _name=f"words.{language}") for language in self.worded]
        named += [self.words(language, operator="and", _name=f"all.{language}") for language in self.worded]
        named += [self.compared(language, _name=f"near.{language}") for language in self.understood]
        named += [{"bool": {"should": [tag], "_name": f"tag.{place}"}} for place, tag in enumerate(self.tags)]
        named.append({"bool": {"filter": [self.scope], "_name": "scope"}})
        if self.exact:
            named.append({"bool": {"filter": [self.exact], "_name": "exact"}})
        return {"bool": {"filter": [*among] or [{"match_all": {}}], "should": named}}

    # What answers the question

    def answering(self, bar: float, centre: Mapping[Language, float]) -> Clause:
        """All records that answer the question, before facets filter. ``bar`` is what meaning must reach, ``centre`` the
        cosine of the question with each language's mean passage."""
        if self._question.phrases or not self._question.asks:
            return {"match_all": {}}
        by_meaning = (
            []
            if bar == math.inf
            else [_at_least(self._close(language), 1 + centre[language] + bar) for language in self.understood]
        )
        return any_of([*self._by_words(), *by_meaning])

    def _by_words(self) -> list[Clause]:
        if self._question.mode == "semantic":
            return []
        enough = ranking.KEYWORD_FLOOR if self._question.mode == "keyword" else ranking.COVERAGE_FLOOR
        choices = [_at_least(self.words(one), enough * self.information[one]) for one in self.worded]
        choices += [self.words(language, operator="and") for language in self.worded]
        if self._question.terms:
            choices.append(_at_least(any_of(self.tags), ranking.TAG_FLOOR - _SLACK))
        return choices + ([self.exact] if self.exact else [])

    def _close(self, language: Language) -> Clause:
        """Scores 1 + cosine + what words add."""
        words = []
        if language in self.worded:
            words = [self.words(language, boost=ranking.LEXICAL_WEIGHT / self.information[language])]
        return {"bool": {"must": [self.nearest(language)], "should": words}}


def any_of(clauses: Sequence[Clause]) -> Clause:
    """At least one of them; of none, nothing."""
    return {"bool": {"should": list(clauses), "minimum_should_match": 1}} if clauses else {"match_none": {}}


def _holding(phrase: Mapping[Language, Tokens]) -> list[Clause]:
    """A phrase in each language: its words in order."""
    return [{"match_phrase": {f"words.{language}": " ".join(tokens)}} for language, tokens in phrase.items() if tokens]


def _at_least(scored: Clause, score: float) -> Clause:
    return {"function_score": {"query": scored, "min_score": score}}
