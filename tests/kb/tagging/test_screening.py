"""Screening a record for the gender marker: one decision, with its answers and passages, that can be taken back."""

from collections.abc import Callable

import pytest
from sqlalchemy import Engine

from kb.db import transaction
from kb.errors import Conflict, Forbidden, Invalid
from kb.records import service as records
from kb.tagging import cases, decisions, screening, suggestions
from schemas.accounts import Account
from schemas.gender_marker import MINIMUM
from schemas.records import Record
from schemas.tagging import Decision, Screening
from schemas.tags import Gender
from tests.kb.tagging.said import said
from tests.people import person

MET = dict.fromkeys(MINIMUM, True)


def _taken(record: Record, passage: str) -> str | None:
    summary = record.summary["en"]
    start = " ".join(summary.split()).find(passage)
    return summary[start : start + len(passage)] if start >= 0 else None


@pytest.fixture
def trams(engine: Engine, case: Callable[..., Record]) -> str:
    """A record with a theme, of which the marker 1 was suggested."""
    with transaction(engine) as session:
        summary = {"en": "Trams for all. The aim is that\nwomen feel safe. Half of the drivers are women."}
        gender = {"themes": [{"theme": "mobility"}]}
        records.save(session, case("trams", summary=summary, gender=gender), "import")
        suggestions.keep(session, "trams", "a" * 32, said({}, {"mobility": 0.8}, marker=1), b"")
    return "trams"


@pytest.fixture
def eve(engine: Engine) -> Account:
    return person(engine, "eve@example.org", "editor")


def _screen(engine: Engine, who: Account, answers: dict[str, bool], seen: int = 0, **passages: str) -> int:
    with transaction(engine) as session:
        asked = Screening(answers=answers, passages=passages, seen=seen, comment="Read twice.")
        return screening.screen(session, who, "trams", asked, _taken).id


def _gender(engine: Engine) -> Gender:
    with transaction(engine) as session:
        return records.get(session, "trams").record.gender


def test_the_answers_give_the_marker_and_stand_in_the_record_with_their_passages(
    engine: Engine, trams: str, eve: Account
) -> None:
    _screen(engine, eve, {"objective": True, **MET, "results": False}, objective="The aim is that women feel safe.")
    gender = _gender(engine)
    assert (gender.marker, gender.results_evidenced, gender.sex_disaggregated_data) == (1, False, True)
    assert gender.checklist == {"objective": True, **MET, "results": False}
    assert gender.passages == {"objective": "The aim is that\nwomen feel safe."}
    assert (gender.passage, gender.passage_language) == ("The aim is that\nwomen feel safe.", "en")
    assert (gender.source, gender.reviewer) == ("staff", decisions.TEAM)
    assert [tag.theme for tag in gender.themes] == ["mobility"]


def test_a_screening_is_one_decision_with_what_was_suggested_and_the_whole_value_but_the_themes(
    engine: Engine, trams: str, eve: Account
) -> None:
    _screen(engine, eve, {"objective": False})
    with transaction(engine) as session:
        row = screening.last(session, "trams")
        assert row
        assert (row.kind, row.key, row.action, row.model, row.confidence) == ("gender", "gender", "mark", "test-1", 0.9)
        assert row.before is None
        assert row.after == decisions.value_of(records.get(session, "trams").record.gender)
        assert "themes" not in row.after
        assert (row.comment, row.text_key, row.account_id) == ("Read twice.", "a" * 32, eve.id)
        assert cases.get(session, "trams").marker == "0"
        assert cases.get(session, "trams").stale is False


def test_undoing_gives_back_what_was_there_and_themes_that_came_meanwhile_stay(
    engine: Engine, trams: str, eve: Account
) -> None:
    first = _screen(engine, eve, {"objective": False})
    second = _screen(engine, eve, {"objective": True, "principal": True}, seen=first)
    with transaction(engine) as session:
        decisions.decide(session, eve, "trams", Decision(kind="theme", code="care", action="add"))
        undone = decisions.undo(session, eve, "trams", second)
    assert (_gender(engine).marker, _gender(engine).checklist) == (0, {"objective": False})
    assert [tag.theme for tag in _gender(engine).themes] == ["mobility", "care"]
    with transaction(engine) as session:
        row = screening.last(session, "trams")
        assert row
        assert row.id == undone.id
        assert not screening.can_undo(eve, row)


def test_a_record_can_be_set_back_to_unscreened_which_is_a_state_of_its_own(
    engine: Engine, trams: str, eve: Account
) -> None:
    first = _screen(engine, eve, {"objective": False})
    with transaction(engine) as session:
        back = screening.unscreen(session, eve, "trams", first, "Not read yet.").id
    assert _gender(engine).model_dump(exclude={"themes"}, exclude_defaults=True) == {}
    assert [tag.theme for tag in _gender(engine).themes] == ["mobility"]
    with transaction(engine) as session:
        assert cases.get(session, "trams").marker == ""
        with pytest.raises(Invalid):
            screening.unscreen(session, eve, "trams", back)
    with transaction(engine) as session:
        decisions.undo(session, eve, "trams", back)
    assert _gender(engine).marker == 0


def test_who_did_not_see_the_last_screening_is_told_and_nothing_is_lost(
    engine: Engine, trams: str, eve: Account
) -> None:
    ben = person(engine, "ben@example.org", "editor")
    first = _screen(engine, eve, {"objective": True, **MET})
    with pytest.raises(Conflict) as refused:
        _screen(engine, ben, {"objective": False})
    assert refused.value.members["why"] == "seen"
    with pytest.raises(Conflict), transaction(engine) as session:
        screening.unscreen(session, ben, "trams", 0)
    assert _gender(engine).marker == 1
    _screen(engine, ben, {"objective": False}, seen=first)
    with pytest.raises(Conflict), transaction(engine) as session:
        decisions.undo(session, eve, "trams", first)


@pytest.mark.parametrize(
    ("answers", "passages", "field"),
    [
        ({}, {}, "answer.objective"),
        ({"principal": True}, {}, "answer.objective"),
        ({"objective": False, "principal": True}, {}, "answer.principal"),
        ({"objective": True}, {"objective": "The aim is that men feel safe."}, "passage.objective"),
        ({"objective": True}, {"analysis": "Trams for all."}, "answer.analysis"),
    ],
)
def test_what_makes_no_sense_is_refused_at_its_field(
    engine: Engine, trams: str, eve: Account, answers: dict[str, bool], passages: dict[str, str], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        _screen(engine, eve, answers, **passages)
    assert refused.value.members["field"] == field
    assert _gender(engine).marker is None


def test_only_staff_screens(engine: Engine, trams: str) -> None:
    ana = person(engine, "ana@example.org")
    with pytest.raises(Forbidden):
        _screen(engine, ana, {"objective": False})
    with pytest.raises(Forbidden), transaction(engine) as session:
        screening.unscreen(session, ana, "trams", 0)
