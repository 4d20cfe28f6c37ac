"""Files of records into the database: batch by batch, each in one transaction, so that it can stop anywhere.

Running it again carries on: a record that is there already, and the same, is left alone.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from kb.db import chunks, transaction
from kb.errors import Conflict
from kb.records import service
from kb.records.files import Row, read_rows
from kb.records.mapping import Mapping, Unusable, join_languages
from kb.records.privacy import has_private, keep_private
from kb.records.reasons import reasons
from kb.records.report import ImportReport, Problem, Repair
from kb.records.service import Outcome
from kb.records.values import read
from kb.settings import get_settings
from schemas.records import MAX_SUMMARY, Expert, Record, missing, parse

#: Records in one transaction.
BATCH = 500

#: Told after each committed batch: the report so far, and the share (0 to 1) of the files' bytes that was read.
Progress = Callable[[ImportReport, float], None]
_Write = Callable[[list[Record]], Counter[Outcome]]


def import_files(
    engine: Engine,
    paths: Sequence[Path],
    *,
    dry_run: bool = False,
    strict: bool = False,
    strict_quality: bool = False,
    mapping: Mapping | None = None,
    author: str = "import",
    progress: Progress | None = None,
    max_line: int | None = None,
) -> ImportReport:
    """Save the records of these .jsonl, .csv and .xlsx files; a record whose id is known is replaced.

    A bad row is reported and skipped; with ``strict`` one bad row, and nothing at all is written. ``strict_quality``
    holds published records to the rules for publishing. ``dry_run`` reports what would happen.
    """
    checker = _Checker(mapping, strict_quality, max_line or get_settings().max_import_line)

    def run(write: _Write) -> ImportReport:
        return _run(engine, checker.fresh(), paths, write, progress)

    if dry_run:
        with transaction(engine, readonly=True) as session:
            return run(lambda batch: service.preview_many(session, _with_private(session, batch)))
    if strict:
        return _run_strictly(engine, run, author)
    report = run(lambda batch: _save_batch(engine, batch, author))
    report.written = True
    return report


class _Refused(Exception):
    """A strict import found a problem."""


def _run_strictly(engine: Engine, run: Callable[[_Write], ImportReport], author: str) -> ImportReport:
    """Look at everything first, without keeping others from writing; then write all in one transaction."""
    report = run(lambda batch: Counter())
    if report.problems:
        return report
    try:
        with transaction(engine) as session:
            report = run(lambda batch: service.save_many(session, _with_private(session, batch), author))
            if report.problems:  # the file changed under our hands
                raise _Refused
    except _Refused:
        report.outcomes.clear()
        return report
    report.written = True
    return report


def _save_batch(engine: Engine, batch: list[Record], author: str) -> Counter[Outcome]:
    def save() -> Counter[Outcome]:
        with transaction(engine) as session:
            return service.save_many(session, _with_private(session, batch), author)

    try:
        return save()
    except Conflict:  # somebody created one of these at the same moment; now it is there to be updated
        return save()


def _with_private(session: Session, batch: list[Record]) -> list[Record]:
    """The batch with the addresses that the database has: files that we exported are without them."""
    concerned = [record.id for record in batch if isinstance(record, Expert) or getattr(record, "contact", None)]
    stored = service.stored_values(session, concerned)
    private = {record_id: read(value) for record_id, value in stored.items() if has_private(value)}
    return [keep_private(record, private[record.id]) if record.id in private else record for record in batch]


def _run(
    engine: Engine, checker: "_Checker", paths: Sequence[Path], write: _Write, progress: Progress | None
) -> ImportReport:
    report = checker.report
    total = sum(path.stat().st_size for path in paths if path.is_file()) or 1
    for batch in chunks(checker.records(paths), BATCH):
        report.outcomes += write(batch)
        if progress:
            progress(report, min(checker.offset / total, 1.0))
    with transaction(engine, readonly=True) as session:
        report.warnings += checker.links_to_nothing(session)
    return report


@dataclass(frozen=True)
class _Place:
    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"

    def problem(self, name: str, reason: str) -> Problem:
        return Problem(self.file, self.line, name, reason)


_Values = Iterator[tuple[_Place, dict[str, Any]]]


@dataclass
class _Checker:
    """Turns rows into records, and notes in its report what is wrong with the others."""

    mapping: Mapping | None
    strict_quality: bool
    max_line: int
    report: ImportReport = field(default_factory=ImportReport)
    #: Bytes read so far, over all files.
    offset: int = 0
    #: Where each id was first seen.
    _seen: dict[str, str] = field(default_factory=dict)
    #: Links whose target was not seen before them.
    _open_links: list[tuple[str, Problem]] = field(default_factory=list)

    def fresh(self) -> "_Checker":
        """The same, with an empty report."""
        return _Checker(self.mapping, self.strict_quality, self.max_line)

    def records(self, paths: Iterable[Path]) -> Iterator[Record]:
        """The good records of these files, in order."""
        for path in paths:
            before = self.offset
            for place, value in self._mapped(self._values(path)):
                record = self._record(place, value)
                if record is not None:
                    yield record
            self.offset = before + (path.stat().st_size if path.is_file() else 0)

    def _values(self, path: Path) -> _Values:
        start = self.offset
        for row in read_rows(path, self.max_line, flat=self.mapping is not None):
            place = _Place(str(path), row.line)
            if isinstance(row, Row):
                self.report.read += 1
                self.offset = start + row.offset
                yield place, row.value
            elif row.warning:
                self.report.warnings.append(place.problem(row.field, row.reason))
            else:
                self.report.read += bool(row.line)
                self._refuse([place.problem(row.field, row.reason)], rows=bool(row.line))

    def _mapped(self, values: _Values) -> _Values:
        """The values that the mapping makes; rows that are one record in two languages are joined."""
        if self.mapping is None:
            yield from values
            return
        waiting: tuple[_Place, dict[str, Any]] | None = None
        for place, row in values:
            value = self._apply(self.mapping, place, row)
            if value is None:
                continue
            if waiting and self.mapping.id_has_language and join_languages(waiting[1], value):
                self.report.merged += 1
                continue
            if waiting:
                yield waiting
            waiting = place, value
        if waiting:
            yield waiting

    def _apply(self, mapping: Mapping, place: _Place, row: dict[str, Any]) -> dict[str, Any] | None:
        try:
            value, changes = mapping.apply(row)
        except Unusable as error:
            self._refuse([place.problem("", str(error))])
            return None
        self.report.repairs += [Repair(place.file, place.line, **vars(change)) for change in changes]
        return value

    def _record(self, place: _Place, value: dict[str, Any]) -> Record | None:
        try:
            record = parse(value)
        except ValidationError as error:
            self._refuse(place.problem(name, reason) for name, reason in reasons(error))
            return None
        problems = list(self._faults(place, record))
        if problems:
            self._refuse(problems)
            return None
        self._seen[record.id] = str(place)
        self._note_links(place, record)
        return record

    def _faults(self, place: _Place, record: Record) -> Iterator[Problem]:
        if first := self._seen.get(record.id):
            yield place.problem("id", f"'{record.id}' stands already in {first}; the first one is kept")
        if self.strict_quality and record.status == "published":
            yield from (place.problem(name, reason) for name, reason in unpublishable(record))

    def _note_links(self, place: _Place, record: Record) -> None:
        for relation, target in record.references():
            if target not in self._seen:
                reason = f"links to '{target}', which is neither here nor in these files"
                self._open_links.append((target, place.problem(f"links.{relation}", reason)))

    def links_to_nothing(self, session: Session) -> list[Problem]:
        """Warnings for links to records that are neither in the files nor in the database."""
        targets = {target for target, _ in self._open_links} - self._seen.keys()
        absent = targets - service.existing_ids(session, sorted(targets))
        return [warning for target, warning in self._open_links if target in absent]

    def _refuse(self, problems: Iterable[Problem], rows: int = 1) -> None:
        self.report.problems += problems
        self.report.skipped += rows


def unpublishable(record: Record) -> Iterator[tuple[str, str]]:
    """(field, reason) for each rule of publishing that a record breaks."""
    for entry in missing(record):
        yield entry.replace("|", " or "), f"is missing; a published {record.type} must have it"
    yield from too_long(record)


def too_long(record: Record) -> Iterator[tuple[str, str]]:
    """(field, reason) for each text that is longer than a published record's may be."""
    for language, text in record.summary.items():
        if len(text) > MAX_SUMMARY:
            yield f"summary.{language}", f"has {len(text)} characters; at most {MAX_SUMMARY} may be published"
