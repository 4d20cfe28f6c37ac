"""What holds for every route of access.tsv, whatever it does: it takes nothing from other sites, reading changes nothing,
and its answers have the headers that keep a page to itself. Asked as an administrator, whom no permission keeps out."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import select
from starlette.responses import Response
from starlette.testclient import TestClient

from kb.db import Base, load_tables, transaction
from kb.editorial import drafts
from kb.editorial.tables import DraftRow
from kb.messages.tables import ThreadRow
from kb.settings import Settings
from schemas.accounts import Account
from tests.every_route import changing
from tests.people import OWN, browser_of, person
from tests.search_ui.people_site import people_site, saved
from tests.search_ui.test_access import CASE, Row, address, rows
from tests.search_ui.test_app import check_headers

#: Who looked at what is noted, when a session was last used, and how often the API was asked.
MAY_CHANGE = {"audit", "account_sessions", "limits"}
READ = [row for row in rows() if "GET" in row.methods]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    """Without threads in the background, so that what changes was changed by the request."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("answers"), _env_file=None)  # type: ignore[call-arg]
    with people_site(settings) as app:
        saved(app, CASE)
        yield app


@pytest.fixture(scope="module")
def eve(app: FastAPI) -> Account:
    return person(app.state.engine, "eve@example.org", "administrator")


@pytest.fixture(scope="module")
def browser(app: FastAPI, eve: Account) -> TestClient:
    return browser_of(app, eve)


@pytest.fixture(scope="module")
def there(app: FastAPI, browser: TestClient, eve: Account) -> dict[str, str]:
    """The administrator's own draft, conversation and account, and a record, by the path's parameter that names each."""
    person(app.state.engine, "ed@example.org", "editor")
    with transaction(app.state.engine) as session:
        drafts.start(session, eve, "case_study", "en")
    form = {"record": "trams", "subject": "A question", "text": "How many passengers?"}
    assert browser.post("/en/messages/new", data=form).status_code == 303
    with transaction(app.state.engine, readonly=True) as session:
        draft_id = session.scalars(select(DraftRow.id)).one()
        thread_id = session.scalars(select(ThreadRow.id)).one()
    return {"draft_id": draft_id, "thread_id:id": thread_id, "record_id": "trams", "account_id": eve.id}


def _content(app: FastAPI) -> dict[str, list[str]]:
    """Every row of every table."""
    load_tables()
    with transaction(app.state.engine, readonly=True) as session:
        return {
            table.name: sorted(map(repr, session.execute(select(table)).all()))
            for table in Base.metadata.sorted_tables
            if table.name not in MAY_CHANGE
        }


@pytest.mark.parametrize("row", READ, ids=lambda row: row.path)
def test_promise_14_reading_changes_nothing(app: FastAPI, browser: TestClient, there: dict[str, str], row: Row) -> None:
    before: dict[str, Any] = _content(app)
    answer = browser.get(address(row.path, **there))
    assert answer.status_code < 500
    assert _content(app) == before


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "", "origin": "https://elsewhere.example"},
        {"sec-fetch-site": "", "origin": "null"},
        {"sec-fetch-site": ""},
    ],
    ids=str,
)
def test_promise_14_no_route_takes_a_change_from_another_site(
    app: FastAPI, browser: TestClient, there: dict[str, str], elsewhere: dict[str, str]
) -> None:
    before = _content(app)
    tried = [(method, address(path, **there)) for method, path in changing(app)]
    assert len(tried) > 70
    for method, path in tried:
        assert browser.request(method, path, headers=elsewhere).status_code == 403, f"{method} {path}"
    assert _content(app) == before


def test_promise_14_signing_in_is_refused_from_another_site_without_any_cookie_too(app: FastAPI) -> None:
    nobody = TestClient(app, follow_redirects=False, headers=OWN | {"sec-fetch-site": "cross-site"})
    for page in ("sign-in", "sign-up", "reset", "second-factor", "sign-out"):
        assert nobody.post(f"/en/{page}").status_code == 403


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.path)
def test_promise_23_every_answer_has_the_headers_says_its_characters_and_is_open_to_no_other_site(
    app: FastAPI, browser: TestClient, there: dict[str, str], row: Row
) -> None:
    for method in row.methods:
        here = {} if method == "GET" else {"sec-fetch-site": "cross-site"}  # else it would be done
        asks = {"origin": "https://elsewhere.example"} | here
        _check(browser.request(method, address(row.path, **there), headers=asks))
        nobody = TestClient(app, follow_redirects=False, raise_server_exceptions=False)
        _check(nobody.request(method, address(row.path), headers=asks))


def _check(answer: Response) -> None:
    check_headers(dict(answer.headers))
    assert not [name for name in answer.headers if name.startswith("access-control-")]
    kind = answer.headers.get("content-type", "")
    assert "charset=utf-8" in kind.lower() if kind.startswith("text/") else kind or not answer.content  # type: ignore[attr-defined]
