"""An import takes every good row, says what is wrong with the others, and can be run again."""

import csv
import datetime
import json
import tracemalloc
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st
from openpyxl import Workbook
from pydantic import ValidationError
from sqlalchemy import Engine

from kb.db import transaction
from kb.outbox import waiting
from kb.records import files, service, shape
from kb.records.files import Row, Unreadable, parse_json_line
from kb.records.importing import import_files
from kb.records.reasons import reasons
from kb.records.report import ImportReport
from schemas.records import RECORD_TYPES, Record, parse

GOOD = {"type": "case_study", "id": "x-1", "language": "en", "title": {"en": "Trams"}, "status": "published"}


@pytest.fixture
def lines(tmp_path: Path) -> Callable[..., Path]:
    """Writes a .jsonl file from values, texts or bytes."""

    def write(*rows: dict[str, Any] | str | bytes, name: str = "records.jsonl") -> Path:
        path = tmp_path / name
        path.write_bytes(b"\n".join(_bytes(row) for row in rows) + b"\n")
        return path

    return write


def _bytes(row: dict[str, Any] | str | bytes) -> bytes:
    if isinstance(row, bytes):
        return row
    return (row if isinstance(row, str) else json.dumps(row)).encode()


def _rows(count: int, **fields: Any) -> list[dict[str, Any]]:
    return [GOOD | {"id": f"x-{n:05}"} | fields for n in range(count)]


def _problems(report: ImportReport) -> list[tuple[int, str, str]]:
    return [(problem.line, problem.field, problem.reason) for problem in report.problems]


def _stored(engine: Engine) -> list[str]:
    with transaction(engine, readonly=True) as session:
        return [stored.record.id for stored in service.iterate(session, public=False)]


# What becomes of good rows


def test_records_are_created_then_unchanged_then_updated(engine: Engine, lines: Callable[..., Path]) -> None:
    path = lines(*_rows(1200))
    assert import_files(engine, [path]).outcomes == {"created": 1200}
    assert import_files(engine, [path]).outcomes == {"unchanged": 1200}
    path = lines(*_rows(1200)[:-1], GOOD | {"id": "x-01199", "title": {"en": "Trains"}})
    report = import_files(engine, [path], author="Ana")
    assert report.outcomes == {"unchanged": 1199, "updated": 1}
    assert (report.read, report.skipped, report.written) == (1200, 0, True)
    with transaction(engine, readonly=True) as session:
        assert service.revisions(session, "x-01199")[0].author == "Ana"
        assert waiting(session) == 1201


def test_a_dry_run_says_the_same_and_writes_nothing(engine: Engine, lines: Callable[..., Path]) -> None:
    import_files(engine, [lines(*_rows(3))])
    path = lines(*_rows(2), GOOD | {"id": "x-00002", "title": {"en": "Trains"}}, GOOD | {"id": "new"}, "{")
    plan = import_files(engine, [path], dry_run=True)
    assert (plan.outcomes, plan.skipped, plan.written) == ({"unchanged": 2, "updated": 1, "created": 1}, 1, False)
    assert len(_stored(engine)) == 3
    done = import_files(engine, [path])
    assert (done.outcomes, done.skipped, done.written) == (plan.outcomes, plan.skipped, True)


def test_strict_writes_everything_or_nothing(engine: Engine, lines: Callable[..., Path]) -> None:
    bad = lines(*_rows(1100), GOOD | {"id": "bad", "topics": ["x"]}, name="bad.jsonl")
    report = import_files(engine, [lines(GOOD, name="good.jsonl"), bad], strict=True)
    assert (report.written, len(report.problems), report.outcomes) == (False, 1, {})
    assert _stored(engine) == []
    report = import_files(engine, [lines(*_rows(1100))], strict=True)
    assert (report.written, report.outcomes) == (True, {"created": 1100})
    assert len(_stored(engine)) == 1100


def test_a_strict_import_that_stops_halfway_leaves_nothing(
    engine: Engine, lines: Callable[..., Path], case: Callable[..., Record]
) -> None:
    def fail(report: ImportReport, _share: float) -> None:
        if report.outcomes.total() >= 1000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_files(engine, [lines(*_rows(1600))], strict=True, progress=fail)
    assert _stored(engine) == []


