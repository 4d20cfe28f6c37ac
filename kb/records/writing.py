"""What is written together with a record's row: its revision, its links, what the database finds it by, its translations."""

from collections.abc import Iterator, Mapping

from sqlalchemy import delete as sql_delete
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from kb.errors import Conflict
from kb.records import lookups
from kb.records.tables import LinkRow, LookupRow, RecordRow, RevisionRow, TranslationRow
from kb.records.translations import TextState
from schemas.records import Record


def write(
    session: Session,
    changed: list[tuple[Record, RecordRow]],
    states: Mapping[str, TextState],
    author: str,
    comment: str,
) -> None:
    """Write these rows, which say already what the records say, and all that goes with them. Raises Conflict where somebody
    else made one of them at the same moment."""
    if not changed:
        return
    old_ids = [row.id for _, row in changed if row.revision > 1]
    session.add_all(row for _, row in changed)
    try:
        session.flush()
    except IntegrityError as error:
        raise Conflict("Somebody else created this record at the same moment; try again.") from error
    for column in (LinkRow.source_id, TranslationRow.record_id, LookupRow.record_id) if old_ids else ():
        old = sql_delete(column.class_).where(column.in_(old_ids))
        session.execute(old.execution_options(synchronize_session=False))
    _insert(session, RevisionRow, [_revision_values(row, author, comment) for _, row in changed])
    _insert(session, LinkRow, [link for record, _ in changed for link in _link_values(record)])
    _insert(session, LookupRow, [lookups.values_of(record) for record, _ in changed if record.status == "published"])
    _insert(session, TranslationRow, [
        {"record_id": row.id, "language": language, **vars(made)}
        for _, row in changed
        for language, made in states[row.id].translations.items()
    ])  # fmt: skip


def _insert(session: Session, table: type, values: list[dict[str, object]]) -> None:
    if values:
        session.execute(insert(table), values)


def _revision_values(row: RecordRow, author: str, comment: str) -> dict[str, object]:
    return {
        "record_id": row.id,
        "number": row.revision,
        "at": row.updated_at,
        "author": author[:200],
        "comment": comment[:2000],
        "data": row.data,
    }


def _link_values(record: Record) -> Iterator[dict[str, object]]:
    for position, (relation, target) in enumerate(record.references()):
        yield {"source_id": record.id, "position": position, "relation": relation, "target_id": target}
