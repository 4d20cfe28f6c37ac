"""A partner's rows become records; what was repaired, left or refused is told row by row."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from kb.db import transaction
from kb.errors import Invalid
from kb.records import repairs, service
from kb.records.countries import country_code
from kb.records.importing import import_files
from kb.records.mapping import Mapping, Unusable, load_mapping
from kb.records.report import ImportReport

RULES = """
name: Test
type: initiative
language: lang
fields:
  id: id
  title: title
"""


@pytest.fixture
def mapping(tmp_path: Path) -> Any:
    """Makes a mapping from YAML that is added to the smallest one."""

    def make(more: str = "", rules: str = RULES) -> Mapping:
        path = tmp_path / "mapping.yaml"
        path.write_text(rules + more)
        return load_mapping(path)

    return make


def _row(**fields: Any) -> dict[str, Any]:
    return {"id": "a", "lang": "fr", "title": "Titre"} | fields


def _told(mapping: Mapping, **fields: Any) -> list[tuple[str, str, bool]]:
    return [(change.field, change.kind, change.done) for change in mapping.apply(_row(**fields))[1]]


def test_texts_go_into_the_rows_language(mapping: Any) -> None:
    value, changes = mapping().apply(_row())
    assert value == {"type": "initiative", "language": "fr", "id": "a", "title": {"fr": "Titre"}}
    assert changes == []
    assert mapping().apply(_row(lang="ES-mx"))[0]["title"] == {"es": "Titre"}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"lang": "de"}, "its language, 'de', is none of en, es, fr"),
        ({"lang": None}, "its language, ''"),
        ({"id": ""}, "has no id"),
        ({"title": ""}, "has neither a title nor a text"),
    ],
)
def test_a_row_that_cannot_be_used_says_why(mapping: Any, fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(Unusable, match=reason):
        mapping().apply(_row(**fields))


def test_constants_templates_tables_and_defaults(mapping: Any) -> None:
    rules = mapping(
        """
  status: {constant: published}
  origin: {template: "{source}, {id}"}
  stage: {from: state, values: {Terminé: completed, Autre: null}, default: planning}
  acronym: {from: [short, shorter]}
"""
    )
    value, changes = rules.apply(_row(source="Partner", state="  TERMINE ", shorter="T"))
    assert (value["status"], value["origin"], value["stage"], value["acronym"]) == (
        "published", "Partner, a", "completed", "T",
    )  # fmt: skip
    assert changes == []
    assert rules.apply(_row())[0]["stage"] == "planning"
    assert rules.apply(_row(state="Autre"))[0]["stage"] == "planning"
    assert _told(rules, state="Autre") == [("stage", "value that has no place here", False)]
    assert _told(rules, state="Neu") == [("stage", "value not in the table", False)]


def test_terms_are_known_by_id_label_in_any_language_synonym_or_table(mapping: Any) -> None:
    rules = mapping(
        """
  topics: {from: [sectors, tags], terms: topics, values: {Roads: [mobility, parking-demand], Mining: null}}
  sdgs: {from: sdg, terms: sdgs}
  gender.marker: gender
"""
    )
    tags = "Logement et quartiers|movilidad y transporte|Dragons"
    row = _row(sectors=["water", "ROADS", "Mining"], tags=tags, sdg=[4, 17, 18])
    value, changes = rules.apply(row | {"gender": 0})
    assert value["topics"] == ["water", "mobility", "parking-demand", "housing"]
    assert value["sdgs"] == [{"code": "4"}, {"code": "17"}]
    assert value["gender"] == {"marker": 0}
    assert [(change.field, change.kind, change.before) for change in changes] == [
        ("topics", "value that has no place here", "Mining"),
        ("topics", "not a term of topics", "Dragons"),
        ("sdgs", "not a term of sdgs", "18"),
    ]


def test_a_country_is_known_by_name_and_what_is_none_stays_as_the_places_name(mapping: Any) -> None:
    rules = mapping("  place.country: {from: country, as: country, else_to: place.name, values: {Wonderland: FR}}\n")
    assert rules.apply(_row(country="Reino de España"))[0]["place"] == {"country": "ES"}
    assert rules.apply(_row(country="wonderland"))[0]["place"] == {"country": "FR"}
    value, changes = rules.apply(_row(country="Kenya, Uganda"))
    assert value["place"] == {"name": "Kenya, Uganda"}
    assert changes[0].kind == "not the name of one country; kept as place.name"


def test_a_missing_title_and_summary_are_made_from_the_text(mapping: Any) -> None:
    rules = mapping(
        """
  summary: {from: summary, or_beginning_of: text, limit: 40}
  body: {from: text, unless_same_as: summary}
