"""SearchQuery to SearchResults: take the question apart, ask the engine, load the records, say why each was found."""

import re
import time
from collections.abc import Mapping
from functools import lru_cache

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from indexer import concepts, labels, snippets, suggestions
from indexer.analysis import content_tokens, is_stop_word, languages_of, token_set, tokens
from indexer.concepts import Named, named_in
from indexer.document import (
    as_readers_see,
    city_id,
    facets_of,
    name_key,
    passages_of,
    place_of,
    published,
    title_in,
    year_of,
)
from indexer.embedding import Model, VectorCache, describe
from indexer.engines.base import Answer, Hit, Question, SearchEngine, connect
from indexer.meaning import Meaning
from indexer.query import Parsed, parse
from kb import outbox
from kb.records import service as records
from kb.records.service import Stored
from kb.records.urls import record_path
from kb.settings import Settings
from kb.work import service as work
from schemas.language import LANGUAGES, Language
from schemas.search import (
    IndexStatus,
    Point,
    SearchQuery,
    SearchResult,
    SearchResults,
    Suggestion,
    Why,
)

#: Words of a question that are looked up; a longer one is a pasted text, whose meaning speaks for it.
MAX_TOKENS = 48
#: Shorter words have too many neighbours for any to be what was meant; codes and numbers are meant as they are.
_LONG_WORD = re.compile(r"(?<!\w)[^\W\d_]{5,}(?!\w)")
#: Closeness that counts as wholly alike, for telling readers how close a passage is.
VERY_CLOSE = 0.20


