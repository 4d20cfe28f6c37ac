"""One question to Elasticsearch: which searches it takes, and the answer from what they found.

Two rounds. The first finds candidates: for each language the records that are nearest in meaning and those whose words
cover most, each with all the evidence that ``ranking.py`` asks for, as scores of named queries. They are named in the
post_filter, where they cost nothing until a hit is fetched. Ranked, they give the page, and the bar that meaning must
reach. The second counts everything that passes the bar, by facet, and looks up the passages to show.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np

from indexer import ranking
from indexer.engines.base import Answer, Hit, Question, Tokens
from indexer.engines.elastic_index import packed
from schemas.language import LANGUAGES, Language
from schemas.search import FACETS

Body = dict[str, Any]
Clause = dict[str, Any]

#: Candidates of each kind and language that are ranked for the first pages, and for the pages behind them.
CANDIDATES: Final = 100
MORE_CANDIDATES: Final = 1_000
#: Offset and limit that the first pages end with.
FIRST_PAGES: Final = 50
#: Candidates that tell how close the best of all records are, where filters leave some out.
BEST: Final = 20
#: Records of each language that can be found by meaning. Where fewer passages are, all are compared; else the nearest in
#: the graph.
NEAREST: Final = 1_000
COMPARED: Final = 5_000
#: Values of all facets together that are counted.
VALUES: Final = 20_000
#: Share of a question's vocabulary terms is compared with this slack: Elasticsearch adds shares as floats.
_SLACK: Final = 1e-5


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


Ask = Callable[[Sequence[Body]], list[dict[str, Any]]]


class Query:
    """See the module. ``ask`` sends searches; ``information`` is the most that the question's words can score, by language."""

    def __init__(
        self, question: Question, statistics: Statistics, information: Mapping[Language, float], ask: Ask
    ) -> None:
        self._question = question
        self._statistics = statistics
        self._information = information
        self._ask = ask
        self._candidates: dict[str, Candidate] = {}

    def answer(self) -> Answer:
        """Find, rank and count."""
        if self._question.asks:
            self._collect(self._ask(self._lists()))
        by_score = self._question.asks and self._question.sort == "relevance"
        ranked = self._ranked() if by_score else []
        page = ranked[self._question.offset : self._question.offset + self._question.limit]
        counted, *places = self._ask([self._counting(sorted_page=not by_score), *self._showing(page)])
        total = counted["aggregations"]["chosen"]["doc_count"]
        if by_score:
            page += self._rest(ranked, total, len(page))
        else:
            page = self._by_key(counted)
        if not places:
            places = self._ask(self._showing(page)) if self._showing(page) else []
        passages = _passages(places)
        return Answer(
            total=total,
            hits=[self._hit(row, passages) for row in page],
            facets=self._facets(counted["aggregations"]),
            incomplete=self._question.vector is not None and self._statistics.incomplete,
        )

    # Filters

    @cached_property
    def _selections(self) -> dict[str, Clause]:
        return {
            facet: {"terms": {"facets": [f"{facet}:{value}" for value in values]}}
            for facet, values in self._question.filters.items()
            if values
        }

    @cached_property
    def _always(self) -> Clause:
        """What every answer must be, before facets filter and whatever words and meaning say."""
        question = self._question
        outside = [clause for phrase in question.excluded for clause in _holding(phrase)]
        if question.without:
            outside.append({"term": {"id": question.without}})
        inside: list[Clause] = [{"term": {"alive": True}}]
        inside += [_any(_holding(phrase)) for phrase in question.phrases]
        years = {"gte": question.year_from, "lte": question.year_to}
        if limits := {name: year for name, year in years.items() if year is not None}:
            inside.append({"range": {"year": limits}})
        if question.near:
            lat, lon, km = question.near
            inside.append({"geo_distance": {"distance": f"{km}km", "place": {"lat": lat, "lon": lon}}})
        return {"bool": {"filter": inside, "must_not": outside}}

    @cached_property
    def _unasked(self) -> Clause:
        """Which records the best of all are looked for among: filters do not change what counts as an answer."""
        left_out = [{"term": {"id": self._question.without}}] if self._question.without else []
        return {"bool": {"filter": [{"term": {"alive": True}}], "must_not": left_out}}

    @cached_property
    def _scope(self) -> Clause:
        return {"bool": {"filter": [self._always, *self._selections.values()]}}

    @property
    def _filtered(self) -> bool:
        question = self._question
        return bool(
            self._selections
            or question.phrases
            or question.excluded
            or question.near
            or question.year_from is not None
            or question.year_to is not None
        )

    # Evidence

    def _worded(self) -> list[Language]:
        """The languages in which the question has words that texts hold."""
        return [one for one in LANGUAGES if self._question.words.get(one) and self._information.get(one, 0) > 0]

    def _understood(self) -> list[Language]:
        """The languages in which there are vectors to compare the question with."""
        if self._question.vector is None:
            return []
        return [one for one, count in zip(LANGUAGES, self._statistics.counts, strict=True) if count]

    @cached_property
    def _packed(self) -> list[int]:
        assert self._question.vector is not None
        asked: list[int] = np.frombuffer(bytes.fromhex(packed(self._question.vector)), dtype=np.int8).tolist()
        return asked

    def _words(self, language: Language, **more: Any) -> Clause:
        text = " ".join(self._question.words[language])
        return {"match": {f"words.{language}": {"query": text} | more}}

    def _compared(self, language: Language, **more: Any) -> Clause:
        """Scores 1 + the cosine of the nearest passage, whichever record is asked about."""
        field = f"passages.{language}.vector"
        script = {"source": f"cosineSimilarity(params.asked, '{field}') + 1.0", "params": {"asked": self._packed}}
        scored = {"script_score": {"query": {"exists": {"field": field}}, "script": script}}
        return {"nested": {"path": f"passages.{language}", "score_mode": "max", "query": scored} | more}

    def _nearest(self, language: Language) -> Clause:
        """The same score, for the nearest records only."""
        if self._statistics.counts[LANGUAGES.index(language)] <= COMPARED:
            return self._compared(language)
        graph = {
            "field": f"passages.{language}.vector",
            "query_vector": self._packed,
            "k": NEAREST,
            "num_candidates": NEAREST,
            "boost": 2,
        }
        return {"nested": {"path": f"passages.{language}", "score_mode": "max", "query": {"knn": graph}}}

    @cached_property
    def _exact(self) -> Clause | None:
        """Records that are called so, or hold all that is preferred."""
        choices: list[Clause] = []
        if self._question.name:
            named = {"term": {"names.key": self._question.name}}
            choices.append({"nested": {"path": "names", "query": named, "score_mode": "none"}})
        if self._question.preferred:
            choices.append({"bool": {"filter": [_any(_holding(phrase)) for phrase in self._question.preferred]}})
        return _any(choices) if choices else None

    def _tags(self) -> list[Clause]:
        return [
            {"constant_score": {"filter": {"term": {"facets": value}}, "boost": share}}
            for value, share in self._question.terms.items()
        ]

    def _evidence(self) -> Clause:
        """All that is to be said of each candidate, as named queries."""
        named = [self._words(language, _name=f"words.{language}") for language in self._worded()]
        named += [self._words(language, operator="and", _name=f"all.{language}") for language in self._worded()]
        named += [self._compared(language, _name=f"near.{language}") for language in self._understood()]
        named += [{"bool": {"should": [tag], "_name": f"tag.{place}"}} for place, tag in enumerate(self._tags())]
        named.append({"bool": {"filter": [self._scope], "_name": "scope"}})
        if self._exact:
            named.append({"bool": {"filter": [self._exact], "_name": "exact"}})
        return {"bool": {"filter": [{"match_all": {}}], "should": named}}

    # The first round

    def _lists(self) -> list[Body]:
        """One search for each kind of candidate and language; where filters leave records out, the best of all too."""
        wanted = self._question.offset + self._question.limit
        size = CANDIDATES if wanted <= FIRST_PAGES else MORE_CANDIDATES
        lists = [self._list(score, self._scope, size) for score in self._kinds()]
        if self._filtered:
            lists += [self._list(score, self._unasked, BEST) for score in self._kinds()]
        return lists

    def _kinds(self) -> list[Clause]:
        near = [] if self._question.mode == "keyword" else [self._nearest(one) for one in self._understood()]
        sure = [*self._tags(), *([{"constant_score": {"filter": self._exact, "boost": 10}}] if self._exact else [])]
        return [*near, *(self._words(one) for one in self._worded()), *([_any(sure)] if sure else [])]

    def _list(self, score: Clause, among: Clause, size: int) -> Body:
        return self._candidates_of({"bool": {"must": [score], "filter": [among]}}) | {
            "size": size,
            "sort": [{"_score": "desc"}, {"id": "asc"}],
        }

    def _candidates_of(self, query: Clause) -> Body:
        return {
            "query": query,
            "post_filter": self._evidence(),
            "_source": False,
            "docvalue_fields": ["id", "languages"],
            "track_total_hits": False,
        }

    def _collect(self, answers: Sequence[dict[str, Any]]) -> None:
        for answer in answers:
            for hit in answer["hits"]["hits"]:
                fields, scores = hit["fields"], hit.get("matched_queries", {})
                record_id = fields["id"][0]
                self._candidates[record_id] = Candidate(record_id, tuple(fields["languages"]), scores)

    # Ranking

    @cached_property
    def _rows(self) -> list[tuple[Candidate, Language]]:
        """The versions of all candidates."""
        return [(one, language) for one in self._candidates.values() for language in one.languages]

    @cached_property
    def _known(self) -> ranking.Evidence:
        rows = self._rows
        centre = self._centre
        return ranking.Evidence(
            language=np.array([LANGUAGES.index(language) for _, language in rows], dtype=np.int8),
            closeness=np.array(
                [one.scores.get(f"near.{language}", np.nan) - 1 - centre[language] for one, language in rows],
                dtype=np.float32,
            ),
            coverage=np.array([self._coverage(one, language) for one, language in rows], dtype=np.float32),
            all_words=np.array([f"all.{language}" in one.scores for one, language in rows], dtype=bool),
            tag=np.array([self._tag(one) for one, _ in rows], dtype=np.float32),
            exact=np.array(["exact" in one.scores for one, _ in rows], dtype=bool),
        )

    @cached_property
    def _centre(self) -> dict[Language, float]:
        """The cosine of the question with each language's mean passage."""
        if self._question.vector is None:
            return dict.fromkeys(LANGUAGES, 0.0)
        means = ranking.language_means(self._statistics.sums, self._statistics.counts, self._question.typical)
        return dict(zip(LANGUAGES, (means @ self._question.vector).tolist(), strict=True))

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
            return frozenset(one.id for one in self._candidates.values() if one.in_scope)
        passed = ranking.relevant(self._known, self._question.mode, self._floor)
        return frozenset(one.id for (one, _), fine in zip(self._rows, passed, strict=True) if fine and one.in_scope)

    @cached_property
    def _scores(self) -> ranking.F32:
        among = np.array([one.id in self._found for one, _ in self._rows], dtype=bool)
        return ranking.fuse(self._known, among, self._question.mode)

    def _ranked(self) -> list[int]:
        """Rows of the records that were found, each in its best version, the best first."""
        rows = [place for place, (one, _) in enumerate(self._rows) if one.id in self._found]
        best: dict[str, int] = {}
        for row in sorted(rows, key=lambda row: (-self._scores[row], self._rows[row][0].id)):
            best.setdefault(self._rows[row][0].id, row)
        return list(best.values())

    def _rest(self, ranked: Sequence[int], total: int, had: int) -> list[int]:
        """What is found beyond the candidates, in the order of ids: nobody reads so far, but pages have no gap."""
        wanted = min(self._question.limit, max(total - self._question.offset, 0)) - had
        if wanted <= 0:
            return []
        known = [self._rows[row][0].id for row in ranked]
        others = {"bool": {"filter": [self._all_found, self._scope], "must_not": [{"terms": {"id": known}}]}}
        start = max(self._question.offset - len(ranked), 0)
        return self._add(self._candidates_of(others) | {"sort": [{"id": "asc"}], "from": start, "size": wanted})

    def _add(self, body: Body) -> list[int]:
        """Rows of more records, in the order in which this search finds them."""
        (answer,) = self._ask([body])
        return self._rows_of(answer)

    def _rows_of(self, answer: dict[str, Any]) -> list[int]:
        ids = [hit["fields"]["id"][0] for hit in answer["hits"]["hits"]]
        self._collect([answer])
        for name in ("_rows", "_known", "_found", "_scores"):
            self.__dict__.pop(name, None)
        rows: dict[str, list[int]] = {}
        for place, (one, _) in enumerate(self._rows):
            rows.setdefault(one.id, []).append(place)
        if not self._question.asks:
            return [rows[one][0] for one in ids]
        return [max(rows[one], key=lambda row: self._scores[row]) for one in ids]

    def _by_key(self, counted: dict[str, Any]) -> list[int]:
        return self._rows_of(counted) if self._question.limit else []

    # The second round

    @cached_property
    def _all_found(self) -> Clause:
        """All records that answer the question, candidates or not, before facets filter."""
        if self._question.phrases or not self._question.asks:
            return {"match_all": {}}
        return _any([*self._by_words(), *self._by_meaning()])

    def _by_words(self) -> list[Clause]:
        if self._question.mode == "semantic":
            return []
        enough = ranking.KEYWORD_FLOOR if self._question.mode == "keyword" else ranking.COVERAGE_FLOOR
        choices = [
            _at_least(self._words(language), enough * self._information[language]) for language in self._worded()
        ]
        choices += [self._words(language, operator="and") for language in self._worded()]
        if self._question.terms:
            choices.append(_at_least(_any(self._tags()), ranking.TAG_FLOOR - _SLACK))
        return choices + ([self._exact] if self._exact else [])

    def _by_meaning(self) -> list[Clause]:
        bar = None if self._question.mode == "keyword" else ranking.bar(self._known, self._floor)
        if bar is None:
            return []
        return [_at_least(self._close(language), 1 + self._centre[language] + bar) for language in self._understood()]

    def _close(self, language: Language) -> Clause:
        """Scores 1 + cosine + what words add."""
        words = []
        if language in self._worded():
            words = [self._words(language, boost=ranking.LEXICAL_WEIGHT / self._information[language])]
        return {"bool": {"must": [self._nearest(language)], "should": words}}

    def _counting(self, sorted_page: bool) -> Body:
        groups = {"chosen": list(self._selections.values())} | {
            facet: [clause for name, clause in self._selections.items() if name != facet] for facet in self._selections
        }
        counts = {
            name: {
                "filter": {"bool": {"filter": clauses}},
                "aggs": {"values": {"terms": {"field": "facets", "size": VALUES} | _only(name)}},
            }
            for name, clauses in groups.items()
        }
        query = {"bool": {"filter": [self._always, self._all_found]}}
        return {"size": 0, "query": query, "aggs": counts, "track_total_hits": False} | (
            self._sorted() if sorted_page and self._question.limit else {}
        )

    def _sorted(self) -> Body:
        evidence = self._evidence()
        evidence["bool"]["filter"] = list(self._selections.values()) or [{"match_all": {}}]
        return {
            "size": self._question.limit,
            "from": self._question.offset,
            "sort": self._order(),
            "post_filter": evidence,
            "_source": False,
            "docvalue_fields": ["id", "languages"],
        }

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

    def _facets(self, groups: Mapping[str, Any]) -> dict[str, dict[str, int]]:
        """Counts by facet; a facet with a selection is counted as if it had none."""
        facets: dict[str, dict[str, int]] = {facet.name: {} for facet in FACETS}
        for name in facets:
            group = groups.get(name, groups["chosen"])
            for bucket in group["values"]["buckets"]:
                facet, _, value = bucket["key"].partition(":")
                if facet == name:
                    facets[name][value] = bucket["doc_count"]
        return facets

    # Showing

    def _showing(self, page: Sequence[int]) -> list[Body]:
        """Which passage of each record on the page is the nearest."""
        languages = {language: None for row in page for language in [self._rows[row][1]]}
        compared = [
            self._compared(one, inner_hits={"name": one, "size": 1, "_source": False})
            for one in languages
            if one in self._understood()
        ]
        if not compared:
            return []
        ids = [self._rows[row][0].id for row in page]
        query = {"bool": {"filter": [{"terms": {"id": ids}}], "should": compared}}
        return [{"query": query, "size": len(ids), "_source": False, "docvalue_fields": ["id"]}]

    def _hit(self, row: int, passages: Mapping[tuple[str, str], int]) -> Hit:
        one, language = self._rows[row]
        closeness = float(self._known.closeness[row])
        known = not np.isnan(closeness)
        return Hit(
            id=one.id,
            language=language,
            score=round(float(self._scores[row]), 4) if self._question.asks else 0.0,
            passage=passages.get((one.id, language), -1) if known else -1,
            closeness=round(closeness, 4) if known else None,
            coverage=round(float(self._known.coverage[row]), 4),
            exact=bool(self._known.exact[row]),
        )


