"""Write to somebody: begin a conversation about a record, answer in one. Reading is in ``reading.py``."""

import datetime
from collections.abc import Iterable
from typing import Final

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from kb.accounts import service as accounts
from kb.accounts.secrets import new_id, token_hash
from kb.db import utcnow
from kb.errors import Forbidden, Invalid, NotFound
from kb.limits import service as limits
from kb.messages import notices, reading, receivers
from kb.messages.notices import Here
from kb.messages.receivers import Receiver
from kb.messages.tables import (
    GUEST,
    BlockRow,
    CorrespondentRow,
    DeliveryRow,
    GuestLinkRow,
    GuestRow,
    MemberRow,
    MessageRow,
    ThreadRow,
)
from kb.records import service as records
from schemas.accounts import Account
from schemas.correspondence import NewMessage, Side
from schemas.messages import N_

#: An account is new for so long: whoever wants to pester many people at once has one.
NEW_FOR: Final = datetime.timedelta(days=7)
#: A form that is sent twice within this time is one message.
_TWICE: Final = datetime.timedelta(minutes=10)


def start(session: Session, here: Here, account: Account, record_id: str, words: NewMessage) -> ThreadRow:
    """Write about a published record to whom it reaches. The same form again changes nothing.

    Raises NotFound, Forbidden for who may not write, Invalid for one's own record, TooMany."""
    record = records.get_public(session, record_id).record
    _check_rights(session, account.id)
    # Counting holds up whatever else this person sends at the same moment, so that it sees what was sent by then.
    _count(session, "message", account.id)
    same = (ThreadRow.record_id == record_id) & (ThreadRow.subject == words.subject)
    if sent := _sent_just_now(session, account.id, words.text, same):
        return session.get_one(ThreadRow, sent.thread_id)
    receiver = receivers.of(session, record)
    people = receivers.team(session) if receiver.reach == "team" else receiver.people
    others = {person.id for person in people} - {account.id}
    if receiver.reach != "contact" and not others:
        raise Invalid(N_("There is nobody but you to write to about this."))
    _count(session, "conversation", account.id)
    if receiver.reach == "contact":
        limits.check(session, "conversation.contact", receiver.email)
    thread = _open(session, account.id, record_id, words.subject, receiver, others)
    _send(session, here, thread, "asker", account.id, words.text)
    return thread


def _open(
    session: Session, account_id: str, record_id: str, subject: str, receiver: Receiver, others: set[str]
) -> ThreadRow:
    now = utcnow()
    thread = ThreadRow(
        id=new_id(), subject=subject, record_id=record_id, reach=receiver.reach, started_at=now, last_at=now
    )
    session.add(thread)
    session.flush()
    session.add(MemberRow(thread_id=thread.id, account_id=account_id, side="asker"))
    session.add_all(_receivers(thread.id, others - _who_block(session, account_id)))
    if receiver.reach == "contact":
        session.add(GuestRow(thread_id=thread.id, email=receiver.email, name=receiver.name, language=receiver.language))
    session.flush()
    return thread


def answer(session: Session, here: Here, account: Account, thread_id: str, text: str) -> None:
    """Write once more in a conversation. Raises NotFound for who takes no part in it; Forbidden, Invalid, TooMany."""
    thread, member = reading.mine(session, account, thread_id)
    _check_rights(session, account.id)
    _count(session, "message", account.id)
    if _sent_just_now(session, account.id, text, ThreadRow.id == thread_id):
        return
    if thread.reach == "team" and member.side == "asker":
        _take_in_new_editors(session, thread, account.id)
    if not _has_readers(session, thread, account.id):
        raise Invalid(N_("Nobody on the other side can read this any more. Write to the editorial team instead."))
    _send(session, here, thread, member.side, account.id, text)
    reading.mark_read(session, account, thread_id)


def answer_as_guest(session: Session, here: Here, token: str, text: str) -> None:
    """A contact without an account answers by the link in a mail. Raises NotFound for a link that is over; TooMany."""
    thread, _guest = by_link(session, token)
    limits.check(session, "message.guest", thread.id)
    if _sent_just_now(session, GUEST, text, ThreadRow.id == thread.id):
        return
    if not _has_readers(session, thread, GUEST):
        raise Invalid(N_("Nobody on the other side can read this any more."))
    _send(session, here, thread, "receiver", GUEST, text)


def by_link(session: Session, token: str) -> tuple[ThreadRow, GuestRow]:
    """The conversation that a mailed link opens. Raises NotFound when it is over or never was."""
    link = session.get(GuestLinkRow, token_hash(token))
    guest = session.get(GuestRow, link.thread_id) if link and link.expires_at > utcnow() else None
    if guest is None:
        raise NotFound(
            N_("This link is no longer good. Look for a newer mail about the conversation: it has a link of its own.")
        )
    return session.get_one(ThreadRow, guest.thread_id), guest