def test_progress_is_told_after_each_batch_and_ends_at_one(engine: Engine, lines: Callable[..., Path]) -> None:
    told: list[tuple[int, float]] = []
    paths = [lines(*_rows(700)), lines(*(row | {"id": f"y{row['id']}"} for row in _rows(500)), name="b.jsonl")]
    import_files(engine, paths, progress=lambda report, share: told.append((report.outcomes.total(), share)))
    assert [count for count, _ in told] == [500, 1000, 1200]
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_a_good_row_after_a_bad_one_is_taken(engine: Engine, lines: Callable[..., Path]) -> None:
    report = import_files(engine, [lines(GOOD, "{broken", GOOD | {"id": "x-2"}, b"\xff\xfe\xfd", GOOD | {"id": "x-3"})])
    assert _stored(engine) == ["x-1", "x-2", "x-3"]
    assert (report.read, report.skipped, [problem.line for problem in report.problems]) == (5, 2, [2, 4])


# What is said about bad rows


@pytest.mark.parametrize(
    ("fields", "field", "reason"),
    [
        ({"topics": ["mobilty"]}, "topics.0", "'mobilty' is not in the vocabulary topics; did you mean mobility?"),
        ({"sdgs": [{"code": "11.22"}]}, "sdgs.0.code", "'11.22' is not in the vocabulary sdgs; did you mean 11.2"),
        ({"type": "case-study"}, "type", "'case-study' is not a type of record; did you mean case_study?"),
        ({"type": None}, "type", "'None' is not a type of record"),
        ({"titel": {"en": "T"}}, "titel", "this kind of record has no such field; did you mean title?"),
        ({"place": {"contry": "CO"}}, "place.contry", "place has no such field; did you mean country?"),
        ({"sources": [{"year": 2020}]}, "sources.0.title", "is missing"),
        ({"title": "Trams"}, "title", 'must be an object, such as {"en": "..."} for a text, not \'Trams\''),
        ({"title": {"en": 5}}, "title.en", "must be text, not 5"),
        ({"title": {"en": ["T"]}}, "title.en", "must be text, not a list"),
        ({"title": {"en": "T", "de": "T"}}, "title.de", "'de' is none of en, es, fr"),
        ({"title": {"es": "T"}}, "", "title has no text in the record's own language, en"),
        ({"title": {"en": "T", "es": ""}}, "title.es", "is empty; leave the field out instead"),
        ({"title": {"en": "x" * 200_001}}, "title.en", "has 200,001 characters; at most 200,000 fit"),
        ({"title": {"en": "a\x07"}}, "title.en", "has the control character U+0007 at position 1; remove it"),
        ({"title": {"en": "\ud800"}}, "title.en", "has half a character"),
        ({"topics": "mobility"}, "topics", "must be a list, not 'mobility'"),
        ({"status": "live"}, "status", "'live' is none of draft, submitted, in_review, published"),
        ({"status": "publishd"}, "status", "did you mean published?"),
        ({"id": "Medellín"}, "id", "'Medellín' has characters other than letters without accents"),
        ({"id": 7}, "id", "must be text, not 7"),
        ({"evidence_level": "high"}, "evidence_level", "must be a whole number, not 'high'"),
        ({"evidence_level": 2.5}, "evidence_level", "must be a whole number, not 2.5"),
        ({"evidence_level": 9}, "evidence_level", "must be at most 5, not 9"),
        ({"costs": {"amount": "much"}}, "costs.amount", "must be a number, not 'much'"),
        ({"costs": {"amount": 5}}, "costs", "an amount needs its currency, as EUR or COP"),
        ({"costs": {"currency": "euro"}}, "costs.currency", "'euro' is not a currency; write its code"),
        ({"demonstration": "perhaps"}, "demonstration", "must be true or false, not 'perhaps'"),
        ({"last_verified": "1/2/2024"}, "last_verified", "must be a date such as 2024-04-30, not '1/2/2024'"),
        ({"period": {"start": "2024-13"}}, "period.start", "month must be in 1..12"),
        ({"website": "www.example.org"}, "website", "must be a web address such as https://example.org"),
        ({"website": "mailto:a@b.org"}, "website", "must be a web address"),
        ({"gender": {"marker": 3}}, "gender.marker", "3 is none of 0, 1, 2"),
        ({"links": [{"rel": "city"}]}, "links.0.to", "is missing"),
        ({"links": [{"rel": "city", "to": "São Paulo"}]}, "links.0.to", "'São Paulo' is not the id of a record"),
        ({"summary": None}, "summary", "must be an object"),
        ({"place": "Medellín"}, "place", "must be an object, not 'Medellín'"),
        ({"costs": {"amount": 10**400, "currency": "EUR"}}, "costs.amount", "must be a number, not so large a number"),
    ],
)
def test_a_wrong_value_is_explained_in_plain_words(
    engine: Engine, lines: Callable[..., Path], fields: dict[str, Any], field: str, reason: str
) -> None:
    [problem] = import_files(engine, [lines(GOOD | {"id": "ok"}, GOOD | fields)]).problems
    assert (problem.line, problem.field) == (2, field)
    assert reason in problem.reason
    assert _stored(engine) == ["ok"]


