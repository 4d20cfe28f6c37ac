"""Tags and decisions for other programs: CSV with the codes of IATI, and what learning needs as lines of JSON.

In IATI's terms a goal is a ``tag`` of vocabulary 2, a target one of vocabulary 3, the gender marker a ``policy-marker`` of
vocabulary 1 (OECD DAC) with code 1 and a significance, and a theme a ``tag`` of vocabulary 99, which is the publisher's own.
"""

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from kb.records import service as records
from kb.records.columns import inert
from kb.records.privacy import public_record
from kb.records.tables import RecordRow
from kb.records.urls import record_path
from kb.tagging import analysis
from kb.tagging.cases import TAGGED
from kb.tagging.tables import BulkItemRow, DecisionRow, TagCaseRow
from schemas.language import Language, say
from schemas.records import Expert, Record, RecordType
from schemas.tags import Gender, GenderThemeTag, SdgTag
from schemas.vocabulary import load

#: The columns of the public export.
COLUMNS: Final = (
    "record_id", "type", "title", "country", "element", "vocabulary", "vocabulary_uri", "code", "significance", "narrative",
    "primary", "contribution", "passage", "passage_language", "source", "state", "date", "url",
)  # fmt: skip
#: Those of the decisions.
DECISION_COLUMNS: Final = (
    "decision_id", "at", "who", "action", "record_id", "type", "title", "country", "element", "vocabulary",
    "vocabulary_uri", "code", "significance", "narrative", "before", "after", "passage", "confidence", "model", "comment",
    "bulk", "unread", "undone", "text_key", "revision", "url",
)  # fmt: skip

_MARK: Final = "\N{ZERO WIDTH NO-BREAK SPACE}"


@dataclass(frozen=True)
class Place:
    """Where the export is asked for: the language of its labels, and the address of the site."""

    language: Language
    origin: str

    def url(self, type_: Any, record_id: str) -> str:
        """The record's page."""
        return self.origin + record_path(type_, record_id, self.language)

    def coded(self, kind: str, code: str) -> dict[str, str]:
        """IATI's element, vocabulary and code of a tag, and what it is called."""
        if kind == "gender":
            name = load("gender_markers").label[self.language]
            return _element("policy-marker", "1", "", "1", name)
        if kind == "theme":
            address = f"{self.origin}/{self.language}/gender"
            return _element("tag", "99", address, code, load("gender_themes").label_of(code, self.language))
        return _element("tag", "3" if "." in code else "2", "", code, load("sdgs").label_of(code, self.language))


def _element(element: str, vocabulary: str, address: str, code: str, name: str) -> dict[str, str]:
    return {
        "element": element, "vocabulary": vocabulary, "vocabulary_uri": address, "code": code, "narrative": name,
        "significance": "",
    }  # fmt: skip


# What is published


def tags_csv(session: Session, place: Place, type_: RecordType | None = None) -> Iterator[str]:
    """The tags of published records, one a row, in pieces of text. Begins with a byte order mark, which tells Excel that it is
    UTF-8."""
    return _written(COLUMNS, _rows(session, place, type_))


def _rows(session: Session, place: Place, type_: RecordType | None) -> Iterator[dict[str, Any]]:
    countries = _countries(session)
    for stored in records.iterate(session, type_):
        record = public_record(stored.record) if isinstance(stored.record, Expert) else stored.record
        said = say(record.title, place.language, record.language)
        about = {
            "record_id": record.id, "type": record.type, "title": said.text if said else "",
            "country": countries.get(record.id, ""), "url": place.url(record.type, record.id),
        }  # fmt: skip
        yield from (about | each for each in _tags(record, place))


def _countries(session: Session) -> dict[str, str]:
    return {line.id: next(iter(line.of("country")), "") for line in analysis.lines(session, TAGGED)}


def _tags(record: Record, place: Place) -> Iterator[dict[str, Any]]:
    for tag in record.sdgs:
        if tag.public:
            more = {"primary": _yes(tag.primary), "contribution": tag.contribution}
            yield place.coded("sdg", tag.code) | _standing(tag) | more
    for theme in record.gender.themes:
        if theme.public:
            yield place.coded("theme", theme.theme) | _standing(theme)
    if record.gender.marker is not None:
        yield place.coded("gender", "") | _standing(record.gender) | {"significance": str(record.gender.marker)}


def _standing(tag: SdgTag | GenderThemeTag | Gender) -> dict[str, Any]:
    return {
        "passage": tag.passage or "",
        "passage_language": tag.passage_language or "",
        "source": tag.source,
        "state": tag.state,
        "date": tag.date.isoformat() if tag.date else "",
    }


def _yes(value: bool) -> str:
    return "1" if value else "0"


# Decisions


def decisions_csv(session: Session, place: Place, type_: RecordType | None = None) -> Iterator[str]:
    """Every decision, one a row, the oldest first; what was undone, and the undoing, too."""
    return _written(DECISION_COLUMNS, _decisions(session, place, type_))


