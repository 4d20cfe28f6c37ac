"""The embedded engine's memory: records, versions and passages as columns that numpy scans.

Everything is appended; what is replaced or deleted is only marked dead, so that a search that began with one state of the
columns ends with it. The file is the truth; columns are read from it and can always be read again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.analysis import fold

Array = NDArray[Any]


class Growing:
    """An array that is appended to, with room to spare, so that appending does not copy it each time."""

    def __init__(self, dtype: Any, width: int | None = None) -> None:
        self._shape = () if width is None else (width,)
        self._buffer = np.zeros((1024, *self._shape), dtype=dtype)
        self.size = 0

    def extend(self, values: Any) -> None:
        """Append rows."""
        rows = np.asarray(values, dtype=self._buffer.dtype).reshape(-1, *self._shape)
        if self.size + len(rows) > len(self._buffer):
            bigger = np.zeros((max(2 * len(self._buffer), self.size + len(rows)), *self._shape), self._buffer.dtype)
            bigger[: self.size] = self._buffer[: self.size]
            self._buffer = bigger
        self._buffer[self.size : self.size + len(rows)] = rows
        self.size += len(rows)

    def view(self) -> Array:
        """The rows that are there now; later appends do not change them."""
        return self._buffer[: self.size]


@dataclass(frozen=True)
class StoredPassage:
    """A passage as the file has it; ``vector`` is int8, to be multiplied by ``scale``."""

    number: int
    vector: bytes | None
    scale: float


@dataclass(frozen=True)
class StoredVersion:
    """A version's language (its place in LANGUAGES) and its passages in order."""

    language: int
    passages: Sequence[StoredPassage]


@dataclass(frozen=True)
class StoredRecord:
    """A record as the file has it. ``values`` are facet values as ``facet:id``."""

    number: int
    id: str
    title: str
    dated: str
    year: int | None
    coordinates: tuple[float, float] | None
    values: Sequence[str]
    versions: Sequence[StoredVersion] = field(default_factory=list)


@dataclass(frozen=True)
class Snapshot:
    """One state of the columns. Rows of records, versions and passages point down by their start positions."""

    ids: list[str]
    titles: list[str]
    alive: Array
    #: The date as a number, 20190400 for April 2019; 0 where there is none.
    dated: Array
    year: Array
    place: Array
    value_start: Array
    value: Array
    value_ids: dict[str, int]
    version_record: Array
    version_language: Array
    passage_start: Array
    vector: Array
    scale: Array
    has_vector: Array
    vector_sums: Array
    vector_counts: Array
    row_of_number: Array
    #: Masks that were asked for, by facet value.
    _masks: dict[str, Array] = field(default_factory=dict)

    @property
    def records(self) -> int:
        """How many record rows there are, dead ones included."""
        return len(self.alive)

    def rows_with(self, value: str) -> Array:
        """Mask over record rows: those that have this facet value. Not to be written on."""
        mask = self._masks.get(value)
        if mask is None:
            mask = np.zeros(self.records, dtype=bool)
            positions = np.flatnonzero(self.value == self.value_ids.get(value, -1))
            mask[np.searchsorted(self.value_start, positions, side="right") - 1] = True
            self._masks[value] = mask
        return mask

    @cached_property
    def version_rows(self) -> Array:
        """Shape (languages, records): the version row of a record in a language, -1 where it has none."""
        rows = np.full((len(self.vector_counts), self.records), -1, dtype=np.int32)
        rows[self.version_language, self.version_record] = np.arange(len(self.version_record))
        return rows

    @cached_property
    def title_order(self) -> Array:
        """Each record row's place in the order of titles, and of ids where titles are the same."""
        order = np.empty(self.records, dtype=np.int32)
        rows = sorted(range(self.records), key=lambda row: (fold(self.titles[row]), self.ids[row]))
        order[rows] = np.arange(self.records)
        return order

    @cached_property
    def values(self) -> list[tuple[str, str]]:
        """Facet and id of each facet value, by value id."""
        return [(facet, id) for facet, _, id in (value.partition(":") for value in self.value_ids)]

    def count_values(self, rows: Array) -> list[int]:
        """How often each facet value occurs among these record rows, by value id."""
        starts = self.value_start[rows]
        lengths = self.value_start[rows + 1] - starts
        ends = np.cumsum(lengths)
        positions = np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - (ends - lengths), lengths)
        counted: list[int] = np.bincount(self.value[positions], minlength=len(self.value_ids)).tolist()
        return counted


