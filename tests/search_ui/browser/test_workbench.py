"""The tagging workbench by keyboard alone, in three languages; two people at once; a connection that is lost; without
JavaScript."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import Engine

from kb.accounts.sessions import open_session
from kb.db import make_engine, migrate, transaction
from kb.records import service as records
from kb.settings import Settings
from kb.tagging import cases
from schemas.accounts import Account
from schemas.language import LANGUAGES, Language
from search_ui.app import create_app
from search_ui.i18n import gettext
from tests.people import person
from tests.search_ui.browser.accessible import faults
from tests.search_ui.browser.serving import serving
from tests.search_ui.tagged import FIRST, SECOND, suggested

#: Statuses that the browser itself logs: a decision that came too late, or was refused.
EXPECTED = re.compile(r"status of (409|422|401)|ERR_INTERNET_DISCONNECTED|ERR_FAILED")


class World:
    """A site with cases to decide on, and browsers of people in it."""

    def __init__(self, engine: Engine, address: str, browser: Browser) -> None:
        self.engine, self.address, self.browser = engine, address, browser
        self.contexts: list[BrowserContext] = []
        self.complaints: list[str] = []

    def person(self, name: str) -> Account:
        return person(self.engine, f"{name}@example.org", "editor")

    def page(self, who: Account, **options: object) -> Page:
        with transaction(self.engine) as session:
            token = open_session(session, who.id, "a browser", strong=True)
        context = self.browser.new_context(base_url=self.address, reduced_motion="reduce", **options)  # type: ignore[arg-type]
        context.add_cookies([{"name": "session", "value": token, "url": self.address}])
        self.contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: self._note(message.type, message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return page

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and not EXPECTED.search(text):
            self.complaints.append(text)

    def decided(self, record_id: str) -> list[tuple[str, str]]:
        with transaction(self.engine, readonly=True) as session:
            return [(row.action, row.code) for row in cases.decisions_of(session, record_id)]

    def tags(self, record_id: str) -> list[tuple[str, bool, str | None]]:
        with transaction(self.engine, readonly=True) as session:
            return [(tag.code, tag.primary, tag.passage) for tag in records.get(session, record_id).record.sdgs]


@pytest.fixture
def world(tmp_path: Path, browser: Browser) -> Iterator[World]:
    settings = Settings(data_dir=tmp_path, environment="development", tagging="manual", _env_file=None)  # type: ignore[call-arg]
    engine = make_engine(settings)
    migrate(engine)
    suggested(engine, "a", 0.95)
    suggested(engine, "b", 0.9)
    with serving(create_app(settings)) as address:
        made = World(engine, address, browser)
        yield made
        for context in made.contexts:
            context.close()
    engine.dispose()
    assert made.complaints == []


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def is_at(page: Page, card: str) -> None:
    expect(page.locator(f"#{card}")).to_be_focused()


def told(page: Page, text: str | re.Pattern[str]) -> None:
    expect(page.locator("#bench-live")).to_contain_text(text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_from_the_queue_through_a_case_to_the_next_by_keyboard_alone(world: World, language: Language) -> None:
    def said(text: str, **values: str) -> str:
        return gettext(text, language) % values if values else gettext(text, language)

    page = world.page(world.person("eve"))
    page.goto(f"/{language}/desk/tags")
    press(page, "j", "j", "k", "Enter")
    page.wait_for_url("**/desk/tags/a?at=0.95")
    started = time.monotonic()
    is_at(page, "sdg-11")
    expect(page.locator("mark.is-current")).to_contain_text(FIRST)
    press(page, "2", "a")
    is_at(page, "sdg-5")
    told(page, re.compile(r"11\.7 "))
    expect(page.locator("mark.is-current")).to_contain_text(SECOND)
    press(page, "p", "a")
    is_at(page, "theme-mobility")
    press(page, "r")
    told(page, said("All suggestions are decided on. n leads to the next case."))
    assert world.tags("a") == [("11.7", False, FIRST), ("5", True, SECOND)]
    press(page, "u")
    told(page, re.compile(re.escape(said("%(tag)s: taken back.", tag="")).strip()))
    is_at(page, "theme-mobility")
    press(page, "a")
    told(page, said("All suggestions are decided on. n leads to the next case."))
    press(page, "ArrowUp", "ArrowUp", "3")
    told(page, re.compile(r"11\.a "))
    assert faults(page) == ""
    press(page, "n")
    page.wait_for_url("**/desk/tags/b?at=0.9")
    assert time.monotonic() - started < 60
    is_at(page, "sdg-11")
    assert world.decided("a") == [
        ("accept", "11"), ("accept", "5"), ("change", "11.7"), ("reject", "mobility"), ("undo", "mobility"),
        ("accept", "mobility"), ("change", "11.7"),
    ]  # fmt: skip
    press(page, "n")
    page.wait_for_url("**/desk/tags?done=last-case")
    expect(page.locator(".queue > li")).to_have_count(1)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_passage_is_chosen_and_tagged_by_keyboard_alone(world: World, language: Language) -> None:
    page = world.page(world.person("eve"))
    page.goto(f"/{language}/desk/tags/a")
    is_at(page, "sdg-11")
    press(page, "s", "ArrowDown", "ArrowDown", "ArrowLeft", "ArrowLeft")
    told(page, "Women feel safe at")
    press(page, "Enter")
    expect(page.locator("#add-passage")).to_have_value("Women feel safe at")
    expect(page.locator("#add-tag")).to_be_focused()
    page.locator("#add-tag").select_option("sdg:16.1")
    press(page, "Tab", "Tab", "Enter")
    is_at(page, "sdg-11")
    expect(page.locator("#sdg-16")).to_have_attribute("data-state", "accepted")
    assert world.tags("a") == [("16.1", True, "Women feel safe at")]
    press(page, "e", "ArrowDown", "ArrowDown", "Enter")
    expect(page.locator("#sdg-11-passage")).to_have_value(SECOND)
    is_at(page, "sdg-11")
    press(page, "a")
    is_at(page, "sdg-5")
    assert world.tags("a")[1] == ("11.2", False, SECOND)
    press(page, "s", "Escape")
    told(page, gettext("No passage was chosen.", language))
    is_at(page, "sdg-5")


def test_what_is_not_suggested_is_found_and_tagged(world: World) -> None:
    page = world.page(world.person("eve"))
    page.goto("/en/desk/tags/a")
    press(page, "/")
    page.keyboard.type("water")
    press(page, "Enter")
    page.wait_for_function("document.activeElement.id === 'sdg-6'")
    press(page, "a")
    expect(page.locator("#sdg-6")).to_have_attribute("data-state", "accepted")
    assert world.tags("a")[0][0].startswith("6")


def test_two_people_on_one_case_lose_nothing_and_decide_nothing_twice(world: World) -> None:
    eve, ben = world.page(world.person("eve")), world.page(world.person("ben"))
    for page in (eve, ben):
        page.goto("/en/desk/tags/a")
        is_at(page, "sdg-11")
    ben.locator("#sdg-11-more summary").click()
    ben.locator("#sdg-11-comment").fill("Only on the way.")
    ben.locator("#sdg-5-more summary").click()
    ben.locator("#sdg-5-comment").fill("Lights.")
    press(eve, "a")
    is_at(eve, "sdg-5")
    ben.locator("#sdg-11 [data-do=reject]").click()
    told(ben, "Eve has decided meanwhile: accepted, 11.2 Safe and affordable transport for all.")
    is_at(ben, "sdg-11")
    expect(ben.locator("#sdg-11")).to_have_attribute("data-state", "accepted")
    expect(ben.locator("#sdg-11-comment")).to_have_value("Only on the way.")
    expect(ben.locator("#sdg-5-comment")).to_have_value("Lights.")
    assert world.decided("a") == [("accept", "11")]
    press(ben, "j", "a")
    told(ben, "5 Gender equality: accepted.")
    press(eve, "r")
    told(eve, "Ben has decided meanwhile: accepted, 5 Gender equality.")
    expect(eve.locator("#sdg-5 .bench-facts")).to_contain_text("Lights.")
    press(eve, "j", "a")
    expect(eve.locator("#theme-mobility")).to_have_attribute("data-state", "accepted")
    assert world.decided("a") == [("accept", "11"), ("accept", "5"), ("accept", "mobility")]


def test_a_lost_connection_is_told_and_nothing_is_lost(world: World) -> None:
    page = world.page(world.person("eve"))
    page.goto("/en/desk/tags/a")
    page.locator("#sdg-11-more summary").click()
    page.locator("#sdg-11-comment").fill("Every six minutes.")
    page.context.set_offline(True)
    page.locator("#sdg-11").focus()
    press(page, "a")
    told(page, "The connection is lost.")
    assert world.decided("a") == []
    page.context.set_offline(False)
    press(page, "a")
    is_at(page, "sdg-5")
    expect(page.locator("#sdg-11 .bench-facts")).to_contain_text("Every six minutes.")
    page.context.clear_cookies()
    press(page, "a")
    told(page, "You are signed out.")
    assert world.decided("a") == [("accept", "11")]


def test_single_keys_do_nothing_in_fields_and_can_be_switched_off(world: World) -> None:
    page = world.page(world.person("eve"))
    page.goto("/en/desk/tags/a")
    page.locator("#sdg-11-more summary").click()
    page.locator("#sdg-11-comment").focus()
    page.keyboard.type("area? up/ n")
    expect(page.locator("#sdg-11-comment")).to_have_value("area? up/ n")
    page.locator("#sdg-11").focus()
    press(page, "?")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert faults(page) == ""
    press(page, "a")
    assert world.decided("a") == []
    page.get_by_role("dialog").get_by_role("checkbox").uncheck()
    press(page, "Escape")
    for target in ("/en/desk/tags/a", "/en/desk/tags"):
        page.goto(target)
        press(page, "j", "n", "a")
        assert page.url.endswith(target)
    assert world.decided("a") == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_javascript_on_a_small_screen(world: World, language: Language) -> None:
    page = world.page(world.person("eve"), java_script_enabled=False, viewport={"width": 320, "height": 640})
    page.goto(f"/{language}/desk/tags")
    page.locator("#title-1").press("Enter")
    page.locator("#sdg-11 input[value='11.7']").check()
    page.locator("#sdg-11 [data-do=accept]").press("Enter")
    told(page, re.compile(r"11\.7 "))
    page.locator("#sdg-5 [data-do=reject]").press("Enter")
    page.locator("#theme-mobility [data-do=accept]").press("Enter")
    page.locator("#theme-mobility [data-undo] button").press("Enter")
    page.locator("#add summary").press("Enter")
    page.locator("#add-passage").fill(SECOND)
    page.locator("#add-tag").select_option("theme:public-space")
    page.locator("#add-tag").press("Tab")
    page.locator("[data-add] button").press("Enter")
    assert world.decided("a") == [
        ("accept", "11"), ("reject", "5"), ("accept", "mobility"), ("undo", "mobility"), ("add", "public-space"),
    ]  # fmt: skip
    assert faults(page, scripts=False) == ""
    page.locator("[data-next]").press("Enter")
    page.wait_for_url("**/desk/tags/b?at=0.9")
