"""One question to Elasticsearch: which searches it takes, and the answer from what they found.

Two rounds. The first finds candidates: for each language the records that are nearest in meaning and those whose words
cover most, each with all the evidence that ``ranking.py`` asks for, as scores of named queries. They are named in the
post_filter, where they cost nothing until a hit is fetched. Ranked, they give the page, and the bar that meaning must
reach. The second counts everything that passes the bar, by facet, and looks up the passages to show.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from indexer.engines.base import Answer, Hit, Question
from indexer.engines.elastic_candidates import Candidate, Ranked, Statistics, centre
from indexer.engines.elastic_clauses import NEAREST, Clause, Clauses, any_of
from schemas.language import Language
from schemas.search import FACETS

Body = dict[str, Any]
Ask = Callable[[Sequence[Body]], list[dict[str, Any]]]

#: Candidates of each kind and language that are ranked for the first pages, and for the pages behind them.
CANDIDATES: Final = 40
MORE_CANDIDATES: Final = 1_000
#: Offset and limit that the first pages end with.
FIRST_PAGES: Final = 25
#: Candidates that tell how close the best of all records are, where filters leave some out.
BEST: Final = 20
#: Values of all facets together that are counted.
VALUES: Final = 20_000
_BEST_FIRST: Final = [{"_score": "desc"}, {"id": "asc"}]
#: What a candidate is made from, beside its evidence.
_FETCHED: Final[Body] = {"_source": False, "docvalue_fields": ["id", "languages"]}


class Query:
    """See the module. ``ask`` sends searches; ``information`` is the most that the question's words can score, by language."""

    def __init__(
        self, question: Question, statistics: Statistics, information: Mapping[Language, float], ask: Ask
    ) -> None:
        self._question = question
        self._statistics = statistics
        self._clauses = Clauses(question, statistics.counts, information)
        self._ask = ask
        self._candidates: dict[str, Candidate] = {}
        #: What meaning must reach, as far as it is known.
        self._bar = statistics.bar(question)
        self._ranked = self._rank()

    def _rank(self) -> Ranked:
        return Ranked(self._candidates.values(), self._question, self._statistics, self._clauses.information, self._bar)

    def answer(self) -> Answer:
        """Find, rank and count."""
        if self._question.asks and self._question.sort == "relevance":
            return self._by_score()
        return self._by_key()

    def _by_score(self) -> Answer:
        counted = self._find(self._counting)
        ranked, start = self._ranked.order(), self._question.offset
        page = ranked[start : start + self._question.limit]
        answers = self._ask([*([] if counted else [self._counting()]), *self._showing(page)])
        counted = counted or answers.pop(0)
        missing = min(self._question.limit, max(_total(counted) - start, 0)) - len(page)
        if missing > 0:
            page += self._rest(ranked, missing)
            answers = self._ask(self._showing(page))
        return self._answer(counted, page, answers)

    def _by_key(self) -> Answer:
        counted = self._find(self._counting_in_order) if self._question.asks else None
        counted = counted or self._ask([self._counting_in_order()])[0]
        page = self._add([counted])
        return self._answer(counted, page, self._ask(self._showing(page)))

    def _find(self, counting: Callable[[], Body]) -> Body | None:
        """Look for candidates; and count at once, where it is known what meaning must reach."""
        if self._bar is not None:
            *found, counted = self._ask([*self._lists(), counting()])
            self._add(found)
            return counted
        self._add(self._ask(self._lists()))
        self._bar = self._ranked.bar
        self._statistics.keep(self._question, self._bar)
        return None

    def _answer(self, counted: Body, page: Sequence[int], shown: Sequence[Body]) -> Answer:
        passages = _passages(shown)
        return Answer(
            total=_total(counted),
            hits=[self._hit(row, passages) for row in page],
            facets=_facets(counted["aggregations"]),
            incomplete=self._question.vector is not None and self._statistics.incomplete,
        )

    # Candidates

    def _lists(self) -> list[Body]:
        """One search for each kind of candidate and language. Where filters leave records out, it brings the best of all too,
        which are gathered before the post_filter, unless it is known what meaning must reach: that is what they tell."""
        wanted = self._question.offset + self._question.limit
        size = CANDIDATES if wanted <= FIRST_PAGES else MORE_CANDIDATES
        if not self._clauses.filtered:
            return [self._list(score, size) for score in self._kinds(size)]
        best: Body = {"aggs": {"best": {"top_hits": {"size": BEST, "sort": _BEST_FIRST} | _FETCHED}}}
        # Many of the nearest may be left out.
        lists = [self._list(score, size, [self._clauses.scope]) for score in self._kinds(NEAREST)]
        return [one | best for one in lists] if self._bar is None else lists

    def _kinds(self, nearest: int) -> list[Clause]:
        """What candidates are found by; ``nearest`` is how many of the nearest records are looked for."""
        clauses = self._clauses
        near = [] if self._question.mode == "keyword" else [clauses.nearest(one, nearest) for one in clauses.understood]
        sure = [*clauses.tags, *([{"constant_score": {"filter": clauses.exact, "boost": 10}}] if clauses.exact else [])]
        return [*near, *(clauses.words(one) for one in clauses.worded), *([any_of(sure)] if sure else [])]

    def _list(self, score: Clause, size: int, among: Sequence[Clause] = ()) -> Body:
        found = {"bool": {"must": [score], "filter": [self._clauses.unasked]}}
        return self._described(found, among) | {"size": size, "sort": _BEST_FIRST}

    def _described(self, query: Clause, among: Sequence[Clause] = ()) -> Body:
        """A search whose hits come with their evidence."""
        return {"query": query, "post_filter": self._clauses.evidence(among), "track_total_hits": False} | _FETCHED

    def _add(self, answers: Sequence[Body]) -> list[int]:
        """Take in what these searches found. Returns a row for each hit of theirs, in their order."""
        found = [Candidate.of(hit) for answer in answers for hit in _hits(answer)]
        self._candidates |= {one.id: one for one in found}
        self._ranked = self._rank()
        return [self._ranked.best(one.id) for one in found] if len(answers) == 1 else []

    def _rest(self, ranked: Sequence[int], size: int) -> list[int]:
        """What is found beyond the candidates, in the order of ids: nobody reads so far, but pages have no gap."""
        known = [self._ranked.rows[row][0].id for row in ranked]
        others = {"bool": {"filter": [self._answering(), self._clauses.scope], "must_not": [{"terms": {"id": known}}]}}
        start = max(self._question.offset - len(ranked), 0)
        return self._add(self._ask([self._described(others) | {"sort": [{"id": "asc"}], "from": start, "size": size}]))

    def _answering(self) -> Clause:
        return self._clauses.answering(self._ranked.bar, centre(self._question, self._statistics))

    # Counting and showing

    def _counting(self) -> Body:
        selections = self._clauses.selections
        groups = {"chosen": list(selections.values())} | {
            facet: [clause for name, clause in selections.items() if name != facet] for facet in selections
        }
        counts = {
            name: {
                "filter": {"bool": {"filter": clauses}},
                "aggs": {"values": {"terms": {"field": "facets", "size": VALUES} | _only(name)}},
            }
            for name, clauses in groups.items()
        }
        query = {"bool": {"filter": [self._clauses.always, self._answering()]}}
        return {"size": 0, "query": query, "aggs": counts, "track_total_hits": False}

    def _counting_in_order(self) -> Body:
        """The same with a page in another order than that of the scores. Counts are made before the post_filter."""
        if not self._question.limit:
            return self._counting()
        return (
            self._counting()
            | {
                "size": self._question.limit,
                "from": self._question.offset,
                "sort": self._order(),
                "post_filter": self._clauses.evidence(list(self._clauses.selections.values())),
            }
            | _FETCHED
        )

    def _order(self) -> list[Any]:
        by_title: list[Any] = [{"title": {"order": "asc", "missing": "_last"}}, {"id": "asc"}]
        sort, near = self._question.sort, self._question.near
        if sort == "title":
            return by_title
        if sort == "distance" and near:
            place = {"place": {"lat": near.lat, "lon": near.lon}, "order": "asc", "unit": "km"}
            return [{"_geo_distance": place}, {"id": "asc"}]
        order = "asc" if sort == "oldest" else "desc"
        return [{"dated": {"order": order, "missing": "_last"}}, *by_title]

    def _showing(self, page: Sequence[int]) -> list[Body]:
        """Which passage of each record on the page is the nearest."""
        languages = dict.fromkeys(self._ranked.rows[row][1] for row in page)
        compared = [
            self._clauses.compared(one, inner_hits={"name": one, "size": 1, "_source": False})
            for one in languages
            if one in self._clauses.understood
        ]
        if not compared:
            return []
        ids = [self._ranked.rows[row][0].id for row in page]
        query = {"bool": {"filter": [{"terms": {"id": ids}}], "should": compared}}
        return [{"query": query, "size": len(ids), "_source": False, "docvalue_fields": ["id"]}]

    def _hit(self, row: int, passages: Mapping[tuple[str, str], int]) -> Hit:
        one, language = self._ranked.rows[row]
        closeness = float(self._ranked.known.closeness[row])
        known = not np.isnan(closeness)
        return Hit(
            id=one.id,
            language=language,
            score=round(float(self._ranked.scores[row]), 4) if self._question.asks else 0.0,
            passage=passages.get((one.id, language), -1) if known else -1,
            closeness=round(closeness, 4) if known else None,
            coverage=round(float(self._ranked.known.coverage[row]), 4),
            exact=bool(self._ranked.known.exact[row]),
        )