class Search:
    """The search of one process. Safe to use from many threads."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        #: The model that indexes are built for; the live one may still be of another until it is rebuilt.
        self.model = describe(settings.embedding_model)
        self.engine: SearchEngine = connect(settings.resolved_search_url, self.model, settings.search_timeout)
        self._meanings: dict[str, Meaning] = {}

    @property
    def meaning(self) -> Meaning:
        """How the texts of the live index were understood, and so how questions are."""
        return self.meaning_of(self.engine.model)

    def meaning_of(self, model: Model) -> Meaning:
        """The meaning that this model makes of texts."""
        return self._meanings.setdefault(model.id, Meaning(model))

    def open_cache(self, model: Model | None = None) -> VectorCache:
        """The vectors that were computed before by this model, else by that of the live index."""
        return VectorCache(self.settings.data_dir / "vectors.db", (model or self.engine.model).id)

    def prepare(self) -> None:
        """Load what the first question would have to wait for."""
        named_in("")
        cache = self.open_cache()
        self.meaning.prepare(cache)
        cache.close()

    def answer(self, session: Session, query: SearchQuery) -> SearchResults:
        """Find, rank, count and explain."""
        started = time.perf_counter()
        typed = parse(query.q)
        corrected = self._corrected(typed.text)
        named = named_in(corrected)
        question = self.question(query, typed, corrected, named)
        found = self.engine.search(question)
        return SearchResults(
            query=query,
            total=found.total,
            results=self._results(session, query, question, named, found),
            facets=labels.facet_counts(session, found.facets, query.chosen(), query.lang),
            took_ms=round((time.perf_counter() - started) * 1000, 1),
            did_you_mean=corrected if corrected != typed.text else None,
            understood=[(one.concept.value, one.concept.label(query.lang)) for one in named if one.share >= 0.2],
            notice="meaning-incomplete" if found.incomplete or _lacks_meaning(question) else None,
        )

    def question(self, query: SearchQuery, typed: Parsed, text: str, named: list[Named]) -> Question:
        """What the engine is asked."""
        known = languages_of(text)
        most = max(known.values())
        phrases = [_per_language(phrase) for phrase in typed.phrases]
        return Question(
            mode=query.mode,
            words={language: tuple(content_tokens(text, language)[:MAX_TOKENS]) for language in LANGUAGES},
            phrases=phrases if typed.insists else (),
            preferred=() if typed.insists else phrases,
            excluded=[_per_language(phrase) for phrase in typed.excluded],
            vector=self.meaning.query(text) if text and query.mode != "keyword" else None,
            typical=self.meaning.typical,
            languages=frozenset(language for language, count in known.items() if count and count == most),
            terms={one.concept.value: one.share for one in named},
            name=name_key(text),
            filters=query.chosen(),
            year_from=query.year_from,
            year_to=query.year_to,
            near=query.near,
            sort=query.sort,
            limit=query.limit,
            offset=query.offset,
        )

    def _corrected(self, text: str) -> str:
        """The question with each word that nobody knows replaced by the known one that is spelled most like it."""
        return _LONG_WORD.sub(lambda found: self._correct(found.group()), text)

    def _correct(self, word: str) -> str:
        if is_stop_word(word):
            return word
        if any(languages_of(word).values()) or self.engine.knows(word):
            return word
        return self.engine.spelled_like(word) or word

    def _results(
        self, session: Session, query: SearchQuery, question: Question, named: list[Named], found: Answer
    ) -> list[SearchResult]:
        loaded = as_readers_see(published(session, [hit.id for hit in found.hits]))
        cities = self._cities(session, loaded)
        return [
            _result(hit, loaded[hit.id], cities.get(city_id(loaded[hit.id].record) or ""), query, question, named)
            for hit in found.hits
            if hit.id in loaded
        ]

    @staticmethod
    def _cities(session: Session, loaded: Mapping[str, Stored]) -> dict[str, Stored]:
        return published(session, {id for stored in loaded.values() if (id := city_id(stored.record))})

    def points(self, session: Session, query: SearchQuery, limit: int = 300) -> list[Point]:
        """The results that have a place, for the map; the first ``limit`` of them."""
        typed = parse(query.q)
        corrected = self._corrected(typed.text)
        first = query.model_copy(update={"limit": limit, "offset": 0})
        question = self.question(first, typed, corrected, named_in(corrected))
        loaded = as_readers_see(published(session, [hit.id for hit in self.engine.search(question).hits]))
        cities = self._cities(session, loaded)
        return [
            Point(id=id, type=record.type, title=title_in(record, query.lang), url=record_path(record.type, id, query.lang),
                  lat=place.coordinates.lat, lon=place.coordinates.lon)
            for id, record in ((id, stored.record) for id, stored in loaded.items())
            if (place := place_of(record, cities.get(city_id(record) or ""))) and place.coordinates
        ]  # fmt: skip

    def suggest(self, session: Session, text: str, lang: Language, limit: int = 8) -> list[Suggestion]:
        """Completions while typing: terms, places and records."""
        return suggestions.suggest(session, self.engine, text, lang, limit)

    def similar(self, session: Session, record_id: str, lang: Language, limit: int = 5) -> list[SearchResult]:
        """Published records of the same type that are closest in meaning and tags."""
        stored = records.get_public(session, record_id)
        record = stored.record
        vector = self.meaning.telling(self.engine.vectors_of(record_id))
        tags = [f"topic:{topic}" for topic in record.topics] + [
            f"target:{tag.code}" for tag in record.sdgs if tag.public
        ]
        if vector is None and not tags:
            return []
        question = Question(
            vector=vector,
            typical=self.meaning.typical,
            terms={tag: 1 / len(tags) for tag in tags},
            filters={"type": [record.type]},
            without=record_id,
            limit=limit,
        )
        return self._results(session, SearchQuery(lang=lang), question, [], self.engine.search(question))

    def status(self, session: Session) -> IndexStatus:
        """Where the index stands."""
        now = self.engine.status()
        return IndexStatus(
            records=now.records,
            passages=now.passages,
            embedded=now.embedded,
            waiting=outbox.waiting(session),
            model=self.engine.model.id,
            engine=self.engine.name,
            bytes=now.bytes,
            jobs=work.jobs(session),
        )


def _lacks_meaning(question: Question) -> bool:
    """Whether words alone speak though meaning was asked for too."""
    return question.vector is None and question.mode != "keyword" and bool(question.name)


def _per_language(phrase: str) -> dict[Language, tuple[str, ...]]:
    return {language: tuple(tokens(phrase, language)) for language in LANGUAGES}


def _result(
    hit: Hit, stored: Stored, city: Stored | None, query: SearchQuery, question: Question, named: list[Named]
) -> SearchResult:
    record = stored.record
    # The record as it is now may no longer have the language that the index knows it in.
    language = next(one for one in (query.lang, hit.language, record.language) if one in record.title)
    passages = passages_of(record, language)
    asked = set(question.words.get(language, ()))
    held = {token for passage in passages for token in asked & token_set(passage.text, language)} if asked else asked
    place = hit.passage if 0 <= hit.passage < len(passages) else snippets.best_passage(passages, language, asked)
    text = passages[place].text.removeprefix(f"{record.title[language]} ")
    excerpt = snippets.snippet(text, language, asked)
    facets = facets_of(record, city)
    where = place_of(record, city)
    return SearchResult(
        id=record.id,
        type=record.type,
        title=record.title[language],
        language=language,
        url=record_path(record.type, record.id, query.lang),
        score=hit.score,
        snippet=excerpt.text,
        marks=excerpt.marks,
        why=_why(hit, question, named, held, facets, language, query.lang),
        original_language=record.language,
        languages=record.languages(),
        city=title_in(city.record, query.lang) if city else where.name if where else None,
        country=concepts.country_name(where.country, query.lang) if where and where.country else None,
        year=year_of(record),
        sdgs=list(facets["sdg"]),
        demonstration=record.demonstration,
    )


def _why(
    hit: Hit,
    question: Question,
    named: list[Named],
    held: set[str],
    facets: Mapping[str, tuple[str, ...]],
    language: Language,
    lang: Language,
) -> Why:
    return Why(
        exact=hit.exact,
        words=[word for word, tokens in _words_of(question.name, language) if not held.isdisjoint(tokens)],
        tags=[one.concept.label(lang) for one in named if one.concept.id in facets.get(one.concept.facet, ())],
        meaning=None if hit.closeness is None else round(min(max(hit.closeness / VERY_CLOSE, 0), 1), 2),
    )


@lru_cache(maxsize=100)
def _words_of(name: str, language: Language) -> list[tuple[str, list[str]]]:
    """The words of a question, each with its tokens: the same for all results in a language."""
    return [(word, content_tokens(word, language)) for word in dict.fromkeys(name.split())]


def open_search(settings: Settings, engine: Engine | None = None) -> Search:
    """The search of this process."""
    return Search(settings)
