"""Histories, translations and links in a real browser: axe, 320 pixels, without JavaScript, by keyboard."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from playwright.sync_api import expect

from kb.accounts.sessions import open_session
from kb.db import transaction, utcnow
from kb.links import service as links
from kb.links.tables import LinkCheckRow
from kb.settings import Settings
from schemas.accounts import Role
from schemas.language import LANGUAGES
from tests.people import person
from tests.search_ui.browser.accessible import faults_in_every_look
from tests.search_ui.browser.serving import serving
from tests.search_ui.people_site import people_site, saved

CASE: dict[str, Any] = {
    "type": "case_study", "id": "x-1", "language": "en", "status": "published",
    "title": {"en": "Cable cars over the hills", "es": "Teleféricos"},
    "summary": {"en": "The city built five cable cars.", "es": "La ciudad construyó cinco teleféricos."},
    "sources": [{"title": "Plan", "url": "https://plan.example/a/very/long/path/that/has/no/space/in/it/at/all.pdf"}],
    "topics": ["mobility"],
}  # fmt: skip
PAGES = {
    "history": "desk/records/x-1/history?old=1&new=2",
    "history, to bring back": "desk/records/x-1/history?old=2&new=1",
    "queue": "desk/translate?target=es",
    "sheet, stale": "desk/translate/x-1/es",
    "sheet, by machine": "desk/translate/x-2/fr",
    "links": "desk/links",
}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    settings = Settings(data_dir=tmp_path_factory.mktemp("texts"), link_checks=True, _env_file=None)  # type: ignore[call-arg]
    with people_site(settings) as app:
        saved(app, CASE, CASE | {"summary": CASE["summary"] | {"en": "The city built six cable cars."}, "topics": []})
        machine = {"title": {"en": "Trams", "fr": "Trams gris"}, "translations": {"fr": {"machine": True}}}
        saved(app, CASE | {"id": "x-2"} | machine)
        links.find(app.state.engine, settings)
        with transaction(app.state.engine) as session:
            row = session.query(LinkCheckRow).one()
            row.failures, row.failing_since, row.checked_at, row.reason = 2, utcnow(), utcnow(), "timeout"
        yield app


@pytest.fixture(scope="module")
def address(app: FastAPI) -> Iterator[str]:
    with serving(app, running=True) as address:
        yield address


def _as(app: FastAPI, name: str, *roles: Role) -> dict[str, Any]:
    """The options of a browser in which somebody is signed in."""
    account = person(app.state.engine, f"{name}@example.org", *roles)
    with transaction(app.state.engine) as session:
        token = open_session(session, account.id, "a test", strong=True)
    cookie = {"name": "session", "value": token, "domain": "127.0.0.1", "path": "/", "expires": -1,
              "httpOnly": True, "secure": False, "sameSite": "Lax"}  # fmt: skip
    return {"storage_state": {"cookies": [cookie], "origins": []}}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("name", "path"), PAGES.items(), ids=PAGES.keys())
def test_promise_25_axe_finds_nothing_and_nothing_is_wider_than_320_pixels(  # type: ignore[no-untyped-def]
    opens, app: FastAPI, name: str, path: str, language: str
) -> None:
    eve = _as(app, "eve", "editor")
    assert faults_in_every_look(opens(f"/{language}/{path}", **eve)) == ""


def test_marks_are_told_to_those_who_do_not_see_colours_or_lines(opens, app: FastAPI) -> None:  # type: ignore[no-untyped-def]
    page = opens("/fr/desk/records/x-1/history?old=1&new=2", **_as(app, "eve", "editor"))
    assert page.locator("del", has_text="five").inner_text().startswith("[supprimé")
    assert page.get_by_role("insertion").filter(has_text="six").count() == 1


@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_goes_from_the_queue_by_an_editor_to_readers(  # type: ignore[no-untyped-def]
    opens, app: FastAPI, language: str, javascript: bool
) -> None:
    record_id = f"j-{language}-{javascript}".lower()
    saved(app, CASE | {"id": record_id, "title": {"en": f"Case {record_id}"}, "summary": {}, "sources": []})
    page = opens(
        f"/{language}/desk/translate?target=fr", **_as(app, "tom", "translator"), java_script_enabled=javascript
    )
    page.get_by_role("link", name=f"Case {record_id}").click()
    page.locator("textarea").first.focus()
    page.keyboard.type(f"Cas {record_id}")
    page.locator("form.sheet button").first.press("Enter")
    expect(page.locator("[role=status]")).to_be_visible()
    editor = opens(
        f"/{language}/desk/translate/{record_id}/fr", **_as(app, "eve", "editor"), java_script_enabled=javascript
    )
    assert editor.locator("textarea").first.input_value() == f"Cas {record_id}"
    editor.locator("form.sheet button").first.press("Enter")
    reader = opens(f"/fr/case-studies/{record_id}", java_script_enabled=javascript)
    assert reader.locator("h1").inner_text() == f"Cas {record_id}"
