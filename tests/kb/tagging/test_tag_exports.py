"""Tags and decisions in files for others. On both databases."""

import csv
import io
import json
from collections.abc import Callable

import pytest
from sqlalchemy import Engine

from kb.db import transaction
from kb.records import service as records
from kb.tagging import bulk, bulk_run, decisions, exporting, suggestions
from kb.tagging.exporting import Place
from schemas.records import Record, parse
from schemas.tagging import BulkRule, Decision
from tests.kb.tagging.said import said
from tests.people import person

#: Of IATI's codelists TagVocabulary, PolicyMarkerVocabulary, PolicyMarker and PolicySignificance, what is used here: as
#: they are published, and not as the code has them.
SDG_GOALS, SDG_TARGETS, OWN = "2", "3", "99"
OECD_DAC, GENDER_EQUALITY = "1", "1"
SIGNIFICANCE = {"0": "not targeted", "1": "significant objective", "2": "principal objective"}

HOME = Place("en", "https://example.org")


@pytest.fixture
def tagged(engine: Engine, case: Callable[..., Record]) -> None:
    standing = {"source": "machine", "reviewer": "Editorial team", "state": "accepted", "date": "2026-05-01"}
    goals = [
        {"code": "11.2", "primary": True, "passage": "=Trams for all.", "passage_language": "en"} | standing,
        {"code": "5", "contribution": "indirect"},
        {"code": "1", "source": "machine", "state": "suggested"},
        {"code": "3", "state": "rejected"},
    ]
    gender = {"themes": [{"theme": "care", "state": "disputed"}], "marker": 2, "passage": "For women."}
    with transaction(engine) as session:
        records.save(session, case("trams", title={"en": "@Trams", "es": "Tranvías"}, sdgs=goals, gender=gender), "t")
        records.save(session, case("plain", place={"country": "FR"}, sdgs=[{"code": "13"}]), "t")
        records.save(session, case("draft", status="draft", sdgs=[{"code": "14"}]), "t")
        hidden = {
            "type": "expert", "id": "ana", "language": "en", "status": "published", "title": {"en": "Ana"},
            "sdgs": [{"code": "15"}], "visibility": {"expertise": "members"},
        }  # fmt: skip
        records.save(session, parse(hidden), "t")


def _rows(text: str) -> list[dict[str, str]]:
    assert text.startswith("\N{ZERO WIDTH NO-BREAK SPACE}")
    return list(csv.DictReader(io.StringIO(text[1:])))


def _tags(engine: Engine, place: Place = HOME, **more: object) -> list[dict[str, str]]:
    with transaction(engine, readonly=True) as session:
        return _rows("".join(exporting.tags_csv(session, place, **more)))  # type: ignore[arg-type]


def test_each_tag_that_readers_see_is_a_row_with_the_codes_of_iati(engine: Engine, tagged: None) -> None:
    found = _tags(engine)
    coded = [(row["record_id"], row["element"], row["vocabulary"], row["code"]) for row in found]
    assert coded == [
        ("plain", "tag", SDG_GOALS, "13"),
        ("trams", "tag", SDG_TARGETS, "11.2"),
        ("trams", "tag", SDG_GOALS, "5"),
        ("trams", "tag", OWN, "care"),
        ("trams", "policy-marker", OECD_DAC, GENDER_EQUALITY),
    ]
    marker = found[-1]
    assert SIGNIFICANCE[marker["significance"]] == "principal objective"
    assert {row["significance"] for row in found[:-1]} == {""}
    assert [row["vocabulary_uri"] for row in found] == ["", "", "", "https://example.org/en/gender", ""]


