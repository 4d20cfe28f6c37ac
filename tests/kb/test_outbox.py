"""Every change of a record leaves a job for the index, in the transaction of the change."""

import multiprocessing
import random
import time
from collections.abc import Callable, Iterator
from multiprocessing.synchronize import Event

import pytest
from sqlalchemy import Engine, update
from sqlalchemy.orm import Session

from kb import outbox
from kb.db import make_engine, transaction
from kb.errors import Conflict
from kb.outbox import IndexJob, LeaseRow, done, enqueue, lease, on_commit, pending, waiting
from kb.records import service
from kb.settings import Settings
from schemas.records import Record, parse

Make = Callable[..., Record]


def _jobs(engine: Engine) -> list[str]:
    with transaction(engine, readonly=True) as session:
        return [job.record_id for job in pending(session, 1000)]


def _save(engine: Engine, *records: Record) -> None:
    with transaction(engine) as session:
        service.save_many(session, records, "me")


class _Fault(Exception):
    pass


def _save_and_fail(session: Session, record: Record) -> None:
    service.save(session, record, "me")
    session.flush()
    raise _Fault


def test_creating_changing_and_deleting_a_record_each_leave_a_job(engine: Engine, case: Make) -> None:
    _save(engine, case("x-1"))
    _save(engine, case("x-1", title={"en": "Trains"}))
    with transaction(engine) as session:
        service.delete(session, "x-1")
    assert _jobs(engine) == ["x-1", "x-1", "x-1"]


def test_saving_the_same_again_leaves_none(engine: Engine, case: Make) -> None:
    _save(engine, case("x-1"))
    _save(engine, case("x-1"))
    assert _jobs(engine) == ["x-1"]


def test_a_bulk_save_leaves_one_for_each_record_that_changed(engine: Engine, case: Make) -> None:
    _save(engine, *(case(f"x-{n}") for n in range(700)))
    with transaction(engine) as session:
        done(session, pending(session, 1000))
    _save(engine, *(case(f"x-{n}", title={"en": "Trains" if n % 7 == 0 else "Trams"}) for n in range(700)))
    assert sorted(_jobs(engine)) == sorted(f"x-{n}" for n in range(0, 700, 7))


def test_a_change_that_is_rolled_back_leaves_none(engine: Engine, case: Make) -> None:
    with pytest.raises(_Fault), transaction(engine) as session:
        _save_and_fail(session, case("x-1"))
    assert _jobs(engine) == []


def test_finishing_a_job_leaves_a_newer_one_for_the_same_record(engine: Engine, case: Make) -> None:
    _save(engine, case("x-1"))
    with transaction(engine) as session:
        seen = pending(session, 10)
    _save(engine, case("x-1", title={"en": "Trains"}))
    with transaction(engine) as session:
        done(session, seen)
    with transaction(engine) as session:
        assert waiting(session) == 1


def test_the_number_of_a_finished_job_is_never_used_again(engine: Engine) -> None:
    """A worker that is late would otherwise delete a job that it never saw."""
    with transaction(engine) as session:
        enqueue(session, ["x-1"])
    with transaction(engine) as session:
        late = pending(session, 1)
        done(session, late)
    with transaction(engine) as session:
        enqueue(session, ["x-2"])
    with transaction(engine) as session:
        done(session, late)
    assert _jobs(engine) == ["x-2"]


def test_jobs_come_oldest_first_and_at_most_as_many_as_asked(engine: Engine) -> None:
    with transaction(engine) as session:
        enqueue(session, ["b", "a", "c"])
    with transaction(engine) as session:
        assert [job.record_id for job in pending(session, 2)] == ["b", "a"]
        assert waiting(session) == 3


# Hints


@pytest.fixture
def hints() -> Iterator[list[int]]:
    heard: list[int] = []
    stop = on_commit(lambda: heard.append(1))
    yield heard
    stop()


def test_a_commit_with_jobs_is_told_once_and_after_it(engine: Engine, case: Make) -> None:
    seen: list[list[str]] = []
    stop = on_commit(lambda: seen.append(_jobs(engine)))
    _save(engine, case("x-1"), case("x-2"))
    stop()
    _save(engine, case("x-3"))
    assert seen == [["x-1", "x-2"]]


def test_commits_without_jobs_and_rollbacks_are_not_told(engine: Engine, case: Make, hints: list[int]) -> None:
    with transaction(engine) as session:
        waiting(session)
    with pytest.raises(_Fault), transaction(engine) as session:
        _save_and_fail(session, case("x-1"))
    with transaction(engine) as session:
        waiting(session)
    assert hints == []


def test_a_savepoint_is_no_commit(engine: Engine, hints: list[int]) -> None:
    with transaction(engine) as session:
        with session.begin_nested():
            enqueue(session, ["x-1"])
        assert hints == []
    assert hints == [1]


