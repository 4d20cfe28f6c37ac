"""Mail about messages: the text in full, because people read mail and a contact may have no account; never an address.

Every line of a message is quoted with ``>``, so that no message can look like the site's own words or its link. Keys have the
conversation's id too: SQLite gives the number of a deleted message to a new one.
"""

import datetime
from typing import Final, NamedTuple

from sqlalchemy.orm import Session

from kb.accounts import service as accounts
from kb.accounts.secrets import new_token, token_hash
from kb.db import utcnow
from kb.mail import service as mail
from kb.messages.tables import CorrespondentRow, GuestLinkRow, GuestRow, MessageRow, ThreadRow
from kb.records import service as records
from kb.records.urls import record_path
from schemas.language import Language, say

#: How long a guest can answer by the link in a mail.
LINK_FOR: Final = datetime.timedelta(days=60)


class Here(NamedTuple):
    """The site as mails name it: its address without a slash at the end, and its name."""

    address: str
    name: str


def quoted(text: str) -> str:
    """The text as mail quotes it."""
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


def tell(session: Session, here: Here, thread: ThreadRow, message: MessageRow, account_id: str, sender: str) -> None:
    """Mail the message to somebody with an account, unless they want none. An empty ``sender`` is the editorial team."""
    person = accounts.by_id(session, account_id)
    wishes = session.get(CorrespondentRow, account_id)
    if person.state != "active" or (wishes and not wishes.by_mail):
        return
    pages = f"{here.address}/{person.language}/messages"
    mail.queue(
        session, f"message:{thread.id}:{message.id}:{account_id}", person.email, person.language, "message",
        sender=sender, subject=thread.subject, text=quoted(message.text), link=f"{pages}/{thread.id}",
        about=about(session, here, thread.record_id, person.language), settings=f"{pages}/settings", site=here.name,
    )  # fmt: skip


def tell_guest(
    session: Session, here: Here, thread: ThreadRow, message: MessageRow, guest: GuestRow, sender: str
) -> None:
    """Mail the message to the record's contact, with a link of their own to answer by."""
    mail.queue(
        session, f"message:{thread.id}:{message.id}:guest", guest.email, guest.language, "message_contact",
        sender=sender, subject=thread.subject, text=quoted(message.text), addressee=guest.name,
        about=about(session, here, thread.record_id, guest.language),
        link=guest_link(session, here, thread.id, guest.language), days=LINK_FOR.days, site=here.name,
    )  # fmt: skip


def about(session: Session, here: Here, record_id: str, language: Language) -> str:
    """The record's title and address, on two lines; empty when it is no longer published."""
    stored = records.load_public(session, [record_id]).get(record_id)
    title = say(stored.record.title, language, stored.record.language) if stored else None
    if stored is None or title is None:
        return ""
    return f"{' '.join(title.text.split())}\n{here.address}{record_path(stored.record.type, record_id, language)}"


def guest_link(session: Session, here: Here, thread_id: str, language: Language) -> str:
    """A new address by which the guest reads and answers this conversation."""
    token = new_token()
    session.add(GuestLinkRow(token_hash=token_hash(token), thread_id=thread_id, expires_at=utcnow() + LINK_FOR))
    return f"{here.address}/{language}/messages/answer/{token}"
