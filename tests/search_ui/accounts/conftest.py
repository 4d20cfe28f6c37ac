"""A site with accounts: one for all tests of a file, with nobody in it when a test begins."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from sqlalchemy import delete
from starlette.testclient import TestClient

from kb.accounts.tables import AccountRow
from kb.audit.tables import AuditRow
from kb.db import transaction
from kb.limits.tables import LimitRow
from kb.mail.tables import MailRow
from kb.settings import Settings
from kb.site.tables import SiteRow
from search_ui import site as site_settings
from tests.search_ui.own_site import prepared


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(data_dir=tmp_path_factory.mktemp("accounts"), _env_file=None)  # type: ignore[call-arg]


@pytest.fixture(scope="module")
def running(settings: Settings) -> Iterator[FastAPI]:
    """One app for all: it takes seconds to stop."""
    app = prepared(settings)
    with TestClient(app):
        yield app


@pytest.fixture
def app(running: FastAPI) -> FastAPI:
    """The app without anybody in it, and without mail."""
    with transaction(running.state.engine) as session:
        for table in (AccountRow, LimitRow, MailRow, AuditRow, SiteRow):
            session.execute(delete(table))
    site_settings.refresh(running)
    for file in (running.state.settings.data_dir / "mail").glob("*.eml"):
        file.unlink()
    return running
