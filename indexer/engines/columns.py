"""The embedded engine's memory: records, versions and passages as columns that numpy scans.

Everything is appended; what is replaced or deleted is only marked dead, so that a search that began with one state of the
columns ends with it. The file is the truth; columns are read from it and can always be read again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.analysis import fold

Array = NDArray[Any]

#: Records that are appended together: a few megabytes of vectors.
ADDED_AT_ONCE = 2_000


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
    #: Folded, to be ordered by.
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
    def known_scale(self) -> Array:
        """The scale of each passage's vector; nan where it has none."""
        return np.where(self.has_vector, self.scale, np.float32(np.nan))

    @cached_property
    def _later_passages(self) -> list[tuple[Array, Array]]:
        """The versions that have a second passage, and its row; the same for the third, and so on."""
        starts, lengths = self.passage_start[:-1], np.diff(self.passage_start)
        found, versions, place = [], np.flatnonzero(lengths > 1), 1
        while len(versions):
            found.append((versions, starts[versions] + place))
            place += 1
            versions = versions[lengths[versions] > place]
        return found

    def best_passage(self, scores: Array) -> Array:
        """The best of the scores of each version's passages; nan where all are. So it takes a sixth of fmax.reduceat."""
        best: Array = scores[self.passage_start[:-1]]
        for versions, passages in self._later_passages:
            best[versions] = np.fmax(best[versions], scores[passages])
        return best

    @cached_property
    def incomplete(self) -> bool:
        """Whether some version has no vector yet."""
        if not len(self.version_record):
            return False
        known = np.logical_or.reduceat(self.has_vector, self.passage_start[:-1])
        return bool((self.alive[self.version_record] & ~known).any())

    @cached_property
    def version_rows(self) -> Array:
        """Shape (languages, records): the version row of a record in a language, -1 where it has none."""
        rows = np.full((len(self.vector_counts), self.records), -1, dtype=np.int32)
        rows[self.version_language, self.version_record] = np.arange(len(self.version_record))
        return rows

    @cached_property
    def places(self) -> dict[str, Array]:
        """Each record row's place in the orders that depend on no question. Equal titles follow their ids, equal dates their
        titles, and what has no date comes last."""
        rows = sorted(range(self.records), key=lambda row: (self.titles[row], self.ids[row]))
        title = _inverse(np.array(rows, dtype=np.intp))
        newest, oldest = np.lexsort((title, -self.dated)), np.lexsort((title, self.dated, self.dated == 0))
        return {"title": title, "newest": _inverse(newest), "oldest": _inverse(oldest)}

    @cached_property
    def values_of(self) -> dict[str, list[tuple[int, str]]]:
        """Value id and name of each value of each facet."""
        found: dict[str, list[tuple[int, str]]] = {}
        for value, number in self.value_ids.items():
            facet, _, name = value.partition(":")
            found.setdefault(facet, []).append((number, name))
        return found

    def count_values(self, rows: Array) -> list[int]:
        """How often each facet value occurs among these record rows, by value id; of most rows, by counting the others."""
        few = 2 * len(rows) <= self.records
        counted: list[int] = (self._counted(rows) if few else self._all_but_the_others(rows)).tolist()
        return counted

    def _all_but_the_others(self, rows: Array) -> Array:
        others = np.ones(self.records, dtype=bool)
        others[rows] = False
        return self._counts_of_all - self._counted(np.flatnonzero(others))

    @cached_property
    def _counts_of_all(self) -> Array:
        return np.bincount(self.value, minlength=len(self.value_ids))

    def _counted(self, rows: Array) -> Array:
        starts = self.value_start[rows]
        lengths = self.value_start[rows + 1] - starts
        ends = np.cumsum(lengths)
        positions = np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - (ends - lengths), lengths)
        return np.bincount(self.value[positions], minlength=len(self.value_ids))


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
        self._version_start = Growing(np.int64)
        self._version_start.extend([0])
        # As wide as what numpy counts and takes rows by: it would make narrower ones into it each time.
        self._value = Growing(np.intp)
        self._version_record = Growing(np.intp)
        self._version_language = Growing(np.intp)
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

    def add(self, records: Iterable[StoredRecord]) -> None:
        """Append records with their versions and passages; many at a time, for an append costs more than what it appends."""
        remaining = iter(records)
        while several := list(islice(remaining, ADDED_AT_ONCE)):
            self._add(several)

    def _add(self, records: list[StoredRecord]) -> None:
        first = len(self._ids)
        self._ids += [record.id for record in records]
        self._titles += [fold(record.title) for record in records]
        self._alive.extend([True] * len(records))
        self._dated.extend([_as_number(record.dated) for record in records])
        self._year.extend([record.year or 0 for record in records])
        self._place.extend([record.coordinates or (np.nan, np.nan) for record in records])
        self._append(
            self._value_start, self._value, [[self._value_id(one) for one in record.values] for record in records]
        )
        self._append(
            self._version_start,
            self._version_record,
            [[row] * len(record.versions) for row, record in enumerate(records, first)],
        )
        versions = [version for record in records for version in record.versions]
        self._version_language.extend([version.language for version in versions])
        self._add_passages(versions)
        self._remember([record.number for record in records], first)

    @staticmethod
    def _append(starts: Growing, values: Growing, lists: list[list[int]]) -> None:
        """Append lists one after the other, and where each of them ends."""
        starts.extend(values.size + np.cumsum([len(one) for one in lists]))
        values.extend([value for one in lists for value in one])

    def _value_id(self, value: str) -> int:
        return self._value_ids.setdefault(value, len(self._value_ids))

    def _add_passages(self, versions: list[StoredVersion]) -> None:
        first, width = self._scale.size, self._vector.view().shape[1]
        languages = [[version.language] * len(version.passages) for version in versions]
        self._append(self._passage_start, self._passage_language, languages)
        passages = [passage for version in versions for passage in version.passages]
        self._passages.update({passage.number: place for place, passage in enumerate(passages, first)})
        vectors = b"".join(passage.vector or bytes(width) for passage in passages)
        self._vector.extend(np.frombuffer(vectors, dtype=np.int8))
        self._scale.extend([passage.scale for passage in passages])
        self._has_vector.extend([passage.vector is not None for passage in passages])
        self._sum(np.arange(first, self._scale.size), 1)

    def _remember(self, numbers: list[int], first: int) -> None:
        self._numbers.update({number: row for row, number in enumerate(numbers, first)})
        unknown = max(numbers) + 1 - self._row_of_number.size
        if unknown > 0:
            self._row_of_number.extend(np.full(unknown, -1))
        self._row_of_number.view()[numbers] = np.arange(first, first + len(numbers))

    def _sum(self, passages: Array, sign: int) -> None:
        """Add or take away the vectors of these passages in their languages' sums."""
        passages = passages[self._has_vector.view()[passages]]
        vectors = self._vector.view()[passages].astype(np.float64) * self._scale.view()[passages, None]
        languages = self._passage_language.view()[passages]
        for language in np.unique(languages):
            own = vectors[languages == language]
            self.sums[language] += sign * own.sum(axis=0)
            self.counts[language] += sign * len(own)

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


def _inverse(order: Array) -> Array:
    """The place of each row, for the rows in their order."""
    places = np.empty(len(order), dtype=np.int32)
    places[order] = np.arange(len(order))
    return places


def _as_number(date: str) -> int:
    """20190400 for 2019-04; 0 for no date."""
    return int(date.replace("-", "").ljust(8, "0")) if date else 0


def any_of(snapshot: Snapshot, facet: str, values: Iterable[str]) -> Array:
    """Mask over record rows: those that have any of these values of a facet."""
    mask = np.zeros(snapshot.records, dtype=bool)
    for value in values:
        mask |= snapshot.rows_with(f"{facet}:{value}")
    return mask
