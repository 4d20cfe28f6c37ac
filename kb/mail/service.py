"""Mail: ``queue`` it in a transaction, ``deliver`` what waits.

A text is a Jinja template in ``texts/NAME.LANGUAGE.txt``; its first line is the subject. Who writes a new one writes three.
"""

import datetime
import logging
import smtplib
import ssl
from collections.abc import Callable
from email.message import EmailMessage
from email.utils import make_msgid
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from kb import outbox
from kb.db import transaction, utcnow
from kb.mail.tables import MailRow
from kb.settings import Settings
from schemas.language import Language

log = logging.getLogger(__name__)

TEXTS: Final = Path(__file__).with_name("texts")
#: Minutes until a mail that the server did not take is tried again; after the last it is given up.
RETRIES: Final = (1, 5, 30, 120, 720, 1440)
_TIMEOUT: Final = 20
_LEASE: Final = 120
_BATCH: Final = 50

Send = Callable[[EmailMessage], None]


@cache
def _environment() -> Environment:
    return Environment(  # noqa: S701  plain text
        loader=FileSystemLoader(TEXTS), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


def rendered(name: str, language: Language, **values: Any) -> tuple[str, str]:
    """(subject, text) of a mail."""
    whole = _environment().get_template(f"{name}.{language}.txt").render(**values)
    subject, _, text = whole.partition("\n")
    return subject.strip()[:300], text.strip() + "\n"


def queue(session: Session, key: str, recipient: str, language: Language, name: str, **values: Any) -> None:
    """Have a mail sent once this transaction is committed. A key that was used before changes nothing: one mail for each
    event and recipient."""
    if session.scalar(select(MailRow.id).where(MailRow.key == key)) is not None:
        return
    subject, text = rendered(name, language, **values)
    now = utcnow()
    session.add(MailRow(key=key, recipient=recipient, subject=subject, text=text, created_at=now, due_at=now))
    session.flush()


def deliver(database: Engine, settings: Settings, send: Send | None = None) -> int:
    """Send what is due, one process at a time. Returns how many went out.

    Each mail is noted as sent at once; a crash between sending and the note repeats that one mail.
    """
    if not _due(database):
        return 0
    send = send or _sender(settings)
    sent = 0
    with outbox.lease(database, "mail", "mail", _LEASE) as held:
        while held and held.renew() and (mails := _due(database)):
            sent += sum(_deliver_one(database, settings, mail, send) for mail in mails)
    return sent


def _due(database: Engine) -> list[MailRow]:
    with transaction(database, readonly=True) as session:
        query = select(MailRow).where(MailRow.due_at <= utcnow()).order_by(MailRow.due_at, MailRow.id).limit(_BATCH)
        return list(session.scalars(query))


def _deliver_one(database: Engine, settings: Settings, mail: MailRow, send: Send) -> bool:
    try:
        send(_message(settings, mail))
    except (OSError, smtplib.SMTPException) as error:
        log.warning("mail %s was not taken: %s", mail.id, type(error).__name__)
        _note(database, mail.id, sent=False)
        return False
    _note(database, mail.id, sent=True)
    return True


def _note(database: Engine, mail_id: int, *, sent: bool) -> None:
    with transaction(database) as session:
        row = session.get(MailRow, mail_id)
        if row is None:
            return
        now = utcnow()
        row.attempts += 1
        pause = RETRIES[row.attempts - 1] if row.attempts <= len(RETRIES) else None
        row.due_at = None if sent or pause is None else now + datetime.timedelta(minutes=pause)
        if sent:
            row.sent_at, row.text, row.subject, row.recipient = now, "", "", ""


def _message(settings: Settings, mail: MailRow) -> EmailMessage:
    message = EmailMessage()
    message["From"] = settings.mail_from
    message["To"] = mail.recipient
    message["Subject"] = mail.subject
    message["Date"] = mail.created_at
    # The same at each attempt, so that a receiving server can tell a repetition.
    message["Message-ID"] = (
        f"<{mail.id}.{int(mail.created_at.timestamp())}@{settings.mail_from.rpartition('@')[2].rstrip('>')}>"
    )
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    return message


def _sender(settings: Settings) -> Send:
    return _by_smtp(settings.mail_url) if settings.mail_url else _into(settings.data_dir / "mail")


def _into(folder: Path) -> Send:
    """Writes each mail to a file: for development."""

    def send(message: EmailMessage) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        name = make_msgid().strip("<>").split("@")[0]
        (folder / f"{utcnow():%Y%m%d-%H%M%S-%f}-{name}.eml").write_bytes(bytes(message))

    return send


def forget_files(settings: Settings) -> None:
    """Delete the mail that was written to files instead of sent: nobody knows any more whom it names."""
    for path in (settings.data_dir / "mail").glob("*.eml"):
        path.unlink(missing_ok=True)


def _by_smtp(url: str) -> Send:
    """``smtp://user:password@host:587`` with STARTTLS, ``smtps://`` with TLS, ``smtp+plain://`` without, for tests."""
    parts = urlsplit(url)
    host = parts.hostname or "localhost"

    def send(message: EmailMessage) -> None:
        context = ssl.create_default_context()
        if parts.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, parts.port or 465, timeout=_TIMEOUT, context=context)
        else:
            server = smtplib.SMTP(host, parts.port or 587, timeout=_TIMEOUT)
        with server:
            if parts.scheme == "smtp":
                server.starttls(context=context)
            if parts.username:
                server.login(unquote(parts.username), unquote(parts.password or ""))
            server.send_message(message)

    return send
