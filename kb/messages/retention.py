"""How long conversations are kept: without a message for ``Site.keep_messages`` months they are deleted, both sides told a
month before."""

import datetime
from typing import Final

from babel.dates import format_date
from sqlalchemy import Engine, delete, select
from sqlalchemy.orm import Session

from kb.accounts import service as accounts
from kb.db import transaction, utcnow
from kb.mail import service as mail
from kb.messages import notices, receivers, service
from kb.messages.notices import Here
from kb.messages.tables import GuestLinkRow, GuestRow, ThreadRow
from kb.settings import Settings
from kb.site import service as sites
from schemas.language import Language

_MONTH: Final = datetime.timedelta(days=30.4375)
#: How long before it is deleted both sides are told.
NOTICE: Final = datetime.timedelta(days=30)
#: Conversations in one transaction.
_BATCH: Final = 100


def tidy(database: Engine, settings: Settings) -> None:
    """Tell of what will go, and delete what both sides were told of. Links that are over go too."""
    here = Here(settings.resolved_public_url, settings.site_name)
    while _tell_batch(database, here):
        pass
    with transaction(database) as session:
        told = ThreadRow.told_at < utcnow() - NOTICE
        session.execute(delete(ThreadRow).where(told, ThreadRow.last_at < utcnow() - _kept(session)))
        session.execute(delete(GuestLinkRow).where(GuestLinkRow.expires_at < utcnow()))


def _kept(session: Session) -> datetime.timedelta:
    return sites.read(session).keep_messages * _MONTH


def _tell_batch(database: Engine, here: Here) -> int:
    with transaction(database) as session:
        quiet = ThreadRow.last_at < utcnow() - _kept(session) + NOTICE
        query = select(ThreadRow).where(quiet, ThreadRow.told_at.is_(None)).limit(_BATCH)
        threads = session.scalars(query).all()
        for thread in threads:
            thread.told_at = utcnow()
            _tell(session, here, thread)
        return len(threads)


def _tell(session: Session, here: Here, thread: ThreadRow) -> None:
    """Whatever they have set: what is deleted cannot be brought back."""
    key = f"message-end:{thread.id}:{thread.last_at:%Y%m%d}"
    for member in service.members(session, thread):
        person = accounts.by_id(session, member.account_id)
        if person.state == "active":
            link = f"{here.address}/{person.language}/messages/{thread.id}"
            mail.queue(
                session, f"{key}:{person.id}", person.email, person.language, "message_end",
                subject=thread.subject, day=_day(person.language), link=link, site=here.name,
            )  # fmt: skip
    guest = session.get(GuestRow, thread.id)
    if guest and not receivers.refuses(session, guest.email):
        link = notices.guest_link(session, here, thread.id, guest.language)
        mail.queue(
            session, f"{key}:guest", guest.email, guest.language, "message_end",
            subject=thread.subject, day=_day(guest.language), link=link, site=here.name,
        )  # fmt: skip


def _day(language: Language) -> str:
    """The day on which it goes, in words."""
    return format_date(utcnow() + NOTICE, "long", locale="en_GB" if language == "en" else language)
