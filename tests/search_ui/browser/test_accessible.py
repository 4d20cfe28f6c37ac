"""Everyone can use every page: axe finds nothing, nothing is wider than a small screen, nothing needs JavaScript."""

import re

import pytest
from playwright.sync_api import Page

from schemas.language import LANGUAGES
from tests.search_ui.browser.accessible import faults_in_every_look

PAGES = {
    "home": "",
    "results": "search?q=housing",
    "results with filters": "search?type=case_study&sdg=11&topic=mobility",
    "map": "search?view=map&type=city",
    "no results": "search?q=xqzvwk&topic=housing",
    "about": "about",
    "accessibility statement": "accessibility",
    "status": "status",
    "API": "api",
    "missing": "nothing-here",
}

each_page = pytest.mark.parametrize(("name", "path"), PAGES.items(), ids=PAGES.keys())
each_language = pytest.mark.parametrize("language", LANGUAGES)


def _expected(name: str) -> int:
    return 404 if name == "missing" else 200


@each_page
@each_language
def test_wide_or_narrow_light_or_dark_everybody_can_use_it(opens, name: str, path: str, language: str) -> None:  # type: ignore[no-untyped-def]
    assert faults_in_every_look(opens(f"/{language}/{path}", expected=_expected(name))) == ""


@each_page
def test_pages_say_the_same_without_javascript(opens, name: str, path: str) -> None:  # type: ignore[no-untyped-def]
    def text(page: Page) -> str:
        page.evaluate("document.querySelectorAll('.map-tools').forEach(tools => tools.remove())")
        # The status page says what time it is.
        return re.sub(r"\d+:\d\d UTC", "", page.locator("main").inner_text())

    plain = opens(f"/es/{path}", expected=_expected(name), java_script_enabled=False)
    assert plain.locator("[data-theme-switch]").is_hidden()
    assert text(plain) == text(opens(f"/es/{path}", expected=_expected(name)))


@pytest.mark.parametrize("width", [320, 1280])
def test_filters_work_without_javascript(opens, width: int) -> None:  # type: ignore[no-untyped-def]
    page = opens("/en/search?q=city", java_script_enabled=False, viewport={"width": width, "height": 900})
    if width == 320:
        page.locator("#filters-all > summary").click()
    page.get_by_label("Case study").check()
    page.get_by_role("button", name="Apply filters").first.click()
    assert "type=case_study" in page.url
    assert page.get_by_role("link", name="Remove the filter Kind of record: Case study").is_visible()
    page.get_by_role("link", name="Clear all filters").click()
    assert "type=" not in page.url


def test_text_can_be_four_times_as_large(opens) -> None:  # type: ignore[no-untyped-def]
    page = opens("/fr/search?q=rue", viewport={"width": 320, "height": 256})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert page.locator("#q").is_visible()
