"""Tables go up, down and up again without losing rows, on both databases."""

import multiprocessing
from collections.abc import Callable

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Engine, String, inspect, text

from kb import db
from kb.db import downgrade, load_tables, make_engine, migrate, migration_config, transaction
from kb.records import service
from kb.settings import Settings
from schemas.records import Record


def test_the_migrations_make_exactly_the_tables_that_the_code_knows(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, load_tables()) == []


def test_every_step_goes_down_and_up_again(bare_engine: Engine) -> None:
    steps = [script.revision for script in ScriptDirectory.from_config(migration_config()).walk_revisions()][::-1]
    for revision in steps:
        migrate(bare_engine, revision)
        downgrade(bare_engine, "-1")
        migrate(bare_engine, revision)
    downgrade(bare_engine, "base")
    assert inspect(bare_engine).get_table_names() == ["alembic_version"]
    migrate(bare_engine)


def test_there_is_one_newest_revision() -> None:
    assert len(ScriptDirectory.from_config(migration_config()).get_heads()) == 1


def test_migrating_again_changes_nothing(engine: Engine, case: Callable[..., Record]) -> None:
    with transaction(engine) as session:
        service.save(session, case("x-1"), "me")
    migrate(engine)
    with transaction(engine) as session:
        assert service.get(session, "x-1").record == case("x-1")


def test_rebuilding_a_table_keeps_the_rows_that_refer_to_it(
    sqlite_settings: Settings, case: Callable[..., Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite alters a table by dropping it, which would take revisions and links along."""
    engine = make_engine(sqlite_settings)
    migrate(engine)
    with transaction(engine) as session:
        service.save(session, case("x-1", links=[{"rel": "city", "to": "city-x"}]), "me")

    def add_column(config: Config, _revision: str) -> None:
        connection = config.attributes["connection"]
        operations = Operations(MigrationContext.configure(connection))
        with operations.batch_alter_table("records", recreate="always") as table:
            table.add_column(Column("extra", String(10)))

    monkeypatch.setattr(command, "upgrade", add_column)
    migrate(engine)
    with transaction(engine) as session:
        assert "extra" in {column["name"] for column in inspect(engine).get_columns("records")}
        assert [revision.number for revision in service.revisions(session, "x-1")] == [1]
        assert service.pointing_ids(session, ["city-x"]) == {"x-1"}
        assert session.scalar(text("PRAGMA foreign_keys")) == 1


def test_a_migration_that_breaks_references_is_rolled_back(
    sqlite_settings: Settings, case: Callable[..., Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = make_engine(sqlite_settings)
    migrate(engine)
    with transaction(engine) as session:
        service.save(session, case("x-1"), "me")

    def lose_records(config: Config, _revision: str) -> None:
        config.attributes["connection"].exec_driver_sql("DELETE FROM records")

    monkeypatch.setattr(command, "upgrade", lose_records)
    with pytest.raises(RuntimeError, match="rolled back"):
        migrate(engine)
    with transaction(engine) as session:
        assert service.get(session, "x-1").revision == 1


def _migrate_in_process(settings: Settings) -> None:
    db.migrate(make_engine(settings))


def test_several_processes_may_start_at_once_on_an_empty_database(settings: Settings) -> None:
    starts = multiprocessing.get_context("spawn")
    processes = [starts.Process(target=_migrate_in_process, args=(settings,)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0, 0]
    engine = make_engine(settings)
    assert "records" in inspect(engine).get_table_names()
    engine.dispose()