def test_every_fault_of_a_row_is_told_at_once(engine: Engine, lines: Callable[..., Path]) -> None:
    report = import_files(engine, [lines({"type": "city", "id": "é", "language": "de"})])
    assert {problem.field for problem in report.problems} == {"id", "language", "title"}
    assert report.skipped == 1


_JARGON = (
    "Input should",
    "valid dictionary",
    "pydantic",
    "Value error",
    "function-",
    "[key]",
    "union",
    "https://errors",
)


@limits(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    row=st.fixed_dictionaries(
        {"type": st.sampled_from([*RECORD_TYPES, "x"])},
        optional={
            name: st.recursive(
                st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
                lambda inner: (
                    st.lists(inner, max_size=2)
                    | st.dictionaries(st.sampled_from(["en", "to", "code", "title", "marker", "x"]), inner, max_size=2)
                ),
                max_leaves=4,
            )
            for name in ("id", "language", "title", "summary", "links", "sdgs", "gender", "period", "media", "website")
        },
    )
)
def test_whatever_a_row_holds_its_problems_are_plain(row: dict[str, Any]) -> None:
    try:
        parse(row)
    except ValidationError as error:
        for field, reason in reasons(error):
            assert reason
            assert not any(word in f"{field} {reason}" for word in _JARGON), (field, reason)
            assert reason.isprintable()
            assert field.split(".")[0] in {"", "type", *shape.names_below(str(row["type"]), []), *row}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{broken", "is not valid JSON at character 2"),
        (b"[1, 2]", "is not an object"),
        (b'"text"', "is not an object"),
        (b'{"id": "Medell\xedn"}', "is not UTF-8: byte 0xED at character 15; save the file with the encoding UTF-8"),
        (b'{"id": "a\x00b"}', "has a NUL character at character 10"),
        (b'{"id": "a\\u0000b"}', "has a NUL character (\\u0000); remove it"),
        (b'{"amount": NaN}', "has NaN, which is not a JSON number"),
        (b'{"amount": -Infinity}', "has -Infinity"),
        (b'{"amount": 1e999}', "has the number 1e999, which is too large"),
        (b'{"amount": ' + b"9" * 5000 + b"}", "is not valid JSON: Exceeds the limit"),
        (b"[" * 100_000, "is nested too deeply"),
        (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "is nested too deeply"),
        (b'{"id": "a"} {"id": "b"}', "is not valid JSON at character 13: Extra data"),
        (b"id,title", "is not valid JSON"),
    ],
)
def test_a_line_that_is_no_record_is_explained(
    engine: Engine, lines: Callable[..., Path], line: bytes, reason: str
) -> None:
    report = import_files(engine, [lines(line, GOOD)])
    assert [problem.line for problem in report.problems] == [1]
    assert reason in report.problems[0].reason
    assert _stored(engine) == ["x-1"]


def test_a_key_that_stands_twice_is_refused_because_one_of_them_would_be_lost(
    engine: Engine, lines: Callable[..., Path]
) -> None:
    report = import_files(engine, [lines('{"type":"news","id":"a","language":"en","title":{"en":"A","en":"B"}}')])
    assert _problems(report) == [(1, "en", "stands twice in one object; keep one of them")]


