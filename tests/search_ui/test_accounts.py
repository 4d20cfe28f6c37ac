"""Accounts in the web: sign up, sign in, the second factor, one's own settings, tokens."""

import os
import re
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
import pyotp
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, select, update
from starlette.testclient import TestClient

from kb.accounts.tables import AccountRow, CodeRow, SessionRow
from kb.audit.tables import AuditRow
from kb.db import make_engine, migrate, transaction, utcnow
from kb.limits.tables import LimitRow
from kb.mail.tables import MailRow
from kb.settings import Settings
from kb.site import service as sites
from kb.site.tables import SiteRow
from schemas.language import LANGUAGES, Language
from search_ui import site as site_settings
from search_ui.app import create_app
from search_ui.pages.account import browser_name
from tests.people import OWN, PASSWORD, browser_of, mails_to, path_in, person

NEW = "a harbour full of red boats"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(data_dir=tmp_path_factory.mktemp("accounts"), _env_file=None)  # type: ignore[call-arg]


@pytest.fixture(scope="module")
def running(settings: Settings) -> Iterator[FastAPI]:
    """One app for all: it takes seconds to stop."""
    engine = make_engine(settings)
    migrate(engine)
    engine.dispose()
    app = create_app(settings)
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


def _browser(app: FastAPI, host: str = "192.0.2.1", headers: dict[str, str] = OWN) -> TestClient:
    return TestClient(app, follow_redirects=False, headers=headers, client=(host, 50000))


def _sign_in(browser: TestClient, email: str = "ana@example.org", password: str = PASSWORD, **more: str) -> Any:
    return browser.post("/en/sign-in", data={"email": email, "password": password} | more)


def _last_link(app: FastAPI, email: str) -> str:
    return path_in(mails_to(app.state.settings, app.state.engine, email)[-1])


def _actions(app: FastAPI) -> list[str]:
    with transaction(app.state.engine, readonly=True) as session:
        return list(session.scalars(select(AuditRow.action).order_by(AuditRow.id)))


def _forget_limits(app: FastAPI) -> None:
    with transaction(app.state.engine) as session:
        session.execute(update(LimitRow).values(ends_at=1))


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_account_is_made_by_the_link_in_a_mail_in_one_s_own_language(app: FastAPI, language: Language) -> None:
    browser = _browser(app)
    asked = browser.post(f"/{language}/sign-up", data={"name": "Ana", "email": " Ana@Example.org "})
    assert asked.headers["location"] == f"/{language}/mail-sent"
    link = _last_link(app, "ana@example.org")
    assert link.startswith(f"/{language}/password/")
    for _ in range(2):  # as a scanner that follows links
        assert browser.get(link).headers["cache-control"] == "no-store"
    assert browser.post(link, data={"password": NEW}).headers["location"] == f"/{language}/sign-in?done=password"
    entered = _sign_in(browser, password=NEW)
    assert entered.headers["location"] == "/en/account"
    assert "Ana" in browser.get("/en/account").text
    assert _actions(app) == ["account.sign_up", "account.confirm", "account.sign_in"]


def test_a_link_works_once_until_it_is_old_or_a_newer_one_was_sent(app: FastAPI) -> None:
    browser = _browser(app)
    links = []
    for _ in range(3):
        browser.post("/en/sign-up", data={"name": "Ana", "email": "ana@example.org"})
        links.append(_last_link(app, "ana@example.org"))
    assert len(set(links)) == 3
    assert browser.get(links[0]).status_code == 404
    assert browser.post(links[1], data={"password": NEW}).status_code == 404
    assert browser.post(links[2], data={"password": NEW}).status_code == 303
    assert browser.post(links[2], data={"password": PASSWORD}).status_code == 404
    browser.post("/en/reset", data={"email": "ana@example.org"})
    late = _last_link(app, "ana@example.org")
    with transaction(app.state.engine) as session:
        session.execute(update(CodeRow).values(expires_at=utcnow()))
    gone = browser.get(late)
    assert (gone.status_code, "/en/reset" in gone.text) == (404, True)


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("short", "at least 12"),
        ("x" * 1001, "at most 1000"),
        ("Password12345", "first passwords"),
        ("qwertyuiopas", "first passwords"),
        ("123456789012", "first passwords"),
        ("aaaaaaaaaaaaab", "first passwords"),
        ("anabel.gomez 2026", "e-mail address"),
        ("my Urban policy exchange", "e-mail address"),
    ],
)
def test_a_password_that_would_be_guessed_is_refused_at_the_field(app: FastAPI, password: str, reason: str) -> None:
    browser = _browser(app)
    browser.post("/en/sign-up", data={"name": "Ana", "email": "anabel.gomez@example.org"})
    link = _last_link(app, "anabel.gomez@example.org")
    refused = browser.post(link, data={"password": password})
    assert refused.status_code == 422
    assert 'aria-invalid="true"' in refused.text
    assert reason in refused.text
    assert password not in refused.text
    assert browser.post(link, data={"password": "ñandú über 12 ça"}).status_code == 303


