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
from kb.tagging import decisions, disputes, samples, screening, suggestions
from schemas.language import LANGUAGES, Language
from schemas.tagging import Decision, Evidence, Screening
from schemas.vocabulary import load
from search_ui.i18n import gettext
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

    def screen(self, name: str = "eve") -> None:
        passages = {"objective": "Women feel safe at the stops."}
        asked = Screening(answers={"objective": True}, passages=passages, seen=2**31)
        with transaction(self.app.state.engine) as session:
            screening.screen(session, self.people[name], "trams", asked, lambda _record, passage: passage)

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


def test_who_raised_a_dispute_is_named_to_the_team_only_once_it_is_settled(world: World) -> None:
    found, later = world.dispute(), "Somebody, named once it is settled"
    pages = ("/en/desk/tags/trams", "/en/desk/tags/trams/history")
    name, ben = world.people["ana"].name, world.browser("ben")
    for path in pages:
        text = ben.get(path).text
        assert later in text
        assert f">{name}<" not in text
        assert f">{name}:" not in text
    for reader in ("ben", "cat"):
        assert world.judge(reader, found, verdict="keep").status_code == 303
    for path in pages:
        text = ben.get(path).text
        assert later not in text
        assert name in text


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
    for tag in ("sdg:99", "sdg:3", "nonsense", "theme:11", "gender:11", "gender:gender"):
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
    assert "You decided on this before" in eve.get(path).text
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


# Disputes of the gender marker


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_public_page_leads_to_a_doubt_about_the_marker_and_shows_it_under_review(
    world: World, language: Language
) -> None:
    world.screen()
    nobody, ana = TestClient(world.app), world.browser("ana")
    address, shown = f"/{language}/dispute/trams?tag=gender:gender", f"/{language}/case-studies/trams"
    assert f'href="{address}"' in nobody.get(shown).text
    markers = load("gender_markers")
    option = f"{markers.label[language]} ({markers.label_of('1', language)})</option>"
    assert f'<option value="gender:gender" selected>{option}' in ana.get(address).text
    world.dispute(tag="gender:gender")
    text = nobody.get(shown).text
    assert gettext("Under review since %(date)s", language).partition("%")[0] in text.split('id="gender"')[1]
    assert f'href="{address}"' not in text
    assert option not in ana.get(address).text


@pytest.mark.parametrize("language", LANGUAGES)
def test_readers_of_a_disputed_marker_see_its_answers_and_keep_it_or_set_it_back(
    world: World, language: Language
) -> None:
    world.screen()
    found = world.dispute(tag="gender:gender")
    ana, ben, eve = (world.browser(name) for name in ("ana", "ben", "eve"))
    path = f"/{language}/desk/tags/disputes/{found}"
    text = ben.get(path).text
    assert load("gender_markers").label_of("1", language) in text
    assert load("gender_criteria")["objective"].label[language] in text
    assert "<mark>Women feel safe at the stops.</mark>" in text
    assert gettext("Set it back: the marker is wrong, and the record is screened again", language) in text
    assert 'value="change"' not in text
    assert 'name="to"' not in text
    refused = world.judge("ben", found, verdict="change", to="11.2")
    assert refused.status_code == 422
    assert "The marker follows from answers" in refused.text
    for name in ("ben", "cat"):
        assert world.judge(name, found, verdict="remove").status_code == 303
    settled, own = f"/{language}/desk/tags/disputes?show=settled", f"/{language}/dispute/trams"
    for who, address in ((eve, path), (eve, settled), (ana, own)):
        assert gettext("The marker was set back", language) in who.get(address).text
    with transaction(world.app.state.engine) as session:
        gender = records.get(session, "trams").record.gender
    assert (gender.marker, [tag.theme for tag in gender.themes]) == (None, ["mobility"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_desk_says_that_a_marker_is_disputed_and_leads_to_the_dispute(world: World, language: Language) -> None:
    world.screen()
    eve, wizard = world.browser("eve"), f"/{language}/desk/tags/trams/gender"
    assert f'href="/{language}/dispute/trams?tag=gender:gender"' in eve.get(wizard).text
    found = world.dispute(tag="gender:gender")
    text = eve.get(wizard).text
    assert WHY not in text
    assert f'href="/{language}/desk/tags/disputes/{found}">{gettext("To the dispute", language)}' in text
    for button in ("Set back to not screened", "Take the last decision back", "Save"):
        assert f">{gettext(button, language)}</button>" not in text, button
    assert eve.post(wizard, data={"do": "unscreen", "seen": "99999"}).status_code == 409
    workbench = eve.get(f"/{language}/desk/tags/trams").text
    word = {"en": "Disputed", "es": "En disputa", "fr": "Contesté"}[language]
    assert f'class="badge badge-disputed" href="/{language}/desk/tags/disputes">{word}</a>' in workbench
    assert "Trams for all" in eve.get(f"/{language}/desk/tags?view=disputed").text


def test_answers_that_come_while_the_marker_is_disputed_are_refused_and_stay_typed(world: World) -> None:
    world.screen()
    world.dispute(tag="gender:gender")
    form = {"answer.objective": "yes", "passage.objective": "Half typed", "seen": "99999"}
    answer = world.browser("ben").post("/en/desk/tags/trams/gender", data=form)
    assert answer.status_code == 409
    for words in ("Screen the record again when they have decided.", "Half typed", ">Save</button>"):
        assert words in answer.text, words
    assert "if yours are right, save again" not in answer.text


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("disputed the marker", "Keep it: the marker is right", "The marker stays")),
        ("es", ("puso en duda el marcador", "Mantenerlo: el marcador es", "El marcador se mantiene")),
        ("fr", ("a contesté le marqueur", "Le maintenir", "Le marqueur est maintenu")),
    ],
)
def test_the_history_tells_that_the_marker_was_disputed_and_how_that_ended(
    world: World, language: Language, words: tuple[str, ...]
) -> None:
    world.screen()
    found = world.dispute(tag="gender:gender")
    for name in ("ben", "cat"):
        world.judge(name, found, verdict="keep")
    text = world.browser("eve").get(f"/{language}/desk/tags/trams/history").text
    assert all(word in text for word in (*words, load("gender_markers").label_of("1", language)))


def test_a_difference_on_a_disputed_marker_leads_to_the_disputes(world: World) -> None:
    world.screen()
    path = f"/en/desk/tags/samples/{world.draw()}"
    for name, marker in (("ben", "1"), ("cat", "0")):
        assert world.browser(name).post(f"{path}/trams", data={"marker": marker}).status_code == 303
    assert "Screen it again" in world.browser("ben").get(path).text
    world.dispute(tag="gender:gender")
    assert "Disputed already" in world.browser("ben").get(path).text


def test_the_data_of_a_record_say_that_its_marker_is_disputed(world: World) -> None:
    world.screen()
    nobody, path = TestClient(world.app), "/api/v1/records/trams"
    assert "state" not in nobody.get(path).json()["gender"]
    assert nobody.get(f"{path}/tags").json()["gender_marker"]["state"] == "accepted"
    world.dispute(tag="gender:gender")
    assert nobody.get(path).json()["gender"]["state"] == "disputed"
    assert nobody.get(f"{path}/tags").json()["gender_marker"]["state"] == "disputed"
    rows = csv.DictReader(io.StringIO(nobody.get("/api/v1/tagging/export.csv").text.lstrip("\ufeff")))
    assert {row["state"] for row in rows if row["element"] == "policy-marker"} == {"disputed"}


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
