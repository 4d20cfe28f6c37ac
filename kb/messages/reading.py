"""What somebody finds in their messages: the conversations, one of them, what is unread. Nobody but its sides reads one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.orm import Session

from kb.accounts import service as accounts
from kb.errors import NotFound
from kb.messages.tables import ERASED, GUEST, DeliveryRow, GuestRow, MemberRow, MessageRow, ThreadRow
from schemas.accounts import Account
from schemas.correspondence import Side
from schemas.messages import N_


class Who(NamedTuple):
    """Somebody as the other side sees them. ``contact`` may have no name; ``owners`` are those whose record it is, before
    one of them answered."""

    kind: Literal["person", "erased", "contact", "owners", "team"]
    name: str = ""


@dataclass(frozen=True)
class Line:
    """A conversation in the list."""

    thread: ThreadRow
    other: Who
    unread: int


@dataclass(frozen=True)
class Shown:
    """One message. ``text`` is empty when its author was erased."""

    id: int
    who: Who
    mine: bool
    text: str
    row: MessageRow
    unread: bool = False


def mine(session: Session, account: Account, thread_id: str) -> tuple[ThreadRow, MemberRow]:
    """A conversation that they take part in. Raises NotFound also for one that is others'."""
    query = select(ThreadRow, MemberRow).join(MemberRow, MemberRow.thread_id == ThreadRow.id)
    found = session.execute(query.where(ThreadRow.id == thread_id, *_open_to(account))).one_or_none()
    if found is None:
        raise NotFound(N_("This conversation is not here, or it is not yours."))
    return found[0], found[1]


def _open_to(account: Account) -> list[ColumnElement[bool]]:
    """Whoever took part for the editorial team reads on only while in it."""
    own: list[ColumnElement[bool]] = [MemberRow.account_id == account.id]
    if not account.may("review"):
        own.append(or_(ThreadRow.reach != "team", MemberRow.side == "asker"))
    return own


def lines(session: Session, account: Account, *, archived: bool, offset: int, limit: int) -> tuple[list[Line], int]:
    """(their conversations, the last written in first; how many there are), archived ones apart."""
    query = select(ThreadRow, MemberRow).join(MemberRow, MemberRow.thread_id == ThreadRow.id)
    query = query.where(MemberRow.archived == archived, *_open_to(account))
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    rows = session.execute(query.order_by(ThreadRow.last_at.desc(), ThreadRow.id).offset(offset).limit(limit)).all()
    ids = [thread.id for thread, _ in rows]
    fresh, askers, guests = _unread_of(session, account.id, ids), _askers(session, ids), _guests(session, ids)
    return [
        Line(thread, _other(thread, member.side, askers, guests), fresh.get(thread.id, 0)) for thread, member in rows
    ], total


def _unread_of(session: Session, account_id: str, thread_ids: Sequence[str]) -> dict[str, int]:
    query = select(MessageRow.thread_id, func.count()).join(DeliveryRow, DeliveryRow.message_id == MessageRow.id)
    mine = query.where(DeliveryRow.account_id == account_id, ~DeliveryRow.read, MessageRow.thread_id.in_(thread_ids))
    return {row[0]: row[1] for row in session.execute(mine.group_by(MessageRow.thread_id))}


def _askers(session: Session, thread_ids: Sequence[str]) -> dict[str, str]:
    """The names of those who asked, by conversation; who was erased is left out."""
    query = select(MemberRow.thread_id, MemberRow.account_id)
    rows = session.execute(query.where(MemberRow.thread_id.in_(thread_ids), MemberRow.side == "asker")).all()
    names = accounts.names(session, [account_id for _, account_id in rows])
    return {thread_id: names[account_id] for thread_id, account_id in rows if account_id in names}


def _guests(session: Session, thread_ids: Sequence[str]) -> dict[str, str]:
    query = select(GuestRow.thread_id, GuestRow.name).where(GuestRow.thread_id.in_(thread_ids))
    return {row.thread_id: row.name for row in session.execute(query)}


def _other(thread: ThreadRow, side: Side, askers: dict[str, str], guests: dict[str, str]) -> Who:
    if side == "receiver":
        return Who("person", askers[thread.id]) if thread.id in askers else Who("erased")
    return {"team": Who("team"), "people": Who("owners"), "contact": Who("contact", guests.get(thread.id, ""))}[
        thread.reach
    ]


def messages(session: Session, account: Account, thread: ThreadRow, side: Side) -> list[Shown]:
    """What of a conversation is theirs to read: what they wrote and what is in their inbox, the oldest first."""
    inbox = (DeliveryRow.message_id == MessageRow.id) & (DeliveryRow.account_id == account.id)
    query = select(MessageRow, DeliveryRow.read).outerjoin(DeliveryRow, inbox)
    own = or_(MessageRow.author_id == account.id, DeliveryRow.message_id.is_not(None))
    rows = session.execute(query.where(MessageRow.thread_id == thread.id, own).order_by(MessageRow.id)).all()
    names = _names(session, thread, [row for row, _ in rows])
    team = thread.reach == "team" and side == "asker"
    return [
        Shown(
            row.id,
            Who("team") if team and row.side == "receiver" else names[row.author_id],
            row.author_id == account.id,
            row.text,
            row,
            read is False,
        )
        for row, read in rows
    ]


def messages_for_guest(session: Session, thread: ThreadRow) -> list[Shown]:
    """What the contact reads by their link: all of it."""
    rows = session.scalars(select(MessageRow).where(MessageRow.thread_id == thread.id).order_by(MessageRow.id)).all()
    names = _names(session, thread, rows)
    return [Shown(row.id, names[row.author_id], row.author_id == GUEST, row.text, row) for row in rows]


def _names(session: Session, thread: ThreadRow, rows: Sequence[MessageRow]) -> dict[str, Who]:
    """The authors, by id."""
    ids = {row.author_id for row in rows}
    known = accounts.names(session, ids - {GUEST, ERASED})
    found = {each: Who("person", known[each]) if each in known else Who("erased") for each in ids}
    if GUEST in ids:
        found[GUEST] = Who("contact", _guests(session, [thread.id]).get(thread.id, ""))
    return found


def unread(session: Session, account: Account) -> int:
    """In how many conversations something is unread."""
    query = select(func.count(MessageRow.thread_id.distinct())).join(
        DeliveryRow, DeliveryRow.message_id == MessageRow.id
    )
    query = query.join(ThreadRow, ThreadRow.id == MessageRow.thread_id)
    member = (MemberRow.thread_id == ThreadRow.id) & (MemberRow.account_id == DeliveryRow.account_id)
    return session.scalar(query.join(MemberRow, member).where(~DeliveryRow.read, *_open_to(account))) or 0


def mark_read(session: Session, account: Account, thread_id: str) -> None:
    """Everything in it is read. Raises NotFound."""
    mine(session, account, thread_id)
    within = select(MessageRow.id).where(MessageRow.thread_id == thread_id)
    read = update(DeliveryRow).where(DeliveryRow.account_id == account.id, DeliveryRow.message_id.in_(within))
    session.execute(read.values(read=True))


def archive(session: Session, account: Account, thread_id: str, *, archived: bool) -> None:
    """Put it away, or back, for oneself alone. Raises NotFound."""
    _, member = mine(session, account, thread_id)
    member.archived = archived