def test_a_listener_that_fails_spoils_neither_the_commit_nor_the_others(
    engine: Engine, case: Make, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[int] = []
    stops = [on_commit(lambda: 1 // len(heard)), on_commit(lambda: heard.append(1))]
    _save(engine, case("x-1"))
    for stop in stops:
        stop()
    assert heard == [1]
    assert _jobs(engine) == ["x-1"]
    assert "the commit stands" in caplog.text


# The lease


def test_one_holds_the_lease_at_a_time_even_under_one_name(engine: Engine) -> None:
    with lease(engine, "sync", "worker", 60) as mine:
        assert mine
        with lease(engine, "sync", "worker", 60) as other:
            assert not other
        with lease(engine, "rebuild", "worker", 60) as another_thing:
            assert another_thing
    with lease(engine, "sync", "worker", 60) as again:
        assert again


def test_a_lease_that_ran_out_is_taken_over_and_cannot_be_renewed(engine: Engine) -> None:
    with lease(engine, "sync", "slow", 60) as slow:
        with transaction(engine) as session:
            session.execute(update(LeaseRow).values(held_until=0.0))
        with lease(engine, "sync", "quick", 60) as quick:
            assert quick
            assert not slow.renew()
            assert not slow
        with lease(engine, "sync", "third", 60) as third:
            assert third


def test_a_lease_that_is_renewed_stays(engine: Engine) -> None:
    with lease(engine, "sync", "a", 60) as mine:
        with transaction(engine) as session:
            session.execute(update(LeaseRow).values(held_until=LeaseRow.held_until - 50))
            before = session.get_one(LeaseRow, "sync").held_until
        assert mine.renew()
        with transaction(engine) as session:
            assert session.get_one(LeaseRow, "sync").held_until > before + 40


def test_who_did_not_get_the_lease_does_not_release_it(engine: Engine) -> None:
    with lease(engine, "sync", "a", 60):
        with lease(engine, "sync", "b", 60):
            pass
        with lease(engine, "sync", "c", 60) as third:
            assert not third


# Several processes


def _edit(settings: Settings, number: int, edits: int) -> None:
    engine = make_engine(settings)
    choice = random.Random(number)
    for edit in range(edits):
        title = {"en": f"Edit {number}-{edit}"}
        record = parse({"type": "news", "id": f"x-{choice.randrange(10)}", "language": "en", "title": title})
        try:
            with transaction(engine) as session:
                service.save(session, record, f"editor {number}")
        except Conflict:  # two created it at the same moment; PostgreSQL tells the second one to try again
            with transaction(engine) as session:
                service.save(session, record, f"editor {number}")
    engine.dispose()


def _drain(settings: Settings, name: str, stop: Event, seen: "multiprocessing.Queue[dict[str, int]]") -> None:
    """A toy index: for each job, which revision of its record was read after the job."""
    engine = make_engine(settings)
    index: dict[str, int] = {}
    while True:
        last_round = stop.is_set()
        with lease(engine, "sync", name, 30) as mine:
            while mine:
                with transaction(engine, readonly=True) as session:
                    jobs = pending(session, 5)
                    records = service.load(session, [job.record_id for job in jobs])
                if not jobs:
                    time.sleep(0.01)
                    break
                index |= {record_id: stored.revision for record_id, stored in records.items()}
                with transaction(engine) as session:
                    done(session, jobs)
        if last_round:
            break
    seen.put(index)
    engine.dispose()


def test_many_editors_and_two_drainers_lose_nothing(settings: Settings, engine: Engine) -> None:
    starts = multiprocessing.get_context("spawn")
    stop, seen = starts.Event(), starts.Queue()
    drainers = [starts.Process(target=_drain, args=(settings, f"drainer {n}", stop, seen)) for n in range(2)]
    editors = [starts.Process(target=_edit, args=(settings, n, 25)) for n in range(3)]
    for process in [*drainers, *editors]:
        process.start()
    for process in editors:
        process.join()
    stop.set()
    indexes = [seen.get(timeout=60) for _ in drainers]
    for process in drainers:
        process.join()
    assert [process.exitcode for process in [*editors, *drainers]] == [0] * 5
    with transaction(engine, readonly=True) as session:
        assert waiting(session) == 0
        stored = service.load(session, [f"x-{n}" for n in range(10)])
        assert sum(len(service.revisions(session, record_id)) for record_id in stored) == 75
    newest = {record_id: max(index.get(record_id, 0) for index in indexes) for record_id in stored}
    assert newest == {record_id: found.revision for record_id, found in stored.items()}


def test_jobs_are_known_by_their_table() -> None:
    """The listener counts on the mixin: a table without it would never reach the index."""
    assert issubclass(service.RecordRow, outbox.Indexed)
    assert not issubclass(IndexJob, outbox.Indexed)
