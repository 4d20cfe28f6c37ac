"""GET /api/v1/records/{id}: published records, for programs and for search engines; nothing private."""

import json
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st
from sqlalchemy import Engine

from kb.db import transaction, utcnow
from kb.errors import KnowledgeBaseError
from kb.records import service
from kb.records.jsonld import json_ld
from kb.records.routes import JSON_LD, prefers_json_ld, router
from kb.records.service import Stored
from schemas.records import RECORD_TYPES, Record, parse, to_value
from tests.schemas.strategies import records

CASE: dict[str, Any] = {
    "type": "case_study",
    "id": "x-1",
    "language": "es",
    "status": "published",
    "title": {"es": "Tranvías", "en": "Trams"},
    "summary": {"es": "Rieles.", "en": "Rails."},
    "topics": ["public-transport"],
    "sdgs": [{"code": "11.2", "primary": True}, {"code": "5", "source": "machine", "state": "suggested"}],
    "gender": {"marker": 1, "themes": [{"theme": "mobility"}]},
    "place": {"name": "Medellín", "country": "CO", "coordinates": {"lat": 6.25, "lon": -75.5}},
    "sources": [{"title": "Report", "publisher": "City", "year": 2019, "url": "https://example.org/report"}],
    "contact": {"name": "Office", "email": "secret@example.org", "phone": "+57 secret"},
    "licence": "CC BY 4.0",
}


@pytest.fixture
def client(engine: Engine) -> Iterator[TestClient]:
    app = FastAPI()
    app.state.engine = engine
    app.include_router(router)

    @app.exception_handler(KnowledgeBaseError)
    def problem(_request: Request, error: KnowledgeBaseError) -> JSONResponse:
        body = {"title": error.title, "status": error.status, "detail": error.detail}
        return JSONResponse(body, error.status, media_type="application/problem+json")

    with TestClient(app, base_url="https://kb.example.org") as client:
        yield client


def _save(engine: Engine, *values: dict[str, Any]) -> None:
    with transaction(engine) as session:
        service.save_many(session, [parse(value) for value in values], "me")


def test_a_published_record_is_an_import_line_with_what_the_database_knows(engine: Engine, client: TestClient) -> None:
    _save(engine, CASE)
    _save(engine, CASE | {"title": {"es": "Tranvías de Ayacucho", "en": "Trams"}})
    answer = client.get("/api/v1/records/x-1")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    value = answer.json()
    meta = value.pop("meta")
    expected = CASE | {"title": {"es": "Tranvías de Ayacucho", "en": "Trams"}, "contact": {"name": "Office"}}
    expected["sdgs"] = [{"code": "11.2", "primary": True}]
    assert value == expected
    assert to_value(parse(value)) == expected
    assert meta["url"] == "https://kb.example.org/es/case-studies/x-1"
    assert (meta["revision"], meta["stale_translations"]) == (2, ["en"])
    assert meta["published_at"] <= meta["updated_at"]


def test_what_is_not_published_is_not_there(engine: Engine, client: TestClient) -> None:
    _save(engine, CASE | {"status": "draft"})
    for record_id in ("x-1", "nowhere", "%00", "..%2f", "x" * 5000, "%ED%A0%80"):
        answer = client.get(f"/api/v1/records/{record_id}")
        assert answer.status_code == 404
    assert client.get("/api/v1/records/x-1").headers["content-type"] == "application/problem+json"


