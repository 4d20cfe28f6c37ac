"""A new index is filled while people go on editing: when it is put in place, it says what the database says."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine

from indexer import sync
from indexer.engines.base import SearchEngine, connect
from indexer.vector_cache import VectorCache
from kb import outbox
from kb.db import transaction
from kb.records import service
from kb.settings import Settings
from schemas.records import parse
from tests.indexer.samples import MODEL
from tests.indexer.test_outbox_to_index import case, city, find

Step = Callable[[], object]


@pytest.fixture
def index(settings: Settings) -> Iterator[SearchEngine]:
    index = connect(f"tantivy:{settings.data_dir / 'index'}", MODEL)
    yield index
    index.close()


@pytest.fixture
def cache(settings: Settings) -> Iterator[VectorCache]:
    cache = VectorCache(settings.data_dir / "vectors.db", MODEL.id)
    yield cache
    cache.close()


@pytest.fixture
def database(settings: Settings, engine: Engine, index: SearchEngine, cache: VectorCache) -> Engine:
    """Six cases, all in the index; two are in a city that is there, one in a city that is not."""
    save(engine, city("city", "zuxawo"), *(case(f"case-{number}", "quzemi") for number in range(3)))
    save(engine, case("inside-1", "quzemi", city="city"), case("inside-2", "quzemi", city="city"))
    save(engine, case("nowhere", "quzemi", city="coming-and-going"))
    sync.drain(engine, index, cache)
    return engine


def save(database: Engine, *values: dict[str, Any]) -> None:
    with transaction(database) as session:
        service.save_many(session, map(parse, values), "me")


def delete(database: Engine, record_id: str) -> None:
    with transaction(database) as session:
        service.delete(session, record_id)


class Editing:
    """Does one step more after each batch of a rebuild, as people and a worker might; ``seen`` is what a bar shows."""

    def __init__(self, *steps: Step) -> None:
        self._steps = list(steps)
        self.seen: list[tuple[int, int]] = []

    def __call__(self, done: int, total: int) -> None:
        self.seen.append((done, total))
        if self._steps:
            self._steps.pop(0)()


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync, "BATCH", 3)


def test_of_a_quiet_collection_nothing_is_read_twice(database: Engine, index: SearchEngine, cache: VectorCache) -> None:
    delete(database, "nowhere")
    watching = Editing()
    assert sync.rebuild(database, index, cache, watching)
    assert watching.seen == [(3, 6), (6, 6)]
    assert len(sync.differences(database, index)) == 0


def test_what_is_edited_meanwhile_is_taken_over_and_nothing_else(
    database: Engine, index: SearchEngine, cache: VectorCache
) -> None:
    """Changed, new and deleted records whether the worker has taken the change in or not, and what is in a city."""
    editing = Editing(
        lambda: save(database, case("case-0", "vobyke"), city("city", "jufary")),
        lambda: (delete(database, "case-1"), sync.drain(database, index, cache)),
        lambda: save(database, case("new", "vobyke"), case("case-2", "quzemi", status="draft")),
    )
    assert sync.rebuild(database, index, cache, editing)
    # Three that changed or came, two that went, two in the city, and one that is in no city that is there.
    assert editing.seen[3:] == [(3, 8), (6, 8), (8, 8)]
    assert len(sync.differences(database, index)) == 0
    assert find(index, "vobyke") == {"case-0", "new"}
    assert find(index, "jufary") == {"city", "inside-1", "inside-2"}


def test_a_city_that_was_there_for_a_moment_leaves_no_trace(
    database: Engine, index: SearchEngine, cache: VectorCache
) -> None:
    """Records in it may have been read in that moment."""
    editing = Editing(
        lambda: None,
        lambda: save(database, city("coming-and-going", "vobyke")),
        lambda: delete(database, "coming-and-going"),
    )
    assert sync.rebuild(database, index, cache, editing)
    assert find(index, "vobyke") == set()
    assert len(sync.differences(database, index)) == 0


class Asleep:
    """A writer that has its token and has read these records, and writes them when it wakes up."""

    def __init__(self, database: Engine, *ids: str) -> None:
        with outbox.lease(database, "index", "asleep", 60) as held:
            self._token = held.token
        with transaction(database, readonly=True) as session:
            self._documents = sync.documents_of(session, ids)

    def wake_up(self, index: SearchEngine) -> None:
        index.write(self._documents, self._token)


def test_who_slept_through_an_edit_a_deletion_and_a_rebuild_brings_nothing_back(
    database: Engine, index: SearchEngine, cache: VectorCache
) -> None:
    asleep = Asleep(database, "case-0", "case-1", "case-2")
    save(database, case("case-0", "vobyke"))
    delete(database, "case-1")
    sync.drain(database, index, cache)
    assert sync.rebuild(database, index, cache, Editing(lambda: delete(database, "case-2")))
    asleep.wake_up(index)
    assert find(index, "vobyke") == {"case-0"}
    assert len(sync.differences(database, index)) == 0


def test_who_comes_and_goes_during_a_rebuild_is_not_brought_back_either(
    database: Engine, index: SearchEngine, cache: VectorCache
) -> None:
    writers: list[Asleep] = []
    editing = Editing(
        lambda: save(database, case("short-lived", "vobyke")),
        lambda: (writers.append(Asleep(database, "short-lived")), delete(database, "short-lived")),
        lambda: sync.drain(database, index, cache),
    )
    assert sync.rebuild(database, index, cache, editing)
    writers[0].wake_up(index)
    assert find(index, "vobyke") == set()


def test_a_record_that_was_deleted_and_made_again_is_in_the_new_index(
    database: Engine, index: SearchEngine, cache: VectorCache
) -> None:
    delete(database, "case-1")
    sync.drain(database, index, cache)
    assert sync.rebuild(database, index, cache, Editing(lambda: save(database, case("case-1", "vobyke"))))
    assert find(index, "vobyke") == {"case-1"}
