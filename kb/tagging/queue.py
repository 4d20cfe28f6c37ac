"""The tagging queue: records by where their tags stand, narrowed, ordered, a page at a time; who has which; and which is next."""

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, Engine, case, func, literal, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from kb.accounts import service as accounts
from kb.audit import service as audit
from kb.db import holds, transaction
from kb.errors import Forbidden, Invalid
from kb.records.tables import RecordRow
from kb.settings import Settings
from kb.tagging import cases
from kb.tagging.tables import TagCaseRow
from schemas.accounts import Account
from schemas.messages import N_
from schemas.vocabulary import load

Sort = Literal["sure", "unsure", "waiting", "changed", "due"]
SORTS: Final[tuple[Sort, ...]] = Sort.__args__  # type: ignore[attr-defined]

#: What the queue shows, by name: who looks -> which rows. One row may be in several.
VIEWS: Final[dict[str, Callable[[str], ColumnElement[bool]]]] = {
    # Not by its index, which would have to be sorted: most cases are open, and each order has an index of its own.
    "open": lambda _me: TagCaseRow.stage != "decided",
    "suggested": lambda _me: TagCaseRow.stage == "suggested",
    "untagged": lambda _me: TagCaseRow.stage == "untagged",
    "disputed": lambda _me: TagCaseRow.disputed.is_(True),
    "stale": lambda _me: TagCaseRow.stale.is_(True),
    "unscreened": lambda _me: TagCaseRow.marker == "",
    "mine": lambda me: TagCaseRow.assignee_id == me,
    "decided": lambda _me: TagCaseRow.stage == "decided",
}
#: Cases that are assigned at once.
MOST: Final = 200
#: New records that one round takes in.
_ENTERED_AT_ONCE: Final = 200
_NEVER: Final = datetime.date.max


@dataclass(frozen=True)
class Wanted:
    """What of the queue, and who looks. Empty is all; confidences are 0 to 1; ``assignee`` may be ``nobody``."""

    view: str = "open"
    me: str = ""
    type: str = ""
    language: str = ""
    region: str = ""
    country: str = ""
    year: int | None = None
    goal: str = ""
    assignee: str = ""
    low: float | None = None
    high: float | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """As SQL."""
        named = (
            (TagCaseRow.type, self.type), (TagCaseRow.language, self.language),
            (TagCaseRow.country, self.country), (TagCaseRow.year, self.year),
        )  # fmt: skip
        found = [_in_view(), VIEWS[self.view](self.me), *(column == value for column, value in named if value)]
        if self.region:
            below = (term.id for term in load("regions").narrower(self.region))
            found.append(TagCaseRow.region.in_([self.region, *below]))
        if self.assignee:
            found.append(TagCaseRow.assignee_id == ("" if self.assignee == "nobody" else self.assignee))
        if self.goal:
            found.append(holds(TagCaseRow.goals, f" {self.goal} "))
        if self.low is not None:
            found.append(TagCaseRow.confidence >= self.low)
        if self.high is not None:
            found.append(TagCaseRow.confidence <= self.high)
        return found


def _in_view() -> ColumnElement[bool]:
    """What readers do not see is not tagged; it is few, so that to leave it out costs little."""
    hidden = select(RecordRow.id).where(
        RecordRow.status.in_(("draft", "submitted", "in_review", "withdrawn", "archived"))
    )
    return TagCaseRow.record_id.not_in(hidden)


@dataclass(frozen=True)
class _Order:
    """A column that the queue goes by, and how its value is written into an address and read from there."""

    column: ColumnElement[Any] | InstrumentedAttribute[Any]
    is_down: bool
    write: Callable[[TagCaseRow], str]
    read: Callable[[str], Any]

    def clauses(self) -> tuple[Any, ...]:
        both = (self.column, TagCaseRow.record_id)
        return tuple(each.desc() for each in both) if self.is_down else both

    def after(self, at: Any, record_id: str) -> ColumnElement[bool]:
        both, place = tuple_(self.column, TagCaseRow.record_id), tuple_(literal(at, self.column.type), record_id)
        return both < place if self.is_down else both > place


def _since(is_down: bool) -> _Order:
    return _Order(TagCaseRow.since, is_down, lambda row: row.since.isoformat(), datetime.datetime.fromisoformat)


_ORDERS: Final[dict[Sort, _Order]] = {
    "sure": _Order(TagCaseRow.confidence, True, lambda row: repr(row.confidence), float),
    "unsure": _Order(TagCaseRow.confidence, False, lambda row: repr(row.confidence), float),
    "waiting": _since(is_down=False),
    "changed": _since(is_down=True),
    "due": _Order(
        func.coalesce(TagCaseRow.due_on, _NEVER), False, lambda row: (row.due_on or _NEVER).isoformat(),
        datetime.date.fromisoformat,
    ),
}  # fmt: skip


