"""Learning from decisions in a browser, by keyboard alone, in three languages: look, switch on, go back; axe finds nothing."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, Page

from kb.accounts.sessions import open_session
from kb.db import transaction
from kb.tagging import learnt
from schemas.language import LANGUAGES, Language
from search_ui.i18n import gettext
from tests.people import person
from tests.search_ui.browser.accessible import faults
from tests.search_ui.browser.serving import serving
from tests.search_ui.learnt import base, version
from tests.search_ui.own_site import prepared_in


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    return prepared_in(tmp_path_factory.mktemp("learning"))


@pytest.fixture(scope="module")
def served(app: FastAPI) -> Iterator[str]:
    with serving(app) as address:
        for documents in (25, 300):
            version(app.state.engine, documents)
        yield address


@pytest.fixture(params=[320, 1280])
def desk(request: pytest.FixtureRequest, browser: Browser, app: FastAPI, served: str) -> Iterator[Page]:
    ada = person(app.state.engine, "ada@example.org", "editor", "administrator")
    with transaction(app.state.engine) as session:
        token = open_session(session, ada.id, "a browser", strong=True)
    size = {"width": request.param, "height": 800}
    context = browser.new_context(base_url=served, viewport=size, reduced_motion="reduce")
    context.add_cookies([{"name": "session", "value": token, "url": served}])
    yield context.new_page()
    context.close()


def _press(page: Page, role: str, name: str) -> None:
    """Go there by the tab key, and press Enter."""
    wanted = page.get_by_role(role, name=name, exact=True).first  # type: ignore[arg-type]
    wanted.wait_for()
    for _ in range(80):
        page.keyboard.press("Tab")
        if wanted.evaluate("it => it === document.activeElement"):
            with page.expect_navigation():
                page.keyboard.press("Enter")
            return
    raise AssertionError(f"the tab key does not reach “{name}”")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_version_is_looked_at_switched_on_and_taken_back_by_keyboard(
    desk: Page, app: FastAPI, language: Language
) -> None:
    def in_use() -> int:
        with transaction(app.state.engine) as session:
            row = learnt.active(session, base())
            return row.version if row else 0

    desk.goto(f"/{language}/desk/tags/learning")
    assert faults(desk) == ""
    _press(desk, "link", gettext("Version %(n)s", language) % {"n": 2})
    assert faults(desk) == ""
    desk.locator("#f-comment").focus()
    desk.keyboard.type("Fewer wrong ones")
    _press(desk, "button", gettext("Switch it on", language))
    assert in_use() == 2
    assert faults(desk) == ""
    assert desk.get_by_text("Fewer wrong ones").first.is_visible()
    _press(desk, "button", gettext("Go back to the base", language))
    assert in_use() == 0
    desk.goto(f"/{language}/desk/tags/learning/1")
    assert faults(desk) == ""
