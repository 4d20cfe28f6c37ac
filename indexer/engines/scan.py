"""One question against one state of the embedded engine: gather evidence, filter, rank, count."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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
#: Matches that are remembered for a language, 12 bytes each.
KEPT_MATCHES = 4_000_000
#: Processors that compare a question with all passages: a second one halves the time; many would wait for the memory.
THREADS = min(os.cpu_count() or 1, 4)
EARTH_RADIUS_KM = 6_371.0


class Matches(NamedTuple):
    """Version rows that a query matches, each once, with their BM25 scores."""

    versions: Array
    scores: ranking.F32


@dataclass(frozen=True)
class WordIndex:
    """One state of a language's word index, to be searched together with one state of the columns."""

    searcher: tantivy.Searcher
    #: Documents in its files, replaced ones that are not merged away yet included: BM25's statistics count them too.
    documents: int
    #: What tokens and phrases match: thousands of versions each, and questions share their tokens.
    known: dict[Tokens, Matches] = field(default_factory=dict)

    def keep(self, phrase: Tokens, found: Matches) -> None:
        """Remember what a phrase matches; once there is too much of it, all that came before is forgotten."""
        if sum(len(kept.versions) for kept in list(self.known.values())) > KEPT_MATCHES:
            self.known.clear()
        self.known[phrase] = found


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
        rows = np.flatnonzero(self._chosen)
        return Answer(
            total=len(rows),
            hits=[self._hit(version) for version in self._page(rows)],
            facets=self._facets(rows),
            incomplete=self._question.vector is not None and self._snapshot.incomplete,
        )

    # Evidence

    @cached_property
    def _evidence(self) -> ranking.Evidence:
        snapshot = self._snapshot
        coverage, all_words = self._words_held
        return ranking.Evidence(
            language=snapshot.version_language,
            # The record that is left out is the closest of all; the others are measured by the best of them.
            closeness=self._closeness_of_others if self._question.without else self._closeness,
            coverage=coverage,
            all_words=all_words,
            tag=self._tag[snapshot.version_record],
            exact=self._exact[snapshot.version_record],
        )

    @property
    def _closeness_of_others(self) -> ranking.F32:
        return np.where(self._left_out[self._snapshot.version_record], np.float32(np.nan), self._closeness)

    @cached_property
    def _left_out(self) -> Array:
        left_out = np.zeros(self._snapshot.records, dtype=bool)
        if self._question.without:
            left_out[[row for row, id in enumerate(self._snapshot.ids) if id == self._question.without]] = True
        return left_out

    @cached_property
    def _passage_scores(self) -> ranking.F32:
        """Cosine of each passage with the question; nan where there is no vector."""
        assert self._question.vector is not None
        asked, scale = quantise(self._question.vector)
        products = simsimd.cdist(
            np.frombuffer(asked, dtype=np.int8)[None],
            self._snapshot.vector,
            metric="dot",
            out_dtype="f32",
            threads=THREADS,
        )
        cosines: ranking.F32 = np.asarray(products)[0] * (self._snapshot.known_scale * np.float32(scale))
        return cosines

    @cached_property
    def _closeness(self) -> ranking.F32:
        """The best passage of each version, centred by the mean of its language."""
        snapshot, vector = self._snapshot, self._question.vector
        versions = len(snapshot.version_language)
        if vector is None or not versions:
            return np.full(versions, np.nan, dtype=np.float32)
        best = snapshot.best_passage(self._passage_scores)
        means = ranking.language_means(snapshot.vector_sums, snapshot.vector_counts, self._question.typical)
        return np.asarray(best - (means @ vector)[snapshot.version_language], dtype=np.float32)

    @cached_property
    def _words_held(self) -> tuple[ranking.F32, Array]:
        """The share of the question that the words of each version carry, where a question's BM25 is the sum of its tokens'; and
        whether they are all of its words."""
        scores = np.zeros(len(self._snapshot.version_language), dtype=np.float32)
        held = np.zeros(len(scores), dtype=np.int8)
        most, asked = np.full(len(LANGUAGES), np.inf, dtype=np.float32), np.full(len(LANGUAGES), -1, dtype=np.int8)
        for place, words, tokens in self._asked_words():
            most[place], asked[place] = ranking.BM25_CEILING * _information(words, tokens), len(tokens)
            for token in tokens:
                matches = self._matches(place, words, (token,))
                scores[matches.versions] += matches.scores
                held[matches.versions] += 1
        languages = self._snapshot.version_language
        return ranking.coverage(scores, most[languages]), held == asked[languages]

    def _asked_words(self) -> Iterator[tuple[int, WordIndex, Tokens]]:
        """Each language's place and word index, with the question's tokens there, where it has any."""
        for place, language in enumerate(LANGUAGES):
            tokens, words = self._question.words.get(language, ()), self._words[language]
            if tokens and words.documents:
                yield place, words, tokens

    def _matches(self, place: int, words: WordIndex, phrase: Tokens) -> Matches:
        """Version rows that hold these tokens in this order, with their scores."""
        found = words.known.get(phrase)
        if found is None:
            found = self._looked_up(place, words.searcher, _phrase(phrase))
            words.keep(phrase, found)
        return found

    def _looked_up(self, place: int, searcher: tantivy.Searcher, query: tantivy.Query) -> Matches:
        hits = searcher.search(query, WORD_HITS, count=False).hits
        if len(hits) == WORD_HITS:
            hits = searcher.search(query, searcher.num_docs, count=False).hits
        scores = np.array([score for score, _ in hits], dtype=np.float32)
        numbers = searcher.fast_field_values("number", [address for _, address in hits])
        records = self._rows(np.array(numbers, dtype=np.int64))
        versions = np.where(records >= 0, self._snapshot.version_rows[place][records], -1)
        known = versions >= 0
        return Matches(versions[known], scores[known])

    def _rows(self, numbers: Array) -> Array:
        """Record rows of record numbers; -1 for those that are gone or too new for this state."""
        known = numbers < len(self._snapshot.row_of_number)
        return np.where(known, self._snapshot.row_of_number[np.where(known, numbers, 0)], -1)

    @cached_property
    def _tag(self) -> ranking.F32:
        share = np.zeros(self._snapshot.records, dtype=np.float32)
        for value, part in self._question.terms.items():
            share += np.float32(part) * self._snapshot.rows_with(value)
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
            least = ranking.bar(self._evidence, ranking.floors(question.languages, snapshot.vector_counts))
            found &= self._of_versions(ranking.relevant(self._evidence, question.mode, least))
        for phrase in question.excluded:
            found &= ~self._holding(phrase)
        return np.asarray(found & ~self._left_out & self._in_years() & self._nearby())

    def _of_versions(self, versions: Array) -> Array:
        mask = np.zeros(self._snapshot.records, dtype=bool)
        mask[self._snapshot.version_record[np.flatnonzero(versions)]] = True
        return mask

    def _holding(self, phrase: Mapping[Language, Tokens]) -> Array:
        """Records that hold a phrase in any of their languages."""
        mask = np.zeros(self._snapshot.records, dtype=bool)
        for place, language in enumerate(LANGUAGES):
            tokens, words = phrase.get(language, ()), self._words[language]
            if tokens and words.documents:
                matches = self._matches(place, words, tokens)
                mask[self._snapshot.version_record[matches.versions]] = True
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

    @cached_property
    def _chosen(self) -> Array:
        """The answer: what was found and passes all facets."""
        return np.asarray(np.logical_and.reduce([self._found, *self._selections.values()]))

    # Counting and ordering

    def _facets(self, rows: Array) -> dict[str, dict[str, int]]:
        """Counts by facet; a facet with a selection is counted as if it had none."""
        snapshot, common = self._snapshot, self._snapshot.count_values(rows)
        found: dict[str, dict[str, int]] = {}
        for facet in (facet.name for facet in FACETS):
            counts = snapshot.count_values(self._chosen_but_by(facet)) if facet in self._selections else common
            found[facet] = {
                id: counted for place, id in snapshot.values_of.get(facet, ()) if (counted := counts[place])
            }
        return found

    def _chosen_but_by(self, facet: str) -> Array:
        """Record rows that pass all other facets."""
        others = [mask for name, mask in self._selections.items() if name != facet]
        return np.flatnonzero(np.logical_and.reduce([self._found, *others]))

    def _page(self, rows: Array) -> Array:
        """The best versions of the records on the asked page, in order."""
        question = self._question
        wanted = question.offset + question.limit
        if not question.limit or not len(rows):
            return np.array([], dtype=np.int64)
        if question.sort == "relevance" and question.asks:
            return self._by_score(wanted)[question.offset : wanted]
        return self._first_versions(self._by_key(rows, wanted)[question.offset : wanted])

    @cached_property
    def _versions(self) -> Array:
        """The versions of the records in the answer."""
        return np.flatnonzero(self._chosen[self._snapshot.version_record])

    @cached_property
    def _scores(self) -> ranking.F32:
        """Of each version in the answer; others have none."""
        versions = self._versions
        scores = np.full(len(self._snapshot.version_record), -np.inf, dtype=np.float32)
        scores[versions] = ranking.fuse(
            self._evidence.at(versions), np.ones(len(versions), dtype=bool), self._question.mode
        )
        return scores

    def _by_score(self, wanted: int) -> Array:
        """Versions in the answer by score, then by id, the best of each record only."""
        versions = self._versions[_among_smallest(-self._scores[self._versions], len(LANGUAGES) * wanted)]
        ids = np.array([self._snapshot.ids[record] for record in self._snapshot.version_record[versions]])
        languages = self._snapshot.version_language[versions]
        ordered = versions[np.lexsort((languages, ids, -self._scores[versions]))]
        _, first = np.unique(self._snapshot.version_record[ordered], return_index=True)
        return ordered[np.sort(first)]

    def _by_key(self, rows: Array, wanted: int) -> Array:
        """The first record rows in the asked order; without a question, newest first."""
        snapshot, sort = self._snapshot, self._question.sort
        if sort == "distance" and self._question.near is not None:
            rows = rows[_among_smallest(self._distance[rows], wanted)]
            ids = np.array([snapshot.ids[row] for row in rows])
            return np.asarray(rows[np.lexsort((ids, self._distance[rows]))])
        places = snapshot.places["newest" if sort in ("relevance", "distance") else sort]
        return np.asarray(rows[_smallest(places[rows], wanted)])

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
            passage=int(np.fmax(self._passage_scores[first:last], -np.inf).argmax()) if known else -1,
            closeness=round(closeness, 4) if known else None,
            coverage=round(float(evidence.coverage[version]), 4),
            exact=bool(evidence.exact[version]),
        )


def _among_smallest(numbers: Array, wanted: int) -> Array:
    """Which of these numbers are among the so many smallest, a mask. All that tie with the last one are: else which of them are
    on a page would depend on the page."""
    if len(numbers) <= wanted:
        return np.ones(len(numbers), dtype=bool)
    return np.asarray(numbers <= np.partition(numbers, wanted - 1)[wanted - 1])


def _smallest(numbers: Array, wanted: int) -> Array:
    """Where the so many smallest of these numbers are, in their order; all are different."""
    first = np.argpartition(numbers, wanted)[:wanted] if wanted < len(numbers) else np.arange(len(numbers))
    return np.asarray(first[np.argsort(numbers[first])])


def holds_any(words: WordIndex, tokens: Sequence[str]) -> bool:
    """Whether some document holds one of these tokens."""
    return bool(tokens and words.documents and words.searcher.search(_any_token(tuple(tokens)), 1, count=False).hits)


def _any_token(tokens: Tokens) -> tantivy.Query:
    return tantivy.Query.boolean_query([(tantivy.Occur.Should, _term(token)) for token in tokens])


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
