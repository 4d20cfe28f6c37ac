"""Mail reaches an SMTP server once, however often it is tried and whoever tries."""

import datetime
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email.message import Message
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as MessageHandler
from sqlalchemy import Engine, select, update

from kb.db import transaction, utcnow
from kb.mail import service as mail
from kb.mail.tables import MailRow
from kb.settings import Settings
from schemas.language import LANGUAGES


class Inbox(MessageHandler):
    """Keeps what it takes; refuses the first so many."""

    def __init__(self) -> None:
        super().__init__()
        self.mails: list[Message] = []
        self.refusing = 0

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  aiosmtpd's name
        if self.refusing:
            self.refusing -= 1
            return "451 Try again later"
        return str(await super().handle_DATA(server, session, envelope))

    def handle_message(self, message: Message) -> None:
        self.mails.append(message)


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def server(inbox: Inbox) -> Iterator[Controller]:
    """An SMTP server that is not there until it is started."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Controller(inbox, hostname="127.0.0.1", port=port, ready_timeout=20)
    yield server
    server.stop(no_assert=True)


@pytest.fixture
def away(settings: Settings, server: Controller) -> Settings:
    return settings.model_copy(update={"mail_url": f"smtp+plain://127.0.0.1:{server.port}"})


@pytest.fixture
def sending(away: Settings, server: Controller) -> Settings:
    server.start()
    return away


def _queue(engine: Engine, key: str, recipient: str = "ana@example.org") -> None:
    with transaction(engine) as session:
        mail.queue(
            session, key, recipient, "fr", "account_confirm", site="Here", link="https://here.example/x", what=""
        )


def _later(engine: Engine) -> None:
    with transaction(engine) as session:
        past = utcnow() - datetime.timedelta(seconds=1)
        session.execute(update(MailRow).where(MailRow.due_at.is_not(None)).values(due_at=past))


def test_promise_7_one_mail_for_each_event_and_recipient(engine: Engine, sending: Settings, inbox: Inbox) -> None:
    for _ in range(3):
        for key in ("a:ana", "a:max", "b:ana"):
            _queue(engine, key, f"{key[2:]}@example.org")
    with ThreadPoolExecutor(4) as pool:
        sent = sum(pool.map(lambda _: mail.deliver(engine, sending), range(8)))
    _later(engine)
    mail.deliver(engine, sending)
    assert sent == 3
    assert sorted(str(message["To"]) for message in inbox.mails) == ["ana@example.org"] * 2 + ["max@example.org"]
    text = str(inbox.mails[0].get_payload(decode=True), "utf-8")
    assert "Ouvrez ce lien et choisissez un mot de passe\u00a0:\r\n\r\nhttps://here.example/x" in text


def test_promise_7_what_the_server_refuses_goes_out_once_when_it_takes_it(
    engine: Engine, sending: Settings, inbox: Inbox
) -> None:
    _queue(engine, "a:ana")
    inbox.refusing = 3
    for _ in range(3):
        assert mail.deliver(engine, sending) == 0
        assert mail.deliver(engine, sending) == 0, "not before its time"
        _later(engine)
    assert mail.deliver(engine, sending) == 1
    _later(engine)
    assert mail.deliver(engine, sending) == 0
    assert len(inbox.mails) == 1


def test_promise_7_a_server_that_is_away_gets_everything_when_it_is_back(
    engine: Engine, away: Settings, server: Controller, inbox: Inbox
) -> None:
    for n in range(5):
        _queue(engine, f"a:{n}", f"p{n}@example.org")
    assert mail.deliver(engine, away) == 0
    server.start()
    _later(engine)
    assert mail.deliver(engine, away) == 5
    assert len({str(message["To"]) for message in inbox.mails}) == len(inbox.mails) == 5


def test_what_is_refused_for_ever_is_given_up_and_kept_for_those_who_look(
    engine: Engine, sending: Settings, inbox: Inbox
) -> None:
    _queue(engine, "a:ana")
    inbox.refusing = 100
    for _ in range(len(mail.RETRIES) + 2):
        mail.deliver(engine, sending)
        _later(engine)
    with transaction(engine, readonly=True) as session:
        row = session.scalars(select(MailRow)).one()
        assert (row.due_at, row.sent_at, row.attempts) == (None, None, len(mail.RETRIES) + 1)


def test_what_was_sent_keeps_no_text_and_no_address(engine: Engine, sending: Settings) -> None:
    _queue(engine, "a:ana")
    mail.deliver(engine, sending)
    with transaction(engine, readonly=True) as session:
        row = session.scalars(select(MailRow)).one()
        assert (row.text, row.subject, row.recipient, row.key) == ("", "", "", "a:ana")


def test_every_mail_is_there_in_three_languages_with_its_link() -> None:
    names = {file.name.rsplit(".", 2)[0] for file in mail.TEXTS.glob("account_*.txt")}
    assert len(names) == 9
    for name in names:
        said = [
            mail.rendered(name, each, site="Here", link="https://here.example/x", what="email") for each in LANGUAGES
        ]
        assert len(set(said)) == 3
        assert all("Here" in subject and "https://here.example/x\n" in text for subject, text in said)
