"""Screening a case for the gender marker in a browser: by keyboard alone, without JavaScript, two at once; in three languages,
on a small screen; axe finds nothing."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, expect

from indexer.tagging.sections import reading_of
from kb.accounts.sessions import open_session
from kb.db import transaction
from kb.records import service as records
from kb.tagging import suggestions
from schemas.language import LANGUAGES, Language
from schemas.records import parse
from schemas.tags import Gender
from schemas.vocabulary import load
from search_ui.i18n import gettext
from tests.people import person
from tests.search_ui.browser.accessible import faults
from tests.search_ui.browser.serving import serving
from tests.search_ui.own_site import prepared_in
from tests.search_ui.test_gender_wizard import AIM, CASE, SURVEY, suggested

NARROW = {"width": 320, "height": 640}
WIDE = {"width": 1280, "height": 900}
KEYS = {"en": "y", "es": "s", "fr": "o"}
_NUMBERS = count(1)

Desk = Callable[..., AbstractContextManager[Page]]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    return prepared_in(tmp_path_factory.mktemp("gender"))


@pytest.fixture(scope="module")
def served(app: FastAPI) -> Iterator[str]:
    with serving(app) as address:
        yield address


@pytest.fixture
def case(app: FastAPI, served: str) -> str:
    """A case of which something was suggested."""
    record = parse(CASE | {"id": f"trams-{next(_NUMBERS)}"})
    with transaction(app.state.engine) as session:
        records.save(session, record, "import")
        suggestions.keep(session, record.id, reading_of(record).key, suggested(), b"")
    return record.id


@pytest.fixture
def desk(app: FastAPI, served: str, browser: Browser) -> Desk:
    """``with desk(path, name="eve")``: the page, as this editor sees it. No console may complain."""

    @contextmanager
    def opened(path: str, name: str = "eve", **options: object) -> Iterator[Page]:
        account = person(app.state.engine, f"{name}@example.org", "editor")
        with transaction(app.state.engine) as session:
            token = open_session(session, account.id, "a browser", strong=True)
        options = {"viewport": NARROW} | options
        context = browser.new_context(base_url=served, reduced_motion="reduce", **options)  # type: ignore[arg-type]
        context.add_cookies([{"name": "session", "value": token, "url": served}])
        page, complaints = context.new_page(), list[str]()
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path)
        yield page
        context.close()
        assert [each for each in complaints if "status of 409" not in each and "status of 422" not in each] == []

    return opened


def _gender(app: FastAPI, case: str) -> Gender:
    with transaction(app.state.engine) as session:
        return records.get(session, case).record.gender


def _address(case: str, language: str = "en") -> str:
    return f"/{language}/desk/tags/{case}/gender"


def _focus(page: Page, selector: str) -> None:
    """Go on with the tab key until this has the focus."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"the tab key does not lead to {selector}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_by_keyboard_alone_a_case_is_screened_question_by_question(
    app: FastAPI, desk: Desk, case: str, language: Language
) -> None:
    questions = load("gender_criteria").terms
    with desk(_address(case, language), viewport=WIDE) as page:
        assert faults(page) == ""
        shown = page.locator("fieldset:visible")
        expect(shown).to_have_count(1)
        expect(page.locator("fieldset[data-suggested]")).to_have_count(3)
        page.keyboard.press(KEYS[language])
        expect(page.locator("fieldset[data-suggested]")).to_have_count(2)
        page.keyboard.press("ArrowRight")
        expect(shown).to_contain_text(questions[1].label[language])
        page.keyboard.press("n")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("-")
        page.keyboard.press("y")
        for _ in range(4):
            page.keyboard.press("ArrowRight")
        expect(shown).to_contain_text(questions[6].label[language])
        page.keyboard.press("n")
        expect(page.locator("#result .marker")).to_contain_text(load("gender_markers").label_of("0", language))
        page.keyboard.press("-")
        expect(page.locator("#result .marker")).to_contain_text(load("gender_markers").label_of("1", language))
        expect(page.locator("#result")).to_contain_text(gettext("provisional", language))
        page.keyboard.press("ArrowLeft")
        expect(shown).to_contain_text(questions[5].label[language])
        # A passage, by keys too: from the question's button into the text, a sentence down, and back with it.
        page.keyboard.press("y")
        _focus(page, ".pick")
        page.keyboard.press("Enter")
        for _ in range(3):
            page.keyboard.press("ArrowDown")
        sentence = page.evaluate("document.activeElement.textContent")
        page.keyboard.press("Enter")
        expect(shown.locator("textarea")).to_have_value(sentence)
        _focus(page, ".gender-form > .actions button:not([data-show])")
        page.keyboard.press("Enter")
        page.wait_for_url("**?done=saved")
        expect(page.locator(".gender-now .marker")).to_contain_text(load("gender_markers").label_of("1", language))
        assert faults(page) == ""
    gender = _gender(app, case)
    assert gender.checklist == {"objective": True, "principal": False, "analysis": True, "disaggregated": True}
    assert gender.passages == {"objective": AIM, "analysis": SURVEY, "disaggregated": sentence}
    assert gender.sex_disaggregated_data is True