def test_where_staff_open_accounts_a_new_one_waits_and_administrators_are_told(app: FastAPI) -> None:
    boss = person(app.state.engine, "boss@example.org", "administrator", language="fr")
    with transaction(app.state.engine) as session:
        sites.change(session, boss.id, activation=True)
    site_settings.refresh(app)
    browser = _browser(app)
    browser.post("/es/sign-up", data={"name": "Ana", "email": "ana@example.org"})
    done = browser.post(_last_link(app, "ana@example.org"), data={"password": NEW})
    assert done.headers["location"] == "/es/sign-in?done=waiting"
    refused = _sign_in(browser, password=NEW)
    assert refused.status_code == 422
    assert "waits for the editorial team" in refused.text
    assert _last_link(app, "boss@example.org") == "/fr/admin"


def test_what_was_typed_is_kept_but_for_the_password(app: FastAPI) -> None:
    refused = _sign_in(_browser(app), "ana@example.org", "wrong-" * 3)
    assert refused.status_code == 422
    assert 'value="ana@example.org"' in refused.text
    assert "wrong-wrong" not in refused.text
    odd = _browser(app).post("/fr/sign-up", data={"name": "Ana <b>", "email": "nobody"})
    assert "nom@example.org" in odd.text
    assert "Ana &lt;b&gt;" in odd.text


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
    assert _sign_in(_browser(app), next=wanted).headers["location"] == path


# Promise 17


def test_promise_17_each_sign_in_has_a_new_id_and_the_cookie_before_it_is_dead(app: FastAPI) -> None:
    person(app.state.engine, "ana@example.org")
    browser = _browser(app)
    browser.cookies.set("session", "chosen-by-a-stranger", domain="testserver.local", path="/")
    assert _sign_in(browser).status_code == 303
    first = browser.cookies["session"]
    assert first != "chosen-by-a-stranger"
    _sign_in(browser)
    assert browser.cookies["session"] != first
    replay = _browser(app)
    replay.cookies.set("session", first)
    assert replay.get("/en/account").status_code == 303


def test_promise_17_sign_out_ends_the_session_and_not_only_the_cookie(app: FastAPI) -> None:
    person(app.state.engine, "ana@example.org")
    browser = _browser(app)
    _sign_in(browser)
    token = browser.cookies["session"]
    assert browser.post("/en/sign-out").headers["location"] == "/en/?done=signed-out"
    assert "session" not in browser.cookies
    replay = _browser(app)
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
    browser = _browser(app)
    browser.post("/en/reset", data={"email": "ana@example.org"})
    assert browser.post(_last_link(app, "ana@example.org"), data={"password": NEW}).status_code == 303
    assert thief.get("/en/account").status_code == 303
    assert _sign_in(browser).status_code == 422
    assert _sign_in(browser, password=NEW).status_code == 303


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


# The second factor


def _set_up(browser: TestClient, wanted: str = "") -> tuple[str, list[str], Any]:
    page = browser.get("/en/account/second-factor", params={"next": wanted} if wanted else None)
    key = re.search(r'name="key" value="(\w+)"', page.text)
    assert key
    data = {"key": key[1], "code": pyotp.TOTP(key[1]).now(), "current": PASSWORD, "next": wanted}
    done = browser.post("/en/account/second-factor", data=data)
    return key[1], re.findall(r'<li><code class="secret">([\w-]+)</code>', done.text), done


def _later(app: FastAPI) -> None:
    """As if the codes that were used lay some steps back."""
    with transaction(app.state.engine) as session:
        session.execute(update(AccountRow).values(totp_step=AccountRow.totp_step - 3))


