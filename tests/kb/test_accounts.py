"""The services of accounts, on both databases: what others do to accounts, and what happens at the same moment."""

import datetime
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pyotp
import pytest
from sqlalchemy import Engine, func, select, update

from kb import rounds
from kb.accounts import entry, links, own, second_factor, service, sessions, tokens
from kb.accounts.guesses import Asker
from kb.accounts.tables import AccountRow
from kb.audit.tables import AuditRow
from kb.db import transaction, utcnow
from kb.errors import Conflict, Invalid, KnowledgeBaseError, NotFound
from kb.limits.tables import LimitRow
from kb.settings import Settings
from schemas.accounts import Account
from tests.people import PASSWORD, mails_to, path_in, person

NEW = "a harbour full of red boats"


def _asker(number: int = 1) -> Asker:
    return Asker(f"192.0.2.{number}", "a test")


def _code(settings: Settings, engine: Engine, email: str) -> str:
    return path_in(mails_to(settings, engine, email)[-1]).rsplit("/", 1)[-1]


def _actions(engine: Engine) -> list[str]:
    with transaction(engine, readonly=True) as session:
        return list(session.scalars(select(AuditRow.action).order_by(AuditRow.id)))


def _tries(count: int, do: Callable[[int], object]) -> int:
    """How many of so many at the same moment succeed."""

    def once(number: int) -> bool:
        try:
            return do(number) is not False
        except KnowledgeBaseError:
            return False

    with ThreadPoolExecutor(count) as pool:
        return sum(pool.map(once, range(count)))


def test_from_sign_up_to_a_strong_session(engine: Engine, settings: Settings) -> None:
    entry.sign_up(engine, settings, "ana@example.org", "Ana", "fr", _asker())
    assert entry.choose_password(engine, settings, _code(settings, engine, "ana@example.org"), NEW)[0] == "active"
    entered = entry.sign_in(engine, settings, "Ana@Example.org", NEW, _asker())
    account = sessions.account_of_session(engine, entered.token)
    assert account
    assert (account.strong, account.half, account.language) == (False, False, "fr")
    key = second_factor.new_key()
    codes, token = own.turn_on_second_factor(engine, settings, account, NEW, key, pyotp.TOTP(key).now(), "a test")
    assert sessions.account_of_session(engine, entered.token) is None
    strong = sessions.account_of_session(engine, token)
    assert strong
    assert strong.strong
    half = sessions.account_of_session(engine, entry.sign_in(engine, settings, account.email, NEW, _asker()).token)
    assert half
    assert half.half
    assert not entry.second_step(engine, settings, half, codes[0], _asker()).half


def test_who_is_invited_chooses_a_password_and_has_the_roles_that_were_given(
    engine: Engine, settings: Settings
) -> None:
    boss = person(engine, "boss@example.org", "administrator")
    with transaction(engine) as session:
        _, link = service.invite(session, settings, boss.id, "eve@example.org", "Eve", "es", [("editor", "")])
    assert path_in(link).startswith("/es/password/")
    assert _code(settings, engine, "eve@example.org") in link
    assert entry.choose_password(engine, settings, link.rsplit("/", 1)[-1], NEW)[0] == "active"
    with transaction(engine) as session:
        row = service.by_email(session, "eve@example.org")
        assert row
        assert service.roles_of(session, row.id) == [("editor", "")]
        with pytest.raises(Conflict):
            service.invite(session, settings, boss.id, "eve@example.org", "Eve", "es")
    assert _actions(engine) == ["account.invite", "account.confirm"]


def test_a_closed_account_is_shut_everywhere_until_it_is_opened_again(engine: Engine, settings: Settings) -> None:
    ana = person(engine, "ana@example.org")
    token = entry.sign_in(engine, settings, ana.email, PASSWORD, _asker()).token
    entry.ask_for_reset(engine, settings, ana.email, _asker())
    code = _code(settings, engine, ana.email)
    with transaction(engine) as session:
        made = tokens.make(session, ana, "x", ["message"], 30)
        service.close(session, "", ana.id)
    assert sessions.account_of_session(engine, token) is None
    assert sessions.account_of_token(engine, made) is None
    with pytest.raises(NotFound):
        entry.choose_password(engine, settings, code, NEW)
    with pytest.raises(Invalid, match="closed"):
        entry.sign_in(engine, settings, ana.email, PASSWORD, _asker())
    before = len(mails_to(settings, engine, ana.email))
    entry.ask_for_reset(engine, settings, ana.email, _asker())
    assert len(mails_to(settings, engine, ana.email)) == before
    with transaction(engine) as session:
        service.activate(session, settings, "", ana.id)
    assert entry.sign_in(engine, settings, ana.email, PASSWORD, _asker()).token
    assert "has opened your account" in mails_to(settings, engine, ana.email)[-1]


