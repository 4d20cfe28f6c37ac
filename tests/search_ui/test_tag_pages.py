"""The tagging queue and the workbench by forms alone: what one sees, decides, takes back; and two people at once."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient

from indexer.tagging.service import Tagger
from kb.db import transaction
from kb.records import service as records
from kb.tagging import cases, decisions, queue
from schemas.accounts import Account
from schemas.language import LANGUAGES
from schemas.records import parse
from tests.indexer.tagging.quick import quick
from tests.people import browser_of, person
from tests.search_ui.forms_of_pages import sent
from tests.search_ui.own_site import OwnSite, own_site
from tests.search_ui.tagged import FIRST, SECOND, case, suggested

HERE = "/en/desk/tags/a"


class Bench:
    """The site with two cases that have suggestions and one that nobody has read, and two editors."""

    def __init__(self, site: OwnSite) -> None:
        self.app = site.app
        self.engine: Engine = site.app.state.engine  # type: ignore[attr-defined]
        self.eve, self.ben = (person(self.engine, f"{name}@example.org", "editor") for name in ("eve", "ben"))
        suggested(self.engine, "a", 0.95)
        suggested(self.engine, "b", 0.9)
        with transaction(self.engine) as session:
            records.save(session, parse(case("c")), "tests")
            cases.get(session, "c")

    def browser(self, account: Account) -> TestClient:
        return browser_of(self.app, account)  # type: ignore[arg-type]

    def tags(self, record_id: str = "a") -> list[tuple[str, bool]]:
        with transaction(self.engine, readonly=True) as session:
            return [(tag.code, tag.primary) for tag in records.get(session, record_id).record.sdgs]

    def decided(self) -> list[tuple[str, str]]:
        with transaction(self.engine, readonly=True) as session:
            return [(row.action, row.code) for row in cases.decisions_of(session, "a")]


class Quick:
    """The taggers of a process, with one that takes no time."""

    def __init__(self) -> None:
        self.tagger = quick()[0]

    def get(self, _embedder: object) -> Tagger:
        return self.tagger


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with own_site(tmp_path, []) as site:
        yield Bench(site)


def text_of(answer: Any) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer.text)))


def card(page: str, card_id: str) -> str:
    found = re.search(rf'<article class="bench-card [^>]*id="{card_id}".*?</article>', page, re.DOTALL)
    assert found
    return found[0]


def decide(who: TestClient, card_id: str, action: str, at: str = HERE, **changes: str) -> Any:
    """Press a button of a card, as it is on the page now."""
    return who.post(
        f"{at}/decide", data=sent(card(who.get(at).text, card_id), f"{at}/decide", action=action, **changes)
    )


def test_the_queue_shows_what_waits_and_leads_to_it(bench: Bench) -> None:
    page = bench.browser(bench.eve).get("/en/desk/tags")
    assert re.findall(r'href="/en/desk/tags/(\w)\?at=', page.text) == ["a", "a", "b", "c"], "the button, and each case"
    assert "3 suggestions, the surest very likely (95%)" in text_of(page)
    narrowed = bench.browser(bench.eve).get("/en/desk/tags?goal=11&low=92&sort=unsure&country=zz9&year=x")
    assert re.findall(r'id="title-\d+" href="/en/desk/tags/(\w)\?', narrowed.text) == ["a"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pages_speak_the_language(bench: Bench, language: str) -> None:
    eve = bench.browser(bench.eve)
    for path in ("desk/tags", "desk/tags/a", "desk/tags/c"):
        answer = eve.get(f"/{language}/{path}")
        assert answer.status_code == 200
        assert f'<html lang="{language}"' in answer.text


def test_a_case_shows_its_text_with_the_passages_of_its_tags(bench: Bench) -> None:
    page = bench.browser(bench.eve).get(HERE).text
    marks = re.findall(r'<mark data-cards="([^"]*)">(.*?)</mark>', page)
    assert [cards for cards, _ in marks] == ["sdg-11 theme-mobility", "sdg-5"]
    assert [text.rpartition("</a>")[2] for _, text in marks] == [FIRST, SECOND]
    assert page.index('id="passage-sdg-11"') < page.index('id="sdg-11"')
    shown = text_of(type("Answer", (), {"text": card(page, "sdg-11")}))
    assert "very likely, 95%" in shown
    assert "Terms found: Trams" in shown
    assert "11.7 Green and safe public spaces for all 30%" in shown
    assert page.count('id="sdg-') >= 17, "what the model is unsure of is folded away, but there"


def test_accepting_changing_removing_and_taking_back(bench: Bench) -> None:
    eve = bench.browser(bench.eve)
    answer = decide(eve, "sdg-11", "accept", to="11.7")
    assert answer.status_code == 303
    assert "11.7 Green and safe public spaces for all: accepted." in text_of(eve.get(answer.headers["location"]))
    assert decide(eve, "sdg-5", "accept", primary="yes").status_code == 303
    assert bench.tags() == [("11.7", False), ("5", True)]
    assert decide(eve, "sdg-11", "change", to="11", comment="The goal as a whole.").status_code == 303
    assert bench.tags() == [("11", False), ("5", True)]
    assert decide(eve, "sdg-5", "change", primary="no").status_code == 303
    assert decide(eve, "sdg-5", "remove").status_code == 303
    assert bench.tags() == [("11", False)]
    page = eve.get(HERE).text
    assert "The goal as a whole." in page
    answer = eve.post(f"{HERE}/undo", data=sent(card(page, "sdg-5"), f"{HERE}/undo"))
    assert answer.status_code == 303
    assert bench.tags() == [("11", False), ("5", False)]


def test_a_passage_is_tagged_only_as_it_stands_in_the_text(bench: Bench) -> None:
    eve = bench.browser(bench.eve)
    add = {"card": "add", "action": "add", "tag": "sdg:9.1", "passage": "Women felt safe.", "comment": "Look."}
    answer = eve.post(f"{HERE}/decide", data=add)
    assert answer.status_code == 422
    assert "not in the text word for word" in answer.text
    assert "Women felt safe.</textarea>" in answer.text
    assert "Look.</textarea>" in answer.text
    assert eve.post(f"{HERE}/decide", data=add | {"passage": "Women\r\nfeel safe"}).status_code == 303
    with transaction(bench.engine, readonly=True) as session:
        tag = records.get(session, "a").record.sdgs[0]
    assert (tag.code, tag.passage, tag.source) == ("9.1", "Women feel safe", "staff")
    assert decide(eve, "sdg-11", "accept", passage="everybody can pay").status_code == 303
    assert 'id="passage-sdg-11"' in eve.get(HERE).text


def test_a_passage_that_is_not_there_any_more_is_told(bench: Bench) -> None:
    eve = bench.browser(bench.eve)
    with transaction(bench.engine) as session:
        records.save(session, parse(case("a", summary={"en": f"Buses instead. {SECOND}"})), "tests")
    page = eve.get(HERE).text
    assert "This passage is not in the text any more." in card(page, "sdg-11")
    assert re.findall(r'<mark data-cards="([^"]*)">', page) == ["sdg-5"], "the other is found again by its words"
    assert "The text has changed since." in page
    assert f'action="{HERE}/ask"' in page


def test_two_at_once_nothing_is_lost_and_nothing_decided_twice(bench: Bench) -> None:
    eve, ben = bench.browser(bench.eve), bench.browser(bench.ben)
    theirs = card(ben.get(HERE).text, "sdg-11")
    assert decide(eve, "sdg-11", "accept").status_code == 303
    form = sent(theirs, f"{HERE}/decide", action="reject", comment="Only on the way.")
    answer = ben.post(f"{HERE}/decide", data=form)
    assert answer.status_code == 409
    assert "Eve has decided meanwhile: accepted, 11.2 Safe and affordable transport for all." in text_of(answer)
    assert "Only on the way.</textarea>" in answer.text
    assert bench.decided() == [("accept", "11")]
    answer = decide(ben, "sdg-5", "accept")
    assert answer.status_code == 303
    assert {code for code, _ in bench.tags()} == {"11.2", "5"}


def test_what_another_decided_elsewhere_on_the_case_is_told_with_ones_own(bench: Bench) -> None:
    eve, ben = bench.browser(bench.eve), bench.browser(bench.ben)
    theirs = card(ben.get(HERE).text, "sdg-5")
    decide(eve, "sdg-11", "reject")
    answer = ben.post(f"{HERE}/decide", data=sent(theirs, f"{HERE}/decide", action="accept"))
    told = text_of(ben.get(answer.headers["location"]))
    assert "5 Gender equality: accepted." in told
    assert "Eve has decided meanwhile: rejected, 11 Sustainable cities and communities." in told


def test_a_decision_that_is_sent_twice_is_made_once(bench: Bench) -> None:
    eve = bench.browser(bench.eve)
    form = sent(card(eve.get(HERE).text, "sdg-11"), f"{HERE}/decide", action="accept")
    first, second = (eve.post(f"{HERE}/decide", data=form) for _ in range(2))
    assert first.headers["location"] == second.headers["location"]
    assert bench.decided() == [("accept", "11")]


def test_a_form_that_was_made_up_is_refused(bench: Bench) -> None:
    eve = bench.browser(bench.eve)
    for wrong in ({"kind": "sdg", "code": "99"}, {"kind": "sdg", "code": "11", "to": "5.2"}, {"tag": "x:y"}, {}):
        assert eve.post(f"{HERE}/decide", data={"action": "accept", **wrong}).status_code == 422
    assert eve.post(f"{HERE}/undo", data={"decision": "77"}).status_code == 404
    assert eve.get("/en/desk/tags/nothing").status_code == 404
    assert bench.decided() == []


def test_next_leads_through_the_queue_and_back_to_it(bench: Bench) -> None:
    eve = bench.browser(bench.eve)
    at = eve.get("/en/desk/tags?view=suggested").text
    first = unescape(re.findall(r'id="title-1" href="([^"]*)"', at)[0])
    for each in ("sdg-11", "sdg-5", "theme-mobility"):
        decide(eve, each, "reject")
    path, _, query = first.partition("?")
    led = eve.get(f"{path}/next?{query}").headers["location"]
    assert led.startswith("/en/desk/tags/b?view=suggested&at=0.9")
    path, _, query = led.partition("?")
    led = eve.get(f"{path}/next?{query}").headers["location"]
    assert led == "/en/desk/tags?done=last-case&view=suggested"
    assert "That was the last case of this list." in eve.get(led).text


def test_cases_are_given_to_somebody_and_come_first_by_their_day(bench: Bench) -> None:
    eve = bench.browser(bench.eve)
    form = {"record": ["b", "c"], "assignee": bench.ben.id, "due_on": "2026-12-24"}
    assert eve.post("/en/desk/tags?view=open", data=form).headers["location"] == "/en/desk/tags?done=saved&view=open"
    page = bench.browser(bench.ben).get("/en/desk/tags?view=mine&sort=due")
    assert re.findall(r'id="title-\d+" href="/en/desk/tags/(\w)\?', page.text) == ["b", "c"]
    assert "with Ben due on 24 December 2026" in text_of(page)
    with transaction(bench.engine, readonly=True) as session:
        assert queue.counts(session, bench.ben.id)["mine"] == 2
    assert eve.post("/en/desk/tags", data={"assignee": bench.ben.id}).status_code == 422
    assert eve.post("/en/desk/tags", data={"record": "a", "assignee": "0" * 32}).status_code == 422
    back = eve.post("/en/desk/tags", data={"record": "a", "back": "a", "assignee": ""})
    assert back.headers["location"] == "/en/desk/tags/a?done=saved"


def test_only_own_decisions_can_be_taken_back(bench: Bench) -> None:
    eve, ben = bench.browser(bench.eve), bench.browser(bench.ben)
    decide(eve, "sdg-11", "accept")
    assert "/undo" in card(eve.get(HERE).text, "sdg-11")
    assert "/undo" not in card(ben.get(HERE).text, "sdg-11")
    with transaction(bench.engine, readonly=True) as session:
        made = cases.decisions_of(session, "a")
        assert decisions.undoable(made, bench.ben.id) == []
        assert decisions.undoable(made, bench.eve.id) == made


def test_suggestions_are_asked_for_where_there_are_none(bench: Bench) -> None:
    eve = bench.browser(bench.eve)
    bench.app.state.taggers = Quick()  # type: ignore[attr-defined]
    page = eve.get("/en/desk/tags/c?at=0.0").text
    assert "No model has read this text yet." in page
    answer = eve.post("/en/desk/tags/c/ask?at=0.0")
    assert answer.headers["location"] == "/en/desk/tags/c?done=read&at=0.0"
    page = eve.get("/en/desk/tags/c").text
    assert "No model has read this text yet." not in page
    assert "Suggested by" in page
    assert eve.get("/en/desk/tags/c/reading").json() == {"done": 0, "total": 0}
    assert eve.post("/en/desk/tags/nothing/ask").status_code == 404
