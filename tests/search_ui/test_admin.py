"""Administration by its pages: who may, what is kept when a form is wrong, what is noted."""

import io
import json
import logging
import zipfile
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from kb.accounts import service as accounts
from kb.audit import service as audit
from kb.audit.service import Question
from kb.db import transaction
from tests.every_route import changing
from tests.people import PASSWORD, browser_of, person
from tests.search_ui.own_site import prepared_in

ORGANISATION = {"type": "organisation", "id": "org-1", "language": "en", "status": "published", "title": {"en": "City"}}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    app = prepared_in(tmp_path_factory.mktemp("admin"), ORGANISATION)
    with TestClient(app):
        person(app.state.engine, "eve@example.org", "administrator")
        yield app


@pytest.fixture
def eve(app: FastAPI) -> TestClient:
    return browser_of(app, person(app.state.engine, "eve@example.org", "administrator"))


def _roles(app: FastAPI, account_id: str) -> set[str]:
    from kb.accounts.service import roles_of_all

    with transaction(app.state.engine, readonly=True) as session:
        return {f"{role} {of}".strip() for role, of in roles_of_all(session, [account_id])[account_id]}


def _notes(app: FastAPI, action: str) -> int:
    with transaction(app.state.engine, readonly=True) as session:
        return audit.search(session, Question(action=action))[1]


def test_promise_15_nobody_else_may_do_any_of_it(app: FastAPI) -> None:
    """Every route below /admin, as nobody, as an editor, and as an administrator without the second factor."""
    engine = app.state.engine
    editor = browser_of(app, person(engine, "ed@example.org", "editor"))
    weak = browser_of(app, person(engine, "ida@example.org", "administrator"), strong=False)
    nobody = TestClient(app, follow_redirects=False)
    paths = [(method, path) for method, path in changing(app) if "/admin" in path]
    paths += [("GET", f"/{{lang:language}}/admin{part}") for part in ("", "/people", "/audit", "/site", "/featured")]
    assert len(paths) > 12
    for method, path in paths:
        address = path.replace("{lang:language}", "en").replace("{account_id}", "x")
        assert editor.request(method, address).status_code == 403, path
        for browser, to in ((weak, "second-factor"), (nobody, "sign-in")):
            answer = browser.request(method, address)
            led = answer.status_code == 303 and to in answer.headers["location"]
            assert led if method == "GET" else answer.status_code == 401, path


def test_roles_are_given_with_organisations_and_what_was_typed_is_kept(app: FastAPI, eve: TestClient) -> None:
    max_ = person(app.state.engine, "max@example.org")
    there = f"/es/admin/people/{max_.id}"
    wrong = eve.post(f"{there}/roles", data={"roles": ["contributor", "editor"], "organisations": "org-1\nnowhere"})
    assert wrong.status_code == 422
    assert "«nowhere» no es una organización" in wrong.text
    assert "org-1\nnowhere</textarea>" in wrong.text
    assert _roles(app, max_.id) == set()
    assert eve.post(f"{there}/roles", data={"roles": "contributor"}).status_code == 422
    given = {"roles": ["contributor", "editor"], "organisations": "https://site.example/en/organisations/org-1"}
    assert eve.post(f"{there}/roles", data=given).status_code == 303
    assert _roles(app, max_.id) == {"contributor org-1", "editor"}
    assert "Max" in eve.get("/en/admin/organisations").text


def test_a_role_that_does_not_exist_cannot_be_given(app: FastAPI, eve: TestClient) -> None:
    max_ = person(app.state.engine, "max@example.org")
    assert eve.post(f"/en/admin/people/{max_.id}/roles", data={"roles": "owner"}).status_code == 422


def test_people_are_invited_found_closed_and_opened_again(app: FastAPI, eve: TestClient) -> None:
    form = {"email": "new@example.org", "name": "Newcomer", "language": "fr"}
    assert eve.post("/en/admin/people/invite", data=form | {"email": "new"}).status_code == 422
    person_page = eve.post("/en/admin/people/invite", data=form).headers["location"].split("?")[0]
    assert "Newcomer" in eve.get("/en/admin/people?q=newc&state=unconfirmed").text
    for state in ("closed", "active"):
        assert eve.post(f"{person_page}/state", data={"state": state}).status_code == 303
        assert "Newcomer" in eve.get(f"/en/admin/people?state={state}").text
    again = eve.post("/en/admin/people/invite", data=form)
    assert (again.status_code, "There is an account with this" in again.text) == (422, True)
    assert 'value="Newcomer"' in again.text


