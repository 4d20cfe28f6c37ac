"""How thoroughly properties are tried: HYPOTHESIS_PROFILE=ci tries five times as many examples as a run by hand. And
databases for the tests: a SQLite file always; a PostgreSQL schema on KB_TEST_POSTGRES or this machine."""

import os
import secrets
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from hypothesis import HealthCheck
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import OperationalError

from kb.db import make_engine, migrate
from kb.settings import Settings

Profiles = hypothesis.settings
Profiles.register_profile("fast", max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
Profiles.register_profile("ci", Profiles.get_profile("fast"), max_examples=300, print_blob=True)
Profiles.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))

#: Sites and processes of the tests read no text for tags behind their backs; a test that wants it says so.
os.environ["KB_TAGGING"] = "manual"


def pytest_sessionfinish(session: pytest.Session) -> None:
    """With KB_TEST_ALL, as in CI, a test that was skipped is a failure: what it needs should be here."""
    report = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("KB_TEST_ALL") and report and report.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


LOCAL_POSTGRES = "postgresql://postgres@127.0.0.1/test"


@pytest.fixture(scope="session")
def elasticsearch() -> str:
    """The address of an Elasticsearch: KB_TEST_ELASTICSEARCH, else the one on this machine."""
    address = os.environ.get("KB_TEST_ELASTICSEARCH", "http://127.0.0.1:9200").rstrip("/")
    try:
        urllib.request.urlopen(address, timeout=5).close()
    except OSError:
        if "KB_TEST_ELASTICSEARCH" in os.environ:
            raise
        pytest.skip("there is no Elasticsearch on this machine, and KB_TEST_ELASTICSEARCH names none")
    return address


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """The URL of an empty schema, which is dropped afterwards."""
    server = os.environ.get("KB_TEST_POSTGRES", LOCAL_POSTGRES)
    schema = f"kb_test_{secrets.token_hex(6)}"
    admin = create_engine(server.replace("postgresql://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT")
    try:
        with admin.connect() as connection:
            connection.execute(text(f"CREATE SCHEMA {schema}"))
    except OperationalError:
        if "KB_TEST_POSTGRES" in os.environ:
            raise
        pytest.skip("there is no PostgreSQL on this machine, and KB_TEST_POSTGRES names none")
    yield f"{server}?options=-csearch_path%3D{schema}"
    with admin.connect() as connection:
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    admin.dispose()


@pytest.fixture
def sqlite_settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", _env_file=None)  # type: ignore[call-arg]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def settings(request: pytest.FixtureRequest, sqlite_settings: Settings) -> Settings:
    """Settings of an empty database, of each kind."""
    if request.param == "postgresql":
        return sqlite_settings.model_copy(update={"database_url": request.getfixturevalue("postgres_url")})
    return sqlite_settings


@pytest.fixture
def bare_engine(settings: Settings) -> Iterator[Engine]:
    """A database without tables."""
    engine = make_engine(settings)
    yield engine
    engine.dispose()


@pytest.fixture
def engine(bare_engine: Engine) -> Engine:
    """A database with its tables, and nothing in them."""
    migrate(bare_engine)
    return bare_engine
