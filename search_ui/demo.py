"""The demonstration: the records of ``fixtures/`` in an empty embedded profile."""

from pathlib import Path
from typing import Final

import typer
from pydantic_core import from_json
from sqlalchemy import Engine

from kb.db import make_engine, migrate, transaction
from kb.records import service as records
from kb.settings import Settings
from schemas.records import Record, parse

FIXTURES: Final = Path(__file__).parents[1] / "fixtures"


def load(settings: Settings) -> None:
    """Load the fixtures with their vectors, where the database has no records yet. Loading twice changes nothing."""
    from indexer.cli import load_demo_vectors

    engine = make_engine(settings)
    try:
        migrate(engine)
        if _is_empty(engine):
            count = _save(engine)
            typer.echo(f"Loaded {count} demonstration records.")
            load_demo_vectors(settings)
    finally:
        engine.dispose()


def _is_empty(engine: Engine) -> bool:
    with transaction(engine, readonly=True) as session:
        return not records.count_by_type(session)


def _save(engine: Engine) -> int:
    with transaction(engine) as session:
        return records.save_many(session, read(), author="kb demo").total()


def read() -> list[Record]:
    """The records of every fixture file. Raises ValueError that names file and line of one that is not right."""
    found = []
    for file in sorted(FIXTURES.glob("*.jsonl")):
        for number, line in enumerate(file.read_text("utf-8").splitlines(), start=1):
            try:
                found.append(parse(from_json(line)))
            except ValueError as error:
                raise ValueError(f"{file.name}, line {number}: {error}") from error
    return found
