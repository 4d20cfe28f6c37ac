"""Trying a text in a browser: with and without JavaScript, by keyboard, in three languages; stopping; what goes wrong."""

import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, expect

from indexer.tagging import opening
from schemas.language import LANGUAGES, Language
from tests.kb.documents import papers
from tests.search_ui.browser.accessible import faults
from tests.search_ui.browser.serving import serving
from tests.search_ui.own_site import prepared_in
from tests.search_ui.test_tagging_page import TEXTS

BUTTON: dict[Language, str] = {"en": "See the suggestions", "es": "Ver las propuestas", "fr": "Voir les propositions"}
HEADING: dict[Language, str] = {
    "en": "What the text speaks of", "es": "De qué habla el texto", "fr": "De quoi parle le texte",
}  # fmt: skip


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    return prepared_in(tmp_path_factory.mktemp("tryout"))


@pytest.fixture(scope="module")
def served(app: FastAPI) -> Iterator[str]:
    with serving(app) as address:
        yield address


@pytest.fixture
def opened(browser: Browser, served: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Page]]:
    """Opens the page; at the end no script may have failed."""
    monkeypatch.setitem(__import__("kb.limits.service", fromlist=["RULES"]).RULES, "tagging", (10_000, 60))
    contexts, complaints = [], []

    def open_page(language: Language, **options: object) -> Page:
        context = browser.new_context(base_url=served, reduced_motion="reduce", **options)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"/{language}/tagging")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_a_text_is_tried_by_keyboard_alone(opened: Callable[..., Page], language: Language, scripts: bool) -> None:
    page = opened(language, java_script_enabled=scripts, viewport={"width": 320, "height": 640})
    page.locator("#f-text").focus()
    page.keyboard.insert_text(TEXTS[language])
    for _ in range(8):
        page.keyboard.press("Tab")
        if page.locator(":focus").inner_text() == BUTTON[language]:
            break
    page.keyboard.press("Enter")
    heading = page.get_by_role("heading", name=HEADING[language])
    expect(heading).to_be_visible(timeout=30_000)
    if scripts:
        expect(heading).to_be_focused()
        expect(page.locator("#try-progress")).to_be_hidden()
    assert faults(page, scripts=scripts) == ""
    expect(page.locator(".tried .sdg-11").first).to_be_visible()
    page.locator(".tried a[href^='#passage-']").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("#passage-"))
    expect(page.locator(":target")).to_have_count(1)
    assert faults(page, scripts=scripts) == ""


def test_a_document_is_tried_and_its_text_can_be_corrected(opened: Callable[..., Page], tmp_path: Path) -> None:
    page = opened("en")
    file = tmp_path / "plan.docx"
    file.write_bytes(papers.word(TEXTS["en"]))
    page.locator("#f-file").set_input_files(file)
    page.get_by_role("button", name=BUTTON["en"]).click()
    expect(page.get_by_role("heading", name=HEADING["en"])).to_be_focused(timeout=30_000)
    assert "harassment" in page.locator("#f-text").input_value()
    assert page.locator("#f-file").input_value() == ""
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download as JSON").click()
    assert waiting.value.suggested_filename == "suggestions.json"


def test_what_is_wrong_is_told_and_the_focus_goes_there(opened: Callable[..., Page], tmp_path: Path) -> None:
    page = opened("fr")
    file = tmp_path / "scan.pdf"
    file.write_bytes(papers.scan())
    page.locator("#f-text").fill("Ce qui est tapé reste.")
    page.locator("#f-file").set_input_files(file)
    page.get_by_role("button", name=BUTTON["fr"]).click()
    expect(page.get_by_role("alert")).to_contain_text("reconnaissance de texte")
    expect(page.get_by_role("alert")).to_be_focused()
    assert page.locator("#f-text").input_value() == "Ce qui est tapé reste."


def test_progress_is_shown_and_the_reading_can_be_stopped(
    opened: Callable[..., Page], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown, ended = threading.Event(), threading.Event()

    def slow(used: object, tagger: object, text: str, language: str, progress: Callable[[int, int], None]) -> None:
        try:
            for step in range(1, 401):
                progress(step, 400)
                shown.wait(0.05)
        finally:
            ended.set()

    monkeypatch.setattr(opening, "suggest", slow)
    page = opened("en")
    page.locator("#f-text").fill(TEXTS["en"])
    page.get_by_role("button", name=BUTTON["en"]).click()
    bar = page.get_by_role("progressbar")
    expect(bar).to_have_attribute("max", "400")
    assert page.evaluate("document.getElementById('try-bar').value") < 400
    assert faults(page) == ""
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#try-said")).to_have_text("Stopped.")
    expect(page.get_by_role("button", name=BUTTON["en"])).to_be_focused()
    assert ended.wait(10), "the work goes on although nobody waits for it"
