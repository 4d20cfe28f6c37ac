"""People for the tests: accounts of any role, and browsers that are signed in. ``from tests.people import browser_of``."""

import re
import time
from collections.abc import Sequence
from email import message_from_bytes, policy
from pathlib import Path
from urllib.parse import urlsplit

from fastapi import FastAPI
from sqlalchemy import Engine, select
from starlette.testclient import TestClient

from kb.accounts import service as accounts
from kb.accounts.sessions import account_of, open_session
from kb.db import transaction, utcnow
from kb.mail import service as mail
from kb.mail.tables import MailRow
from kb.settings import Settings
from schemas.accounts import Account, Role
from schemas.language import Language
from search_ui.identity import cookie_name

PASSWORD = "correct horse battery staple"
#: What a browser sends with a form of our own page.
OWN = {"sec-fetch-site": "same-origin"}


def person(
    engine: Engine, email: str, *roles: Role, language: Language = "en", organisation: str = "", state: str = "active"
) -> Account:
    """An account with these roles, as a session with a second factor sees it."""
    with transaction(engine) as session:
        row = accounts.by_email(session, email)
        row = row or accounts.create(session, email, email.split("@")[0].title(), PASSWORD, language, state=state)
        given: Sequence[tuple[Role, str]] = [
            (role, organisation if role == "contributor" else "") for role in roles if role != "member"
        ]
        accounts.set_roles(session, row.id, given)
        session.flush()
        found = account_of(session, row.id, strong=True)
    assert found
    return found


def browser_of(app: FastAPI, account: Account, *, strong: bool = True) -> TestClient:
    """A browser in which this person is signed in, for an app that runs. It does not follow redirects."""
    with transaction(app.state.engine) as session:
        token = open_session(session, account.id, "a test", strong=strong)
    client = TestClient(app, follow_redirects=False, raise_server_exceptions=False, headers=OWN)
    # With the place that the site's own cookie has, so that a new one takes its place.
    client.cookies.set(cookie_name(app.state.settings), token, domain="testserver.local", path="/")
    return client


def mails_to(settings: Settings, engine: Engine, recipient: str) -> list[str]:
    """The texts of all mails that this person got, the oldest first; what waits is sent, into the data folder."""
    end = time.monotonic() + 20
    while not mail.deliver(engine, settings) and _waiting(engine) and time.monotonic() < end:
        time.sleep(0.05)  # the site's own thread is about it
    found = [message_from_bytes(file.read_bytes(), policy=policy.default) for file in _mail_files(settings)]
    return [message.get_content() for message in found if message["To"] == recipient]


def _waiting(engine: Engine) -> bool:
    with transaction(engine, readonly=True) as session:
        return session.scalar(select(MailRow.id).where(MailRow.due_at <= utcnow()).limit(1)) is not None


def _mail_files(settings: Settings) -> list[Path]:
    return sorted((settings.data_dir / "mail").glob("*.eml"))


def path_in(text: str) -> str:
    """The path of the link in a mail."""
    found = re.search(r"https?://\S+", text)
    assert found, text
    return urlsplit(found[0]).path
