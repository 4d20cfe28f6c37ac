"""An account is made, changed and protected by its owner; tokens for programs."""

import re

import pyotp
import pytest
from fastapi import FastAPI
from sqlalchemy import update

from kb.accounts.tables import CodeRow
from kb.db import transaction, utcnow
from kb.site import service as sites
from schemas.language import LANGUAGES, Language
from search_ui import site as site_settings
from search_ui.pages.account import browser_name
from tests.people import PASSWORD, browser_of, mails_to, person
from tests.search_ui.accounts.steps import NEW, actions, browser_at, last_link, later, permissions_of, set_up, sign_in


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_account_is_made_by_the_link_in_a_mail_in_one_s_own_language(app: FastAPI, language: Language) -> None:
    browser = browser_at(app)
    asked = browser.post(f"/{language}/sign-up", data={"name": "Ana", "email": " Ana@Example.org "})
    assert asked.headers["location"] == f"/{language}/mail-sent"
    link = last_link(app, "ana@example.org")
    assert link.startswith(f"/{language}/password/")
    for _ in range(2):  # as a scanner that follows links
        assert browser.get(link).headers["cache-control"] == "no-store"
    assert browser.post(link, data={"password": NEW}).headers["location"] == f"/{language}/sign-in?done=password"
    entered = sign_in(browser, password=NEW)
    assert entered.headers["location"] == "/en/account"
    assert "Ana" in browser.get("/en/account").text
    assert actions(app) == ["account.sign_up", "account.confirm", "account.sign_in"]


def test_a_link_works_once_until_it_is_old_or_a_newer_one_was_sent(app: FastAPI) -> None:
    browser = browser_at(app)
    links = []
    for _ in range(3):
        browser.post("/en/sign-up", data={"name": "Ana", "email": "ana@example.org"})
        links.append(last_link(app, "ana@example.org"))
    assert len(set(links)) == 3
    assert browser.get(links[0]).status_code == 404
    assert browser.post(links[1], data={"password": NEW}).status_code == 404
    assert browser.post(links[2], data={"password": NEW}).status_code == 303
    assert browser.post(links[2], data={"password": PASSWORD}).status_code == 404
    browser.post("/en/reset", data={"email": "ana@example.org"})
    late = last_link(app, "ana@example.org")
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
    browser = browser_at(app)
    browser.post("/en/sign-up", data={"name": "Ana", "email": "anabel.gomez@example.org"})
    link = last_link(app, "anabel.gomez@example.org")
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
    browser = browser_at(app)
    browser.post("/es/sign-up", data={"name": "Ana", "email": "ana@example.org"})
    done = browser.post(last_link(app, "ana@example.org"), data={"password": NEW})
    assert done.headers["location"] == "/es/sign-in?done=waiting"
    refused = sign_in(browser, password=NEW)
    assert refused.status_code == 422
    assert "waits for the editorial team" in refused.text
    assert last_link(app, "boss@example.org") == "/fr/admin"


def test_what_was_typed_is_kept_but_for_the_password(app: FastAPI) -> None:
    refused = sign_in(browser_at(app), "ana@example.org", "wrong-" * 3)
    assert refused.status_code == 422
    assert 'value="ana@example.org"' in refused.text
    assert "wrong-wrong" not in refused.text
    odd = browser_at(app).post("/fr/sign-up", data={"name": "Ana <b>", "email": "nobody"})
    assert "nom@example.org" in odd.text
    assert "Ana &lt;b&gt;" in odd.text


# The second factor


def test_editors_set_up_a_second_factor_before_their_role_counts(app: FastAPI) -> None:
    person(app.state.engine, "eve@example.org", "editor")
    browser = browser_at(app)
    sign_in(browser, "eve@example.org", next="/en/account")
    assert "Your role counts once" in browser.get("/en/account").text
    led = browser.get("/en/second-factor?next=/en/account/tokens")
    assert led.headers["location"] == "/en/account/second-factor?next=%2Fen%2Faccount%2Ftokens"
    before = browser.cookies["session"]
    _, codes, done = set_up(browser, "/en/account/tokens")
    assert len(codes) == 10
    assert 'href="/en/account/tokens"' in done.text
    assert done.headers["cache-control"] == "no-store"
    assert browser.cookies["session"] != before, "promise 17: a new id with more rights"
    assert "Publish and withdraw" in browser.get("/en/account/tokens").text
    assert codes[0] not in browser.get("/en/account/second-factor").text