def test_a_row_says_how_the_tag_stands_and_is_no_formula(engine: Engine, tagged: None) -> None:
    row = next(row for row in _tags(engine) if row["code"] == "11.2")
    assert row == {
        "record_id": "trams", "type": "case_study", "title": "'@Trams", "country": "", "element": "tag", "vocabulary": "3",
        "vocabulary_uri": "", "code": "11.2", "significance": "", "narrative": row["narrative"], "primary": "1",
        "contribution": "direct", "passage": "'=Trams for all.", "passage_language": "en", "source": "machine",
        "state": "accepted", "date": "2026-05-01", "url": "https://example.org/en/case-studies/trams",
    }  # fmt: skip
    assert next(row for row in _tags(engine) if row["code"] == "care")["state"] == "disputed"


def test_labels_titles_and_addresses_are_in_the_language_that_is_asked_for(engine: Engine, tagged: None) -> None:
    row = next(row for row in _tags(engine, Place("es", "https://example.org")) if row["code"] == "13")
    assert row["narrative"] == "Acción por el clima"
    assert row["country"] == "FR"
    titles = {row["title"] for row in _tags(engine, Place("es", "https://example.org"))}
    assert titles == {"Tranvías", "Trams"}
    assert _tags(engine, type_="event") == []


def test_decisions_say_when_by_whom_as_a_code_and_what_the_model_had_said(
    engine: Engine, case: Callable[..., Record]
) -> None:
    eve = person(engine, "eve@example.org", "editor")
    with transaction(engine) as session:
        records.save(session, case("trams"), "t")
        suggestions.keep(session, "trams", "a" * 32, said({"11": 0.95, "5": 0.7}, {"mobility": 0.8}), b"")
        decisions.decide(
            session, eve, "trams", Decision(kind="sdg", code="11", action="accept", to="11.2", comment="=1")
        )
        gone = decisions.decide(session, eve, "trams", Decision(kind="sdg", code="5", action="reject"))
        decisions.undo(session, eve, "trams", gone.id)
        decisions.decide(session, eve, "trams", Decision(kind="theme", code="mobility", action="reject"))
    with transaction(engine, readonly=True) as session:
        text = "".join(exporting.decisions_csv(session, HOME))
        lines = [json.loads(line) for line in exporting.training_jsonl(session)]
    found = _rows(text)
    assert [(row["action"], row["code"], row["after"], row["undone"]) for row in found] == [
        ("accept", "11", "11.2", "0"), ("reject", "5", "", "1"), ("undo", "5", "", "0"), ("reject", "mobility", "", "0"),
    ]  # fmt: skip
    assert (found[0]["model"], found[0]["confidence"], found[0]["comment"]) == ("test-1", "0.95", "'=1")
    assert {row["who"] for row in found} == {exporting.code_of(eve.id)}
    assert eve.id not in text
    assert "eve" not in text
    assert lines == [
        {
            "record_id": "trams", "text_key": "a" * 32, "language": "en", "model": "test-1", "goals": {"11": True},
            "targets": {"11": "11.2"}, "themes": {"mobility": False}, "marker": None,
            "confidence": {"11": 0.95, "mobility": 0.8},
        }
    ]  # fmt: skip


def test_nothing_is_learnt_from_what_nobody_read(engine: Engine, case: Callable[..., Record]) -> None:
    eve = person(engine, "eve@example.org", "editor")
    with transaction(engine) as session:
        for number in range(12):
            records.save(session, case(f"c-{number:02}"), "t")
            suggestions.keep(session, f"c-{number:02}", "a" * 32, said({"11": 0.95}, {}), b"")
        row = bulk.begin(session, eve, BulkRule(confidence=0.9))
        for read in bulk.sample(session, row):
            bulk.check(session, eve, row.id, read.item.sample or 0, right=True)
        bulk.accept(session, eve, row.id, "", rest=True)
    bulk_run.run(engine, row.id, 60)
    with transaction(engine, readonly=True) as session:
        assert len(list(exporting.training_jsonl(session))) == 10
        found = _rows("".join(exporting.decisions_csv(session, HOME)))
    assert sum(row["unread"] == "1" for row in found) == 2
    assert {row["bulk"] for row in found} == {str(row.id)}
