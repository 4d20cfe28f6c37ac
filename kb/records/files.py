"""Rows of .jsonl, .csv and .xlsx files, read one by one. A file may be of any size and hold any rubbish."""

import csv
import datetime
import json
import math
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from openpyxl import load_workbook

from kb.records import columns
from kb.records.reasons import printable

#: Bytes that a workbook may unpack to.
MAX_UNPACKED = 100_000_000


@dataclass(frozen=True)
class Row:
    """A row's value, where it stands, and how many bytes of the file have been read by then."""

    line: int
    value: dict[str, Any]
    offset: int = 0


@dataclass(frozen=True)
class Fault:
    """A row, or (line 0) a file, that cannot be read; or something a reader of the report should know."""

    line: int
    field: str
    reason: str
    warning: bool = False


class Unreadable(Exception):
    """Why a row cannot be read, and its field where one is to blame."""

    def __init__(self, reason: str, field: str = "") -> None:
        super().__init__(reason)
        self.reason, self.field = reason, field


def read_rows(path: Path, max_line: int, *, flat: bool = False) -> Iterator[Row | Fault]:
    """The rows of a file. ``flat`` gives the cells of a table by column name, for a mapping; else columns are
    dotted paths. No more than ``max_line`` bytes of one row are read into memory."""
    reader = _READERS.get(path.suffix.lower())
    if path.is_dir():
        yield Fault(0, "", "is a folder; name the files in it")
    elif not path.exists():
        yield Fault(0, "", "is not there; check the name")
    elif reader is None:
        yield Fault(0, "", f"ends in '{path.suffix}'; an import reads {', '.join(_READERS)}")
    else:
        yield from _guarded(reader(path, max_line, flat))


def _guarded(rows: Iterator[Row | Fault]) -> Iterator[Row | Fault]:
    empty = True
    try:
        for row in rows:
            empty = False
            yield row
    except OSError as error:
        yield Fault(0, "", f"cannot be read: {error.strerror or error}")
        return
    if empty:
        yield Fault(0, "", "has no rows", warning=True)


# Lines


class _Lines:
    """Lines of text from bytes, with their numbers; bytes that are not UTF-8 become lone surrogates.

    A row may have several lines. ``start_row`` gives it its allowance of bytes, and a longer one is an error.
    """

    def __init__(self, file: BinaryIO, max_row: int) -> None:
        self._file, self._max, self._left = file, max_row, max_row
        self.number = self.offset = 0

    def start_row(self) -> int:
        """Begin the next row; the number of its first line."""
        self._left = self._max
        return self.number + 1

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._file.readline(self._left + 1)
        if not line:
            raise StopIteration
        self.number += 1
        self.offset += len(line)
        if len(line) > self._left and not line.endswith(b"\n"):
            self._skip_line()
            raise Unreadable(f"is longer than {self._max:,} bytes; split it, or raise KB_MAX_IMPORT_LINE")
        self._left -= min(len(line), self._left)
        return line.removeprefix(b"\xef\xbb\xbf" if self.number == 1 else b"").decode("utf-8", "surrogateescape")

    def _skip_line(self) -> None:
        while (part := self._file.readline(65_536)) and not part.endswith(b"\n"):
            self.offset += len(part)
        self.offset += len(part)


