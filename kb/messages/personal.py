"""What messages hold about a person, beyond what ``kb/privacy/registry.py`` can say: for their export, and for their erasure.

Erasure takes the text of what they wrote, the subjects that they gave, their inbox, their blocks and settings; the other side
keeps the conversation with its own words in it. A letter is its writer's, and the answer its own writer's.
"""

from typing import Any

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from kb.accounts.service import normal
from kb.messages.tables import (
    ERASED,
    GUEST,
    BlockRow,
    CorrespondentRow,
    DeliveryRow,
    GuestLinkRow,
    GuestRow,
    MemberRow,
    MessageRow,
    ReportRow,
    ThreadRow,
)


def conversations(session: Session, account_id: str) -> list[dict[str, Any]]:
    """Those that somebody takes part in, as plain values."""
    query = select(ThreadRow, MemberRow).join(MemberRow, MemberRow.thread_id == ThreadRow.id)
    rows = session.execute(query.where(MemberRow.account_id == account_id).order_by(ThreadRow.started_at)).all()
    return [
        {
            "thread_id": thread.id,
            "subject": thread.subject,
            "record_id": thread.record_id,
            "side": member.side,
            "archived": member.archived,
        }
        for thread, member in rows
    ]


def received(session: Session, account_id: str) -> list[dict[str, Any]]:
    """What others wrote to somebody, as plain values, without who."""
    query = select(MessageRow, DeliveryRow).join(DeliveryRow, DeliveryRow.message_id == MessageRow.id)
    rows = session.execute(query.where(DeliveryRow.account_id == account_id).order_by(MessageRow.id)).all()
    return [
        {
            "thread_id": message.thread_id,
            "text": message.text,
            "sent_at": message.sent_at.isoformat(),
            "read": delivery.read,
        }
        for message, delivery in rows
    ]


def erase(session: Session, account_id: str, email: str) -> None:
    """Take what is theirs out, also what they wrote as a record's contact with this address. To be called before the account
    goes; conversations that nobody else is in go whole."""
    asked = select(MemberRow.thread_id).where(MemberRow.account_id == account_id, MemberRow.side == "asker")
    session.execute(update(ThreadRow).where(ThreadRow.id.in_(asked)).values(subject=""))
    session.execute(update(MessageRow).where(MessageRow.author_id == account_id).values(text="", author_id=ERASED))
    session.execute(update(ReportRow).where(ReportRow.reporter_id == account_id).values(note="", reporter_id=ERASED))
    session.execute(update(ReportRow).where(ReportRow.reader_id == account_id).values(reader_id=""))
    for table, column in ((DeliveryRow, DeliveryRow.account_id), (MemberRow, MemberRow.account_id)):
        session.execute(delete(table).where(column == account_id))
    session.execute(delete(BlockRow).where(or_(BlockRow.account_id == account_id, BlockRow.blocked_id == account_id)))
    session.execute(delete(CorrespondentRow).where(CorrespondentRow.account_id == account_id))
    erase_address(session, email)


def erase_address(session: Session, email: str) -> None:
    """The same for a contact without an account, known by their address. A refusal stays: it holds no address."""
    theirs = select(GuestRow.thread_id).where(GuestRow.email == normal(email))
    ids = list(session.scalars(theirs))
    written = (MessageRow.thread_id.in_(ids)) & (MessageRow.author_id == GUEST)
    session.execute(update(MessageRow).where(written).values(text="", author_id=ERASED))
    for table, column in ((GuestLinkRow, GuestLinkRow.thread_id), (GuestRow, GuestRow.thread_id)):
        session.execute(delete(table).where(column.in_(ids)))
    _forget_empty(session)


def _forget_empty(session: Session) -> None:
    """Conversations without a side that could read them."""
    kept = select(MemberRow.thread_id).union(select(GuestRow.thread_id))
    session.execute(delete(ThreadRow).where(ThreadRow.id.not_in(kept)))