# Reading


def lines(session: Session, wanted: Wanted, sort: Sort, limit: int, offset: int = 0) -> list[TagCaseRow]:
    """The cases in order. Their ids are sorted alone: whole rows would take three times as long."""
    query = select(TagCaseRow.record_id).where(*wanted.conditions()).order_by(*_ORDERS[sort].clauses())
    ids = list(session.scalars(query.limit(limit).offset(offset)))
    rows = {row.record_id: row for row in session.scalars(select(TagCaseRow).where(TagCaseRow.record_id.in_(ids)))}
    return [rows[record_id] for record_id in ids]


def count(session: Session, wanted: Wanted) -> int:
    """How many they are."""
    return session.scalar(select(func.count()).select_from(TagCaseRow).where(*wanted.conditions())) or 0


def counts(session: Session, me: str) -> dict[str, int]:
    """How many cases each view has, in one look at the table."""
    sums = [func.coalesce(func.sum(case((view(me), 1), else_=0)), 0).label(name) for name, view in VIEWS.items()]
    row = session.execute(select(*sums).where(_in_view())).one()
    return {name: int(getattr(row, name)) for name in VIEWS}


def occurring(session: Session) -> dict[str, list[Any]]:
    """The countries, years and people that occur, sorted. Each has its index."""
    columns = {"country": TagCaseRow.country, "year": TagCaseRow.year, "assignee": TagCaseRow.assignee_id}
    found = {name: session.scalars(select(column).distinct()).all() for name, column in columns.items()}  # type: ignore[arg-type]
    return {name: sorted(value for value in values if value) for name, values in found.items()}


def position(row: TagCaseRow, sort: Sort) -> str:
    """Where a case stands in this order, to be kept in an address while the case itself changes."""
    return _ORDERS[sort].write(row)


def next_after(session: Session, wanted: Wanted, sort: Sort, record_id: str, at: str = "") -> TagCaseRow | None:
    """The case that comes after this one; ``at`` is the position that it had when it was opened, for what is decided may have
    moved it since. Cases that somebody else has are passed over, unless it is them who are wanted. None after the last."""
    order = _ORDERS[sort]
    place = _place(session, order, record_id, at)
    query = select(TagCaseRow).where(*wanted.conditions(), TagCaseRow.record_id != record_id)
    if place is not None:
        query = query.where(order.after(place, record_id))
    if not wanted.assignee:
        query = query.where(TagCaseRow.assignee_id.in_(("", wanted.me)))
    return session.scalars(query.order_by(*order.clauses()).limit(1)).first()


def _place(session: Session, order: _Order, record_id: str, at: str) -> Any:
    try:
        return order.read(at)
    except ValueError:
        row = session.get(TagCaseRow, record_id)
        return order.read(order.write(row)) if row else None


# Who has it


def assign(
    session: Session, account: Account, record_ids: Sequence[str], assignee_id: str, due_on: datetime.date | None
) -> int:
    """Give these cases to somebody of the editorial team, or to nobody, until a day; how many there were. Raises Forbidden,
    and Invalid for who is no editor and for too many at once."""
    if not account.may("review"):
        raise Forbidden(N_("Only the editorial team can do this."))
    if len(record_ids) > MOST:
        raise Invalid(N_("Choose at most %(most)s."), field="record", most=MOST)
    editors = {row.id for row in accounts.with_role(session, "editor", "administrator")}
    if assignee_id and assignee_id not in editors:
        raise Invalid(N_("Choose somebody of the editorial team."), field="assignee")
    rows = list(session.scalars(select(TagCaseRow).where(TagCaseRow.record_id.in_(record_ids))))
    for row in rows:
        row.assignee_id, row.due_on = assignee_id, due_on if assignee_id else None
    audit.note(session, account.id, "tags.assign", records=[row.record_id for row in rows], assignee=assignee_id)
    session.flush()
    return len(rows)


# What is new


def enter_new(database: Engine, _settings: Settings) -> int:
    """Enter published records that the queue does not know yet; how many. Those that no model has read wait as untagged."""
    with transaction(database, readonly=True) as session:
        query = select(RecordRow.id).outerjoin(TagCaseRow, TagCaseRow.record_id == RecordRow.id)
        query = query.where(
            RecordRow.status == "published", RecordRow.type.in_(cases.TAGGED), TagCaseRow.record_id.is_(None)
        )
        new = list(session.scalars(query.order_by(RecordRow.id).limit(_ENTERED_AT_ONCE)))
    for record_id in new:
        with transaction(database) as session:
            if session.get(RecordRow, record_id):
                cases.get(session, record_id)
    return len(new)