class Columns:
    """Appends to the columns and hands out snapshots. Not for several threads at once: its owner holds a lock."""

    def __init__(self, dimension: int, languages: int) -> None:
        self._ids: list[str] = []
        self._titles: list[str] = []
        self._value_ids: dict[str, int] = {}
        self._numbers: dict[int, int] = {}
        self._passages: dict[int, int] = {}
        self._alive = Growing(bool)
        self._dated = Growing(np.int32)
        self._year = Growing(np.int16)
        self._place = Growing(np.float32, 2)
        self._value_start = Growing(np.int64)
        self._value_start.extend([0])
        self._value = Growing(np.int32)
        self._version_start = Growing(np.int64)
        self._version_start.extend([0])
        self._version_record = Growing(np.int32)
        self._version_language = Growing(np.int8)
        self._passage_start = Growing(np.int64)
        self._passage_start.extend([0])
        self._passage_language = Growing(np.int8)
        self._vector = Growing(np.int8, dimension)
        self._scale = Growing(np.float32)
        self._has_vector = Growing(bool)
        self._row_of_number = Growing(np.int32)
        self.sums = np.zeros((languages, dimension), dtype=np.float64)
        self.counts = np.zeros(languages, dtype=np.int64)
        self.dead = 0

    def __len__(self) -> int:
        return self._alive.size

    def add(self, record: StoredRecord) -> None:
        """Append a record with its versions and passages."""
        row = len(self._ids)
        self._ids.append(record.id)
        self._titles.append(record.title)
        self._dated.extend([int(record.dated.replace("-", "").ljust(8, "0")) if record.dated else 0])
        self._alive.extend([True])
        self._year.extend([record.year or 0])
        self._place.extend([record.coordinates or (np.nan, np.nan)])
        self._value.extend([self._value_ids.setdefault(value, len(self._value_ids)) for value in record.values])
        self._value_start.extend([self._value.size])
        for version in record.versions:
            self._version_record.extend([row])
            self._version_language.extend([version.language])
            self._add_passages(version)
        self._version_start.extend([self._version_record.size])
        self._remember(record.number, row)

    def _add_passages(self, version: StoredVersion) -> None:
        width = self._vector.view().shape[1]
        known = [passage.vector is not None for passage in version.passages]
        vectors = b"".join(passage.vector or bytes(width) for passage in version.passages)
        self._passages.update(
            {passage.number: self._scale.size + place for place, passage in enumerate(version.passages)}
        )
        self._vector.extend(np.frombuffer(vectors, dtype=np.int8))
        self._scale.extend([passage.scale for passage in version.passages])
        self._has_vector.extend(known)
        self._passage_language.extend([version.language] * len(known))
        self._passage_start.extend([self._scale.size])
        self._sum(np.arange(self._scale.size - len(known), self._scale.size), 1)

    def _remember(self, number: int, row: int) -> None:
        self._numbers[number] = row
        if number >= self._row_of_number.size:
            self._row_of_number.extend(np.full(number + 1 - self._row_of_number.size, -1))
        self._row_of_number.view()[number] = row

    def _sum(self, passages: Array, sign: int) -> None:
        """Add or take away the vectors of these passages in their languages' sums."""
        passages = passages[self._has_vector.view()[passages]]
        vectors = self._vector.view()[passages].astype(np.float64) * self._scale.view()[passages, None]
        languages = self._passage_language.view()[passages]
        np.add.at(self.sums, languages, sign * vectors)
        np.add.at(self.counts, languages, sign)

    def remove(self, number: int) -> None:
        """Mark a record dead; an unknown number is fine."""
        row = self._numbers.pop(number, None)
        if row is None:
            return
        self._alive.view()[row] = False
        self._row_of_number.view()[number] = -1
        first, last = self._passage_start.view()[self._version_start.view()[row : row + 2]]
        self._sum(np.arange(first, last), -1)
        self._has_vector.view()[first:last] = False
        self.dead += 1

    def attach(self, number: int, vector: bytes, scale: float) -> None:
        """Give a passage its vector; an unknown passage, or one that has a vector, is left alone."""
        position = self._passages.get(number)
        if position is None or self._has_vector.view()[position]:
            return
        self._vector.view()[position] = np.frombuffer(vector, dtype=np.int8)
        self._scale.view()[position] = scale
        self._has_vector.view()[position] = True
        self._sum(np.array([position]), 1)

    def snapshot(self) -> Snapshot:
        """The columns as they are now. Those that are written on, not only appended to, are copied."""
        return Snapshot(
            ids=self._ids,
            titles=self._titles,
            alive=self._alive.view().copy(),
            dated=self._dated.view(),
            year=self._year.view(),
            place=self._place.view(),
            value_start=self._value_start.view(),
            value=self._value.view(),
            value_ids=dict(self._value_ids),
            version_record=self._version_record.view(),
            version_language=self._version_language.view(),
            passage_start=self._passage_start.view(),
            vector=self._vector.view(),
            scale=self._scale.view(),
            has_vector=self._has_vector.view().copy(),
            vector_sums=self.sums.astype(np.float32),
            vector_counts=self.counts.copy(),
            row_of_number=self._row_of_number.view().copy(),
        )


def any_of(snapshot: Snapshot, facet: str, values: Iterable[str]) -> Array:
    """Mask over record rows: those that have any of these values of a facet."""
    mask = np.zeros(snapshot.records, dtype=bool)
    for value in values:
        mask |= snapshot.rows_with(f"{facet}:{value}")
    return mask
