"""Records: read them, save them, follow their links. Every other part goes through here."""

import datetime
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from sqlalchemy import ColumnElement, bindparam, func, select
from sqlalchemy.orm import Session

from kb.db import CHUNK, Many, chunks, one_of, utcnow
from kb.errors import Conflict, NotFound
from kb.records import revisions as revision_records
from kb.records import translations, writing
from kb.records.privacy import without_unchecked
from kb.records.tables import LinkRow, RecordRow, RevisionRow, TranslationRow
from kb.records.translations import TextState, Translation
from kb.records.values import read
from schemas.language import Language
from schemas.messages import N_
from schemas.records import Record, RecordType, to_value

Outcome = Literal["created", "updated", "unchanged"]

_PUBLISHED: ColumnElement[bool] = RecordRow.status == "published"


class Edition(NamedTuple):
    """Which content of a record: a record deleted and made again may have a revision's number, but not its moment."""

    revision: int
    updated_at: datetime.datetime


@dataclass(frozen=True)
class Stored:
    """A record with what the database knows about it. Moments are UTC."""

    record: Record
    revision: int
    created_at: datetime.datetime
    updated_at: datetime.datetime
    #: When readers first saw it.
    published_at: datetime.datetime | None
    #: Languages whose translation was made from an older revision of the original.
    stale: frozenset[Language]

    @property
    def edition(self) -> Edition:
        """Changes whenever anything here does."""
        return Edition(self.revision, self.updated_at)


@dataclass(frozen=True)
class Revision:
    """A record as it was after one save."""

    number: int
    at: datetime.datetime
    author: str
    comment: str
    record: Record


# Reading


def get(session: Session, record_id: str) -> Stored:
    """The record, whatever its status. Raises NotFound."""
    return _only(load(session, [record_id]), record_id)


def get_public(session: Session, record_id: str) -> Stored:
    """The record if it is published, as ``load_public``. Raises NotFound also for one that is not: its existence is no one's
    business."""
    return _only(load_public(session, [record_id]), record_id)


def _only(found: dict[str, Stored], record_id: str) -> Stored:
    if record_id not in found:
        raise NotFound(f"There is no record '{record_id}' here; it may have been renamed or withdrawn.")
    return found[record_id]


def load(session: Session, ids: Iterable[str]) -> dict[str, Stored]:
    """Records by id, in the given order, whatever their status; ids that are not there are left out."""
    return _load(session, ids, public=False)


def load_public(session: Session, ids: Iterable[str]) -> dict[str, Stored]:
    """Published records by id, in the given order, without translations that no person has checked."""
    return _load(session, ids, public=True)


def _load(session: Session, ids: Iterable[str], *, public: bool) -> dict[str, Stored]:
    wanted = [record_id for record_id in dict.fromkeys(ids) if "\x00" not in record_id]  # PostgreSQL refuses NUL
    found: dict[str, Stored] = {}
    for chunk in chunks(wanted):
        rows = session.scalars(select(RecordRow).where(RecordRow.id.in_(chunk), *[_PUBLISHED] * public)).all()
        found |= {stored.record.id: stored for stored in _stored(session, rows, public=public)}
    return {record_id: found[record_id] for record_id in wanted if record_id in found}


#: Asked for a status too, SQLite would look through all records that have it instead of finding these by id.
_EDITIONS = select(RecordRow.id, RecordRow.status, RecordRow.revision, RecordRow.updated_at).where(
    one_of(RecordRow.id, bindparam("ids", type_=Many))
)


def public_editions(session: Session, ids: Iterable[str]) -> dict[str, Edition]:
    """The editions of published records by id, in the given order; nothing else is read, and so much quicker than ``load``."""
    wanted = [record_id for record_id in dict.fromkeys(ids) if "\x00" not in record_id]
    found = {
        record_id: Edition(revision, updated_at)
        for record_id, status, revision, updated_at in session.execute(_EDITIONS, {"ids": wanted})
        if status == "published"
    }
    return {record_id: found[record_id] for record_id in wanted if record_id in found}


def _stored(session: Session, rows: Sequence[RecordRow], *, public: bool) -> Iterator[Stored]:
    states = _text_states(session, rows)
    for row in rows:
        record = read(row.data)
        yield Stored(
            record=without_unchecked(record) if public else record,
            revision=row.revision,
            created_at=row.created_at,
            updated_at=row.updated_at,
            published_at=row.published_at,
            stale=states[row.id].stale,
        )


def iterate(
    session: Session, type: RecordType | None = None, batch: int = CHUNK, after: str = "", *, public: bool = True
) -> Iterator[Stored]:
    """All published records (or, not ``public``, of any status; of that type) whose id is above ``after``, by id.
    Only ``batch`` of them are in memory."""
    conditions = [_PUBLISHED] * public + [RecordRow.type == type] * (type is not None)
    while True:
        query = select(RecordRow).where(RecordRow.id > after, *conditions)
        rows = session.scalars(query.order_by(RecordRow.id).limit(batch)).all()
        yield from _stored(session, rows, public=public)
        if len(rows) < batch:
            return
        after = rows[-1].id


