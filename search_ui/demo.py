"""The demonstration: the records of ``fixtures/`` in an empty profile, with their vectors."""

import typer
from pydantic_core import from_json
from sqlalchemy import Engine

from indexer import sync
from indexer.demo_vectors import load_demo_vectors, record_files
from indexer.search import open_search
from kb.db import make_engine, migrate, transaction
from kb.records import service as records
from kb.settings import Settings
from schemas.records import Record, parse


def load(settings: Settings) -> None:
    """Load the fixtures with their vectors, where the database has no records yet. Loading twice changes nothing."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    engine = make_engine(settings)
    try:
        migrate(engine)
        if _is_empty(engine):
            typer.echo(f"Loaded {_save(engine)} demonstration records.")
            load_demo_vectors(settings, engine)
            _index(engine, settings)
    finally:
        engine.dispose()


def _is_empty(engine: Engine) -> bool:
    with transaction(engine, readonly=True) as session:
        return not records.count_by_type(session)


def _save(engine: Engine) -> int:
    with transaction(engine) as session:
        return records.save_many(session, read(), author="kb demo").total()


def _index(engine: Engine, settings: Settings) -> None:
    """Take in all records now; what has no vector yet gets it in the background, once the site is up."""
    search = open_search(settings, engine)
    cache = search.open_cache()
    sync.drain(engine, search.engine, cache)
    cache.close()
    search.engine.close()


def read() -> list[Record]:
    """The records of the fixtures; files of other things (judged queries) lie beside them.

    Raises ValueError that names file and line of a record that is not right.
    """
    found = []
    for file in record_files():
        for number, line in enumerate(file.read_text("utf-8").splitlines(), start=1):
            try:
                value = from_json(line)
                found += [parse(value)] if "type" in value else []
            except ValueError as error:
                raise ValueError(f"{file.name}, line {number}: {error}") from error
    return found
