"""Promise 13: whatever stands in any field of any record, no browser runs it, on no page that shows the field."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, Page
from pydantic import ValidationError

from kb.accounts.sessions import open_session
from kb.db import transaction
from kb.editorial import drafts
from kb.records.urls import record_path
from schemas.forms import FORMS
from schemas.language import LANGUAGES
from schemas.records import parse
from tests.people import person
from tests.search_ui.browser.serving import serving
from tests.search_ui.full_records import FULL
from tests.search_ui.own_site import prepared_in
from tests.xss import CORPUS

#: All of it, and for short fields as much as fits.
EVIL = (" ".join(CORPUS), "<svg onload=alert(1)> <img src=x onerror=alert(1)>", "<svg onload=alert(1)>")


def hostile(value: dict[str, Any]) -> dict[str, Any]:
    """The record with something evil in every text that takes it."""
    value = copy.deepcopy(value)
    for holder, key in list(_texts(value)):
        kept = holder[key]
        for evil in (*EVIL, kept):
            holder[key] = evil
            try:
                parse(value)
                break
            except ValidationError:
                continue
    return value


def _texts(part: Any) -> Iterator[tuple[Any, Any]]:
    for key, value in part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ():
        if isinstance(value, str) and key not in ("id", "type", "status", "language"):
            yield part, key
        else:
            yield from _texts(value)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    return prepared_in(tmp_path_factory.mktemp("nothing-runs"), *map(hostile, FULL.values()))


@pytest.fixture(scope="module")
def served(app: FastAPI) -> Iterator[str]:
    with serving(app) as address:
        yield address


@pytest.fixture(scope="module")
def pages(app: FastAPI, served: str) -> list[str]:
    """All pages that show a field of a record: to readers, to its authors, to editors and translators."""
    boss = person(app.state.engine, "boss@example.org", "administrator", "editor")
    found = [
        "/en/search?q=alert",
        "/en/search?q=alert&view=map",
        "/en/",
        "/en/desk",
        "/en/desk/records",
        "/en/experts/find?q=alert",
    ]
    with transaction(app.state.engine) as session:
        for kind, value in FULL.items():
            record_id = value["id"]
            draft = drafts.start_from(session, boss, record_id)
            found += [record_path(kind, record_id, language) for language in LANGUAGES]
            found += [f"/en/drafts/{draft.id}/{step.name}" for step in FORMS[kind]]
            found += [
                f"/en/drafts/{draft.id}/check",
                f"/en/desk/drafts/{draft.id}",
                f"/en/desk/drafts/{draft.id}/preview",
            ]
            found += [f"/en/desk/records/{record_id}", f"/en/desk/records/{record_id}/history"]
            found += [f"/en/desk/translate/{record_id}/fr"]
    return found


def test_promise_13_nothing_that_stands_in_a_record_runs_on_any_page(
    browser: Browser, app: FastAPI, served: str, pages: list[str]
) -> None:
    boss = person(app.state.engine, "boss@example.org", "administrator", "editor")
    with transaction(app.state.engine) as session:
        token = open_session(session, boss.id, "a browser", strong=True)
    context = browser.new_context(base_url=served)
    context.add_cookies([{"name": "session", "value": token, "url": served}])
    page, faults = context.new_page(), list[str]()
    _watch(page, served, faults)
    shown = ""
    for path in pages:
        answer = page.goto(path)
        assert answer
        assert answer.status < 400, path
        page.wait_for_timeout(30)
        shown += page.locator("main").inner_text()
    context.close()
    assert faults == []
    for evil in CORPUS[:4]:
        assert evil in shown, f"not shown as it was written: {evil}"


def _watch(page: Page, served: str, faults: list[str]) -> None:
    """Note what runs, what the policy had to stop, and what would leave the site."""
    page.on("dialog", lambda dialog: (faults.append(f"ran at {page.url}"), dialog.dismiss()))
    page.on(
        "console",
        lambda message: faults.append(f"{page.url}: {message.text}") if "Content Security" in message.text else None,
    )
    page.on(
        "request", lambda request: None if request.url.startswith((served, "data:")) else faults.append(request.url)
    )
