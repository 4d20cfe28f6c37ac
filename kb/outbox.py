"""What the search index still has to take in: one job per changed record, written in the transaction of the change.

Nobody has to remember it: whichever code changes an ``Indexed`` row, the session notices when it flushes.
"""

import datetime
import logging
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from sqlalchemy import BigInteger, ColumnElement, Engine, String, case, delete, event, func, insert, select, update
from sqlalchemy import cast as sql_cast
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from kb.db import Base, chunks, database_epoch, transaction, utcnow

log = logging.getLogger(__name__)

_ADDED = "index jobs added"


class Indexed:
    """A mixin for tables whose rows are in the search index, under their ``id``."""

    id: Mapped[str] = mapped_column(String(200), primary_key=True)


class IndexJob(Base):
    """A record that changed and that the index must look at again. Ids are never used twice, so that
    deleting a finished job cannot hit a newer one."""

    __tablename__ = "index_jobs"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    record_id: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime.datetime] = mapped_column(default=utcnow)


class LeaseRow(Base):
    """Who may do a thing that only one process at a time may do, and until when (seconds since 1970)."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    holder: Mapped[str] = mapped_column(String(200), default="")
    held_until: Mapped[float] = mapped_column(default=0.0)
    #: Grows whenever the lease is taken or renewed.
    token: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")


class RefusalRow(Base):
    """A record that the search engine did not take when it was last tried, and why, in one line."""

    __tablename__ = "refusals"

    record_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    reason: Mapped[str] = mapped_column(String(500))
    at: Mapped[datetime.datetime]


def pending(session: Session, limit: int) -> list[IndexJob]:
    """The oldest jobs, at most ``limit``."""
    return list(session.scalars(select(IndexJob).order_by(IndexJob.id).limit(limit)))


def done(session: Session, jobs: Sequence[IndexJob]) -> None:
    """Delete exactly these jobs; one that came for the same record meanwhile stays."""
    for ids in chunks(job.id for job in jobs):
        session.execute(delete(IndexJob).where(IndexJob.id.in_(ids)))


def waiting(session: Session) -> int:
    """How many jobs there are."""
    return session.scalar(select(func.count()).select_from(IndexJob)) or 0


def queued(session: Session) -> set[str]:
    """The records that have a job."""
    return set(session.scalars(select(IndexJob.record_id)))


def enqueue(session: Session, record_ids: Iterable[str]) -> None:
    """Ask the index to look at these records again, though they did not change."""
    now = utcnow()
    rows = [{"record_id": record_id, "created_at": now} for record_id in record_ids]
    if rows:
        session.execute(insert(IndexJob), rows)
        session.info[_ADDED] = True


def note_refusals(session: Session, tried: Iterable[str], refused: Mapping[str, str]) -> None:
    """Of the records that were tried, remember those that were refused, each with the reason, and no longer the others."""
    for ids in chunks(tried):
        session.execute(delete(RefusalRow).where(RefusalRow.record_id.in_(ids)))
    rows = [
        {"record_id": id, "reason": " ".join(reason.split())[:500], "at": utcnow()} for id, reason in refused.items()
    ]
    if rows:
        session.execute(insert(RefusalRow), rows)


def refusals(session: Session) -> dict[str, str]:
    """Why each record that is refused is, by id."""
    query = select(RefusalRow.record_id, RefusalRow.reason).order_by(RefusalRow.record_id)
    return {row.record_id: row.reason for row in session.execute(query)}


def refusals_count(session: Session) -> int:
    """How many records are refused."""
    return session.scalar(select(func.count()).select_from(RefusalRow)) or 0


_callbacks: list[Callable[[], None]] = []


def on_commit(callback: Callable[[], None]) -> Callable[[], None]:
    """Call this after each commit that added jobs. A hint only: it may be lost, so look at times by yourself.

    Returns a function that ends it.
    """
    _callbacks.append(callback)
    return lambda: _callbacks.remove(callback)


@event.listens_for(Session, "before_flush")
def _add_jobs(session: Session, _context: object, _instances: object) -> None:
    changed = [*session.new, *session.deleted, *(row for row in session.dirty if session.is_modified(row))]
    enqueue(session, [row.id for row in changed if isinstance(row, Indexed)])


@event.listens_for(Session, "after_commit")
def _tell(session: Session) -> None:
    if session.in_nested_transaction() or not session.info.pop(_ADDED, False):
        return
    for callback in _callbacks:
        try:
            callback()
        except Exception:
            log.exception("a listener failed after a commit; the commit stands, and the timer will do the work")


@event.listens_for(Session, "after_rollback")
def _forget(session: Session) -> None:
    session.info.pop(_ADDED, None)


class Lease:
    """Whether the caller got it. Stays true until a renewal fails.

    ``token`` is greater than that of every earlier holder and of every earlier renewal (a fencing token): who writes with
    it cannot be overtaken by somebody who slept through the end of his lease. It follows the database's clock in
    milliseconds, so that it goes on growing when the database is put back to an older backup.
    """

    def __init__(self, engine: Engine, name: str, holder: str, seconds: float) -> None:
        self._engine, self._name, self._seconds = engine, name, seconds
        # Two threads with one name are still two holders.
        self._holder = f"{holder[:180]} {secrets.token_hex(4)}"
        self._held = False
        self.token = 0

    def __bool__(self) -> bool:
        return self._held

    def take(self) -> bool:
        """Take it if it is free."""
        self._held = self._update(LeaseRow.held_until < database_epoch(), self._seconds)
        return self._held

    def renew(self) -> bool:
        """Hold it for the whole time from now on; False when somebody else has it by now."""
        self._held = self._held and self._update(LeaseRow.holder == self._holder, self._seconds)
        return self._held

    def release(self) -> None:
        """Let the next one have it."""
        if self._held:
            self._update(LeaseRow.holder == self._holder, -self._seconds)
        self._held = False

    def _update(self, condition: ColumnElement[bool], seconds: float) -> bool:
        now = sql_cast(database_epoch() * 1000, BigInteger)
        statement = (
            update(LeaseRow)
            .where(LeaseRow.name == self._name, condition)
            .values(
                holder=self._holder,
                held_until=database_epoch() + seconds,
                token=case((LeaseRow.token < now, now), else_=LeaseRow.token + 1),
            )
            .returning(LeaseRow.token)
            .execution_options(synchronize_session=False)
        )
        with transaction(self._engine, always=True) as session:
            token = session.scalar(statement)
        self.token = token or self.token
        return token is not None


def newest_token(session: Session, name: str) -> int:
    """The token of the last one to take or renew that lease: all that come are greater."""
    return session.scalar(select(LeaseRow.token).where(LeaseRow.name == name)) or 0


@contextmanager
def lease(engine: Engine, name: str, holder: str, seconds: float) -> Iterator[Lease]:
    """``with lease(engine, "sync", "worker-1", 60) as mine: if mine: ...``; at most one holder at a time.

    Call ``mine.renew()`` in less than ``seconds``, and stop when it says False.
    """
    _create_lease(engine, name)
    mine = Lease(engine, name, holder, seconds)
    mine.take()
    try:
        yield mine
    finally:
        mine.release()


def _create_lease(engine: Engine, name: str) -> None:
    with transaction(engine, readonly=True) as session:
        if session.get(LeaseRow, name):
            return
    try:
        with transaction(engine, always=True) as session:
            session.execute(insert(LeaseRow).values(name=name, holder="", held_until=0.0))
    except IntegrityError:
        log.debug("somebody else created the lease %s at the same time", name)
