"""Reading records for tagging, one and all: by one at a time, never twice, and on from where it was cut off."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine, func, select

from indexer.demo_vectors import load_demo_vectors
from indexer.jobs import Worker
from indexer.search import Search
from indexer.tagging import job
from indexer.tagging.learning import none_yet
from indexer.tagging.service import Tagger
from kb import outbox
from kb.db import make_engine, migrate, transaction, utcnow
from kb.errors import NotFound
from kb.records import service as records
from kb.settings import Settings
from kb.site import service as sites
from kb.tagging import cases, decisions, learnt, suggestions
from kb.tagging.tables import LearntRow, SuggestionRow
from kb.work import service as work
from schemas.records import parse
from schemas.search import JobStatus
from schemas.tagging import Decision
from tests.indexer.tagging.quick import Letters, quick
from tests.people import person

ROOT = Path(__file__).parents[3]

Quick = tuple[Tagger, Letters]


@pytest.fixture
def tagger() -> Iterator[Tagger]:
    made, _ = quick()
    yield made
    made.close()


def read_by(tagger: Tagger) -> list[str]:
    """The parts of texts that were embedded."""
    embedder = tagger._embedder
    assert isinstance(embedder, Letters)
    return embedder.read


def save(database: Engine, *numbers: int, **fields: object) -> None:
    with transaction(database) as session:
        for number in numbers:
            text = {"en": f"Trams on line {number} are for all people. Women feel safe at stop {number}."}
            record = {"type": "case_study", "id": f"x-{number}", "language": "en", "status": "published"}
            records.save(session, parse(record | {"title": {"en": f"Trams {number}"}, "summary": text} | fields), "me")


def kept(database: Engine) -> list[tuple[str, str]]:
    """(record, model) of everything that was said, in order."""
    with transaction(database, readonly=True) as session:
        query = select(SuggestionRow.record_id, SuggestionRow.model).order_by(SuggestionRow.id)
        return [(row.record_id, row.model) for row in session.execute(query)]


def noted(database: Engine) -> JobStatus | None:
    with transaction(database, readonly=True) as session:
        return next((each for each in work.jobs(session) if each.name == "tagging"), None)


def revision_read(database: Engine, record_id: str) -> tuple[int, int]:
    """(the revision that was read last, the record's own)."""
    with transaction(database) as session:
        return cases.get(session, record_id).revision, records.get(session, record_id).revision


def switch_on(database: Engine, tagger: Tagger, bias: float) -> int:
    """A version that raises every goal's logit by so much, switched on."""
    nothing = none_yet(len(tagger.model.mean))
    offsets = type(nothing)(nothing.meaning, nothing.lexicon, nothing.bias + np.float32(bias))
    with transaction(database) as session:
        row = LearntRow(
            base=tagger.version, fitted_at=utcnow(), decisions=20, records=9, last_decision_id=0,
            offsets=offsets.to_bytes(), report={},
        )  # fmt: skip
        session.add(row)
        session.flush()
        version = row.version
    admin = person(database, "ada@example.org", "administrator")
    with transaction(database) as session:
        learnt.switch(session, admin, tagger.version, version, "To try it")
    return version


def test_a_record_is_read_and_what_is_said_of_it_waits_for_a_person(engine: Engine, tagger: Tagger) -> None:
    save(engine, 1)
    row = job.suggest_record(engine, tagger, "x-1")
    assert row is not None
    said = suggestions.read(row)
    assert (said.model, len(said.sdgs), said.language) == (tagger.version, 17, "en")
    with transaction(engine) as session:
        assert cases.get(session, "x-1").suggestion_id == row.id
        assert records.get(session, "x-1").record.sdgs == []
    with pytest.raises(NotFound):
        job.suggest_record(engine, tagger, "x-2")


def test_a_text_that_did_not_change_is_not_read_again_and_only_its_revision_moves_on(
    engine: Engine, tagger: Tagger
) -> None:
    save(engine, 1)
    assert job.run(engine, tagger) == 0
    read = len(read_by(tagger))
    tagger._known.clear()
    save(engine, 1, topics=["public-transport"])
    before, now = revision_read(engine, "x-1")
    assert before < now
    assert job.run(engine, tagger) == 0
    assert (len(read_by(tagger)), len(kept(engine))) == (read, 1)
    assert revision_read(engine, "x-1") == (now, now)
    save(engine, 1, summary={"en": "Buses instead."})
    job.run(engine, tagger)
    assert len(read_by(tagger)) > read
    assert len(kept(engine)) == 2


def test_a_record_that_changes_while_it_is_read_is_read_once_more(engine: Engine, tagger: Tagger) -> None:
    save(engine, 1)
    changes = iter([{"en": "Buses."}])

    def edit(_done: int, _total: int) -> None:
        if text := next(changes, None):
            save(engine, 1, summary=text)

    assert job.suggest_record(engine, tagger, "x-1", edit) is None
    assert kept(engine) == []
    assert job.run(engine, tagger) == 0
    assert revision_read(engine, "x-1") == (2, 2)


def test_the_run_tells_how_far_it_is_and_stops_in_the_middle_of_a_text(engine: Engine, tagger: Tagger) -> None:
    save(engine, *range(6))
    told: list[tuple[int, int]] = []
    assert job.run(engine, tagger, lambda: len(kept(engine)) == 2, lambda done, total: told.append((done, total))) == 4
    assert told == [(0, 6), (1, 6), (2, 6)]
    status = noted(engine)
    assert status is not None
    assert (status.state, status.done, status.total) == ("running", 2, 6)
    assert job.run(engine, tagger, report=lambda done, total: told.append((done, total))) == 0
    assert told[3:] == [(number, 6) for number in range(2, 7)]
    status = noted(engine)
    assert status is not None
    assert (status.state, status.done) == ("finished", 6)


def test_one_process_at_a_time_does_it(engine: Engine, tagger: Tagger) -> None:
    save(engine, 1)
    with outbox.lease(engine, "tagging", "another", 60):
        assert job.run(engine, tagger) is None
    assert kept(engine) == []
    assert job.run(engine, tagger) == 0


def test_a_record_that_cannot_be_read_holds_nobody_up(
    engine: Engine, tagger: Tagger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "_resting", {})
    save(engine, 1, 2, 3)
    suggest = tagger.suggest

    def fail(text: str, *more: object, **other: object) -> object:
        if "line 2" in text:
            raise RuntimeError("no")
        return suggest(text, *more, **other)  # type: ignore[arg-type]

    monkeypatch.setattr(tagger, "suggest", fail)
    assert job.run(engine, tagger) == 0
    assert sorted(id for id, _ in kept(engine)) == ["x-1", "x-3"]
    monkeypatch.undo()


def test_nothing_is_read_while_the_site_is_read_only(engine: Engine, tagger: Tagger, settings: Settings) -> None:
    save(engine, 1)
    with transaction(engine) as session:
        sites.change(session, "ada", read_only=True)
    auto = settings.model_copy(update={"tagging": "auto"})
    assert not job.advance(engine, lambda: tagger, auto, lambda: False)
    assert kept(engine) == []


def test_by_hand_it_reads_when_somebody_asks_and_once(engine: Engine, tagger: Tagger, settings: Settings) -> None:
    manual = settings.model_copy(update={"tagging": "manual"})
    save(engine, 1)
    advance = partial(job.advance, engine, lambda: tagger, manual, lambda: False)
    advance()
    assert kept(engine) == []
    with transaction(engine) as session:
        job.ask(session)
    with transaction(engine) as session:
        assert job.asked(session)
    assert not advance()
    assert [id for id, _ in kept(engine)] == ["x-1"]
    save(engine, 2)
    advance()
    assert [id for id, _ in kept(engine)] == ["x-1"]


def test_who_asks_with_nothing_to_read_is_answered(engine: Engine, tagger: Tagger, settings: Settings) -> None:
    manual = settings.model_copy(update={"tagging": "manual"})
    with transaction(engine) as session:
        job.ask(session)
    job.advance(engine, lambda: tagger, manual, lambda: False)
    with transaction(engine) as session:
        assert not job.asked(session)


def test_a_version_that_is_switched_on_says_its_own_without_reading_again(engine: Engine, tagger: Tagger) -> None:
    save(engine, 1, 2)
    job.run(engine, tagger)
    read = len(read_by(tagger))
    tagger._known.clear()
    version = switch_on(engine, tagger, 40.0)
    assert job.run(engine, tagger) == 0
    assert len(read_by(tagger)) == read
    assert [model for _, model in kept(engine)] == [tagger.version] * 2 + [f"{tagger.version}+{version}"] * 2
    with transaction(engine) as session:
        row = session.get(SuggestionRow, cases.get(session, "x-1").suggestion_id)
        assert row is not None
        assert all(each.suggested for each in suggestions.read(row).sdgs)
    admin = person(engine, "ada@example.org", "administrator")
    with transaction(engine) as session:
        learnt.switch(session, admin, tagger.version, learnt.BASE, "")
    assert job.run(engine, tagger) == 0
    with transaction(engine) as session:
        row = session.get(SuggestionRow, cases.get(session, "x-2").suggestion_id)
        assert row is not None
        assert row.model == tagger.version
    assert (len(kept(engine)), len(read_by(tagger))) == (4, read)


def test_what_the_version_says_anew_is_what_it_says_at_once(engine: Engine, tagger: Tagger) -> None:
    save(engine, 1)
    job.run(engine, tagger)
    switch_on(engine, tagger, 1.5)
    anew = job.suggest_record(engine, tagger, "x-1")
    with transaction(engine) as session:
        session.execute(SuggestionRow.__table__.delete())  # type: ignore[attr-defined]
    at_once = job.suggest_record(engine, tagger, "x-1")
    assert anew is not None
    assert at_once is not None
    goals, others = suggestions.read(anew).sdgs, suggestions.read(at_once).sdgs
    assert [each.goal for each in goals] == [each.goal for each in others]
    assert [each.confidence for each in goals] == pytest.approx([each.confidence for each in others], abs=2e-4)


def test_decisions_stand_when_a_record_is_read_anew(engine: Engine, tagger: Tagger) -> None:
    save(engine, 1)
    job.run(engine, tagger)
    eve = person(engine, "eve@example.org", "editor")
    with transaction(engine) as session:
        decisions.decide(session, eve, "x-1", Decision(kind="sdg", code="11.2", action="add"))
    switch_on(engine, tagger, 40.0)
    job.run(engine, tagger)
    with transaction(engine) as session:
        assert [tag.code for tag in records.get(session, "x-1").record.sdgs] == ["11.2"]
        assert session.scalar(select(func.count()).select_from(SuggestionRow)) == 2


def _soon(happened: Callable[[], bool], patience: float = 60) -> bool:
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if happened():
            return True
        time.sleep(0.02)
    return False


def test_the_sites_own_thread_reads_after_the_index_is_up_to_date(
    engine: Engine, tagger: Tagger, settings: Settings
) -> None:
    load_demo_vectors(settings)
    search = Search(settings, engine)
    seen: list[int] = []

    def rest(stop: Callable[[], bool]) -> bool:
        with transaction(engine, readonly=True) as session:
            seen.append(outbox.waiting(session))
        auto = settings.model_copy(update={"tagging": "auto"})
        return job.advance(engine, lambda: tagger, auto, stop)

    save(engine, 1, 2)
    worker = Worker(engine, search, rest)
    worker.start()
    try:
        assert _soon(lambda: len(kept(engine)) == 2)
    finally:
        worker.stop()
        search.engine.close()
    assert seen[0] == 0


def test_a_job_that_is_killed_goes_on_where_it_was(sqlite_settings: Settings) -> None:
    """The real command with the real model, killed in the middle; nothing is lost, and nothing is read twice."""
    database = make_engine(sqlite_settings)
    migrate(database)
    save(database, *range(40))
    command = [sys.executable, "-m", "search_ui.cli", "tagging", "suggest", "--all"]
    environment = os.environ | {"KB_DATA_DIR": str(sqlite_settings.data_dir)}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    assert _soon(lambda: len(kept(database)) >= 3)
    process.send_signal(signal.SIGKILL)
    process.wait()
    first = kept(database)
    assert 3 <= len(first) < 40
    with transaction(database, always=True) as session:
        session.execute(outbox.LeaseRow.__table__.update().values(held_until=0))  # type: ignore[attr-defined]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    assert "Every record is read." in done.stdout
    everything = kept(database)
    assert everything[: len(first)] == first
    assert sorted(id for id, _ in everything) == sorted(f"x-{number}" for number in range(40))
    database.dispose()
