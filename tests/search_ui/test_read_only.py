"""With the switch on nothing is written, by whichever way, and everything is read."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, insert, select
from starlette.testclient import TestClient
from typer.testing import CliRunner

from kb import rounds
from kb.db import Base, is_read_only, load_tables, make_engine, migrate, transaction, utcnow, wait_for_writers
from kb.errors import ReadOnly
from kb.mail import service as mail
from kb.records import service as records
from kb.settings import Settings, get_settings
from kb.site import service as sites
from kb.site.tables import SiteRow
from schemas.records import parse
from search_ui import cli
from tests.every_route import changing
from tests.people import browser_of, person
from tests.search_ui.own_site import prepared

#: What works while the switch is on: signing in and out, and the switch.
OPEN = {"/sign-in", "/sign-out", "/second-factor", "/admin/read-only"}
#: Who looked at what, and how often they tried, is noted even then; what can be made again from the rest goes on.
DERIVED = {"audit", "limits", "leases", "work", "index_jobs", "account_sessions"}
CASE = {"type": "case_study", "id": "x-1", "language": "en", "status": "published", "title": {"en": "Trams"}}


@pytest.fixture
def app(settings: Settings) -> Iterator[FastAPI]:
    app = prepared(settings, CASE)
    with TestClient(app):
        yield app


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def settings(request: pytest.FixtureRequest, sqlite_settings: Settings) -> Settings:
    if request.param == "postgresql":
        return sqlite_settings.model_copy(update={"database_url": request.getfixturevalue("postgres_url")})
    return sqlite_settings


def _switch(engine: Engine, on: bool) -> None:
    with transaction(engine, always=True) as session:
        sites.change(session, "", read_only=on)


def _content(engine: Engine) -> dict[str, list[Any]]:
    """Every row of every table that holds what people wrote."""
    load_tables()
    with transaction(engine, readonly=True) as session:
        return {
            table.name: sorted(map(repr, session.execute(select(table)).all()))
            for table in Base.metadata.sorted_tables
            if table.name not in DERIVED
        }


def _address(path: str, account_id: str) -> str:
    for name, value in {"lang:language": "en", "account_id": account_id, "record_id": "x-1"}.items():
        path = path.replace(f"{{{name}}}", value)
    return "/".join("x-1" if part.startswith("{") else part for part in path.split("/"))


def test_promise_12_no_form_of_any_route_changes_anything(app: FastAPI) -> None:
    """Filled in so that those that have only these fields would be taken."""
    engine = app.state.engine
    eve = person(engine, "eve@example.org", "administrator", "editor")
    ana = person(engine, "ana@example.org")
    with transaction(engine) as session:
        mail.queue(session, "k", "ana@example.org", "en", "erasure", person="A", site="S", days=7, keep="x")
    browser = browser_of(app, eve)
    _switch(engine, True)
    before = _content(engine)
    form = {
        "state": "closed", "roles": "editor", "records": "x-1", "activation": "yes", "email": "ana@example.org",
        "name": "New", "language": "en", "password": "correct horse battery staple", "title": "New", "text": "New",
        "type": "case_study",
    }  # fmt: skip
    tried = 0
    for method, path in changing(app):
        if path.removeprefix("/{lang:language}") not in OPEN:
            assert browser.request(method, _address(path, ana.id), data=form).status_code != 500, path
            tried += 1
    assert tried >= 10
    assert _content(engine) == before


def test_promise_12_every_page_is_read_and_says_so(app: FastAPI) -> None:
    eve = person(app.state.engine, "eve@example.org", "administrator")
    browser = browser_of(app, eve)
    pages = ["", "case-studies", "case-studies/x-1", "search?q=trams", "privacy", "about", "account/data", "admin",
             "admin/people", f"admin/people/{eve.id}", "admin/site", "admin/featured", "admin/audit",
             "admin/organisations", "admin/people/invite"]  # fmt: skip
    _switch(app.state.engine, True)
    app.state.site_until = 0
    for path in pages:
        answer = browser.get(f"/es/{path}")
        assert answer.status_code == 200, path
        assert "solo se puede leer" in answer.text, path


def test_promise_12_the_switch_works_while_it_is_on_and_forms_again_afterwards(app: FastAPI) -> None:
    eve = person(app.state.engine, "eve@example.org", "administrator")
    browser = browser_of(app, eve)
    assert browser.post("/en/admin/read-only", data={"state": "on"}).status_code == 303
    assert is_read_only(app.state.engine)
    refused = browser.post("/en/admin/featured", data={"records": "x-1"})
    assert refused.status_code == 503
    assert "what you typed is still there" in refused.text
    assert browser.post("/en/admin/read-only", data={"state": "off"}).status_code == 303
    assert browser.post("/en/admin/featured", data={"records": "/en/case-studies/x-1"}).status_code == 303
    assert "Trams" in browser.get("/en/").text


def test_promise_12_rounds_do_nothing(app: FastAPI) -> None:
    engine = app.state.engine
    _switch(engine, True)
    with transaction(engine, always=True) as session:
        mail.queue(session, "k", "ana@example.org", "en", "erasure", person="A", site="S", days=7, keep="x")
    before = _content(engine)
    rounds.walk(engine, app.state.settings)
    assert _content(engine) == before


def test_promise_12_no_command_changes_anything(
    sqlite_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KB_DATA_DIR", str(sqlite_settings.data_dir))
    monkeypatch.delenv("KB_DATABASE_URL", raising=False)
    get_settings.cache_clear()
    engine = make_engine(sqlite_settings)
    migrate(engine)
    with transaction(engine) as session:
        records.save(session, parse(CASE), "me")
    if not cli.app.registered_commands or "import" not in {each.name for each in cli.app.registered_commands}:
        cli._join()
    kb = CliRunner().invoke
    file = tmp_path / "new.jsonl"
    file.write_text(json.dumps(CASE | {"title": {"en": "Trains"}}))
    assert kb(cli.app, ["backup", str(tmp_path / "b.tar.gz")]).exit_code == 0
    assert "on" in kb(cli.app, ["read-only", "on"]).stdout
    before = _content(engine)
    for command in (
        ["import", str(file)], ["export", str(tmp_path / "x.csv")], ["migrate"], ["backup", str(tmp_path / "c.tar.gz")],
        ["restore", str(tmp_path / "b.tar.gz"), "--overwrite"], ["demo", "--load-only"], ["index", "status"],
    ):  # fmt: skip
        kb(cli.app, command)
        assert _content(engine) == before, command
    assert "can only be read" in kb(cli.app, ["import", str(file)]).stderr
    assert "off" in kb(cli.app, ["read-only", "off"]).stdout
    assert kb(cli.app, ["import", str(file)]).exit_code == 0
    get_settings.cache_clear()


def test_promise_12_no_writer_that_did_not_see_the_switch_commits_after_it(app: FastAPI) -> None:
    """The switch waits for those that write; whoever begins later is refused by the database."""
    engine = app.state.engine
    _switch(engine, True)
    with pytest.raises(ReadOnly), transaction(engine) as session:
        session.execute(insert(SiteRow).values(name="activation", data={"value": True}))
    with pytest.raises(ReadOnly), transaction(engine) as session:
        session.add(SiteRow(name="activation", data={"value": True}))
    with transaction(engine, always=True) as session:
        wait_for_writers(session)
    assert utcnow()
