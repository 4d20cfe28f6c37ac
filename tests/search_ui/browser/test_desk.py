"""The desk by keyboard alone, on a small screen, in three languages; axe finds nothing."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Page

from kb.accounts.sessions import open_session
from kb.db import make_engine, migrate, transaction
from kb.editorial import comments, drafts, stages
from kb.records import service as records
from kb.settings import Settings
from schemas.accounts import Account
from schemas.language import LANGUAGES, Language
from schemas.records import parse
from search_ui.app import create_app
from search_ui.i18n import gettext
from tests.people import person
from tests.search_ui.browser.accessible import faults
from tests.search_ui.browser.serving import serving
from tests.search_ui.test_desk import CITY, NEWS

PAGES = {
    "queue": "desk",
    "draft": "desk/drafts/{draft}",
    "preview": "desk/drafts/{draft}/preview",
    "a change": "desk/drafts/{change}",
    "merging": "desk/drafts/{change}/merge",
    "several": "desk/bulk?action=assign&draft={draft}&draft={change}",
    "comments": "comments/{draft}",
    "records": "desk/records",
    "record": "desk/records/trams",
    "public page": "news/trams",
}


@dataclass
class Desk:
    """The site, and who is signed in to it."""

    settings: Settings
    eve: Account
    ana: Account
    ids: dict[str, str]

    def cookie(self) -> dict[str, Any]:
        engine = make_engine(self.settings)
        with transaction(engine) as session:
            token = open_session(session, self.eve.id, "a browser", strong=True)
        engine.dispose()
        made = {"name": "session", "value": token, "domain": "127.0.0.1", "path": "/", "expires": -1, "httpOnly": True,
                "secure": False, "sameSite": "Lax"}  # fmt: skip
        return {"cookies": [made], "origins": []}


def _sent_in(session: Any, author: Account) -> str:
    draft = drafts.start(session, author, "news", "en")
    drafts.save(session, author, draft.id, NEWS, 1)
    stages.move(session, author, draft, "submitted")
    return draft.id


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    settings = Settings(data_dir=tmp_path_factory.mktemp("desk"), environment="development", _env_file=None)  # type: ignore[call-arg]
    engine = make_engine(settings)
    migrate(engine)
    ana, eve = person(engine, "ana@example.org"), person(engine, "eve@example.org", "editor")
    ben = person(engine, "ben@example.org", "editor")
    with transaction(engine) as session:
        for value in (CITY, NEWS | {"id": "trams", "status": "published", "last_verified": "2020-02-03"}):
            records.save(session, parse(value), "import")
        draft_id = _sent_in(session, ana)
        draft = drafts.get(session, eve, draft_id)
        stages.move(session, eve, draft, "in_review")
        first = comments.add(session, eve, draft, "summary", "How long is it?", request=True)
        comments.answer(session, ana, draft, first.id, "Five kilometres.")
        comments.settle(session, eve, draft, comments.add(session, ben, draft, "", "Good.").id)
        comments.add(session, ben, draft, "date", "Are you sure?", request=True)
        change = drafts.start_from(session, ben, "trams")
        value = copy.deepcopy(change.data) | {"summary": {"en": "Mine."}}
        drafts.save(session, ben, change.id, value, change.version)
        stages.move(session, ben, change, "submitted")
        stages.move(session, eve, change, "in_review")
        records.save(
            session, parse(NEWS | {"id": "trams", "status": "published", "summary": {"en": "Theirs."}}), "import"
        )
    engine.dispose()
    return Desk(settings, eve, ana, {"draft": draft_id, "change": change.id})


@pytest.fixture(scope="module")
def address(desk: Desk) -> Iterator[str]:
    """This desk's own site."""
    with serving(create_app(desk.settings)) as address:
        yield address


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("name", "path"), PAGES.items(), ids=PAGES.keys())
def test_promise_25_axe_finds_nothing_and_nothing_is_wider_than_a_small_screen(  # type: ignore[no-untyped-def]
    opens, desk: Desk, language: str, name: str, path: str
) -> None:
    small = {"width": 320, "height": 640}
    page = opens(f"/{language}/{path.format(**desk.ids)}", storage_state=desk.cookie(), viewport=small)
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
    assert faults(page) == ""
    if language == "en":  # the words are others, the layout is the same
        page.set_viewport_size({"width": 1280, "height": 800})
        assert faults(page) == ""


class Keyboard:
    """Hands that have nothing but Tab, Space, Enter and letters."""

    def __init__(self, page: Page, language: Language) -> None:
        self.page, self.language = page, language

    def reach(self, text: str, tag: str = "") -> None:
        """Tab on until the focus is on what is called so."""
        wanted = gettext(text, self.language)
        for _ in range(150):
            self.page.keyboard.press("Tab")
            here = self.page.evaluate(
                "(e => [e.tagName, e.innerText || '', [...(e.labels || [])].map(l => l.innerText).join(),"
                " (document.getElementById(e.getAttribute('aria-labelledby')) || {}).innerText || ''])(document.activeElement)"
            )
            if wanted in "\n".join(here[1:]) and tag.upper() in here[0]:
                return
        raise AssertionError(f"the keyboard does not get to '{wanted}'")

    def press(self, text: str, tag: str = "") -> None:
        """Go there, and on to the page where it leads."""
        self.reach(text, tag)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")


@pytest.mark.parametrize("language", LANGUAGES)
def test_promise_25_an_editor_needs_no_mouse(opens, desk: Desk, language: Language) -> None:  # type: ignore[no-untyped-def]
    engine = make_engine(desk.settings)
    with transaction(engine) as session:
        title = {"en": f"Buses at night {language}"}
        draft = drafts.start(session, desk.ana, "news", "en")
        drafts.save(session, desk.ana, draft.id, NEWS | {"title": title}, 1)
        stages.move(session, desk.ana, draft, "submitted")
        draft_id = draft.id
    page = opens(f"/{language}/desk?view=submitted", storage_state=desk.cookie(), java_script_enabled=True)
    hands = Keyboard(page, language)
    hands.reach(title["en"], "input")
    page.keyboard.press("Space")
    hands.press("Take into review", "button")
    hands.press("Do it", "button")
    assert page.url.endswith(f"/{language}/desk?done=saved")
    hands.press(title["en"], "a")

    hands.reach("Comment", "summary")
    page.keyboard.press("Enter")
    hands.reach("Your comment", "textarea")
    page.keyboard.type("Which lines?")
    hands.press("Add the comment", "button")
    assert page.get_by_text("Which lines?").first.is_visible()
    page.goto(f"/{language}/desk/drafts/{draft_id}")
    hands.press("Publish now", "button")
    with transaction(engine, readonly=True) as session:
        found = drafts.get(session, desk.eve, draft_id)
        assert (found.stage, found.record_id) == ("published", f"buses-at-night-{language}")
    engine.dispose()
