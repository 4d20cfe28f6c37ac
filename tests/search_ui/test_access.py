"""Who may go where: every route of the application, every role, and those whose thing it is (access.tsv).

A route that has no row fails, and so does one whose row says something else than the route itself.
"""

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from sqlalchemy import select
from starlette.responses import Response
from starlette.testclient import TestClient

from kb.accounts.secrets import new_id
from kb.db import transaction
from kb.editorial import drafts
from kb.editorial.tables import CoAuthorRow, DraftRow, OwnerRow
from kb.messages.tables import ThreadRow
from schemas.accounts import ROLES, TABLE, Account
from search_ui.identity import Needs
from tests.every_route import routes
from tests.people import OWN, browser_of, person
from tests.search_ui.own_site import prepared_in

CASE = {"type": "case_study", "id": "trams", "language": "en", "title": {"en": "Trams"}, "status": "published"}
#: What stands for a parameter of a path: nothing that is there, unless the test puts it there.
NOWHERE = {
    "lang:language": "en", "segment:segment": "case-studies", "target:language": "fr", "step_name": "basics",
    "record_id": "nothing", "type": "case_study", "ending": "csv", "topic": "housing", "theme": "care", "code": "5",
    "version": "1",
}  # fmt: skip


class Row(NamedTuple):
    """A line of access.tsv."""

    needs: str
    methods: list[str]
    path: str
    whose: str


def rows() -> list[Row]:
    with Path(__file__).with_name("access.tsv").open(encoding="utf-8") as file:
        lines = list(csv.reader(file, delimiter="\t"))[1:]
    return [Row(needs, methods.split(), path, whose) for needs, methods, path, whose in lines]


GUARDED = [row for row in rows() if row.needs != "everybody"]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    app = prepared_in(tmp_path_factory.mktemp("access"), CASE)
    with TestClient(app):
        yield app


def _needs(dependant: Dependant) -> Iterator[str]:
    for each in dependant.dependencies:
        if isinstance(each.call, Needs):
            yield each.call.permission or "account"
        yield from _needs(each)


def test_promise_15_every_route_has_its_row_and_needs_what_the_row_says(app: FastAPI) -> None:
    declared = {
        (method, route.path): next(_needs(route.dependant), "everybody")
        for route in routes(app)
        for method in route.methods - {"HEAD"}
    }
    assert declared == {(method, row.path): row.needs for row in rows() for method in row.methods}


def address(path: str, **there: str) -> str:
    """The path with something in the place of each parameter."""
    return re.sub(r"{([^}]+)}", lambda found: (NOWHERE | there).get(found[1]) or new_id(), path)


def asked(app: FastAPI, row: Row, account: Account | None, *, strong: bool = True, **there: str) -> dict[str, Response]:
    """The answer to each of the row's methods, with an empty form, in a browser of this person; each in a session of its
    own, for some of them end it."""
    found = {}
    for method in row.methods:
        browser = (
            browser_of(app, account, strong=strong)
            if account
            else TestClient(app, follow_redirects=False, raise_server_exceptions=False, headers=OWN)
        )
        found[method] = browser.request(method, address(row.path, **there))
    return found


def led_to(answer: Response) -> str:
    return answer.headers.get("location", "").split("?")[0]


@pytest.mark.parametrize("row", GUARDED, ids=lambda row: row.path)
def test_promise_15_without_an_account_one_is_led_to_sign_in(app: FastAPI, row: Row) -> None:
    for method, answer in asked(app, row, None).items():
        if method == "GET" and not row.path.startswith("/api/"):
            assert led_to(answer) == "/en/sign-in"
        else:
            assert answer.status_code == 401


@pytest.mark.parametrize("role", ROLES)
def test_promise_15_each_role_may_what_the_table_says_and_nothing_else(app: FastAPI, role: str) -> None:
    someone = person(app.state.engine, f"{role}@example.org", role)  # type: ignore[arg-type]
    for row in GUARDED:
        allowed = row.needs == "account" or role in TABLE[row.needs]  # type: ignore[index]
        if row.path.endswith("/read-only") and allowed:
            continue  # tests/search_ui/test_read_only.py
        for method, answer in asked(app, row, someone).items():
            if not allowed:
                assert answer.status_code == 403, f"{role} {method} {row.path}"
            elif row.needs != "account":
                assert led_to(answer) not in ("/en/sign-in", "/en/second-factor"), f"{role} {method} {row.path}"
                assert answer.status_code not in (401, 403, 500), f"{role} {method} {row.path} {answer.status_code}"
            assert answer.status_code < 500, f"{role} {method} {row.path}"


