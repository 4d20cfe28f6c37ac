"""Pages of disputes, double tagging and histories of tags."""

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from kb.db import transaction
from kb.records import service as records
from kb.settings import Settings
from kb.tagging import decisions, disputes, samples, suggestions
from schemas.tagging import Decision, Evidence
from tests.kb.tagging.said import said
from tests.people import OWN, browser_of, person
from tests.search_ui.forms_of_pages import sent
from tests.search_ui.people_site import people_site, saved

CASE = {
    "type": "case_study", "id": "trams", "language": "en", "status": "published", "title": {"en": "Trams for all"},
    "summary": {"en": "Trams for all districts. Women feel safe at the stops."},
}  # fmt: skip
WHY = "The text speaks of safety, not of transport."


class World:
    """The site, with Eve who accepted goal 11 and the theme of mobility, and Ana, Ben, Cat."""

    def __init__(self, app: FastAPI) -> None:
        self.app, engine = app, app.state.engine
        self.people = {name: person(engine, f"{name}@example.org", "editor") for name in ("eve", "ben", "cat")}
        self.people["ana"] = person(engine, "ana@example.org")
        evidence = Evidence(passage="Trams for all districts.", start=0, end=24, terms=["Trams"])
        with transaction(engine) as session:
            found = said({"11": 0.95, "5": 0.7}, {"mobility": 0.8}, marker=1, evidence=evidence)
            suggestions.keep(session, "trams", "a" * 32, found, b"")
            for kind, code in (("sdg", "11"), ("theme", "mobility")):
                choice = Decision.model_validate({"kind": kind, "code": code, "action": "accept", "comment": "Clear."})
                decisions.decide(session, self.people["eve"], "trams", choice)

    def browser(self, name: str) -> TestClient:
        return browser_of(self.app, self.people[name])

    def dispute(self, name: str = "ana", tag: str = "sdg:11") -> int:
        browser = self.browser(name)
        form = sent(browser.get("/en/dispute/trams").text, "/en/dispute/trams", tag=tag, reason=WHY)
        assert browser.post("/en/dispute/trams", data=form).status_code == 303
        with transaction(self.app.state.engine, readonly=True) as session:
            return disputes.of_record(session, "trams")[-1].row.id

    def judge(self, name: str, found: int, **form: Any) -> Any:
        path = f"/en/desk/tags/disputes/{found}"
        return self.browser(name).post(path, data={"comment": "I have read the whole text."} | form)

    def draw(self) -> int:
        with transaction(self.app.state.engine) as session:
            rule = samples.SampleRule(size=5, seed=3)
            return samples.draw(session, self.people["eve"], "Spring", rule).id


@pytest.fixture
def world(sqlite_settings: Settings) -> Iterator[World]:
    with people_site(sqlite_settings) as app:
        saved(app, CASE, CASE | {"id": "hidden", "status": "draft"})
        yield World(app)


# Disputes


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("Doubt a tag", "Dispute this tag", "11 ")),
        ("es", ("Poner en duda una etiqueta", "Poner en duda esta etiqueta", "11 ")),
        ("fr", ("Contester une étiquette", "Contester cette étiquette", "11 ")),
    ],
)
def test_whoever_is_signed_in_can_doubt_a_tag(world: World, language: str, words: tuple[str, ...]) -> None:
    text = world.browser("ana").get(f"/{language}/dispute/trams?tag=sdg:11").text
    assert all(word in text for word in words)
    assert '<option value="sdg:11" selected>' in text
    nobody = TestClient(world.app, follow_redirects=False, headers=OWN)
    assert "sign-in" in nobody.get(f"/{language}/dispute/trams").headers["location"]
    assert world.browser("ana").get(f"/{language}/dispute/hidden").status_code == 404


def test_what_is_wrong_in_a_doubt_is_said_and_nothing_typed_is_lost(world: World) -> None:
    ana = world.browser("ana")
    answer = ana.post("/en/dispute/trams", data={"tag": "sdg:11", "reason": "Why?"})
    assert answer.status_code == 422
    assert "Write at least 10 characters." in answer.text
    for tag in ("sdg:99", "sdg:3", "nonsense", "theme:11"):
        answer = ana.post("/en/dispute/trams", data={"tag": tag, "reason": WHY, "seen": "999"})
        assert answer.status_code == 422, tag
        assert WHY in answer.text
    answer = ana.post("/en/dispute/trams", data={"tag": "sdg:11", "reason": WHY, "seen": "0"})
    assert answer.status_code == 409
    assert "decided on this meanwhile" in answer.text
    assert ana.post("/en/dispute/nothing", data={"tag": "sdg:11", "reason": WHY}).status_code == 404


