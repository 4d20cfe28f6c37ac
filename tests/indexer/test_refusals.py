"""A record that Elasticsearch does not take holds nobody up: it is told apart, named to staff, and tried again."""

import secrets
from collections.abc import Iterator

import pytest
from elasticsearch import Elasticsearch
from sqlalchemy import Engine
from typer.testing import CliRunner

from indexer import sync
from indexer.engines.base import SearchEngine, connect
from indexer.vector_cache import VectorCache
from kb import outbox
from kb.db import make_engine, migrate, transaction
from kb.records import service
from kb.settings import Settings, get_settings
from schemas.records import parse
from search_ui import cli
from tests.indexer.samples import MODEL
from tests.indexer.test_outbox_to_index import case, find

pytestmark = pytest.mark.cluster

#: Nested documents that a record may have in this index; Elasticsearch refuses more, as it does 10,000 by default.
NESTED = 6
LONG = case("long", "quzemi") | {"body": {"en": "\n\n".join(["A paragraph of many words. " * 50] * 9)}}
SHORT = case("long", "jufary")


@pytest.fixture
def url(elasticsearch: str) -> Iterator[str]:
    name = f"kb-test-{secrets.token_hex(6)}"
    yield f"{elasticsearch}/{name}"
    with Elasticsearch(elasticsearch) as client:
        client.indices.delete(index=list(client.indices.get(index=f"{name}-*", features=["aliases"])))


@pytest.fixture
def index(url: str) -> Iterator[SearchEngine]:
    index = connect(url, MODEL, timeout=60)
    index.status()
    _limit(url, NESTED)
    yield index
    index.close()


def _limit(url: str, nested: int) -> None:
    server, _, name = url.rpartition("/")
    with Elasticsearch(server) as client:
        client.indices.put_settings(index=name, settings={"index.mapping.nested_objects.limit": nested})


@pytest.fixture
def database(sqlite_settings: Settings) -> Iterator[Engine]:
    database = make_engine(sqlite_settings)
    migrate(database)
    yield database
    database.dispose()


@pytest.fixture
def cache(sqlite_settings: Settings, database: Engine) -> Iterator[VectorCache]:
    cache = VectorCache(sqlite_settings.data_dir / "vectors.db", MODEL.id)
    yield cache
    cache.close()


def _save(database: Engine, *values: dict[str, object]) -> None:
    with transaction(database) as session:
        service.save_many(session, map(parse, values), "me")


def _left(database: Engine) -> tuple[int, list[str]]:
    """Changes that wait, and records that are refused."""
    with transaction(database, readonly=True) as session:
        return outbox.waiting(session), list(outbox.refusals(session))


def test_the_others_of_its_batch_are_found_and_it_is_named(
    database: Engine, index: SearchEngine, cache: VectorCache
) -> None:
    _save(database, case("a", "quzemi"), LONG, case("z", "quzemi"))
    assert sync.drain(database, index, cache) == 3
    assert find(index, "quzemi") == {"a", "z"}
    assert _left(database) == (0, ["long"])
    with transaction(database, readonly=True) as session:
        assert "nested documents" in outbox.refusals(session)["long"]


def test_a_comparison_shows_it_as_missing_and_has_it_tried_again(
    database: Engine, index: SearchEngine, cache: VectorCache, url: str
) -> None:
    _save(database, case("a", "quzemi"), LONG)
    sync.drain(database, index, cache)
    for _ in range(2):
        assert sync.check(database, index).missing == ("long",)
        assert sync.drain(database, index, cache) == 1
        assert _left(database) == (0, ["long"])
    _limit(url, 10_000)
    sync.check(database, index)
    sync.drain(database, index, cache)
    assert find(index, "quzemi") == {"a", "long"}
    assert _left(database) == (0, [])


def test_it_is_tried_again_when_somebody_edits_or_deletes_it(
    database: Engine, index: SearchEngine, cache: VectorCache
) -> None:
    _save(database, LONG, LONG | {"id": "other"})
    sync.drain(database, index, cache)
    assert _left(database) == (0, ["long", "other"])
    _save(database, SHORT)
    with transaction(database) as session:
        service.delete(session, "other")
    sync.drain(database, index, cache)
    assert find(index, "jufary") == {"long"}
    assert _left(database) == (0, [])


def test_it_does_not_keep_an_index_from_being_built_anew(
    database: Engine, index: SearchEngine, cache: VectorCache
) -> None:
    """The new index takes it here; the old one did not."""
    _save(database, case("a", "quzemi"), LONG)
    sync.drain(database, index, cache)
    assert sync.rebuild(database, index, cache)
    assert find(index, "quzemi") == {"a", "long"}
    assert _left(database) == (0, [])


def test_the_command_names_it_with_the_reason(
    database: Engine,
    index: SearchEngine,
    cache: VectorCache,
    url: str,
    sqlite_settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _save(database, LONG)
    sync.drain(database, index, cache)
    monkeypatch.setenv("KB_DATA_DIR", str(sqlite_settings.data_dir))
    monkeypatch.setenv("KB_SEARCH_URL", url)
    get_settings.cache_clear()
    cli._join()
    said = CliRunner().invoke(cli.app, ["index", "status"]).output
    get_settings.cache_clear()
    assert "refused by the engine: long: " in said
    assert "nested documents" in said
