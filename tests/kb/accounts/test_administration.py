"""What administrators do with accounts, and what they cannot do."""

import threading

import pytest
from sqlalchemy import Engine, select

from kb.accounts import administration, sessions
from kb.accounts import service as accounts
from kb.accounts.tables import CodeRow
from kb.audit import service as audit
from kb.audit.service import Question
from kb.db import transaction
from kb.errors import Conflict, Invalid
from kb.mail.tables import MailRow
from kb.settings import Settings
from tests.people import person


def test_people_are_found_by_words_of_name_and_address_state_and_role(engine: Engine) -> None:
    person(engine, "ana@example.org", "editor")
    person(engine, "max@example.org")
    with transaction(engine, readonly=True) as session:
        for asked, expected in (
            ({"q": "ANA example"}, ["Ana"]),
            ({"q": "example"}, ["Ana", "Max"]),
            ({"q": "%"}, []),
            ({"role": "editor"}, ["Ana"]),
            ({"state": "closed"}, []),
        ):
            found, count = administration.search(session, **asked)  # type: ignore[arg-type]
            assert ([row.name for row in found], count) == (expected, len(expected))


def test_at_least_one_administrator_stays_whatever_is_done(engine: Engine, settings: Settings) -> None:
    eve = person(engine, "eve@example.org", "administrator")
    person(engine, "old@example.org", "administrator", state="active")
    with transaction(engine) as session:
        old = accounts.by_email(session, "old@example.org")
        assert old
        administration.set_state(session, settings, eve.id, old.id, "closed")
    for change in (
        lambda session: administration.set_roles(session, eve.id, eve.id, [("editor", "")]),
        lambda session: administration.set_state(session, settings, eve.id, eve.id, "closed"),
    ):
        with pytest.raises(Invalid, match="only administrator"), transaction(engine) as session:
            change(session)


def test_two_administrators_who_remove_each_other_at_once_leave_one(engine: Engine) -> None:
    pair = [person(engine, f"{name}@example.org", "administrator").id for name in ("eve", "ida")]
    ready = threading.Barrier(2)

    def remove(actor: str, other: str) -> None:
        ready.wait()
        try:
            with transaction(engine) as session:
                administration.set_roles(session, actor, other, [])
        except Invalid:
            pass

    threads = [threading.Thread(target=remove, args=each) for each in (pair, pair[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with transaction(engine, readonly=True) as session:
        assert len(accounts.with_role(session, "administrator")) == 1


def test_every_change_ends_the_sessions_and_leaves_one_note(engine: Engine, settings: Settings) -> None:
    eve, max_ = person(engine, "eve@example.org", "administrator"), person(engine, "max@example.org")
    changes = {
        "account.roles": lambda session: administration.set_roles(session, eve.id, max_.id, [("editor", "")]),
        "account.close": lambda session: administration.set_state(session, settings, eve.id, max_.id, "closed"),
        "account.activate": lambda session: administration.set_state(session, settings, eve.id, max_.id, "active"),
        "account.end_sessions": lambda session: administration.end_sessions(session, eve.id, max_.id),
    }
    for action, change in changes.items():
        with transaction(engine) as session:
            sessions.open_session(session, max_.id, "a test", strong=False)
            change(session)
            change(session) if action != "account.end_sessions" else None  # again: nothing happens
        with transaction(engine, readonly=True) as session:
            notes, count = audit.search(session, Question(action=action))
            assert (count, notes[0].actor, notes[0].subject) == (1, eve.id, max_.id)
            assert action == "account.activate" or sessions.sessions_of(session, max_.id) == []


def test_who_is_invited_gets_a_link_that_is_stored_nowhere(engine: Engine, settings: Settings) -> None:
    eve = person(engine, "eve@example.org", "administrator")
    with transaction(engine) as session:
        row, _ = accounts.invite(session, settings, eve.id, "New@Example.org", "New", "fr", [("translator", "")])
        administration.send_reset(session, settings, eve.id, row.id)
    with transaction(engine, readonly=True) as session:
        assert (row.email, row.state) == ("new@example.org", "unconfirmed")
        codes = session.scalars(select(CodeRow)).all()
        mails = session.scalars(select(MailRow)).all()
        assert [code.purpose for code in codes] == ["invite"], "the older link stops working"
        assert len(mails) == 2
        assert all(
            f"{settings.resolved_public_url}/fr/password/" in mail.text and codes[0].token_hash not in mail.text
            for mail in mails
        )
        assert accounts.roles_of(session, row.id) == [("translator", "")]
    with pytest.raises(Conflict), transaction(engine) as session:
        accounts.invite(session, settings, eve.id, "new@example.org", "New", "fr")
