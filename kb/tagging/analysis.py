"""What the tags of published records cover: goals, targets, gender themes and the marker, by place, time, type and language; what
is tagged more or less often than in the whole collection; and how suggestions fare with those who decide."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from kb.records.facets import LENT
from kb.records.tables import LookupRow
from kb.tagging.cases import TAGGED
from kb.tagging.intervals import wilson
from kb.tagging.tables import BulkItemRow, DecisionRow
from schemas.vocabulary import load

#: What is counted, and by what. Both are names of the search's facets, so that each figure leads to its records.
What = Literal["sdg", "target", "gender_theme", "gender_marker"]
By = Literal["region", "country", "city", "year", "type", "language"]
WHATS: Final[tuple[What, ...]] = What.__args__  # type: ignore[attr-defined]
BYS: Final[tuple[By, ...]] = By.__args__  # type: ignore[attr-defined]
#: A share of fewer records than these is said to say nothing.
FEW: Final = 10

Verdict = Literal["more", "less", "alike", "few"]


@dataclass(frozen=True)
class Line:
    """A published record: facet name to values, as the search finds it by them; ``year`` is a facet here, too."""

    id: str
    facets: dict[str, tuple[str, ...]]

    def of(self, name: str) -> tuple[str, ...]:
        """Its values of a facet."""
        return self.facets.get(name, ())


# The records


def lines(session: Session, types: Iterable[str] = TAGGED) -> list[Line]:
    """All published records of these types. Read from the lookups, which are small, and written with each record."""
    wanted, cities = set(types), {}
    rows = session.execute(
        select(LookupRow.record_id, LookupRow.type, LookupRow.city_id, LookupRow.dated, LookupRow.facets)
    ).all()
    for record_id, type_, _city, _dated, facets in rows:
        if type_ == "city":
            cities[record_id] = _read(facets)
    return [
        Line(record_id, _with_year(_lent(_read(facets), cities.get(city_id, {})), dated // 10_000))
        for record_id, type_, city_id, dated, facets in rows
        if type_ in wanted
    ]


def _read(text: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for word in text.split():
        name, _, value = word.partition(":")
        found[name] = (*found.get(name, ()), value)
    return found


def _lent(own: dict[str, tuple[str, ...]], city: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    return own | {name: city[name] for name in LENT if name not in own and name in city}


def _with_year(facets: dict[str, tuple[str, ...]], year: int) -> dict[str, tuple[str, ...]]:
    return facets | {"year": (str(year),)} if year else facets


@dataclass(frozen=True)
class Scope:
    """Which records; what is empty does not matter."""

    region: str = ""
    country: str = ""
    language: str = ""
    year_from: int | None = None
    year_to: int | None = None

    def holds(self, line: Line) -> bool:
        """Whether the record is one of them."""
        named = (("region", self.region), ("country", self.country), ("language", self.language))
        return all(not value or value in line.of(name) for name, value in named) and self._in_time(line)

    def _in_time(self, line: Line) -> bool:
        if self.year_from is None and self.year_to is None:
            return True
        return any((self.year_from or 0) <= int(year) <= (self.year_to or 9999) for year in line.of("year"))

    def filters(self) -> dict[str, Any]:
        """The same as parameters of the search."""
        return {name: value for name, value in vars(self).items() if value}


# Shares


@dataclass(frozen=True)
class Share:
    """``count`` of ``total`` records, beside the share that it is of the whole collection."""

    count: int
    total: int
    usual: float

    @property
    def share(self) -> float:
        """0 to 1."""
        return self.count / self.total if self.total else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the share."""
        return wilson(self.count, self.total)

    @property
    def ratio(self) -> float | None:
        """How many times as often as in the whole; None where it is nowhere."""
        return self.share / self.usual if self.usual else None

    @property
    def ratios(self) -> tuple[float, float] | None:
        """The 95 % interval of the ratio. The whole collection is what there is, and no sample: only the part varies."""
        return (self.interval[0] / self.usual, self.interval[1] / self.usual) if self.usual else None

    @property
    def verdict(self) -> Verdict:
        """Whether that is more or less than usual, as far as so few records can say."""
        if self.total < FEW:
            return "few"
        low, high = self.interval
        return "more" if low > self.usual else "less" if high < self.usual else "alike"


@dataclass(frozen=True)
class Group:
    """The records with one value of what they are grouped by: term to its share of them."""

    value: str
    total: int
    shares: dict[str, Share]


