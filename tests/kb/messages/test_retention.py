"""Conversations that nobody writes in any more go, and nobody is surprised."""

import datetime

import pytest
from sqlalchemy import Engine, func, select, update

from kb.db import transaction, utcnow
from kb.messages import people, retention, service
from kb.messages.tables import DeliveryRow, GuestLinkRow, MemberRow, MessageRow, ThreadRow
from kb.settings import Settings
from kb.site import service as sites
from schemas.accounts import Account
from tests.kb.messages.writers import CONTACT, HERE, answer, begin, known, link_in, mails, save

MONTH = datetime.timedelta(days=30.4375)


@pytest.fixture
def tom(engine: Engine) -> Account:
    save(engine)
    return known(engine, "tom", language="es")


@pytest.fixture
def here(settings: Settings) -> Settings:
    return settings.model_copy(update={"public_url": HERE.address, "site_name": HERE.name})


def _silent_for(engine: Engine, months: float, told: datetime.timedelta | None = None) -> None:
    with transaction(engine) as session:
        session.execute(update(ThreadRow).values(last_at=utcnow() - months * MONTH))
        if told:
            session.execute(update(ThreadRow).values(told_at=utcnow() - told))


def _left(engine: Engine) -> list[int]:
    with transaction(engine, readonly=True) as session:
        tables = (ThreadRow, MemberRow, MessageRow, DeliveryRow, GuestLinkRow)
        return [session.scalar(select(func.count()).select_from(table)) or 0 for table in tables]


def test_both_sides_are_told_once_a_month_before_and_the_contact_has_a_link_that_works(
    engine: Engine, here: Settings, tom: Account
) -> None:
    thread = begin(engine, tom, "trams")
    with transaction(engine) as session:
        people.set_by_mail(session, tom.id, False)
    _silent_for(engine, 22.9)
    retention.tidy(engine, here)
    assert len(mails(engine)) == 1
    _silent_for(engine, 23.1)
    retention.tidy(engine, here)
    retention.tidy(engine, here)
    told = mails(engine)[1:]
    assert [mail.recipient for mail in told] == [tom.email, CONTACT]
    assert told[0].subject.startswith("Una conversación se eliminará el ")
    assert f"https://site.example/es/messages/{thread}" in told[0].text
    assert _left(engine)[0] == 1
    with transaction(engine) as session:
        service.answer_as_guest(session, HERE, link_in(told[1]), "Still here")
    _silent_for(engine, 25)
    retention.tidy(engine, here)
    assert _left(engine)[0] == 1, "a message starts it all anew"


def test_what_both_sides_were_told_of_is_deleted_whole(engine: Engine, here: Settings, tom: Account) -> None:
    begin(engine, tom, "trams")
    begin(engine, tom, "rivera")
    _silent_for(engine, 25, told=datetime.timedelta(days=29))
    retention.tidy(engine, here)
    assert _left(engine)[0] == 2
    _silent_for(engine, 25, told=datetime.timedelta(days=31))
    retention.tidy(engine, here)
    assert _left(engine) == [0, 0, 0, 0, 0]


def test_how_long_is_a_setting_and_links_that_are_over_go(engine: Engine, here: Settings, tom: Account) -> None:
    thread = begin(engine, tom, "trams")
    with transaction(engine) as session:
        sites.change(session, "", keep_messages=120)
        session.execute(update(GuestLinkRow).values(expires_at=utcnow() - datetime.timedelta(seconds=1)))
    _silent_for(engine, 100)
    retention.tidy(engine, here)
    assert (len(mails(engine)), _left(engine)[0], _left(engine)[4]) == (1, 1, 0)
    answer(engine, tom, thread, "After all these years")