def test_the_banner_is_shown_in_the_readers_language_only(app: FastAPI, eve: TestClient) -> None:
    assert eve.post("/en/admin/site", data={"banner_es": "Mantenimiento el lunes"}).status_code == 303
    assert "Mantenimiento el lunes" in eve.get("/es/about").text
    assert eve.post("/en/admin/site", data={}).status_code == 303
    assert "Mantenimiento" not in eve.get("/es/about").text


def test_looking_at_the_audit_log_and_taking_it_away_are_noted(app: FastAPI, eve: TestClient) -> None:
    looks, exports = _notes(app, "audit.look"), _notes(app, "audit.export")
    found = eve.get("/en/admin/audit?actor=eve@example.org&action=audit.look")
    assert found.status_code == 200
    taken = eve.post("/en/admin/audit/export", data={"action": "audit"})
    assert taken.headers["content-disposition"].startswith("attachment;")
    assert "audit.export" in taken.text
    assert (_notes(app, "audit.look"), _notes(app, "audit.export")) == (looks + 1, exports + 1)
    assert eve.get("/en/admin/audit?since=yesterday").status_code == 422


def test_promise_18_the_password_is_not_guessed_on_where_one_s_data_is(app: FastAPI) -> None:
    browser = browser_of(app, person(app.state.engine, "leo@example.org"))
    tries = [browser.post("/en/account/data", data={"password": "wrong"}).status_code for _ in range(11)]
    assert tries == [422] * 10 + [429]


def test_one_takes_ones_data_away_only_with_the_password(app: FastAPI) -> None:
    ana = person(app.state.engine, "ana@example.org")
    browser = browser_of(app, ana)
    wrong = browser.post("/fr/account/data", data={"password": "wrong"})
    assert (wrong.status_code, "Ce n’est pas votre mot de passe" in wrong.text) == (422, True)
    taken = browser.post("/fr/account/data", data={"password": PASSWORD})
    assert taken.headers["cache-control"] == "no-store"
    archive = zipfile.ZipFile(io.BytesIO(taken.content))
    assert json.loads(archive.read("data.json"))["accounts"][0]["email"] == "ana@example.org"
    assert "ana@example.org" in archive.read("data.html").decode()
    assert "argon2" not in archive.read("data.json").decode()
    assert _notes(app, "account.export") == 1


def test_promise_24_no_log_names_anybody(app: FastAPI, eve: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    token = "zqxplanted"
    ana = person(app.state.engine, f"{token}@example.org")
    browser = browser_of(app, ana)
    browser.post("/en/account/data", data={"password": PASSWORD})
    browser.post("/en/account/data/erase", data={"password": PASSWORD})
    eve.get(f"/en/admin/people?q={token}")
    eve.get(f"/en/admin/audit?actor={token}@example.org")
    done = eve.post(f"/en/admin/people/{ana.id}/erase", data={"email": f"{token}@example.org"})
    assert done.status_code == 303
    own = [record for record in caplog.records if not record.name.startswith(("httpx", "asyncio", "python_multipart"))]
    assert not [record for record in own if token in record.getMessage()]
    with transaction(app.state.engine, readonly=True) as session:
        assert accounts.by_email(session, f"{token}@example.org") is None
    assert browser.get("/en/account/data").status_code == 303


def test_privacy_says_how_long_everything_is_kept(app: FastAPI) -> None:
    site = TestClient(app)
    for language, word in (("en", "1,095 days"), ("es", "1095 días"), ("fr", "1\u202f095 jours")):
        page = site.get(f"/{language}/privacy")
        assert word in page.text, language
        assert "24 m" in page.text, language
        assert f'href="/{language}/privacy"' in site.get(f"/{language}/").text
