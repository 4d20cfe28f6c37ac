"""How long things are kept. One table: the rounds go by it, and the privacy page shows it."""

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Engine, delete, select
from sqlalchemy.orm import Session

from kb.accounts.tables import AccountRow, ApiTokenRow, CodeRow
from kb.audit.tables import AuditRow
from kb.db import transaction, utcnow
from kb.editorial.tables import DraftRow
from kb.mail.tables import MailRow
from kb.privacy import erasing
from kb.settings import Settings
from schemas.editorial import CLOSED
from schemas.messages import N_

Moment = datetime.datetime


@dataclass(frozen=True)
class Period:
    """What is kept how long. ``end`` removes what is older than a moment."""

    what: str
    days: int
    end: Callable[[Session, Moment], None]


def _unconfirmed(session: Session, before: Moment) -> None:
    query = select(AccountRow.id).where(AccountRow.state == "unconfirmed", AccountRow.created_at < before)
    for account_id in session.scalars(query).all():
        erasing.erase(session, "", account_id)


def _codes(session: Session, before: Moment) -> None:
    session.execute(delete(CodeRow).where(CodeRow.expires_at < before))


def _tokens(session: Session, before: Moment) -> None:
    session.execute(delete(ApiTokenRow).where(ApiTokenRow.expires_at < before))


def _mails(session: Session, before: Moment) -> None:
    session.execute(delete(MailRow).where(MailRow.due_at.is_(None), MailRow.created_at < before))


def _drafts(session: Session, before: Moment) -> None:
    session.execute(delete(DraftRow).where(DraftRow.stage.in_(CLOSED), DraftRow.updated_at < before))


def _audit(session: Session, before: Moment) -> None:
    session.execute(delete(AuditRow).where(AuditRow.at < before))


#: Sessions end by themselves, sooner; see ``kb.accounts.sessions``.
PERIODS: Final = (
    Period(N_("Accounts whose address was never confirmed"), 14, _unconfirmed),
    Period(N_("Links that were mailed and have expired"), 1, _codes),
    Period(N_("API tokens that have expired"), 30, _tokens),
    Period(N_("Notes that a mail was sent, without its text and address"), 90, _mails),
    Period(N_("Drafts that were published or declined"), 730, _drafts),
    Period(N_("The audit log"), 1095, _audit),
)


def enforce(database: Engine, _settings: Settings) -> None:
    """Remove what was kept long enough, and forget those who asked for it a week ago."""
    erasing.erase_due(database)
    for period in PERIODS:
        with transaction(database) as session:
            period.end(session, utcnow() - datetime.timedelta(days=period.days))
