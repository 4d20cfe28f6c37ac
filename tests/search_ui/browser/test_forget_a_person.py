"""The journey "forget a person": they take their data away, ask to be forgotten, change their mind, and an administrator
forgets them; in each language, with and without JavaScript, by keyboard. Afterwards no file knows them."""

import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, Page

from kb.db import transaction
from kb.editorial.tables import OwnerRow
from kb.privacy.tables import ErasureRow
from kb.records import service as records
from schemas.accounts import Account
from schemas.language import LANGUAGES
from schemas.records import parse
from search_ui.identity import cookie_name
from tests.people import PASSWORD, browser_of, person
from tests.search_ui.browser.accessible import faults
from tests.search_ui.browser.serving import serving
from tests.search_ui.own_site import prepared_in

CASE = {"type": "case_study", "id": "x-1", "language": "en", "status": "published", "title": {"en": "Trams"}}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    app = prepared_in(tmp_path_factory.mktemp("forget"), CASE)
    with serving(app) as address:
        app.state.address = address
        person(app.state.engine, "eve@example.org", "administrator")
        yield app


def _signed_in(app: FastAPI, browser: Browser, account: Account, *, script: bool, width: int = 1280) -> Page:
    token = browser_of(app, account).cookies[cookie_name(app.state.settings)]
    context = browser.new_context(
        base_url=app.state.address, java_script_enabled=script, viewport={"width": width, "height": 900}
    )
    context.add_cookies([{"name": cookie_name(app.state.settings), "value": token, "url": app.state.address}])
    return context.new_page()


def _check(page: Page, script: bool) -> None:
    assert faults(page, scripts=script) == ""


def _send_by_keyboard(page: Page, field: str, text: str) -> None:
    page.locator(f"#f-{field}").focus()
    page.keyboard.type(text)
    page.keyboard.press("Enter")


@pytest.mark.parametrize("script", [True, False], ids=["with JavaScript", "without"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_promise_24_a_person_is_forgotten(
    app: FastAPI, browser: Browser, language: str, script: bool, tmp_path: Path
) -> None:
    word = f"zqx{language}{'plain' if script else 'bare'}"
    engine = app.state.engine
    ana = person(engine, f"{word}@example.org", language=language)  # type: ignore[arg-type]
    with transaction(engine) as session:
        profile = {
            "type": "expert",
            "id": f"expert-{word}",
            "language": "en",
            "status": "published",
            "title": {"en": word},
        }
        records.save(session, parse(profile), ana.id)
        session.add(OwnerRow(record_id=profile["id"], account_id=ana.id))

    page = _signed_in(app, browser, ana, script=script, width=320)
    page.goto(f"/{language}/account/data")
    _check(page, script)
    with page.expect_download() as taken:
        _send_by_keyboard(page, "password", PASSWORD)
    taken.value.save_as(tmp_path / "data.zip")
    assert word in zipfile.ZipFile(tmp_path / "data.zip").read("data.json").decode()

    page.goto(f"/{language}/account/data/erase")
    _check(page, script)
    _send_by_keyboard(page, "password", "wrong")
    page.locator(".problem").wait_for()
    _check(page, script)
    _send_by_keyboard(page, "password", PASSWORD)
    page.wait_for_url("**/account/data?done=asked")
    _check(page, script)
    page.locator("form[action$='/keep'] button").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/account/data?done=kept")
    page.context.close()

    page = _signed_in(app, browser, person(engine, "eve@example.org", "administrator"), script=script)
    page.goto(f"/{language}/admin/people?q={word}")
    _check(page, script)
    page.locator(".rows a").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/people/*")
    _check(page, script)
    page.locator("a[href$='/erase']").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/erase")
    _check(page, script)
    _send_by_keyboard(page, "email", f"{word}@example.org")
    page.wait_for_url("**/admin/people?done=erased")
    page.context.close()
    _wait_until_nowhere(app, word)


def _wait_until_nowhere(app: FastAPI, word: str) -> None:
    """The index, the free pages and the log of the database follow in the background."""
    folder, end = app.state.settings.data_dir, time.monotonic() + 90
    while left := _files(folder, word):
        with transaction(app.state.engine, readonly=True) as session:
            rows = [(row.swept_at, row.indexed_at) for row in session.query(ErasureRow)]
        assert time.monotonic() < end, (left, rows)
        time.sleep(0.5)


def _files(folder: Path, word: str) -> list[str]:
    found = []
    for path in folder.rglob("*"):
        try:
            if path.is_file() and word.encode() in path.read_bytes().lower():
                found.append(str(path.relative_to(folder)))
        except FileNotFoundError:  # the former index is being removed
            continue
    return found


PAGES = ["privacy", "admin", "admin/people", "admin/people/invite", "admin/organisations", "admin/featured", "admin/site",
         "admin/audit"]  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_promise_25_administration_is_usable_at_320_pixels(app: FastAPI, browser: Browser, language: str) -> None:
    page = _signed_in(
        app, browser, person(app.state.engine, "eve@example.org", "administrator"), script=True, width=320
    )
    for path in PAGES:
        page.goto(f"/{language}/{path}")
        assert faults(page) == ""
    page.context.close()