def test_editors_set_up_a_second_factor_before_their_role_counts(app: FastAPI) -> None:
    person(app.state.engine, "eve@example.org", "editor")
    browser = _browser(app)
    _sign_in(browser, "eve@example.org", next="/en/account")
    assert "Your role counts once" in browser.get("/en/account").text
    led = browser.get("/en/second-factor?next=/en/account/tokens")
    assert led.headers["location"] == "/en/account/second-factor?next=%2Fen%2Faccount%2Ftokens"
    before = browser.cookies["session"]
    _, codes, done = _set_up(browser, "/en/account/tokens")
    assert len(codes) == 10
    assert 'href="/en/account/tokens"' in done.text
    assert done.headers["cache-control"] == "no-store"
    assert browser.cookies["session"] != before, "promise 17: a new id with more rights"
    assert "Publish and withdraw" in browser.get("/en/account/tokens").text
    assert codes[0] not in browser.get("/en/account/second-factor").text


def test_with_a_second_factor_the_password_alone_opens_nothing_and_a_code_is_good_once(app: FastAPI) -> None:
    person(app.state.engine, "ana@example.org")
    browser = _browser(app)
    _sign_in(browser)
    key, codes, _ = _set_up(browser)
    _later(app)
    other = _browser(app)
    assert (
        _sign_in(other, next="/en/account/email").headers["location"]
        == "/en/second-factor?next=%2Fen%2Faccount%2Femail"
    )
    assert other.get("/en/account").headers["location"] == "/en/second-factor?next=%2Fen%2Faccount"
    assert "Sign in" in other.get("/en/").text
    assert other.post("/en/account/sessions/end-others").status_code == 303
    assert browser.get("/en/account").status_code == 200
    half, code = other.cookies["session"], pyotp.TOTP(key).now()
    assert other.post("/en/second-factor", data={"code": "000000"}).status_code == 422
    assert other.post("/en/second-factor", data={"code": code, "next": "/en/account/email"}).status_code == 303
    assert other.cookies["session"] != half
    assert other.get("/en/account/email").status_code == 200
    third = _browser(app)
    _sign_in(third)
    assert third.post("/en/second-factor", data={"code": code}).status_code == 422, "used"
    assert third.post("/en/second-factor", data={"code": codes[3].upper()}).status_code == 303
    fourth = _browser(app)
    _sign_in(fourth)
    assert fourth.post("/en/second-factor", data={"code": codes[3]}).status_code == 422, "used"


def test_the_second_factor_goes_and_recovery_codes_are_renewed_with_the_password_only(app: FastAPI) -> None:
    person(app.state.engine, "eve@example.org", "editor")
    browser = _browser(app)
    _sign_in(browser, "eve@example.org")
    _, codes, _ = _set_up(browser)
    change = "/en/account/second-factor/change"
    assert browser.post(change, data={"do": "off", "current": "no"}).status_code == 422
    fresh = browser.post(change, data={"do": "codes", "current": PASSWORD})
    assert codes[0] not in fresh.text
    token = browser.post("/en/account/tokens", data={"name": "x", "days": "30", "scopes": "publish"})
    made = re.search(r"kb_[\w-]{43}", token.text)
    assert made
    assert _permissions(app, made[0]) == ["publish"]
    assert browser.post(change, data={"do": "off", "current": PASSWORD}).status_code == 303
    assert "Your role counts once" in browser.get("/en/account").text
    assert _permissions(app, made[0]) == []


# E-mail address, profile


def test_an_address_changes_once_the_new_one_is_confirmed_and_the_old_one_is_told(app: FastAPI) -> None:
    ana = person(app.state.engine, "ana@example.org", language="es")
    person(app.state.engine, "max@example.org")
    browser = browser_of(app, ana)
    for email in ("max@example.org", "new@example.org"):
        asked = browser.post("/en/account/email", data={"email": email, "current": PASSWORD})
        assert asked.headers["location"] == "/en/mail-sent"
    assert mails_to(app.state.settings, app.state.engine, "max@example.org") == []
    link = _last_link(app, "new@example.org")
    anybody = _browser(app)
    assert "new@example.org" in anybody.get(link).text
    assert "ana@example.org" in browser.get("/en/account").text
    assert anybody.post(link).headers["location"] == "/es/sign-in?done=email"
    assert anybody.post(link).status_code == 404
    assert "otra dirección" in mails_to(app.state.settings, app.state.engine, "ana@example.org")[-1]
    assert _sign_in(anybody, "new@example.org").status_code == 303
    assert [each for each in _actions(app) if each == "account.email"] == ["account.email"]


def test_name_and_language_are_changed_and_the_page_comes_back_in_the_new_one(app: FastAPI) -> None:
    browser = browser_of(app, person(app.state.engine, "ana@example.org"))
    done = browser.post("/en/account", data={"name": "Ana Gómez", "language": "fr"})
    assert done.headers["location"] == "/fr/account?done=saved"
    assert "Ana Gómez" in browser.get("/fr/account").text
    refused = browser.post("/fr/account", data={"name": " ", "language": "de"})
    assert refused.text.count('aria-invalid="true"') == 2


