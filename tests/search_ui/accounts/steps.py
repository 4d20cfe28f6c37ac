"""What the tests of accounts do again and again."""

import re
from typing import Any

import pyotp
from fastapi import FastAPI
from sqlalchemy import select, update
from starlette.testclient import TestClient

from kb.accounts.tables import AccountRow
from kb.audit.tables import AuditRow
from kb.db import transaction
from kb.limits.tables import LimitRow
from tests.people import OWN, PASSWORD, mails_to, path_in

NEW = "a harbour full of red boats"


def browser_at(app: FastAPI, host: str = "192.0.2.1", headers: dict[str, str] = OWN) -> TestClient:
    return TestClient(app, follow_redirects=False, headers=headers, client=(host, 50000))


def sign_in(browser: TestClient, email: str = "ana@example.org", password: str = PASSWORD, **more: str) -> Any:
    return browser.post("/en/sign-in", data={"email": email, "password": password} | more)


def last_link(app: FastAPI, email: str) -> str:
    return path_in(mails_to(app.state.settings, app.state.engine, email)[-1])


def actions(app: FastAPI) -> list[str]:
    with transaction(app.state.engine, readonly=True) as session:
        return list(session.scalars(select(AuditRow.action).order_by(AuditRow.id)))


def forget_limits(app: FastAPI) -> None:
    with transaction(app.state.engine) as session:
        session.execute(update(LimitRow).values(ends_at=1))


def set_up(browser: TestClient, wanted: str = "") -> tuple[str, list[str], Any]:
    page = browser.get("/en/account/second-factor", params={"next": wanted} if wanted else None)
    key = re.search(r'name="key" value="(\w+)"', page.text)
    assert key
    data = {"key": key[1], "code": pyotp.TOTP(key[1]).now(), "current": PASSWORD, "next": wanted}
    done = browser.post("/en/account/second-factor", data=data)
    return key[1], re.findall(r'<li><code class="secret">([\w-]+)</code>', done.text), done


def later(app: FastAPI) -> None:
    """As if the codes that were used lay some steps back."""
    with transaction(app.state.engine) as session:
        session.execute(update(AccountRow).values(totp_step=AccountRow.totp_step - 3))


def permissions_of(app: FastAPI, token: str) -> Any:
    """What the API says that this token may do."""
    return browser_at(app, headers={"authorization": f"Bearer {token}"}).get("/api/v1/me").json()["permissions"]
