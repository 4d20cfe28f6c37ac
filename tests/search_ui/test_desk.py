"""The editorial desk in the browser: what is sent in is reviewed, changed, published by somebody else, and found."""

import re
from collections.abc import Iterator
from contextlib import closing
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from indexer import sync
from kb.db import transaction
from kb.editorial import comments, drafts, stages
from kb.editorial.tables import DraftRow
from kb.records import service as records
from schemas.accounts import Account
from schemas.language import LANGUAGES
from tests.people import browser_of, person
from tests.search_ui.own_site import OwnSite, own_site

NEWS = {
    "type": "news",
    "language": "en",
    "title": {"en": "Trams come back to the harbour", "es": "Vuelve el tranvía"},
    "summary": {"en": "After sixty years trams run along the quays again."},
    "date": "2026-04-30",
}
CITY = {
    "type": "city", "id": "city-cadiz", "language": "es", "status": "published", "title": {"es": "Cádiz", "en": "Cadiz"},
    "place": {"country": "ES", "coordinates": {"lat": 36.5, "lon": -6.3}},
}  # fmt: skip


class Desk:
    """The site with an author and two editors, each in a browser."""

    def __init__(self, site: OwnSite) -> None:
        self.site, self.app = site, site.app
        self.engine = site.app.state.engine  # type: ignore[attr-defined]
        self.ana = person(self.engine, "ana@example.org", language="es")
        self.eve = person(self.engine, "eve@example.org", "editor")
        self.ben = person(self.engine, "ben@example.org", "editor", language="fr")

    def browser(self, account: Account) -> TestClient:
        return browser_of(self.app, account)  # type: ignore[arg-type]

    def sent_in(self, value: dict[str, Any] = NEWS, by: Account | None = None) -> str:
        """The id of a draft that waits at the desk."""
        author = by or self.ana
        with transaction(self.engine) as session:
            draft = drafts.start(session, author, value["type"], value["language"])
            drafts.save(session, author, draft.id, value, 1)
            stages.move(session, author, draft, "submitted")
            return draft.id

    def draft(self, draft_id: str) -> DraftRow:
        with transaction(self.engine, readonly=True) as session:
            return session.get_one(DraftRow, draft_id)

    def decide(self, who: TestClient, draft_id: str, to: str, **more: str) -> Any:
        return who.post(
            f"/en/desk/drafts/{draft_id}/move", data={"to": to, "version": self.draft(draft_id).version, **more}
        )

    def index(self) -> None:
        search = self.app.state.search  # type: ignore[attr-defined]
        with closing(search.open_cache()) as cache:
            sync.drain(self.engine, search.engine, cache)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with own_site(tmp_path, [CITY]) as site:
        yield Desk(site)


def text_of(answer: Any) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer.text)))


def test_what_is_sent_in_is_reviewed_changed_published_by_another_and_found(desk: Desk) -> None:
    draft_id = desk.sent_in()
    ana, eve = desk.browser(desk.ana), desk.browser(desk.eve)
    assert "Trams come back" in eve.get("/en/desk").text
    assert desk.decide(eve, draft_id, "in_review").status_code == 303
    said = {"do": "add", "field": "summary", "text": "Say how long the line is.", "request": "yes", "back": "desk"}
    answer = eve.post(f"/en/comments/{draft_id}", data=said)
    assert answer.headers["location"] == f"/en/desk/drafts/{draft_id}?done=saved#field-summary"
    assert "A change is asked for" in text_of(eve.get(f"/en/desk/drafts/{draft_id}"))
    assert desk.decide(eve, draft_id, "changes_requested", reason="Nearly there.").status_code == 303

    theirs = text_of(ana.get(f"/es/comments/{draft_id}"))
    assert "Say how long the line is." in theirs
    assert "Nearly there." in theirs
    with transaction(desk.engine) as session:
        draft = drafts.get(session, desk.ana, draft_id)
        drafts.save(session, desk.ana, draft_id, NEWS | {"summary": {"en": "Five kilometres of quays."}}, draft.version)
        waiting = comments.waiting(session, draft_id)[0].comment.id
    answered = ana.post(f"/es/comments/{draft_id}", data={"do": "answer", "comment": waiting, "text": "Done."})
    assert answered.status_code == 303
    with transaction(desk.engine) as session:
        stages.move(session, desk.ana, drafts.get(session, desk.ana, draft_id), "submitted")

    assert desk.decide(eve, draft_id, "in_review").status_code == 303
    assert desk.decide(eve, draft_id, "published").status_code == 303
    desk.index()
    found = desk.site.get("/api/v1/search?q=quays&lang=en").json()["results"]
    assert [each["id"] for each in found] == ["trams-come-back-to-the-harbour"]
    page = desk.site.get("/en/news/trams-come-back-to-the-harbour")
    assert page.status_code == 200
    assert "/edit" not in page.text
    assert "/edit" in ana.get("/en/news/trams-come-back-to-the-harbour").text, "it is hers now"
    moved = ana.post("/en/desk/records/trams-come-back-to-the-harbour/edit")
    assert moved.headers["location"].startswith("/en/drafts/")


