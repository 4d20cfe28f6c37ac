"""Writing together: invited by mail, joined by a link that works once."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from kb.db import transaction
from kb.editorial.tables import InvitationRow
from kb.mail.tables import MailRow
from schemas.language import LANGUAGES, Language
from tests.people import browser_of, person
from tests.search_ui.own_site import OwnSite, own_site
from tests.search_ui.test_drafts import begin, post


@pytest.fixture
def site(tmp_path: Path) -> Iterator[OwnSite]:
    with own_site(tmp_path, []) as site:
        yield site


@pytest.fixture
def ana(site: OwnSite) -> TestClient:
    return browser_of(site.app, person(site.app.state.engine, "ana@example.org"))  # type: ignore[attr-defined]


def mails(site: OwnSite) -> list[MailRow]:
    with transaction(site.app.state.engine) as session:  # type: ignore[attr-defined]
        return session.query(MailRow).order_by(MailRow.id).all()


def invited(site: OwnSite, browser: TestClient, draft: str, email: str) -> str:
    """The path of the link in the mail that was sent."""
    assert browser.post(f"{draft}/authors", data={"email": email}).status_code == 303
    found = re.search(r"https?://[^/\s]+(/\w\w/invitations/\S+)", mails(site)[-1].text)
    assert found
    return found[1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_is_invited_joins_by_a_link_in_their_language_that_works_once(
    site: OwnSite, ana: TestClient, language: Language
) -> None:
    draft = begin(ana, "news")
    bo = browser_of(site.app, person(site.app.state.engine, "bo@example.org", language=language))  # type: ignore[attr-defined]
    link = invited(site, ana, draft, "Bo@Example.org")
    assert link.startswith(f"/{language}/invitations/")
    assert bo.get(link).status_code == 200
    assert bo.get(f"{draft}/basics").status_code == 404
    assert bo.post(link).status_code == 303
    assert post(bo, f"{draft}/basics", title="Ours").status_code == 303
    assert bo.get(link).status_code == 404
    cy = browser_of(site.app, person(site.app.state.engine, "cy@example.org"))  # type: ignore[attr-defined]
    assert cy.post(link).status_code == 404


def test_who_has_no_account_learns_how_to_get_one_and_the_owner_learns_nothing_of_it(
    site: OwnSite, ana: TestClient
) -> None:
    draft = begin(ana, "news")
    person(site.app.state.engine, "bo@example.org")  # type: ignore[attr-defined]
    link = invited(site, ana, draft, "new@example.org")
    known = ana.post(f"{draft}/authors", data={"email": "bo@example.org"})
    assert known.headers["location"] == f"{draft}/authors?done=invited"
    page = TestClient(site.app).get(link)
    assert page.status_code == 200
    assert "/en/sign-up?next=" in page.text
    assert page.headers["referrer-policy"] == "no-referrer"
    assert TestClient(site.app, follow_redirects=False).post(link).status_code == 401


def test_an_address_that_is_none_is_refused_at_its_field(site: OwnSite, ana: TestClient) -> None:
    draft = begin(ana, "news")
    answer = ana.post(f"{draft}/authors", data={"email": "bo at example"})
    assert answer.status_code == 422
    assert 'value="bo at example"' in answer.text
    assert 'id="f-email-problem"' in answer.text
    assert mails(site) == []


def test_an_invitation_can_be_taken_back_and_an_author_removed_or_leave(site: OwnSite, ana: TestClient) -> None:
    draft = begin(ana, "news")
    engine = site.app.state.engine  # type: ignore[attr-defined]
    account = person(engine, "bo@example.org")
    bo, link = browser_of(site.app, account), invited(site, ana, draft, "bo@example.org")
    with transaction(engine) as session:
        [row] = session.query(InvitationRow).all()
    ana.post(f"{draft}/authors/remove", data={"invitation": row.id})
    assert bo.post(link).status_code == 404
    bo.post(invited(site, ana, draft, "bo@example.org"))
    assert bo.post(f"{draft}/authors", data={"email": "cy@example.org"}).status_code == 403
    ana.post(f"{draft}/authors/remove", data={"author": account.id})
    assert bo.get(f"{draft}/basics").status_code == 404
    bo.post(invited(site, ana, draft, "bo@example.org"))
    assert bo.post(f"{draft}/authors/remove", data={"author": account.id}).headers["location"] == "/en/drafts?done=left"
    assert bo.get(f"{draft}/basics").status_code == 404


def test_no_more_than_ten_wait_at_once(site: OwnSite, ana: TestClient) -> None:
    draft = begin(ana, "news")
    answers = [ana.post(f"{draft}/authors", data={"email": f"p{n}@example.org"}).status_code for n in range(11)]
    assert answers == [303] * 10 + [422]
