"""Reading records for tagging: one, or in the background all whose text was not read yet.

What was read is in the rows of ``kb/tagging``, a record a transaction: a run that is cut off at any point goes on with the
records that are left. Nothing of it stands in a record before a person has decided.
"""

import logging
import time
from collections.abc import Callable
from typing import Final

from sqlalchemy import Engine, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from indexer.tagging import fitting
from indexer.tagging.opening import InUse, in_use
from indexer.tagging.remembered import again, packed, unpacked
from indexer.tagging.sections import Reading, reading_of
from indexer.tagging.service import Tagger
from kb import outbox
from kb.db import is_read_only, transaction, utcnow
from kb.errors import NotFound, ReadOnly, Unavailable
from kb.outbox import Lease
from kb.records import service as records
from kb.records.tables import RecordRow
from kb.settings import Settings
from kb.tagging import cases, learnt, suggestions
from kb.tagging.tables import SuggestionRow
from kb.work.service import Progress, holder, reported
from kb.work.tables import WorkRow
from schemas.search import JobName
from schemas.tagging import LONGEST, Suggestions

log = logging.getLogger(__name__)

NAME: Final[JobName] = "tagging"
LEARNING: Final = "learning"
#: Seconds that the lease holds, and after which it is renewed: a part of a text takes far less.
LEASE: Final = 30
RENEW: Final = 10
#: Seconds until a record is tried again that could not be read.
REST: Final = 3_600.0
#: More than any site has.
ALL: Final = 10_000_000

Stop = Callable[[], bool]

#: When a record that could not be read is tried again, and learning that found too little; by this process's clock.
_resting: dict[str, float] = {}


class _Stopped(Exception):
    """Something else is more urgent than the text at hand."""


def suggest_record(
    database: Engine, tagger: Tagger, record_id: str, progress: Progress | None = None
) -> SuggestionRow | None:
    """Read a record as it is now, ask the version in use, and keep what it says. A text that was read before is not read
    again, by whichever version. None where the record changed meanwhile: it is to be read once more. Raises NotFound."""
    with transaction(database, readonly=True) as session:
        used = in_use(session, tagger.version)
        reading = reading_of(records.get(session, record_id).record)
        said = _known(session, tagger, used, record_id, reading)
    kept = said or _asked(tagger, used, reading, progress)
    with transaction(database) as session:
        records.hold(session, record_id)
        if reading_of(records.get(session, record_id).record).key != reading.key:
            return None
        return suggestions.keep(session, record_id, reading.key, *kept)


def _known(
    session: Session, tagger: Tagger, used: InUse, record_id: str, reading: Reading
) -> tuple[Suggestions, bytes] | None:
    """What was said of this text by any version over the same base, as the version in use says it."""
    row = suggestions.of_base(session, record_id, reading.key, tagger.version)
    document = unpacked(row.vector, len(tagger.model.mean)) if row else None
    if row is None or document is None:
        return None
    return again(suggestions.read(row), document, used.offsets, used.model), row.vector


def _asked(tagger: Tagger, used: InUse, reading: Reading, progress: Progress | None) -> tuple[Suggestions, bytes]:
    text = reading.text[:LONGEST]
    said = tagger.suggest(text, reading.language, progress)
    document = tagger.document(text, reading.language)
    return again(said, document, used.offsets, used.model), packed(document)


# In the background


def ask(session: Session) -> None:
    """Have the background read what was not read yet, once, also where ``KB_TAGGING`` is manual."""
    now, total = utcnow(), _all(session)
    session.merge(
        WorkRow(
            name=NAME, holder=holder(), done=0, total=total, started_at=now, seen_at=now, finished_at=None, error=""
        )
    )


def asked(session: Session) -> bool:
    """Whether somebody asked, and it is not done yet."""
    row = session.get(WorkRow, NAME)
    return row is not None and row.finished_at is None