@pytest.mark.parametrize("role", ["editor", "administrator"])
def test_promise_15_a_role_that_needs_a_second_factor_counts_only_with_it(app: FastAPI, role: str) -> None:
    someone = person(app.state.engine, f"weak-{role}@example.org", role)  # type: ignore[arg-type]
    for row in GUARDED:
        if row.needs != "account" and "member" not in TABLE[row.needs] and role in TABLE[row.needs]:  # type: ignore[index]
            for method, answer in asked(app, row, someone, strong=False).items():
                if method == "GET" and not row.path.startswith("/api/"):
                    assert led_to(answer) == "/en/second-factor", f"{role} {row.path}"
                else:
                    assert answer.status_code == 401, f"{role} {method} {row.path}"


# Whose it is


@pytest.fixture(scope="module")
def people(app: FastAPI) -> dict[str, Account]:
    engine = app.state.engine
    made = {name: person(engine, f"{name}@example.net") for name in ("owner", "coauthor", "stranger", "other")}
    return made | {name: person(engine, f"{name}@example.net", name) for name in ("editor", "translator")}  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def things(app: FastAPI, people: dict[str, Account]) -> dict[str, dict[str, str]]:
    """A draft, a conversation and a record, with the path's parameter that names each."""
    owner = people["owner"]
    with transaction(app.state.engine) as session:
        draft = drafts.start(session, owner, "case_study", "en")
        session.add(CoAuthorRow(draft_id=draft.id, account_id=people["coauthor"].id))
        session.add(OwnerRow(record_id="trams", account_id=owner.id))
        session.flush()
        draft_id = draft.id
    asking = browser_of(app, people["other"])
    form = {"record": "trams", "subject": "A question", "text": "How many passengers?"}
    assert asking.post("/en/messages/new", data=form).status_code == 303
    with transaction(app.state.engine, readonly=True) as session:
        thread_id = session.scalars(select(ThreadRow.id)).one()
    return {"draft": {"draft_id": draft_id}, "thread": {"thread_id:id": thread_id}, "record": {"record_id": "trams"}}


#: Who may come to a thing, besides those whom the row's permission keeps out: a draft is its authors' and the editors', a
#: conversation that of its two sides alone, a record's past its owners' and the editors'.
MAY = {
    "draft": {"owner", "coauthor", "editor"},
    "thread": {"owner", "other"},
    "record": {"owner", "editor"},
}


@pytest.mark.parametrize("row", [row for row in GUARDED if row.whose], ids=lambda row: row.path)
def test_promise_15_what_is_somebody_s_is_open_to_them_alone(
    app: FastAPI, row: Row, people: dict[str, Account], things: dict[str, dict[str, str]]
) -> None:
    before = _draft(app, things)
    for name, account in people.items():
        if name in MAY[row.whose]:
            continue
        for method, answer in asked(app, row, account, **things[row.whose]).items():
            # 422: what was sent is looked at before whose thing it is about, and says nothing of that.
            assert answer.status_code in (403, 404, 422), f"{name} {method} {row.path}"
    assert _draft(app, things) == before
    if "GET" in row.methods and not row.path.endswith("/merge"):  # there is nothing to merge
        for name in MAY[row.whose]:
            answer = asked(app, row._replace(methods=["GET"]), people[name], **things[row.whose])["GET"]
            kept_out = row.needs == "review" and name != "editor"
            open_to = answer.status_code not in (401, 403, 404) and answer.status_code < 500
            assert open_to != kept_out, f"{name} {row.path} {answer.status_code}"


def _draft(app: FastAPI, things: dict[str, dict[str, str]]) -> object:
    with transaction(app.state.engine, readonly=True) as session:
        draft = session.get_one(DraftRow, things["draft"]["draft_id"])
        return draft.stage, draft.version, draft.data
