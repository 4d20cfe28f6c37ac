"""Tables go up, down and up again without losing rows, on both databases."""

import multiprocessing
from collections.abc import Callable
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Engine, MetaData, String, inspect, select, text

from kb import db, outbox
from kb.db import downgrade, load_tables, make_engine, migrate, migration_config, transaction
from kb.records import service
from kb.records.tables import LookupRow
from kb.settings import Settings
from schemas.records import Record, parse
from tests.indexer.library import CABLE_CARS, RECORDS


def test_the_migrations_make_exactly_the_tables_that_the_code_knows(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, load_tables()) == []


def test_every_step_goes_down_and_up_again(bare_engine: Engine) -> None:
    for revision in _revisions():
        migrate(bare_engine, revision)
        downgrade(bare_engine, "-1")
        migrate(bare_engine, revision)
    downgrade(bare_engine, "base")
    assert inspect(bare_engine).get_table_names() == ["alembic_version"]
    migrate(bare_engine)


def _revisions() -> list[str]:
    """The oldest first."""
    return [script.revision for script in ScriptDirectory.from_config(migration_config()).walk_revisions()][::-1]


def test_every_step_keeps_all_rows_that_both_its_sides_know(engine: Engine) -> None:
    """From the newest down to the first, each step down, up and down again; then up to the newest, step by step."""
    _fill(engine)
    with transaction(engine) as session:
        published = list(service.iterate(session))
    later = _revisions()[1:]
    for revision in reversed(later):
        above = _rows(engine)
        downgrade(engine, "-1")
        below = _rows(engine)
        _assert_kept(above, below)
        migrate(engine, revision)
        _assert_kept(below, _rows(engine))
        downgrade(engine, "-1")
        assert _rows(engine) == below
    oldest = _rows(engine)
    assert {len(oldest[table]) > 1 for table in ("records", "revisions", "links", "translations", "index_jobs")} == {
        True
    }
    for revision in later:
        before = _rows(engine)
        migrate(engine, revision)
        _assert_kept(before, _rows(engine))
    _assert_kept(oldest, _rows(engine))
    with transaction(engine) as session:
        assert list(service.iterate(session)) == published
        assert service.save(session, parse(RECORDS[0] | {"other_names": ["Medallo", "Ciudad"]}), "me") == "updated"


def _fill(engine: Engine) -> None:
    """Records of several types, some edited, translated, linked, hidden or not published; jobs; a lease."""
    with transaction(engine) as session:
        service.save_many(session, map(parse, RECORDS), "me")
        service.save(
            session, parse(CABLE_CARS | {"title": CABLE_CARS["title"] | {"fr": "Téléphériques"}}), "you", "French"
        )
        service.save(session, parse(CABLE_CARS), "me", "and back")
    with outbox.lease(engine, "index", "worker", 60) as held:
        assert held


def _rows(engine: Engine) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table, as the database itself describes its columns."""
    tables = MetaData()
    tables.reflect(engine)
    with engine.connect() as connection:
        return {
            name: sorted((dict(row) for row in connection.execute(select(table)).mappings()), key=repr)
            for name, table in tables.tables.items()
            if name != "alembic_version"
        }


def _assert_kept(before: dict[str, list[dict[str, Any]]], after: dict[str, list[dict[str, Any]]]) -> None:
    for table in before.keys() & after.keys():
        columns = [sorted(rows[0]) for rows in (before[table], after[table]) if rows]
        assert len(before[table]) == len(after[table]), table
        both = [name for name in columns[0] if all(name in known for known in columns)] if columns else []
        assert _only(before[table], both) == _only(after[table], both), table


def _only(rows: list[dict[str, Any]], columns: list[str]) -> list[str]:
    return sorted(repr([row[name] for name in columns]) for row in rows)


def test_what_the_database_finds_records_by_is_made_for_records_that_are_there(engine: Engine) -> None:
    _fill(engine)
    made = _rows(engine)["lookups"]
    assert len(made) == sum(record["status"] == "published" for record in RECORDS)
    downgrade(engine, "0001")
    assert "lookups" not in _rows(engine)
    migrate(engine)
    assert _rows(engine)["lookups"] == made


def test_what_a_machine_translated_is_no_longer_found_by_its_words(engine: Engine, case: Callable[..., Record]) -> None:
    note = {"fr": {"machine": True}}
    with transaction(engine) as session:
        service.save(session, case("x-1", title={"en": "Trams", "fr": "Farfelus"}, translations=note), "me")
        row = session.get_one(LookupRow, "x-1")
        row.names, row.facets = " trams farfelus ", " language:en language:fr "
    downgrade(engine, "0005")
    migrate(engine)
    (found,) = _rows(engine)["lookups"]
    assert "farfelus" not in found["names"]
    assert "language:fr" not in found["facets"]


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
