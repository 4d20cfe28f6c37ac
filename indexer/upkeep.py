"""The upkeep of the index: taking in changes, computing vectors, rebuild, comparison, forgetting people; each run is noted in
the database.

The thread of the web process, the Celery tasks and the commands all work through these five functions.
"""

import time
from contextlib import closing

from sqlalchemy import Engine

from indexer import sync
from indexer.meaning import typical_keys
from indexer.search import Search
from indexer.sync import Differences, Progress, Stop
from kb import outbox
from kb.db import transaction
from kb.privacy import sweeping
from kb.work.service import holder, reported

#: Seconds that one run of ``embed`` takes at most, and one of ``take_in`` in a Celery worker: a run gives way to other
#: work, holds its lease without renewing it, and is over before a machine that stops it gently loses patience.
SLICE = 30.0

#: Seconds until nobody reads an index any more that was swapped for another.
GRACE = 3.0


def after(seconds: float) -> Stop:
    """Says stop once so many seconds have passed from now."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end


def _silent(_done: int, _total: int) -> None:
    pass


def take_in(database: Engine, search: Search, progress: Progress = _silent, stop: Stop = lambda: False) -> int | None:
    """Take in the changes that wait. Returns how many; None when another process is at it."""
    with transaction(database, readonly=True) as session:
        if not outbox.waiting(session):
            return 0
    with closing(search.open_cache()) as cache, reported(database, "index", progress) as report:
        return sync.drain(database, search.engine, cache, report, stop)


def embed(
    database: Engine,
    search: Search,
    progress: Progress = _silent,
    stop: Stop = lambda: False,
    threads: int = 1,
) -> bool | None:
    """Give passages their vectors, for at most ``SLICE`` seconds. Returns whether some are still missing; None when
    another process is at it."""
    if not search.engine.missing_vectors(1):
        return False
    with outbox.lease(database, "embed", holder(), sync.LEASE) as held:
        if not held:
            return None
        over = after(SLICE)
        with closing(search.open_cache()) as cache, reported(database, "embed", progress) as report:
            model = search.meaning.remembering.embedder
            sync.embed(search.engine, model, cache, threads, report, lambda: stop() or over())
    return bool(search.engine.missing_vectors(1))


def rebuild(database: Engine, search: Search, progress: Progress = _silent, *, forgetting: bool = False) -> bool:
    """Fill a new index beside the live one and swap. For another model than that of the live index, all vectors are computed
    before the swap. False when another process is at it."""
    changed = search.model.id != search.engine.model.id
    with closing(search.open_cache(search.model)) as cache, reported(database, "rebuild", progress) as report:
        embedder = search.meaning_of(search.model).remembering.embedder if changed else None
        return sync.rebuild(database, search.engine, cache, report, embedder, forgetting=forgetting)


def forget(database: Engine, search: Search) -> bool:
    """Make the index anew where somebody was forgotten: what is deleted from an index stays in its files for a while, and
    the vectors of a text in their cache. Returns whether that was done now."""
    forgotten = sweeping.unindexed(database)
    if not forgotten or not rebuild(database, search, forgetting=True):
        return False
    with closing(search.open_cache()) as cache:
        cache.keep_only([*sync.passage_keys(database), *typical_keys()])
    time.sleep(GRACE)
    search.engine.drop_former()
    sweeping.note_indexed(database, forgotten)
    return True


def check(database: Engine, search: Search, progress: Progress = _silent) -> Differences:
    """Compare index and database, and queue what differs."""
    with reported(database, "check", progress) as report:
        report(0, 0)
        return sync.check(database, search.engine, report)
