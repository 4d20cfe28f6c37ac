"""Pages of records and subjects in a browser: accessible, in three languages, narrow and dark; a case on one page."""

import re
from collections.abc import Iterator

import pytest

from kb.records.urls import SEGMENTS
from schemas.language import LANGUAGES
from schemas.records import to_value
from search_ui import demo
from tests.search_ui.browser.accessible import faults_in_every_look
from tests.search_ui.browser.serving import serving
from tests.search_ui.full_records import FULL, TAKER
from tests.search_ui.own_site import prepared_in

SUBJECTS = ["sdgs", "sdgs/11", "gender", "gender/mobility", "topics", "topics/mobility", "cities", "experts"]
PAGES = [f"{segment}/full-{kind}" for kind, segment in SEGMENTS.items()] + SUBJECTS
CASE = "case-studies/medellin-metrocable"

each_page = pytest.mark.parametrize("path", PAGES)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A served site with one complete record of each type, and the cases of the demonstration."""
    cases = [to_value(record) for record in demo.read() if f"case-studies/{record.id}" == CASE]
    app = prepared_in(tmp_path_factory.mktemp("served"), *FULL.values(), TAKER, *cases)
    with serving(app) as address:
        yield address


@each_page
@pytest.mark.parametrize("language", LANGUAGES)
def test_wide_or_narrow_light_or_dark_everybody_can_use_it(opens, path: str, language: str) -> None:  # type: ignore[no-untyped-def]
    assert faults_in_every_look(opens(f"/{language}/{path}")) == ""


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_screen_of_a_case_has_cost_contact_failure_and_conditions(opens, language: str) -> None:  # type: ignore[no-untyped-def]
    page = opens(f"/{language}/{CASE}", viewport={"width": 1280, "height": 800})
    for part in ("#fact-cost", "#fact-contact", "#card-failed h3", "#card-conditions h3"):
        box = page.locator(part).bounding_box()
        assert box, part
        assert box["y"] + box["height"] <= 800, part


def test_on_a_narrow_screen_they_are_one_step_away(opens) -> None:  # type: ignore[no-untyped-def]
    page = opens(f"/en/{CASE}", viewport={"width": 360, "height": 740})
    for name in ("Cost", "What did not work", "It takes", "Whom to call"):
        link = page.locator(".jumps").get_by_role("link", name=name)
        box = link.bounding_box()
        assert box, name
        assert box["y"] + box["height"] <= 740, name
        assert page.locator(link.get_attribute("href") or "").is_visible()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_case_prints_as_a_briefing_of_one_page(opens, language: str) -> None:  # type: ignore[no-untyped-def]
    pages = len(
        re.findall(rb"/Type\s*/Page\b", opens(f"/{language}/{CASE}").pdf(format="A4", prefer_css_page_size=True))
    )
    assert pages == 1
