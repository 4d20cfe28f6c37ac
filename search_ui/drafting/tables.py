"""Tables to bring in many contributions at once: templates made from the forms, and what is wrong with a file or a row, in
the reader's language."""

import csv
import io
import re
import tempfile
from pathlib import Path
from typing import Final

from openpyxl import Workbook
from pydantic import ValidationError

from kb.editorial.intake import EXAMPLE, MOST
from kb.records import columns
from kb.records.files import Fault, Row, read_rows
from schemas.fields import Field
from schemas.forms import placed
from schemas.language import Language
from schemas.messages import N_
from schemas.records import RecordType
from schemas.vocabulary import load
from search_ui.drafting.faults import place_of, reason
from search_ui.drafting.paths import joined
from search_ui.inputs import said

#: Bytes of a file.
MAX_FILE: Final = 2_000_000
_MAX_ROW: Final = 500_000

#: What the reader of files says, and what it means. Parts in parentheses are put in.
_FILE_FAULTS: Final = (
    (r"is missing from the header", N_("This column is missing from the first row.")),
    (r"no record has such a column", N_("There is no such column. Compare it with the template.")),
    (r"needs its language", N_("The column needs its language, as title.en.")),
    (r"stands twice in the header", N_("This column stands twice in the first row.")),
    (r"column (?P<n>\d+) has no name", N_("Column %(n)s has no name.")),
    (
        r"has (?P<n>\d+) columns where the header has (?P<m>\d+)",
        N_("This row has %(n)s columns, the first row has %(m)s."),
    ),
    (r"is not UTF-8|is UTF-16", N_("Save the file with the encoding UTF-8.")),
    (r"has no rows", N_("There are no rows in this file.")),
    (r"quotation marks", N_("The quotation marks in this row are wrong.")),
    (r"is not a JSON", N_("This cell is not written as it should be; look at the example in the template.")),
    (r"more sheets", N_("Only the first sheet is read.")),
    (r"unpacks to|is longer than", N_("This is too large. Split it.")),
    (r"ends in", N_("Choose a file that ends in .csv or .xlsx.")),
)
_UNREADABLE: Final = N_("This cannot be read. Compare it with the template.")

_EXAMPLES: Final = {
    "share": "0.45", "sdgs": "11.2", "spoken": "en|es", "spoken_one": "es", "country": "CO", "currency": "COP",
    "timezone": "America/Bogota", "flag": "true", "record": "example-record", "city": "example-city", "time": "15:30",
}  # fmt: skip


def template(type: RecordType, language: Language) -> list[tuple[str, str]]:
    """(column, example) of everything that a type's form asks for."""
    found = [("type", str(type)), ("id", EXAMPLE), ("language", language)]
    for _, field in placed(type):
        found += _columns(field, field.name, language)
    return [(name, columns.inert(example)) for name, example in found]


def _columns(field: Field, name: str, language: Language) -> list[tuple[str, str]]:
    if field.kind == "media":
        return []
    if name == "links":
        return [("links.partner", "example-organisation")]
    if name == "steps":
        return [("steps", "example-record")]
    if field.kind == "list":
        return [made for part in field.fields for made in _columns(part, joined(f"{name}.0", part.name), language)]
    text = said(field.example, language) or said(field.label, language)
    if field.kind in ("said", "area"):
        return [(f"{name}.{language}", text)]
    return [(name, _example(field, text))]


def _example(field: Field, text: str) -> str:
    if field.kind in _EXAMPLES:
        return _EXAMPLES[field.kind]
    if field.vocabularies:
        terms = [term.id for term in load(field.vocabularies[0]).terms]
        return next((term for term in terms if field.kind != "scale" or term.isdecimal()), terms[0])
    return text


def as_csv(rows: list[tuple[str, str]]) -> bytes:
    """The template as CSV, with the mark that spreadsheets need to see that it is UTF-8."""
    target = io.StringIO()
    csv.writer(target).writerows(zip(*rows, strict=True))
    return b"\xef\xbb\xbf" + target.getvalue().encode()


def as_xlsx(rows: list[tuple[str, str]]) -> bytes:
    """The template as an Excel workbook."""
    book, target = Workbook(), io.BytesIO()
    assert book.active is not None
    for row in zip(*rows, strict=True):
        book.active.append(row)
    book.save(target)
    return target.getvalue()


def read(name: str, content: bytes) -> tuple[list[tuple[int, dict[str, object]]], list[Fault]]:
    """((line, value) of each row, what cannot be read) of an uploaded file; no more rows than may be brought in."""
    rows: list[tuple[int, dict[str, object]]] = []
    faults: list[Fault] = []
    suffix = Path(name).suffix.lower()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"rows{suffix if suffix in ('.csv', '.xlsx') else '.other'}"
        path.write_bytes(content)
        for each in read_rows(path, _MAX_ROW):
            if isinstance(each, Row) and len(rows) < MOST:
                rows.append((each.line, each.value))
            elif isinstance(each, Fault):
                faults.append(each)
            else:
                faults.append(Fault(each.line, "", "is longer than may be"))
                break
    return rows, faults


def fault_said(fault: Fault, language: Language) -> str:
    """Why it cannot be read."""
    for pattern, message in _FILE_FAULTS:
        if found := re.search(pattern, fault.reason):
            return said(message, language, found.groupdict())
    return said(_UNREADABLE, language)


def faults_said(error: ValidationError, language: Language) -> list[tuple[str, str]]:
    """(field, reason) of a row that is no record."""
    found: dict[str, str] = {}
    for details in error.errors(include_url=False):
        place = place_of(details["loc"][1:], str(details.get("ctx", {}).get("error", "")))
        if details["type"].startswith("union_tag"):
            place, told = "type", said(N_("Write a type, as case_study."), language)
        else:
            told = reason(details, place, language)
        found.setdefault(place, told)
    return list(found.items())