# Tokens


def _permissions(app: FastAPI, token: str) -> Any:
    return _browser(app, headers={"authorization": f"Bearer {token}"}).get("/api/v1/me").json()["permissions"]


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
    program = _browser(app, headers={"authorization": f"Bearer {token}"})
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
    program = _browser(app, headers={"authorization": f"Bearer {token}"})
    assert program.get("/api/v1/me").status_code == 200
    with transaction(app.state.engine) as session:
        session.execute(update(LimitRow).values(count=1000))
    refused = program.get("/api/v1/me")
    assert (refused.status_code, int(refused.headers["retry-after"]) > 0) == (429, True)
    described = app.openapi()["paths"]["/api/v1/me"]["get"]["responses"]
    assert {"200", "401", "403", "429"} <= described.keys()
    assert "application/problem+json" in described["429"]["content"]


# Promise 18


def test_promise_18_the_eleventh_try_from_an_address_is_told_to_wait(app: FastAPI) -> None:
    person(app.state.engine, "ana@example.org")
    browser = _browser(app)
    statuses = [_sign_in(browser, password="wrong").status_code for _ in range(11)]
    assert statuses == [422] * 10 + [429]
    refused = _sign_in(browser)
    assert (refused.status_code, 290 <= int(refused.headers["retry-after"]) <= 300) == (429, True)
    assert 'value="ana@example.org"' in refused.text
    assert _sign_in(_browser(app, "192.0.2.2")).status_code == 303
    assert [_sign_in(_browser(app, "192.0.2.3")).status_code for _ in range(12)] == [303] * 12, "only failures count"


def test_promise_18_strangers_lock_nobody_out_of_a_browser_that_they_use_nor_of_a_reset(app: FastAPI) -> None:
    person(app.state.engine, "ana@example.org")
    mine = _browser(app)
    _sign_in(mine)
    mine.post("/en/sign-out")
    for network in range(6):  # a botnet that shares even the victim's network
        for _ in range(10):
            _sign_in(_browser(app, f"192.0.2.{network + 1}"), password="wrong")
    assert _sign_in(_browser(app, "198.51.100.1")).status_code == 429
    assert _sign_in(mine).status_code == 303
    copied = mine.cookies["browser"]
    other = _browser(app, "198.51.100.2")
    other.cookies.set("browser", copied)
    assert _sign_in(other, "max@example.org", "wrong").status_code == 422, "a mark is for one person only"
    fresh = _browser(app, "198.51.100.3")
    fresh.post("/en/reset", data={"email": "ana@example.org"})
    assert fresh.post(_last_link(app, "ana@example.org"), data={"password": NEW}).status_code == 303
    assert _sign_in(fresh, password=NEW).status_code == 303


def test_promise_18_a_known_browser_has_ten_tries_too(app: FastAPI) -> None:
    person(app.state.engine, "ana@example.org")
    mine = _browser(app)
    _sign_in(mine)
    assert [_sign_in(mine, password="wrong").status_code for _ in range(11)] == [422] * 10 + [429]


def test_promise_18_codes_of_the_second_factor_are_not_tried_on_and_on(app: FastAPI) -> None:
    person(app.state.engine, "ana@example.org")
    browser = _browser(app)
    _sign_in(browser)
    _set_up(browser)
    thief = _browser(app, "192.0.2.9")
    _sign_in(thief)
    statuses = [thief.post("/en/second-factor", data={"code": f"{n:06}"}).status_code for n in range(11)]
    assert statuses == [422] * 10 + [429]


@pytest.mark.parametrize("path", ["reset", "sign-up"])
def test_promise_18_five_requests_a_day_from_an_address(app: FastAPI, path: str) -> None:
    data = [{"name": "A", "email": f"a{n}@example.org"} for n in range(6)]
    statuses = [_browser(app).post(f"/en/{path}", data=each).status_code for each in data]
    assert statuses == [303] * 5 + [429]
    assert _browser(app, "192.0.2.2").post(f"/en/{path}", data=data[0]).status_code == 303


def _ask(app: FastAPI, path: str, email: str) -> tuple[Any, float]:
    _forget_limits(app)
    browser = _browser(app)
    started = time.perf_counter()
    answer = browser.post(f"/en/{path}", data={"email": email, "password": "wrong-password", "name": "A"})
    took = time.perf_counter() - started
    return (answer.status_code, answer.headers.get("location"), answer.text.replace(email, "")), took


