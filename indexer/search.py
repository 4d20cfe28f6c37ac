"""SearchQuery to SearchResults: take the question apart, ask the engine, load the records, say why each was found."""

import logging
import re
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from indexer import concepts, fallback, labels, snippets, suggestions, vector_cache
from indexer.analysis import content_tokens, is_stop_word, languages_of, tokens
from indexer.concepts import Named, named_in
from indexer.document import (
    name_key,
    title_in,
)
from indexer.embedding import Model, describe
from indexer.engines.base import Answer, Hit, Question, SearchEngine, connect
from indexer.meaning import Meaning
from indexer.query import Parsed, parse
from indexer.shelf import Readable, Shelf
from indexer.vector_cache import VectorCache
from kb import outbox
from kb.records import service as records
from kb.records.facets import city_id, place_of
from kb.records.urls import record_path
from kb.settings import Settings
from kb.work import service as work
from schemas.language import LANGUAGES, Language
from schemas.parts import Place
from schemas.records import Record, RecordType
from schemas.search import (
    MAX_QUERY,
    IndexStatus,
    Notice,
    Point,
    SearchQuery,
    SearchResult,
    SearchResults,
    Suggestion,
    Why,
)

log = logging.getLogger(__name__)

#: Words of a question that are looked up; a longer one is a pasted text, whose meaning speaks for it.
MAX_TOKENS = 48
#: Shorter words have too many neighbours for any to be what was meant; codes and numbers are meant as they are.
_LONG_WORD = re.compile(r"(?<!\w)[^\W\d_]{5,}(?!\w)")
#: Characters of a text that say what it is about.
MAX_MEANT = 1200
#: Closeness that counts as wholly alike, for telling readers how close a passage is.
VERY_CLOSE = 0.20


@dataclass(frozen=True)
class Found:
    """The question as it was understood, and its answer. ``text`` is its free words, corrected."""

    text: str
    named: list[Named]
    question: Question
    answer: Answer
    notice: Notice | None = None
    corrected: bool = False


