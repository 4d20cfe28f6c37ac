"""Who does the work in the background: a thread of this process.

A commit that adds jobs wakes it; a timer does anyway, for a hint can be lost.
"""

import logging
import threading
from collections.abc import Callable

from fastapi import FastAPI
from sqlalchemy import Engine

from indexer import sync
from indexer.embedding import VectorCache
from indexer.search import Search
from kb import outbox

log = logging.getLogger(__name__)

#: Seconds between two looks without a hint.
PERIOD = 5.0
#: Seconds to wait for the thread at the end: it finishes the passage that it is at.
PATIENCE = 20.0


class Worker:
    """Takes in changes, then computes vectors, then waits."""

    def __init__(self, database: Engine, search: Search) -> None:
        self._database = database
        self._search = search
        self._wake = threading.Event()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="indexer", daemon=True)
        self._forget: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Begin, and listen for commits."""
        self._forget = outbox.on_commit(self._wake.set)
        self._thread.start()

    def stop(self) -> None:
        """End after the piece of work at hand."""
        self._forget()
        self._ending.set()
        self._wake.set()
        self._thread.join(PATIENCE)

    def _run(self) -> None:
        self._try(self._search.prepare)
        while not self._ending.is_set():
            self._wake.clear()
            self._try(self._work)
            self._wake.wait(PERIOD)

    @staticmethod
    def _try(work: Callable[[], None]) -> None:
        try:
            work()
        except Exception:
            log.exception("work in the background failed; trying again in %s seconds", PERIOD)

    def _work(self) -> None:
        cache = self._search.open_cache()
        try:
            sync.drain(self._database, self._search.engine, cache, stop=self._ending.is_set)
            if not self._search.engine.missing_vectors(1):
                return
            with outbox.lease(self._database, "embed", "worker", sync.LEASE) as held:
                if held:
                    self._embed(cache)
        finally:
            cache.close()

    def _embed(self, cache: VectorCache) -> None:
        # New words before old meaning: an edit interrupts the computing of vectors.
        sync.embed(
            self._search.engine,
            self._search.meaning.remembering.embedder,
            cache,
            stop=lambda: self._ending.is_set() or self._wake.is_set(),
        )


def start(app: FastAPI) -> None:
    """Begin working for this application; ``app.state`` has ``engine`` and ``search``."""
    app.state.worker = Worker(app.state.engine, app.state.search)
    app.state.worker.start()


def stop(app: FastAPI) -> None:
    """End it."""
    app.state.worker.stop()
