"""A profile whose few records are in the index, with the vectors of the real model; tests only read it."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from indexer import sync
from indexer.demo_vectors import load_demo_vectors
from indexer.search import Search, open_search
from kb.db import make_engine, migrate, transaction
from kb.records import service
from kb.settings import Settings
from schemas.records import parse
from tests.indexer.library import RECORDS

# Failures of the engines' contract are explained as those of a test module are.
pytest.register_assert_rewrite("tests.indexer.engines.contract")


def fill(settings: Settings) -> None:
    """Save the records, take them in, and embed them; the texts that say what is typical come with the fixtures."""
    database = make_engine(settings)
    migrate(database)
    with transaction(database) as session:
        service.save_many(session, map(parse, RECORDS), "tests")
    load_demo_vectors(settings)
    search = open_search(settings, database)
    cache = search.open_cache()
    sync.drain(database, search.engine, search.open_cache())
    sync.embed(search.engine, search.meaning.remembering.embedder, cache, threads=2)
    cache.close()
    search.engine.close()
    database.dispose()


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = Settings(data_dir=tmp_path_factory.mktemp("library"), _env_file=None)  # type: ignore[call-arg]
    fill(settings)
    return settings


@pytest.fixture(scope="session")
def database(filled: Settings) -> Iterator[Engine]:
    database = make_engine(filled)
    yield database
    database.dispose()


@pytest.fixture(scope="session")
def search(filled: Settings, database: Engine) -> Iterator[Search]:
    search = open_search(filled, database)
    search.prepare()
    yield search
    search.engine.close()


@pytest.fixture
def session(database: Engine) -> Iterator[Session]:
    with transaction(database, readonly=True) as session:
        yield session
