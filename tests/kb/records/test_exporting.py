"""What is exported can be imported again, runs in no spreadsheet, and tells nothing private."""

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st
from openpyxl import load_workbook
from sqlalchemy import Engine

from kb.db import transaction
from kb.errors import Invalid
from kb.records import columns, service, shape
from kb.records.exporting import MAX_CELL, export_file, write_csv, write_jsonl, write_xlsx
from kb.records.files import Row, read_rows
from kb.records.importing import import_files
from kb.records.privacy import exportable_value, public_record, public_value
from schemas.records import Record, parse, to_value
from tests.schemas.strategies import records, texts

_patient = limits(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
#: What a spreadsheet may take for a formula: from trust.md, with the full-width signs.
ACTIVE = tuple("=+-@\t\r\n＝＋－＠")
WRITERS = {".jsonl": write_jsonl, ".csv": write_csv, ".xlsx": write_xlsx}


def _save(engine: Engine, *found: Record) -> None:
    with transaction(engine) as session:
        service.save_many(session, found, "me")


# The same again


@limits(parent=_patient, max_examples=150)
@given(record=records())
def test_a_value_is_the_same_after_being_a_row_of_a_table(record: Record) -> None:
    value = exportable_value(record)
    cells = {name: columns.plain(str(cell)) for name, cell in columns.flatten(value).items()}
    assert columns.header_faults(list(cells)) == []
    assert to_value(parse(columns.nest(cells))) == to_value(parse(value))


@limits(parent=_patient, max_examples=25)
@given(found=st.lists(records(), max_size=5, unique_by=lambda record: record.id))
@pytest.mark.parametrize("suffix", WRITERS)
def test_a_file_holds_the_same_records(tmp_path: Path, suffix: str, found: list[Record]) -> None:
    path = tmp_path / f"out{suffix}"
    assert WRITERS[suffix](found, path) == len(found)
    rows = [row for row in read_rows(path, 5_000_000) if isinstance(row, Row)]
    assert [parse(row.value) for row in rows] == [parse(exportable_value(record)) for record in found]


@pytest.mark.parametrize("suffix", WRITERS)
def test_importing_an_export_changes_nothing(engine: Engine, tmp_path: Path, suffix: str) -> None:
    fixtures = Path(__file__).parents[3] / "fixtures"
    import_files(engine, [fixtures / "case_studies_fr.jsonl", fixtures / "events.jsonl", fixtures / "experts.jsonl"])
    path = tmp_path / f"out{suffix}"
    count = export_file(engine, path)
    report = import_files(engine, [path])
    assert (report.outcomes, report.problems) == ({"unchanged": count}, [])


def test_only_the_asked_records_are_exported(engine: Engine, tmp_path: Path, case: Callable[..., Record]) -> None:
    city = parse({"type": "city", "id": "c", "language": "en", "title": {"en": "C"}, "status": "published"})
    _save(engine, case("x-1"), case("x-2", status="draft"), city)

    def exported(**options: Any) -> list[str]:
        export_file(engine, tmp_path / "out.jsonl", **options)
        return [json.loads(line)["id"] for line in (tmp_path / "out.jsonl").read_text().splitlines()]

    assert exported() == ["c", "x-1"]
    assert exported(type="case_study") == ["x-1"]
    assert exported(public=False) == ["c", "x-1", "x-2"]


def test_an_export_that_fails_leaves_the_old_file(engine: Engine, tmp_path: Path, case: Callable[..., Record]) -> None:
    path = tmp_path / "out.xlsx"
    path.write_text("old")
    _save(engine, case(body={"en": "x" * (MAX_CELL + 1)}))
    with pytest.raises(Invalid, match=r"'x-1' has 32,768 characters in body.en.*Export to .csv"):
        export_file(engine, path)
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == ["out.xlsx"]
    with pytest.raises(Invalid, match=r"must end in .jsonl, .csv, .xlsx"):
        export_file(engine, tmp_path / "out.pdf")


# Spreadsheets


@limits(parent=_patient, max_examples=300)
@given(text=st.one_of(texts, st.text(st.sampled_from([*ACTIVE, "'", "1", " "]), min_size=1, max_size=6)))
def test_no_text_is_active_and_each_comes_back(text: str) -> None:
    assert not columns.inert(text).startswith(ACTIVE)
    assert columns.plain(columns.inert(text)) == text


@limits(parent=_patient, max_examples=40)
@given(title=texts, record=records())
def test_no_cell_of_an_exported_table_is_active(tmp_path: Path, title: str, record: Record) -> None:
    formula = record.model_copy(update={"title": {record.language: f"={title}", "fr": f"＠{title}"}})
    write_csv([formula], tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(encoding="utf-8-sig", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in cells if cell.startswith(ACTIVE) and not re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", cell)]
    write_xlsx([formula], tmp_path / "out.xlsx")
    for row in load_workbook(tmp_path / "out.xlsx").worksheets[0].iter_rows():
        for cell in row:
            assert cell.data_type != "f"
            assert not str(cell.value).startswith(ACTIVE) or isinstance(cell.value, int | float)


def test_the_header_is_in_the_schemas_order_whatever_the_records(tmp_path: Path, case: Callable[..., Record]) -> None:
    full = case("b", topics=["mobility"], links=[{"rel": "partner", "to": "p"}, {"rel": "related", "to": "r"}])
    for found in ([case("a"), full], [full, case("a")]):
        write_csv(found, tmp_path / "out.csv")
        header = (tmp_path / "out.csv").read_text("utf-8-sig").splitlines()[0]
        assert header == "type,id,language,status,title.en,topics,links.partner,links.related"


# Privacy

SECRET = "planted-7f3a"


def _expert(**fields: Any) -> Record:
    return parse(
        {
            "type": "expert", "id": "e", "language": "en", "status": "published", "title": {"en": "Ana"},
            "email": f"{SECRET}@example.org", "phone": SECRET, "organisation": "City Hall", "expertise": ["mobility"],
            "place": {"name": "Lyon"}, "consent": {"date": "2026-01-01", "version": "1"},
        } | fields
    )  # fmt: skip


@pytest.mark.parametrize("suffix", WRITERS)
def test_no_export_has_an_address_or_number_even_where_it_was_made_visible(tmp_path: Path, suffix: str) -> None:
    contact = {"name": "Office", "email": f"{SECRET}@example.org", "phone": SECRET}
    common = {"language": "en", "title": {"en": "T"}, "contact": contact}
    found = [
        _expert(visibility={"email": "public", "phone": "public"}),
        parse(common | {"type": "case_study", "id": "c"}),
        parse(common | {"type": "initiative", "id": "i"}),
        parse(common | {"type": "adoption", "id": "a", "case_study": "c", "city": "x", "state": "running"}),
    ]
    path = tmp_path / f"out{suffix}"
    WRITERS[suffix](found, path)
    rows = [row.value for row in read_rows(path, 5_000_000) if isinstance(row, Row)]
    assert len(rows) == 4
    assert SECRET not in json.dumps(rows)
    assert rows[1]["contact"]["name"] == "Office"


@pytest.mark.parametrize("suffix", WRITERS)
def test_importing_an_export_does_not_wipe_out_what_it_could_not_hold(
    engine: Engine, tmp_path: Path, suffix: str
) -> None:
    contact = {"name": "Office", "email": "office@example.org"}
    case = {"type": "case_study", "id": "c", "language": "en", "title": {"en": "T"}, "contact": contact}
    _save(engine, _expert(visibility={"organisation": "members"}), parse(case))
    path = tmp_path / f"out{suffix}"
    export_file(engine, path, public=False)
    assert import_files(engine, [path], dry_run=True).outcomes == {"unchanged": 2}
    assert import_files(engine, [path]).outcomes == {"unchanged": 2}
    assert import_files(engine, [path], strict=True).outcomes == {"unchanged": 2}


def test_an_import_removes_an_address_when_it_says_so(engine: Engine, tmp_path: Path) -> None:
    _save(engine, _expert())
    path = tmp_path / "in.jsonl"
    path.write_text(json.dumps(exportable_value(_expert()) | {"email": None}))
    assert import_files(engine, [path]).outcomes == {"updated": 1}
    with transaction(engine, readonly=True) as session:
        expert = service.to_value(service.get(session, "e").record)
    assert ("email" in expert, expert["phone"]) == (False, SECRET)


def test_what_an_expert_hides_is_not_public() -> None:
    hidden = {"organisation": "members", "place": "nobody", "expertise": "public", "title": "nobody"}
    value = public_value(_expert(visibility=hidden))
    assert set(value) == {"type", "id", "language", "status", "title", "expertise"}
    assert public_record(_expert(visibility=hidden)).id == "e"


def test_every_field_that_may_hold_an_address_or_number_is_known_to_the_export() -> None:
    """A new field of that name anywhere in the schema must be looked at here."""
    found = set()

    def walk(path: tuple[str, ...]) -> None:
        for name in shape.names_below(None, path):
            if name in ("email", "phone"):
                found.add(".".join([*path, name]))
            elif len(path) < 6:
                walk((*path, name) if shape.kind_of([*path, name]) != "objects" else (*path, name, "0"))

    walk(())
    assert found == {"email", "phone", "contact.email", "contact.phone"}


def test_tags_that_no_person_accepted_are_not_public_but_are_exported(case: Callable[..., Record]) -> None:
    record = case(
        sdgs=[{"code": "5", "source": "machine"}, {"code": "11.2"}],
        gender={"marker": 1, "themes": [{"theme": "care", "state": "suggested"}]},
    )
    value = public_value(record)
    assert (value["sdgs"], value["gender"]) == ([{"code": "11.2"}], {"marker": 1})
    assert exportable_value(record) == to_value(record)
