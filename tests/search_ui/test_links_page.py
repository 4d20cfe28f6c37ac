"""The list of broken links."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI

from kb.db import transaction, utcnow
from kb.links import service as links
from kb.links.tables import LinkCheckRow
from kb.settings import Settings
from tests.people import browser_of, person
from tests.search_ui.people_site import people_site, saved

CASE = {
    "type": "case_study", "id": "x-1", "language": "en", "status": "published", "title": {"en": "Trams for all"},
    "sources": [{"title": "Plan", "url": "https://plan.example/?a=1&b=2"}],
}  # fmt: skip


@pytest.fixture
def app(sqlite_settings: Settings) -> Iterator[FastAPI]:
    settings = sqlite_settings.model_copy(update={"link_checks": True})
    with people_site(settings) as app:
        saved(app, CASE)
        links.find(app.state.engine, settings)
        yield app


def _break(app: FastAPI) -> str:
    """The link fails twice; its key."""
    with transaction(app.state.engine) as session:
        row = session.query(LinkCheckRow).one()
        row.failures, row.failing_since, row.checked_at = 2, utcnow(), utcnow()
        row.status, row.reason = 404, "gone"
        return row.key


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("Broken (1)", "The page is not there any more.", "2 failures in a row", "It is fine")),
        ("es", ("Rotos (1)", "La página ya no existe.", "2 fallos seguidos", "Está bien")),
        ("fr", ("Brisés (1)", "La page n’existe plus.", "2 échecs de suite", "Il est bon")),
    ],
)
def test_an_editor_sees_what_is_broken_where_and_since_when(
    app: FastAPI, language: str, words: tuple[str, ...]
) -> None:
    _break(app)
    eve = browser_of(app, person(app.state.engine, "eve@example.org", "editor"))
    text = eve.get(f"/{language}/desk/links").text
    assert all(word in text for word in (*words, "Trams for all", "https://plan.example/?a=1&amp;b=2", "HTTP 404"))


def test_a_link_that_is_said_to_be_fine_leaves_the_list_and_can_come_back(app: FastAPI) -> None:
    key = _break(app)
    eve = browser_of(app, person(app.state.engine, "eve@example.org", "editor"))
    answer = eve.post("/en/desk/links", data={"key": key, "verdict": "fine"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/en/desk/links?done=saved")
    assert "No link is broken." in eve.get("/en/desk/links").text
    assert "plan.example" in eve.get("/en/desk/links?show=fine").text
    eve.post("/en/desk/links", data={"key": key, "verdict": "broken"})
    assert "plan.example" in eve.get("/en/desk/links").text
    for data in ({"key": "0" * 64, "verdict": "fine"}, {"key": "x"}, {}):
        assert eve.post("/en/desk/links", data=data).status_code == 303


def test_links_are_for_the_staff(app: FastAPI) -> None:
    tom = browser_of(app, person(app.state.engine, "tom@example.org", "translator"))
    assert tom.get("/en/desk/links").status_code == 403
    assert tom.post("/en/desk/links", data={}).status_code == 403


def test_a_site_that_looks_at_nothing_says_so(sqlite_settings: Settings) -> None:
    with people_site(sqlite_settings) as app:
        eve = browser_of(app, person(app.state.engine, "eve@example.org", "editor"))
        assert "KB_LINK_CHECKS" in eve.get("/fr/desk/links").text
