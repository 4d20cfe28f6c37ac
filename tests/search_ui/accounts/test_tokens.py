"""Tokens for programs."""

import re

from fastapi import FastAPI
from sqlalchemy import update
from starlette.testclient import TestClient

from kb.db import transaction
from kb.limits.tables import LimitRow
from tests.people import browser_of, person
from tests.search_ui.accounts.steps import browser_at


def _token(browser: TestClient, *scopes: str) -> str:
    shown = browser.post("/en/account/tokens", data={"name": "A script", "days": "30", "scopes": list(scopes)})
    found = re.search(r"kb_[\w-]{43}", shown.text)
    assert found, shown.text
    return found[0]


def test_a_token_does_what_it_was_allowed_until_it_is_revoked(app: FastAPI) -> None:
    ana = person(app.state.engine, "ana@example.org")
    browser = browser_of(app, ana)
    token = _token(browser, "message")
    assert token not in browser.get("/en/account/tokens").text
    program = browser_at(app, headers={"authorization": f"Bearer {token}"})
    me = program.get("/api/v1/me").json()
    assert (me["email"], me["permissions"]) == ("ana@example.org", ["message"])
    for path in ("account", "account/tokens", "account/email"):
        assert program.get(f"/en/{path}").status_code == 403, "no token makes another, or changes the account"
    revoke = re.search(r"/en/account/tokens/\w+/revoke", browser.get("/en/account/tokens").text)
    assert revoke
    browser_of(app, person(app.state.engine, "max@example.org")).post(revoke[0])
    assert program.get("/api/v1/me").status_code == 200
    browser.post(revoke[0])
    refused = program.get("/api/v1/me")
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    assert refused.headers["content-type"] == "application/problem+json"


def test_a_token_gets_no_scope_that_its_owner_has_not(app: FastAPI) -> None:
    browser = browser_of(app, person(app.state.engine, "eve@example.org", "editor"), strong=False)
    refused = browser.post("/en/account/tokens", data={"name": "x", "days": "30", "scopes": "publish"})
    assert refused.status_code == 422
    assert "only what your account may do" in refused.text


def test_a_program_that_asks_too_often_is_told_when_to_come_back_and_openapi_says_so(app: FastAPI) -> None:
    token = _token(browser_of(app, person(app.state.engine, "ana@example.org")))
    with transaction(app.state.engine) as session:
        session.execute(update(LimitRow).values(count=0))
    program = browser_at(app, headers={"authorization": f"Bearer {token}"})
    assert program.get("/api/v1/me").status_code == 200
    with transaction(app.state.engine) as session:
        session.execute(update(LimitRow).values(count=1000))
    refused = program.get("/api/v1/me")
    assert (refused.status_code, int(refused.headers["retry-after"]) > 0) == (429, True)
    described = app.openapi()["paths"]["/api/v1/me"]["get"]["responses"]
    assert {"200", "401", "403", "429"} <= described.keys()
    assert "application/problem+json" in described["429"]["content"]