def test_the_keys_can_be_switched_off_and_stay_off(desk: Desk, case: str) -> None:
    with desk(_address(case)) as page:
        page.keyboard.press("n")
        first = page.locator('[name="answer.objective"][value="no"]')
        expect(first).to_be_checked()
        page.locator("[data-shortcuts]").uncheck()
        page.locator("h1").click()
        page.keyboard.press("y")
        expect(first).to_be_checked()
        page.keyboard.press("ArrowRight")
        expect(page.locator("fieldset:visible")).to_have_attribute("data-question", "objective")
        page.reload()
        page.keyboard.press("ArrowRight")
        expect(page.locator("fieldset:visible")).to_have_attribute("data-question", "objective")
        expect(page.locator("[data-shortcuts]")).not_to_be_checked()


def test_keys_do_nothing_while_one_writes_and_what_is_selected_in_the_text_is_taken(desk: Desk, case: str) -> None:
    with desk(_address(case), viewport=WIDE) as page:
        page.keyboard.press("ArrowRight")
        box = page.locator('[name="passage.principal"]')
        box.fill("")
        box.press_sequentially("any - no")
        expect(box).to_have_value("any - no")
        expect(page.locator('[name="answer.principal"][value="no"]')).to_be_checked()
        page.evaluate(
            """() => {
                const sentence = [...document.querySelectorAll("[data-sentence]")].at(-1).firstChild;
                getSelection().setBaseAndExtent(sentence, 0, sentence, 4);
            }"""
        )
        page.locator("fieldset:visible .pick").click()
        expect(box).to_have_value("Half")


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_javascript_the_same_form_does_it_and_says_what_is_wrong(
    app: FastAPI, desk: Desk, case: str, language: Language
) -> None:
    with desk(_address(case, language), java_script_enabled=False) as page:
        expect(page.locator("fieldset:visible")).to_have_count(8)
        page.locator('[name="answer.principal"][value="yes"]').check()
        page.locator('[name="passage.principal"]').fill("Nobody wrote this.")
        page.get_by_role("button", name=gettext("Show the result", language)).click()
        expect(page.locator("#result .marker")).to_contain_text(load("gender_markers").label_of("2", language))
        assert _gender(app, case).marker is None
        save = page.get_by_role("button", name=gettext("Save", language), exact=True)
        save.click()
        expect(page.locator(".problems")).to_contain_text(
            gettext("This passage is not in the text word for word. Copy it from there.", language)
        )
        expect(page.locator('[name="passage.principal"]')).to_have_value("Nobody wrote this.")
        page.locator('[name="passage.principal"]').fill(AIM)
        save.click()
        page.wait_for_url("**?done=saved")
        page.get_by_role("button", name=gettext("Set back to not screened", language)).click()
        expect(page.locator(".gender-now .marker")).to_contain_text(
            load("gender_markers").label_of("unscreened", language)
        )
        page.get_by_role("button", name=gettext("Take the last decision back", language)).click()
        expect(page.locator(".gender-now .marker")).to_contain_text(load("gender_markers").label_of("2", language))
    assert _gender(app, case).passages["principal"] == AIM


def test_two_at_once_on_the_same_case_nothing_is_lost(app: FastAPI, desk: Desk, case: str) -> None:
    with desk(_address(case)) as eves, desk(_address(case), "ben") as bens:
        eves.keyboard.press("n")
        eves.get_by_role("button", name="Save", exact=True).click()
        eves.wait_for_url("**?done=saved")
        bens.locator('[name="comment"]').fill("It is the first aim in the plan.")
        bens.get_by_role("button", name="Save", exact=True).click()
        expect(bens.locator(".problems")).to_contain_text("Somebody else has decided")
        expect(bens.locator('[name="comment"]')).to_have_value("It is the first aim in the plan.")
        expect(bens.locator(".gender-now")).to_contain_text("0 – Screened, not targeted")
        assert faults(bens) == ""
        assert _gender(app, case).marker == 0
        bens.get_by_role("button", name="Save", exact=True).click()
        bens.wait_for_url("**?done=saved")
    assert _gender(app, case).marker == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_readers_can_open_how_the_marker_came_about_on_a_small_screen(
    app: FastAPI, desk: Desk, case: str, language: Language
) -> None:
    with desk(_address(case, language)) as page:
        assert faults(page) == ""
        page.get_by_role("button", name=gettext("Save", language), exact=True).click()
        page.wait_for_url("**?done=saved")
        page.goto(f"/{language}/case-studies/{case}#gender")
        page.locator(".criteria summary").press("Enter")
        expect(page.locator(".criteria")).to_contain_text(load("gender_criteria")["analysis"].label[language])
        expect(page.locator(".criteria")).to_contain_text(SURVEY)
        assert faults(page) == ""
