"""Every page that access.tsv knows, in each language, on a narrow screen, for somebody who may see it all: axe finds nothing, and
nothing is wider than the screen. A new page is looked at without being named here."""

import re
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser
from sqlalchemy import Engine, select

from kb.accounts.sessions import open_session
from kb.db import transaction
from kb.editorial import drafts
from kb.editorial.tables import OwnerRow
from kb.messages.tables import ThreadRow
from kb.tagging import decisions, disputes, samples
from schemas.accounts import Account
from schemas.language import LANGUAGES, Language
from schemas.readings import Doubt, SampleRule
from schemas.tagging import Decision
from tests.people import browser_of, person
from tests.search_ui.browser.accessible import faults
from tests.search_ui.browser.serving import serving
from tests.search_ui.own_site import prepared_in
from tests.search_ui.test_access import rows

CASE = {"type": "case_study", "id": "trams", "language": "en", "title": {"en": "Trams"}, "status": "published"}
#: What stands for a parameter where nothing was made for it.
PLAIN = {
    "segment:segment": "case-studies", "target:language": "fr", "step_name": "basics", "record_id": "trams",
    "topic": "housing", "theme": "care", "code": "5", "version": "1",
}  # fmt: skip


def paths() -> list[str]:
    """The paths of pages: what is read below a language."""
    return [row.path for row in rows() if "GET" in row.methods and row.path.startswith("/{lang:language}")]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    return prepared_in(tmp_path_factory.mktemp("every-page"), CASE)


@pytest.fixture(scope="module")
def served(app: FastAPI) -> Iterator[str]:
    with serving(app) as address:
        yield address


@pytest.fixture(scope="module")
def world(app: FastAPI, served: str) -> dict[str, str]:
    """Somebody with every role, a draft and a record of theirs, a conversation: parameters of paths, and the cookie."""
    engine = app.state.engine
    boss, ana = person(engine, "boss@example.org", "administrator", "editor"), person(engine, "ana@example.org")
    with transaction(engine) as session:
        session.add(OwnerRow(record_id="trams", account_id=boss.id))
        draft_id = drafts.start(session, boss, "case_study", "en").id
        token = open_session(session, boss.id, "a browser", strong=True)
    form = {"record": "trams", "subject": "A question", "text": "How many passengers?"}
    assert browser_of(app, ana).post("/en/messages/new", data=form).status_code == 303
    with transaction(engine, readonly=True) as session:
        thread_id = session.scalars(select(ThreadRow.id)).one()
    ids = {"draft_id": draft_id, "thread_id:id": thread_id, "account_id": ana.id, "token": "x", "cookie": token}
    return ids | _tags(engine, boss, ana)


def _tags(engine: Engine, boss: Account, ana: Account) -> dict[str, str]:
    """A tag that is disputed, and a sample that was drawn."""
    with transaction(engine) as session:
        decisions.decide(session, boss, "trams", Decision(kind="sdg", code="11", action="add", passage="Trams"))
        doubt = Doubt(kind="sdg", code="11", reason="It is about safety.", seen=2**31)
        dispute = disputes.dispute(session, ana, "trams", doubt)
        sample = samples.draw(session, boss, "Spring", SampleRule(size=1, seed=1))
        return {"dispute_id": str(dispute.id), "sample_id": str(sample.id)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_promise_25_everybody_can_use_every_page(
    browser: Browser, served: str, world: dict[str, str], language: Language
) -> None:
    context = browser.new_context(base_url=served, viewport={"width": 320, "height": 640}, reduced_motion="reduce")
    context.add_cookies([{"name": "session", "value": world["cookie"], "url": served}])
    page, looked_at, found = context.new_page(), 0, ""
    for path in paths():
        given = {"lang:language": language} | PLAIN | world
        address = re.sub(r"{([^}]+)}", lambda found: given.get(found[1], "0" * 32), path)  # noqa: B023
        answer = context.request.get(address, max_redirects=0)
        if not answer.headers.get("content-type", "").startswith("text/html"):
            continue
        assert answer.status < 500, address
        page.goto(address)
        looked_at += 1
        found += faults(page)
    context.close()
    assert looked_at > 70
    assert found == ""