def test_two_readers_settle_it_and_neither_sees_the_other_s_verdict_before(world: World) -> None:
    found = world.dispute()
    eve, ben, cat = (world.browser(name) for name in ("eve", "ben", "cat"))
    path = f"/en/desk/tags/disputes/{found}"
    assert "waits for you" in ben.get("/en/desk/tags/disputes").text
    assert "waits for others" in eve.get("/en/desk/tags/disputes").text
    text = ben.get(path).text
    assert "<mark>Trams for all districts.</mark>" in text
    assert WHY in text
    assert "Ana" not in text
    assert "You decided on this tag before" in eve.get(path).text
    assert world.judge("ben", found, verdict="change", to="11.2", comment="It is target two.").status_code == 303
    assert "It is target two." in ben.get(path).text
    assert "It is target two." not in cat.get(path).text
    answer = world.judge("cat", found, verdict="change", to="11.2")
    assert answer.headers["location"] == f"{path}?done=settled"
    text = eve.get(path).text
    assert all(word in text for word in ("The tag was changed", "It is target two.", "Ana", "Ben", "Cat"))
    assert "No tag is disputed." in eve.get("/en/desk/tags/disputes").text
    assert "The tag was changed" in eve.get("/en/desk/tags/disputes?show=settled").text
    assert "The tag was changed" in world.browser("ana").get("/en/dispute/trams").text


def test_a_verdict_that_makes_no_sense_is_refused_at_its_field(world: World) -> None:
    found = world.dispute()
    answer = world.judge("ben", found, verdict="change")
    assert answer.status_code == 422
    assert 'href="#f-to"' in answer.text
    for form in ({"verdict": "maybe"}, {"verdict": "change", "to": "care"}, {"verdict": "change", "to": "11"}, {}):
        assert world.judge("ben", found, **form).status_code == 422, form
    # What was chosen in the list before the verdict became another does not matter.
    assert world.judge("ben", found, verdict="keep", to="3").status_code == 303
    assert world.judge("ben", found, verdict="keep").status_code == 409
    assert world.judge("ben", 999, verdict="keep").status_code == 404


def test_a_doubt_is_taken_back_by_who_had_it(world: World) -> None:
    found = world.dispute()
    assert world.browser("ben").post("/en/dispute/trams/withdraw", data={"dispute": found}).status_code == 403
    assert world.browser("ana").post("/en/dispute/trams/withdraw", data={"dispute": "x"}).status_code == 404
    assert world.browser("ana").post("/en/dispute/trams/withdraw", data={"dispute": found}).status_code == 303
    with transaction(world.app.state.engine) as session:
        assert records.get(session, "trams").record.sdgs[0].state == "accepted"


# Double tagging


def test_a_sample_is_drawn_by_a_form_that_shows_its_number(world: World) -> None:
    eve = world.browser("eve")
    form = sent(eve.get("/en/desk/tags/samples").text, "/en/desk/tags/samples", name="Spring", languages=["en"])
    answer = eve.post("/en/desk/tags/samples", data=form)
    assert answer.status_code == 303
    text = eve.get(answer.headers["location"]).text
    assert f"beginning with the number {form['seed'][0]}" in text
    for changes in ({"size": ["0"]}, {"readers": ["1"]}, {"languages": ["fr"]}, {"types": ["city"], "name": [""]}):
        assert eve.post("/en/desk/tags/samples", data=form | changes).status_code == 422, changes


def test_a_reading_shows_the_text_and_no_tag_of_it(world: World) -> None:
    found = world.draw()
    text = world.browser("ben").get(f"/en/desk/tags/samples/{found}/trams").text
    assert "Women feel safe at the stops." in text
    assert not any(word in text for word in ("checked", "<mark>", "accepted", "Clear.", "95"))
    world.browser("ben").post(f"/en/desk/tags/samples/{found}/trams", data={"goals": ["11"], "marker": "1"})
    assert "checked" in world.browser("ben").get(f"/en/desk/tags/samples/{found}/trams").text
    assert "checked" not in world.browser("cat").get(f"/en/desk/tags/samples/{found}/trams").text


@pytest.mark.parametrize("language", ["en", "es", "fr"])
def test_what_readers_agree_on_is_told_once_all_have_read(world: World, language: str) -> None:
    found = world.draw()
    path = f"/{language}/desk/tags/samples/{found}"
    ben, cat = world.browser("ben"), world.browser("cat")
    answer = ben.post(f"{path}/trams", data={"goals": ["11", "5"], "themes": ["mobility"], "marker": "1"})
    assert answer.headers["location"] == f"{path}?done=saved"
    assert "<table" not in cat.get(path).text
    assert cat.post(f"{path}/trams", data={"goals": ["11", "4"], "marker": "unsure"}).status_code == 303
    text = cat.get(path).text
    assert text.count("<tr>") > 6
    assert f"/{language}/desk/tags/trams/gender" in text
    assert f'href="/{language}/dispute/trams?tag=theme:mobility"' in text
    assert f'href="/{language}/desk/tags/trams"' in text
    late = world.browser("eve").post(f"{path}/trams", data={"marker": "0"})
    assert late.status_code == 409


