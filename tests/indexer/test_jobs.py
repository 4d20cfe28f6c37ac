"""The thread that keeps the index up to date while the site runs, and the commands that do so by hand."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from indexer import sync
from indexer.demo_vectors import load_demo_vectors
from indexer.jobs import Worker
from indexer.search import Search
from kb import outbox
from kb.db import transaction
from kb.records import service
from kb.settings import Settings
from schemas.records import parse
from schemas.search import IndexStatus
from tests.indexer.library import RECORDS

ROOT = Path(__file__).parents[2]


@pytest.fixture
def database(settings: Settings, engine: Engine) -> Engine:
    """Each kind, with the vectors that are shipped."""
    load_demo_vectors(settings)
    return engine


@pytest.fixture
def search(settings: Settings) -> Iterator[Search]:
    search = Search(settings)
    yield search
    search.engine.close()


def _save(database: Engine) -> None:
    with transaction(database) as session:
        service.save_many(session, map(parse, RECORDS), "me")


def _status(database: Engine, search: Search) -> IndexStatus:
    with transaction(database, readonly=True) as session:
        return search.status(session)


def _soon(happened: Callable[[], bool]) -> bool:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if happened():
            return True
        time.sleep(0.05)
    return False


def test_a_running_site_takes_in_what_is_saved_and_computes_its_meaning(database: Engine, search: Search) -> None:
    worker = Worker(database, search)
    worker.start()
    try:
        _save(database)
        assert _soon(lambda: _status(database, search).waiting == 0)
        assert _soon(lambda: (now := _status(database, search)).embedded == now.passages > 0)
        assert len(sync.differences(database, search.engine)) == 0
    finally:
        worker.stop()


def test_it_goes_on_after_a_failure(database: Engine, search: Search, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here: while a folder of the index cannot be written."""
    monkeypatch.setattr("indexer.jobs.PERIOD", 0.1)
    words = search.engine.generation.folder / "words-en"  # type: ignore[attr-defined]
    moved = words.rename(words.with_name("elsewhere"))
    worker = Worker(database, search)
    worker.start()
    try:
        _save(database)
        time.sleep(0.5)
        assert _status(database, search).waiting > 0
        moved.rename(words)
        assert _soon(lambda: _status(database, search).waiting == 0)
    finally:
        worker.stop()


def test_only_one_process_at_a_time_takes_changes_in(database: Engine, search: Search) -> None:
    _save(database)
    with outbox.lease(database, "index", "another", 60) as held:
        assert held
        assert sync.drain(database, search.engine, search.open_cache()) is None
    assert sync.drain(database, search.engine, search.open_cache()) == len(RECORDS)
    with outbox.lease(database, "rebuild", "another", 60) as held:
        assert held
        cache = search.open_cache()
        assert not sync.rebuild(database, search.engine, cache)
        cache.close()


def test_a_rebuild_that_lost_its_lease_is_not_put_in_place(
    database: Engine, search: Search, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process slept so long that another took over."""
    _save(database)
    monkeypatch.setattr(sync, "LEASE", -1)
    cache = search.open_cache()
    with pytest.raises(RuntimeError, match="run the command again"):
        sync.rebuild(database, search.engine, cache, lambda done, total: _take_over(database))
    cache.close()
    assert search.engine.status().records == 0


def _take_over(database: Engine) -> None:
    with outbox.lease(database, "rebuild", "another", 60):
        pass


def test_a_rebuild_keeps_all_vectors_that_are_known_though_many_are_missing(
    database: Engine, search: Search, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand new passages wait for their vectors; those of the old ones must not wait behind them."""
    monkeypatch.setattr(sync, "BATCH", 5)
    new = [
        {
            "type": "news",
            "id": f"a-{number:03}",
            "language": "en",
            "status": "published",
            "title": {"en": f"N {number}"},
        }
        for number in range(60)
    ]
    _save(database)
    cache = search.open_cache()
    sync.drain(database, search.engine, search.open_cache())
    sync.embed(search.engine, search.meaning.remembering.embedder, cache)
    with transaction(database) as session:
        service.save_many(session, map(parse, new), "me")
    sync.drain(database, search.engine, search.open_cache())
    before = search.engine.status()
    assert before.embedded == before.passages - len(new)
    assert sync.rebuild(database, search.engine, cache)
    assert search.engine.status().embedded == before.embedded
    cache.close()


def _kb(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"KB_DATA_DIR": str(settings.data_dir)}
    command = [sys.executable, "-m", "search_ui.cli", "index", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)


def test_check_says_and_queues_what_differs_and_sync_puts_it_right(
    settings: Settings, database: Engine, search: Search
) -> None:
    _save(database)
    sync.drain(database, search.engine, search.open_cache())
    search.engine.delete(["cable-cars"], time.time_ns())
    found = _kb(settings, "check")
    assert found.returncode == 1
    assert "missing: 1 (cable-cars" in found.stdout
    assert _kb(settings, "sync").returncode == 0
    assert _kb(settings, "check").returncode == 0
