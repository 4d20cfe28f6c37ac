"""A session that ends while somebody writes."""

import pytest
from playwright.sync_api import Browser

from kb.accounts.sessions import open_session
from kb.db import make_engine, migrate, transaction
from kb.settings import Settings
from search_ui.app import create_app
from tests.people import person
from tests.search_ui.browser.serving import serving


@pytest.mark.parametrize("scripts", [True, False], ids=["with", "without"])
def test_what_was_typed_after_the_session_ended_is_saved_once_one_has_signed_in_again(
    browser: Browser, sqlite_settings: Settings, scripts: bool
) -> None:
    engine = make_engine(sqlite_settings)
    migrate(engine)
    ana = person(engine, "ana@example.org")

    def cookie() -> dict[str, str]:
        with transaction(engine) as session:
            return {"name": "session", "value": open_session(session, ana.id, "a browser", strong=True), "url": address}

    with serving(create_app(sqlite_settings)) as address:
        context = browser.new_context(base_url=address, java_script_enabled=scripts)
        context.add_cookies([cookie()])  # type: ignore[list-item]
        page = context.new_page()
        page.goto("/fr/account")
        page.locator("#f-name").fill("Ana Ruiz")
        context.clear_cookies()
        page.locator("main form button").click()
        assert page.locator("h1").inner_text() == "Vous n’êtes pas connecté·e"
        context.add_cookies([cookie()])  # type: ignore[list-item]
        page.reload()
        assert page.locator("#f-name").input_value() == "Ana Ruiz"
        assert "done=saved" in page.url
        context.close()
    engine.dispose()