def published_ids(session: Session) -> Iterator[tuple[str, int]]:
    """(id, revision) of every published record, by id."""
    query = select(RecordRow.id, RecordRow.revision).where(_PUBLISHED).order_by(RecordRow.id)
    yield from session.execute(query.execution_options(yield_per=1000))


def editions(session: Session) -> Iterator[tuple[str, Edition]]:
    """(id, edition) of every published record, by id."""
    query = select(RecordRow.id, RecordRow.revision, RecordRow.updated_at).where(_PUBLISHED).order_by(RecordRow.id)
    for record_id, revision, updated_at in session.execute(query.execution_options(yield_per=1000)):
        yield record_id, Edition(revision, updated_at)


def count_by_type(session: Session) -> dict[RecordType, int]:
    """How many records of each type are published; types without any are left out."""
    query = select(RecordRow.type, func.count()).where(_PUBLISHED).group_by(RecordRow.type)
    return {row[0]: row[1] for row in session.execute(query)}  # type: ignore[misc]


# Links


def linked_from(session: Session, record_id: str) -> list[tuple[str, Stored]]:
    """(relation, record) for every published record that points here, newest first."""
    query = (
        select(LinkRow.relation, RecordRow.id)
        .join(RecordRow, RecordRow.id == LinkRow.source_id)
        .where(LinkRow.target_id == record_id, _PUBLISHED)
        .order_by(RecordRow.published_at.desc(), RecordRow.id, LinkRow.position)
    )
    pairs = list(dict.fromkeys((relation, source) for relation, source in session.execute(query)))
    found = load_public(session, [source for _, source in pairs])
    return [(relation, found[source]) for relation, source in pairs]


def links_of(session: Session, stored: Stored) -> list[tuple[str, Stored]]:
    """(relation, record) for every published record that this one points to, in its order."""
    pairs = list(dict.fromkeys(stored.record.references()))
    found = load_public(session, [target for _, target in pairs])
    return [(relation, found[target]) for relation, target in pairs if target in found]


def linked_with(session: Session, record_ids: Iterable[str], type: RecordType) -> set[tuple[str, str]]:
    """(id of a published record of that type, one of these ids) for all that are linked, whichever points to the other.
    Who shows it must look whether the link is one that readers may see."""
    found: set[tuple[str, str]] = set()
    for chunk in chunks(record_ids):
        for near, far in ((LinkRow.target_id, LinkRow.source_id), (LinkRow.source_id, LinkRow.target_id)):
            query = select(far, near).join(RecordRow, RecordRow.id == far)
            rows = session.execute(query.where(near.in_(chunk), RecordRow.type == type, _PUBLISHED))
            found.update((other, record_id) for other, record_id in rows)
    return found


def pointing_ids(session: Session, record_ids: Iterable[str]) -> set[str]:
    """Ids of the records, of any status, that point to any of these."""
    found: set[str] = set()
    for chunk in chunks(record_ids):
        found.update(session.scalars(select(LinkRow.source_id).where(LinkRow.target_id.in_(chunk))))
    return found


def dangling_ids(session: Session, relation: str) -> set[str]:
    """Ids of the records, of any status, with such a link to what is not a published record."""
    there = select(RecordRow.id).where(RecordRow.id == LinkRow.target_id, _PUBLISHED).exists()
    return set(session.scalars(select(LinkRow.source_id).where(LinkRow.relation == relation, ~there)))


def existing_ids(session: Session, record_ids: Iterable[str]) -> set[str]:
    """Those of the ids that are records, of any status."""
    found: set[str] = set()
    for chunk in chunks(record_ids):
        found.update(session.scalars(select(RecordRow.id).where(RecordRow.id.in_(chunk))))
    return found


