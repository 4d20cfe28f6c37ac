"""One question against one state of the embedded engine: gather evidence, filter, rank, count."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
import simsimd
import tantivy

from indexer import ranking
from indexer.engines.base import Answer, Hit, Question, Tokens
from indexer.engines.columns import Array, Snapshot, any_of
from indexer.engines.store import quantise
from schemas.language import LANGUAGES, Language
from schemas.search import FACETS

#: Matches of one language that are scored; all are, when even the last of them would be a result.
WORD_HITS = 5_000
EARTH_RADIUS_KM = 6_371.0


class WordIndex(NamedTuple):
    """One state of a language's word index."""

    searcher: tantivy.Searcher
    #: Documents in its files, replaced ones that are not merged away yet included: BM25's statistics count them too.
    documents: int


class Scan:
    """See the module. Masks are over record rows unless their name says versions."""

    def __init__(
        self, question: Question, snapshot: Snapshot, words: Mapping[Language, WordIndex], named: Sequence[int]
    ) -> None:
        self._question = question
        self._snapshot = snapshot
        self._words = words
        self._named = named

    def answer(self) -> Answer:
        """Find, rank and count."""
        selections = self._selections
        final = self._found.copy()
        for mask in selections.values():
            final &= mask
        rows = np.flatnonzero(final)
        return Answer(
            total=len(rows),
            hits=[self._hit(version) for version in self._page(rows)],
            facets=self._facets(rows),
            incomplete=bool(self._question.vector is not None and self._incomplete),
        )

    # Evidence

    @cached_property
    def _evidence(self) -> ranking.Evidence:
        snapshot = self._snapshot
        return ranking.Evidence(
            language=snapshot.version_language,
            # The record that is left out is the closest of all; the others are measured by the best of them.
            closeness=np.where(self._left_out[snapshot.version_record], np.float32(np.nan), self._closeness),
            coverage=self._coverage,
            all_words=self._all_words,
            tag=self._tag[snapshot.version_record],
            exact=self._exact[snapshot.version_record],
        )

    @cached_property
    def _left_out(self) -> Array:
        left_out = np.zeros(self._snapshot.records, dtype=bool)
        if self._question.without:
            left_out[[row for row in range(len(left_out)) if self._snapshot.ids[row] == self._question.without]] = True
        return left_out

    @cached_property
    def _passage_scores(self) -> Array:
        """Cosine of each passage with the question; -inf where there is no vector."""
        assert self._question.vector is not None
        asked, scale = quantise(self._question.vector)
        products = simsimd.cdist(
            np.frombuffer(asked, dtype=np.int8)[None], self._snapshot.vector, metric="dot", out_dtype="f32"
        )
        scores = np.asarray(products)[0] * (self._snapshot.scale * np.float32(scale))
        return np.where(self._snapshot.has_vector, scores, -np.inf).astype(np.float32)

    @cached_property
    def _closeness(self) -> ranking.F32:
        """The best passage of each version, centred by the mean of its language."""
        snapshot, vector = self._snapshot, self._question.vector
        versions = len(snapshot.version_language)
        if vector is None or not versions:
            return np.full(versions, np.nan, dtype=np.float32)
        best = np.maximum.reduceat(self._passage_scores, snapshot.passage_start[:-1])
        means = ranking.language_means(snapshot.vector_sums, snapshot.vector_counts, self._question.typical)
        centred = best - (means @ vector)[snapshot.version_language]
        return np.where(np.isfinite(centred), centred, np.nan).astype(np.float32)

    @cached_property
    def _incomplete(self) -> bool:
        alive = self._snapshot.alive[self._snapshot.version_record]
        return bool(np.isnan(self._closeness[alive]).any())

    @cached_property
    def _coverage(self) -> ranking.F32:
        """The share of the question that the words of each version carry."""
        found = np.zeros(len(self._snapshot.version_language), dtype=np.float32)
        for place, language in enumerate(LANGUAGES):
            tokens, words = self._question.words.get(language, ()), self._words[language]
            if tokens and words.documents:
                versions, scores = self._matches(place, words.searcher, _any_token(tokens))
                found[versions] = ranking.coverage(scores, _information(words, tokens))
        return found

    @cached_property
    def _all_words(self) -> Array:
        """Versions that hold every word of the question."""
        found = np.zeros(len(self._snapshot.version_language), dtype=bool)
        for place, language in enumerate(LANGUAGES):
            tokens, words = self._question.words.get(language, ()), self._words[language]
            if tokens and words.documents:
                versions, _ = self._matches(place, words.searcher, _every_token(tokens))
                found[versions] = True
        return found

    def _matches(self, language: int, searcher: tantivy.Searcher, query: tantivy.Query) -> tuple[Array, ranking.F32]:
        """Version rows that a query matches, with their scores."""
        hits = searcher.search(query, WORD_HITS, count=False).hits
        if len(hits) == WORD_HITS:
            hits = searcher.search(query, searcher.num_docs, count=False).hits
        scores = np.array([score for score, _ in hits], dtype=np.float32)
        numbers = searcher.fast_field_values("number", [address for _, address in hits])
        records = self._rows(np.array(numbers, dtype=np.int64))
        versions = np.where(records >= 0, self._snapshot.version_rows[language][records], -1)
        return versions[versions >= 0], scores[versions >= 0]

    def _rows(self, numbers: Array) -> Array:
        """Record rows of record numbers; -1 for those that are gone or too new for this state."""
        known = numbers < len(self._snapshot.row_of_number)
        return np.where(known, self._snapshot.row_of_number[np.where(known, numbers, 0)], -1)

    @cached_property
    def _tag(self) -> ranking.F32:
        share = np.zeros(self._snapshot.records, dtype=np.float32)
        for value, part in self._question.terms.items():
            share[self._snapshot.rows_with(value)] += part
        return np.minimum(share, 1)

    @cached_property
    def _exact(self) -> Array:
        exact = np.zeros(self._snapshot.records, dtype=bool)
        if self._named:
            rows = self._rows(np.array(self._named, dtype=np.int64))
            exact[rows[rows >= 0]] = True
        if self._question.preferred:
            exact |= np.logical_and.reduce([self._holding(phrase) for phrase in self._question.preferred])
        return exact

    # Filters

    @cached_property
    def _found(self) -> Array:
        """What answers the question, before facets filter."""
        question, snapshot = self._question, self._snapshot
        found = snapshot.alive.copy()
        if question.phrases:
            for phrase in question.phrases:
                found &= self._holding(phrase)
        elif question.asks:
            floor = ranking.floors(question.languages, snapshot.vector_counts)
            found &= self._of_versions(ranking.relevant(self._evidence, question.mode, floor))
        for phrase in question.excluded:
            found &= ~self._holding(phrase)
        return np.asarray(found & ~self._left_out & self._in_years() & self._nearby())

    def _of_versions(self, versions: Array) -> Array:
        mask = np.zeros(self._snapshot.records, dtype=bool)
        mask[self._snapshot.version_record[versions]] = True
        return mask

    def _holding(self, phrase: Mapping[Language, Tokens]) -> Array:
        """Records that hold a phrase in any of their languages."""
        mask = np.zeros(self._snapshot.records, dtype=bool)
        for place, language in enumerate(LANGUAGES):
            tokens, words = phrase.get(language, ()), self._words[language]
            if tokens and words.documents:
                versions, _ = self._matches(place, words.searcher, _phrase(tokens))
                mask[self._snapshot.version_record[versions]] = True
        return mask

    def _in_years(self) -> Array:
        year, mask = self._snapshot.year, np.ones(self._snapshot.records, dtype=bool)
        if self._question.year_from is not None:
            mask &= year >= self._question.year_from
        if self._question.year_to is not None:
            mask &= (year <= self._question.year_to) & (year > 0)
        return mask

    def _nearby(self) -> Array:
        if self._question.near is None:
            return np.ones(self._snapshot.records, dtype=bool)
        within: Array = self._distance <= self._question.near.km
        return within

    @cached_property
    def _distance(self) -> Array:
        """Kilometres from the asked place (haversine); infinite where a record has no place."""
        assert self._question.near is not None
        lat, lon = np.radians(self._snapshot.place.astype(np.float64)).T
        lat0, lon0 = np.radians(self._question.near[:2])
        half = np.sin((lat - lat0) / 2) ** 2 + np.cos(lat0) * np.cos(lat) * np.sin((lon - lon0) / 2) ** 2
        distance: Array = np.nan_to_num(2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.minimum(half, 1))), nan=np.inf)
        return distance

    @cached_property
    def _selections(self) -> dict[str, Array]:
        return {
            facet: any_of(self._snapshot, facet, values) for facet, values in self._question.filters.items() if values
        }

    # Counting and ordering

    def _facets(self, rows: Array) -> dict[str, dict[str, int]]:
        """Counts by facet; a facet with a selection is counted as if it had none."""
        counted = dict.fromkeys((facet.name for facet in FACETS), rows)
        for facet in self._selections:
            others = [mask for name, mask in self._selections.items() if name != facet]
            counted[facet] = np.flatnonzero(np.logical_and.reduce([self._found, *others]))
        common = self._snapshot.count_values(rows)
        counts = {
            facet: common if found is rows else self._snapshot.count_values(found) for facet, found in counted.items()
        }
        facets: dict[str, dict[str, int]] = {facet: {} for facet in counted}
        for position, (facet, id) in enumerate(self._snapshot.values):
            if number := counts[facet][position]:
                facets[facet][id] = number
        return facets

    def _page(self, rows: Array) -> Array:
        """The best versions of the records on the asked page, in order."""
        question = self._question
        wanted = question.offset + question.limit
        if not question.limit or not len(rows):
            return np.array([], dtype=np.int64)
        if question.sort == "relevance" and question.asks:
            return self._by_score(rows, wanted)[question.offset : wanted]
        return self._first_versions(self._by_key(rows)[question.offset : wanted])

    @cached_property
    def _scores(self) -> ranking.F32:
        among = self._found.copy()
        for mask in self._selections.values():
            among &= mask
        return ranking.fuse(self._evidence, among[self._snapshot.version_record], self._question.mode)

    def _by_score(self, rows: Array, wanted: int) -> Array:
        """Versions of these records by score, then by id, the best of each record only."""
        among = np.zeros(self._snapshot.records, dtype=bool)
        among[rows] = True
        versions = np.flatnonzero(among[self._snapshot.version_record])
        keep = len(LANGUAGES) * wanted
        if len(versions) > keep:
            scores = self._scores[versions]
            # All that tie with the last one stay: else which of them are on a page would depend on the page.
            versions = versions[scores >= -np.partition(-scores, keep - 1)[keep - 1]]
        ids = np.array([self._snapshot.ids[record] for record in self._snapshot.version_record[versions]])
        languages = self._snapshot.version_language[versions]
        ordered = versions[np.lexsort((languages, ids, -self._scores[versions]))]
        _, first = np.unique(self._snapshot.version_record[ordered], return_index=True)
        return ordered[np.sort(first)]

    def _by_key(self, rows: Array) -> Array:
        """Record rows in the asked order; without a question, newest first."""
        snapshot, sort = self._snapshot, self._question.sort
        keys: tuple[Array, ...]
        if sort == "title":
            keys = (snapshot.title_order[rows],)
        elif sort == "distance" and self._question.near is not None:
            keys = (np.array([snapshot.ids[row] for row in rows]), self._distance[rows])
        elif sort == "oldest":
            undated = snapshot.dated[rows] == 0
            keys = (snapshot.title_order[rows], snapshot.dated[rows], undated)
        else:
            keys = (snapshot.title_order[rows], -snapshot.dated[rows])
        ordered: Array = rows[np.lexsort(keys)]
        return ordered

    def _first_versions(self, rows: Array) -> Array:
        """The best version of each record where something was asked, else its first."""
        found = self._snapshot.version_rows[:, rows]
        if not self._question.asks:
            return np.asarray(np.where(found >= 0, found, np.iinfo(np.int32).max).min(axis=0))
        scores = np.where(found >= 0, self._scores[found], -np.inf)
        return np.asarray(found[scores.argmax(axis=0), np.arange(len(rows))])

    def _hit(self, version: int) -> Hit:
        snapshot, evidence = self._snapshot, self._evidence
        first, last = snapshot.passage_start[version], snapshot.passage_start[version + 1]
        closeness = float(evidence.closeness[version])
        known = not np.isnan(closeness)
        return Hit(
            id=snapshot.ids[snapshot.version_record[version]],
            language=LANGUAGES[snapshot.version_language[version]],
            score=round(float(self._scores[version]), 4) if self._question.asks else 0.0,
            passage=int(self._passage_scores[first:last].argmax()) if known else -1,
            closeness=round(closeness, 4) if known else None,
            coverage=round(float(evidence.coverage[version]), 4),
            exact=bool(evidence.exact[version]),
        )