def test_with_a_second_factor_the_password_alone_opens_nothing_and_a_code_is_good_once(app: FastAPI) -> None:
    person(app.state.engine, "ana@example.org")
    browser = browser_at(app)
    sign_in(browser)
    key, codes, _ = set_up(browser)
    later(app)
    other = browser_at(app)
    assert (
        sign_in(other, next="/en/account/email").headers["location"] == "/en/second-factor?next=%2Fen%2Faccount%2Femail"
    )
    assert other.get("/en/account").headers["location"] == "/en/second-factor?next=%2Fen%2Faccount"
    assert "Sign in" in other.get("/en/").text
    assert other.post("/en/account/sessions/end-others").status_code == 401
    assert browser.get("/en/account").status_code == 200
    half, code = other.cookies["session"], pyotp.TOTP(key).now()
    assert other.post("/en/second-factor", data={"code": "000000"}).status_code == 422
    assert other.post("/en/second-factor", data={"code": code, "next": "/en/account/email"}).status_code == 303
    assert other.cookies["session"] != half
    assert other.get("/en/account/email").status_code == 200
    third = browser_at(app)
    sign_in(third)
    assert third.post("/en/second-factor", data={"code": code}).status_code == 422, "used"
    assert third.post("/en/second-factor", data={"code": codes[3].upper()}).status_code == 303
    fourth = browser_at(app)
    sign_in(fourth)
    assert fourth.post("/en/second-factor", data={"code": codes[3]}).status_code == 422, "used"


def test_the_second_factor_goes_and_recovery_codes_are_renewed_with_the_password_only(app: FastAPI) -> None:
    person(app.state.engine, "eve@example.org", "editor")
    browser = browser_at(app)
    sign_in(browser, "eve@example.org")
    _, codes, _ = set_up(browser)
    change = "/en/account/second-factor/change"
    assert browser.post(change, data={"do": "off", "current": "no"}).status_code == 422
    fresh = browser.post(change, data={"do": "codes", "current": PASSWORD})
    assert codes[0] not in fresh.text
    token = browser.post("/en/account/tokens", data={"name": "x", "days": "30", "scopes": "publish"})
    made = re.search(r"kb_[\w-]{43}", token.text)
    assert made
    assert permissions_of(app, made[0]) == ["publish"]
    assert browser.post(change, data={"do": "off", "current": PASSWORD}).status_code == 303
    assert "Your role counts once" in browser.get("/en/account").text
    assert permissions_of(app, made[0]) == []


# E-mail address, profile


def test_an_address_changes_once_the_new_one_is_confirmed_and_the_old_one_is_told(app: FastAPI) -> None:
    ana = person(app.state.engine, "ana@example.org", language="es")
    person(app.state.engine, "max@example.org")
    browser = browser_of(app, ana)
    for email in ("max@example.org", "new@example.org"):
        asked = browser.post("/en/account/email", data={"email": email, "current": PASSWORD})
        assert asked.headers["location"] == "/en/mail-sent"
    assert mails_to(app.state.settings, app.state.engine, "max@example.org") == []
    link = last_link(app, "new@example.org")
    anybody = browser_at(app)
    assert "new@example.org" in anybody.get(link).text
    assert "ana@example.org" in browser.get("/en/account").text
    assert anybody.post(link).headers["location"] == "/es/sign-in?done=email"
    assert anybody.post(link).status_code == 404
    assert "otra dirección" in mails_to(app.state.settings, app.state.engine, "ana@example.org")[-1]
    assert sign_in(anybody, "new@example.org").status_code == 303
    assert [each for each in actions(app) if each == "account.email"] == ["account.email"]


def test_name_and_language_are_changed_and_the_page_comes_back_in_the_new_one(app: FastAPI) -> None:
    browser = browser_of(app, person(app.state.engine, "ana@example.org"))
    done = browser.post("/en/account", data={"name": "Ana Gómez", "language": "fr"})
    assert done.headers["location"] == "/fr/account?done=saved"
    assert "Ana Gómez" in browser.get("/fr/account").text
    refused = browser.post("/fr/account", data={"name": " ", "language": "de"})
    assert refused.text.count('aria-invalid="true"') == 2


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
