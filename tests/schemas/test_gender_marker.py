"""The rule of the gender marker: what follows from the answers, what is still open, and what would change it."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.gender_marker import AIM, MAIN, MINIMUM, RESULTS, explain, marker_of, questions
from schemas.labels import CRITERIA, label_parts
from schemas.tags import Gender
from schemas.vocabulary import load

MET = dict.fromkeys(MINIMUM, True)
answers = st.dictionaries(st.sampled_from(questions()), st.sampled_from([True, False, None]))


@pytest.mark.parametrize(
    ("given_answers", "marker"),
    [
        ({}, None),
        ({MAIN: True, **MET}, None),
        ({AIM: False}, 0),
        ({AIM: False, **MET}, 0),
        ({AIM: True, MAIN: False, **MET}, 1),
        ({AIM: True, **MET}, 1),
        ({AIM: True, MAIN: True, **MET}, 2),
        ({AIM: True, MAIN: True}, 2),
        *(({AIM: True, MAIN: main, **MET, missing: False}, 0) for missing in MINIMUM for main in (True, False)),
    ],
)
def test_the_marker_follows_the_handbook(given_answers: dict[str, bool | None], marker: int | None) -> None:
    assert explain(given_answers).marker == marker


@given(answers)
def test_a_marker_is_provisional_exactly_when_open_answers_could_lead_to_another(said: dict[str, bool | None]) -> None:
    result = explain(said)
    unknown = [question for question in questions() if said.get(question) is None]
    possible = {
        marker_of({**said, **dict(zip(unknown, filled, strict=True))})
        for filled in product((True, False), repeat=len(unknown))
    }
    assert result.marker is None or result.marker in possible
    assert bool(result.open) == (result.marker is None or len(possible) > 1)
    assert result.provisional == (result.marker is not None and bool(result.open))


@given(answers)
def test_each_change_that_is_told_leads_to_the_marker_that_it_names_and_none_is_left_out(
    said: dict[str, bool | None],
) -> None:
    result = explain(said)
    told = {(each.question, each.answer): each.marker for each in result.would_change}
    for question, answer in product(questions(), (True, False)):
        found = marker_of({**said, question: answer})
        assert told.get((question, answer)) == (found if found != result.marker else None)


@given(answers)
def test_every_result_is_explained_and_what_is_not_stated_is_as_what_is_not_answered(
    said: dict[str, bool | None],
) -> None:
    result = explain(said)
    assert result.why
    assert all(question in load("gender_criteria") for reason in result.why for question in reason.questions)
    assert explain({question: answer for question, answer in said.items() if answer is not None}) == result


@given(answers, st.sampled_from([True, False, None]))
def test_what_came_of_the_work_never_changes_the_marker(said: dict[str, bool | None], results: bool | None) -> None:
    assert marker_of({**said, RESULTS: results}) == marker_of(said)


@given(answers)
def test_one_answer_more_for_equality_never_lowers_the_marker(said: dict[str, bool | None]) -> None:
    before = marker_of(said)
    for question in questions():
        after = marker_of({**said, question: True})
        assert before is None or (after is not None and after >= before)


def test_an_aim_that_is_not_backed_by_the_criteria_is_told_as_one() -> None:
    result = explain({AIM: True, MAIN: True, **MET, "indicator": False, "monitoring": False})
    assert (result.marker, result.aimed_at) == (0, 2)
    assert ["indicator", "monitoring"] in [reason.questions for reason in result.why]


def test_the_checklist_takes_the_questions_of_the_vocabulary_and_says_so_of_others() -> None:
    checked = Gender(checklist={"objective": True}, passages={"objective": "Women first."})
    assert checked.model_dump(exclude_defaults=True) == {
        "checklist": {"objective": True}, "passages": {"objective": "Women first."},
    }  # fmt: skip
    for field, value in (("checklist", True), ("passages", "Women first.")):
        with pytest.raises(ValidationError, match=r"'objectiv' is not in the vocabulary gender_criteria.*objective"):
            Gender.model_validate({field: {"objectiv": value}})


def test_each_question_has_a_short_name() -> None:
    assert list(CRITERIA) == questions()
    assert label_parts("gender.checklist.results")[-1] == "Proven results"
    assert label_parts("results")[-1] == "Results"