def holds_any(words: WordIndex, tokens: Sequence[str]) -> bool:
    """Whether some document holds one of these tokens."""
    return bool(tokens and words.documents and words.searcher.search(_any_token(tuple(tokens)), 1, count=False).hits)


def _any_token(tokens: Tokens) -> tantivy.Query:
    return tantivy.Query.boolean_query([(tantivy.Occur.Should, _term(token)) for token in tokens])


def _every_token(tokens: Tokens) -> tantivy.Query:
    return tantivy.Query.boolean_query([(tantivy.Occur.Must, _term(token)) for token in tokens])


def _phrase(tokens: Tokens) -> tantivy.Query:
    return _term(tokens[0]) if len(tokens) == 1 else tantivy.Query.phrase_query(_SCHEMA, "text", list(tokens))


def _term(token: str) -> tantivy.Query:
    return tantivy.Query.term_query(_SCHEMA, "text", token, index_option="freq")


def _information(words: WordIndex, tokens: Tokens) -> float:
    """Sum of the tokens' idf as tantivy reckons it: ln(1 + (N - n + 0.5) / (n + 0.5))."""
    holding = [words.searcher.doc_freq("text", token) for token in tokens]
    return float(sum(np.log1p((words.documents - n + 0.5) / (n + 0.5)) for n in holding))


def word_schema() -> tantivy.Schema:
    """A word index: tokens that are analysed already, and the number of the record that they belong to."""
    builder = tantivy.SchemaBuilder()
    builder.add_integer_field("number", indexed=True, fast=True)
    builder.add_text_field("text", tokenizer_name="whitespace", index_option="position")
    return builder.build()


_SCHEMA = word_schema()
