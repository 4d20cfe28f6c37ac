"""The pages of a record's versions."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI

from kb.db import transaction
from kb.editorial.tables import OwnerRow
from kb.records import service as records
from kb.settings import Settings
from tests.people import browser_of, person
from tests.search_ui.people_site import people_site, saved

PATH = "/desk/records/x-1/history"


@pytest.fixture
def app(sqlite_settings: Settings) -> Iterator[FastAPI]:
    with people_site(sqlite_settings) as app:
        saved(app, _case("Trams for all"), _case("Trains for all"))
        yield app


def _case(title: str, **fields: Any) -> dict[str, Any]:
    return {
        "type": "case_study", "id": "x-1", "language": "en", "status": "published", "title": {"en": title},
    } | fields  # fmt: skip


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("From version 1 to version 2", "[removed:", "Title › English")),
        ("es", ("De la versión 1 a la versión 2", "[eliminado:", "Título › English")),
        ("fr", ("De la version 1 à la version 2", "[supprimé", "Titre › English")),
    ],
)
def test_an_editor_sees_what_is_different_word_by_word(app: FastAPI, language: str, words: tuple[str, ...]) -> None:
    eve = browser_of(app, person(app.state.engine, "eve@example.org", "editor"))
    text = eve.get(f"/{language}{PATH}").text
    assert all(word in text for word in words)
    assert "<del>" in text
    assert "Trams </" not in text.replace('<span class="hidden">', "")[: text.index("<del>")]


def test_an_old_version_is_brought_back_with_a_comment(app: FastAPI) -> None:
    eve = browser_of(app, person(app.state.engine, "eve@example.org", "editor"))
    assert "Bring version 1 back" in eve.get(f"/en{PATH}?old=2&new=1").text
    answer = eve.post(f"/en{PATH}", data={"number": "1", "expected": "2", "comment": "It was right"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/en{PATH}?done=saved")
    assert "It was right" in eve.get(f"/en{PATH}").text
    with transaction(app.state.engine, readonly=True) as session:
        assert records.get(session, "x-1").record.title == {"en": "Trams for all"}


def test_who_saw_an_older_version_is_told_and_keeps_what_was_typed(app: FastAPI) -> None:
    eve = browser_of(app, person(app.state.engine, "eve@example.org", "editor"))
    answer = eve.post(f"/es{PATH}", data={"number": "1", "expected": "1", "comment": "Era mejor"})
    assert answer.status_code == 409
    assert "Otra persona cambió esta ficha" in answer.text
    assert 'value="Era mejor"' in answer.text
    too_long = eve.post(f"/fr{PATH}", data={"number": "1", "expected": "2", "comment": "x" * 600})
    assert too_long.status_code == 422
    assert 'aria-invalid="true"' in too_long.text


def test_owners_read_and_cannot_restore_and_others_find_nothing(app: FastAPI) -> None:
    ana = person(app.state.engine, "ana@example.org")
    with transaction(app.state.engine) as session:
        session.add(OwnerRow(record_id="x-1", account_id=ana.id))
    owner, other = browser_of(app, ana), browser_of(app, person(app.state.engine, "max@example.org"))
    page = owner.get(f"/en{PATH}?old=2&new=1")
    assert page.status_code == 200
    assert "Bring this version back" not in page.text
    assert owner.post(f"/en{PATH}", data={"number": "1", "expected": "2"}).status_code == 403
    assert other.get(f"/en{PATH}").status_code == 404
    weak = browser_of(app, person(app.state.engine, "eve@example.org", "editor"), strong=False)
    assert weak.get(f"/en{PATH}").headers["location"].startswith("/en/second-factor")


def test_what_a_version_says_is_shown_as_text_only(app: FastAPI) -> None:
    saved(app, _case("<script>alert(1)</script>"))
    eve = browser_of(app, person(app.state.engine, "eve@example.org", "editor"))
    assert "<script>alert" not in eve.get(f"/en{PATH}").text