""",
        RULES.replace("title: title", "title: {from: title, or_first_sentence_of: text}"),
    )
    text = "Des trams pour tous. Ils roulent la nuit. Et le jour aussi."
    value, changes = rules.apply(_row(title="", text=text))
    assert value["title"] == {"fr": "Des trams pour tous"}
    assert value["summary"] == {"fr": "Des trams pour tous."}
    assert value["body"] == {"fr": text}
    assert [change.kind for change in changes] == [
        "made from the first sentence of text",
        "made from the beginning of text",
    ]
    value, _ = rules.apply(_row(text="Des trams."))
    assert (value["summary"], "body" in value) == ({"fr": "Des trams."}, False)
    value, changes = rules.apply(_row(summary="Un. " * 30))
    assert len(value["summary"]["fr"]) <= 40
    assert [change.kind for change in changes] == ["cut at the end of a sentence"]


def test_ids_are_made_to_fit_and_that_is_told(mapping: Any) -> None:
    rules = mapping("id_has_language: true\n")
    value, changes = rules.apply(_row(id="étude 1/2:fr"))
    assert value["id"] == "etude-1-2"
    assert [change.kind for change in changes] == ["language taken off the id", "characters of the id replaced"]
    assert rules.apply(_row(id="x:es"))[0]["id"] == "x:es"


def test_a_field_that_the_mapping_does_not_name_is_told_unless_it_is_empty_or_ignored(mapping: Any) -> None:
    assert _told(mapping("ignore: [colour]\n"), colour="red", budget=5, notes="") == [
        ("budget", "field that the mapping does not name", False)
    ]


def test_rows_of_one_record_in_several_languages_are_joined(engine: Engine, tmp_path: Path, mapping: Any) -> None:
    rows = [_row(id="a:fr"), _row(id="a:es", lang="es", title="Título"), _row(id="b:fr"), _row(id="b:fr")]
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows))
    report = import_files(engine, [path], mapping=mapping("id_has_language: true\n"))
    assert (report.read, report.merged, report.skipped, report.outcomes) == (4, 1, 1, {"created": 2})
    assert "stands already" in report.problems[0].reason
    with transaction(engine, readonly=True) as session:
        record = service.get(session, "a").record
    assert (record.language, record.title) == ("fr", {"fr": "Titre", "es": "Título"})


def test_rows_may_be_a_table(engine: Engine, tmp_path: Path, mapping: Any) -> None:
    (tmp_path / "rows.csv").write_text("id;lang;title;gender;tags\na;fr;'=Titre;1;eau|Mobilité et transports\n")
    rules = mapping("  gender.marker: gender\n  topics: {from: tags, terms: topics, values: {eau: water}}\n")
    report = import_files(engine, [tmp_path / "rows.csv"], mapping=rules)
    assert report.problems == []
    with transaction(engine, readonly=True) as session:
        record = service.get(session, "a").record
    assert (record.title, record.gender.marker, record.topics) == ({"fr": "=Titre"}, 1, ["water", "mobility"])


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ("name: [", "is not YAML"),
        ("name: Test", "type: is missing"),
        (RULES + "  colour: x\n", "fields.colour: a record of type initiative has no such field"),
        (RULES + "  topics: {from: x, terms: topic}\n", "there is no vocabulary topic"),
        (RULES + "  topics: {from: x, terms: topics, values: {a: mobilty}}\n", "'mobilty' is not in the vocabulary"),
        (RULES + "  stage: {form: x}\n", "fields.stage.form"),
        (RULES.replace("  id: id\n", ""), "has no rule for id"),
        (RULES + "repairs: [magic]\n", "repairs.0: 'magic' is none of encoding"),
    ],
)
def test_a_wrong_mapping_is_refused_with_the_place_of_the_fault(mapping: Any, rules: str, reason: str) -> None:
    with pytest.raises(Invalid, match=reason.replace("[", r"\[")):
        mapping("", rules)
    with pytest.raises(Invalid, match="cannot be read"):
        load_mapping(Path("nowhere.yaml"))


# Repairs


@pytest.mark.parametrize(
    ("repair", "before", "after"),
    [
        ("encoding", "the cityâ\x80\x99s SÃ£o Paulo", "the city’s São Paulo"),
        ("encoding", "SEAMA\x92s \x93pockets\x94", "SEAMA’s “pockets”"),
        ("encoding", "Ça va, São Paulo – 5 €", "Ça va, São Paulo – 5 €"),
        ("escapes", "i)\\tagua\\nii)", "i) agua\nii)"),
        ("quotes", '"Ruta ""Viva"" II"', 'Ruta "Viva" II'),
        ("quotes", '"Muy largo. "', "Muy largo."),
        ("quotes", 'Plan "Viva" y "Norte"', 'Plan "Viva" y "Norte"'),
        ("quotes", '"Viva" y "Norte"', '"Viva" y "Norte"'),
        ("semicolons", "agua< (ii) luz< y 5< 6", "agua; (ii) luz; y 5; 6"),
        ("semicolons", "menos de < 30 % y <p>", "menos de < 30 % y <p>"),
        ("markup", "<p>Roads &amp; rail</p>", " Roads & rail "),
        ("markup", "a < b and AT&T", "a < b and AT&T"),
        ("invisible", "M\ufeffon\u200b Suivi\x07", "Mon Suivi"),
        ("invisible", "👩\u200d🔧 café\n", "👩\u200d🔧 café\n"),
        ("blanks", " a  b \n\n c\t", "a b\nc"),
    ],
)
def test_each_repair_mends_its_flaw_and_nothing_else(repair: str, before: str, after: str) -> None:
    assert repairs.REPAIRS[repair](before) == after


@given(st.text(max_size=80))
def test_repairs_never_fail_and_the_last_ones_leave_nothing_to_repair(text: str) -> None:
    for repair in repairs.REPAIRS.values():
        repair(text)
    for name in ("invisible", "blanks", "semicolons", "escapes"):
        once = repairs.REPAIRS[name](text)
        assert repairs.REPAIRS[name](once) == once or name == "escapes"


def test_flaws_that_no_rule_can_mend_are_seen() -> None:
    assert repairs.split_words("the communi ty of Dar es Salaam has projec ts", "en") == ["communi ty", "projec ts"]
    assert repairs.split_words("A city with its own plan", "en") == []
    text = "Cit#-Soleil, the city?s plan, http://x.org/a?b Really? Yes"
    assert repairs.lost_characters(text, "en") == ["Cit#-Soleil", "city?s"]
    assert repairs.torn_markup('see <a href="x" here</a . and <p>fine</p>', "en") == ["<a", "</a"]


@given(st.text(max_size=300), st.integers(10, 100))
def test_a_cut_text_is_short_enough_and_is_the_beginning(text: str, limit: int) -> None:
    short = repairs.cut(text, limit)
    assert len(short) <= limit
    assert text.strip().startswith(short.removesuffix("…").rstrip())


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("France", "FR"), ("fr", "FR"), ("Reino de España", "ES"), ("Côte d'Ivoire", "CI"), ("COTE D’IVOIRE", "CI"),
        ("Republic of The Gambia", "GM"),
        ("Allemagne", "DE"), ("Brasil", "BR"), ("Federative Republic of Brazil", "BR"),
        ("Democratic Republic of the Congo", None), ("Republic of Korea", None), ("State of Georgia", None),
        ("Georgia", "GE"), ("Kenya, Uganda", None), ("Africa", None), ("", None),
        ("St. Vincent and the Grenadines", "VC"),
        ("République de Guinée", "GN"), ("Republic of Equatorial Guinea", "GQ"), ("Republic of Turkiye", "TR"),
    ],
)  # fmt: skip
def test_countries_are_known_in_three_languages_and_doubtful_ones_are_not_guessed(name: str, code: str | None) -> None:
    assert country_code(name) == code


# The partner's real file

PARTNER = Path(__file__).parents[3].parent / "shared" / "data" / "partner-projects.jsonl"


@pytest.fixture(scope="module")
def partner_mapping() -> Mapping:
    return load_mapping(Path(__file__).parents[3] / "fixtures" / "mappings" / "partner-projects.yaml")


@pytest.mark.skipif(not PARTNER.exists(), reason="the partner's file is not on this machine")
def test_the_partners_whole_file_is_taken_and_accounted_for(engine: Engine, partner_mapping: Mapping) -> None:
    report: ImportReport = import_files(engine, [PARTNER], mapping=partner_mapping)
    rows = [json.loads(line) for line in PARTNER.read_text("utf-8").strip().split("\n")]
    assert (report.read, report.skipped, report.outcomes) == (2550, 0, {"created": 2550})
    assert report.read == report.outcomes.total() + report.merged + report.skipped
    assert import_files(engine, [PARTNER], mapping=partner_mapping).outcomes == {"unchanged": 2550}
    told: dict[int, Counter[str]] = {}
    for repair in report.repairs:
        told.setdefault(repair.line, Counter())[repair.field.split(".")[0]] += 1
    with transaction(engine, readonly=True) as session:
        for line, row in enumerate(rows, 1):
            _accounted(session, row, told.get(line, Counter()))


def _accounted(session: Any, row: dict[str, Any], told: Counter[str]) -> None:
    """Each value of a row is in its record, or the report says what became of it."""
    record = service.get(session, row["id"].removesuffix(f":{row['lang']}").replace("é", "e")).record
    value = service.to_value(record)
    assert record.language == row["lang"]
    assert row["title"] == value["title"][row["lang"]] or told["title"]
    for name, field in (("summary", "summary"), ("text", "body")):
        mine = value.get(field, {}).get(row["lang"], "")
        assert not row[name] or mine == row[name] or told[field] or value["summary"][row["lang"]] == row[name]
    assert [tag.code for tag in record.sdgs] == [str(goal) for goal in row["sdg"]]
    assert all(tag.public and tag.source == "author" for tag in record.sdgs)
    assert record.gender.marker == row["gender"]
    assert len(record.topics) + told["topics"] > 0 or not row["sectors"] + row["tags"]
    assert bool(record.place and (record.place.country or record.place.name)) == bool(row["country"])
    assert value.get("stage") or told["stage"] or not row["status"]
    assert (value.get("period") or {}).get("start", "") == row["date"]
    assert (value.get("website") or "") == row["url"] or told["website"]
    assert value["licence"] == row["licence"]
    assert row["source"] in value["origin"]
    assert row["id"] in value["origin"]
