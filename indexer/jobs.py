"""Who does the work in the background: a thread of this process; or, with a broker, the workers that it is told to.

A commit that adds jobs wakes them; a timer does anyway, for a hint can be lost.
"""

import logging
import threading
from collections.abc import Callable
from functools import partial
from typing import Protocol, Self

from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.datastructures import State

from indexer import upkeep
from indexer.search import Search
from indexer.sync import Stop
from indexer.tagging import job as tagging
from indexer.tagging.opening import tagger_of
from kb import outbox, rounds
from kb.settings import Settings

log = logging.getLogger(__name__)

#: Seconds between two looks without a hint.
PERIOD = 5.0
#: Seconds between two looks at the rounds.
ROUND_PERIOD = 1.0
#: Seconds to wait for the thread at the end: it finishes the passage that it is at.
PATIENCE = 20.0
#: Seconds between two hints to the workers: commits that follow each other closely are one hint.
GAP = 0.5
#: Seconds that a hint waits for the broker; nobody waits for the hint.
HINT_PATIENCE = 0.5
#: Seconds that a process that ends waits for its last hint.
LAST_HINT = 3.0


class Background(Protocol):
    """Something that goes on beside the requests."""

    def start(self) -> None:
        """Begin."""

    def stop(self) -> None:
        """End."""


class Worker:
    """Takes in changes, then computes vectors, then does what is less urgent, then waits. ``rest`` is given what says that
    there is something more urgent, and says whether more is left."""

    def __init__(self, database: Engine, search: Search, rest: Callable[[Stop], bool] = lambda _stop: False) -> None:
        self._database = database
        self._search = search
        self._rest = rest
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
        _try(self._search.prepare)
        while not self._ending.is_set():
            self._wake.clear()
            _try(self._work)
            self._wake.wait(PERIOD)

    def _work(self) -> None:
        self._search.follow()
        upkeep.take_in(self._database, self._search, stop=self._ending.is_set)
        upkeep.forget(self._database, self._search)
        # New words before old meaning: an edit interrupts the computing of vectors.
        while not self._interrupted() and upkeep.embed(self._database, self._search, stop=self._interrupted):
            pass
        while not self._interrupted() and self._rest(self._interrupted):
            pass

    def _interrupted(self) -> bool:
        return self._ending.is_set() or self._wake.is_set()


class Hints:
    """Tells the workers of commits, from a thread of its own: a commit neither waits for the broker nor fails with it.

    Also a context: ``with Hints(settings): ...`` tells of the commits in it.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._due = False
        self._wake = threading.Event()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hints", daemon=True)
        self._forget: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Listen for commits."""
        self._forget = outbox.on_commit(self._hint)
        self._thread.start()

    def stop(self) -> None:
        """Tell of the last commit, if the broker listens, and end."""
        self._forget()
        self._ending.set()
        self._wake.set()
        self._thread.join(LAST_HINT)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _hint(self) -> None:
        self._due = True
        self._wake.set()

    def _run(self) -> None:
        while self._due or not self._ending.is_set():
            self._wake.wait()
            self._wake.clear()
            if self._due:
                self._due = False
                self._send()
            self._ending.wait(GAP)

    def _send(self) -> None:
        from indexer import tasks

        try:
            with tasks.make_app(
                self._settings, socket_connect_timeout=HINT_PATIENCE, socket_timeout=HINT_PATIENCE, max_retries=0
            ) as app:
                app.send_task("take_in", expires=tasks.EXPIRES, retry=False)
        except Exception as error:
            log.warning("the broker was not told of a change; the workers will find it by themselves (%s)", error)


class Repeated:
    """Does something after ``delay`` seconds, and again every ``period`` seconds."""

    def __init__(self, name: str, period: float, work: Callable[[], None], *, delay: float = 0.0) -> None:
        self._delay, self._period, self._work = delay, period, work
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the work at hand."""
        self._ending.set()
        self._thread.join(PATIENCE)

    def _run(self) -> None:
        pause = self._delay
        while not self._ending.wait(pause):
            _try(self._work)
            pause = self._period


def _try(work: Callable[[], None]) -> bool:
    """Whether it went well."""
    try:
        work()
    except Exception:
        log.exception("work in the background failed; it is tried again in some seconds")
        return False
    return True


def start(app: FastAPI) -> None:
    """Begin working for this application; ``app.state`` has ``settings``, ``engine``, ``search`` and, for a process that does
    the work itself, ``taggers``."""
    app.state.background = _background(app.state)
    for each in app.state.background:
        each.start()


def _background(state: State) -> list[Background]:
    settings, database, search = state.settings, state.engine, state.search
    if settings.broker_url:
        return [Hints(settings), Repeated("prepare", PERIOD, search.follow)]
    rest = partial(tagging.advance, database, partial(tagger_of, state.taggers, search), settings)
    walk = partial(rounds.walk, database, settings)
    return [Worker(database, search, rest), Repeated("rounds", ROUND_PERIOD, walk, delay=ROUND_PERIOD)]


def stop(app: FastAPI) -> None:
    """End it."""
    for each in app.state.background:
        each.stop()