def advance(database: Engine, opened: Callable[[], Tagger], settings: Settings, stop: Stop) -> bool:
    """What the background does for tagging, until it is stopped: read records, and learn from decisions. Returns whether
    there is more to do."""
    if is_read_only(database):
        return False
    with transaction(database, readonly=True) as session:
        reads, learns = settings.tagging == "auto" or asked(session), learnt.fresh(session, 0) >= fitting.NEW
    if not (reads or learns):
        return False
    try:
        tagger = opened()
    except Unavailable as error:
        log.info("no tags are suggested: %s", error)
        return False
    if learns and not stop():
        learn(database, tagger)
    return bool(reads and run(database, tagger, stop))


def learn(database: Engine, tagger: Tagger) -> int | None:
    """Make a new version of what decisions teach, where there are enough new ones. Returns its number; None where there are
    not, or where another process is at it."""
    if time.monotonic() < _resting.get(LEARNING, 0.0):
        return None
    with transaction(database, readonly=True) as session:
        if not fitting.is_due(session, tagger.version):
            return None
    with outbox.lease(database, LEARNING, holder(), LEASE) as held:
        made = fitting.learn(database, tagger) if held else None
    if made is None:
        _resting[LEARNING] = time.monotonic() + fitting.EVERY.total_seconds()
    return made


def run(
    database: Engine, tagger: Tagger, stop: Stop = lambda: False, report: Progress = lambda _d, _t: None
) -> int | None:
    """Read records until none is left or ``stop`` says so, which is asked at each part of a text. ``report`` is told how
    many of all records are read. Returns how many are left; None when another process is at it."""
    left = _waiting(database, tagger)
    with transaction(database, readonly=True) as session:
        unanswered = asked(session)
    if not left and not unanswered:
        return 0
    with outbox.lease(database, NAME, holder(), LEASE) as held:
        if not held:
            return None
        with reported(database, NAME, report) as progress:
            return _read_all(database, tagger, _Watch(stop, held), progress)


class _Watch:
    """Looks at each part of a text whether to go on, and keeps the lease."""

    def __init__(self, stop: Stop, lease: Lease) -> None:
        self._stop, self._lease = stop, lease
        self._renewed = time.monotonic()

    def __call__(self, _done: int = 0, _total: int = 0) -> None:
        """Raises _Stopped."""
        if self._stop():
            raise _Stopped
        if time.monotonic() - self._renewed > RENEW:
            self._renewed = time.monotonic()
            if not self._lease.renew():
                raise _Stopped


def _read_all(database: Engine, tagger: Tagger, watch: _Watch, progress: Progress) -> int:
    waiting = _waiting(database, tagger)
    with transaction(database, readonly=True) as session:
        total = max(_all(session), len(waiting))
    done = total - len(waiting)
    progress(done, total)
    for record_id in waiting:
        try:
            watch()
            _read(database, tagger, record_id, watch)
        except (_Stopped, ReadOnly):
            break
        done += 1
        progress(done, total)
    return total - done


def _read(database: Engine, tagger: Tagger, record_id: str, watch: _Watch) -> None:
    """One record. One that cannot be read holds nobody up, and rests."""
    try:
        suggest_record(database, tagger, record_id, watch)
    except (_Stopped, ReadOnly, SQLAlchemyError):
        raise
    except NotFound:
        return
    except Exception:
        log.exception("the record '%s' could not be read for tagging; it is tried again later", record_id)
        _resting[record_id] = time.monotonic() + REST


def _waiting(database: Engine, tagger: Tagger) -> list[str]:
    now = time.monotonic()
    with transaction(database, readonly=True) as session:
        ids = cases.unread(session, in_use(session, tagger.version).model, ALL)
    return [record_id for record_id in ids if _resting.get(record_id, now) <= now]


def _all(session: Session) -> int:
    """How many records are to be read, those that are read among them."""
    query = select(func.count()).where(RecordRow.status == "published", RecordRow.type.in_(cases.TAGGED))
    return session.scalar(query) or 0
