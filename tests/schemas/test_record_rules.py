"""What a record may say, and what it must have before it is published."""

from typing import Any, get_args

import pytest
from pydantic import ValidationError

from schemas import parts
from schemas.language import LANGUAGES, Language, say
from schemas.records import RECORD_TYPES, REQUIRED, WELCOME, Record, missing, parse, to_value
from schemas.tags import SdgTag

MINIMAL = {"type": "case_study", "id": "x-1", "language": "en", "title": {"en": "T"}}


def _refused(**fields: Any) -> str:
    with pytest.raises(ValidationError) as error:
        parse(MINIMAL | fields)
    return str(error.value)


def test_the_documented_minimal_line_is_a_record() -> None:
    line = MINIMAL | {"summary": {"en": "S"}, "body": {"en": "B"}, "status": "published"}
    assert to_value(parse(line)) == line


@pytest.mark.parametrize("record_type", RECORD_TYPES)
def test_every_type_needs_no_more_than_a_name(record_type: str) -> None:
    needed = {"adoption": {"case_study": "x", "city": "c", "state": "running"}}.get(record_type, {})
    assert parse(MINIMAL | {"type": record_type} | needed).status == "draft"


def test_the_title_must_be_in_the_records_own_language() -> None:
    assert "no text in the record's own language, fr" in _refused(language="fr")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"sumary": {"en": "x"}}, "Extra inputs"),
        ({"id": "é"}, "pattern"),
        ({"id": "-x"}, "pattern"),
        ({"id": "x" * 201}, "at most 200"),
        ({"title": {"en": "a\x00b"}}, "control character U\\+0000 at position 1"),
        ({"title": {"en": "a\x85b"}}, "control character U\\+0085"),
        ({"title": {"en": "  "}}, "at least 1 character"),
        ({"title": {"de": "T"}}, "'en', 'es' or 'fr'"),
        ({"place": {"country": "UK"}}, "not a country"),
        ({"place": {"coordinates": {"lat": 91, "lon": 0}}}, "less than or equal to 90"),
        ({"period": {"start": "2020-05", "end": "2020-04-30"}}, "before it starts"),
        ({"period": {"start": "2020-02-30"}}, "day is out of range"),
        ({"period": {"start": "20-02-30"}}, "not a date"),
        ({"costs": {"amount": 5}}, "needs its currency"),
        ({"media": [{"kind": "image", "url": "https://x.org/a.png"}]}, "alt text"),
        ({"website": "javascript:alert(1)"}, "URL scheme"),
        ({"website": "x.org"}, "valid URL"),
        ({"gender": {"marker": 3}}, "0, 1 or 2"),
        ({"evidence_level": 6}, "less than or equal to 5"),
        ({"links": [{"rel": "friend", "to": "x"}]}, "'city', 'lead'"),
    ],
)
def test_what_cannot_be_true_is_refused(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        parse(MINIMAL | fields)


def test_a_period_may_end_within_the_month_that_it_starts_in() -> None:
    assert parse(MINIMAL | {"period": {"start": "2020-05", "end": "2020"}}).id == "x-1"


def test_every_rule_of_publishing_names_a_field_that_exists() -> None:
    """A rule for a misspelt field could never be kept."""
    filled = {
        "links": [{"rel": rel, "to": "x"} for rel in get_args(parts.Relation)],
        "place": {"country": "CO", "coordinates": {"lat": 1, "lon": 1}, "population": 1},
    }
    for table in (REQUIRED, WELCOME):
        for record_type, entries in table.items():
            extra = {"case_study": "x", "city": "c", "state": "running"} if record_type == "adoption" else {}
            record = parse(MINIMAL | {"type": record_type} | filled | extra)
            for path in (path for entry in entries for path in entry.split("|")):
                first = path.split(".")[0]
                assert first in type(record).model_fields, f"{record_type}: {path}"
                assert not path.startswith(("links.", "place.")) or not missing(record, {record_type: (path,)})


def test_either_of_two_fields_fills_a_rule() -> None:
    rule: dict[Any, tuple[str, ...]] = {"case_study": ("problem|context", "links.city|place")}
    assert missing(parse(MINIMAL), rule) == list(rule["case_study"])
    assert missing(parse(MINIMAL | {"context": {"en": "C"}, "place": {"country": "CO"}}), rule) == []
    assert missing(parse(MINIMAL | {"links": [{"rel": "partner", "to": "x"}]}), rule) == list(rule["case_study"])


def test_a_marker_of_zero_is_an_answer_and_none_is_not() -> None:
    rule: dict[Any, tuple[str, ...]] = {"case_study": ("gender.marker",)}
    assert missing(parse(MINIMAL | {"gender": {"marker": 0}}), rule) == []
    assert missing(parse(MINIMAL), rule) == ["gender.marker"]


@pytest.mark.parametrize(
    ("wanted", "original", "said"),
    [("es", "en", ("Hola", "es")), ("fr", "es", ("Hola", "es")), ("fr", None, ("Hello", "en"))],
)
def test_a_text_is_said_in_the_wanted_language_or_honestly_in_another(
    wanted: Language, original: Language | None, said: tuple[str, str]
) -> None:
    assert say({"en": "Hello", "es": "Hola"}, wanted, original) == said
    assert say({}, wanted, original) is None


def test_a_records_languages_are_those_of_its_title() -> None:
    assert parse(MINIMAL | {"title": {"fr": "T", "en": "T"}}).languages() == ["en", "fr"]
    assert LANGUAGES == ("en", "es", "fr")


@pytest.mark.parametrize(
    ("fields", "public"),
    [
        ({}, True),
        ({"state": "suggested"}, False),
        ({"state": "rejected"}, False),
        ({"state": "disputed"}, True),
        ({"state": "disputed", "source": "machine"}, False),
        ({"source": "machine"}, False),
        ({"source": "machine", "state": "suggested", "reviewer": "Ana"}, False),
        ({"source": "machine", "reviewer": "Ana"}, True),
    ],
)
def test_no_machines_tag_is_public_before_a_person_took_it(fields: dict[str, Any], public: bool) -> None:
    assert SdgTag(code="5.2", **fields).public is public


def test_a_target_belongs_to_its_goal() -> None:
    assert (SdgTag(code="5.2").goal, SdgTag(code="17").goal) == ("5", "17")


def test_what_a_record_points_to_is_in_its_own_words() -> None:
    adoption: Record = parse(
        MINIMAL
        | {"type": "adoption", "case_study": "x", "city": "c", "state": "running"}
        | {"links": [{"rel": "partner", "to": "p"}]}
    )
    assert list(adoption.references()) == [("partner", "p"), ("adopts", "x"), ("city", "c")]