def test_a_reading_needs_a_word_on_the_marker(world: World) -> None:
    found = world.draw()
    answer = world.browser("ben").post(f"/en/desk/tags/samples/{found}/trams", data={"goals": ["11"]})
    assert answer.status_code == 422
    assert 'href="#f-marker"' in answer.text
    assert 'value="11" checked' in answer.text
    for form in ({"marker": "3"}, {"marker": "0", "goals": ["11.2"]}, {"marker": "0", "themes": ["11"]}):
        assert world.browser("ben").post(f"/en/desk/tags/samples/{found}/trams", data=form).status_code == 422
    assert world.browser("ben").get(f"/en/desk/tags/samples/{found}/hidden").status_code == 404


def test_figures_and_readings_are_files_too(world: World) -> None:
    found = world.draw()
    path = f"/en/desk/tags/samples/{found}"
    for name in ("ben", "cat"):
        world.browser(name).post(f"{path}/trams", data={"goals": ["11", "5"], "marker": "unsure"})
    eve = world.browser("eve")
    lines = list(csv.DictReader(io.StringIO(eve.get(f"{path}/readings.csv").text.lstrip("\ufeff"))))
    assert [(line["person"], line["goals"], line["marker"]) for line in lines if line["person"] != "machine"] == [
        (each, "5 11", "") for each in sorted(world.people[name].id for name in ("ben", "cat"))
    ]
    assert [(line["goals"], line["themes"]) for line in lines if line["person"] == "machine"] == [("5 11", "mobility")]
    figures = list(csv.DictReader(io.StringIO(eve.get(f"{path}/figures.csv").text.lstrip("\ufeff"))))
    assert {line["meaning"] for line in figures} == {"few"}
    assert next(line for line in figures if line["subject"] == "goals")["kappa"] == "1.0000"


# Histories


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("Suggested by the program", "accepted the suggestion", "disputed the tag", "settled the dispute")),
        ("es", ("Sugerido por el programa", "aceptó la sugerencia", "puso en duda la etiqueta", "resolvió la disputa")),
        ("fr", ("Suggéré par le programme", "a accepté la suggestion", "a contesté l’étiquette", "a tranché")),
    ],
)
def test_the_history_tells_what_was_suggested_decided_and_settled(
    world: World, language: str, words: tuple[str, ...]
) -> None:
    found = world.dispute()
    path = f"/{language}/desk/tags/trams/history"
    world.judge("ben", found, verdict="remove", comment="It is about safety.")
    assert "It is about safety." not in world.browser("eve").get(path).text
    world.judge("cat", found, verdict="remove")
    text = world.browser("eve").get(path).text
    assert all(word in text for word in (*words, "test-1", "Clear.", WHY, "It is about safety.", "Eve", "Ana"))
    assert text.index(words[0]) < text.index(words[1]) < text.index(words[2]) < text.index(words[3])


def test_the_history_is_a_file_too_with_codes_of_persons(world: World) -> None:
    answer = world.browser("eve").get("/en/desk/tags/trams/history.json")
    assert answer.headers["content-type"] == "application/json"
    events = answer.json()["events"]
    assert [each["event"] for each in events] == ["suggestion", "decision", "decision"]
    assert events[1]["account_id"] == world.people["eve"].id
    assert "Eve" not in answer.text


def test_everybody_may_know_what_led_to_a_published_tag_and_no_name(world: World) -> None:
    world.dispute()
    nobody = TestClient(world.app)
    answer = nobody.get("/api/v1/records/trams/tags")
    eleven, mobility = answer.json()["tags"]
    assert (eleven["code"], eleven["state"], eleven["source"], eleven["model"]) == (
        "11",
        "disputed",
        "machine",
        "test-1",
    )
    assert eleven["passage"] == "Trams for all districts."
    assert [each["action"] for each in eleven["history"]] == ["accept", "dispute"]
    assert eleven["suggested_at"] < eleven["decided_at"]
    assert (mobility["code"], mobility["state"]) == ("mobility", "accepted")
    assert answer.json()["gender_marker"] is None
    for private in ("Eve", "Ana", "Clear.", WHY, *(account.id for account in world.people.values())):
        assert private not in answer.text
    for record_id in ("hidden", "nothing"):
        assert nobody.get(f"/api/v1/records/{record_id}/tags").status_code == 404
