"""The translators' desk, as a browser sees it."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from kb.db import transaction
from kb.records import service as records
from kb.settings import Settings
from schemas.records import Record
from tests.people import browser_of, person
from tests.search_ui.people_site import people_site, saved

CASE: dict[str, Any] = {
    "type": "case_study", "id": "x-1", "language": "en", "status": "published", "title": {"en": "Trams for all"},
    "building_blocks": [{"title": {"en": "Track"}, "text": {"en": "Rails."}}],
}  # fmt: skip
SHEET = "/desk/translate/x-1/fr"
FRENCH = {"text.title": "Des tramways pour tous", "text.building_blocks.0.title": "Voie"}


@pytest.fixture
def app(sqlite_settings: Settings) -> Iterator[FastAPI]:
    with people_site(sqlite_settings) as app:
        saved(app, CASE)
        yield app


@pytest.fixture
def tom(app: FastAPI) -> TestClient:
    return browser_of(app, person(app.state.engine, "tom@example.org", "translator"))


@pytest.fixture
def eve(app: FastAPI) -> TestClient:
    return browser_of(app, person(app.state.engine, "eve@example.org", "editor"))


def _seen(page: str) -> dict[str, str]:
    return dict(re.findall(r'name="(seen|version)" value="(\d+)"', page))


def _record(app: FastAPI) -> Record:
    with transaction(app.state.engine, readonly=True) as session:
        return records.get(session, "x-1").record


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("2 records to translate into Spanish", "missing")),
        ("es", ("2 fichas por traducir al español", "falta")),
        ("fr", ("2 fiches à traduire en espagnol", "manquante")),
    ],
)
def test_the_queue_speaks_each_language(app: FastAPI, tom: TestClient, language: str, words: tuple[str, ...]) -> None:
    saved(app, CASE | {"id": "x-2"})
    text = tom.get(f"/{language}/desk/translate?target=es").text
    assert all(word in text for word in words)
    assert "Trams for all" in text


def test_a_filter_narrows_the_queue_and_nonsense_is_left_out(app: FastAPI, tom: TestClient) -> None:
    saved(app, {"type": "news", "id": "n-1", "language": "es", "status": "published", "title": {"es": "Noticia"}})
    assert "Noticia" not in tom.get("/en/desk/translate?target=fr&type=case_study").text
    assert "Trams for all" not in tom.get("/en/desk/translate?target=fr&source=es").text
    both = tom.get("/en/desk/translate?target=xx&need=yy&type=zz&source=1&page=9").text
    assert "Noticia" in both
    assert tom.get("/en/desk/translate?target=fr&need=stale").text.count("<h3>") == 0


def test_a_translation_goes_from_the_translator_by_the_editor_to_readers(
    app: FastAPI, tom: TestClient, eve: TestClient
) -> None:
    page = tom.get(f"/fr{SHEET}").text
    assert "Composante 1 › Titre" in page
    answer = tom.post(f"/fr{SHEET}", data=FRENCH | _seen(page))
    assert (answer.status_code, answer.headers["location"]) == (303, "/fr/desk/translate?done=sent&target=fr")
    assert _record(app).title == CASE["title"]
    assert "en attente de la rédaction" in tom.get("/fr/desk/translate?target=fr").text
    page = eve.get(f"/en{SHEET}").text
    assert "Publish this translation" in page
    assert "Des tramways pour tous" in page
    answer = eve.post(f"/en{SHEET}", data=FRENCH | _seen(page))
    assert answer.headers["location"] == "/en/desk/translate?done=saved&target=fr"
    assert _record(app).title["fr"] == "Des tramways pour tous"
    assert "Des tramways pour tous" in tom.get("/fr/case-studies/x-1").text


def test_a_title_that_is_missing_is_told_at_the_field_and_nothing_typed_is_lost(app: FastAPI, tom: TestClient) -> None:
    page = tom.get(f"/es{SHEET}").text
    answer = tom.post(f"/es{SHEET}", data={"text.title": "", "text.building_blocks.0.text": "Rails"} | _seen(page))
    assert answer.status_code == 422
    assert 'href="#f-text-title"' in answer.text
    assert "Traduzca también el título" in answer.text
    assert ">\nRails</textarea>" in answer.text


def test_two_at_once_the_second_sees_both_texts_and_decides(app: FastAPI, tom: TestClient) -> None:
    uma = browser_of(app, person(app.state.engine, "uma@example.org", "translator"))
    seen = _seen(uma.get(f"/en{SHEET}").text)
    tom.post(f"/en{SHEET}", data=FRENCH | seen)
    answer = uma.post(f"/en{SHEET}", data={"text.title": "Des trams pour tous"} | seen)
    assert answer.status_code == 409
    assert "Saved meanwhile is another text" in answer.text
    assert re.search(r"<del>.*?tramways .*?</del><ins>.*?trams ", answer.text, re.DOTALL)
    assert ">\nDes trams pour tous</textarea>" in answer.text
    again = uma.post(f"/en{SHEET}", data={"text.title": "Des trams pour tous"} | _seen(answer.text))
    assert again.status_code == 303
    assert ">\nVoie</textarea>" in uma.get(f"/en{SHEET}").text


def test_a_machines_text_is_accepted_with_one_click(app: FastAPI, eve: TestClient) -> None:
    saved(app, CASE | {"title": {"en": "Trams", "fr": "Trams gris"}, "translations": {"fr": {"machine": True}}})
    page = eve.get(f"/fr{SHEET}").text
    assert "Traduction automatique, pas encore vérifiée par une personne" in page
    eve.post(f"/fr{SHEET}", data={"text.title": "Trams gris", "accept": "yes"} | _seen(page))
    shown = eve.get("/fr/case-studies/x-1").text
    assert "Trams gris" in shown
    assert "puis relu et corrigé par une personne" in shown


def test_what_changed_in_the_original_is_marked(app: FastAPI, tom: TestClient) -> None:
    french = {"title": {"en": "Trams for all", "fr": "Des trams"}}
    saved(app, CASE | french, CASE | {"title": {"en": "Trams for everyone", "fr": "Des trams"}})
    page = tom.get(f"/en{SHEET}").text
    assert re.search(r"<del>.*?all</del>|<del>.*?all<span", page, re.DOTALL)
    assert "The original has changed since this translation was made" in page


def test_others_do_not_get_there(app: FastAPI) -> None:
    max_ = browser_of(app, person(app.state.engine, "max@example.org"))
    assert max_.get(f"/en{SHEET}").status_code == 403
    assert max_.post(f"/en{SHEET}", data=FRENCH).status_code == 403
    assert max_.get("/en/desk/translate").status_code == 403
    tom = browser_of(app, person(app.state.engine, "tom@example.org", "translator"))
    assert tom.get("/en/desk/translate/x-1/en").status_code == 404
    assert tom.get("/en/desk/translate/none/fr").status_code == 404
