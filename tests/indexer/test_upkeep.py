"""The long jobs say how far they are, who does them and how they ended."""

import datetime
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from indexer import sync, upkeep
from indexer.demo_vectors import load_demo_vectors
from indexer.search import Search
from kb import outbox
from kb.db import make_engine, migrate, transaction
from kb.records import service as records
from kb.settings import Settings, get_settings
from kb.work import service as work
from kb.work.tables import WorkRow
from schemas.records import parse
from schemas.search import JobStatus
from search_ui import cli
from tests.indexer.library import RECORDS


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(data_dir=tmp_path, _env_file=None)  # type: ignore[call-arg]
    load_demo_vectors(settings)
    return settings


@pytest.fixture
def database(settings: Settings) -> Iterator[Engine]:
    database = make_engine(settings)
    migrate(database)
    with transaction(database) as session:
        records.save_many(session, map(parse, RECORDS), "me")
    yield database
    database.dispose()


@pytest.fixture
def search(settings: Settings) -> Iterator[Search]:
    search = Search(settings)
    yield search
    search.engine.close()


def _jobs(database: Engine) -> dict[str, JobStatus]:
    with transaction(database, readonly=True) as session:
        return {job.name: job for job in work.jobs(session)}


def test_how_far_a_job_is_can_be_seen_while_it_runs(
    database: Engine, search: Search, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync, "BATCH", 4)
    monkeypatch.setattr(work, "PAUSE", 0.0)
    seen: list[JobStatus] = []
    assert upkeep.rebuild(database, search, lambda _done, _total: seen.append(_jobs(database)["rebuild"]))
    assert [job.done for job in seen] == [4, 8, 11]
    assert {(job.state, job.total, job.started_at) for job in seen} == {("running", 11, seen[0].started_at)}
    ended = _jobs(database)["rebuild"]
    assert (ended.state, ended.done, ended.holder) == ("finished", 11, work.holder())


def test_every_job_leaves_a_note_and_one_with_nothing_to_do_leaves_none(database: Engine, search: Search) -> None:
    assert upkeep.take_in(database, search) == len(RECORDS)
    while upkeep.embed(database, search):
        pass
    upkeep.check(database, search)
    first = _jobs(database)
    assert {name: job.state for name, job in first.items()} == dict.fromkeys(("check", "embed", "index"), "finished")
    assert (first["check"].done, first["check"].total) == (11, 11)
    assert upkeep.take_in(database, search) == 0
    assert upkeep.embed(database, search) is False
    assert _jobs(database) == first


def test_who_finds_another_at_the_job_leaves_its_note_alone(database: Engine, search: Search) -> None:
    with outbox.lease(database, "index", "another", 60):
        assert upkeep.take_in(database, search) is None
    with outbox.lease(database, "rebuild", "another", 60):
        assert not upkeep.rebuild(database, search)
    with closing(search.open_cache()) as cache:
        sync.drain(database, search.engine, cache)
    with outbox.lease(database, "embed", "another", 60):
        assert upkeep.embed(database, search) is None
    assert _jobs(database) == {}


def test_a_failure_is_told_in_one_line_until_the_next_run_goes_well(database: Engine, search: Search) -> None:
    words = search.engine.generation.folder / "words-en"  # type: ignore[attr-defined]
    moved = words.rename(words.with_name("elsewhere"))
    with pytest.raises(Exception, match="Lockfile"):
        upkeep.take_in(database, search)
    with transaction(database, readonly=True) as session:
        [(name, error)] = work.errors(session).items()
    assert name == "index"
    assert "Lockfile" in error
    assert "\n" not in error
    assert _jobs(database)["index"].state == "failed"
    moved.rename(words)
    upkeep.take_in(database, search)
    assert _jobs(database)["index"].state == "finished"


def test_a_run_that_stops_for_a_while_is_gone_on_with(database: Engine) -> None:
    for part in range(1, 4):
        with work.reported(database, "embed") as report:
            report(part * 10, 30)
        if part == 1:
            started = _jobs(database)["embed"].started_at
        assert _jobs(database)["embed"].state == ("running" if part < 3 else "finished")
    assert _jobs(database)["embed"].started_at == started
    with work.reported(database, "embed") as report:
        report(10, 40)
    assert _jobs(database)["embed"].started_at > started


def test_a_job_that_fell_silent_was_cut_off(database: Engine) -> None:
    with work.reported(database, "rebuild") as report:
        report(10, 30)
    with transaction(database) as session:
        row = session.get(WorkRow, "rebuild")
        assert row
        row.seen_at -= work.SILENCE + datetime.timedelta(seconds=1)
    assert _jobs(database)["rebuild"].state == "interrupted"


def test_notes_are_written_at_most_once_a_second_and_at_the_end(database: Engine) -> None:
    with work.reported(database, "rebuild") as report:
        for done in range(1, 1_000):
            report(done, 1_000)
        assert _jobs(database)["rebuild"].done < 999
    assert _jobs(database)["rebuild"].done == 999


def _fail(database: Engine) -> None:
    with work.reported(database, "rebuild") as report:
        report(10, 30)
        raise ConnectionError("the engine\nis away")


def test_the_command_says_why_a_job_failed(
    database: Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConnectionError):
        _fail(database)
    monkeypatch.setenv("KB_DATA_DIR", str(settings.data_dir))
    get_settings.cache_clear()
    cli._join()
    said = CliRunner().invoke(cli.app, ["index", "status"]).output
    get_settings.cache_clear()
    assert "rebuild: failed" in said
    assert "10 of 30" in said
    assert "ConnectionError: the engine" in said
