"""The pages of profiles: what they take, what they keep of what was typed, and what they never tell."""

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from indexer.document import as_readers_see, build
from kb.db import transaction
from kb.records import service as records
from kb.records.exporting import export_file
from kb.records.files import read_rows
from kb.records.importing import import_files
from schemas.language import LANGUAGES
from schemas.records import parse
from tests.experts import CASE, CITY, expert
from tests.people import browser_of, person
from tests.search_ui.own_site import OwnSite, own_site

FORM: dict[str, Any] = {
    "name": "Ana Ruiz", "position": "Engineer", "spoken": "English, español", "availability": "limited",
    "summary": "Advises cities on ropeways.", "expertise": ["public-transport"], "city": "city-medellin",
}  # fmt: skip


@pytest.fixture
def site(tmp_path: Path) -> Iterator[OwnSite]:
    with own_site(tmp_path / "site", [CITY, CASE, expert()]) as site:
        yield site


def _browser(site: OwnSite, email: str = "ana@example.org", *roles: Any) -> TestClient:
    return browser_of(site.app, person(site.app.state.engine, email, *roles))  # type: ignore[attr-defined, arg-type]


def _ana(site: OwnSite, record_id: str = "expert-ana") -> Any:
    with transaction(site.app.state.engine) as session:  # type: ignore[attr-defined]
        return records.get(session, record_id)


def _claimed(site: OwnSite) -> TestClient:
    ana = _browser(site)
    assert ana.post("/en/account/profile/claim", data={"record": "expert-ana"}).status_code == 303
    return ana


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_first_profile_is_sent_in_published_by_staff_and_found(site: OwnSite, language: str) -> None:
    zoe, editor = _browser(site, "zoe@example.org"), _browser(site, "eve@example.org", "editor")
    form = FORM | {"name": "Zoe Łukasz", "spoken": {"en": "Swahili", "es": "suajili", "fr": "swahili"}[language]}
    refused = zoe.post(f"/{language}/account/profile/edit", data=form)
    assert refused.status_code == 422
    assert 'id="f-consent-problem"' in refused.text
    assert zoe.post(f"/{language}/account/profile/edit", data=form | {"consent": "yes"}).status_code == 303
    assert site.get(f"/{language}/experts/expert-zoe-lukasz").status_code == 404
    page = editor.get(f"/{language}/account/requests").text
    [account] = re.findall(r'name="account" value="(\w+)"', page)
    decided = editor.post(f"/{language}/account/requests/profile", data={"account": account, "decision": "accept"})
    assert decided.status_code == 303
    assert site.get(f"/{language}/experts/expert-zoe-lukasz").status_code == 200
    assert _ana(site, "expert-zoe-lukasz").record.languages_spoken == ["sw"]


def test_what_is_wrong_is_said_at_the_field_and_nothing_typed_is_lost(site: OwnSite) -> None:
    wrong = FORM | {"spoken": "Klingonese", "orcid": "12", "email": "nobody", "website": "x", "body": "kept <words>"}
    page = _claimed(site).post("/fr/account/profile/edit", data=wrong | {"visibility.body": "members"})
    assert page.status_code == 422
    assert all(f'id="f-{name}-problem"' in page.text for name in ("spoken", "orcid", "email", "website"))
    assert "kept &lt;words&gt;" in page.text
    assert 'value="members" selected' in page.text
    assert "Klingonese" in page.text


def test_promise_8_two_windows_on_one_profile_lose_nothing(site: OwnSite) -> None:
    ana, revision = _claimed(site), _ana(site).revision
    mine = FORM | {"revision": str(revision)}
    assert ana.post("/en/account/profile/edit", data=mine | {"organisation": "First"}).status_code == 303
    page = ana.post("/en/account/profile/edit", data=mine | {"organisation": "Second"})
    assert page.status_code == 409
    assert "First" in page.text
    assert "Second" in page.text
    newer = mine | {"revision": str(_ana(site).revision), "organisation": "Second"}
    assert ana.post("/en/account/profile/edit", data=newer).status_code == 303
    assert _ana(site).record.organisation == "Second"


