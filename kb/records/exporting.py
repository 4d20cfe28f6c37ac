"""Records into files that ``kb import`` reads again: .jsonl, .csv and .xlsx. Nothing private leaves."""

import csv
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from sqlalchemy import Engine

from kb.db import transaction
from kb.errors import Invalid
from kb.records import columns, service
from kb.records.privacy import exportable_value
from schemas.records import Record, RecordType

#: Characters that a cell of an Excel sheet holds.
MAX_CELL = 32_767

Cells = dict[str, str | int | float]


def export_file(engine: Engine, path: Path, *, type: RecordType | None = None, public: bool = True) -> int:
    """Write all published records (or, not ``public``, of any status; of that type) to a file; how many there were.

    The file appears when it is complete. Raises Invalid for an unknown ending.
    """
    write = _WRITERS.get(path.suffix.lower())
    if write is None:
        raise Invalid(f"'{path.name}' must end in {', '.join(_WRITERS)}.")
    with transaction(engine, readonly=True) as session:
        # Of any status, for published ones come without translations that are still to be checked.
        every = service.iterate(session, type, public=False)
        records = (stored.record for stored in every if not public or stored.record.status == "published")
        return _whole_file(path, lambda part: write(records, part))


def _whole_file(path: Path, write: Callable[[Path], int]) -> int:
    part = path.with_name(f".{path.name}.part")
    try:
        count = write(part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return count


def write_jsonl(records: Iterable[Record], path: Path) -> int:
    """One record a line; how many there were."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        return sum(file.write(_json(exportable_value(record)) + "\n") > 0 for record in records)


def write_csv(records: Iterable[Record], path: Path) -> int:
    """One record a row; how many there were. Begins with a byte order mark, which tells Excel that it is UTF-8."""
    with _tabulated(records) as table, path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(table.names)
        writer.writerows([row.get(name, "") for name in table.names] for row in table.rows)
        return table.count


def write_xlsx(records: Iterable[Record], path: Path) -> int:
    """One record a row of the first sheet; how many there were. Raises Invalid where a text is too long for a cell."""
    with _tabulated(records, MAX_CELL) as table:
        workbook = Workbook(write_only=True)
        sheet = workbook.create_sheet("records")
        sheet.append(table.names)
        for row in table.rows:
            sheet.append([_sheet_cell(sheet, row, name) for name in table.names])
        workbook.save(path)
        return table.count


def _sheet_cell(sheet: Any, row: Cells, name: str) -> Any:
    value = row.get(name)
    if value is None:
        return None
    if isinstance(value, float) and float(f"{value:.16g}") != value:  # as precise as a sheet keeps numbers
        value = columns.inert(repr(value))
    cell = WriteOnlyCell(sheet, value=value)
    if isinstance(value, str):
        cell.data_type = "s"  # never a formula, whatever it starts with
    return cell


@dataclass(frozen=True)
class _Table:
    names: list[str]
    rows: Iterator[Cells]
    count: int


@contextmanager
def _tabulated(records: Iterable[Record], longest: int | None = None) -> Iterator[_Table]:
    """Rows of cells, kept on disk: the header must name all columns before the first row is written."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as file:
        count, names = 0, dict[str, None]()
        for record in records:
            cells = columns.flatten(exportable_value(record))
            _refuse_long_cells(cells, longest)
            names |= dict.fromkeys(cells)
            file.write(_json(cells) + "\n")
            count += 1
        file.seek(0)
        yield _Table(columns.ordered(names), (json.loads(line) for line in file), count)


def _refuse_long_cells(cells: Cells, longest: int | None) -> None:
    for name, cell in cells.items():
        if longest is not None and isinstance(cell, str) and len(cell) > longest:
            raise Invalid(
                f"Record '{cells['id']}' has {len(cell):,} characters in {name}, and a cell of an Excel sheet holds "
                f"{longest:,}. Export to .csv or .jsonl instead."
            )


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


_WRITERS: dict[str, Callable[[Iterable[Record], Path], int]] = {
    ".jsonl": write_jsonl,
    ".csv": write_csv,
    ".xlsx": write_xlsx,
}
