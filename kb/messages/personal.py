"""What messages hold about a person, for who asks for their data or wants it erased.

Erasure takes the text of what they wrote, the subjects that they gave, their inbox, their blocks and settings; the other side
keeps the conversation with its own words in it. A letter is its writer's, and the answer its own writer's.
"""

from typing import Any, Final

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

#: The columns that are about a person.
COLUMNS: Final = {
    "message_threads": ("subject",),
    "message_members": ("account_id", "side", "archived"),
    "messages": ("author_id", "text"),
    "message_deliveries": ("account_id", "read"),
    "message_guests": ("email", "name", "language"),
    "message_blocks": ("account_id", "blocked_id"),
    "message_reports": ("reporter_id", "reason", "note"),
    "message_settings": ("account_id", "by_mail", "may_write"),
}


def export(session: Session, account_id: str) -> dict[str, Any]:
    """Everything about somebody, as plain values: what they wrote and received, whom they blocked, what they reported and
    set. Whoever blocked or reported them is not in it."""
    settings = session.get(CorrespondentRow, account_id)
    blocks = select(BlockRow.blocked_id, BlockRow.at).where(BlockRow.account_id == account_id)
    reports = select(ReportRow).where(ReportRow.reporter_id == account_id).order_by(ReportRow.at)
    return {
        "conversations": _conversations(session, account_id),
        "blocked": [{"account": who, "at": at.isoformat()} for who, at in session.execute(blocks)],
        "reports": [
            {"reason": row.reason, "note": row.note, "at": row.at.isoformat(), "outcome": row.outcome}
            for row in session.scalars(reports)
        ],
        "by_mail": settings is None or settings.by_mail,
        "may_write": settings is None or settings.may_write,
    }


def _conversations(session: Session, account_id: str) -> list[dict[str, Any]]:
    query = select(ThreadRow, MemberRow).join(MemberRow, MemberRow.thread_id == ThreadRow.id)
    rows = session.execute(query.where(MemberRow.account_id == account_id).order_by(ThreadRow.started_at)).all()
    return [
        {
            "subject": thread.subject,
            "record": thread.record_id,
            "side": member.side,
            "archived": member.archived,
            "messages": _messages(session, account_id, thread.id),
        }
        for thread, member in rows
    ]


def _messages(session: Session, account_id: str, thread_id: str) -> list[dict[str, Any]]:
    inbox = (DeliveryRow.message_id == MessageRow.id) & (DeliveryRow.account_id == account_id)
    query = select(MessageRow).outerjoin(DeliveryRow, inbox).where(MessageRow.thread_id == thread_id)
    theirs = query.where(or_(MessageRow.author_id == account_id, DeliveryRow.message_id.is_not(None)))
    return [
        {"mine": row.author_id == account_id, "at": row.sent_at.isoformat(), "text": row.text}
        for row in session.scalars(theirs.order_by(MessageRow.id))
    ]


def erase(session: Session, account_id: str) -> None:
    """Take what is theirs out. To be called before the account goes; conversations that nobody else is in go whole."""
    asked = select(MemberRow.thread_id).where(MemberRow.account_id == account_id, MemberRow.side == "asker")
    session.execute(update(ThreadRow).where(ThreadRow.id.in_(asked)).values(subject=""))
    session.execute(update(MessageRow).where(MessageRow.author_id == account_id).values(text="", author_id=ERASED))
    session.execute(update(ReportRow).where(ReportRow.reporter_id == account_id).values(note="", reporter_id=ERASED))
    session.execute(update(ReportRow).where(ReportRow.reader_id == account_id).values(reader_id=""))
    for table, column in ((DeliveryRow, DeliveryRow.account_id), (MemberRow, MemberRow.account_id)):
        session.execute(delete(table).where(column == account_id))
    session.execute(delete(BlockRow).where(or_(BlockRow.account_id == account_id, BlockRow.blocked_id == account_id)))
    session.execute(delete(CorrespondentRow).where(CorrespondentRow.account_id == account_id))
    _forget_empty(session)


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