@limits(deadline=None, max_examples=300)
@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_no_line_of_rubbish_breaks_the_reader(line: bytes) -> None:
    try:
        value = parse_json_line(line.decode("utf-8", "surrogateescape"))
    except Unreadable as error:
        assert error.reason  # noqa: PT017
    else:
        assert json.loads(line) == value


def test_an_endless_line_is_skipped_without_being_read_into_memory(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "endless.jsonl"
    with path.open("wb") as file:
        file.write(_bytes(GOOD) + b'\n{"id": "')
        for _ in range(60):
            file.write(b"x" * 1_000_000)
        file.write(b'"}\n' + _bytes(GOOD | {"id": "x-2"}) + b"\n")
    tracemalloc.start()
    report = import_files(engine, [path], max_line=5_000_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert _problems(report) == [(2, "", "is longer than 5,000,000 bytes; split it, or raise KB_MAX_IMPORT_LINE")]
    assert _stored(engine) == ["x-1", "x-2"]
    assert peak < 30_000_000


def test_a_field_of_ten_megabytes_is_refused(engine: Engine, lines: Callable[..., Path]) -> None:
    report = import_files(engine, [lines(GOOD | {"body": {"en": "x" * 10_000_000}})])
    assert "is longer than 5,000,000 bytes" in report.problems[0].reason
    report = import_files(engine, [lines(GOOD | {"body": {"en": "x" * 10_000_000}})], max_line=20_000_000)
    assert _problems(report) == [(1, "body.en", "has 10,000,000 characters; at most 200,000 fit")]


def test_a_line_of_just_the_allowed_length_is_taken(engine: Engine, lines: Callable[..., Path]) -> None:
    path = lines(GOOD)
    exact = len(_bytes(GOOD))
    assert import_files(engine, [path], max_line=exact).problems == []
    assert len(import_files(engine, [path], max_line=exact - 1).problems) == 1


def test_an_id_that_comes_twice_is_taken_once(engine: Engine, lines: Callable[..., Path]) -> None:
    a = lines(GOOD, GOOD | {"id": "x-2", "topics": ["wrong"]}, name="a.jsonl")
    b = lines(GOOD | {"id": "x-2"}, GOOD | {"title": {"en": "Other"}}, name="b.jsonl")
    report = import_files(engine, [a, b])
    assert _problems(report)[1:] == [(2, "id", f"'x-1' stands already in {a}:1; the first one is kept")]
    assert _stored(engine) == ["x-1", "x-2"]
    with transaction(engine, readonly=True) as session:
        assert service.get(session, "x-1").record.title == {"en": "Trams"}


def test_blank_lines_and_a_byte_order_mark_are_nothing_to_talk_about(
    engine: Engine, lines: Callable[..., Path]
) -> None:
    path = lines(b"\xef\xbb\xbf" + _bytes(GOOD), "", "   ", "\r", GOOD | {"id": "x-2"}, "")
    report = import_files(engine, [path])
    assert (report.read, report.problems, report.warnings) == (2, [], [])


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("records.txt", b"", "ends in '.txt'; an import reads .jsonl, .csv, .xlsx"),
        ("records", b"", "ends in ''"),
        ("absent.jsonl", None, "is not there; check the name"),
        ("utf16.jsonl", "{}".encode("utf-16"), "is UTF-16; save the file with the encoding UTF-8"),
        ("utf16.csv", "id".encode("utf-16"), "is UTF-16"),
        ("records.xlsx", b"not a workbook", "is not an Excel workbook"),
        ("empty.xlsx", b"", "is not an Excel workbook"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    engine: Engine, tmp_path: Path, name: str, content: bytes | None, reason: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    [problem] = import_files(engine, [tmp_path / name]).problems
    assert (problem.file, problem.line) == (str(tmp_path / name), 0)
    assert reason in problem.reason


def test_a_folder_is_no_file(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "folder.jsonl").mkdir()
    report = import_files(engine, [tmp_path / "folder.jsonl"])
    assert report.problems[0].reason == "is a folder; name the files in it"
    assert (report.read, report.skipped) == (0, 0)


@pytest.mark.parametrize("name", ["empty.jsonl", "empty.csv"])
def test_an_empty_file_is_worth_a_warning(engine: Engine, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\n\n")
    report = import_files(engine, [tmp_path / name])
    assert (report.problems, [warning.reason for warning in report.warnings]) == ([], ["has no rows"])


def test_links_to_nothing_are_warned_of_and_kept(engine: Engine, lines: Callable[..., Path]) -> None:
    def links(*targets: str) -> dict[str, Any]:
        return {"links": [{"rel": "city", "to": target} for target in targets]}

    import_files(engine, [lines(GOOD | {"id": "in-database"})])
    path = lines(GOOD | links("later", "in-database", "nowhere"), GOOD | {"id": "later"} | links("x-1"))
    report = import_files(engine, [path])
    assert [(warning.line, warning.field, warning.reason) for warning in report.warnings] == [
        (1, "links.city", "links to 'nowhere', which is neither here nor in these files")
    ]
    assert report.problems == []
    with transaction(engine, readonly=True) as session:
        assert service.pointing_ids(session, ["nowhere"]) == {"x-1"}


def test_the_rules_of_publishing_bind_published_records_only_and_only_when_asked(
    engine: Engine, lines: Callable[..., Path]
) -> None:
    news = {"type": "news", "language": "en", "title": {"en": "T"}}
    path = lines(
        news | {"id": "a", "status": "published"},
        news | {"id": "b", "status": "draft"},
        news | {"id": "c", "status": "published", "summary": {"en": "x" * 501}, "date": "2026"},
    )
    report = import_files(engine, [path], strict_quality=True)
    assert _problems(report) == [
        (1, "body or summary", "is missing; a published news must have it"),
        (1, "date", "is missing; a published news must have it"),
        (3, "summary.en", "has 501 characters; at most 500 may be published"),
    ]
    assert (_stored(engine), report.skipped) == (["b"], 2)
    assert import_files(engine, [path]).problems == []


# Tables


def _csv(path: Path, rows: Sequence[Sequence[object]], **options: Any) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, **options).writerows(rows)
    return path


def _xlsx(path: Path, *sheets: Sequence[Sequence[object]]) -> Path:
    workbook = Workbook()
    workbook.remove(workbook.worksheets[0])
    for rows in sheets:
        sheet = workbook.create_sheet()
        for row in rows:
            sheet.append(list(row))
    workbook.save(path)
    return path


TABLE = [
    ["type", "id", "language", "title.en", "title.es", "topics", "links.city", "sdgs", "place.coordinates.lat",
     "place.coordinates.lon", "gender.marker", "sources.0.title", "sources.1.title", "sources.1.year", "demonstration"],
    ["case_study", "x-1", "en", "Trams", "Tranvías", "mobility|public-transport", "city-a | city-b", "11.2|5", "6.25",
     "-75.5", "1", "First", "Second", "2019", "true"],
    ["event", "x-2", "en", "Congress", *[""] * 11],
]  # fmt: skip


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_a_table_with_dotted_columns_is_records(engine: Engine, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"table{suffix}"
    _csv(path, TABLE) if suffix == ".csv" else _xlsx(path, TABLE)
    report = import_files(engine, [path])
    assert (report.problems, report.outcomes) == ([], {"created": 2})
    with transaction(engine, readonly=True) as session:
        value = service.to_value(service.get(session, "x-1").record)
    assert value == {
        "type": "case_study",
        "id": "x-1",
        "language": "en",
        "status": "draft",
        "title": {"en": "Trams", "es": "Tranvías"},
        "topics": ["mobility", "public-transport"],
        "links": [{"rel": "city", "to": "city-a"}, {"rel": "city", "to": "city-b"}],
        "sdgs": [{"code": "11.2"}, {"code": "5"}],
        "place": {"coordinates": {"lat": 6.25, "lon": -75.5}},
        "gender": {"marker": 1},
        "sources": [{"title": "First"}, {"title": "Second", "year": 2019}],
        "demonstration": True,
    }


def test_numbers_dates_and_truth_of_a_sheet_are_understood(engine: Engine, tmp_path: Path) -> None:
    header = ["type", "id", "language", "title.en", "evidence_level", "last_verified", "sdgs", "demonstration"]
    row = ["case_study", "x-1", "en", "Trams", 3.0, datetime.datetime(2026, 4, 30), 11.2, True]  # noqa: DTZ001
    report = import_files(engine, [_xlsx(tmp_path / "t.xlsx", [header, row])])
    assert report.problems == []
    with transaction(engine, readonly=True) as session:
        value = service.to_value(service.get(session, "x-1").record)
    assert (value["evidence_level"], value["last_verified"], value["sdgs"], value["demonstration"]) == (
        3,
        "2026-04-30",
        [{"code": "11.2"}],
        True,
    )


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_separator_is_found_by_itself(engine: Engine, tmp_path: Path, delimiter: str) -> None:
    rows = [TABLE[0], [cell.replace("Trams", f'Trams{delimiter} "new"\nand old') for cell in TABLE[1]]]
    path = tmp_path / "table.csv"
    path.write_bytes(b"\xef\xbb\xbf" + _csv(path, rows, delimiter=delimiter).read_bytes())
    assert import_files(engine, [path]).problems == []
    with transaction(engine, readonly=True) as session:
        assert service.get(session, "x-1").record.title["en"] == f'Trams{delimiter} "new"\nand old'


@pytest.mark.parametrize(
    ("header", "faults"),
    [
        (["type", "id", "language", "titel.en"], {
            "titel.en": "no record has such a column; did you mean title.en",
            "title": "is missing from the header; name it by language, as title.en"}),
        (["type", "id", "language", "title"], {
            "title": "needs its language, as title.en"}),
        (["type", "id", "language", "title.en", "id"], {"id": "stands twice in the header"}),
        (["type", "id", "", "title.en"], {
            "": "column 3 has no name", "language": "is missing from the header"}),
        (["type", "id", "language", "title.de"], {"title.de": "did you mean title."}),
        (["type", "id", "language", "title.en", "links.friend"], {"links.friend": "no record has such a column"}),
        (["type", "id", "language", "title.en", "place.contry"], {
            "place.contry": "no record has such a column; did you mean place.country"}),
    ],
)  # fmt: skip
def test_a_wrong_header_is_told_before_any_row_is_read(
    engine: Engine, tmp_path: Path, header: list[str], faults: dict[str, str]
) -> None:
    report = import_files(engine, [_csv(tmp_path / "t.csv", [header, ["news", "x", "en", "T", *header[4:]]])])
    for field, reason in faults.items():
        assert any(problem.field == field and reason in problem.reason for problem in report.problems)
    assert {problem.line for problem in report.problems} == {1}
    assert _stored(engine) == []


def test_a_row_with_too_few_or_too_many_columns_is_skipped(engine: Engine, tmp_path: Path) -> None:
    header = ["type", "id", "language", "title.en"]
    rows = [["news", "x-1", "en"], ["news", "x-2", "en", "T", "more"], ["news", "x-3", "en", "T", ""], ["", "", "", ""]]
    report = import_files(engine, [_csv(tmp_path / "t.csv", [header, *rows, ["news", "x-4", "en", "T"]])])
    assert _problems(report) == [
        (2, "", "has 3 columns where the header has 4"),
        (3, "", "has 5 columns where the header has 4"),
    ]
    assert _stored(engine) == ["x-3", "x-4"]


def test_a_bad_row_of_a_table_does_not_spoil_the_next(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(
        b"type,id,language,title.en\n"
        b"news,x-1,en,Trams\n"
        b"news,x-2,en,Medell\xedn\n"
        b'news,x-3,en,"Trams" and "trains"\n'
        b"news,x-4,en,\x00\n"
        b"news,x-5,en," + b"x" * 3000 + b"\n"
        b"news,x-6,en,Trams\n"
        b'news,x-7,en,"never closed\n'
    )
    report = import_files(engine, [path], max_line=2000)
    reasons = {problem.line: problem.reason for problem in report.problems}
    assert "is not UTF-8: byte 0xED" in reasons[3]
    assert "has its quotation marks wrong" in reasons[4]
    assert "has a NUL character" in reasons[5]
    assert "is longer than 2,000 bytes" in reasons[6]
    assert "has its quotation marks wrong" in reasons[8]
    assert _stored(engine) == ["x-1", "x-6"]


def test_a_quotation_mark_that_is_never_closed_does_not_swallow_the_file_into_memory(
    engine: Engine, tmp_path: Path
) -> None:
    path = tmp_path / "t.csv"
    path.write_text('type,id,language,title.en\nnews,x-1,en,"open\n' + "news,x-2,en,T\n" * 5000)
    report = import_files(engine, [path], max_line=1000)
    assert report.problems[0].line == 2
    assert "is longer than 1,000 bytes" in report.problems[0].reason
    assert "x-2" in _stored(engine)


def test_a_cell_of_json_that_is_none_is_told(engine: Engine, tmp_path: Path) -> None:
    header = ["type", "id", "language", "title.en", "building_blocks"]
    rows = [["case_study", "x-1", "en", "T", "[{broken"], ["case_study", "x-2", "en", "T", '[{"title": {"en": "B"}}]']]
    report = import_files(engine, [_csv(tmp_path / "t.csv", [header, *rows])])
    assert _problems(report) == [
        (2, "", "the cell of building_blocks is not a JSON list, as [{...}]"),
        (3, "building_blocks.0.text", "is missing"),
    ]


def test_an_object_in_a_cell_is_json_or_gets_columns_of_its_own(engine: Engine, tmp_path: Path) -> None:
    header = ["type", "id", "language", "title.en", "place"]
    rows = [["city", "x-1", "en", "T", "Paris"], ["city", "x-2", "en", "T", '{"country": "FR"}']]
    report = import_files(engine, [_csv(tmp_path / "t.csv", [header, *rows])])
    assert _problems(report) == [(2, "", "the cell of place is not a JSON object; use columns such as place.name")]
    assert _stored(engine) == ["x-2"]


def test_only_the_first_sheet_is_read_and_that_is_said(engine: Engine, tmp_path: Path) -> None:
    report = import_files(engine, [_xlsx(tmp_path / "t.xlsx", TABLE, [["notes"]])])
    assert report.outcomes == {"created": 2}
    assert "has 1 more sheets; only the first" in report.warnings[-3].reason


def test_a_zip_bomb_is_refused_before_it_is_unpacked(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("xl/worksheets/s.xml", "w") as part:
        for _ in range(files.MAX_UNPACKED // 1_000_000 + 1):
            part.write(b"0" * 1_000_000)
    assert path.stat().st_size < 300_000
    [problem] = import_files(engine, [path]).problems
    assert "unpacks to 101,000,000 bytes" in problem.reason


def test_entities_that_multiply_are_refused(engine: Engine, tmp_path: Path) -> None:
    """A billion laughs: 1 kB of XML that would become gigabytes."""
    path = _xlsx(tmp_path / "laughs.xlsx", TABLE)
    entities = '<!DOCTYPE x [<!ENTITY a0 "ha">'
    entities += "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 20}">' for n in range(1, 10)) + "]>"
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    parts[sheet] = parts[sheet].replace(b"<worksheet", entities.encode() + b"<worksheet", 1)
    parts[sheet] = parts[sheet].replace(b"Trams", b"&a9;", 1).replace(b"<v>0</v>", b"<v>&a9;</v>", 1)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    report = import_files(engine, [path])
    assert any("is damaged" in problem.reason for problem in report.problems)
    assert _stored(engine) == []


@limits(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=30),
    kept=st.integers(1, 10**6),
)
def test_a_damaged_workbook_never_breaks_the_reader(tmp_path: Path, changes: list[tuple[int, int]], kept: int) -> None:
    path = tmp_path / "t.xlsx"
    whole = bytearray(_xlsx(path, TABLE).read_bytes())
    for position, byte in changes:
        whole[position % len(whole)] = byte
    path.write_bytes(whole if kept % 2 else whole[: kept % len(whole)])
    for row in files.read_rows(path, 1_000_000):
        assert isinstance(row, Row) or row.reason


def test_the_projects_own_fixtures_are_all_good(engine: Engine) -> None:
    folder = Path(__file__).parents[3] / "fixtures"
    # Judged queries lie beside the records.
    report = import_files(engine, sorted(set(folder.glob("*.jsonl")) - set(folder.glob("*judgements.jsonl"))))
    assert [str(problem) for problem in report.problems] == []
    assert report.outcomes.total() == report.read > 0
