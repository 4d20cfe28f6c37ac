"""The ways in: sign up, sign in, the second step, a forgotten password. Each function has transactions of its own, since a
try counts even where it fails, and a password is hashed while no other writer waits.

Who asks for an address that has an account learns no more than who asks for one that has none.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from kb.accounts import guesses, letters, links, passwords, second_factor, service, sessions
from kb.accounts.guesses import Asker
from kb.accounts.secrets import hash_password, is_password
from kb.accounts.tables import AccountRow
from kb.audit import service as audit
from kb.db import transaction
from kb.errors import Invalid, TooMany
from kb.limits import service as limits
from kb.settings import Settings
from kb.site import service as sites
from schemas.accounts import Account
from schemas.language import Language
from schemas.messages import N_

#: Seconds that a request takes at least whose work depends on whether there is an account.
_AT_LEAST: Final = 0.3
_NO_ENTRY: Final[dict[str, str]] = {
    "waiting": N_("Your account waits for the editorial team. You get a mail as soon as it is open."),
    "closed": N_("This account was closed. Write to the editorial team if you think that it should not be."),
}


@dataclass(frozen=True)
class Entered:
    """A session that was opened: what the browser is to keep, and whether the second step is still to come."""

    token: str
    mark: str = ""
    half: bool = False


def sign_up(engine: Engine, settings: Settings, email: str, name: str, language: Language, asker: Asker) -> None:
    """Mail a link that makes an account, or the news that there is one. Raises TooMany."""
    limits.check(engine, "sign_up", asker.network)
    with _same_time():
        try:
            _sign_up(engine, settings, email, name, language)
        except IntegrityError:  # the same address at the same moment
            _sign_up(engine, settings, email, name, language)


def _sign_up(engine: Engine, settings: Settings, email: str, name: str, language: Language) -> None:
    with transaction(engine) as session:
        row = service.by_email(session, email)
        if row is None:
            row = service.create(session, email, name, "", language)
            audit.note(session, row.id, "account.sign_up", row.id)
        if not _may_mail(session, email) or row.state == "closed":
            return
        if row.state == "unconfirmed":
            letters.with_link(session, settings, row, "confirm")
        else:
            letters.send(session, settings, row, "known")


def ask_for_reset(engine: Engine, settings: Settings, email: str, asker: Asker) -> None:
    """Mail a link with which a new password is chosen, where there is an account. Raises TooMany."""
    limits.check(engine, "reset", asker.network)
    with _same_time(), transaction(engine) as session:
        row = service.by_email(session, email)
        if _may_mail(session, email) and row and row.state != "closed":
            letters.with_link(session, settings, row, "reset")


def _may_mail(session: Session, email: str) -> bool:
    """Whether this mailbox did not get too many; the last link in it still works."""
    try:
        limits.check(session, "account_mail", email)
    except TooMany:
        return False
    return True


@contextmanager
def _same_time() -> Iterator[None]:
    """Take as long for an address that has an account as for one that has none."""
    begun = time.monotonic()
    yield
    time.sleep(max(0.0, _AT_LEAST - (time.monotonic() - begun)))


def choose_password(engine: Engine, settings: Settings, code: str, password: str) -> tuple[str, str]:
    """Set the password of the account whose link this is; the first time, that confirms the address. Returns the account's
    state and a mark for the browser. Raises NotFound for a link that does not work, Invalid for a password."""
    with transaction(engine, readonly=True) as session:
        row = service.by_id(session, links.look(session, code, *links.FOR_PASSWORD).account_id)
    passwords.check(password, row.email, settings.site_name)
    hashed = hash_password(password)
    with transaction(engine) as session:
        link = links.take(session, code, *links.FOR_PASSWORD)
        row = service.by_id(session, link.account_id)
        row.password = hashed
        links.forget(session, row.id, *links.FOR_PASSWORD)
        sessions.end_all(session, row.id)
        if row.state == "unconfirmed":
            _confirm(session, settings, row, invited=link.purpose == "invite")
        else:
            letters.send(session, settings, row, "changed", what="password")
            audit.note(session, row.id, "account.password", row.id)
    return row.state, guesses.new_mark(settings.secret_key, row.email)


def _confirm(session: Session, settings: Settings, row: AccountRow, *, invited: bool) -> None:
    row.state = "waiting" if sites.read(session).activation and not invited else "active"
    audit.note(session, row.id, "account.confirm", row.id)
    if row.state == "waiting":
        for administrator in service.with_role(session, "administrator"):
            letters.send(session, settings, administrator, "waiting", page="admin")


def sign_in(engine: Engine, settings: Settings, email: str, password: str, asker: Asker, old: str = "") -> Entered:
    """Open a session; ``old`` is the browser's cookie until now, whose session ends. Raises Invalid, TooMany."""
    email = service.normal(email)
    guesses.count(engine, settings.secret_key, "sign_in", asker, email)
    with transaction(engine, readonly=True) as session:
        row = service.by_email(session, email)
    right = is_password(row.password if row else None, password)
    if row is None or not right:
        with transaction(engine, always=True) as session:
            audit.note(session, "", "account.sign_in_failed", row.id if row else "")
        raise Invalid(N_("E-mail address or password is not right."))
    if reason := _NO_ENTRY.get(row.state):
        raise Invalid(reason)
    with transaction(engine, always=True) as session:
        guesses.give_back(session, settings.secret_key, "sign_in", asker, email)
        sessions.end_this(session, old)
        token = sessions.open_session(session, row.id, asker.browser, strong=False)
        if row.totp_key:
            return Entered(token, half=True)
        audit.note(session, row.id, "account.sign_in", row.id)
    return Entered(token, guesses.new_mark(settings.secret_key, email))


def second_step(engine: Engine, settings: Settings, account: Account, code: str, asker: Asker) -> Entered:
    """Make a session that was half opened a whole one, by a code of the app or a recovery code. Raises Invalid, TooMany."""
    guesses.count(engine, settings.secret_key, "second_factor", asker, account.email)
    with transaction(engine, always=True) as session:
        right = second_factor.use(session, account.id, code)
        audit.note(session, account.id, "account.sign_in" if right else "account.second_factor_failed", account.id)
        if right:
            guesses.give_back(session, settings.secret_key, "second_factor", asker, account.email)
            sessions.end_session(session, account.id, account.session_id)
            token = sessions.open_session(session, account.id, asker.browser, strong=True)
    if not right:
        raise Invalid(second_factor.WRONG_CODE, field="code")
    return Entered(token, guesses.new_mark(settings.secret_key, account.email))