def test_each_thing_that_is_done_to_an_account_leaves_one_note(engine: Engine, settings: Settings) -> None:
    ana = person(engine, "ana@example.org")
    with transaction(engine) as session:
        service.set_roles(session, ana.id, [("editor", ""), ("contributor", "org-x")], actor="boss")
        service.drop_second_factor(session, settings, "boss", ana.id)
        service.close(session, "boss", ana.id)
        service.activate(session, settings, "boss", ana.id)
        service.activate(session, settings, "boss", ana.id)
        notes = session.scalars(select(AuditRow).order_by(AuditRow.id)).all()
    assert [(row.actor, row.action, row.subject) for row in notes] == [
        ("boss", action, ana.id)
        for action in ("account.roles", "account.second_factor_off", "account.close", "account.activate")
    ]
    assert notes[0].detail == {"roles": ["contributor org-x", "editor"]}


def test_a_link_that_two_take_at_once_works_for_one(engine: Engine, settings: Settings) -> None:
    ana = person(engine, "ana@example.org")
    entry.ask_for_reset(engine, settings, ana.email, _asker())
    code = _code(settings, engine, ana.email)
    assert _tries(4, lambda number: entry.choose_password(engine, settings, code, f"{NEW} {number}")) == 1


def test_a_code_that_several_use_at_once_works_for_one(engine: Engine, settings: Settings) -> None:
    ana = person(engine, "ana@example.org")
    key = second_factor.new_key()
    with transaction(engine) as session:
        recovery = second_factor.turn_on(session, ana.id, key, pyotp.TOTP(key).now())
        session.execute(update(AccountRow).values(totp_step=0))
    for code in (pyotp.TOTP(key).now(), recovery[0]):

        def use(_: int, code: str = code) -> bool:
            with transaction(engine) as session:
                return second_factor.use(session, ana.id, code)

        assert _tries(4, use) == 1


def test_sign_ups_of_one_address_at_the_same_moment_make_one_account(engine: Engine, settings: Settings) -> None:
    def sign_up(number: int) -> None:
        entry.sign_up(engine, settings, "ana@example.org", "Ana", "en", _asker(number))

    assert _tries(4, sign_up) == 4
    with transaction(engine, readonly=True) as session:
        assert session.scalar(select(func.count()).select_from(AccountRow)) == 1


def test_an_address_that_somebody_took_meanwhile_is_not_taken_over(engine: Engine, settings: Settings) -> None:
    ana = person(engine, "ana@example.org")
    own.ask_for_email(engine, settings, ana, PASSWORD, "new@example.org")
    code = _code(settings, engine, "new@example.org")
    person(engine, "new@example.org")
    with pytest.raises(Conflict):
        own.confirm_email(engine, settings, code)
    with transaction(engine, readonly=True) as session:
        assert service.by_id(session, ana.id).email == "ana@example.org"


def test_the_rounds_forget_what_is_over_and_accounts_that_nobody_took_up(engine: Engine, settings: Settings) -> None:
    ana = person(engine, "ana@example.org")
    entry.sign_up(engine, settings, "old@example.org", "Old", "en", _asker())
    entry.sign_up(engine, settings, "new@example.org", "New", "en", _asker())
    entry.sign_in(engine, settings, ana.email, PASSWORD, _asker())
    with transaction(engine) as session:
        long_ago = utcnow() - datetime.timedelta(days=14, hours=1)
        session.execute(update(AccountRow).where(AccountRow.email != "new@example.org").values(created_at=long_ago))
        session.execute(update(LimitRow).values(ends_at=1))
    rounds.walk(engine, settings)
    with transaction(engine, readonly=True) as session:
        emails = set(session.scalars(select(AccountRow.email)))
        assert emails == {"ana@example.org", "new@example.org"}
        assert session.scalars(select(LimitRow)).all() == []
        assert sessions.sessions_of(session, ana.id)


@pytest.mark.parametrize("purpose", links.LIFETIMES)
def test_a_link_is_good_for_its_purpose_only(engine: Engine, settings: Settings, purpose: str) -> None:
    ana: Account = person(engine, "ana@example.org")
    with transaction(engine) as session:
        code = links.issue(session, ana.id, purpose, email="new@example.org")
    with transaction(engine) as session:
        for other in set(links.LIFETIMES) - {purpose}:
            with pytest.raises(NotFound):
                links.look(session, code, other)
        assert links.take(session, code, purpose).account_id == ana.id