def test_texts_of_another_language_stand_beside_those_there_were(site: OwnSite) -> None:
    ana = _claimed(site)
    form = FORM | {"summary": "Asesora ciudades.", "position": "Ingeniera", "revision": str(_ana(site).revision)}
    assert ana.post("/en/account/profile/edit?in=es", data=form).status_code == 303
    record = _ana(site).record
    assert record.summary == {"en": "Advises cities on ropeways.", "es": "Asesora ciudades."}
    assert record.title == {"en": "Ana Ruiz", "es": "Ana Ruiz"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_of_profiles_is_there_in_each_language(site: OwnSite, language: str) -> None:
    ana, editor = _claimed(site), _browser(site, "eve@example.org", "editor")
    pages = ("account/profile", "account/profile/edit", "account/profile/proof?q=cable", "account/requests")
    assert [ana.get(f"/{language}/{path}").status_code for path in pages] == [200] * 4
    assert [editor.get(f"/{language}/{path}").status_code for path in ("account/profile", "account/requests")] == [
        200
    ] * 2
    assert [site.get(f"/{language}/{path}").status_code for path in ("experts/consent", "experts/consent/1.0")] == [
        200
    ] * 2
    assert site.get(f"/{language}/experts/consent/0.1").status_code == 404
    assert site.get(f"/{language}/experts/confirm?token=none").status_code == 404


def test_promise_15_strangers_reach_no_profile_and_members_decide_nothing(site: OwnSite) -> None:
    for path in ("account/profile", "account/profile/edit", "account/profile/proof", "account/requests"):
        assert site.get(f"/en/{path}").headers["location"].startswith("/en/sign-in")
    member = _browser(site, "max@example.org")
    body = {"account": "x", "decision": "accept", "expert": "expert-ana", "record": "cable-cars"}
    assert member.post("/en/account/requests/profile", data=body).status_code == 403
    assert member.post("/en/account/requests/proof", data=body | {"decision": "confirm"}).status_code == 403
    for path in ("confirm", "take-down", "edit", "proof", "proof/remove"):
        assert member.post(f"/en/account/profile/{path}", data=body | FORM | {"consent": ""}).status_code in (404, 422)


# Promise 15 at the level of fields

TOKENS = {
    "position": {"en": "qxposition engineer"}, "organisation": "Qxorganisation", "summary": {"en": "qxsummary of works"},
    "body": {"en": "qxbody and background"}, "website": "https://qxwebsite.example", "orcid": "0000-0002-1825-0097",
    "email": "qxemail@example.org", "phone": "+57 qxphone",
    "links": [{"rel": "city", "to": "city-qxcity"}, {"rel": "case_study", "to": "cable-cars", "note": {"en": "qxnote"}}],
    "languages_spoken": ["eu"], "availability": "limited", "expertise": ["heritage"], "topics": ["heritage"],
    "sdgs": [{"code": "4.7", "passage": "qxsummary", "passage_language": "en", "source": "author"}],
    "gender": {"themes": [{"theme": "care", "passage": "qxbody", "source": "author"}]},
    "place": {"name": "Qxplace", "country": "EC"},
}  # fmt: skip
FIELDS = (
    "position", "organisation", "city", "languages_spoken", "expertise", "availability", "summary", "body", "website",
    "orcid", "proof", "email", "phone",
)  # fmt: skip
#: Pages and answers that tell of an expert, and questions after what is hidden.
ADDRESSES = (
    "/en/experts/expert-ana", "/en/experts/expert-ana.jsonld", "/api/v1/records/expert-ana", "/en/experts",
    "/api/v1/search?type=expert", "/api/v1/search?q=works+qxsummary&mode=keyword", "/en/search?q=qxbody",
    "/api/v1/suggest?q=qxorg", "/api/v1/suggest?q=ana", "/api/v1/experts/find", "/api/v1/experts/find?q=cable+cars",
    "/en/experts/find?q=qxnote", "/en/case-studies/cable-cars", "/en/cities/city-qxcity", "/sitemap.xml", "/metrics",
)  # fmt: skip


def _told(site: OwnSite, folder: Path) -> Iterator[tuple[str, str]]:
    """Every way out of the house, without the reader's own question."""
    for address in ADDRESSES:
        question = address.partition("q=")[2].partition("&")[0]
        yield address, site.get(address).text.replace(question.replace("+", " "), "").replace(question, "")
    for suffix in (".jsonl", ".csv", ".xlsx"):
        export_file(site.app.state.engine, folder / f"out{suffix}", type="expert")  # type: ignore[attr-defined]
        rows = read_rows(folder / f"out{suffix}", 5_000_000)
        yield suffix, json.dumps([vars(row) for row in rows], default=str)


@pytest.mark.parametrize("seen", ["members", "nobody"])
def test_promise_15_nothing_tells_the_public_what_an_expert_hides(
    site: OwnSite, tmp_path: Path, caplog: pytest.LogCaptureFixture, seen: str
) -> None:
    caplog.set_level(logging.INFO)
    hidden = expert(**TOKENS, visibility=dict.fromkeys(FIELDS, seen))
    site.save(CITY | {"id": "city-qxcity", "title": {"es": "Hidden town"}}, hidden)
    for where, text in _told(site, tmp_path):
        if "city-qxcity" in where:
            assert "expert-ana" not in text
        else:
            assert not re.search(r"qx(?!city)", text, re.IGNORECASE), where
    value = site.get("/api/v1/records/expert-ana").json()
    assert set(value) <= {"type", "id", "language", "status", "title", "confirmed_on", "meta"}
    for address in ("/api/v1/search?type=expert", "/api/v1/experts/find"):
        counted = site.get(address).json()["facets"].keys() - {"type", "gender_marker", "language"}
        assert counted == set(), address
    document = json.dumps([vars(each) for each in _documents(site)], default=str)
    assert not re.search(r"qx|heritage", document, re.IGNORECASE)
    assert "qx" not in re.sub(r"q=\S+|/cities/\S+", "", caplog.text).lower()


def _documents(site: OwnSite) -> list[Any]:
    """What the index is given."""
    with transaction(site.app.state.engine, readonly=True) as session:  # type: ignore[attr-defined]
        stored = as_readers_see(records.load_public(session, ["expert-ana"]))
    return [build(each) for each in stored.values()]


def test_promise_15_members_see_what_is_for_members_and_nobody_sees_the_rest(site: OwnSite) -> None:
    shown = {"email": "members", "phone": "nobody", "summary": "members", "body": "nobody", "city": "nobody"}
    site.save(expert(**TOKENS, visibility=shown))
    member, public = _browser(site, "max@example.org"), site.get("/en/experts/expert-ana").text
    page = member.get("/en/experts/expert-ana")
    assert page.headers["cache-control"] == "no-store"
    assert "qxsummary" in page.text
    assert "qxemail@example.org" in page.text
    assert "qxphone" not in page.text
    assert "qxbody" not in page.text
    assert "qxsummary" not in public
    assert "qxemail" not in public
    assert "Qxorganisation" in public
    graph = page.text.partition('<script type="application/ld+json">')[2].partition("</script>")[0]
    assert "qxsummary" not in graph
    assert "qxsummary" not in member.get("/api/v1/records/expert-ana").text


def test_an_export_comes_back_without_losing_what_it_does_not_hold(site: OwnSite, tmp_path: Path) -> None:
    engine = site.app.state.engine  # type: ignore[attr-defined]
    site.save(expert(**TOKENS, visibility=dict.fromkeys(FIELDS, "nobody")))
    before = _ana(site).record
    export_file(engine, tmp_path / "out.jsonl", type="expert")
    import_files(engine, [tmp_path / "out.jsonl"])
    assert _ana(site).record == before
    assert parse(expert(**TOKENS)).links == before.links  # type: ignore[union-attr]
