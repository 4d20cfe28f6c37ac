"""Signing in: where it leads, what its sessions are, how often it may be tried, and in production."""

import re

import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from starlette.testclient import TestClient

from kb.accounts.tables import SessionRow
from kb.db import transaction
from search_ui.app import create_app
from tests.people import OWN, PASSWORD, browser_of, mails_to, person
from tests.search_ui.accounts.steps import NEW, browser_at, last_link, sign_in

# Promise 16


@given(st.one_of(st.text(), st.sampled_from(["/", "//", "/\\", "https:", "/en", "/en/"]).flatmap(
    lambda start: st.text(alphabet="/\\@:.?#%en \t\n\rx", max_size=12).map(lambda rest: start + rest)
)))  # fmt: skip
def test_promise_16_the_way_on_from_sign_in_stays_on_the_site(wanted: str) -> None:
    from urllib.parse import urljoin, urlsplit

    from starlette.requests import Request

    from search_ui.identity import next_of

    request = Request({"type": "http", "path": "/fr/sign-in", "headers": [], "query_string": b"", "method": "GET"})
    path = next_of(request, wanted)
    assert re.fullmatch(r"/(en|es|fr)([/?].*)?", path)
    # Browsers take a backslash for a slash, and leave out tabs and line ends.
    seen = re.sub(r"[\t\r\n]", "", path.strip()).replace("\\", "/")
    assert urlsplit(urljoin("https://here.example/en/sign-in", seen)).netloc == "here.example"


@pytest.mark.parametrize(
    ("wanted", "path"),
    [("/es/search?q=a&b=c", "/es/search?q=a&b=c"), ("//evil.example", "/en/account"), ("/en", "/en"),
     ("https://evil.example/en/", "/en/account"), ("/en/\\evil.example", "/en/account"), ("", "/en/account")],
)  # fmt: skip
def test_promise_16_sign_in_goes_on_to_where_one_wanted_to_go_if_that_is_here(
    app: FastAPI, wanted: str, path: str
) -> None:
    person(app.state.engine, "ana@example.org")
    assert sign_in(browser_at(app), next=wanted).headers["location"] == path


# Promise 17


def test_promise_17_each_sign_in_has_a_new_id_and_the_cookie_before_it_is_dead(app: FastAPI) -> None:
    person(app.state.engine, "ana@example.org")
    browser = browser_at(app)
    browser.cookies.set("session", "chosen-by-a-stranger", domain="testserver.local", path="/")
    assert sign_in(browser).status_code == 303
    first = browser.cookies["session"]
    assert first != "chosen-by-a-stranger"
    sign_in(browser)
    assert browser.cookies["session"] != first
    replay = browser_at(app)
    replay.cookies.set("session", first)
    assert replay.get("/en/account").status_code == 303


def test_promise_17_sign_out_ends_the_session_and_not_only_the_cookie(app: FastAPI) -> None:
    person(app.state.engine, "ana@example.org")
    browser = browser_at(app)
    sign_in(browser)
    token = browser.cookies["session"]
    assert browser.post("/en/sign-out").headers["location"] == "/en/?done=signed-out"
    assert "session" not in browser.cookies
    replay = browser_at(app)
    replay.cookies.set("session", token)
    assert replay.get("/en/account").status_code == 303


def test_promise_17_a_new_password_ends_every_session_but_the_new_one_and_says_so_by_mail(app: FastAPI) -> None:
    ana = person(app.state.engine, "ana@example.org")
    elsewhere, here = browser_of(app, ana), browser_of(app, ana)
    old = here.cookies["session"]
    wrong = here.post("/en/account/password", data={"current": "no", "password": NEW})
    assert (wrong.status_code, "This is not your password." in wrong.text) == (422, True)
    assert here.post("/en/account/password", data={"current": PASSWORD, "password": NEW}).status_code == 303
    assert here.cookies["session"] != old
    assert here.get("/en/account").status_code == 200
    assert elsewhere.get("/en/account").status_code == 303
    assert "password of your account was changed" in mails_to(app.state.settings, app.state.engine, ana.email)[-1]


def test_promise_17_a_reset_ends_every_session(app: FastAPI) -> None:
    ana = person(app.state.engine, "ana@example.org")
    thief = browser_of(app, ana)
    browser = browser_at(app)
    browser.post("/en/reset", data={"email": "ana@example.org"})
    assert browser.post(last_link(app, "ana@example.org"), data={"password": NEW}).status_code == 303
    assert thief.get("/en/account").status_code == 303
    assert sign_in(browser).status_code == 422
    assert sign_in(browser, password=NEW).status_code == 303


def test_promise_17_one_s_sessions_are_listed_and_ended_and_nobody_else_s(app: FastAPI) -> None:
    ana, max_ = person(app.state.engine, "ana@example.org"), person(app.state.engine, "max@example.org")
    here, there, third, stranger = (
        browser_of(app, ana),
        browser_of(app, ana),
        browser_of(app, ana),
        browser_of(app, max_),
    )
    with transaction(app.state.engine) as session:
        ids = {row.id for row in session.scalars(select(SessionRow).where(SessionRow.account_id == ana.id))}
    offered = re.findall(r"/sessions/(\w{32})/end", here.get("/en/account/sessions").text)
    assert len(offered) == 2
    assert set(offered) < ids
    for each in ids:
        stranger.post(f"/en/account/sessions/{each}/end")
    assert there.get("/en/account").status_code == 200
    here.post(f"/en/account/sessions/{offered[0]}/end")
    assert sorted(browser.get("/en/account").status_code for browser in (there, third)) == [200, 303]
    here.post("/en/account/sessions/end-others")
    assert {browser.get("/en/account").status_code for browser in (there, third)} == {303}
    assert here.get("/en/account").status_code == 200


# Production


def test_in_production_the_cookies_are_for_this_host_and_https_only(app: FastAPI) -> None:
    person(app.state.engine, "ana@example.org")
    secure = app.state.settings.model_copy(update={"environment": "production", "secret_key": "x" * 40})
    with TestClient(create_app(secure), base_url="https://kb.example", follow_redirects=False, headers=OWN) as browser:
        cookies = sign_in(browser).headers.get_list("set-cookie")
        assert [cookie.split("=")[0] for cookie in cookies] == ["__Host-session", "__Host-browser"]
        assert all("HttpOnly" in cookie and "Secure" in cookie and "SameSite=lax" in cookie for cookie in cookies)
        assert all("Path=/" in cookie and "Domain" not in cookie for cookie in cookies)
        assert browser.get("/en/account").status_code == 200


@pytest.mark.parametrize("path", ["sign-in", "sign-up", "reset", "mail-sent", "password/x", "email/x"])
def test_no_cache_keeps_pages_about_secrets(app: FastAPI, path: str) -> None:
    assert browser_at(app).get(f"/en/{path}").headers["cache-control"] == "no-store"
