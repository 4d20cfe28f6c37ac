"""The database keeps what was committed, nothing else, and lets nobody read half a change."""

import datetime
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import pytest
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Engine, ForeignKey, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Mapped, Session, mapped_column

from kb.db import Base, UtcDateTime, chunks, database_epoch, get_session, make_engine, transaction, utcnow
from kb.outbox import IndexJob, waiting
from kb.settings import Settings


def _add_job(engine: Engine) -> None:
    with transaction(engine) as session:
        session.add(IndexJob(record_id="x"))


class _Fault(Exception):
    pass


def _add_and_fail(session: Session) -> None:
    session.add(IndexJob(record_id="y"))
    session.flush()
    raise _Fault


def test_a_transaction_keeps_everything_or_nothing(engine: Engine) -> None:
    _add_job(engine)
    with pytest.raises(_Fault), transaction(engine) as session:
        _add_and_fail(session)
    with transaction(engine) as session:
        assert [job.record_id for job in session.query(IndexJob)] == ["x"]


def test_a_read_only_transaction_refuses_to_write(engine: Engine) -> None:
    with transaction(engine, readonly=True) as session:
        session.add(IndexJob(record_id="x"))
        with pytest.raises(DBAPIError, match=r"read-?only"):
            session.flush()
        session.rollback()
    _add_job(engine)  # and the same connection writes again afterwards
    with transaction(engine, readonly=True) as session:
        assert waiting(session) == 1


def test_a_reader_neither_waits_for_a_writer_nor_sees_half_of_its_work(engine: Engine) -> None:
    with transaction(engine) as writer:
        writer.add(IndexJob(record_id="x"))
        writer.flush()
        with transaction(engine, readonly=True) as reader:
            assert waiting(reader) == 0


def test_writers_that_read_first_wait_for_each_other_and_lose_nothing(engine: Engine) -> None:
    """A counter that eight threads raise: read, then write. A late lock would lose some, or fail with "locked"."""
    _add_job(engine)
    faults: list[Exception] = []

    def raise_counter() -> None:
        try:
            for _ in range(10):
                with transaction(engine) as session:
                    job = session.get_one(IndexJob, 1, with_for_update=True)
                    job.record_id += "x"
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=raise_counter) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    with transaction(engine) as session:
        assert len(session.get_one(IndexJob, 1).record_id) == 81


def test_sqlite_is_durable_and_checks_references(sqlite_settings: Settings) -> None:
    engine = make_engine(sqlite_settings)
    with engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "foreign_keys", "busy_timeout", "synchronous")
        }
    assert pragmas == {"journal_mode": "wal", "foreign_keys": 1, "busy_timeout": 30_000, "synchronous": 2}


def test_moments_come_back_with_their_zone(engine: Engine) -> None:
    paris = datetime.timezone(datetime.timedelta(hours=2))
    with transaction(engine) as session:
        session.add(IndexJob(record_id="x", created_at=datetime.datetime(2026, 7, 1, 12, tzinfo=paris)))
    with transaction(engine) as session:
        created = session.get_one(IndexJob, 1).created_at
    assert created == datetime.datetime(2026, 7, 1, 10, tzinfo=datetime.UTC)
    assert created.utcoffset() == datetime.timedelta(0)


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without a time zone"):
        UtcDateTime().process_bind_param(datetime.datetime(2026, 7, 1), sqlite3)  # type: ignore[arg-type]  # noqa: DTZ001


def test_the_databases_clock_is_ours(engine: Engine) -> None:
    with transaction(engine) as session:
        epoch = session.scalar(database_epoch())
    assert epoch == pytest.approx(utcnow().timestamp(), abs=5)


@pytest.mark.parametrize("url", ["mysql://localhost/kb", "sqlite://", "sqlite:///:memory:"])
def test_a_database_that_cannot_serve_is_refused_with_a_remedy(sqlite_settings: Settings, url: str) -> None:
    with pytest.raises(ValueError, match="KB_DATABASE_URL"):
        make_engine(sqlite_settings.model_copy(update={"database_url": url}))


def test_chunks_hold_every_value_once_in_order() -> None:
    assert list(chunks(range(7), 3)) == [[0, 1, 2], [3, 4, 5], [6]]
    assert list(chunks([], 3)) == []


# Requests


class _Promise(Base):
    """A row that PostgreSQL checks only when it is committed, to make a commit fail."""

    __tablename__ = "test_promises"
    id: Mapped[int] = mapped_column(primary_key=True)
    kept_by: Mapped[int] = mapped_column(ForeignKey("test_promises.id", deferrable=True, initially="DEFERRED"))


@contextmanager
def _client(engine: Engine) -> Iterator[TestClient]:
    app = FastAPI()
    app.state.engine = engine

    @app.post("/promises/{kept_by}")
    def promise(kept_by: int, session: Annotated[Session, Depends(get_session, scope="function")]) -> str:
        session.add(_Promise(id=1, kept_by=kept_by))
        return "done"

    @app.get("/write")
    def write(session: Annotated[Session, Depends(get_session, scope="function")]) -> str:
        session.add(IndexJob(record_id="x"))
        return "done"

    _Promise.__table__.create(engine)  # type: ignore[attr-defined]
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def test_a_request_whose_commit_fails_does_not_say_that_it_worked(engine: Engine) -> None:
    with _client(engine) as client:
        assert client.post("/promises/7").status_code == 500
        assert client.post("/promises/1").status_code == 200
    with transaction(engine) as session:
        assert session.scalar(text("SELECT count(*) FROM test_promises")) == 1


def test_a_get_request_cannot_write(engine: Engine) -> None:
    with _client(engine) as client:
        assert client.get("/write").status_code == 500
    with transaction(engine) as session:
        assert waiting(session) == 0


Base.metadata.remove(_Promise.__table__)  # type: ignore[arg-type]  # it is no table of the product
