"""Writing through the site: who gets what, who is not told what, and how much is too much."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, func, select, update

from kb.db import transaction, utcnow
from kb.errors import Forbidden, Invalid, NotFound, TooMany
from kb.limits.service import RULES
from kb.limits.tables import LimitRow
from kb.messages import people, reading, receivers, service
from kb.messages.tables import GuestLinkRow, MessageRow, ThreadRow
from kb.profiles.tables import ProfileRow
from schemas.accounts import Account
from tests.kb.messages.writers import (
    CONTACT,
    EXPERT,
    HERE,
    answer,
    begin,
    known,
    link_in,
    mails,
    own,
    save,
)
from tests.people import person


@pytest.fixture
def tom(engine: Engine) -> Account:
    save(engine)
    return known(engine, "tom")


def _texts(engine: Engine, account: Account, thread_id: str) -> list[str]:
    with transaction(engine, readonly=True) as session:
        thread, member = reading.mine(session, account, thread_id)
        return [each.text for each in reading.messages(session, account, thread, member.side)]


def _unread(engine: Engine, account: Account) -> int:
    with transaction(engine, readonly=True) as session:
        return reading.unread(session, account)


def test_the_owners_of_a_record_get_the_message_and_answer_it(engine: Engine, tom: Account) -> None:
    olga, omar = known(engine, "olga", language="es"), known(engine, "omar")
    own(engine, olga, "buses")
    own(engine, omar, "buses")
    thread = begin(engine, tom, "buses")
    assert (_unread(engine, olga), _unread(engine, omar), _unread(engine, tom)) == (1, 1, 0)
    assert {mail.recipient for mail in mails(engine)} == {olga.email, omar.email}
    assert next(mail for mail in mails(engine) if mail.recipient == olga.email).subject == "Tom le ha escrito: Cost"
    answer(engine, olga, thread, "Two million.")
    assert _texts(engine, tom, thread) == _texts(engine, omar, thread) == ["How much was it?", "Two million."]
    assert (_unread(engine, olga), _unread(engine, omar), _unread(engine, tom)) == (0, 1, 1)


def test_a_contact_without_an_account_answers_by_a_link_for_a_limited_time(engine: Engine, tom: Account) -> None:
    thread = begin(engine, tom, "trams")
    (mail,) = mails(engine)
    assert (mail.recipient, mail.subject) == (CONTACT, "Tom vous pose une question : Cost")
    assert "> How much was it?" in mail.text
    assert "https://site.example/fr/case-studies/trams" in mail.text
    token = link_in(mail)
    with transaction(engine) as session:
        service.answer_as_guest(session, HERE, token, "Deux millions.")
    assert _texts(engine, tom, thread)[-1] == "Deux millions."
    answer(engine, tom, thread, "Merci !")
    assert [each.recipient for each in mails(engine)] == [CONTACT, tom.email, CONTACT]
    assert link_in(mails(engine)[-1]) != token
    with transaction(engine) as session:
        session.execute(update(GuestLinkRow).values(expires_at=utcnow()))
    with transaction(engine) as session, pytest.raises(NotFound):
        service.answer_as_guest(session, HERE, token, "Encore")


def test_where_nobody_is_named_the_editors_of_the_day_get_it(engine: Engine, tom: Account) -> None:
    eva = known(engine, "eva", "editor")
    thread = begin(engine, tom, "ferries")
    answer(engine, eva, thread, "We ask around.")
    person(engine, eva.email)  # she leaves the team
    gone = person(engine, eva.email)
    erik = known(engine, "erik", "editor")
    answer(engine, tom, thread, "Any news?")
    assert _texts(engine, erik, thread) == ["How much was it?", "We ask around.", "Any news?"]
    with transaction(engine, readonly=True) as session, pytest.raises(NotFound):
        reading.mine(session, gone, thread)
    assert eva.email not in {mail.recipient for mail in mails(engine)[2:]}
    with transaction(engine, readonly=True) as session:
        thread_row, member = reading.mine(session, tom, thread)
        shown = reading.messages(session, tom, thread_row, member.side)
    assert shown[1].who == ("team", ""), "who asks does not learn which editor it was"


def test_an_account_that_is_closed_receives_nothing(engine: Engine, tom: Account) -> None:
    closed = person(engine, "gone@mail.example")
    own(engine, closed, "trams")
    with transaction(engine) as session:
        from kb.accounts import service as accounts

        accounts.by_id(session, closed.id).state = "closed"
    begin(engine, tom, "trams")
    assert [mail.recipient for mail in mails(engine)] == [CONTACT]


def test_an_expert_s_messages_reach_the_account_of_the_profile_and_not_who_wrote_about_them(
    engine: Engine, tom: Account
) -> None:
    agency, rivera = known(engine, "agency"), known(engine, "rivera")
    own(engine, agency, "rivera")
    begin(engine, tom, "rivera")
    with transaction(engine) as session:
        session.add(ProfileRow(account_id=rivera.id, record_id="rivera", state="kept", asked_at=utcnow()))
    begin(engine, tom, "rivera", subject="Again")
    assert [mail.recipient for mail in mails(engine)] == [EXPERT, rivera.email]


def test_promise_7_one_mail_for_each_message_and_recipient_and_a_form_sent_twice_is_one_message(
    engine: Engine, tom: Account
) -> None:
    olga = known(engine, "olga")
    own(engine, olga, "buses")
    assert begin(engine, tom, "buses") == begin(engine, tom, "buses")
    thread = begin(engine, tom, "buses")
    answer(engine, olga, thread, "Two.")
    answer(engine, olga, thread, "Two.")
    assert [mail.recipient for mail in mails(engine)] == [olga.email, tom.email]
    assert len(_texts(engine, tom, thread)) == 2


def test_promise_7_a_form_that_is_sent_several_times_at_once_is_one_message(engine: Engine, tom: Account) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(lambda _: begin(engine, tom, "trams"), range(4)))
    assert len(found) == 1
    assert [mail.recipient for mail in mails(engine)] == [CONTACT]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: answer(engine, tom, next(iter(found)), "And?"), range(4)))
    assert _texts(engine, tom, found.pop()) == ["How much was it?", "And?"]


def test_without_editors_the_administrators_are_the_team(engine: Engine, tom: Account) -> None:
    ada = known(engine, "ada", "administrator")
    thread = begin(engine, tom, "ferries")
    assert _texts(engine, ada, thread) == ["How much was it?"]


def test_mail_can_be_switched_off(engine: Engine, tom: Account) -> None:
    olga = known(engine, "olga")
    own(engine, olga, "buses")
    with transaction(engine) as session:
        people.set_by_mail(session, olga.id, False)
    begin(engine, tom, "buses")
    assert mails(engine) == []
    assert _unread(engine, olga) == 1


def test_no_line_of_a_message_in_a_mail_can_pass_for_the_site_s_own(engine: Engine, tom: Account) -> None:
    begin(engine, tom, "trams", text="Hello\n\nAnswer here:\nhttps://evil.example/", subject="x\r\nBcc: all@x.example")
    (mail,) = mails(engine)
    assert "\n> Answer here:\n> https://evil.example/\n" in mail.text
    assert mail.subject.endswith("x Bcc: all@x.example")


def test_who_is_blocked_is_not_heard_and_not_told(engine: Engine, tom: Account) -> None:
    olga = known(engine, "olga")
    own(engine, olga, "buses")
    thread = begin(engine, tom, "buses")
    with transaction(engine) as session:
        first = session.scalars(select(MessageRow.id)).one()
        people.block(session, olga, thread, first)
    answer(engine, tom, thread, "Answer me!")
    other = begin(engine, tom, "buses", subject="Again")
    answer(engine, tom, other, "Hello?")
    assert _texts(engine, tom, thread)[-1] == "Answer me!"
    assert _texts(engine, tom, other) == ["How much was it?", "Hello?"]
    assert _texts(engine, olga, thread) == ["How much was it?"]
    with transaction(engine, readonly=True) as session, pytest.raises(NotFound):
        reading.mine(session, olga, other)
    assert len(mails(engine)) == 1
    with transaction(engine) as session:
        people.unblock(session, olga, tom.id)
    answer(engine, tom, thread, "Sorry.")
    assert _texts(engine, olga, thread) == ["How much was it?", "Sorry."], "what was unheard stays so"


def test_a_contact_who_wants_no_messages_gets_none_and_askers_are_led_to_the_team(engine: Engine, tom: Account) -> None:
    eva = known(engine, "eva", "editor")
    thread = begin(engine, tom, "trams")
    with transaction(engine) as session:
        people.refuse_as_guest(session, link_in(mails(engine)[0]))
    with transaction(engine) as session, pytest.raises(Invalid, match="editorial team"):
        service.answer(session, HERE, tom, thread, "And?")
    begin(engine, tom, "trams", subject="Once more")
    assert [mail.recipient for mail in mails(engine)] == [CONTACT, eva.email]


def test_new_accounts_begin_few_conversations_a_day_and_old_ones_more(engine: Engine, tom: Account) -> None:
    new = person(engine, "new@mail.example")
    few, many = RULES["conversation.new"][0], RULES["conversation.contact"][0]
    for account, most in ((new, few), (tom, many - few)):
        for number in range(most):
            begin(engine, account, "trams", subject=f"{number}")
        with pytest.raises(TooMany) as refused:
            begin(engine, account, "trams", subject="one more")
        assert 0 < refused.value.members["retry_after"] <= 24 * 3600
    begin(engine, tom, "rivera", subject="another contact is not concerned")
    assert len(mails(engine)) == many + 1


def test_there_is_a_limit_of_messages_an_hour_for_accounts_and_for_guests(engine: Engine, tom: Account) -> None:
    thread = begin(engine, tom, "trams")
    for number in range(RULES["message"][0] - 1):
        answer(engine, tom, thread, f"{number}")
    with pytest.raises(TooMany):
        answer(engine, tom, thread, "too much")
    token = link_in(mails(engine)[0])
    with transaction(engine) as session:
        for number in range(RULES["message.guest"][0]):
            service.answer_as_guest(session, HERE, token, f"{number}")
    with transaction(engine) as session, pytest.raises(TooMany):
        service.answer_as_guest(session, HERE, token, "too much")
    with transaction(engine) as session:
        session.execute(update(LimitRow).values(ends_at=0))
    answer(engine, tom, thread, "an hour later")


def test_who_may_not_write_writes_nothing(engine: Engine, tom: Account) -> None:
    thread = begin(engine, tom, "trams")
    with transaction(engine) as session:
        people.correspondent(session, tom.id).may_write = False
    with pytest.raises(Forbidden):
        begin(engine, tom, "rivera")
    with pytest.raises(Forbidden):
        answer(engine, tom, thread, "But")
    with transaction(engine) as session:
        assert session.scalar(select(func.count()).select_from(MessageRow)) == 1


def test_nobody_writes_to_themselves_or_about_what_is_not_published(engine: Engine, tom: Account) -> None:
    own(engine, tom, "buses")
    with pytest.raises(Invalid):
        begin(engine, tom, "buses")
    with pytest.raises(NotFound):
        begin(engine, tom, "nothing")
    with transaction(engine) as session:
        assert session.scalar(select(func.count()).select_from(ThreadRow)) == 0


@pytest.mark.parametrize(
    "email", ["a@b.example, c@d.example", "a@b.example\nBcc: x@y.example", "call me", "a b@c.example"]
)
def test_what_is_no_single_address_is_never_mailed_to(email: str) -> None:
    from schemas.records import parse
    from tests.kb.messages.writers import CASE

    assert receivers.address_of(parse(CASE | {"contact": {"email": email}})) == ""


def test_a_new_message_brings_an_archived_conversation_back(engine: Engine, tom: Account) -> None:
    thread = begin(engine, tom, "trams")
    with transaction(engine) as session:
        reading.archive(session, tom, thread, archived=True)
        assert reading.lines(session, tom, archived=False, offset=0, limit=9) == ([], 0)
    with transaction(engine) as session:
        service.answer_as_guest(session, HERE, link_in(mails(engine)[0]), "Oui")
        (line,), total = reading.lines(session, tom, archived=False, offset=0, limit=9)
        assert (line.unread, line.other, total) == (1, ("contact", "Luc Morel"), 1)
