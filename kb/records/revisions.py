"""The revisions of a record, without reading all that they say."""

import datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from kb.errors import NotFound
from kb.records import translations
from kb.records.tables import RevisionRow
from kb.records.translations import TextState
from schemas.messages import N_


class Head(NamedTuple):
    """Who saved a revision, when, and why."""

    number: int
    at: datetime.datetime
    author: str
    comment: str


def heads(session: Session, record_id: str) -> list[Head]:
    """Every revision, newest first. Raises NotFound."""
    columns = (RevisionRow.number, RevisionRow.at, RevisionRow.author, RevisionRow.comment)
    query = select(*columns).where(RevisionRow.record_id == record_id).order_by(RevisionRow.number.desc())
    if found := [Head(*row) for row in session.execute(query)]:
        return found
    raise NotFound(N_("There is no such record here."))


def value(session: Session, record_id: str, number: int) -> dict[str, Any]:
    """What the record said then, as it was stored. Raises NotFound."""
    row = session.get(RevisionRow, (record_id, number))
    if row is None:
        raise NotFound(f"Record '{record_id}' has no revision {number}.")
    return row.data


def text_state(session: Session, record_id: str, number: int) -> TextState | None:
    """Where the texts stood after that revision, told anew from all revisions up to it."""
    query = select(RevisionRow).where(RevisionRow.record_id == record_id, RevisionRow.number <= number)
    state: TextState | None = None
    old: dict[str, Any] | None = None
    for row in session.scalars(query.order_by(RevisionRow.number).execution_options(yield_per=50)):
        state = translations.after_save(state, old, row.data, row.number, row.at)
        old = row.data
    return state