def _refuse_undecodable(text: str) -> None:
    """Say that text is not UTF-8, or has NUL characters, which no database keeps."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        byte = ord(text[error.start]) - 0xDC00
        raise Unreadable(
            f"is not UTF-8: byte 0x{byte:02X} at character {error.start + 1}; save the file with the encoding UTF-8"
        ) from None
    if "\x00" in text:
        raise Unreadable(f"has a NUL character at character {text.index(chr(0)) + 1}; is this a text file?")


def _is_utf16(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) in (b"\xff\xfe", b"\xfe\xff")


_UTF16 = Fault(0, "", "is UTF-16; save the file with the encoding UTF-8")


# JSON lines


def _read_jsonl(path: Path, max_line: int, _flat: bool) -> Iterator[Row | Fault]:
    if _is_utf16(path):
        yield _UTF16
        return
    with path.open("rb") as file:
        lines = _Lines(file, max_line)
        while True:
            number = lines.start_row()
            try:
                line = next(lines, None)
                if line is None:
                    return
                if line.strip():
                    yield Row(number, parse_json_line(line), lines.offset)
            except Unreadable as error:
                yield Fault(number, error.field, error.reason)


def parse_json_line(line: str) -> dict[str, Any]:
    """The object on a line of JSON. Raises Unreadable for what is not JSON, is ambiguous or cannot be stored."""
    _refuse_undecodable(line)
    value = _parse_json(line)
    if not isinstance(value, dict):
        raise Unreadable('is not an object; write one record a line, as {"type": ..., "id": ...}')
    return value


def _parse_json(text: str) -> Any:
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite)
    except json.JSONDecodeError as error:
        raise Unreadable(f"is not valid JSON at character {error.pos + 1}: {error.msg}") from None
    except RecursionError:
        raise Unreadable("is nested too deeply to be a record") from None
    except ValueError as error:
        raise Unreadable(f"is not valid JSON: {error}") from None
    if "\\u0000" in text:
        raise Unreadable("has a NUL character (\\u0000); remove it")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Unreadable("stands twice in one object; keep one of them", printable(twice))
    return value


def _no_constant(name: str) -> Any:
    raise Unreadable(f"has {name}, which is not a JSON number; leave the field out")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise Unreadable(f"has the number {text[:40]}, which is too large")
    return number


# Tables


def _read_csv(path: Path, max_line: int, flat: bool) -> Iterator[Row | Fault]:
    if _is_utf16(path):
        yield _UTF16
        return
    with path.open("rb") as file:
        lines = _Lines(file, max_line)
        yield from _table(_csv_cells(lines, max_line), flat, lambda: lines.offset)


def _csv_cells(lines: _Lines, max_line: int) -> Iterator[tuple[int, list[str] | Unreadable]]:
    """(line, cells) of each row; commas, semicolons or tabs, whichever the header has most of."""
    csv.field_size_limit(max_line)
    delimiter = ""
    while True:
        number = lines.start_row()
        try:
            first = next(lines, None)
            if first is None:
                return
            delimiter = delimiter or max(",;\t", key=first.count)
            cells = next(csv.reader(_after(first, lines), delimiter=delimiter, strict=True))
            _refuse_undecodable("\n".join(cells))
            yield number, cells
        except Unreadable as error:
            yield number, error
        except csv.Error as error:
            reach = f" (read up to line {lines.number})" if lines.number > number else ""
            yield number, Unreadable(f"has its quotation marks wrong{reach}: {error}")


def _after(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _read_xlsx(path: Path, _max_line: int, flat: bool) -> Iterator[Row | Fault]:
    try:
        _refuse_bomb(path)
        with closing(load_workbook(path, read_only=True, data_only=True)) as workbook:
            sheet, *others = workbook.worksheets
            sheet.reset_dimensions()
            rows = sheet.iter_rows(values_only=True)
            yield from _table(((number, _sheet_cells(row)) for number, row in enumerate(rows, 1)), flat, lambda: 0)
            if others:
                yield Fault(
                    0, "", f"has {len(others)} more sheets; only the first, {sheet.title}, is read", warning=True
                )
    except Unreadable as error:
        yield Fault(0, "", error.reason)
    except OSError:
        raise
    except Exception as error:  # openpyxl raises whatever the damaged part happens to cause
        yield Fault(0, "", f"is damaged or no Excel workbook: {printable(str(error))[:200]}")


def _refuse_bomb(path: Path) -> None:
    if not zipfile.is_zipfile(path):
        raise Unreadable("is not an Excel workbook (.xlsx)")
    with zipfile.ZipFile(path) as archive:
        size = sum(member.file_size for member in archive.infolist())
    if size > MAX_UNPACKED:
        raise Unreadable(f"unpacks to {size:,} bytes; at most {MAX_UNPACKED:,} are read. Split it, or use .jsonl")


def _sheet_cells(row: tuple[Any, ...]) -> list[str]:
    return [_sheet_cell(cell) for cell in row]


def _sheet_cell(cell: Any) -> str:
    match cell:
        case None:
            return ""
        case bool():
            return str(cell).lower()
        case float() if cell.is_integer():
            return str(int(cell))
        case datetime.datetime() if cell.time() == datetime.time():
            return cell.date().isoformat()
        case datetime.date() | datetime.time():
            return cell.isoformat()
        case _:
            return str(cell)


def _table(
    rows: Iterator[tuple[int, list[str] | Unreadable]] | Iterator[tuple[int, list[str]]],
    flat: bool,
    offset: Callable[[], int],
) -> Iterator[Row | Fault]:
    """Rows of a table whose first row has the columns' names."""
    names: list[str] = []
    for line, cells in rows:
        if isinstance(cells, Unreadable):
            yield Fault(line, cells.field, cells.reason)
            if not names:
                return
        elif not any(cell.strip() for cell in cells):
            continue
        elif not names:
            names = _without_empty_end(cells)
            faults = [Fault(line, *fault) for fault in columns.header_faults(names, flat=flat)]
            yield from faults
            if faults:
                return
        else:
            yield _table_row(line, names, cells, flat, offset())


def _without_empty_end(cells: list[str]) -> list[str]:
    names = [cell.strip() for cell in cells]
    while names and not names[-1]:
        names.pop()
    return names


def _table_row(line: int, names: list[str], cells: list[str], flat: bool, offset: int) -> Row | Fault:
    filled = len(_without_empty_end(cells))
    # A spreadsheet leaves out empty cells at the end of a row; a CSV file never does.
    if filled > len(names) or (len(cells) < len(names) and offset):
        return Fault(line, "", f"has {len(cells)} columns where the header has {len(names)}")
    given = {name: columns.plain(cell) for name, cell in zip(names, cells, strict=False) if cell.strip()}
    try:
        return Row(line, dict(given) if flat else columns.nest(given), offset)
    except ValueError as error:
        return Fault(line, "", str(error))


_READERS: dict[str, Callable[[Path, int, bool], Iterator[Row | Fault]]] = {
    ".jsonl": _read_jsonl,
    ".csv": _read_csv,
    ".xlsx": _read_xlsx,
}