def shares(part: Sequence[Line], whole: Sequence[Line], what: What, codes: Sequence[str]) -> dict[str, Share]:
    """Code to its share of the part, beside that of the whole."""
    usual, found = _counts(whole, what), _counts(part, what)
    return {code: Share(found[code], len(part), usual[code] / len(whole) if whole else 0.0) for code in codes}


def groups(part: Sequence[Line], whole: Sequence[Line], what: What, codes: Sequence[str], by: By) -> list[Group]:
    """The part by one facet, the largest groups first; a record with several values counts in each."""
    grouped: dict[str, list[Line]] = {}
    for line in part:
        for value in line.of(by):
            grouped.setdefault(value, []).append(line)
    usual = _counts(whole, what)
    found = []
    for value, members in grouped.items():
        counted = _counts(members, what)
        rates = {code: Share(counted[code], len(members), usual[code] / len(whole)) for code in codes}
        found.append(Group(value, len(members), rates))
    return sorted(found, key=lambda group: (-group.total, group.value))


def _counts(members: Iterable[Line], what: What) -> Counter[str]:
    return Counter(code for line in members for code in line.of(what))


def missing_targets(members: Sequence[Line]) -> dict[str, list[str]]:
    """Goal to those of its targets that no record is tagged with; goals without such are left out."""
    found = _counts(members, "target")
    sdgs = load("sdgs")
    missing = {goal.id: [target.id for target in sdgs.narrower(goal.id) if not found[target.id]] for goal in sdgs.top()}
    return {goal: targets for goal, targets in missing.items() if targets}


# Suggestions and decisions


@dataclass
class Tally:
    """What became of suggestions. ``unread`` were accepted in bulk, by what a sample said; they say nothing of how good
    suggestions are, and so are in no share. ``added`` are tags that nobody had suggested or that a person put there."""

    accepted: int = 0
    rejected: int = 0
    added: int = 0
    changed: int = 0
    removed: int = 0
    unread: int = 0

    @property
    def read(self) -> int:
        """Suggestions that a person accepted or rejected."""
        return self.accepted + self.rejected


@dataclass(frozen=True)
class Drift:
    """One row: its tally, and the share of suggestions that were accepted beside that of all times."""

    name: tuple[str, ...]
    tally: Tally
    accepted: Share


_FIELD: Final = {"accept": "accepted", "reject": "rejected", "add": "added", "change": "changed", "remove": "removed"}
_Row = tuple[Any, ...]


def drift(session: Session) -> tuple[list[Drift], list[Drift]]:
    """(by month and model version, the newest first; by goal or theme). What was undone, and what only followed from another
    decision, does not count."""
    query = (
        select(
            DecisionRow.at, DecisionRow.model, DecisionRow.kind, DecisionRow.key, DecisionRow.action, BulkItemRow.sample
        )
        .add_columns(BulkItemRow.decision_id)
        .outerjoin(BulkItemRow, BulkItemRow.decision_id == DecisionRow.id)
        .where(DecisionRow.action.in_(list(_FIELD)), DecisionRow.undone_by.is_(None), DecisionRow.follows_id.is_(None))
    )
    rows: list[_Row] = [tuple(row) for row in session.execute(query)]
    by_month = _tallies(rows, lambda row: (f"{row[0]:%Y-%m}", row[1]))
    by_key = _tallies(rows, lambda row: (row[2], row[3]))
    return (
        _drifts(sorted(by_month.items(), reverse=True)),
        _drifts(sorted(by_key.items(), key=lambda pair: (pair[0][0], _order(pair[0][1])))),
    )


def _order(key: str) -> tuple[int, str]:
    return (int(key), "") if key.isdecimal() else (0, key)


def _tallies(rows: Iterable[_Row], name_of: Callable[[_Row], tuple[str, ...]]) -> dict[tuple[str, ...], Tally]:
    found: dict[tuple[str, ...], Tally] = {}
    for row in rows:
        tally = found.setdefault(name_of(row), Tally())
        is_unread = row[6] is not None and row[5] is None
        field = "unread" if is_unread else _FIELD[row[4]]
        setattr(tally, field, getattr(tally, field) + 1)
    return found


def _drifts(tallies: Sequence[tuple[tuple[str, ...], Tally]]) -> list[Drift]:
    accepted, read = sum(tally.accepted for _, tally in tallies), sum(tally.read for _, tally in tallies)
    usual = accepted / read if read else 0.0
    return [Drift(name, tally, Share(tally.accepted, tally.read, usual)) for name, tally in tallies]