def test_who_has_it_already_is_not_sent_it_again(engine: Engine, client: TestClient) -> None:
    _save(engine, CASE)
    first = client.get("/api/v1/records/x-1")
    etag = first.headers["etag"]
    for known in (etag, f'"other", W/{etag}', "*"):
        again = client.get("/api/v1/records/x-1", headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    graph = client.get("/api/v1/records/x-1", headers={"Accept": JSON_LD, "If-None-Match": etag})
    assert (graph.status_code, graph.headers["vary"]) == (200, "Accept")
    _save(engine, CASE | {"title": {"es": "Trenes"}})
    assert client.get("/api/v1/records/x-1", headers={"If-None-Match": etag}).status_code == 200


def test_the_time_of_the_last_change_is_told(engine: Engine, client: TestClient) -> None:
    _save(engine, CASE)
    modified = parsedate_to_datetime(client.get("/api/v1/records/x-1").headers["last-modified"])
    assert abs((utcnow() - modified).total_seconds()) < 60


def test_json_ld_says_it_in_the_words_of_schema_org(engine: Engine, client: TestClient) -> None:
    _save(engine, CASE)
    answer = client.get("/api/v1/records/x-1", headers={"Accept": JSON_LD})
    assert answer.headers["content-type"] == JSON_LD
    graph = answer.json()
    assert (graph["@context"], graph["@type"]) == ("https://schema.org", "Article")
    assert graph["@id"] == "https://kb.example.org/api/v1/records/x-1"
    assert (graph["headline"], graph["description"], graph["inLanguage"]) == ("Tranvías", "Rieles.", "es")
    terms = {term["termCode"]: term for term in graph["about"]}
    assert set(terms) == {"11.2", "mobility", "public-transport"}
    assert terms["11.2"]["@id"] == "http://metadata.un.org/sdg/11.2"
    assert graph["isBasedOn"][0]["name"] == "Report"
    assert graph["spatialCoverage"]["geo"]["latitude"] == 6.25
    assert graph["license"] == "CC BY 4.0"
    english = client.get("/api/v1/records/x-1?lang=en", headers={"Accept": JSON_LD}).json()
    assert (english["name"], english["inLanguage"], english["url"]) == (
        "Trams",
        "en",
        "https://kb.example.org/en/case-studies/x-1",
    )
    french = client.get("/api/v1/records/x-1?lang=fr", headers={"Accept": JSON_LD}).json()
    assert (french["name"], french["inLanguage"]) == ("Tranvías", "es")
    assert client.get("/api/v1/records/x-1?lang=de").status_code == 422


def _graph(**fields: Any) -> dict[str, Any]:
    common = {"id": "x", "language": "en", "status": "published", "title": {"en": "T"}}
    stored = Stored(parse(common | fields), 1, utcnow(), utcnow(), utcnow(), frozenset())
    return json_ld(stored, "en", "https://kb.example.org", "The site")


def test_each_type_is_what_schema_org_calls_it() -> None:
    needed = {"adoption": {"case_study": "c", "city": "y", "state": "running"}}
    kinds = {name: _graph(type=name, **needed.get(name, {}))["@type"] for name in RECORD_TYPES}
    assert kinds["expert"] == "Person"
    assert kinds["organisation"] == "Organization"
    assert kinds["city"] == "City"
    assert kinds["event"] == "Event"
    assert kinds["publication"] == "Report"
    assert kinds["news"] == "NewsArticle"
    assert len(kinds) == len(RECORD_TYPES)


def test_an_experts_graph_has_what_the_expert_shows_and_no_more() -> None:
    graph = _graph(
        type="expert",
        position={"en": "Planner"},
        organisation="City Hall",
        email="secret@example.org",
        phone="secret",
        orcid="0000-0002-1825-0097",
        languages_spoken=["en", "pt"],
        place={"name": "Secret street"},
        consent={"date": "2026-01-01", "version": "secret"},
        visibility={"place": "members", "email": "public", "phone": "public"},
    )
    assert (graph["jobTitle"], graph["worksFor"]["name"], graph["knowsLanguage"]) == (
        "Planner",
        "City Hall",
        ["en", "pt"],
    )
    assert graph["sameAs"] == ["https://orcid.org/0000-0002-1825-0097"]
    assert "secret" not in json.dumps(graph).lower()


def test_a_collections_parts_and_an_adoptions_origin_are_named() -> None:
    steps = _graph(type="collection", steps=[{"record": "b"}, {"record": "a"}])
    assert [part["@id"][-1] for part in steps["hasPart"]] == ["b", "a"]
    copy = _graph(type="adoption", case_study="c", city="y", state="running")
    assert copy["isBasedOn"] == [{"@id": "https://kb.example.org/api/v1/records/c"}]


def test_an_events_graph_has_its_dates_and_way_of_meeting() -> None:
    graph = _graph(type="event", start="2026-05-01", end="2026-05-02", online_url="https://example.org/room")
    assert (graph["startDate"], graph["endDate"]) == ("2026-05-01", "2026-05-02")
    assert graph["eventAttendanceMode"] == "https://schema.org/OnlineEventAttendanceMode"


@limits(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(record=records())
def test_any_record_has_a_graph_without_empty_entries(record: Record) -> None:
    graph = json_ld(Stored(record, 1, utcnow(), utcnow(), None, frozenset()), "fr", "https://kb.example.org", "S")
    assert graph["name"] in record.title.values()
    assert all(value not in (None, [], {}, "") for value in graph.values())
    json.dumps(graph, allow_nan=False)


@pytest.mark.parametrize(
    ("accept", "preferred"),
    [
        ("", False), ("*/*", False), ("application/json", False), ("text/html,*/*;q=0.8", False),
        (JSON_LD, True), (f"{JSON_LD};q=0", False), (f"{JSON_LD}, application/json;q=0.9", True),
        (f"{JSON_LD};q=0.5, application/json", False), (f" {JSON_LD.upper()} ; q=0.7", True), (f"{JSON_LD};q=x", False),
    ],
)  # fmt: skip
def test_json_ld_is_sent_to_who_prefers_it(accept: str, preferred: bool) -> None:
    assert prefers_json_ld(accept) is preferred


@given(st.text(max_size=60))
def test_no_accept_header_breaks_anything(accept: str) -> None:
    prefers_json_ld(accept)


def test_the_interface_is_described_with_examples(client: TestClient) -> None:
    described = client.get("/openapi.json").json()["paths"]["/api/v1/records/{record_id}"]["get"]
    content = described["responses"]["200"]["content"]
    example = content["application/json"]["example"]
    assert parse({name: part for name, part in example.items() if name != "meta"}).id == "medellin-metrocable"
    assert content[JSON_LD]["example"]["@type"] == "Article"
    assert "404" in described["responses"]
