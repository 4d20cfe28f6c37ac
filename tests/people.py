"""People for the tests: accounts of any role, and browsers that are signed in. ``from tests.people import browser_of``."""

from collections.abc import Sequence

from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.testclient import TestClient

from kb.accounts import service as accounts
from kb.accounts.sessions import account_of, open_session
from kb.db import transaction
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
    client.cookies.set(cookie_name(app.state.settings), token)
    return client
