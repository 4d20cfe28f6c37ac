"""The tagger's API: open to everybody, within limits; what is wrong is told as a problem."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from kb.settings import Settings
from schemas.tagging import LONGEST, Suggestions
from search_ui.app import create_app

PATH = "/api/v1/tagging/suggest"


@pytest.fixture
def site(empty: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(empty), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def empty(tmp_path) -> Settings:  # type: ignore[no-untyped-def]
    from kb.db import make_engine, migrate

    settings = Settings(data_dir=tmp_path, _env_file=None)  # type: ignore[call-arg]
    engine = make_engine(settings)
    migrate(engine)
    engine.dispose()
    return settings


def test_a_text_gets_suggestions_without_an_account(site: TestClient) -> None:
    answer = site.post(PATH, json={"text": "Clean drinking water for all.", "language": "en"})
    assert answer.status_code == 200
    assert Suggestions.model_validate(answer.json()).sdgs[0].goal == "6"


@pytest.mark.parametrize(
    "body",
    [{}, {"text": "", "language": "en"}, {"text": "x", "language": "de"}, {"text": "x" * (LONGEST + 1), "language": "en"},
     {"text": "x", "language": "en", "colour": "red"}],
)  # fmt: skip
def test_what_cannot_be_taken_is_a_problem_that_says_why(site: TestClient, body: dict[str, str]) -> None:
    answer = site.post(PATH, json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"]


def test_too_many_texts_are_refused_for_a_while(site: TestClient) -> None:
    answers = [site.post(PATH, json={"text": "Trams.", "language": "en"}) for _ in range(21)]
    assert [answer.status_code for answer in answers] == [200] * 20 + [429]
    assert int(answers[-1].headers["retry-after"]) > 0


def test_without_a_model_for_these_embeddings_the_answer_says_what_to_run(site: TestClient, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("indexer.tagging.model.SHIPPED", site.app.state.settings.data_dir / "nowhere.npz")  # type: ignore[attr-defined]
    answer = site.post(PATH, json={"text": "Trams.", "language": "en"})
    assert answer.status_code == 503
    assert "kb tagging train" in answer.json()["detail"]
