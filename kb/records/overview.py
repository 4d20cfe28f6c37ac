"""Records as lines, for those who look after them: of any status, without parsing what they say."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, Row, case, func, literal, or_, select
from sqlalchemy.orm import Session

from kb.db import chunks
from kb.records.tables import RecordRow
from schemas.language import Language, Said, say
from schemas.records import RecordType, Status

Light = Literal["good", "fair", "old", "never"]
LIGHTS: Final[tuple[Light, ...]] = Light.__args__  # type: ignore[attr-defined]
Sort = Literal["review", "verified", "changed", "title"]
SORTS: Final[tuple[Sort, ...]] = Sort.__args__  # type: ignore[attr-defined]

YEAR: Final = datetime.timedelta(days=365)
_VERIFIED: Final = RecordRow.data["last_verified"].as_string()
_REVIEW: Final = RecordRow.data["next_review"].as_string()
#: After every date: what has none comes last.
_LATE: Final = literal("9999-12-31")


@dataclass(frozen=True)
class Line:
    """A record as the desk's list shows it. ``due_on`` is when it should be checked again: the day that was set, or a year
    after it was verified, whichever comes first; None where neither is known."""

    id: str
    type: RecordType
    status: Status
    revision: int
    title: Said
    last_verified: datetime.date | None
    due_on: datetime.date | None
    updated_at: datetime.datetime


@dataclass(frozen=True)
class Wanted:
    """What of the records. Empty is all; ``due`` is what should be checked by ``today``."""

    today: datetime.date
    status: str = ""
    type: str = ""
    language: str = ""
    light: str = ""
    words: str = ""
    due: bool = False

    def conditions(self) -> list[ColumnElement[bool]]:
        """As SQL."""
        named = ((RecordRow.status, self.status), (RecordRow.type, self.type), (RecordRow.language, self.language))
        found = [column == value for column, value in named if value]
        if self.light:
            found.append(_light(self.today) == self.light)
        if self.words:
            found.append(func.lower(RecordRow.data["title"].as_string()).contains(self.words.lower(), autoescape=True))
        if self.due:
            found.append(_due(self.today))
        return found


def _light(today: datetime.date) -> ColumnElement[str]:
    """The same measure as the light that readers see: within a year, two years, longer ago, never."""
    return case(
        (_VERIFIED.is_(None), "never"),
        ((today - YEAR).isoformat() <= _VERIFIED, "good"),
        ((today - 2 * YEAR).isoformat() <= _VERIFIED, "fair"),
        else_="old",
    )


def _due(today: datetime.date) -> ColumnElement[bool]:
    """The day that was set has come, or it was verified more than a year ago."""
    return or_(today.isoformat() >= _REVIEW, (today - YEAR).isoformat() > _VERIFIED)


_ORDERS: Final[dict[Sort, tuple[Any, ...]]] = {
    "review": (func.coalesce(_REVIEW, _LATE), func.coalesce(_VERIFIED, _LATE)),
    "verified": (func.coalesce(_VERIFIED, ""),),
    "changed": (RecordRow.updated_at.desc(),),
    "title": (RecordRow.data["title"].as_string(),),
}
_COLUMNS: Final = (
    RecordRow.id, RecordRow.type, RecordRow.status, RecordRow.language, RecordRow.revision, RecordRow.updated_at,
    RecordRow.data["title"].label("title"), _VERIFIED.label("verified"), _REVIEW.label("review"),
)  # fmt: skip


def lines(session: Session, wanted: Wanted, sort: Sort, language: Language, limit: int, offset: int = 0) -> list[Line]:
    """The records in order, with their titles in that language where they have one."""
    query = select(*_COLUMNS).where(*wanted.conditions()).order_by(*_ORDERS[sort], RecordRow.id)
    return [_line(row, language) for row in session.execute(query.limit(limit).offset(offset))]


def count(session: Session, wanted: Wanted) -> int:
    """How many they are."""
    return session.scalar(select(func.count()).select_from(RecordRow).where(*wanted.conditions())) or 0


def due_ids(session: Session, today: datetime.date) -> list[str]:
    """Published records that should be checked by today."""
    wanted = Wanted(today, status="published", due=True)
    return list(session.scalars(select(RecordRow.id).where(*wanted.conditions()).order_by(RecordRow.id)))


def by_id(session: Session, record_ids: Iterable[str], language: Language) -> dict[str, Line]:
    """These records as lines; ids that are not there are left out."""
    found: dict[str, Line] = {}
    for chunk in chunks(record_ids):
        rows = session.execute(select(*_COLUMNS).where(RecordRow.id.in_(chunk)))
        found |= {row.id: _line(row, language) for row in rows}
    return found


def countries(session: Session, record_ids: Iterable[str]) -> dict[str, str]:
    """The countries of these places by id, as ISO codes; of those that have one."""
    found: dict[str, str] = {}
    for chunk in chunks(record_ids):
        query = select(RecordRow.id, RecordRow.data["place"]["country"].as_string().label("country"))
        found |= {row.id: row.country for row in session.execute(query.where(RecordRow.id.in_(chunk))) if row.country}
    return found


def _line(row: Row[Any], language: Language) -> Line:
    verified, review = _day(row.verified), _day(row.review)
    dates = [date for date in (review, verified and verified + YEAR) if date]
    return Line(
        id=row.id,
        type=row.type,
        status=row.status,
        revision=row.revision,
        title=say(row.title, language, row.language) or Said(row.id, language),
        last_verified=verified,
        due_on=min(dates, default=None),
        updated_at=row.updated_at,
    )


def _day(text: str | None) -> datetime.date | None:
    return datetime.date.fromisoformat(text) if text else None
