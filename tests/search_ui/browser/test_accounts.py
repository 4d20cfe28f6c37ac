"""An account's whole life in a browser, in each language, with and without JavaScript; axe looks at each page."""

from collections.abc import Iterator

import pyotp
import pytest
from playwright.sync_api import expect
from sqlalchemy import Engine, delete, update

from kb.accounts.tables import AccountRow
from kb.db import make_engine, transaction
from kb.limits.tables import LimitRow
from kb.settings import Settings
from schemas.language import LANGUAGES, Language
from tests.people import mails_to, path_in, person
from tests.search_ui.browser.conftest import Visits
from tests.search_ui.browser.visitor import Visitor

PASSWORD = "a harbour full of red boats"


@pytest.fixture
def database(settings: Settings) -> Iterator[Engine]:
    """The site's database, with nothing counted yet."""
    engine = make_engine(settings)
    with transaction(engine) as session:
        session.execute(delete(LimitRow))
        session.execute(delete(AccountRow))
    yield engine
    engine.dispose()


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_sign_up_confirm_sign_in_second_factor_sign_out(
    visits: Visits, database: Engine, settings: Settings, language: Language, scripts: bool
) -> None:
    size = {"width": 1100, "height": 900} if scripts else {"width": 320, "height": 640}
    me = Visitor(visits(java_script_enabled=scripts, viewport=size), language, scripts)
    email = f"ana-{language}-{scripts}@example.org".lower()

    me.go("sign-up", "Make an account")
    me.fill("Send me the link", name="Ana", email=email)
    me.look("Look into your mailbox")
    me.page.goto(path_in(mails_to(settings, database, email)[-1]))
    me.look("Choose a password")
    me.fill("Confirm and save", password="password1234")
    expect(me.page.locator("#f-password-problem")).to_be_visible()
    me.look("Choose a password")
    me.fill("Confirm and save", password=PASSWORD)
    expect(me.page.get_by_role("status")).to_contain_text(me.said("Your password is set. Sign in with it."))
    me.look("Sign in")
    me.fill("Sign in", email=email, password="wrong")
    me.look("Sign in")
    expect(me.page.locator("#f-email")).to_have_value(email)
    me.fill("Sign in", password=PASSWORD)
    me.look("Your account")

    me.page.get_by_role("link", name=me.said("Set up an authenticator app")).click()
    me.look("Set up an authenticator app")
    key = me.page.locator(".secret").inner_text().replace(" ", "")
    assert me.page.evaluate("document.querySelector('.qr').naturalWidth") > 100
    me.fill("Switch it on", code=pyotp.TOTP(key).now(), current=PASSWORD)
    me.look("Your recovery codes")
    me.page.get_by_role("link", name=me.said("I have kept them; go on")).click()
    me.look("Your account")
    for path, title in (
        ("email", "Change the e-mail address"),
        ("password", "Change the password"),
        ("sessions", "Where you are signed in"),
        ("second-factor", "Second factor"),
        ("tokens", "Tokens for the API"),
    ):
        me.go(f"account/{path}", title)
    me.fill("Make the token", name="Import")
    expect(me.page.locator("main .secret")).to_contain_text("kb_")
    me.look("Tokens for the API")

    me.page.get_by_role("button", name=me.said("Sign out"), exact=True).click()
    expect(me.page.get_by_role("status")).to_contain_text(me.said("You are signed out."))
    with transaction(database) as session:  # as if some minutes had passed: a code is good once
        session.execute(update(AccountRow).values(totp_step=AccountRow.totp_step - 3))
    me.go("account", "Sign in")
    me.fill("Sign in", email=email, password=PASSWORD)
    me.look("Your code")
    me.fill("Go on", code=pyotp.TOTP(key).now())
    me.look("Your account")
    me.go("reset", "A new password")


def test_an_editor_is_led_to_the_second_factor_and_back_to_where_they_wanted_to_go(
    visits: Visits, database: Engine
) -> None:
    person(database, "eve@example.org", "editor")
    me = Visitor(visits(viewport={"width": 800, "height": 900}), "en", True)
    me.go("second-factor?next=/en/account/tokens", "Sign in")
    me.fill("Sign in", email="eve@example.org", password="correct horse battery staple")
    me.look("Tokens for the API")
    me.go("second-factor?next=/en/account/tokens", "Set up an authenticator app")
    key = me.page.locator(".secret").inner_text().replace(" ", "")
    code = pyotp.TOTP(key).now()
    me.fill("Switch it on", code=code, current="correct horse battery staple")
    me.page.get_by_role("link", name="I have kept them; go on").click()
    me.look("Tokens for the API")
    expect(me.page.get_by_text("Publish and withdraw records")).to_be_visible()