def stored_values(session: Session, record_ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The import lines' values by id, of any status, as they were stored; unparsed, and so much quicker than ``load``."""
    found: dict[str, dict[str, Any]] = {}
    for chunk in chunks(record_ids):
        query = select(RecordRow.id, RecordRow.data).where(RecordRow.id.in_(chunk))
        found |= {row.id: row.data for row in session.execute(query)}
    return found


# Saving


def save(session: Session, record: Record, author: str, comment: str = "", *, expected: int | None = None) -> Outcome:
    """Save a record; a new revision when its content changed, nothing at all when it did not.

    ``expected`` is the revision that the author saw, 0 where there was none. Raises Conflict when the record has moved on
    since.
    """
    row = _lock(session, [record.id]).get(record.id)
    if expected is not None and expected != (row.revision if row else 0):
        raise Conflict(N_("Somebody else changed this record meanwhile; look at their version before you save yours."))
    return next(iter(_save_once(session, [record], author, comment)))


def save_many(session: Session, records: Iterable[Record], author: str) -> Counter[Outcome]:
    """Save records in few statements, with the result of saving them one by one. Counts what became of them."""
    outcomes: Counter[Outcome] = Counter()
    waiting: dict[str, Record] = {}
    for record in records:
        if record.id in waiting or len(waiting) == CHUNK:
            outcomes += _save_once(session, list(waiting.values()), author, "")
            waiting.clear()
        waiting[record.id] = record
    return outcomes + _save_once(session, list(waiting.values()), author, "")


def preview_many(session: Session, records: Iterable[Record]) -> Counter[Outcome]:
    """What ``save_many`` would count, without saving. Each record should come once."""
    outcomes: Counter[Outcome] = Counter()
    for chunk in chunks(records):
        stored = stored_values(session, [record.id for record in chunk])
        outcomes.update(_outcome(stored.get(record.id), to_value(record)) for record in chunk)
    return outcomes


def _outcome(stored: dict[str, Any] | None, value: dict[str, Any]) -> Outcome:
    if stored is None:
        return "created"
    return "unchanged" if stored == value else "updated"


def _save_once(session: Session, records: list[Record], author: str, comment: str) -> Counter[Outcome]:
    """Save at most ``CHUNK`` records with different ids."""
    rows = _lock(session, [record.id for record in records])
    states = _text_states(session, list(rows.values()))
    now, outcomes = utcnow(), Counter[Outcome]()
    changed: list[tuple[Record, RecordRow]] = []
    for record in records:
        row, value = rows.get(record.id), to_value(record)
        outcome = _outcome(row.data if row else None, value)
        outcomes[outcome] += 1
        if outcome == "unchanged":
            continue
        row = row or RecordRow(id=record.id, revision=0, created_at=now, published_at=None)
        states[record.id] = translations.after_save(
            states.get(record.id), row.data, value, (row.revision or 0) + 1, now
        )
        _fill(row, record, value, states[record.id].text_revision, now)
        changed.append((record, row))
    writing.write(session, changed, states, author, comment)
    return outcomes


def _fill(row: RecordRow, record: Record, value: dict[str, Any], text_revision: int, now: datetime.datetime) -> None:
    row.type, row.status, row.language = record.type, record.status, record.language
    row.revision, row.text_revision = row.revision + 1, text_revision
    row.data, row.updated_at = value, now
    if row.published_at is None and record.status == "published":
        row.published_at = now


def _lock(session: Session, ids: list[str]) -> dict[str, RecordRow]:
    """The rows as they are now, held until the end of the transaction; in one order, so that two cannot deadlock."""
    query = select(RecordRow).where(RecordRow.id.in_(ids)).order_by(RecordRow.id).with_for_update()
    return {row.id: row for row in session.scalars(query.execution_options(populate_existing=True))}


def _text_states(session: Session, rows: Sequence[RecordRow]) -> dict[str, TextState]:
    made: dict[str, dict[Language, Translation]] = {row.id: {} for row in rows}
    for chunk in chunks(made):
        for found in session.scalars(select(TranslationRow).where(TranslationRow.record_id.in_(chunk))):
            made[found.record_id][found.language] = Translation(  # type: ignore[index]
                found.source_revision, found.machine, found.translator, found.updated_at
            )
    return {row.id: TextState(row.text_revision, made[row.id]) for row in rows}


def delete(session: Session, record_id: str) -> None:
    """Delete a record with its revisions, links and translations. Links of others to it stay. Raises NotFound."""
    row = session.get(RecordRow, record_id)
    if row is None:
        raise NotFound(f"There is no record '{record_id}' to delete.")
    session.delete(row)
    session.flush()


def hold(session: Session, record_id: str) -> None:
    """Let nobody else change this record until the end of the transaction."""
    _lock(session, [record_id])


# History


def text_state(session: Session, record_id: str) -> TextState:
    """Where the texts stand: when the original last changed, and what each translation was made from. Raises NotFound."""
    row = session.get(RecordRow, record_id)
    if row is None:
        raise NotFound(N_("There is no such record here."))
    return _text_states(session, [row])[record_id]


def revisions(session: Session, record_id: str) -> list[Revision]:
    """Every revision of a record, newest first. Raises NotFound."""
    query = select(RevisionRow).where(RevisionRow.record_id == record_id).order_by(RevisionRow.number.desc())
    found = [Revision(row.number, row.at, row.author, row.comment, read(row.data)) for row in session.scalars(query)]
    if not found:
        raise NotFound(f"There is no record '{record_id}' here.")
    return found


def restore(
    session: Session, record_id: str, number: int, author: str, comment: str = "", *, expected: int | None = None
) -> Outcome:
    """Save a record again as it was in that revision, in the state that it has now; history grows, nothing is lost.

    A translation that was up to date then is so again. Raises NotFound, and Conflict as ``save`` does.
    """
    value = revision_records.value(session, record_id, number)
    now = _lock(session, [record_id])[record_id]
    if value | {"status": now.status} != now.data:
        state = revision_records.text_state(session, record_id, number)
        value = translations.with_sources(value, state, now.revision + 1) if state else value
    value = value | {"status": now.status}
    return save(session, read(value), author, comment or f"↩ {number}", expected=expected)