def _hits(answer: Body) -> list[dict[str, Any]]:
    """The hits of a search, and the best of all where it was asked for them."""
    best = answer.get("aggregations", {}).get("best")
    found: list[dict[str, Any]] = answer["hits"]["hits"] + (best["hits"]["hits"] if best else [])
    return found


def _total(counted: Body) -> int:
    found: int = counted["aggregations"]["chosen"]["doc_count"]
    return found


def _facets(groups: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """Counts by facet; a facet with a selection is counted as if it had none."""
    common = _counts(groups["chosen"])
    return {
        facet.name: (_counts(groups[facet.name]) if facet.name in groups else common).get(facet.name, {})
        for facet in FACETS
    }


def _counts(group: Body) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for bucket in group["values"]["buckets"]:
        facet, _, value = bucket["key"].partition(":")
        counts.setdefault(facet, {})[value] = bucket["doc_count"]
    return counts


def _passages(answers: Sequence[Body]) -> dict[tuple[str, str], int]:
    """Record and language to the place of the nearest passage."""
    return {
        (hit["fields"]["id"][0], language): nearest["_nested"]["offset"]
        for answer in answers
        for hit in answer["hits"]["hits"]
        for language, inner in hit["inner_hits"].items()
        for nearest in inner["hits"]["hits"]
    }


def _only(facet: str) -> dict[str, str]:
    """Counts the values of one facet where a group is for that one."""
    return {} if facet == "chosen" else {"include": f"{facet}:.*"}
