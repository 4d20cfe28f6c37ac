"""By keyboard alone, in each language: somebody chooses suggestions, reads the sample, accepts the rest,
sees what it did to the coverage, and takes it back."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, Page
from sqlalchemy import select

from kb.accounts.sessions import open_session
from kb.db import transaction
from kb.tagging import bulk_run, suggestions
from kb.tagging.tables import BulkRow, DecisionRow
from schemas.language import LANGUAGES, Language
from tests.kb.tagging.said import said
from tests.people import person
from tests.search_ui.browser.serving import serving
from tests.search_ui.own_site import prepared_in

COUNT = 14


@pytest.fixture
def app(tmp_path: Path) -> FastAPI:
    cases = [
        {
            "type": "case_study", "id": f"case-{number:02}", "language": "en", "title": {"en": f"Trams {number}"},
            "status": "published", "place": {"country": "CO" if number % 2 else "FR"},
        }
        for number in range(COUNT)
    ]  # fmt: skip
    return prepared_in(tmp_path, *cases)


@pytest.fixture
def served(app: FastAPI) -> Iterator[str]:
    with serving(app) as address:
        with transaction(app.state.engine) as session:
            for number in range(COUNT):
                suggestions.keep(session, f"case-{number:02}", "a" * 32, said({"11": 0.95}, {}), b"")
        yield address


def _press(page: Page, selector: str) -> None:
    """Go there with the keyboard, and press Enter."""
    for _ in range(200):
        page.keyboard.press("Tab")
        if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            with page.expect_navigation():
                page.keyboard.press("Enter")
            return
    raise AssertionError(f"the keyboard does not reach {selector}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_bulk_is_read_accepted_and_taken_back_by_keyboard(
    browser: Browser, app: FastAPI, served: str, language: Language
) -> None:
    eve = person(app.state.engine, "eve@example.org", "editor", language=language)
    with transaction(app.state.engine) as session:
        token = open_session(session, eve.id, "a browser", strong=True)
    context = browser.new_context(base_url=served, viewport={"width": 320, "height": 640})
    context.add_cookies([{"name": "session", "value": token, "url": served}])
    page = context.new_page()
    page.goto(f"/{language}/desk/tags/bulk")
    _press(page, "form[method=post][action$='/bulk'] button")
    for _ in range(10):
        _press(page, "button[name=right][value=yes]")
    assert page.locator("#result").inner_text().replace("\N{NO-BREAK SPACE}", "").replace(" ", "").find("100") >= 0
    _press(page, "button[name=rest][value=yes]")
    _finish(app)
    with transaction(app.state.engine, readonly=True) as session:
        assert len(session.scalars(select(DecisionRow).where(DecisionRow.action == "accept")).all()) == COUNT
    page.goto(f"/{language}/desk/tags/analysis")
    assert page.locator("a[href*='sdg=11']").first.inner_text().startswith(str(COUNT))
    page.goto(f"/{language}/desk/tags/bulk/1")
    _press(page, "form[action$='/undo'] button")
    _finish(app)
    with transaction(app.state.engine, readonly=True) as session:
        assert session.scalars(select(BulkRow.stage)).one() == "undone"
    page.goto(f"/{language}/sdgs/coverage")
    assert page.locator("a[href*='sdg=11']").count() == 0
    context.close()


def _finish(app: FastAPI) -> None:
    bulk_run.run(app.state.engine, 1, 60)
