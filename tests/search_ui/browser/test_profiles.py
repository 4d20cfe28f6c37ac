"""In a real browser: claim a profile, hide a field, confirm, be found by need; with and without JavaScript, by keyboard."""

import datetime
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import BrowserContext, Page
from sqlalchemy import Engine

from kb.accounts.sessions import open_session
from kb.db import make_engine, transaction, utcnow
from kb.editorial.tables import OwnerRow
from kb.records import service as records
from kb.settings import Settings
from schemas.accounts import Role
from schemas.language import LANGUAGES
from schemas.records import parse
from search_ui import i18n
from search_ui.identity import cookie_name
from tests.experts import expert
from tests.people import person
from tests.search_ui.browser.accessible import faults
from tests.search_ui.browser.conftest import Opens

each_language = pytest.mark.parametrize("language", LANGUAGES)
with_and_without = pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without"])
Signed = Callable[..., Page]


@pytest.fixture(scope="module")
def database(settings: Settings) -> Iterator[Engine]:
    engine = make_engine(settings)
    yield engine
    engine.dispose()


@pytest.fixture
def signed(opens: Opens, database: Engine, settings: Settings) -> Signed:
    """Opens a page as somebody: signed in by cookie, as the sign-in page would."""

    def open_as(email: str, path: str, *roles: Role, expected: int = 200, **options: object) -> Page:
        account = person(database, email, *roles)
        with transaction(database) as session:
            token = open_session(session, account.id, "a test", strong=True)
        page = opens("/en/about", **options)
        context: BrowserContext = page.context
        context.add_cookies([{"name": cookie_name(settings), "value": token, "url": page.url.removesuffix("en/about")}])
        answer = page.goto(path)
        assert answer
        assert answer.status == expected
        return page

    return open_as


def _said(message: str, language: str, **values: str) -> str:
    return i18n.gettext(message, language) % values  # type: ignore[arg-type]


def _saved(database: Engine, record_id: str, name: str, email: str) -> None:
    old = str(utcnow().date() - datetime.timedelta(days=350))
    made = expert(id=record_id, title={"en": name}, email=email, confirmed_on=old, links=[])
    with transaction(database) as session:
        records.save(session, parse(made), "tests")


def _found(page: Page, language: str, q: str, name: str) -> bool:
    """The index takes changes in on its own, within moments."""
    for _ in range(60):
        page.goto(f"/{language}/experts/find?q={q}")
        if page.get_by_role("link", name=name).count():
            return True
        page.wait_for_timeout(500)
    return False


@each_language
@with_and_without
def test_claim_a_profile_hide_a_field_confirm_and_be_found_by_need(
    signed: Signed, opens: Opens, database: Engine, language: str, scripts: bool
) -> None:
    name = f"Journey {language.title()} {'Script' if scripts else 'Plain'}"
    record_id, email = (
        f"expert-journey-{language}-{scripts}".lower(),
        f"journey.{language}.{scripts}@example.org".lower(),
    )
    _saved(database, record_id, name, email)
    page = signed(email, f"/{language}/experts/{record_id}", java_script_enabled=scripts)
    page.get_by_role("link", name=_said("This is me", language)).click()
    page.get_by_role("button", name=_said("This is me", language)).click()
    page.wait_for_url(f"**/{language}/account/profile?done=saved")
    page.get_by_role("link", name=_said("Change it", language), exact=True).click()
    page.locator("#f-organisation").fill("Unseen Office")
    page.locator("#f-visibility-organisation").select_option("nobody")
    page.locator("#f-summary").fill("Helps towns to keep wandering hedgehogs off tramway tracks at dusk.")
    page.get_by_role("button", name=_said("Save", language), exact=True).click()
    page.get_by_role("button", name=_said("It is right as of today", language)).click()
    page.get_by_role("status").filter(
        has_text=_said("Thank you. Your profile is confirmed, as of today.", language)
    ).wait_for()
    reader = opens(f"/{language}/experts/{record_id}", java_script_enabled=scripts)
    assert "Unseen Office" not in reader.content()
    assert i18n.day(utcnow().date(), language) in reader.content()  # type: ignore[arg-type]
    assert _found(reader, language, "hedgehogs+on+tramway+tracks", name)
    assert "Unseen Office" not in reader.content()