def _passages(answers: Sequence[dict[str, Any]]) -> dict[tuple[str, str], int]:
    """Record and language to the place of the nearest passage."""
    return {
        (hit["fields"]["id"][0], language): inner["hits"]["hits"][0]["_nested"]["_nested"]["offset"]
        if "_nested" in inner["hits"]["hits"][0]["_nested"]
        else inner["hits"]["hits"][0]["_nested"]["offset"]
        for answer in answers
        for hit in answer["hits"]["hits"]
        for language, inner in hit["inner_hits"].items()
        if inner["hits"]["hits"]
    }


def _any(clauses: Sequence[Clause]) -> Clause:
    """At least one of them; of none, nothing."""
    return {"bool": {"should": list(clauses), "minimum_should_match": 1}} if clauses else {"match_none": {}}


def _holding(phrase: Mapping[Language, Tokens]) -> list[Clause]:
    """A phrase in each language: its words in order."""
    return [{"match_phrase": {f"words.{language}": " ".join(tokens)}} for language, tokens in phrase.items() if tokens]


def _at_least(scored: Clause, score: float) -> Clause:
    return {"function_score": {"query": scored, "min_score": score}}


def _only(facet: str) -> dict[str, str]:
    """Counts the values of one facet where a group is for that one."""
    return {} if facet == "chosen" else {"include": f"{facet}:.*"}
