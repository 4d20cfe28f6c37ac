"""Which published records have no translation, or one that is out of date, or one that no person has read."""

import datetime
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, case, func, select
from sqlalchemy.orm import Session

from kb.records.tables import RecordRow, RevisionRow, TranslationRow
from schemas.language import Language
from schemas.records import RecordType

#: ``missing``: there is none. ``machine``: a machine made it and no person accepted it. ``stale``: the original has changed.
Need = Literal["missing", "stale", "machine"]
NEEDS: Final[tuple[Need, ...]] = Need.__args__  # type: ignore[attr-defined]

_NEED: Final[ColumnElement[Any]] = case(
    (TranslationRow.record_id.is_(None), "missing"),
    (TranslationRow.machine, "machine"),
    (TranslationRow.source_revision < RecordRow.text_revision, "stale"),
)


@dataclass(frozen=True)
class Asked:
    """The language to translate into; and, where one is asked for, what is needed, from which language, of which type."""

    target: Language
    need: Need | None = None
    source: Language | None = None
    type: RecordType | None = None


class Untranslated(NamedTuple):
    """``since``: when the original came to say what it says now."""

    record_id: str
    need: Need
    since: datetime.datetime


def find(session: Session, asked: Asked, *, limit: int, offset: int = 0) -> list[Untranslated]:
    """The longest first."""
    columns = select(RecordRow.id, _NEED, RevisionRow.at)
    query = _within(columns, asked).join(
        RevisionRow, and_(RevisionRow.record_id == RecordRow.id, RevisionRow.number == RecordRow.text_revision)
    )
    rows = session.execute(query.order_by(RevisionRow.at, RecordRow.id).limit(limit).offset(offset))
    return [Untranslated(*row) for row in rows]


def count(session: Session, asked: Asked) -> dict[Need, int]:
    """How many there are of each need, whichever need is asked for."""
    everything = Asked(asked.target, None, asked.source, asked.type)
    rows = session.execute(
        _within(select(_NEED.label("need"), func.count().label("number")), everything).group_by("need")
    )
    return dict.fromkeys(NEEDS, 0) | {row.need: row.number for row in rows}


def _within(query: Select[Any], asked: Asked) -> Select[Any]:
    ours = and_(TranslationRow.record_id == RecordRow.id, TranslationRow.language == asked.target)
    query = query.select_from(RecordRow).outerjoin(TranslationRow, ours)
    query = query.where(RecordRow.status == "published", RecordRow.language != asked.target)
    query = query.where(_NEED.in_([asked.need]) if asked.need else _NEED.is_not(None))
    if asked.source:
        query = query.where(RecordRow.language == asked.source)
    return query.where(RecordRow.type == asked.type) if asked.type else query
