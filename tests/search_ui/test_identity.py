"""Who asks, and what crosses from other sites."""

import datetime
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from sqlalchemy import update
from starlette.testclient import TestClient

from kb.accounts import service as accounts
from kb.accounts.sessions import IDLE, WHOLE
from kb.accounts.tables import SessionRow
from kb.db import transaction, utcnow
from kb.settings import Settings
from search_ui.identity import Editor, SignedIn
from tests.people import browser_of, person
from tests.search_ui.own_site import prepared


@pytest.fixture
def app(sqlite_settings: Settings) -> Iterator[FastAPI]:
    app = prepared(sqlite_settings)

    def mine(account: SignedIn) -> str:
        return account.email

    def staff(account: Editor) -> str:
        return account.name

    app.add_api_route("/en/mine", mine)
    app.add_api_route("/en/staff", staff, methods=["GET", "POST"])
    app.add_api_route("/api/mine", mine)
    with TestClient(app):
        yield app


def test_who_is_signed_in_is_known_and_their_pages_are_kept_by_no_cache(app: FastAPI) -> None:
    ana = browser_of(app, person(app.state.engine, "ana@example.org"))
    assert ana.get("/en/mine").json() == "ana@example.org"
    assert ana.get("/en/about").headers["cache-control"] == "no-store"


def test_who_is_not_is_led_to_sign_in_and_the_api_says_401(app: FastAPI) -> None:
    nobody = TestClient(app, follow_redirects=False)
    assert nobody.get("/en/mine?x=1").headers["location"] == "/en/sign-in?next=%2Fen%2Fmine%3Fx%3D1"
    assert nobody.get("/api/mine").status_code == 401


def test_without_the_second_factor_an_editor_has_no_editor_s_rights(app: FastAPI) -> None:
    eve = person(app.state.engine, "eve@example.org", "editor")
    assert browser_of(app, eve).get("/en/staff").json() == "Eve"
    weak = browser_of(app, eve, strong=False)
    assert weak.get("/en/staff").headers["location"].startswith("/en/second-factor?")
    member = browser_of(app, person(app.state.engine, "max@example.org"))
    assert member.get("/en/staff").status_code == 403


@pytest.mark.parametrize("change", [{"seen_at": IDLE}, {"created_at": WHOLE}])
def test_promise_17_a_session_ends_when_idle_and_in_any_case_after_half_a_day(
    app: FastAPI, change: dict[str, datetime.timedelta]
) -> None:
    ana = browser_of(app, person(app.state.engine, "ana@example.org"))
    with transaction(app.state.engine) as session:
        past = {name: utcnow() - ago - datetime.timedelta(seconds=1) for name, ago in change.items()}
        session.execute(update(SessionRow).values(**past))
    assert ana.get("/en/mine").status_code == 303


def test_promise_17_sessions_end_when_roles_change_or_the_account_is_closed(app: FastAPI) -> None:
    eve = person(app.state.engine, "eve@example.org", "editor")
    browser = browser_of(app, eve)
    with transaction(app.state.engine) as session:
        accounts.set_roles(session, eve.id, [])
    assert browser.get("/en/mine").status_code == 303
    browser = browser_of(app, eve)
    with transaction(app.state.engine) as session:
        accounts.by_id(session, eve.id).state = "closed"
    assert browser.get("/en/mine").status_code == 303


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "same-origin"}, 200),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "", "origin": "http://testserver"}, 200),
        ({"sec-fetch-site": "", "origin": "https://elsewhere.example"}, 403),
        ({"sec-fetch-site": "", "origin": "null"}, 403),
        ({"sec-fetch-site": ""}, 403),
    ],
)
def test_promise_14_a_change_that_comes_from_another_site_is_refused(
    app: FastAPI, headers: dict[str, str], status: int
) -> None:
    eve = browser_of(app, person(app.state.engine, "eve@example.org", "editor"))
    assert eve.post("/en/staff", headers=headers).status_code == status