@with_and_without
def test_a_proof_is_named_by_the_expert_and_confirmed_by_the_record_s_team(
    signed: Signed, opens: Opens, database: Engine, scripts: bool
) -> None:
    record_id, email = f"expert-proof-{scripts}".lower(), f"proof.{scripts}@example.org".lower()
    _saved(database, record_id, "Proof Person", email)
    owner = person(database, f"owner.{scripts}@example.org")
    with transaction(database) as session:
        session.merge(OwnerRow(record_id="cable-cars", account_id=owner.id))
    page = signed(email, f"/en/account/profile/claim?record={record_id}", java_script_enabled=scripts)
    page.get_by_role("button", name="This is me").click()
    page.get_by_role("link", name="What proves it").click()
    page.get_by_label("Title or subject").fill("Metrocable")
    page.get_by_role("button", name="Look").click()
    page.locator("#part-cable-cars").fill("Led the second line")
    page.locator("li", has=page.locator("#part-cable-cars")).get_by_role("button", name="Name it").click()
    page.wait_for_url("**/account/profile/proof?done=saved")
    team = signed(owner.email, "/en/account/requests", java_script_enabled=scripts)
    team.get_by_role("button", name="It is so").last.click()
    team.wait_for_url("**/account/requests?done=saved")
    reader = opens(f"/en/experts/{record_id}")
    assert "confirmed by its own team · Led the second line" in reader.locator("#proof").inner_text()


PAGES = {
    "mine": "account/profile",
    "edit": "account/profile/edit",
    "proof": "account/profile/proof?q=Metrocable",
    "requests": "account/requests",
    "profile": "experts/expert-looked-at",
    "finder": "experts/find?q=cable+cars",
    "everybody": "experts/find?spoken=es",
    "nobody": "experts/find?q=xqzvwk",
    "consent": "experts/consent",
}


@pytest.fixture(scope="module")
def looked_at(database: Engine) -> str:
    """Somebody who keeps a profile and is an editor, with a claim and a proof to decide."""
    from kb.profiles.tables import ProfileRow, ProofRow

    for record_id, email in (("expert-looked-at", "look@example.org"), ("expert-waits", "waits@example.org")):
        _saved(database, record_id, record_id.title(), email)
    me, other = person(database, "look@example.org", "editor"), person(database, "waits@example.org")
    with transaction(database) as session:
        for account, record_id, state in ((me, "expert-looked-at", "kept"), (other, "expert-waits", "claimed")):
            row = ProfileRow(
                account_id=account.id, record_id=record_id, state=state, note="Ask my mayor", asked_at=utcnow()
            )
            session.add(row)
        proof = {"en": "Led the works"}
        session.add(
            ProofRow(expert_id="expert-waits", record_id="cable-cars", state="stated", part=proof, asked_at=utcnow())
        )
    return me.email


@pytest.mark.parametrize(("name", "path"), PAGES.items(), ids=PAGES.keys())
@each_language
@pytest.mark.parametrize("width", [320, 1280])
def test_promise_25_axe_finds_nothing_and_nothing_is_too_wide(
    signed: Signed, looked_at: str, name: str, path: str, language: str, width: int
) -> None:
    page = signed(looked_at, f"/{language}/{path}", "editor", viewport={"width": width, "height": 800})
    assert faults(page) == ""


def test_a_profile_is_written_by_keyboard_alone(signed: Signed, database: Engine) -> None:
    page = signed("keys@example.org", "/en/account/profile/edit")
    page.locator("#f-name").focus()
    typed = {"f-position": "Engineer", "f-spoken": "English", "f-summary": "Advises towns."}
    done: set[str] = set()
    for _ in range(250):
        at = page.evaluate("document.activeElement.id || document.activeElement.name || document.activeElement.tagName")
        if at in typed and at not in done:
            page.keyboard.type(typed[at])
        elif at in ("availability", "expertise", "f-consent") and at not in done:
            page.keyboard.press("Space")
        elif (
            at == "BUTTON"
            and page.evaluate("document.activeElement.closest('form').method") == "post"
            and done >= {"f-consent"}
        ):
            page.keyboard.press("Enter")
            break
        done.add(at)
        page.keyboard.press("Tab")
    page.wait_for_url("**/account/profile?done=sent")
