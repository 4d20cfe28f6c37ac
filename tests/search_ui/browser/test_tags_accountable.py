"""Disputes, double tagging and the history of tags in a browser, in three languages, with and without scripts."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, expect

from kb.accounts.sessions import open_session
from kb.db import transaction
from kb.records import service as records
from kb.tagging import decisions, samples, suggestions
from schemas.accounts import Account
from schemas.language import LANGUAGES, Language
from schemas.readings import SampleRule, TagReading
from schemas.tagging import Decision, Evidence
from tests.kb.tagging.said import said
from tests.people import person
from tests.search_ui.browser.serving import serving
from tests.search_ui.browser.visitor import Visitor
from tests.search_ui.own_site import prepared_in

PASSAGE = "Trams for all districts of the city."
#: A record of its own for each journey: language, then scripts or none.
IDS = [f"trams-{language}-{kind}" for language in LANGUAGES for kind in ("keys", "plain")]
MORE = [f"parks-{at:02}" for at in range(12)]


def _case(record_id: str) -> dict[str, object]:
    summary = f"{PASSAGE} Women feel safe at the stops."
    return {
        "type": "case_study", "id": record_id, "language": "en", "status": "published",
        "title": {"en": f"Trams {record_id}"}, "summary": {"en": summary},
    }  # fmt: skip


@dataclass
class Team:
    """The site with its people: Eve accepted the tags, Ben and Cat read."""

    app: FastAPI
    address: str
    people: dict[str, Account]
    sample_id: int

    def cookie(self, name: str) -> dict[str, object]:
        with transaction(self.app.state.engine) as session:
            token = open_session(session, self.people[name].id, "a browser", strong=True)
        return {"name": "session", "value": token, "url": self.address}


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    app = prepared_in(tmp_path_factory.mktemp("accountable"), *map(_case, [*IDS, *MORE]))
    with serving(app) as address:
        engine = app.state.engine
        people = {name: person(engine, f"{name}@example.org", "editor") for name in ("eve", "ben", "cat", "dan")}
        people["ana"] = person(engine, "ana@example.org")
        evidence = Evidence(passage=PASSAGE, start=0, end=len(PASSAGE), terms=["Trams"])
        with transaction(engine) as session:
            for record_id in IDS:
                found = said({"11": 0.95, "5": 0.7}, {"mobility": 0.8}, evidence=evidence)
                suggestions.keep(session, record_id, "a" * 32, found, b"")
                choice = Decision(kind="sdg", code="11", action="accept", comment="Clear.")
                decisions.decide(session, people["eve"], record_id, choice)
            rule = SampleRule(size=len(MORE) + len(IDS), seed=5)
            sample_id = samples.draw(session, people["eve"], "Spring 2027", rule).id
            # Two have read the others, and differ on one of them.
            for at, record_id in enumerate(MORE):
                for name in ("eve", "dan"):
                    goals = ["11", "5"] if at == 0 and name == "dan" else ["11"]
                    samples.give(session, people[name], sample_id, record_id, TagReading(goals=goals, marker=0))
        yield Team(app, address, people, sample_id)


Comes = Callable[[str], Visitor]


@pytest.fixture(params=[(language, kind) for language in LANGUAGES for kind in ("keys", "plain")], ids="-".join)
def comes(request: pytest.FixtureRequest, browser: Browser, team: Team) -> Iterator[Comes]:
    """People come, each with a browser of their own: a narrow one without scripts, or a wide one with keys alone."""
    language, kind = request.param
    contexts = []

    def come(name: str) -> Visitor:
        size = {"width": 1280, "height": 800} if kind == "keys" else {"width": 320, "height": 640}
        context = browser.new_context(
            base_url=team.address, viewport=size, reduced_motion="reduce", java_script_enabled=kind == "keys"
        )
        context.add_cookies([team.cookie(name)])
        contexts.append(context)
        found = Visitor(context.new_page(), language, scripts=kind == "keys")
        found.record_id = f"trams-{language}-{kind}"  # type: ignore[attr-defined]
        return found

    yield come
    for context in contexts:
        context.close()


def _press(visitor: Visitor, button: str) -> None:
    """Press a button of the page with the keyboard."""
    with visitor.page.expect_navigation():
        visitor.page.locator("main").get_by_role("button", name=visitor.said(button), exact=True).press("Enter")


def _choose(visitor: Visitor, name: str, value: str) -> None:
    box = visitor.page.locator(f'input[name="{name}"][value="{value}"]')
    box.focus()
    box.press(" ")
    expect(box).to_be_checked()


def test_a_doubt_is_raised_read_by_two_and_told(team: Team, comes: Comes) -> None:
    ana = comes("ana")
    record_id: str = ana.record_id  # type: ignore[attr-defined]
    ana.go(f"dispute/{record_id}?tag=sdg:11", "Doubt a tag")
    ana.page.locator("#f-reason").fill("The text is about safety.")
    _press(ana, "Dispute this tag")
    expect(ana.page.locator("main")).to_contain_text(ana.said("It is being looked at."))
    ana.check("dispute-raised")

    for name, verdict in (("ben", "change"), ("cat", "change")):
        reader = comes(name)
        reader.go("desk/tags/disputes", "Disputed tags")
        line = reader.page.locator(".queue > li", has_text=record_id)
        expect(line).to_contain_text(reader.said("waits for you"))
        with reader.page.expect_navigation():
            line.get_by_role("link").first.press("Enter")
        expect(reader.page.locator("mark")).to_have_text(PASSAGE)
        reader.check("dispute")
        _choose(reader, "verdict", verdict)
        reader.page.locator("#f-to").select_option("11.2")
        reader.page.locator("#f-comment").fill(f"{name} says that it is about transport for all.")
        if name == "cat":
            expect(reader.page.locator("main")).not_to_contain_text("ben says")
        _press(reader, "Give the verdict")
        reader.check("verdict-given")
    expect(reader.page.locator("main")).to_contain_text(reader.said("The tag was changed"))
    expect(reader.page.locator("main")).to_contain_text("ben says")

    reader.go(f"desk/tags/{record_id}/history", "How its tags came to be")
    story = reader.page.locator(".story")
    for words in ("accepted the suggestion", "disputed the tag", "settled the dispute"):
        expect(story).to_contain_text(reader.said(words))
    with transaction(team.app.state.engine) as session:
        assert [tag.code for tag in records.get(session, record_id).record.sdgs] == ["11.2"]


def test_two_people_read_a_record_blind_and_see_how_far_they_agree(team: Team, comes: Comes) -> None:
    here = f"desk/tags/samples/{team.sample_id}"
    for name, goals in (("ben", ["11"]), ("cat", ["11", "5"])):
        reader = comes(name)
        record_id: str = reader.record_id  # type: ignore[attr-defined]
        reader.go("desk/tags/samples", "Double tagging")
        reader.page.goto(f"/{reader.language}/{here}/{record_id}")
        expect(reader.page.locator("input:checked")).to_have_count(0)
        reader.check("sample-record")
        for goal in goals:
            _choose(reader, "goals", goal)
        _choose(reader, "marker", "unsure")
        _press(reader, "Save and go on to the next")
    reader.page.goto(f"/{reader.language}/{here}")
    expect(reader.page.locator("h1")).to_have_text("Spring 2027")
    reader.check("sample")
    expect(reader.page.locator("table").first).to_contain_text(reader.said("All goals"))
    line = reader.page.locator("#differences ~ .queue > li", has_text=record_id)
    with reader.page.expect_navigation():
        line.get_by_role("link").first.press("Enter")
    assert reader.page.url.partition(reader.language)[2].startswith((f"/desk/tags/{record_id}", "/dispute/"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sample_is_drawn_by_a_form(browser: Browser, team: Team, language: Language) -> None:
    context = browser.new_context(base_url=team.address, viewport={"width": 1280, "height": 800})
    context.add_cookies([team.cookie("eve")])
    eve = Visitor(context.new_page(), language, scripts=True)
    eve.go("desk/tags/samples", "Double tagging")
    eve.page.locator("#f-size").fill("0")
    eve.page.locator("#f-name").fill("A sample")
    _press(eve, "Draw the sample")
    expect(eve.page.locator(".problems")).to_be_visible()
    eve.check("sample-refused")
    eve.page.locator("#f-size").fill("4")
    _press(eve, "Draw the sample")
    expect(eve.page.locator("h1")).to_have_text("A sample")
    context.close()
