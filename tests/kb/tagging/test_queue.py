"""The tagging queue: what is in each view, in which order, who has it, and what comes next. On both databases."""

import datetime
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine

from kb.db import transaction
from kb.errors import Forbidden, Invalid
from kb.records import service as records
from kb.settings import Settings
from kb.tagging import cases, decisions, queue, suggestions
from kb.tagging.queue import Wanted
from schemas.records import Record
from schemas.tagging import Decision
from tests.kb.tagging.said import said
from tests.people import person


@pytest.fixture
def three(engine: Engine, case: Callable[..., Record]) -> None:
    """``a`` with a sure suggestion of goal 11, ``b`` with a less sure one of goal 5, and ``c``, of which nothing is known."""
    with transaction(engine) as session:
        for name, more in (("a", {"place": {"country": "ES"}}), ("b", {"period": {"start": "2019"}}), ("c", {})):
            records.save(session, case(name, **more), "import")
        suggestions.keep(session, "a", "a" * 32, said({"11": 0.95}, {}), b"")
        suggestions.keep(session, "b", "b" * 32, said({"5": 0.6}, {}), b"")
        cases.get(session, "c")


def _ids(engine: Engine, sort: queue.Sort = "sure", **wanted: Any) -> list[str]:
    with transaction(engine, readonly=True) as session:
        found = [row.record_id for row in queue.lines(session, Wanted(**wanted), sort, 10)]
        assert queue.count(session, Wanted(**wanted)) == len(found)
    return found


def _decide(engine: Engine, who: Any, record_id: str, code: str, action: Any) -> None:
    with transaction(engine) as session:
        decisions.decide(session, who, record_id, Decision(kind="sdg", code=code, action=action))


def test_the_sure_ones_come_first_or_last(engine: Engine, three: None) -> None:
    assert _ids(engine) == ["a", "b", "c"]
    assert _ids(engine, "unsure") == ["c", "b", "a"]
    assert _ids(engine, "waiting") == ["a", "b", "c"]
    assert _ids(engine, "changed") == ["c", "b", "a"]


def test_views_and_filters_narrow_it(engine: Engine, three: None) -> None:
    assert _ids(engine, view="suggested") == ["a", "b"]
    assert _ids(engine, view="untagged") == ["c"]
    assert _ids(engine, view="unscreened") == ["a", "b", "c"]
    assert _ids(engine, goal="11") == ["a"]
    assert _ids(engine, goal="1") == []
    assert _ids(engine, country="ES") == ["a"]
    assert _ids(engine, region="europe") == ["a"]
    assert _ids(engine, year=2019) == ["b"]
    assert _ids(engine, low=0.5, high=0.8) == ["b"]
    assert _ids(engine, language="fr") == []
    assert _ids(engine, type="case_study", assignee="nobody") == ["a", "b", "c"]
    with transaction(engine, readonly=True) as session:
        assert queue.occurring(session) == {"country": ["ES"], "year": [2019], "assignee": []}


def test_what_is_decided_and_what_readers_do_not_see_leave_the_queue(
    engine: Engine, three: None, case: Callable[..., Record]
) -> None:
    eve = person(engine, "eve@example.org", "editor")
    _decide(engine, eve, "a", "11", "reject")
    with transaction(engine) as session:
        records.save(session, case("c", status="withdrawn"), "import")
    assert _ids(engine) == ["b"]
    assert _ids(engine, view="decided") == ["a"]
    with transaction(engine, readonly=True) as session:
        found = queue.counts(session, eve.id)
    assert {name: number for name, number in found.items() if number} == {
        "open": 1, "suggested": 1, "unscreened": 2, "decided": 1,
    }  # fmt: skip


@pytest.mark.parametrize("sort", queue.SORTS)
def test_one_gets_through_the_queue_although_what_is_decided_moves(
    engine: Engine, three: None, sort: queue.Sort
) -> None:
    eve = person(engine, "eve@example.org", "editor")
    with transaction(engine) as session:
        row = queue.lines(session, Wanted(me=eve.id), sort, 1)[0]
        walked, at = [row.record_id], queue.position(row, sort)
    while True:
        if walked[-1] == "a":
            _decide(engine, eve, "a", "11", "accept")
        with transaction(engine, readonly=True) as session:
            found = queue.next_after(session, Wanted(me=eve.id), sort, walked[-1], at)
            if found is None:
                break
            walked.append(found.record_id)
            at = queue.position(found, sort)
    assert sorted(walked) == ["a", "b", "c"]


def test_what_somebody_else_has_is_passed_over(engine: Engine, three: None) -> None:
    eve, ben = person(engine, "eve@example.org", "editor"), person(engine, "ben@example.org", "editor")
    due = datetime.date(2026, 12, 1)
    with transaction(engine) as session:
        assert queue.assign(session, eve, ["b", "nothing"], ben.id, due) == 1
    assert _ids(engine, view="mine", me=ben.id) == _ids(engine, assignee=ben.id) == ["b"]
    assert _ids(engine, "due")[0] == "b"
    with transaction(engine, readonly=True) as session:
        after = queue.next_after(session, Wanted(me=eve.id), "sure", "a")
        theirs = queue.next_after(session, Wanted(me=ben.id), "sure", "a", "not a number")
    assert (after and after.record_id, theirs and theirs.record_id) == ("c", "b")
    with transaction(engine) as session:
        queue.assign(session, eve, ["b"], "", due)
        assert (cases.get(session, "b").assignee_id, cases.get(session, "b").due_on) == ("", None)


def test_only_staff_gives_cases_and_only_to_staff(engine: Engine, three: None) -> None:
    eve, ana = person(engine, "eve@example.org", "editor"), person(engine, "ana@example.org")
    with transaction(engine) as session, pytest.raises(Forbidden):
        queue.assign(session, ana, ["a"], ana.id, None)
    with transaction(engine) as session, pytest.raises(Invalid):
        queue.assign(session, eve, ["a"], ana.id, None)
    with transaction(engine) as session, pytest.raises(Invalid):
        queue.assign(session, eve, ["a"] * (queue.MOST + 1), eve.id, None)


def test_published_records_enter_the_queue_by_themselves(
    engine: Engine, case: Callable[..., Record], settings: Settings
) -> None:
    with transaction(engine) as session:
        records.save(session, case("new"), "import")
        records.save(session, case("hidden", status="draft"), "import")
    assert queue.enter_new(engine, settings) == 1
    assert queue.enter_new(engine, settings) == 0
    assert _ids(engine, view="untagged") == ["new"]
