"""Deciding on tags: what becomes of the record, what is kept of it, and two people at once. On both databases."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine

from kb.db import transaction
from kb.errors import Conflict, Forbidden, Invalid
from kb.records import service as records
from kb.tagging import cases, decisions, suggestions
from kb.tagging.tables import TagCaseRow
from schemas.records import Record
from schemas.tagging import Decision
from tests.kb.tagging.said import said
from tests.people import person


@pytest.fixture
def trams(engine: Engine, case: Callable[..., Record]) -> str:
    """A record of which goals 11 (with 11.2) and 5 were suggested, and the theme of mobility."""
    with transaction(engine) as session:
        records.save(session, case("trams", summary={"en": "Trams for all. Women feel safe."}), "import")
        suggestions.keep(session, "trams", "a" * 32, said({"11": 0.95, "5": 0.7}, {"mobility": 0.8}), b"")
    return "trams"


def _decide(engine: Engine, who: Any, code: str, action: Any, kind: Any = "sdg", **more: Any) -> int:
    with transaction(engine) as session:
        return decisions.decide(session, who, "trams", Decision(kind=kind, code=code, action=action, **more)).id


def _tags(engine: Engine) -> list[tuple[str, bool]]:
    with transaction(engine) as session:
        return [(tag.code, tag.primary) for tag in records.get(session, "trams").record.sdgs]


def _case(engine: Engine) -> TagCaseRow:
    with transaction(engine) as session:
        row = cases.get(session, "trams")
        session.expunge(row)
        return row


def test_what_is_suggested_waits_and_what_is_accepted_stands_in_the_record_with_its_passage(
    engine: Engine, trams: str
) -> None:
    eve = person(engine, "eve@example.org", "editor")
    assert (_case(engine).stage, _case(engine).open, _case(engine).confidence) == ("suggested", 3, 0.95)
    _decide(
        engine,
        eve,
        "11",
        "accept",
    )
    with transaction(engine) as session:
        tag = records.get(session, "trams").record.sdgs[0]
    assert (tag.code, tag.primary, tag.source, tag.state) == ("11", True, "machine", "accepted")
    assert (tag.passage, tag.passage_language, tag.confidence) == ("Trams for all.", "en", 0.95)
    assert (_case(engine).open, _case(engine).confidence) == (2, 0.8)


def test_a_suggestion_is_accepted_as_one_of_its_targets(engine: Engine, trams: str) -> None:
    _decide(engine, person(engine, "eve@example.org", "editor"), "11", "accept", to="11.2")
    assert _tags(engine) == [("11.2", True)]


def test_a_case_is_decided_when_nothing_waits_any_more_and_stale_when_its_text_changes(
    engine: Engine, trams: str
) -> None:
    eve = person(engine, "eve@example.org", "editor")
    _decide(engine, eve, "11", "accept")
    _decide(engine, eve, "5", "reject")
    _decide(engine, eve, "mobility", "reject", kind="theme")
    assert (_case(engine).stage, _case(engine).stale) == ("decided", False)
    with transaction(engine) as session:
        suggestions.keep(session, "trams", "b" * 32, said({"11": 0.95, "5": 0.7}, {}), b"")
    assert (_case(engine).stage, _case(engine).stale, _case(engine).open) == ("suggested", True, 1)


def test_there_is_one_main_goal_and_undoing_gives_it_back(engine: Engine, trams: str) -> None:
    eve = person(engine, "eve@example.org", "editor")
    _decide(engine, eve, "11", "accept")
    five = _decide(engine, eve, "5", "accept", primary=True)
    assert _tags(engine) == [("11", False), ("5", True)]
    with transaction(engine) as session:
        decisions.undo(session, eve, "trams", five)
    assert _tags(engine) == [("11", True)]
    assert _case(engine).open == 2


def test_a_fifth_goal_is_refused(engine: Engine, trams: str) -> None:
    eve = person(engine, "eve@example.org", "editor")
    for code in ("1", "2", "3", "4"):
        _decide(engine, eve, code, "add")
    with pytest.raises(Invalid, match="three others"):
        _decide(engine, eve, "6", "add")


def test_what_was_decided_since_one_looked_is_told_and_not_decided_twice(engine: Engine, trams: str) -> None:
    eve, ben = person(engine, "eve@example.org", "editor"), person(engine, "ben@example.org", "editor")
    first = _decide(engine, eve, "11", "accept")
    with pytest.raises(Conflict):
        _decide(engine, ben, "11", "reject")
    _decide(engine, ben, "5", "accept")
    _decide(engine, ben, "11", "remove", seen=first)
    assert _tags(engine) == [("5", False)]


def test_two_who_decide_at_the_same_moment_both_keep_their_decision_on_different_goals(
    engine: Engine, trams: str
) -> None:
    people = [person(engine, f"{name}@example.org", "editor") for name in ("eve", "ben")]
    start = threading.Barrier(2)

    def run(who: Any, code: str) -> None:
        start.wait()
        _decide(engine, who, code, "accept")

    threads = [threading.Thread(target=run, args=pair) for pair in zip(people, ("11", "5"), strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {code for code, _ in _tags(engine)} == {"11", "5"}


def test_one_takes_back_only_ones_own_last_decision(engine: Engine, trams: str) -> None:
    eve, ben = person(engine, "eve@example.org", "editor"), person(engine, "ben@example.org", "editor")
    first = _decide(engine, eve, "11", "accept")
    with transaction(engine) as session, pytest.raises(Forbidden):
        decisions.undo(session, ben, "trams", first)
    _decide(engine, ben, "11", "change", to="11.2", seen=first)
    with transaction(engine) as session, pytest.raises(Conflict):
        decisions.undo(session, eve, "trams", first)


def test_only_staff_decides(engine: Engine, trams: str) -> None:
    with pytest.raises(Forbidden):
        _decide(engine, person(engine, "ana@example.org"), "11", "accept")
