"""The real site over a small real index: a handful of records in three languages, with their vectors."""

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from kb.db import make_engine, migrate, transaction
from kb.records import service as records
from kb.settings import Settings
from schemas.records import parse
from search_ui.app import create_app

RECORDS = Path(__file__).with_name("records.jsonl")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "browser: needs a Chromium; runs the pages in it")


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A profile whose records are all in the index, with vectors."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("site"), environment="development")
    engine = make_engine(settings)
    migrate(engine)
    with transaction(engine) as session:
        values = map(json.loads, RECORDS.read_text("utf-8").splitlines())
        records.save_many(session, map(parse, values), author="tests")
    engine.dispose()
    with TestClient(create_app(settings)) as site:
        _wait_until_all_is_found(site)
    return settings


def _wait_until_all_is_found(site: TestClient) -> None:
    """The index takes records in, and computes their vectors, in the background."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        status = site.get("/api/v1/status").json()
        if not status["waiting"] and status["embedded"] == status["passages"] > 0:
            return
        time.sleep(0.1)
    raise TimeoutError(f"the index did not take the records in: {status}")


@pytest.fixture(scope="session")
def app(settings: Settings) -> FastAPI:
    return create_app(settings)


@pytest.fixture(scope="session")
def site(app: FastAPI) -> Iterator[TestClient]:
    """The running site. Redirects are not followed, so that tests see them."""
    with TestClient(app, follow_redirects=False, raise_server_exceptions=False) as client:
        yield client