def test_an_editor_s_own_text_needs_another_editor(desk: Desk) -> None:
    draft_id = desk.sent_in(by=desk.eve)
    eve, ben = desk.browser(desk.eve), desk.browser(desk.ben)
    desk.decide(eve, draft_id, "in_review")
    page = text_of(eve.get(f"/en/desk/drafts/{draft_id}"))
    assert "Four eyes" in page
    assert "Publish now" not in page
    refused = desk.decide(eve, draft_id, "published")
    assert refused.status_code == 403
    assert "Four eyes" in text_of(refused)
    assert desk.decide(ben, draft_id, "published").status_code == 303


def test_a_refused_decision_keeps_what_was_typed_and_says_what_is_wrong_at_the_field(desk: Desk) -> None:
    draft_id = desk.sent_in()
    eve = desk.browser(desk.eve)
    desk.decide(eve, draft_id, "in_review")
    answer = desk.decide(eve, draft_id, "declined", reason="")
    assert answer.status_code == 422
    assert 'id="f-reason-problem"' in answer.text
    answer = desk.decide(eve, draft_id, "scheduled", publish_at="2001-01-01T10:00")
    assert answer.status_code == 422
    assert 'value="2001-01-01T10:00"' in answer.text
    assert "still to come" in text_of(answer)
    old = eve.post(
        f"/en/desk/drafts/{draft_id}/move", data={"to": "declined", "version": 1, "reason": "Not about a city."}
    )
    assert old.status_code == 409
    assert "Not about a city." in old.text
    too_short = eve.post(f"/en/comments/{draft_id}", data={"do": "add", "field": "summary", "back": "desk"})
    assert too_short.status_code == 422
    assert 'id="f-comment-summary-problem"' in too_short.text


def test_what_is_missing_is_listed_and_keeps_it_from_being_published(desk: Desk) -> None:
    draft_id = desk.sent_in(
        {"type": "case_study", "language": "en", "title": {"en": "Trams"}, "problem": {"en": "Noise"}}
    )
    eve = desk.browser(desk.eve)
    desk.decide(eve, draft_id, "in_review")
    page = eve.get(f"/en/desk/drafts/{draft_id}")
    assert 'href="#field-summary">Summary</a>' in page.text
    assert "Something is missing or wrong" in text_of(page)
    assert desk.decide(eve, draft_id, "published").status_code == 422


def test_a_change_of_a_record_is_shown_word_by_word(desk: Desk) -> None:
    desk.site.save(NEWS | {"id": "trams", "status": "published"})
    with transaction(desk.engine) as session:
        draft = drafts.start_from(session, desk.eve, "trams")
        changed = draft.data | {"summary": {"en": "After seventy years trams run along the quays again."}}
        drafts.save(session, desk.eve, draft.id, changed, draft.version)
        stages.move(session, desk.eve, draft, "submitted")
        draft_id = draft.id
    page = desk.browser(desk.ben).get(f"/en/desk/drafts/{draft_id}").text
    assert re.search(r"<del>.*sixty", page)
    assert re.search(r"<ins>.*seventy", page)