@pytest.mark.parametrize("path", ["sign-in", "reset", "sign-up"])
def test_promise_18_an_unknown_account_gets_the_same_answer_in_the_same_time(app: FastAPI, path: str) -> None:
    for n in range(9):
        person(app.state.engine, f"known{n}@example.org")
    person(app.state.engine, "closed0@example.org")
    with transaction(app.state.engine) as session:
        session.execute(update(AccountRow).where(AccountRow.email.like("closed%")).values(state="closed"))
    _ask(app, path, "warm@example.org")
    times: dict[str, list[float]] = {"known": [], "unknown": []}
    answers = {repr(_ask(app, path, "closed0@example.org")[0])}
    for n in range(9):
        for kind in times:
            answer, took = _ask(app, path, f"{kind}{n}@example.org")
            answers.add(repr(answer))
            times[kind].append(took)
    assert len(answers) == 1
    known, unknown = (statistics.median(each) for each in times.values())
    assert abs(known - unknown) < 0.25 * max(known, unknown), times


def _serving(settings: Settings, port: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "search_ui.cli", "serve", "--port", str(port)]
    environment = os.environ | {"KB_DATA_DIR": str(settings.data_dir)}
    return subprocess.Popen(command, cwd=Path(__file__).parents[2], env=environment, stdout=subprocess.DEVNULL)


def _wait_for(port: int) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise TimeoutError(port)


def test_promise_18_two_processes_refuse_the_eleventh_together_and_know_the_reader_behind_the_proxy(
    app: FastAPI,
) -> None:
    person(app.state.engine, "ana@example.org")
    ports = []
    for _ in range(2):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            ports.append(probe.getsockname()[1])
    processes = [_serving(app.state.settings, port) for port in ports]
    try:
        for port in ports:
            _wait_for(port)

        def sign_in(port: int, reader: str) -> int:
            data = {"email": "ana@example.org", "password": "wrong"}
            return httpx2.post(
                f"http://127.0.0.1:{port}/en/sign-in", data=data, headers=OWN | {"x-forwarded-for": reader}
            ).status_code

        assert [sign_in(ports[n % 2], "203.0.113.1") for n in range(12)] == [422] * 10 + [429] * 2
        assert sign_in(ports[0], "203.0.113.2") == 422
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_promise_5_without_redis_signing_in_works_and_limits_hold(app: FastAPI) -> None:
    person(app.state.engine, "ana@example.org")
    lonely = app.state.settings.model_copy(update={"broker_url": "redis://127.0.0.1:1/0"})
    with TestClient(create_app(lonely), follow_redirects=False, headers=OWN) as browser:
        assert _sign_in(browser).headers["location"] == "/en/account"
        assert browser.get("/en/account").status_code == 200
        browser.cookies.clear()
        assert [_sign_in(browser, password="wrong").status_code for _ in range(11)] == [422] * 10 + [429]


# Production


def test_in_production_the_cookies_are_for_this_host_and_https_only(app: FastAPI) -> None:
    person(app.state.engine, "ana@example.org")
    secure = app.state.settings.model_copy(update={"environment": "production", "secret_key": "x" * 40})
    with TestClient(create_app(secure), base_url="https://kb.example", follow_redirects=False, headers=OWN) as browser:
        cookies = _sign_in(browser).headers.get_list("set-cookie")
        assert [cookie.split("=")[0] for cookie in cookies] == ["__Host-session", "__Host-browser"]
        assert all("HttpOnly" in cookie and "Secure" in cookie and "SameSite=lax" in cookie for cookie in cookies)
        assert all("Path=/" in cookie and "Domain" not in cookie for cookie in cookies)
        assert browser.get("/en/account").status_code == 200


@pytest.mark.parametrize("path", ["sign-in", "sign-up", "reset", "mail-sent", "password/x", "email/x"])
def test_no_cache_keeps_pages_about_secrets(app: FastAPI, path: str) -> None:
    assert _browser(app).get(f"/en/{path}").headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("says", "name"),
    [
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/150 Safari/537.36 Edg/150", "Edge, Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0", "Firefox, Linux"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19) AppleWebKit/605 Version/19 Mobile Safari/604.1", "Safari, iPhone"),
        ("curl/8", "curl/8"),
    ],
)
def test_a_browser_is_called_by_its_name(says: str, name: str) -> None:
    assert browser_name(says) == name