def _decisions(session: Session, place: Place, type_: RecordType | None) -> Iterator[dict[str, Any]]:
    query = (
        select(
            DecisionRow, TagCaseRow.title, TagCaseRow.country, RecordRow.type, BulkItemRow.bulk_id, BulkItemRow.sample
        )
        .join(RecordRow, RecordRow.id == DecisionRow.record_id)
        .outerjoin(TagCaseRow, TagCaseRow.record_id == DecisionRow.record_id)
        .outerjoin(BulkItemRow, BulkItemRow.decision_id == DecisionRow.id)
        .where(*[RecordRow.type == type_] * bool(type_))
        .order_by(DecisionRow.id)
    )
    for row, title, country, type_of, bulk_id, sample in session.execute(query.execution_options(yield_per=500)):
        yield place.coded(row.kind, row.code) | {
            "decision_id": row.id,
            "at": row.at.isoformat(),
            "who": code_of(row.account_id),
            "action": row.action,
            "record_id": row.record_id,
            "type": type_of,
            "title": title or "",
            "country": country or "",
            "significance": _significance(row.kind, row.after),
            "before": _short(row.kind, row.before),
            "after": _short(row.kind, row.after),
            "passage": (row.after or row.before or {}).get("passage") or "",
            "confidence": "" if row.confidence is None else row.confidence,
            "model": row.model,
            "comment": row.comment,
            "bulk": "" if bulk_id is None else bulk_id,
            "unread": _yes(bulk_id is not None and sample is None),
            "undone": _yes(row.undone_by is not None),
            "text_key": row.text_key,
            "revision": row.revision,
            "url": place.url(type_of, row.record_id),
        }


def code_of(account_id: str) -> str:
    """A code that stands for one person, always the same, and says nothing of who it is."""
    return f"p-{hashlib.sha256(account_id.encode()).hexdigest()[:10]}"


def _significance(kind: str, after: dict[str, Any] | None) -> str:
    marker = (after or {}).get("marker")
    return str(marker) if kind == "gender" and marker is not None else ""


def _short(kind: str, value: dict[str, Any] | None) -> str:
    """The code of a tag's value; of a screening, its marker."""
    if value is None:
        return ""
    if kind == "gender":
        return str(value.get("marker", "unscreened"))
    return str(value.get("code") or value.get("theme") or "")


# What learning needs


def training_jsonl(session: Session) -> Iterator[str]:
    """Texts that were decided on, one a line: for each goal and theme that somebody read whether it applies, the targets that
    were chosen, the marker, and how sure which model had been. The last word on each counts; what was undone, and what was
    accepted in bulk without being read, does not."""
    query = (
        select(DecisionRow, TagCaseRow.language)
        .outerjoin(TagCaseRow, TagCaseRow.record_id == DecisionRow.record_id)
        .outerjoin(BulkItemRow, BulkItemRow.decision_id == DecisionRow.id)
        .where(
            DecisionRow.action.not_in(("undo", "dispute")),
            DecisionRow.undone_by.is_(None),
            DecisionRow.text_key != "",
            BulkItemRow.bulk_id.is_(None) | BulkItemRow.sample.is_not(None),
        )
        .order_by(DecisionRow.record_id, DecisionRow.text_key, DecisionRow.id)
    )
    found = session.execute(query.execution_options(yield_per=500))
    for (record_id, text_key), rows in groupby(found, lambda row: (row[0].record_id, row[0].text_key)):
        yield json.dumps(_example(record_id, text_key, list(rows)), ensure_ascii=False, sort_keys=True) + "\n"


def _example(record_id: str, text_key: str, rows: list[Any]) -> dict[str, Any]:
    example: dict[str, Any] = {
        "record_id": record_id, "text_key": text_key, "language": rows[-1][1], "goals": {}, "targets": {}, "themes": {},
        "marker": None, "confidence": {}, "model": rows[-1][0].model,
    }  # fmt: skip
    for row, _language in rows:
        if row.kind == "gender":
            example["marker"] = (row.after or {}).get("marker")
            continue
        code = _short(row.kind, row.after)
        key = code.split(".")[0]
        # The readers of a dispute may have put another goal in the place of this one.
        example["goals" if row.kind == "sdg" else "themes"] |= {row.key: False} | ({key: True} if key else {})
        example["targets"].pop(row.key, None)
        if "." in code:
            example["targets"][key] = code
        if row.confidence is not None:
            example["confidence"][row.key] = row.confidence
    return example


# Writing


def _written(columns: tuple[str, ...], rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Rows as CSV, some at a time; no cell is ever a formula."""
    file = io.StringIO()
    writer = csv.writer(file)
    file.write(_MARK)
    writer.writerow(columns)
    for number, row in enumerate(rows, 1):
        cells = (row.get(name, "") for name in columns)
        writer.writerow([inert(cell) if isinstance(cell, str) else cell for cell in cells])
        if number % 200 == 0:
            yield file.getvalue()
            file.seek(0)
            file.truncate()
    yield file.getvalue()
