"""What somebody decides for themselves: whom they do not want to hear from, and whether mail tells them."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from kb.accounts import service as accounts
from kb.accounts.tables import AccountRow
from kb.audit import service as audit
from kb.db import utcnow
from kb.errors import Invalid, NotFound
from kb.messages import reading, receivers, service
from kb.messages.tables import BlockRow, CorrespondentRow, MessageRow
from schemas.accounts import Account
from schemas.messages import N_


@dataclass(frozen=True)
class Wishes:
    """``blocked``: (account's id, name)."""

    by_mail: bool
    may_write: bool
    blocked: list[tuple[str, str]]


def wishes(session: Session, account_id: str) -> Wishes:
    """What they have set."""
    row = session.get(CorrespondentRow, account_id)
    ids = list(session.scalars(select(BlockRow.blocked_id).where(BlockRow.account_id == account_id)))
    names = accounts.names(session, ids)
    blocked = sorted(names.items(), key=lambda pair: pair[1].casefold())
    return Wishes(row is None or row.by_mail, row is None or row.may_write, blocked)


def correspondent(session: Session, account_id: str) -> CorrespondentRow:
    """Their row, made where there is none."""
    row = session.get(CorrespondentRow, account_id)
    if row is None:
        row = CorrespondentRow(account_id=account_id, by_mail=True, may_write=True)
        session.add(row)
    return row


def set_by_mail(session: Session, account_id: str, by_mail: bool) -> None:
    """Whether a message to them is mailed as well."""
    correspondent(session, account_id).by_mail = by_mail


def block(session: Session, account: Account, thread_id: str, message_id: int) -> None:
    """Hear no more from who wrote this message, in any conversation. They are not told.

    Raises NotFound for a message that they cannot read; Invalid for one by themselves or by nobody with an account."""
    author = authored(session, account, thread_id, message_id).author_id
    if author not in accounts.names(session, [author]) or author == account.id:
        raise Invalid(N_("Only other people with an account can be blocked."))
    if session.get(BlockRow, (account.id, author)) is None:
        session.add(BlockRow(account_id=account.id, blocked_id=author, at=utcnow()))
        audit.note(session, account.id, "message.block", author)


def unblock(session: Session, account: Account, blocked_id: str) -> None:
    """Hear from them again; what they wrote meanwhile stays unheard. Somebody who is not blocked is fine."""
    row = session.get(BlockRow, (account.id, blocked_id)) if blocked_id.isalnum() else None
    if row is not None:
        session.delete(row)
        audit.note(session, account.id, "message.unblock", blocked_id)


def authored(session: Session, account: Account, thread_id: str, message_id: int) -> MessageRow:
    """A message that they can read. Raises NotFound."""
    thread, member = reading.mine(session, account, thread_id)
    shown = reading.messages(session, account, thread, member.side)
    if found := next((each.row for each in shown if each.id == message_id), None):
        return found
    raise NotFound(N_("This message is not here, or it is not for you."))


def refuse_as_guest(session: Session, token: str) -> None:
    """The contact behind a mailed link wants no messages through this site, from nobody. Raises NotFound."""
    thread, guest = service.by_link(session, token)
    receivers.refuse(session, guest.email)
    audit.note(session, "", "message.refuse", thread.id)


def suspended(session: Session) -> list[AccountRow]:
    """Accounts that may not write, by name."""
    ids = session.scalars(select(CorrespondentRow.account_id).where(~CorrespondentRow.may_write))
    return sorted((accounts.by_id(session, each) for each in ids), key=lambda row: row.name.casefold())
