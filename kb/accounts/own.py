"""What people change about their own account. What would let a thief of a session stay asks for the password again."""

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from kb.accounts import guesses, letters, links, passwords, second_factor, service, sessions
from kb.accounts.secrets import hash_password, is_password
from kb.audit import service as audit
from kb.db import transaction
from kb.errors import Conflict, Invalid
from kb.limits import service as limits
from kb.settings import Settings
from schemas.accounts import Account
from schemas.language import Language
from schemas.messages import N_

_TAKEN = N_("There is an account with this e-mail address already.")


def change_profile(session: Session, account: Account, name: str, language: Language) -> None:
    """Change what somebody is called, and in which language they get mail."""
    row = service.by_id(session, account.id)
    row.name, row.language = name, language
    audit.note(session, account.id, "account.profile", account.id)


def check_password(engine: Engine, account: Account, password: str, field: str = "current") -> None:
    """Raises Invalid, at that field, where this is not the account's password; TooMany after too many."""
    limits.check(engine, "password", account.session_id)
    with transaction(engine, readonly=True) as session:
        stored = service.by_id(session, account.id).password
    if not is_password(stored, password):
        raise Invalid(N_("This is not your password."), field=field)
    limits.give_back(engine, "password", account.session_id)


def change_password(
    engine: Engine, settings: Settings, account: Account, current: str, password: str, browser: str
) -> str:
    """Change it and end all sessions. Returns the token of a new one, as strong as the one that asks. Raises Invalid,
    TooMany."""
    check_password(engine, account, current)
    passwords.check(password, account.email, settings.site_name)
    hashed = hash_password(password)
    with transaction(engine) as session:
        row = service.by_id(session, account.id)
        row.password = hashed
        links.forget(session, account.id, *links.FOR_PASSWORD)
        letters.send(session, settings, row, "changed", what="password")
        audit.note(session, account.id, "account.password", account.id)
        return _new_session(session, account, browser, strong=account.strong)


def _new_session(session: Session, account: Account, browser: str, *, strong: bool) -> str:
    sessions.end_all(session, account.id)
    return sessions.open_session(session, account.id, browser, strong=strong)


def ask_for_email(engine: Engine, settings: Settings, account: Account, current: str, email: str) -> None:
    """Mail a link to the new address, which is the account's once it was followed. An address that has an account gets
    nothing, and the asker does not learn of it. Raises Invalid, TooMany."""
    check_password(engine, account, current)
    limits.check(engine, "change_email", account.id)
    with transaction(engine) as session:
        row = service.by_id(session, account.id)
        if service.by_email(session, email) is None:
            code = links.issue(session, account.id, "email", email=email)
            letters.send(session, settings, row, "email", to=email, page=f"email/{code}")
        audit.note(session, account.id, "account.email_asked", account.id)


def new_email(session: Session, code: str) -> str:
    """The address that a link would make somebody's. Raises NotFound."""
    return str(links.look(session, code, "email").data["email"])


def confirm_email(engine: Engine, settings: Settings, code: str) -> str:
    """Make the new address the account's, and tell the old one. Returns a mark for the browser. Raises NotFound, and
    Conflict where somebody was faster."""
    with transaction(engine) as session:
        link = links.take(session, code, "email")
        row, email = service.by_id(session, link.account_id), str(link.data["email"])
        if service.by_email(session, email):
            raise Conflict(_TAKEN)
        letters.send(session, settings, row, "changed", what="email")
        row.email = email
        links.forget(session, row.id, *links.LIFETIMES)
        audit.note(session, row.id, "account.email", row.id)
    return guesses.new_mark(settings.secret_key, email)


def turn_on_second_factor(
    engine: Engine, settings: Settings, account: Account, current: str, key: str, code: str, browser: str
) -> tuple[list[str], str]:
    """Have the account use an authenticator app. All sessions end. Returns the recovery codes, and the token of a session
    that is strong. Raises Invalid, TooMany."""
    check_password(engine, account, current)
    with transaction(engine) as session:
        codes = second_factor.turn_on(session, account.id, key, code)
        letters.send(session, settings, service.by_id(session, account.id), "changed", what="second_factor_on")
        audit.note(session, account.id, "account.second_factor_on", account.id)
        return codes, _new_session(session, account, browser, strong=True)


def turn_off_second_factor(engine: Engine, settings: Settings, account: Account, current: str, browser: str) -> str:
    """Have the account use none. All sessions end. Returns the token of a new one, which is not strong. Raises Invalid,
    TooMany."""
    check_password(engine, account, current)
    with transaction(engine) as session:
        second_factor.turn_off(session, account.id)
        letters.send(session, settings, service.by_id(session, account.id), "changed", what="second_factor_off")
        audit.note(session, account.id, "account.second_factor_off", account.id)
        return _new_session(session, account, browser, strong=False)


def new_recovery_codes(engine: Engine, account: Account, current: str) -> list[str]:
    """Recovery codes in place of all older ones. Raises Invalid, TooMany."""
    check_password(engine, account, current)
    with transaction(engine) as session:
        audit.note(session, account.id, "account.recovery_codes", account.id)
        return second_factor.new_recovery_codes(session, account.id)


def end_session(session: Session, account: Account, session_id: str) -> None:
    """End one of one's own sessions."""
    sessions.end_session(session, account.id, session_id)
    audit.note(session, account.id, "account.session_end", account.id)


def end_other_sessions(session: Session, account: Account) -> None:
    """End all of one's own sessions but this one."""
    sessions.end_all(session, account.id, but=account.session_id)
    audit.note(session, account.id, "account.sessions_end", account.id)
