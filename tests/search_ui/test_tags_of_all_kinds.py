"""Experts, initiatives, publications and events are tagged as cases are: read, suggested, decided, shown, found. And experts
keep the last word on their own profile."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient

from indexer.tagging.sections import reading_of
from kb.db import transaction
from kb.records import service as records
from kb.records.urls import record_path
from kb.tagging import cases, decisions, suggestions
from schemas.accounts import Account
from schemas.language import LANGUAGES
from schemas.records import parse
from schemas.tagging import Decision, Evidence
from schemas.tags import Gender
from tests.experts import CASE, CITY, expert
from tests.kb.tagging.said import said
from tests.people import browser_of, person
from tests.search_ui.own_site import OwnSite, own_site

PASSAGE = "Night buses take women home safely."
PUBLISHED: dict[str, Any] = {"language": "en", "status": "published", "summary": {"en": f"{PASSAGE} And more."}}
RECORDS: dict[str, dict[str, Any]] = {
    "expert": expert(summary=PUBLISHED["summary"]),
    "initiative": PUBLISHED | {"type": "initiative", "id": "night-lines", "title": {"en": "Night lines"}},
    "publication": PUBLISHED | {"type": "publication", "id": "night-paper", "title": {"en": "A paper on the night"}},
    "event": PUBLISHED
    | {"type": "event", "id": "night-day", "title": {"en": "A day on the night"}, "start": "2026-05-04"},
}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[OwnSite]:
    with own_site(tmp_path / "site", [CITY, CASE, *RECORDS.values()]) as site:
        yield site


def _engine(site: OwnSite) -> Engine:
    found: Engine = site.app.state.engine  # type: ignore[attr-defined]
    return found


def _suggest(site: OwnSite, record_id: str, passage: str = PASSAGE) -> None:
    """As the tagger would: on the text that it is given."""
    with transaction(_engine(site)) as session:
        reading = reading_of(records.get(session, record_id).record)
        start = reading.text.index(passage)
        found = Evidence(passage=passage, start=start, end=start + len(passage), terms=[])
        kept = said({"5": 0.9, "11": 0.7}, {"mobility": 0.9}, evidence=found)
        suggestions.keep(session, record_id, reading.key, kept, b"")


def _decide(site: OwnSite, who: Account, record_id: str, kind: Any, code: str, action: Any, **more: Any) -> None:
    with transaction(_engine(site)) as session:
        decisions.decide(session, who, record_id, Decision(kind=kind, code=code, action=action, **more))
    site.save()


def _accept_all(site: OwnSite, record_id: str) -> None:
    eve = person(_engine(site), "eve@example.org", "editor")
    _decide(site, eve, record_id, "sdg", "5", "accept", to="5.2")
    _decide(site, eve, record_id, "theme", "mobility", "accept")
    _decide(site, eve, record_id, "sdg", "11", "reject")


def _found(site: OwnSite, **filters: str) -> list[str]:
    return [each["id"] for each in site.get("/api/v1/search", params=filters).json()["results"]]


def _facet(site: OwnSite, name: str, value: str, kind: str) -> int:
    facets = site.get("/api/v1/search", params={"type": kind}).json()["facets"]
    return next((each["count"] for each in facets[name] if each["id"] == value), 0)


@pytest.mark.parametrize("kind", RECORDS)
def test_a_record_of_each_kind_goes_from_its_text_to_the_pages_and_the_search(site: OwnSite, kind: str) -> None:
    record_id = RECORDS[kind]["id"]
    path = record_path(kind, record_id, "en")  # type: ignore[arg-type]
    with transaction(_engine(site), readonly=True) as session:
        assert record_id in cases.unread(session, "test-1", 100)
    _suggest(site, record_id)
    with transaction(_engine(site)) as session:
        assert record_id not in cases.unread(session, "test-1", 100)
        assert (cases.get(session, record_id).type, cases.get(session, record_id).open) == (kind, 3)
    assert "sdg-5" not in site.get(path).text  # before a person decided
    assert record_id not in _found(site, sdg="5")
    _accept_all(site, record_id)
    page = site.get(path).text
    assert "5.2" in page
    assert f"<blockquote>{PASSAGE}" in page
    assert "Suggested by a program" in page
    for filters in ({"sdg": "5"}, {"target": "5.2"}, {"gender_theme": "mobility"}):
        assert record_id in _found(site, **filters)
    assert record_id not in _found(site, sdg="11")
    assert _facet(site, "sdg", "5", kind) == 1
    tags = site.get(f"/api/v1/records/{record_id}/tags").json()["tags"]
    assert [(tag["code"], tag["passage"], tag["source"]) for tag in tags] == [
        ("5.2", PASSAGE, "machine"), ("mobility", PASSAGE, "machine"),
    ]  # fmt: skip
    with transaction(_engine(site)) as session:
        assert cases.get(session, record_id).stage == "decided"


# What experts keep to themselves


@pytest.mark.parametrize("who", ["members", "nobody"])
@pytest.mark.parametrize("field", ["summary", "position", "body"])
def test_a_text_that_an_expert_hides_is_not_read(field: str, who: str) -> None:
    hidden = expert(**{field: {"en": "A word for few."}}, visibility={field: who})
    assert "A word for few." not in reading_of(parse(hidden)).text
    shown = reading_of(parse(hidden | {"visibility": {}}))
    assert "A word for few." in shown.text
    assert shown.key != reading_of(parse(hidden)).key


def test_an_address_and_a_telephone_number_are_never_read() -> None:
    shown = expert(email="ana@example.org", phone="+57 4 123", visibility={"email": "members", "phone": "members"})
    text = reading_of(parse(shown)).text
    assert "ana@example.org" not in text
    assert "+57" not in text


def _claimed(site: OwnSite) -> TestClient:
    ana = browser_of(site.app, person(_engine(site), "ana@example.org"))  # type: ignore[arg-type]
    assert ana.post("/en/account/profile/claim", data={"record": "expert-ana"}).status_code == 303
    return ana


def _hide(site: OwnSite) -> None:
    with transaction(_engine(site)) as session:
        record = records.get(session, "expert-ana").record
        records.save(session, record.model_copy(update={"visibility": {"expertise": "nobody"}}), "ana")
    site.save()


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_expert_sees_the_tags_of_their_profile_and_the_way_to_object(site: OwnSite, language: str) -> None:
    _suggest(site, "expert-ana")
    ana = _claimed(site)
    before = ana.get(f"/{language}/account/profile").text
    assert "tags-title" not in before
    _accept_all(site, "expert-ana")
    page = ana.get(f"/{language}/account/profile").text
    assert PASSAGE in page
    assert f'href="/{language}/dispute/expert-ana?tag=sdg%3A5.2"' in page
    assert "edit#f-visibility-expertise" in page
    form = ana.get(f"/{language}/dispute/expert-ana", params={"tag": "sdg:5.2"}).text
    assert '<option value="sdg:5.2" selected>' in form


def test_what_an_expert_objects_to_is_under_review_on_every_page(site: OwnSite) -> None:
    _suggest(site, "expert-ana")
    ana = _claimed(site)
    _accept_all(site, "expert-ana")
    form = {"tag": "sdg:5.2", "reason": "I work on ropeways, not on violence.", "seen": "1000000"}
    assert ana.post("/en/dispute/expert-ana", data=form).status_code == 303
    site.save()
    assert "Under review" in ana.get("/en/account/profile").text
    assert "Under review" in site.get("/en/experts/expert-ana").text


def test_an_expert_objects_to_the_gender_marker_of_their_profile(site: OwnSite) -> None:
    ana = _claimed(site)
    with transaction(_engine(site)) as session:
        record = records.get(session, "expert-ana").record
        records.save(session, record.model_copy(update={"gender": Gender(marker=1)}), "import")
    page = ana.get("/en/account/profile").text
    assert "1 – Significant objective" in page
    assert 'href="/en/dispute/expert-ana?tag=gender%3Agender"' in page
    form = {"tag": "gender:gender", "reason": "My work has another aim.", "seen": "0"}
    assert ana.post("/en/dispute/expert-ana", data=form).status_code == 303
    assert "Under review" in ana.get("/en/account/profile").text


def test_tags_of_hidden_expertise_are_seen_by_nobody_but_the_expert_and_staff(site: OwnSite) -> None:
    _suggest(site, "expert-ana")
    ana = _claimed(site)
    _accept_all(site, "expert-ana")
    assert "expert-ana" in _found(site, target="5.2")
    _hide(site)
    bob = browser_of(site.app, person(_engine(site), "bob@example.org"))  # type: ignore[arg-type]
    for reader in (site, bob):
        assert PASSAGE not in _tags_part(reader.get("/en/experts/expert-ana").text)
        assert reader.get("/api/v1/records/expert-ana/tags").json()["tags"] == []
    assert "expert-ana" not in _found(site, target="5.2")
    assert "expert-ana" not in _found(site, gender_theme="mobility")
    assert "5.2" not in bob.get("/en/dispute/expert-ana").text
    refused = bob.post("/en/dispute/expert-ana", data={"tag": "sdg:5.2", "reason": "Is it there?", "seen": "1000000"})
    assert refused.status_code == 422
    assert PASSAGE in ana.get("/en/account/profile").text
    assert '<option value="sdg:5.2"' in ana.get("/en/dispute/expert-ana").text


def _tags_part(page: str) -> str:
    return page.partition('id="sdgs"')[2]


def test_a_tag_that_quotes_a_text_which_the_expert_hides_afterwards_goes_with_it(site: OwnSite) -> None:
    _suggest(site, "expert-ana")
    _accept_all(site, "expert-ana")
    with transaction(_engine(site)) as session:
        record = records.get(session, "expert-ana").record
        records.save(session, record.model_copy(update={"visibility": {"summary": "nobody"}}), "ana")
    site.save()
    assert PASSAGE not in site.get("/en/experts/expert-ana").text
    assert site.get("/api/v1/records/expert-ana/tags").json()["tags"] == []
    assert "expert-ana" not in _found(site, target="5.2")


def test_an_expert_who_changes_their_profile_keeps_the_tags(site: OwnSite) -> None:
    _suggest(site, "expert-ana")
    ana = _claimed(site)
    _accept_all(site, "expert-ana")
    with transaction(_engine(site)) as session:
        revision = records.get(session, "expert-ana").revision
    form = {
        "name": "Ana Ruiz", "position": "Chief engineer", "spoken": "English, español", "availability": "limited",
        "summary": PUBLISHED["summary"]["en"], "expertise": ["public-transport"], "city": "city-medellin",
        "revision": str(revision),
    }  # fmt: skip
    assert ana.post("/en/account/profile/edit", data=form).status_code == 303
    with transaction(_engine(site)) as session:
        record = records.get(session, "expert-ana").record
    assert [tag.code for tag in record.sdgs] == ["5.2"]
    assert [tag.theme for tag in record.gender.themes] == ["mobility"]