class Search:
    """The search of one process. Safe to use from many threads."""

    def __init__(self, settings: Settings, database: Engine | None = None) -> None:
        self.settings = settings
        self._vectors = vector_cache.place(settings, database)
        #: The model that indexes are built for; the live one may still be of another until it is rebuilt.
        self.model = describe(settings)
        self.engine: SearchEngine = connect(settings.resolved_search_url, self.model, settings.search_timeout)
        self.shelf = Shelf()
        self._meanings: dict[str, Meaning] = {}

    @property
    def meaning(self) -> Meaning:
        """How the texts of the live index were understood, and so how questions are."""
        return self.meaning_of(self.engine.model)

    def meaning_of(self, model: Model) -> Meaning:
        """The meaning that this model makes of texts."""
        return self._meanings.setdefault(model.id, Meaning(self.settings, model))

    def open_cache(self, model: Model | None = None) -> VectorCache:
        """The vectors that were computed before by this model, else by that of the live index."""
        return VectorCache(self._vectors, (model or self.engine.model).id)

    def prepare(self) -> None:
        """Load what the first question would have to wait for."""
        named_in("")
        with closing(self.open_cache()) as cache:
            self.meaning.prepare(cache)
        self.engine.prepare()

    def follow(self) -> None:
        """Prepare again where the live index is of another model by now, or was away when it was tried first."""
        if self.meaning.typical is None:
            self.prepare()

    def answer(self, session: Session, query: SearchQuery) -> SearchResults:
        """Find, rank, count and explain."""
        started = time.perf_counter()
        found = self.find(session, query)
        loaded = self._loaded(session, found)
        chosen = query.chosen()
        values = labels.shown(found.answer.facets, chosen)
        cities = self.shelf.published(session, _cities_of(loaded) | {id for id, _ in values["city"]})
        titles = {id: title_in(city.record, query.lang) for id, city in cities.items()}
        return SearchResults(
            query=query,
            total=found.answer.total,
            results=_results(query, found, loaded, cities),
            facets=labels.facet_counts(values, chosen, query.lang, titles),
            took_ms=round((time.perf_counter() - started) * 1000, 1),
            did_you_mean=found.text if found.corrected else None,
            understood=[(one.concept.value, one.concept.label(query.lang)) for one in found.named if one.share >= 0.2],
            notice=found.notice,
        )

    def find(self, session: Session, query: SearchQuery) -> Found:
        """What the index finds; while it is away, what the database does."""
        typed = parse(query.q)
        try:
            text = self._corrected(typed.text)
            named = named_in(text)
            question = self.question(query, typed, text, named, self.meaning)
            answer = self.engine.search(question)
            incomplete = answer.incomplete or _lacks_meaning(question)
            notice: Notice | None = "meaning-incomplete" if incomplete else None
            return Found(text, named, question, answer, notice, corrected=text != typed.text)
        except fallback.AWAY as error:
            log.warning("the search index is away, so the database answers: %s", error)
        named = named_in(typed.text)
        by_words = self.question(query, typed, typed.text, named, None)
        return Found(typed.text, named, by_words, fallback.search(session, query, typed), "index-away")

    @staticmethod
    def question(query: SearchQuery, typed: Parsed, text: str, named: list[Named], meaning: Meaning | None) -> Question:
        """What the engine is asked; by words only without ``meaning``, which the engine has to be asked for."""
        known = languages_of(text)
        most = max(known.values())
        phrases = [_per_language(phrase) for phrase in typed.phrases]
        understood = meaning if text and query.mode != "keyword" else None
        return Question(
            mode=query.mode,
            words={language: tuple(content_tokens(text, language)[:MAX_TOKENS]) for language in LANGUAGES},
            phrases=phrases if typed.insists else (),
            preferred=() if typed.insists else phrases,
            excluded=[_per_language(phrase) for phrase in typed.excluded],
            vector=understood.query(text) if understood else None,
            typical=understood.typical if understood else None,
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

    def results(self, session: Session, query: SearchQuery, found: Found) -> list[SearchResult]:
        """The hits as readers meet them; without those that are published no more."""
        loaded = self._loaded(session, found)
        return _results(query, found, loaded, self.shelf.published(session, _cities_of(loaded)))

    def _loaded(self, session: Session, found: Found) -> dict[str, Readable]:
        return self.shelf.published(session, [hit.id for hit in found.answer.hits])

    def points(self, session: Session, query: SearchQuery, limit: int = 300) -> list[Point]:
        """The results that have a place, for the map; the first ``limit`` of them."""
        found = self.find(session, query.model_copy(update={"limit": limit, "offset": 0}))
        loaded = self._loaded(session, found)
        cities = self.shelf.published(session, _cities_of(loaded))
        return [
            Point(id=id, type=record.type, title=title_in(record, query.lang), url=record_path(record.type, id, query.lang),
                  lat=place.coordinates.lat, lon=place.coordinates.lon)
            for id, record in ((id, readable.record) for id, readable in loaded.items())
            if (place := _place(record, cities.get(city_id(record) or ""))) and place.coordinates
        ]  # fmt: skip

    def suggest(self, session: Session, text: str, lang: Language, limit: int = 8) -> list[Suggestion]:
        """Completions while typing: terms, places and records."""
        if len(text.strip()) < 2:
            return []
        return suggestions.suggest(session, self._names_starting(session, text, limit), text, lang, limit)

    def _names_starting(self, session: Session, text: str, limit: int) -> list[str]:
        try:
            return self.engine.names_starting(text, limit)
        except fallback.AWAY:
            return fallback.names_starting(session, text, limit)

    def similar(self, session: Session, record_id: str, lang: Language, limit: int = 5) -> list[SearchResult]:
        """Published records of the same type that are closest in meaning and tags; none while the index is away."""
        record = records.get_public(session, record_id).record
        try:
            question = self._like(record, limit)
            answer = self.engine.search(question) if question.asks else None
        except fallback.AWAY:
            return []
        return self.results(session, SearchQuery(lang=lang), Found("", [], question, answer)) if answer else []

    def _like(self, record: Record, limit: int) -> Question:
        tags = [f"topic:{topic}" for topic in record.topics] + [
            f"target:{tag.code}" for tag in record.sdgs if tag.public
        ]
        return Question(
            vector=self.meaning.telling(self.engine.vectors_of(record.id)),
            typical=self.meaning.typical,
            terms={tag: 1 / len(tags) for tag in tags},
            filters={"type": [record.type]},
            without=record.id,
            limit=limit,
        )

    def resembling(
        self,
        session: Session,
        type: RecordType,
        title: str,
        text: str,
        lang: Language,
        limit: int,
        *,
        without: str = "",
    ) -> list[SearchResult]:
        """Published records of a type that this title names or nearly names, then those close in meaning to title and text;
        none while the index is away."""
        named = SearchQuery(q=title[:MAX_QUERY], lang=lang, type=[type], limit=limit)
        question = Question(
            vector=self.meaning.telling(self.meaning.query(f"{title}. {text}"[:MAX_MEANT])),
            typical=self.meaning.typical,
            filters={"type": [type]},
            without=without or None,
            limit=limit,
        )
        try:
            found = self.find(session, named)
            like = self.engine.search(question) if question.asks else None
        except fallback.AWAY:
            return []
        results = self.results(session, named, found)
        results += self.results(session, SearchQuery(lang=lang), Found("", [], question, like)) if like else []
        unique: dict[str, SearchResult] = {}
        for result in results:
            unique.setdefault(result.id, result)
        return list(unique.values())

    def named(
        self, session: Session, text: str, type: RecordType | None, lang: Language, limit: int = 8
    ) -> list[Suggestion]:
        """Published records of a type (or of any) for somebody who looks for one to link to: by the beginning of a word of its
        name, then by all that the search knows."""
        if not text.strip():
            return []
        ids = self._names_starting(session, text, 10 * limit)
        found = suggestions.records(session, ids, lang)
        query = SearchQuery(q=text[:MAX_QUERY], lang=lang, type=[type] if type else [], limit=limit)
        found += suggestions.records(session, [hit.id for hit in self.find(session, query).answer.hits], lang)
        fitting = {one.id: one for one in found if type is None or one.url.startswith(record_path(type, "", lang))}
        return list(fitting.values())[:limit]

    def status(self, session: Session) -> IndexStatus:
        """Where the index stands."""
        now = self.engine.status()
        return IndexStatus(
            records=now.records,
            passages=now.passages,
            embedded=now.embedded,
            waiting=outbox.waiting(session),
            refused=outbox.refusals_count(session),
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


def _place(record: Record, city: Readable | None) -> Place | None:
    return place_of(record, city.record if city else None)


def _cities_of(loaded: Mapping[str, Readable]) -> set[str]:
    """The ids of the cities that these records are of."""
    return {id for found in loaded.values() if (id := city_id(found.record))}


def _results(
    query: SearchQuery, found: Found, loaded: Mapping[str, Readable], cities: Mapping[str, Readable]
) -> list[SearchResult]:
    return [
        _result(hit, readable, cities.get(city_id(readable.record) or ""), query, found)
        for hit in found.answer.hits
        if (readable := loaded.get(hit.id))
    ]


def _result(hit: Hit, readable: Readable, city: Readable | None, query: SearchQuery, found: Found) -> SearchResult:
    record = readable.record
    # The record as it is now may no longer have the language that the index knows it in.
    language = next(one for one in (query.lang, hit.language, record.language) if one in record.title)
    passages = readable.passages(language)
    asked = set(found.question.words.get(language, ()))
    held = asked & readable.tokens(language)
    place = hit.passage if 0 <= hit.passage < len(passages) else snippets.best_passage(passages, language, asked)
    text = passages[place].text.removeprefix(f"{record.title[language]} ")
    excerpt = snippets.snippet(text, language, held)
    facets = readable.facets(city)
    where = _place(record, city)
    return SearchResult(
        id=record.id,
        type=record.type,
        title=record.title[language],
        language=language,
        url=record_path(record.type, record.id, query.lang),
        score=hit.score,
        snippet=excerpt.text,
        marks=excerpt.marks,
        why=_why(hit, found, held, facets, language, query.lang),
        original_language=record.language,
        languages=record.languages(),
        city=title_in(city.record, query.lang) if city else where.name if where else None,
        country=concepts.country_name(where.country, query.lang) if where and where.country else None,
        year=readable.year,
        sdgs=list(facets["sdg"]),
        demonstration=record.demonstration,
    )


def _why(
    hit: Hit,
    found: Found,
    held: set[str],
    facets: Mapping[str, tuple[str, ...]],
    language: Language,
    lang: Language,
) -> Why:
    return Why(
        exact=hit.exact,
        words=[word for word, tokens in _words_of(found.question.name, language) if not held.isdisjoint(tokens)],
        tags=[one.concept.label(lang) for one in found.named if one.concept.id in facets.get(one.concept.facet, ())],
        meaning=None if hit.closeness is None else round(min(max(hit.closeness / VERY_CLOSE, 0), 1), 2),
    )


@lru_cache(maxsize=100)
def _words_of(name: str, language: Language) -> list[tuple[str, list[str]]]:
    """The words of a question, each with its tokens: the same for all results in a language."""
    return [(word, content_tokens(word, language)) for word in dict.fromkeys(name.split())]


def open_search(settings: Settings, engine: Engine | None = None) -> Search:
    """The search of this process."""
    return Search(settings, engine)
