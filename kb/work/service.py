"""How far the long jobs are: written by whoever does one, read by the status page and ``kb index status``."""

import datetime
import logging
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from kb.db import transaction, utcnow
from kb.work.tables import WorkRow
from schemas.search import JobName, JobState, JobStatus

log = logging.getLogger(__name__)

#: Called with what is done and what there is to do in all.
Progress = Callable[[int, int], None]

#: Seconds between two notes of one run.
PAUSE = 1.0
#: A run that has said nothing for so long, and has not ended, was cut off.
SILENCE = datetime.timedelta(minutes=10)


def holder() -> str:
    """This process, as others see it: machine and process number."""
    return f"{socket.gethostname()[:180]} {os.getpid()}"


class Report:
    """Notes how far one run is, at most once a second. A note that cannot be written does not stop the run."""

    def __init__(self, database: Engine, name: JobName) -> None:
        self._database = database
        self._name = name
        self._started: datetime.datetime | None = None
        self._said = 0.0
        self._done = self._total = 0

    def __call__(self, done: int, total: int) -> None:
        self._done, self._total = done, total
        if time.monotonic() - self._said >= PAUSE:
            self._write()

    def end(self) -> None:
        """The run came to its end. One that stopped for a while, with more to do, goes on in the next run."""
        if self._started:
            self._write(finished=self._done >= self._total)

    def fail(self, error: Exception) -> None:
        """The run came to an end that it should not have come to."""
        self._write(finished=True, error=in_one_line(error))

    def _write(self, finished: bool = False, error: str = "") -> None:
        self._said = time.monotonic()
        now = utcnow()
        try:
            with transaction(self._database, always=True) as session:
                self._started = self._started or self._begun(session, now)
                session.merge(
                    WorkRow(
                        name=self._name,
                        holder=holder(),
                        done=self._done,
                        total=self._total,
                        started_at=self._started,
                        seen_at=now,
                        finished_at=now if finished else None,
                        error=error,
                    )
                )
        except SQLAlchemyError:
            log.warning("could not note how far the job '%s' is", self._name, exc_info=True)

    def _begun(self, session: Session, now: datetime.datetime) -> datetime.datetime:
        """Now, or when the run began that this one goes on with."""
        last = session.get(WorkRow, self._name)
        goes_on = last and _state(last, now) == "running" and 0 < last.done <= self._done
        return last.started_at if last and goes_on else now


@contextmanager
def reported(database: Engine, name: JobName, *others: Progress) -> Iterator[Progress]:
    """``with reported(database, "rebuild", bar) as progress: rebuild(..., progress)``: notes the run, tells the others.

    Nothing is noted before the first call: who finds that another does the job leaves the other's note alone.
    """
    report = Report(database, name)

    everyone: list[Progress] = [report, *others]

    def progress(done: int, total: int) -> None:
        for each in everyone:
            each(done, total)

    try:
        yield progress
    except Exception as error:
        report.fail(error)
        raise
    report.end()


def in_one_line(error: Exception) -> str:
    """An error as a line of at most 500 characters."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else ''}"[:500]


def jobs(session: Session) -> list[JobStatus]:
    """The last run of each job that ever ran, by name."""
    now = utcnow()
    return [
        JobStatus(
            name=row.name,
            state=_state(row, now),
            holder=row.holder,
            done=row.done,
            total=row.total,
            started_at=row.started_at,
            seen_at=row.seen_at,
            finished_at=row.finished_at,
        )
        for row in session.scalars(select(WorkRow).order_by(WorkRow.name))
    ]


def errors(session: Session) -> dict[JobName, str]:
    """Why the last run of a job failed, by the job's name. Not for the public: it may name machines."""
    return {row.name: row.error for row in session.scalars(select(WorkRow).where(WorkRow.error != ""))}


def _state(row: WorkRow, now: datetime.datetime) -> JobState:
    if row.error:
        return "failed"
    if row.finished_at:
        return "finished"
    return "running" if now - row.seen_at < SILENCE else "interrupted"
