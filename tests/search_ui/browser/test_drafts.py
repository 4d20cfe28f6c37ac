"""Writing a draft in a real browser: in each language, with and without JavaScript, by keyboard alone; nothing that axe finds."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, expect
from sqlalchemy import Engine

from kb.accounts.sessions import open_session
from kb.db import make_engine, transaction
from kb.editorial import drafts
from kb.editorial.tables import DraftRow
from kb.settings import Settings
from schemas.forms import FORMS
from schemas.language import LANGUAGES, Language
from search_ui.i18n import gettext
from tests.people import person
from tests.search_ui.browser.accessible import faults
from tests.search_ui.browser.writing import begin, write

Signed = Callable[..., BrowserContext]


@pytest.fixture
def database(settings: Settings) -> Iterator[Engine]:
    engine = make_engine(settings)
    yield engine
    engine.dispose()


@pytest.fixture
def signed(browser: Browser, address: str, database: Engine) -> Iterator[Signed]:
    """Makes browsers in which Ana is signed in."""
    made: list[BrowserContext] = []
    ana = person(database, "ana@example.org", "contributor", organisation="org-1")

    def sign_in(**options: object) -> BrowserContext:
        with transaction(database) as session:
            token = open_session(session, ana.id, "a test", strong=True)
        context = browser.new_context(base_url=address, reduced_motion="reduce", **options)  # type: ignore[arg-type]
        context.add_cookies([{"name": "session", "value": token, "url": address}])
        made.append(context)
        return context

    yield sign_in
    for context in made:
        context.close()


def stored(database: Engine, draft: str) -> DraftRow:
    with transaction(database) as session:
        return session.get_one(DraftRow, draft.rpartition("/")[2])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("script", [True, False], ids=["with JavaScript", "without"])
def test_a_case_is_written_and_sent_in(signed: Signed, database: Engine, language: Language, script: bool) -> None:
    page = signed(java_script_enabled=script).new_page()
    draft = begin(page, language)
    write(page, language)
    assert page.url.partition("?")[0].endswith("/check")
    assert page.get_by_role("heading", name=gettext("Still missing", language)).count() == 0, page.inner_text("main")
    page.get_by_role("button", name=gettext("Send in", language), exact=True).click()
    expect(page.get_by_role("status").first).to_contain_text(
        gettext("Sent in. You will get a mail when an editor has read it.", language)
    )
    row = stored(database, draft)
    assert (row.stage, row.language, row.data["title"]) == ("submitted", language, {language: "Teleférico"})


def test_by_keyboard_alone_one_begins_writes_adds_an_item_and_saves(signed: Signed, database: Engine) -> None:
    page = signed().new_page()
    draft = begin(page, "en")
    page.goto(f"{draft}/solution")

    def to(name: str) -> None:
        for _ in range(80):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.name + ':' + document.activeElement.value").startswith(name):
                return
        raise AssertionError(f"the Tab key does not come to {name}")

    to("solution:")
    page.keyboard.type("A tram")
    to("building_blocks.0.title:")
    page.keyboard.type("One")
    to("building_blocks.0.text:")
    page.keyboard.type("First")
    to("action:add:building_blocks")
    page.keyboard.press("Enter")
    page.wait_for_url("**more=building_blocks**")
    to("building_blocks.1.title:")
    page.keyboard.type("Two")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    data = stored(database, draft).data
    assert [block["title"]["en"] for block in data["building_blocks"]] == ["One", "Two"]


def test_what_is_typed_is_saved_without_a_button_and_a_city_is_found_while_typing(
    signed: Signed, database: Engine
) -> None:
    page = signed().new_page()
    draft = begin(page, "es")
    page.locator('[name="title"]').fill("Tranvía")
    status = page.locator("[data-status]")
    expect(status).to_contain_text("Guardado:", timeout=10_000)
    assert stored(database, draft).data["title"] == {"es": "Tranvía"}
    page.goto(f"{draft}/about")
    page.get_by_label("Buscar en: Temas", exact=True).fill("vivienda")
    expect(page.locator('input[name="topics"][value="affordable-housing"]')).to_be_visible()
    expect(page.locator('input[name="topics"][value="freight-logistics"]')).to_be_hidden()
    page.goto(f"{draft}/place")
    with transaction(database) as session:
        city = session.connection().exec_driver_sql("select id from records where type='city' limit 1").scalar()
        name = drafts.records.get(session, str(city)).record.title
    page.locator('[name="look.links.city"]').type(next(iter(name.values()))[:4])
    page.locator(f'input[name="links.city"][value="{city}"]').check()
    expect(status).to_contain_text("Guardado:", timeout=10_000)
    page.wait_for_timeout(2000)
    assert {"rel": "city", "to": city} in stored(database, draft).data["links"]


def test_promise_8_two_browsers_at_one_draft_lose_nothing(signed: Signed, database: Engine) -> None:
    mine, theirs = signed(java_script_enabled=False).new_page(), signed(java_script_enabled=False).new_page()
    draft = begin(mine, "fr", "news")
    theirs.goto(f"{draft}/basics")
    mine.locator('[name="summary"]').fill("Douze villes rejoignent le réseau.")
    mine.get_by_role("button", name="Enregistrer", exact=True).last.click()
    theirs.locator('[name="summary"]').fill("Treize villes rejoignent le réseau.")
    theirs.locator('[name="title"]').fill("Réseau")
    theirs.get_by_role("button", name="Enregistrer", exact=True).last.click()
    expect(theirs.get_by_role("heading", level=1)).to_have_text("Deux textes à réunir")
    assert theirs.locator("mark").all_inner_texts() == ["Douze", "Treize"]
    theirs.get_by_label("Prendre le leur").check()
    theirs.get_by_role("button", name="Enregistrer ce qui est choisi").click()
    data = stored(database, draft).data
    assert data["summary"] == {"fr": "Douze villes rejoignent le réseau."}
    assert data["title"] == {"fr": "Réseau"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_axe_finds_nothing_and_nothing_is_wider_than_320_pixels(signed: Signed, language: Language) -> None:
    page = signed(
        viewport={"width": 320, "height": 640}, color_scheme="dark" if language == "es" else "light"
    ).new_page()
    case, event = begin(page, language), begin(page, language, "event")
    page.goto(f"{case}/costs")
    page.locator('[name="costs.amount"]').fill("many")
    page.get_by_role("button", name=gettext("Save and go on", language)).click()
    found = [faults(page)]
    paths = [f"{case}/{step.name}" for step in FORMS["case_study"]] + [f"{event}/programme", f"{event}/when"]
    paths += [
        f"{case}/check",
        f"{case}/authors",
        *(f"/{language}/{name}" for name in ("contribute", "drafts", "drafts/import")),
    ]
    for path in paths:
        page.goto(path)
        found.append(faults(page))
    assert "".join(found) == ""
