"""The page of the gender marker without a browser: what it shows, takes and refuses; and what readers see of it."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from indexer.tagging.sections import reading_of
from kb.db import transaction, utcnow
from kb.records import service as records
from kb.tagging import decisions, screening, suggestions
from kb.tagging.tables import DisputeRow
from schemas.gender_marker import MINIMUM, questions
from schemas.labels import CRITERIA
from schemas.language import LANGUAGES, Language
from schemas.records import parse
from schemas.tagging import CriterionSuggestion, Decision, Evidence, MarkerSuggestion, Suggestions
from schemas.tags import Gender
from schemas.vocabulary import load
from search_ui.i18n import gettext
from tests.kb.tagging.said import said
from tests.people import browser_of, person
from tests.search_ui.own_site import prepared_in

_NUMBERS = count(1)
AIM = "The aim is that women feel safe at every stop."
SURVEY = "A survey showed that they avoid the last tram."
CASE: dict[str, Any] = {
    "type": "case_study", "id": "trams", "language": "en", "status": "published",
    "title": {"en": "Trams for all"}, "summary": {"en": "A tram line along the river."},
    "problem": {"en": f"Women took longer ways at night. {SURVEY} Buses were full."},
    "solution": {"en": f"Lights, help points and drivers who are trained. {AIM} Half of the drivers are women."},
}  # fmt: skip


def _evidence(passage: str) -> Evidence:
    text = reading_of(parse(CASE)).text
    start = text.index(passage)
    return Evidence(passage=passage, start=start, end=start + len(passage))


def suggested() -> Suggestions:
    """What a program might say of the case: equality is an aim, not the main one, after a survey."""
    answers = {"objective": (True, AIM), "principal": (False, ""), "analysis": (True, SURVEY)}
    criteria = [
        CriterionSuggestion(
            criterion=each,
            answer=answers[each][0] if each in answers else None,
            confidence=0.87,
            evidence=_evidence(answers[each][1]) if each in answers and answers[each][1] else None,
        )
        for each in questions()
    ]
    marker = MarkerSuggestion(
        value=1, confidence=0.87, suggested=True, evidence=_evidence(AIM), speaks_for=[_evidence(AIM)],
        speaks_against=[_evidence("Buses were full.")],
    )  # fmt: skip
    found = said({"5": 0.95}, {"mobility": 0.8}, evidence=_evidence(AIM))
    return found.model_copy(update={"gender": found.gender.model_copy(update={"criteria": criteria, "marker": marker})})


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    app = prepared_in(tmp_path_factory.mktemp("wizard"))
    with TestClient(app):
        yield app


@pytest.fixture
def case(app: FastAPI) -> str:
    """A case of its own for each test."""
    record_id = f"trams-{next(_NUMBERS)}"
    with transaction(app.state.engine) as session:
        records.save(session, parse(CASE | {"id": record_id}), "import")
    return record_id


@pytest.fixture(scope="module")
def eve(app: FastAPI) -> TestClient:
    return browser_of(app, person(app.state.engine, "eve@example.org", "editor"))


@pytest.fixture(scope="module")
def ben(app: FastAPI) -> TestClient:
    return browser_of(app, person(app.state.engine, "ben@example.org", "editor"))


def _page(case: str, language: Language = "en") -> str:
    return f"/{language}/desk/tags/{case}/gender"


def _suggest(app: FastAPI, case: str) -> None:
    with transaction(app.state.engine) as session:
        suggestions.keep(session, case, reading_of(records.get(session, case).record).key, suggested(), b"")


def _gender(app: FastAPI, case: str) -> Gender:
    with transaction(app.state.engine) as session:
        return records.get(session, case).record.gender


def _answers(**given: str) -> dict[str, str]:
    return {f"answer.{question}": answer for question, answer in given.items()}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_question_is_asked_in_plain_words_with_what_is_suggested_and_why(
    app: FastAPI, case: str, eve: TestClient, language: Language
) -> None:
    _suggest(app, case)
    text = eve.get(_page(case, language)).text.replace("&#39;", "'")
    for term in load("gender_criteria").terms:
        assert term.label[language] in text
        assert term.definition[language] in text
    assert text.count("data-suggested") == 3
    assert text.count(f">{gettext('Suggested', language)}<") == 4
    assert f'<mark data-for="objective">{AIM}</mark>' in text
    assert gettext("They speak against it", language) in text
    assert _gender(app, case).marker is None


def test_what_is_saved_stands_in_the_record_and_on_the_page(app: FastAPI, case: str, eve: TestClient) -> None:
    _suggest(app, case)
    form = _answers(objective="yes", principal="no", results="no", **dict.fromkeys(MINIMUM, "yes"))
    answer = eve.post(_page(case), data=form | {"passage.objective": AIM.replace(" that", "\r\nthat"), "seen": "0"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"{_page(case)}?done=saved")
    gender = _gender(app, case)
    assert (gender.marker, gender.passages, gender.results_evidenced) == (1, {"objective": AIM}, False)
    page = eve.get(_page(case)).text
    assert "1 – Significant objective" in page
    assert "data-suggested" not in page
    assert "Last decided by Eve" in page


def test_the_result_and_what_would_change_it_is_told_before_it_is_saved(
    app: FastAPI, case: str, eve: TestClient
) -> None:
    form = _answers(objective="yes", **dict.fromkeys(MINIMUM, "yes")) | {"passage.objective": "Half typed"}
    whole = eve.post(_page(case), data=form | {"do": "show"})
    part = eve.post(_page(case), data=form | {"do": "result"})
    assert "<html" in whole.text
    assert "Half typed" in whole.text
    assert "<html" not in part.text
    for text in (whole.text, part.text):
        assert "1 – Significant objective" in text
        assert "provisional" in text
        assert "<strong>2 – Principal objective</strong>: if this were answered yes: Equality as the main aim" in text
        assert f"if one of these were answered no: {CRITERIA['objective']}, {CRITERIA['analysis']}" in text
    refused = eve.post(_page(case), data=form | _answers(indicator="no") | {"do": "result"}).text
    assert "0 – Screened, not targeted" in refused
    assert "By its aim alone it would be “1 – Significant objective”." in refused
    assert _gender(app, case).marker is None


@pytest.mark.parametrize(
    ("form", "place", "reason"),
    [
        (_answers(principal="yes"), "f-answer-objective", "Answer the first question"),
        (_answers(objective="no", principal="yes"), "f-answer-principal", "What is not an aim"),
        (_answers(objective="yes") | {"passage.objective": "Men first."}, "f-passage-objective", "word for word"),
        (_answers(objective="yes") | {"passage.design": AIM}, "f-answer-design", "Answer the question yes or no"),
        (_answers(objective="yes") | {"comment": "x" * 2001}, "f-comment", "at most 2000"),
        (_answers(objective="yes") | {"passage.objective": "a\x07b"}, "f-passage-objective", "control character"),
    ],
)
def test_what_cannot_be_taken_is_told_at_its_field_and_stays_typed(
    app: FastAPI, case: str, eve: TestClient, form: dict[str, str], place: str, reason: str
) -> None:
    answer = eve.post(_page(case), data=form)
    assert answer.status_code == 422
    assert f'href="#{place}">' in answer.text
    assert reason in answer.text
    for value in form.values():
        assert value.replace("\x07", "") in answer.text.replace("\x07", "")
    assert _gender(app, case).marker is None


def test_two_at_once_nothing_is_lost_and_nothing_decided_twice(
    app: FastAPI, case: str, eve: TestClient, ben: TestClient
) -> None:
    assert eve.post(_page(case), data=_answers(objective="no") | {"seen": "0"}).status_code == 303
    told = ben.post(_page(case), data=_answers(objective="yes") | {"seen": "0", "passage.objective": AIM})
    assert told.status_code == 409
    assert "Somebody else has decided" in told.text
    assert "Your answers are still in the form" in told.text
    assert AIM in told.text
    assert "Last decided by Eve" in told.text
    assert _gender(app, case).marker == 0
    with transaction(app.state.engine) as session:
        seen = screening.last(session, case)
        assert seen
    assert f'name="seen" value="{seen.id}"' in told.text
    again = ben.post(_page(case), data=_answers(objective="yes") | {"seen": str(seen.id), "passage.objective": AIM})
    assert again.status_code == 303
    assert _gender(app, case).marker == 1


def test_one_takes_back_ones_own_and_sets_back_to_unscreened(
    app: FastAPI, case: str, eve: TestClient, ben: TestClient
) -> None:
    assert "Set back to not screened" not in eve.get(_page(case)).text
    eve.post(_page(case), data=_answers(objective="no") | {"seen": "0"})
    with transaction(app.state.engine) as session:
        first = screening.last(session, case)
        assert first
    assert "Take the last decision back" not in ben.get(_page(case)).text
    assert ben.post(_page(case), data={"do": "undo", "decision": str(first.id)}).status_code == 403
    assert eve.post(_page(case), data={"do": "unscreen", "seen": str(first.id)}).status_code == 303
    assert _gender(app, case).marker is None
    with transaction(app.state.engine) as session:
        second = screening.last(session, case)
        assert second
    assert eve.post(_page(case), data={"do": "undo", "decision": str(second.id)}).status_code == 303
    assert _gender(app, case).marker == 0
    assert "Take the last decision back" not in eve.get(_page(case)).text


def test_what_is_not_tagged_has_no_such_page(app: FastAPI, case: str, eve: TestClient) -> None:
    city = {"type": "city", "id": "city-x", "language": "en", "title": {"en": "X"}, "status": "published"}
    with transaction(app.state.engine) as session:
        records.save(session, parse(city), "import")
    assert eve.get("/en/desk/tags/city-x/gender").status_code == 404
    assert eve.get("/en/desk/tags/nothing/gender").status_code == 404


# What readers see


def _tag(app: FastAPI, case: str) -> None:
    """Goal 5 suggested, accepted and disputed; goal 11 and a theme by the team; the marker with its answers."""
    _suggest(app, case)
    staff = person(app.state.engine, "eve@example.org", "editor")
    with transaction(app.state.engine) as session:
        decisions.decide(session, staff, case, Decision(kind="sdg", code="5", action="accept"))
        decisions.decide(session, staff, case, Decision(kind="sdg", code="11", action="add"))
        decisions.decide(session, staff, case, Decision(kind="theme", code="mobility", action="accept"))
    form = _answers(objective="yes", principal="no", results="yes")
    passages = {"passage.objective": AIM, "passage.results": "Half of the drivers are women."}
    assert browser_of(app, staff).post(_page(case), data=form | passages).status_code == 303
    with transaction(app.state.engine) as session:
        record = records.get(session, case).record
        five = next(tag for tag in record.sdgs if tag.goal == "5")
        others = [tag.model_copy(update={"state": "disputed"}) if tag is five else tag for tag in record.sdgs]
        records.save(session, record.model_copy(update={"sdgs": others}), staff.id)
        session.add(
            DisputeRow(record_id=case, kind="sdg", key="5", tag=five.model_dump(mode="json"), reason="Why?",
                       raised_by=staff.id, raised_at=utcnow().replace(year=2026, month=5, day=3))
        )  # fmt: skip


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["Suggested by a program (95% sure); accepted by the editorial team on", "Under review since 3 May 2026",
                "Tagged by the editorial team,", "Marker set by the editorial team on"]),
        ("es", ["Sugerido por un programa (seguridad: 95", "; aceptado por el equipo editorial el",
                "En revisión desde el 3 de mayo de 2026", "Etiquetado por el equipo editorial,",
                "Marcador asignado por el equipo editorial el"]),
        ("fr", ["Suggéré par un programme (certitude", "; accepté par l’équipe éditoriale le",
                "En cours de réexamen depuis le 3 mai 2026", "Indiqué par l’équipe éditoriale,",
                "Marqueur attribué par l’équipe éditoriale le"]),
    ],
)  # fmt: skip
def test_readers_see_who_stands_for_each_tag_on_which_passage_and_what_is_under_review(
    app: FastAPI, case: str, language: Language, words: list[str]
) -> None:
    _tag(app, case)
    text = TestClient(app).get(f"/{language}/case-studies/{case}").text
    for each in words:
        assert each in text
    assert "Editorial team;" not in text
    for term in load("gender_criteria").terms:
        assert term.label[language].replace("'", "&#39;") in text
    assert text.count(f'<span class="soft">{gettext("Not stated", language)}</span>') == 5
    criteria = text.split('class="criteria"')[1]
    assert "Half of the drivers are women." in criteria
    assert gettext(CRITERIA["monitoring"], language) in criteria
    assert (f'<blockquote lang="en">{AIM}' in text) == (language != "en")


def test_the_data_of_a_record_tell_the_same(app: FastAPI, case: str) -> None:
    _tag(app, case)
    anybody = TestClient(app)
    value = anybody.get(f"/api/v1/records/{case}").json()
    assert value["gender"]["checklist"] == {"objective": True, "principal": False, "results": True}
    assert value["gender"]["passages"] == {"objective": AIM, "results": "Half of the drivers are women."}
    assert (value["gender"]["marker"], value["gender"]["results_evidenced"]) == (1, True)
    assert {tag["code"]: tag.get("state", "accepted") for tag in value["sdgs"]} == {"5": "disputed", "11": "accepted"}
    graph = anybody.get(f"/api/v1/records/{case}", headers={"accept": "application/ld+json"}).json()
    assert {each["termCode"] for each in graph["about"]} >= {"11", "mobility"}


def test_a_value_that_was_imported_long_ago_is_shown_without_answers(app: FastAPI, case: str) -> None:
    old = CASE | {
        "id": case,
        "gender": {"marker": 2, "passage": AIM, "passage_language": "en", "reviewer": "Ana", "source": "machine"},
    }
    with transaction(app.state.engine) as session:
        records.save(session, parse(old), "import")
    text = TestClient(app).get(f"/en/case-studies/{case}").text
    assert AIM in text.split('id="gender"')[1].split("</section>")[0]
    assert "Suggested by a program; marker set by Ana" in text
    assert "How the marker came about" not in text
