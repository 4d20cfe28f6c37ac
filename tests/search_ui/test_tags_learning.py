"""The pages of learning: what a version would change, and who switches it on."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from indexer.tagging import job
from indexer.tagging.learning import none_yet
from kb.db import transaction
from kb.settings import Settings
from kb.tagging import learnt
from kb.tagging.tables import LearntRow
from tests.indexer.tagging.quick import quick
from tests.people import browser_of, person
from tests.search_ui.learnt import base, version
from tests.search_ui.people_site import people_site

PAGE = "/en/desk/tags/learning"


@pytest.fixture
def app(sqlite_settings: Settings) -> Iterator[FastAPI]:
    with people_site(sqlite_settings) as app:
        yield app


@pytest.fixture
def eve(app: FastAPI) -> TestClient:
    return browser_of(app, person(app.state.engine, "eve@example.org", "editor"))


@pytest.fixture
def ada(app: FastAPI) -> TestClient:
    return browser_of(app, person(app.state.engine, "ada@example.org", "editor", "administrator"))


def _in_use(app: FastAPI) -> int:
    with transaction(app.state.engine) as session:
        row = learnt.active(session, base())
        return row.version if row else 0


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("Learning from decisions", "Version 1", "Closer to your decisions than the base", "300 decisions")),
        (
            "es",
            ("Aprender de las decisiones", "Versión 1", "Más cerca de sus decisiones que la base", "300 decisiones"),
        ),
        ("fr", ("Apprendre des décisions", "Version 1", "Plus proche de vos décisions que la base", "300 décisions")),
    ],
)
def test_the_versions_are_listed_in_plain_words(
    app: FastAPI, eve: TestClient, language: str, words: tuple[str, ...]
) -> None:
    version(app.state.engine)
    text = eve.get(f"/{language}/desk/tags/learning").text
    assert all(word in text for word in words)


def test_before_anything_is_learnt_the_page_says_when_it_will_be(eve: TestClient) -> None:
    text = eve.get(PAGE).text
    assert "Nothing has been learnt yet." in text
    assert "A new version is made after 20 new decisions, and at most every 10 minutes." in text


def test_a_version_shows_its_figures_beside_those_of_the_base(app: FastAPI, eve: TestClient) -> None:
    text = eve.get(f"{PAGE}/{version(app.state.engine)}").text
    assert "Among the goals that you decided on, the base would suggest" not in text  # it suggests none of them
    assert all(word in text for word in ("By goal", "By language", "Español", "1 No poverty", "0.69"))
    assert "Switch it on" not in text
    few = eve.get(f"{PAGE}/{version(app.state.engine, 25)}").text
    assert "At least 30 decisions are needed to say something" in few


def test_an_administrator_switches_on_with_a_reason_and_goes_back_with_one_click(app: FastAPI, ada: TestClient) -> None:
    number = version(app.state.engine)
    answer = ada.post(PAGE, data={"version": str(number)})
    assert answer.status_code == 422
    assert "Say why you switch it on." in answer.text
    assert _in_use(app) == 0
    answer = ada.post(PAGE, data={"version": str(number), "comment": "Fewer wrong ones on housing"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGE}?done=switched")
    assert _in_use(app) == number
    text = ada.get(PAGE).text
    assert all(word in text for word in (f"Version {number} switched on", "Fewer wrong ones on housing", "Ada"))
    assert ada.post(PAGE, data={"version": "0"}).status_code == 303
    assert _in_use(app) == 0
    assert "Back to the base" in ada.get(PAGE).text


def test_a_switch_has_the_records_read_anew_also_where_that_is_done_by_hand(app: FastAPI, ada: TestClient) -> None:
    ada.post(PAGE, data={"version": str(version(app.state.engine)), "comment": "Better"})
    with transaction(app.state.engine) as session:
        assert job.asked(session)


def test_the_api_answers_by_the_version_in_use_and_names_it(app: FastAPI, ada: TestClient) -> None:
    tagger, _ = quick()
    app.state.taggers = SimpleNamespace(get=lambda _embedder: tagger)
    number = version(app.state.engine)
    asked = {"text": "Trams for all.", "language": "en"}
    assert ada.post("/api/v1/tagging/suggest", json=asked).json()["model"] == base()
    with transaction(app.state.engine) as session:
        row = session.get_one(LearntRow, number)
        row.active, row.offsets = True, none_yet(len(tagger.model.mean)).to_bytes()
    answer = ada.post("/api/v1/tagging/suggest", json=asked).json()
    assert (answer["model"], len(answer["sdgs"])) == (f"{base()}+{number}", 17)


def test_an_editor_may_look_and_not_switch(app: FastAPI, eve: TestClient) -> None:
    number = version(app.state.engine)
    assert eve.post(PAGE, data={"version": str(number), "comment": "Better"}).status_code == 403
    assert _in_use(app) == 0


def test_a_version_over_another_base_is_told_and_cannot_be_used(app: FastAPI, ada: TestClient) -> None:
    number = version(app.state.engine, over="tagging-1-older")
    assert "belongs to another base" in ada.get(PAGE).text
    assert "Switch it on" not in ada.get(f"{PAGE}/{number}").text
    answer = ada.post(PAGE, data={"version": str(number), "comment": "Better"})
    assert answer.status_code == 422
    assert "This version was learnt over another model" in answer.text


@pytest.mark.parametrize("data", [{}, {"version": "x"}, {"version": "-1"}, {"version": "1", "comment": "x" * 2001}])
def test_a_form_that_makes_no_sense_changes_nothing(app: FastAPI, ada: TestClient, data: dict[str, str]) -> None:
    version(app.state.engine)
    assert ada.post(PAGE, data=data).status_code == 422
    assert _in_use(app) == 0


def test_a_version_that_is_not_there_is_not_found(ada: TestClient) -> None:
    assert ada.get(f"{PAGE}/7").status_code == 404
    assert ada.post(PAGE, data={"version": "7", "comment": "Better"}).status_code == 404
