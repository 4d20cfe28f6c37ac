"""What is known of somebody, and that it goes: a planted word is in no table afterwards."""

import pytest
from sqlalchemy import Engine, delete, select

from kb.accounts.tables import AccountRow
from kb.db import load_tables, transaction
from kb.messages import people, personal, reading, reports, service
from kb.messages.tables import BlockRow, CorrespondentRow, MessageRow, ReportRow
from kb.privacy.exporting import everything
from schemas.accounts import Account
from schemas.correspondence import Complaint, Ruling
from tests.kb.messages.writers import CONTACT, HERE, answer, begin, known, link_in, mails, own, save

MINE = "xylophone-planted"


@pytest.fixture
def tom(engine: Engine) -> Account:
    save(engine)
    return known(engine, "tom")


def _cells(engine: Engine, text: str) -> set[str]:
    """The tables of messages in which this is written."""
    with engine.connect() as connection:
        return {
            table.name
            for table in load_tables().sorted_tables
            if table.name.startswith("message") and text in repr(connection.execute(select(table)).all())
        }


def _busy(engine: Engine, tom: Account, olga: Account) -> str:
    """Both write, block, report and set something; returns the conversation."""
    own(engine, olga, "buses")
    thread = begin(engine, tom, "buses", f"Text {MINE}", subject=f"Subject {MINE}")
    answer(engine, olga, thread, "Olga's own words")
    with transaction(engine) as session:
        first, second = session.scalars(select(MessageRow.id).order_by(MessageRow.id))
        people.block(session, tom, thread, second)
        people.block(session, olga, thread, first)
        people.set_by_mail(session, tom.id, False)
        reports.report(session, tom, thread, Complaint(message=second, reason="other", note=MINE))
        reports.report(session, olga, thread, Complaint(message=first, reason="other", note="Olga's note"))
    return thread


def test_promise_24_everything_about_somebody_is_in_what_they_get(engine: Engine, tom: Account) -> None:
    olga = known(engine, "olga")
    _busy(engine, tom, olga)
    with transaction(engine, readonly=True) as session:
        found = everything(session, tom.id)
    assert [row["subject"] for row in found["message_members"]] == [f"Subject {MINE}"]
    assert [row["text"] for row in found["messages"]] == [f"Text {MINE}"]
    assert [row["text"] for row in found["message_deliveries"]] == ["Olga's own words"]
    assert [row["note"] for row in found["message_reports"]] == [MINE]
    assert [row["by_mail"] for row in found["message_settings"]] == [False]
    assert len(found["message_blocks"]) == 1
    told = repr({name: rows for name, rows in found.items() if name.startswith("message")})
    assert "Olga's note" not in told
    assert olga.id not in told, "nor who blocked or reported them"


def test_promise_24_after_erasure_the_other_side_keeps_its_own_words_and_nothing_of_theirs(
    engine: Engine, tom: Account
) -> None:
    olga = known(engine, "olga")
    thread = _busy(engine, tom, olga)
    with transaction(engine) as session:
        personal.erase(session, tom.id, tom.email)
        session.execute(delete(AccountRow).where(AccountRow.id == tom.id))
    assert _cells(engine, MINE) == set()
    assert _cells(engine, tom.id) == set()
    with transaction(engine, readonly=True) as session:
        row, member = reading.mine(session, olga, thread)
        shown = reading.messages(session, olga, row, member.side)
        (line,), _ = reading.lines(session, olga, archived=False, offset=0, limit=9)
    assert [(each.who.kind, each.text) for each in shown] == [("erased", ""), ("person", "Olga's own words")]
    assert line.other.kind == "erased"


def test_promise_24_a_conversation_without_anybody_goes(engine: Engine, tom: Account) -> None:
    olga = known(engine, "olga")
    _busy(engine, tom, olga)
    with transaction(engine) as session:
        personal.erase(session, tom.id, tom.email)
        personal.erase(session, olga.id, olga.email)
    assert not any(_cells(engine, text) for text in ("Olga", olga.id, "buses"))
    with transaction(engine) as session:
        for table in (MessageRow, ReportRow, BlockRow, CorrespondentRow):
            assert session.scalars(select(table)).all() == []


def test_promise_24_a_contact_without_an_account_is_erased_by_their_address(engine: Engine, tom: Account) -> None:
    thread = begin(engine, tom, "trams")
    token = link_in(mails(engine)[0])
    with transaction(engine) as session:
        service.answer_as_guest(session, HERE, token, MINE)
        personal.erase_address(session, CONTACT.upper())
    assert _cells(engine, MINE) == _cells(engine, CONTACT) == _cells(engine, "Luc Morel") == set()
    with transaction(engine, readonly=True) as session:
        row, member = reading.mine(session, tom, thread)
        shown = reading.messages(session, tom, row, member.side)
    assert [each.who.kind for each in shown] == ["person", "erased"]


def test_a_report_on_somebody_who_was_erased_can_still_be_closed(engine: Engine, tom: Account) -> None:
    olga, eva = known(engine, "olga"), known(engine, "eva", "editor")
    _busy(engine, tom, olga)
    with transaction(engine) as session:
        report = session.scalars(select(ReportRow.id).where(ReportRow.reporter_id == olga.id)).one()
        personal.erase(session, tom.id, tom.email)
        session.execute(delete(AccountRow).where(AccountRow.id == tom.id))
    with transaction(engine) as session:
        reports.open_for(session, eva, report)
        opened = reports.opened(session, eva, report)
        assert opened is not None
        assert (opened.author, opened.message.text) == ("", "")
        before = len(mails(engine))
        reports.close(session, HERE, eva, report, Ruling(outcome="suspended", words="Be kind."))
    assert len(mails(engine)) == before
