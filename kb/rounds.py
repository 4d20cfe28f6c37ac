"""What is done again and again: send mail, end old sessions. One list; whoever works in the background walks it."""

import datetime
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Engine, String, update
from sqlalchemy.orm import Mapped, mapped_column

from kb.accounts import sessions
from kb.db import Base, is_read_only, transaction, utcnow
from kb.editorial.authors import forget_old_invitations
from kb.editorial.publishing import publish_due
from kb.editorial.reviews import remind
from kb.limits import service as limits
from kb.links import service as outside
from kb.mail import service as mail
from kb.messages import retention as messages
from kb.privacy import retention, sweeping
from kb.profiles import upkeep
from kb.settings import Settings
from kb.tagging import bulk_run
from kb.tagging import queue as tags
from kb.uploads.service import forget_unused

log = logging.getLogger(__name__)


class RoundRow(Base):
    """When a round was last begun, by whichever process."""

    __tablename__ = "rounds"

    name: Mapped[str] = mapped_column(String(50), primary_key=True)
    begun_at: Mapped[datetime.datetime]


@dataclass(frozen=True)
class Round:
    """Something to do every so often. Done twice at once, or late, it must do no harm; ``every`` zero is at each look, for
    what finds out cheaply that there is nothing to do."""

    name: str
    every: datetime.timedelta
    do: Callable[[Engine, Settings], object]


def _forget_ended(database: Engine, _settings: Settings) -> None:
    """Sessions and counters; what else is kept for a time is in ``kb/privacy/retention.py``."""
    for forget in (sessions.forget_ended, limits.forget_ended):
        with transaction(database) as session:
            forget(session)


def _end_invitations(database: Engine, _settings: Settings) -> None:
    with transaction(database) as session:
        forget_old_invitations(session)


ROUNDS: Final = (
    Round("mail", datetime.timedelta(0), mail.deliver),
    Round("sessions", datetime.timedelta(hours=1), _forget_ended),
    Round("messages", datetime.timedelta(days=1), messages.tidy),
    Round("publish", datetime.timedelta(0), publish_due),
    Round("tags.bulk", datetime.timedelta(0), bulk_run.proceed),
    Round("reviews", datetime.timedelta(hours=6), remind),
    Round("profiles", datetime.timedelta(hours=1), upkeep.walk),
    Round("retention", datetime.timedelta(hours=1), retention.enforce),
    Round("sweep", datetime.timedelta(0), sweeping.sweep),
    Round("links.find", datetime.timedelta(hours=1), outside.find),
    Round("links.check", datetime.timedelta(minutes=1), outside.check),
    Round("invitations", datetime.timedelta(hours=12), _end_invitations),
    Round("tags.new", datetime.timedelta(minutes=1), tags.enter_new),
    Round("uploads", datetime.timedelta(hours=12), forget_unused),
)


def walk(database: Engine, settings: Settings) -> None:
    """Do what is due, unless the site is read-only. One that fails is noted in the log, and the others are done."""
    if is_read_only(database):
        return
    for each in ROUNDS:
        try:
            if _claim(database, each):
                each.do(database, settings)
        except Exception:
            log.exception("the round '%s' failed; it comes again", each.name)


def _claim(database: Engine, each: Round) -> bool:
    """Whether it is due and this process is the one to do it."""
    if not each.every:
        return True
    now = utcnow()
    with transaction(database, readonly=True) as session:
        row = session.get(RoundRow, each.name)
        if row and row.begun_at > now - each.every:
            return False
    with transaction(database) as session:
        if row is None:
            session.add(RoundRow(name=each.name, begun_at=now))
            return True
        claim = update(RoundRow).where(RoundRow.name == each.name, RoundRow.begun_at == row.begun_at)
        return session.execute(claim.values(begun_at=now)).rowcount == 1  # type: ignore[attr-defined]
