"""What people report, and what moderators do about it. A moderator reads the reported message only, and each look is noted."""

from dataclasses import dataclass

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from kb.accounts import service as accounts
from kb.accounts.secrets import new_id
from kb.audit import service as audit
from kb.db import utcnow
from kb.errors import Conflict, Forbidden, Invalid, NotFound
from kb.mail import service as mail
from kb.messages import people, service
from kb.messages.notices import Here, quoted
from kb.messages.tables import GUEST, GuestLinkRow, GuestRow, MessageRow, ReportRow
from schemas.accounts import Account
from schemas.correspondence import Complaint, Ruling
from schemas.language import Language
from schemas.messages import N_


@dataclass(frozen=True)
class Listed:
    """A report as every moderator sees it, without what was written. ``reader`` is the name of who has opened it."""

    row: ReportRow
    reader: str


@dataclass(frozen=True)
class Opened:
    """A report as the moderator sees it who opened it. Names are empty for people without an account, or erased."""

    row: ReportRow
    message: MessageRow
    author: str
    reporter: str

    @property
    def by_guest(self) -> bool:
        """Whether its author has no account."""
        return self.message.author_id == GUEST


# Who reports


def report(session: Session, account: Account, thread_id: str, words: Complaint) -> None:
    """Report a message. Twice is as once. Raises NotFound for one that they cannot read, Invalid for their own."""
    message = people.authored(session, account, thread_id, words.message)
    if message.author_id == account.id:
        raise Invalid(N_("This message is your own."))
    _add(session, account.id, message.id, words)


def report_as_guest(session: Session, token: str, words: Complaint) -> None:
    """The contact behind a mailed link reports a message. Raises NotFound, Invalid."""
    thread, _ = service.by_link(session, token)
    message = session.get(MessageRow, words.message)
    if message is None or message.thread_id != thread.id:
        raise NotFound(N_("This message is not here, or it is not for you."))
    if message.author_id == GUEST:
        raise Invalid(N_("This message is your own."))
    _add(session, GUEST, message.id, words)


def _add(session: Session, reporter_id: str, message_id: int, words: Complaint) -> None:
    same = select(ReportRow).where(ReportRow.message_id == message_id, ReportRow.reporter_id == reporter_id)
    if session.scalars(same).first() is not None:
        return
    row = ReportRow(
        id=new_id(), message_id=message_id, reporter_id=reporter_id, reason=words.reason, note=words.note, at=utcnow()
    )
    session.add(row)
    audit.note(session, reporter_id, "message.report", row.id)


# Who moderates


def listed(session: Session, *, closed: bool, limit: int = 200) -> list[Listed]:
    """The reports that are open, the oldest first; or those that are closed, the last closed first."""
    query = select(ReportRow).where((ReportRow.outcome != "") == closed)
    order = ReportRow.closed_at.desc() if closed else ReportRow.at
    rows = list(session.scalars(query.order_by(order, ReportRow.id).limit(limit)))
    names = accounts.names(session, [row.reader_id for row in rows])
    return [Listed(row, names.get(row.reader_id, "")) for row in rows]


def waiting(session: Session) -> int:
    """How many are open."""
    return session.scalar(select(func.count()).select_from(ReportRow).where(ReportRow.outcome == "")) or 0


def get(session: Session, report_id: str) -> ReportRow:
    """The report, without what was written. Raises NotFound."""
    if row := session.get(ReportRow, report_id):
        return row
    raise NotFound(N_("This report is not here; the conversation may have been deleted."))


def open_for(session: Session, moderator: Account, report_id: str) -> None:
    """Have this moderator read the message, and note that they do. Whoever has it open loses it.

    Raises Forbidden for the message's author, Conflict when the report is closed."""
    row = _undecided(session, report_id)
    if session.get_one(MessageRow, row.message_id).author_id == moderator.id:
        raise Forbidden(N_("This is about a message of yours; somebody else decides on it."))
    row.reader_id = moderator.id
    audit.note(session, moderator.id, "report.open", row.id, message=row.message_id)


def opened(session: Session, moderator: Account, report_id: str) -> Opened | None:
    """The report with the message, for the moderator who opened it; None for any other, and once it is closed."""
    row = get(session, report_id)
    if row.outcome or row.reader_id != moderator.id:
        return None
    message = session.get_one(MessageRow, row.message_id)
    names = accounts.names(session, [message.author_id, row.reporter_id])
    guest = session.get(GuestRow, message.thread_id)
    guest_name = {GUEST: guest.name if guest else ""}
    return Opened(
        row, message, (names | guest_name).get(message.author_id, ""), (names | guest_name).get(row.reporter_id, "")
    )


def close(session: Session, here: Here, moderator: Account, report_id: str, ruling: Ruling) -> None:
    """Decide: nothing, warn the author, or take their right to write. They are told by mail, in their language; not who
    reported. Raises Conflict when it is closed or not open before this moderator, Invalid for words that are missing."""
    row = _undecided(session, report_id)
    if row.reader_id != moderator.id:
        raise Conflict(N_("Somebody else has opened this report meanwhile. Open it again to decide on it."))
    if ruling.outcome != "nothing" and not ruling.words:
        raise Invalid(N_("Write what the author is told."), field="words")
    message = session.get_one(MessageRow, row.message_id)
    row.outcome, row.closed_at = ruling.outcome, utcnow()
    if ruling.outcome == "suspended":
        _suspend(session, message)
    if ruling.outcome != "nothing":
        _tell_author(session, here, row, message, ruling)
    audit.note(session, moderator.id, "report.close", row.id, outcome=ruling.outcome, message=message.id)


def _undecided(session: Session, report_id: str) -> ReportRow:
    row = get(session, report_id)
    if row.outcome:
        raise Conflict(N_("This report has been closed."))
    return row


def _suspend(session: Session, message: MessageRow) -> None:
    if message.author_id == GUEST:
        session.execute(delete(GuestLinkRow).where(GuestLinkRow.thread_id == message.thread_id))
    elif accounts.names(session, [message.author_id]):
        people.correspondent(session, message.author_id).may_write = False


def _tell_author(session: Session, here: Here, row: ReportRow, message: MessageRow, ruling: Ruling) -> None:
    for address, language in _author_address(session, message):
        mail.queue(
            session, f"report:{row.id}:author", address, language, f"message_{ruling.outcome}",
            text=quoted(message.text), words=ruling.words, site=here.name,
        )  # fmt: skip


def _author_address(session: Session, message: MessageRow) -> list[tuple[str, Language]]:
    if message.author_id == GUEST:
        guest = session.get(GuestRow, message.thread_id)
        return [(guest.email, guest.language)] if guest else []
    if not accounts.names(session, [message.author_id]):
        return []
    author = accounts.by_id(session, message.author_id)
    return [(author.email, author.language)]


def restore(session: Session, moderator: Account, account_id: str) -> None:
    """Give somebody the right to write back. Raises NotFound."""
    accounts.by_id(session, account_id)
    people.correspondent(session, account_id).may_write = True
    audit.note(session, moderator.id, "message.restore", account_id)