def test_two_versions_are_merged_field_by_field_and_somebody_else_publishes_them(desk: Desk) -> None:
    desk.site.save(NEWS | {"id": "trams", "status": "published"})
    with transaction(desk.engine) as session:
        draft = drafts.start_from(session, desk.eve, "trams")
        mine = draft.data | {"summary": {"en": "Mine."}, "date": "2026-05-01"}
        drafts.save(session, desk.eve, draft.id, mine, draft.version)
        stages.move(session, desk.eve, draft, "submitted")
        draft_id = draft.id
    desk.site.save(NEWS | {"id": "trams", "status": "published", "summary": {"en": "Theirs."}, "body": {"en": "More."}})
    eve, ben = desk.browser(desk.eve), desk.browser(desk.ben)
    desk.decide(ben, draft_id, "in_review")
    assert desk.decide(ben, draft_id, "published").status_code == 409
    assert f"/desk/drafts/{draft_id}/merge" in ben.get(f"/en/desk/drafts/{draft_id}").text
    page = ben.get(f"/en/desk/drafts/{draft_id}/merge")
    assert "Mine." in page.text
    assert "Theirs." in page.text
    seen = {"version": desk.draft(draft_id).version, "revision": 2}
    undecided = ben.post(f"/en/desk/drafts/{draft_id}/merge", data=seen)
    assert undecided.status_code == 422
    assert "Choose one version" in text_of(undecided)
    assert ben.post(f"/en/desk/drafts/{draft_id}/merge", data=seen | {"field.summary.en": "theirs"}).status_code == 303
    assert desk.decide(ben, draft_id, "published").status_code == 403, "he merged them"
    assert desk.decide(eve, draft_id, "published").status_code == 403, "it is hers"
    third = desk.browser(person(desk.engine, "ada@example.org", "editor"))
    assert desk.decide(third, draft_id, "published").status_code == 303
    with transaction(desk.engine, readonly=True) as session:
        value = records.stored_values(session, ["trams"])["trams"]
    assert (value["summary"], value["date"], value["body"]) == ({"en": "Theirs."}, "2026-05-01", {"en": "More."})


def test_several_at_once_are_shown_before_and_each_refusal_after(desk: Desk) -> None:
    first, second = desk.sent_in(), desk.sent_in(by=desk.eve)
    eve = desk.browser(desk.eve)
    for draft_id in (first, second):
        desk.decide(eve, draft_id, "in_review")
    before = eve.get(f"/en/desk/bulk?action=publish&draft={first}&draft={second}")
    assert "1 text will be published at once" in text_of(before)
    assert "1 text stays as it is" in text_of(before)
    seen = [f"{draft_id}:{desk.draft(draft_id).version}" for draft_id in (first, second)]
    after = eve.post("/en/desk/bulk", data={"action": "publish", "draft": seen})
    assert after.status_code == 422
    assert "Four eyes" in text_of(after)
    assert [desk.draft(draft_id).stage for draft_id in (first, second)] == ["published", "in_review"]
    given = {"action": "assign", "draft": seen[1:], "assignee": desk.ben.id, "due_on": "2020-01-01"}
    assert eve.post("/en/desk/bulk", data=given).status_code == 303
    assert "overdue since 1 January 2020" in text_of(eve.get("/en/desk?view=overdue"))
    refused = eve.post("/en/desk/bulk", data=given | {"assignee": desk.ana.id})
    assert "Choose somebody of the editorial team" in text_of(refused)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_queue_is_narrowed_and_sorted(desk: Desk, language: str) -> None:
    desk.sent_in()
    desk.sent_in(
        {"type": "news", "language": "es", "title": {"es": "Aguas"}, "links": [{"rel": "city", "to": "city-cadiz"}]}
    )
    eve = desk.browser(desk.eve)

    def titles(query: str) -> list[str]:
        page = eve.get(f"/{language}/desk?{query}").text
        return re.findall(r'<a id="title-\w+"[^>]*>(?:<span[^>]*>)?([^<]+)', page)

    own = "Vuelve el tranvía" if language == "es" else "Trams come back to the harbour"
    assert titles("") == [own, "Aguas"]
    assert titles("language=es") == titles("city=city-cadiz") == ["Aguas"]
    assert titles("sort=title&assignee=nobody") == sorted([own, "Aguas"])
    assert titles("age=7") == titles("view=mine") == []
    assert titles("sort=nonsense&view=nonsense&page=999&type=news") == [own, "Aguas"]


