"""PostgreSQL is restarted, or busy, or slow, while the site runs: the site is not restarted, and loses nothing."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from starlette.testclient import TestClient

from kb import db
from kb.db import make_engine, migrate, transaction
from kb.records import service
from kb.settings import Settings
from schemas.records import Record
from search_ui.app import create_app
from tests.kb.postgres_server import Server, server

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def postgres() -> Iterator[Server]:
    try:
        with server() as one:
            yield one
    except FileNotFoundError as error:
        pytest.skip(str(error))


@pytest.fixture
def own(sqlite_settings: Settings, postgres: Server) -> Settings:
    return sqlite_settings.model_copy(update={"database_url": postgres.url, "database_pool": 8})


@pytest.fixture
def database(own: Settings) -> Iterator[Engine]:
    engine = make_engine(own)
    migrate(engine)
    yield engine
    engine.dispose()


def _hold_all(database: Engine, number: int) -> None:
    """Open so many connections at once, so that the pool keeps some."""
    held = [database.connect() for _ in range(number)]
    for connection in held:
        connection.execute(text("SELECT 1"))
        connection.close()


def test_no_request_after_a_restart_is_lost(
    own: Settings, database: Engine, postgres: Server, case: Callable[..., Record]
) -> None:
    with transaction(database) as session:
        service.save(session, case("x-1"), "me")
    with TestClient(create_app(own), raise_server_exceptions=False) as site:
        _hold_all(site.app.state.engine, 5)  # type: ignore[attr-defined]
        assert site.get("/api/v1/records/x-1").status_code == 200
        postgres.stop()
        postgres.start()
        answers = [site.get(path) for path in ["/api/v1/records/x-1", "/en/", "/readyz"] * 3]
        assert [answer.status_code for answer in answers] == [200] * 9


def test_while_it_is_away_pages_say_so_and_then_they_are_back(
    own: Settings, database: Engine, postgres: Server
) -> None:
    with TestClient(create_app(own), raise_server_exceptions=False) as site:
        assert site.get("/en/").status_code == 200
        postgres.stop()
        try:
            away = [site.get(path) for path in ("/en/", "/readyz", "/api/v1/records/x-1")]
            assert [answer.status_code for answer in away] == [503] * 3
            assert {"retry-after"} <= away[0].headers.keys()
            assert site.get("/healthz").status_code == 200
        finally:
            postgres.start()
        assert site.get("/readyz").status_code == 200
        assert site.get("/en/").status_code == 200


def test_a_transaction_that_the_restart_cuts_leaves_nothing_behind(
    database: Engine, postgres: Server, case: Callable[..., Record]
) -> None:
    def save_while_it_restarts() -> None:
        with transaction(database) as session:
            service.save(session, case("cut"), "me")
            postgres.stop()
            postgres.start()

    with pytest.raises(OperationalError):
        save_while_it_restarts()
    with transaction(database) as session:
        assert service.load(session, ["cut"]) == {}
        service.save(session, case("cut"), "me")  # and the next one is written
    with transaction(database) as session:
        assert service.get(session, "cut").revision == 1


def test_more_requests_than_connections_are_refused_soon_and_told_when_to_come_back(
    own: Settings, database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "POOL_TIMEOUT", 1)
    small = own.model_copy(update={"database_pool": 2})
    with TestClient(create_app(small), raise_server_exceptions=False) as site:
        pool: Engine = site.app.state.engine  # type: ignore[attr-defined]
        with pool.connect(), pool.connect():
            start = time.monotonic()
            answer = site.get("/en/")
            assert (answer.status_code, answer.headers.get("retry-after")) == (503, "30")
            assert time.monotonic() - start < 10
        assert site.get("/en/").status_code == 200


def test_the_pool_is_as_large_as_the_setting_says(own: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db, "POOL_TIMEOUT", 0.05)
    for size in (1, 3, 7):
        engine = make_engine(own.model_copy(update={"database_pool": size}))
        held = [engine.connect() for _ in range(size)]
        with pytest.raises(NoConnectionFree):
            engine.connect()
        for connection in held:
            connection.close()
        engine.dispose()


def test_a_statement_of_a_request_that_takes_too_long_is_ended(
    own: Settings, database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here it waits for a lock that an administrator holds."""
    monkeypatch.setattr(db, "STATEMENT_TIMEOUT", 200)
    with TestClient(create_app(own), raise_server_exceptions=False) as site, database.connect() as administrator:
        administrator.execute(text("LOCK TABLE records"))
        waiting = threading.Timer(10, administrator.rollback)
        waiting.start()
        assert site.get("/api/v1/records/x-1").status_code == 503
        waiting.cancel()
        administrator.rollback()
        assert site.get("/api/v1/records/nowhere").status_code == 404
