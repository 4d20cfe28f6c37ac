"""The pages that analyse tags and accept them in bulk, and the exports, in the whole application."""

import csv
import io
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import select
from starlette.testclient import TestClient

from kb.db import transaction
from kb.records import service as records
from kb.tagging import bulk_run, suggestions
from kb.tagging.tables import BulkItemRow, BulkRow, DecisionRow
from schemas.language import LANGUAGES
from tests.kb.tagging.said import said
from tests.people import browser_of, person
from tests.search_ui.own_site import prepared_in

CASES = [
    {
        "type": "case_study", "id": f"case-{number:02}", "language": "en", "title": {"en": f"Trams {number}"},
        "status": "published", "place": {"country": "CO" if number % 2 else "FR"}, "period": {"start": "2020"},
        "sdgs": [{"code": "13"}] * (number % 3 == 0), "gender": {"marker": 1},
    }
    for number in range(24)
]  # fmt: skip


@pytest.fixture
def app(tmp_path: Path) -> Iterator[FastAPI]:
    app = prepared_in(tmp_path, *CASES)
    with TestClient(app):
        with transaction(app.state.engine) as session:
            for case in CASES:
                suggestions.keep(session, str(case["id"]), "a" * 32, said({"11": 0.95}, {}), b"")
        yield app


@pytest.fixture
def desk(app: FastAPI) -> TestClient:
    return browser_of(app, person(app.state.engine, "eve@example.org", "editor"))


def _begin(desk: TestClient) -> str:
    answer = desk.post("/en/desk/tags/bulk", data={"confidence": "90", "goal": "11", "sample": "10"})
    assert answer.status_code == 303
    return answer.headers["location"]


def _read(desk: TestClient, bulk: str, wrong: int = 0) -> None:
    for place in range(1, 11):
        word = {"place": str(place), "right": "no" if place <= wrong else "yes"}
        assert desk.post(f"{bulk}/check", data=word).headers["location"] == f"{bulk}#sample"


def _accept(app: FastAPI, desk: TestClient, bulk: str) -> None:
    assert desk.post(f"{bulk}/accept", data={"rest": "yes"}).status_code == 303
    _finish(app, bulk)


def _finish(app: FastAPI, bulk: str) -> None:
    """Go on with what a slow machine did not do while it answered."""
    bulk_run.run(app.state.engine, int(bulk.rsplit("/", 1)[1]), 60)


def test_one_begins_with_what_is_strong_and_sees_how_many_they_are(desk: TestClient) -> None:
    page = desk.get("/en/desk/tags/bulk").text
    assert 'value="90"' in page
    assert "24 suggestions" in page
    assert "does not call strong" not in page
    assert "does not call strong" in desk.get("/en/desk/tags/bulk?confidence=60").text
    assert "Choose a lower confidence" in desk.get("/en/desk/tags/bulk?goal=5").text
    assert desk.post("/en/desk/tags/bulk", data={"confidence": "20"}).status_code == 422


def test_the_rest_is_accepted_after_the_sample_and_taken_back(app: FastAPI, desk: TestClient) -> None:
    bulk = _begin(desk)
    page = desk.get(bulk).text
    assert "1 of 10 to read" in page
    assert "Trams for all." in page
    assert desk.post(f"{bulk}/accept", data={"rest": "yes"}).status_code == 409
    _read(desk, bulk, wrong=1)
    page = desk.get(bulk).text
    assert "90% of the sample were right" in page
    assert "Accept the other 14, too" in page
    _accept(app, desk, bulk)
    with transaction(app.state.engine, readonly=True) as session:
        made = session.scalars(select(DecisionRow)).all()
        assert [row.action for row in made].count("accept") == 23
        assert made[0].comment == (
            f"Accepted in bulk {bulk.rsplit('/', 1)[1]}: suggestions of at least 90%; 9 of the 10 that were read were right."
        )
        right = session.scalars(select(BulkItemRow.record_id).where(BulkItemRow.outcome == "accepted")).first()
        assert right
        assert records.get(session, right).record.sdgs[-1].code == "11"
    assert "Take the whole back" in desk.get(bulk).text
    assert desk.post(f"{bulk}/undo").status_code == 303
    _finish(app, bulk)
    with transaction(app.state.engine, readonly=True) as session:
        assert session.scalars(select(BulkRow.stage)).one() == "undone"
        assert len(records.get(session, right).record.sdgs) in (0, 1)
    assert "Taken back" in desk.get(bulk).text