def test_readers_page_is_shown_before_there_is_one(desk: Desk) -> None:
    draft_id = desk.sent_in()
    page = desk.browser(desk.eve).get(f"/en/desk/drafts/{draft_id}/preview")
    assert page.status_code == 200
    assert "After sixty years trams run" in page.text
    assert "It is not published yet" in text_of(page)


def test_a_record_is_verified_withdrawn_with_a_reason_and_put_back(desk: Desk) -> None:
    eve, here = desk.browser(desk.eve), "/en/desk/records/city-cadiz"
    assert "Never verified" in text_of(eve.get("/en/desk/records?light=never"))
    assert (
        eve.post(f"{here}/verify", data={"revision": 1, "back": "list"}).headers["location"]
        == "/en/desk/records?done=saved"
    )
    assert "Cadiz" not in text_of(eve.get("/en/desk/records?light=never"))
    assert "Cadiz" in text_of(eve.get("/en/desk/records?light=good&words=cadi"))
    assert eve.post(f"{here}/verify", data={"revision": 1}).status_code == 409
    refused = eve.post(f"{here}/status", data={"to": "withdrawn", "reason": " ", "revision": 2})
    assert refused.status_code == 422
    assert 'id="f-reason-problem"' in refused.text
    assert eve.post(f"{here}/status", data={"to": "withdrawn", "reason": "Twice.", "revision": 2}).status_code == 303
    assert desk.site.get("/en/cities/city-cadiz").status_code == 404
    assert "Cadiz" in text_of(eve.get("/en/desk/records?status=withdrawn"))
    assert eve.post(f"{here}/status", data={"to": "published", "reason": "No.", "revision": 3}).status_code == 303
    assert desk.site.get("/en/cities/city-cadiz").status_code == 200
    assert eve.post(f"{here}/feature").status_code == 303
    assert "on the first page" in text_of(eve.get("/en/desk/records"))


@pytest.mark.parametrize("path", ["desk", "desk/records", "desk/bulk", "desk/records/city-cadiz", "desk/drafts/{}"])
def test_promise_15_the_desk_is_for_staff(desk: Desk, path: str) -> None:
    ana = desk.browser(desk.ana)
    assert ana.get(f"/en/{path.format(desk.sent_in())}").status_code == 403
    weak = browser_of(desk.app, desk.eve, strong=False)  # type: ignore[arg-type]
    assert weak.get(f"/en/{path}").headers["location"].startswith("/en/second-factor?")


def test_promise_15_nobody_reads_or_writes_comments_on_a_draft_of_others(desk: Desk) -> None:
    draft_id = desk.sent_in()
    other = desk.browser(person(desk.engine, "mia@example.org"))
    assert other.get(f"/en/comments/{draft_id}").status_code == 404
    assert other.post(f"/en/comments/{draft_id}", data={"do": "add", "text": "x"}).status_code == 404
    ana = desk.browser(desk.ana)
    asks = ana.post(f"/en/comments/{draft_id}", data={"do": "add", "text": "x", "request": "yes"})
    assert asks.status_code == 403
    assert other.post("/en/desk/records/city-cadiz/edit").status_code == 403
