"""What the model said of a record's text: kept as it was said, whatever becomes of it."""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from kb.db import chunks, utcnow
from kb.tagging import cases
from kb.tagging.tables import SuggestionRow
from schemas.tagging import Suggestions


def keep(session: Session, record_id: str, text_key: str, said: Suggestions, vector: bytes) -> SuggestionRow:
    """Keep what was said of this text, and bring the queue up to date. Said again by the same model of the same text, it is
    what is there already. Raises NotFound for a record that is gone."""
    row = of_text(session, record_id, text_key, said.model)
    if row is None:
        row = SuggestionRow(
            record_id=record_id, text_key=text_key, model=said.model, at=utcnow(), vector=vector,
            result=said.model_dump(mode="json"),
        )  # fmt: skip
        session.add(row)
        session.flush()
    cases.refresh(session, record_id, text_key=text_key, suggestion=row)
    return row


def of_text(session: Session, record_id: str, text_key: str, model: str) -> SuggestionRow | None:
    """What this model said of this text of the record, if it was asked."""
    query = select(SuggestionRow).where(SuggestionRow.record_id == record_id, SuggestionRow.text_key == text_key)
    return session.scalars(query.where(SuggestionRow.model == model).limit(1)).first()


def of_base(session: Session, record_id: str, text_key: str, base: str) -> SuggestionRow | None:
    """What was said last of this text of the record by this base model, with whatever was learnt over it."""
    query = select(SuggestionRow).where(SuggestionRow.record_id == record_id, SuggestionRow.text_key == text_key)
    return session.scalars(query.where(by_base(base)).order_by(SuggestionRow.id.desc()).limit(1)).first()


def by_base(base: str) -> ColumnElement[bool]:
    """Whether suggestions were made by this base model, with whatever was learnt over it."""
    return (SuggestionRow.model == base) | SuggestionRow.model.startswith(f"{base}+", autoescape=True)


def read(row: SuggestionRow) -> Suggestions:
    """The suggestions of a row."""
    return Suggestions.model_validate(row.result)


def latest(session: Session, record_id: str) -> SuggestionRow | None:
    """What was said last."""
    query = select(SuggestionRow).where(SuggestionRow.record_id == record_id)
    return session.scalars(query.order_by(SuggestionRow.id.desc()).limit(1)).first()


def latest_of(session: Session, record_ids: Iterable[str]) -> dict[str, SuggestionRow]:
    """What was said last of each of these records; those of which nothing was said are left out."""
    found: dict[str, SuggestionRow] = {}
    for chunk in chunks(record_ids):
        newest = select(func.max(SuggestionRow.id)).where(SuggestionRow.record_id.in_(chunk))
        query = select(SuggestionRow).where(SuggestionRow.id.in_(newest.group_by(SuggestionRow.record_id)))
        found |= {row.record_id: row for row in session.scalars(query)}
    return found