def test_a_poor_sample_asks_once_more(desk: TestClient) -> None:
    bulk = _begin(desk)
    _read(desk, bulk, wrong=4)
    assert "Accept the others all the same" in desk.get(bulk).text
    refused = desk.post(f"{bulk}/accept", data={"rest": "yes"})
    assert refused.status_code == 422
    assert "Too many of the sample were wrong" in refused.text
    assert desk.post(f"{bulk}/accept", data={"rest": "no"}).status_code == 303
    assert "60% " not in desk.get(bulk).text


def test_a_verdict_can_be_changed_and_another_s_bulk_is_only_looked_at(app: FastAPI, desk: TestClient) -> None:
    bulk = _begin(desk)
    _read(desk, bulk, wrong=1)
    assert "1 of 10 to read" in desk.get(f"{bulk}?place=1").text
    desk.post(f"{bulk}/check", data={"place": "1", "right": "yes"})
    assert "100% of the sample were right" in desk.get(bulk).text
    ben = browser_of(app, person(app.state.engine, "ben@example.org", "editor"))
    assert "Eve" in ben.get(bulk).text
    assert "Accept the other" not in ben.get(bulk).text
    assert ben.post(f"{bulk}/accept", data={"rest": "yes"}).status_code == 403
    assert ben.post(f"{bulk}/discard").status_code == 403
    assert desk.post(f"{bulk}/discard").status_code == 303
    assert desk.get(bulk).status_code == 404


@pytest.mark.parametrize("language", LANGUAGES)
def test_figures_lead_to_the_records_that_they_count(app: FastAPI, desk: TestClient, language: str) -> None:
    for path in ("desk/tags/analysis", "sdgs/coverage"):
        page = desk.get(f"/{language}/{path}?country=FR&by=year")
        assert page.status_code == 200
        several = f"/{language}/search?type=case_study&amp;type=initiative&amp;"
        assert "country=FR&amp;sdg=13" in page.text
        assert (several in page.text) == (path == "desk/tags/analysis")
        assert "year_from=2020&amp;year_to=2020" in page.text.replace("&amp;country=FR", "")


def _wait_for_index(client: TestClient) -> None:
    """The index takes records in in the background."""
    end = time.monotonic() + 60
    while client.get("/api/v1/status").json()["waiting"] and time.monotonic() < end:
        time.sleep(0.1)


def test_a_figure_is_the_number_that_its_search_finds(app: FastAPI) -> None:
    client = TestClient(app)
    page = client.get("/en/sdgs/coverage?country=FR").text
    assert 'sdg=13">4<' in page
    _wait_for_index(client)
    found = client.get("/api/v1/search?type=case_study&country=FR&sdg=13&limit=1").json()
    assert found["total"] == 4


def test_what_makes_no_sense_is_told_and_does_not_break_the_page(desk: TestClient) -> None:
    for query in (
        "what=nothing",
        "by=x",
        "year_from=abc",
        "goal=99&what=target",
        "what=target&goal=5",
        "region=nowhere",
    ):
        assert desk.get(f"/en/desk/tags/analysis?{query}").status_code == 200
    for what in ("target", "gender_theme", "gender_marker"):
        for by in ("country", "city", "type", "language"):
            assert desk.get(f"/en/desk/tags/analysis?what={what}&by={by}").status_code == 200


def test_drift_is_shown_by_month_and_by_goal(desk: TestClient) -> None:
    bulk = _begin(desk)
    _read(desk, bulk, wrong=2)
    desk.post(f"{bulk}/accept", data={"rest": "no"})
    page = desk.get("/en/desk/tags/analysis").text
    assert "test-1" in page
    assert "80%" in page
    assert "view=decided&amp;goal=11" in page


def test_the_exports_are_files_and_only_tags_are_for_everybody(app: FastAPI, desk: TestClient) -> None:
    client = TestClient(app)
    answer = client.get("/api/v1/tagging/export.csv?lang=fr&type=case_study")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert 'filename="tags.csv"' in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert len(rows) == 8 + 24
    assert rows[0]["url"] == "http://testserver/fr/case-studies/case-00"
    assert client.get("/api/v1/tagging/decisions.csv").status_code == 401
    assert client.get("/api/v1/tagging/decisions.jsonl").status_code == 401
    _read(desk, bulk := _begin(desk))
    _accept(app, desk, bulk)
    assert desk.get("/api/v1/tagging/decisions.csv?lang=es").content.count(b"\r\n") == 25
    assert len(desk.get("/api/v1/tagging/decisions.jsonl").text.splitlines()) == 10
