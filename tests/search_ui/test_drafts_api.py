"""Contributions by programs."""

import datetime
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from kb.accounts.secrets import new_id, new_token, token_hash
from kb.accounts.tables import ApiTokenRow
from kb.db import transaction, utcnow
from tests.people import person
from tests.search_ui.own_site import OwnSite, own_site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[OwnSite]:
    with own_site(tmp_path, []) as site:
        yield site


def program(site: OwnSite, email: str, scopes: str = "contribute") -> TestClient:
    """A program with an API token of this person."""
    engine, token = site.app.state.engine, new_token()  # type: ignore[attr-defined]
    account, now = person(engine, email), utcnow()
    with transaction(engine) as session:
        session.add(
            ApiTokenRow(
                token_hash=token_hash(token), id=new_id(), account_id=account.id, name="a test", scopes=scopes,
                strong=False, created_at=now, expires_at=now + datetime.timedelta(days=1), used_at=None,
            )
        )  # fmt: skip
    return TestClient(site.app, raise_server_exceptions=False, headers={"Authorization": f"Bearer {token}"})


def test_a_draft_is_begun_read_listed_and_replaced(site: OwnSite) -> None:
    ana = program(site, "ana@example.org")
    made = ana.post("/api/v1/drafts", json={"type": "news", "language": "fr", "data": {"title": {"fr": "Bonjour"}}})
    assert made.status_code == 201
    draft = made.json()
    assert {problem["field"] for problem in draft["problems"]} == {"body|summary", "date"}
    at = f"/api/v1/drafts/{draft['id']}"
    data = draft["data"] | {"date": "2026-04", "summary": {"fr": "Voilà"}}
    replaced = ana.put(at, json={"version": draft["version"], "data": data}).json()
    assert (replaced["version"], replaced["problems"]) == (draft["version"] + 1, [])
    assert ana.get(at).json()["data"]["summary"] == {"fr": "Voilà"}
    assert [each["title"] for each in ana.get("/api/v1/drafts").json()["drafts"]] == ["Bonjour"]


def test_promise_8_who_did_not_read_the_last_version_is_refused(site: OwnSite) -> None:
    ana = program(site, "ana@example.org")
    draft = ana.post("/api/v1/drafts", json={"type": "news", "language": "en"}).json()
    at = f"/api/v1/drafts/{draft['id']}"
    assert ana.put(at, json={"version": 1, "data": {"date": "2026"}}).status_code == 200
    late = ana.put(at, json={"version": 1, "data": {"date": "2025"}})
    assert (late.status_code, late.json()["version"]) == (409, 2)
    assert late.headers["content-type"] == "application/problem+json"
    assert ana.get(at).json()["data"]["date"] == "2026"


def test_what_is_wrong_is_told_field_by_field_and_nothing_is_saved(site: OwnSite) -> None:
    ana = program(site, "ana@example.org")
    wrong = {"date": "soon", "title": {"en": "A\u0000"}, "nonsense": 1, "sources": [{"year": 2000}]}
    answer = ana.post("/api/v1/drafts", json={"type": "news", "language": "en", "data": wrong})
    assert answer.status_code == 422
    assert {error["field"] for error in answer.json()["errors"]} == {"date", "title.en", "nonsense", "sources.0.title"}
    assert ana.get("/api/v1/drafts").json() == {"drafts": []}


def test_promise_15_nobody_reads_or_writes_the_drafts_of_others(site: OwnSite) -> None:
    draft = program(site, "ana@example.org").post("/api/v1/drafts", json={"type": "news", "language": "en"}).json()
    at, bo = f"/api/v1/drafts/{draft['id']}", program(site, "bo@example.org")
    assert bo.get(at).status_code == 404
    assert bo.put(at, json={"version": 1, "data": {}}).status_code == 404
    assert TestClient(site.app).get("/api/v1/drafts").status_code == 401
    assert program(site, "ana@example.org", scopes="message").get(at).status_code == 403
