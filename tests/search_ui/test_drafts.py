"""Writing a draft, page by page, as a browser without JavaScript does."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from kb.audit.tables import AuditRow
from kb.db import transaction
from kb.editorial.tables import DraftRow, OwnerRow
from schemas.forms import FORMS, find
from schemas.language import LANGUAGES
from schemas.records import RECORD_TYPES, REQUIRED, WELCOME, parse, to_value
from tests.people import browser_of, person
from tests.search_ui.forms_of_pages import sent
from tests.search_ui.full_records import FULL
from tests.search_ui.own_site import OwnSite, own_site

CITY = {
    "type": "city", "id": "city-lyon", "language": "fr", "status": "published", "title": {"fr": "Lyon"},
    "place": {"country": "FR", "coordinates": {"lat": 45.76, "lon": 4.84}},
}  # fmt: skip
TRAMS = {
    "type": "case_study", "id": "x-1", "language": "en", "status": "published",
    "title": {"en": "Night buses for the suburbs"}, "summary": {"en": "Buses that run all night."},
}  # fmt: skip


@pytest.fixture
def site(tmp_path: Path) -> Iterator[OwnSite]:
    with own_site(tmp_path, [CITY, TRAMS]) as site:
        yield site


@pytest.fixture
def ana(site: OwnSite) -> TestClient:
    return browser_of(site.app, person(site.app.state.engine, "ana@example.org"))  # type: ignore[attr-defined]


def begin(browser: TestClient, type: str = "case_study", language: str = "en", lang: str = "en") -> str:
    """The address of a new draft."""
    answer = browser.post(f"/{lang}/contribute", data={"type": type, "language": language})
    assert answer.status_code == 303
    return answer.headers["location"].rpartition("/")[0]


def stored(site: OwnSite, draft: str) -> DraftRow:
    """The draft of that address, as it is in the database."""
    with transaction(site.app.state.engine) as session:  # type: ignore[attr-defined]
        return session.get_one(DraftRow, draft.rpartition("/")[2])


def post(browser: TestClient, address: str, **changes: Any) -> Any:
    """Open a step, change some fields, press a button."""
    return browser.post(address, data=sent(browser.get(address).text, **{"action": "save"} | changes))


def test_a_form_has_a_place_for_everything_that_a_record_must_or_should_have() -> None:
    entries = [
        (type, path)
        for type in RECORD_TYPES
        for entry in (*REQUIRED[type], *WELCOME[type])
        for path in entry.split("|")
    ]
    assert [pair for pair in entries if not find(*pair)] == []


@pytest.mark.parametrize("type", RECORD_TYPES)
def test_a_form_that_is_sent_as_it_stands_changes_nothing(site: OwnSite, ana: TestClient, type: str) -> None:
    value = to_value(parse(FULL[type])) | {"status": "published"}
    site.save(value)
    owner = person(site.app.state.engine, "ana@example.org")  # type: ignore[attr-defined]
    with transaction(site.app.state.engine) as session:  # type: ignore[attr-defined]
        session.add(OwnerRow(record_id=value["id"], account_id=owner.id))
    browser = browser_of(site.app, owner)  # type: ignore[attr-defined]
    draft = browser.post("/fr/contribute/change", data={"record": value["id"]}).headers["location"]
    before = stored(site, draft).data
    for step in FORMS[type]:  # type: ignore[index]
        page = browser.get(f"{draft}/{step.name}").text
        assert browser.post(f"{draft}/{step.name}", data=sent(page, action="save")).status_code == 303, step.name
    after = stored(site, draft).data
    assert to_value(parse(after)) == to_value(parse(before))


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_typed_is_there_again_right_or_wrong_and_the_fault_is_told_at_its_field(
    site: OwnSite, ana: TestClient, language: str
) -> None:
    draft = begin(ana, lang=language)
    answer = post(ana, f"{draft}/costs", period__start="last spring", costs__amount="about 5", costs__year="1234")
    assert answer.status_code == 422
    for typed in ("last spring", "about 5", "1234"):
        assert f'value="{typed}"' in answer.text
    told = {
        "en": "Write the date as 2019, 2019-04 or 2019-04-30.",
        "es": "Escriba la fecha como 2019, 2019-04 o 2019-04-30.",
        "fr": "Écrivez la date sous la forme 2019, 2019-04 ou 2019-04-30.",
    }[language]
    assert f'id="f-period-start-problem">{told}</p>' in answer.text
    assert 'id="f-costs-amount-problem"' in answer.text
    assert stored(site, draft).data["period"]["start"] == "last spring"


def test_another_item_is_added_moved_and_removed_without_losing_what_is_typed_elsewhere(
    site: OwnSite, ana: TestClient
) -> None:
    draft = begin(ana)
    page = f"{draft}/solution"
    answer = post(
        ana, page, solution="A tram", building_blocks__0__title="One", building_blocks__0__text="First",
        action="add:building_blocks",
    )  # fmt: skip
    assert answer.headers["location"].endswith("?more=building_blocks#f-building_blocks")
    second = answer.headers["location"].partition("#")[0]
    assert post(ana, second, building_blocks__1__title="Two", building_blocks__1__text="Second").status_code == 303
    post(ana, page, action="up:building_blocks.1")
    data = stored(site, draft).data
    assert [block["title"]["en"] for block in data["building_blocks"]] == ["Two", "One"]
    post(ana, page, action="remove:building_blocks.0", solution="A faster tram")
    data = stored(site, draft).data
    assert [block["title"]["en"] for block in data["building_blocks"]] == ["One"]
    assert data["solution"] == {"en": "A faster tram"}


def test_items_within_items_can_be_added_too(site: OwnSite, ana: TestClient) -> None:
    draft = begin(ana, "event")
    page = f"{draft}/programme"
    post(ana, page, programme__0__title="Welcome", programme__0__speakers__0__name="Amina", action="add:programme")
    answer = post(ana, page, action="add:programme.0.speakers")
    post(ana, answer.headers["location"].partition("#")[0], programme__0__speakers__1__name="Bo")
    [item] = stored(site, draft).data["programme"]
    assert [one["name"] for one in item["speakers"]] == ["Amina", "Bo"]


def test_texts_in_other_languages_stay_untouched(site: OwnSite, ana: TestClient) -> None:
    draft = begin(ana)
    with transaction(site.app.state.engine) as session:  # type: ignore[attr-defined]
        row = session.get_one(DraftRow, draft.rpartition("/")[2])
        block = {"title": {"en": "One", "fr": "Un"}, "text": {"en": "First", "fr": "Premier"}}
        row.data = row.data | {"building_blocks": [block], "solution": {"es": "Tranvía"}}
    post(ana, f"{draft}/solution", solution="Tram", building_blocks__0__title="Uno")
    data = stored(site, draft).data
    assert data["solution"] == {"en": "Tram", "es": "Tranvía"}
    assert data["building_blocks"][0]["title"] == {"en": "Uno", "fr": "Un"}


def test_a_city_is_looked_up_and_chosen_without_javascript(site: OwnSite, ana: TestClient) -> None:
    draft = begin(ana)
    page = f"{draft}/place"
    found = post(ana, page, look__links__city="lyo", action="find:links.city").headers["location"].partition("#")[0]
    assert 'value="city-lyon"' in ana.get(found).text
    assert post(ana, found, links__city="city-lyon").status_code == 303
    assert stored(site, draft).data["links"] == [{"rel": "city", "to": "city-lyon"}]
    nothing = post(ana, page, look__links__city="xqzvw", action="find:links.city").headers["location"].partition("#")[0]
    assert "Nothing was found for “xqzvw”" in ana.get(nothing).text
    assert "Lyon" in ana.get(page).text


def test_goals_are_the_author_s_and_those_of_others_stay(site: OwnSite, ana: TestClient) -> None:
    draft = begin(ana)
    with transaction(site.app.state.engine) as session:  # type: ignore[attr-defined]
        row = session.get_one(DraftRow, draft.rpartition("/")[2])
        row.data = row.data | {"sdgs": [{"code": "1", "source": "machine", "state": "suggested"}]}
    post(
        ana, f"{draft}/about", sdgs__0__code="11.2", sdgs__0__passage="It runs all night.", sdgs__1__code="5",
        sdgs__1__contribution="indirect",
    )  # fmt: skip
    assert stored(site, draft).data["sdgs"] == [
        {"code": "11.2", "passage": "It runs all night.", "passage_language": "en", "primary": True},
        {"code": "5", "contribution": "indirect"},
        {"code": "1", "source": "machine", "state": "suggested"},
    ]


def test_the_list_of_what_is_missing_leads_to_the_fields_and_only_a_whole_draft_is_sent_in(
    site: OwnSite, ana: TestClient
) -> None:
    draft = begin(ana, "news")
    page = ana.get(f"{draft}/check").text
    assert f'href="{draft}/basics#f-date"' in page
    assert f'href="{draft}/basics#f-title"' in page
    refused = ana.post(f"{draft}/submit")
    assert refused.status_code == 422
    assert "Something is still missing or wrong." in refused.text
    post(ana, f"{draft}/basics", title="Twelve cities join", summary="They do.", date="2026-04")
    assert ana.post(f"{draft}/submit").headers["location"] == f"{draft}/check?done=submitted"
    row = stored(site, draft)
    assert (row.stage, row.submitted_at is not None) == ("submitted", True)
    with transaction(site.app.state.engine) as session:  # type: ignore[attr-defined]
        noted = [note.action for note in session.query(AuditRow).filter_by(subject=row.id)]
    assert noted == ["draft.start", "draft.submit"]
    assert post(ana, f"{draft}/basics", title="Too late").status_code == 403


def test_what_is_published_under_nearly_the_same_title_is_pointed_out(site: OwnSite, ana: TestClient) -> None:
    draft = begin(ana)
    post(ana, f"{draft}/basics", title="Night buses for suburb")
    page = ana.get(f"{draft}/basics").text
    assert "Night buses for the suburbs" in page
    assert "nearly the same title" in page
    piece = ana.get("/en/drafts/similar", params={"draft": draft.rpartition("/")[2], "title": "Solar roofs in schools"})
    assert "Night buses" not in piece.text


def test_nobody_else_sees_a_draft(site: OwnSite, ana: TestClient) -> None:
    draft = begin(ana)
    bo = browser_of(site.app, person(site.app.state.engine, "bo@example.org"))  # type: ignore[attr-defined]
    assert [bo.get(f"{draft}/{name}").status_code for name in ("basics", "check")] == [404, 404]
    assert bo.post(f"{draft}/basics", data={"version": "1", "title": "Mine now"}).status_code == 404
    assert bo.post(f"{draft}/discard").status_code == 404
    assert draft not in bo.get("/en/drafts").text
    assert draft in ana.get("/en/drafts").text
    assert TestClient(site.app, follow_redirects=False).get(f"{draft}/basics").status_code == 303


def test_a_draft_is_thrown_away_by_who_began_it(site: OwnSite, ana: TestClient) -> None:
    draft = begin(ana)
    assert ana.post(f"{draft}/discard").headers["location"] == "/en/drafts?done=discarded"
    assert ana.get(f"{draft}/basics").status_code == 404


# No lost edit


def test_promise_8_of_two_who_change_the_same_field_the_second_compares_and_chooses(
    site: OwnSite, ana: TestClient
) -> None:
    draft = begin(ana)
    page = f"{draft}/basics"
    post(ana, page, title="Buses", summary="They run at night.")
    second = ana.get(page).text
    post(ana, page, summary="They run all night long.")
    answer = ana.post(
        page, data=sent(second, action="save", summary="They run at weekends.", website="https://a.example")
    )
    assert answer.status_code == 409
    assert "<mark>all</mark>" in answer.text
    assert "<mark>weekends</mark>" in answer.text
    chosen = sent(answer.text, f"{draft}/merge")
    assert ana.post(f"{draft}/merge", data=chosen).status_code == 303
    data = stored(site, draft).data
    assert data["summary"] == {"en": "They run at weekends."}
    assert data["website"] == "https://a.example"
    again = ana.post(page, data=sent(second, action="save", summary="A third text."))
    theirs = sent(again.text, f"{draft}/merge", choice__summary="theirs")
    ana.post(f"{draft}/merge", data=theirs)
    assert stored(site, draft).data["summary"] == {"en": "They run at weekends."}


def test_promise_8_changes_of_different_fields_are_both_kept(site: OwnSite, ana: TestClient) -> None:
    draft = begin(ana)
    page = f"{draft}/basics"
    mine = ana.get(page).text
    post(ana, page, summary="Theirs")
    answer = ana.post(page, data=sent(mine, action="save", title="Mine"))
    assert answer.headers["location"] == f"{page}?done=merged"
    data = stored(site, draft).data
    assert (data["title"], data["summary"]) == ({"en": "Mine"}, {"en": "Theirs"})


def test_saving_while_one_writes_says_when_and_where_items_are_now(site: OwnSite, ana: TestClient) -> None:
    draft = begin(ana)
    page = f"{draft}/solution"
    form = sent(ana.get(page).text, building_blocks__0__title="", solution="A tram")
    answer = ana.post(page, data=form, headers={"accept": "application/json"}).json()
    assert answer["version"] == 2
    assert answer["status"].startswith("Saved: ")
    assert answer["was"] == {"building_blocks.0": ""}
    late = ana.post(page, data=form | {"solution": ["A bus"]}, headers={"accept": "application/json"})
    assert late.status_code == 409
    assert stored(site, draft).data["solution"] == {"en": "A tram"}