# Sending


def _send(session: Session, here: Here, thread: ThreadRow, side: Side, author_id: str, text: str) -> None:
    now = utcnow()
    message = MessageRow(thread_id=thread.id, side=side, author_id=author_id, text=text, sent_at=now)
    session.add(message)
    thread.last_at, thread.told_at = now, None
    session.flush()
    sender = _name(session, thread, side, author_id)
    for member in _inboxes(session, thread, author_id):
        member.archived = False
        session.add(DeliveryRow(message_id=message.id, account_id=member.account_id))
        shown = "" if thread.reach == "team" and side == "receiver" and member.side == "asker" else sender
        notices.tell(session, here, thread, message, member.account_id, shown)
    guest = session.get(GuestRow, thread.id)
    if guest and author_id != GUEST and not receivers.refuses(session, guest.email):
        notices.tell_guest(session, here, thread, message, guest, sender)
    session.flush()


def _name(session: Session, thread: ThreadRow, side: Side, author_id: str) -> str:
    if author_id == GUEST:
        return session.get_one(GuestRow, thread.id).name
    return accounts.by_id(session, author_id).name


def members(session: Session, thread: ThreadRow) -> list[MemberRow]:
    """Who takes part, without those who have left the editorial team since."""
    found = list(session.scalars(select(MemberRow).where(MemberRow.thread_id == thread.id)))
    if thread.reach != "team":
        return found
    editors = {editor.id for editor in receivers.team(session)}
    return [member for member in found if member.side == "asker" or member.account_id in editors]


def _inboxes(session: Session, thread: ThreadRow, author_id: str) -> list[MemberRow]:
    """The members who get what this person writes: not those who blocked them."""
    without = {author_id, *_who_block(session, author_id)}
    return [member for member in members(session, thread) if member.account_id not in without]


def _who_block(session: Session, account_id: str) -> set[str]:
    return set(session.scalars(select(BlockRow.account_id).where(BlockRow.blocked_id == account_id)))


def _receivers(thread_id: str, account_ids: Iterable[str]) -> list[MemberRow]:
    return [MemberRow(thread_id=thread_id, account_id=each, side="receiver") for each in sorted(account_ids)]


def _take_in_new_editors(session: Session, thread: ThreadRow, asker_id: str) -> None:
    """Whoever became an editor since gets the whole conversation, so that no question to the team is left with nobody."""
    there = set(session.scalars(select(MemberRow.account_id).where(MemberRow.thread_id == thread.id)))
    new = {editor.id for editor in receivers.team(session)} - there - _who_block(session, asker_id)
    session.add_all(_receivers(thread.id, new))
    earlier = session.scalars(select(MessageRow.id).where(MessageRow.thread_id == thread.id)).all()
    session.add_all(
        DeliveryRow(message_id=each, account_id=account_id) for account_id in sorted(new) for each in earlier
    )
    session.flush()


def _has_readers(session: Session, thread: ThreadRow, author_id: str) -> bool:
    """Whether anybody else is there. Who was blocked by anybody is never told that nobody is."""
    if _who_block(session, author_id):
        return True
    others = [member.account_id for member in members(session, thread) if member.account_id != author_id]
    if any(accounts.by_id(session, each).state == "active" for each in others):
        return True
    guest = session.get(GuestRow, thread.id)
    return guest is not None and author_id != GUEST and not receivers.refuses(session, guest.email)


# Who may, and how often


def _check_rights(session: Session, account_id: str) -> None:
    row = session.get(CorrespondentRow, account_id)
    if row and not row.may_write:
        raise Forbidden(N_("The editorial team has suspended your right to write messages."))


def _count(session: Session, what: str, account_id: str) -> None:
    """One more ``message`` or ``conversation`` of somebody. Raises TooMany; new accounts reach that sooner."""
    limits.check(session, f"{what}.new" if _is_new(session, account_id) else what, account_id)


def _is_new(session: Session, account_id: str) -> bool:
    return accounts.by_id(session, account_id).created_at > utcnow() - NEW_FOR


def _sent_just_now(session: Session, author_id: str, text: str, where: ColumnElement[bool]) -> MessageRow | None:
    query = select(MessageRow).join(ThreadRow, ThreadRow.id == MessageRow.thread_id)
    recent = (MessageRow.author_id == author_id) & (MessageRow.sent_at > utcnow() - _TWICE)
    return session.scalars(query.where(where, recent, MessageRow.text == text).limit(1)).first()
