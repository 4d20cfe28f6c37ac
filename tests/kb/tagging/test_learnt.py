"""What decisions teach, and who switches what was learnt. On both databases."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine

from kb.audit import service as audit
from kb.db import transaction, utcnow
from kb.errors import Conflict, Forbidden, Invalid, NotFound
from kb.records import service as records
from kb.tagging import decisions, learnt, suggestions
from kb.tagging.tables import BulkItemRow, BulkRow, DecisionRow, DisputeRow, LearntRow
from schemas.accounts import Account
from schemas.records import Record
from schemas.tagging import Decision
from tests.kb.tagging.said import said
from tests.people import person

KEY = "a" * 32


@pytest.fixture
def eve(engine: Engine, case: Callable[..., Record]) -> Account:
    """An editor; of the record trams goals 11 and 5 were suggested, and the theme of mobility."""
    with transaction(engine) as session:
        records.save(session, case("trams", summary={"en": "Trams for all. Women feel safe."}), "import")
        suggestions.keep(session, "trams", KEY, said({"11": 0.95, "5": 0.7}, {"mobility": 0.8}), b"")
    return person(engine, "eve@example.org", "editor")


def _decide(engine: Engine, who: Account, code: str, action: Any, kind: Any = "sdg", **more: Any) -> int:
    with transaction(engine) as session:
        seen = learnt.last_decision(session)
        decision = Decision(kind=kind, code=code, action=action, seen=seen, **more)
        return decisions.decide(session, who, "trams", decision).id


def _taught(engine: Engine) -> dict[str, bool]:
    with transaction(engine) as session:
        return {label.goal: label.yes for label in learnt.labels(session)}


def _put(engine: Engine, **fields: Any) -> None:
    """A decision as other parts write it."""
    row = {"record_id": "trams", "kind": "sdg", "revision": 1, "account_id": "x", "at": utcnow(), "text_key": KEY}
    with transaction(engine) as session:
        session.add(DecisionRow(**row | fields))


def test_what_is_accepted_or_added_is_right_and_what_is_rejected_or_removed_wrong(engine: Engine, eve: Account) -> None:
    _decide(engine, eve, "11", "accept", to="11.2")
    _decide(engine, eve, "5", "reject")
    _decide(engine, eve, "13.2", "add")
    assert _taught(engine) == {"11": True, "5": False, "13": True}
    _decide(engine, eve, "13.2", "remove")
    assert _taught(engine) == {"11": True, "5": False, "13": False}
    with transaction(engine) as session:
        assert {label.text_key for label in learnt.labels(session)} == {KEY}


def test_another_target_confirms_the_goal_and_another_goal_says_that_the_first_was_wrong(
    engine: Engine, eve: Account
) -> None:
    _decide(engine, eve, "11", "accept")
    _decide(engine, eve, "11", "change", to="11.2")
    assert _taught(engine) == {"11": True}
    _decide(engine, eve, "11.2", "change", to="9.1")
    assert _taught(engine) == {"11": False, "9": True}


def test_what_was_taken_back_does_not_count_and_what_stood_before_does_again(engine: Engine, eve: Account) -> None:
    _decide(engine, eve, "11", "accept")
    removed = _decide(engine, eve, "11", "remove")
    assert _taught(engine) == {"11": False}
    with transaction(engine) as session:
        decisions.undo(session, eve, "trams", removed)
    assert _taught(engine) == {"11": True}


def test_that_another_goal_is_no_longer_the_main_one_teaches_nothing(engine: Engine, eve: Account) -> None:
    _decide(engine, eve, "11", "accept")
    _decide(engine, eve, "5", "accept", primary=True)
    with transaction(engine) as session:
        assert [(label.goal, label.decision_id) for label in learnt.labels(session)] == [("11", 1), ("5", 2)]


def test_what_is_disputed_teaches_nothing_until_it_is_settled(engine: Engine, eve: Account) -> None:
    _decide(engine, eve, "11", "accept")
    _decide(engine, eve, "5", "accept")
    _put(engine, key="5", code="5", action="dispute", after={"code": "5", "state": "disputed"})
    assert _taught(engine) == {"11": True}
    _put(engine, key="5", code="5", action="resolve", after=None)
    assert _taught(engine) == {"11": True, "5": False}
    with transaction(engine) as session:
        session.add(
            DisputeRow(
                record_id="trams",
                kind="sdg",
                key="11",
                tag={"code": "11"},
                reason="No",
                raised_by="x",
                raised_at=utcnow(),
            )
        )
    assert _taught(engine) == {"5": False}


@pytest.mark.parametrize(("sample", "taught"), [(None, {}), (1, {"11": True})])
def test_what_was_accepted_in_bulk_teaches_only_where_somebody_read_it(
    engine: Engine, eve: Account, sample: int | None, taught: dict[str, bool]
) -> None:
    made = _decide(engine, eve, "11", "accept")
    with transaction(engine) as session:
        bulk = BulkRow(account_id=eve.id, begun_at=utcnow(), rule={}, seed=1, stage="checking")
        session.add(bulk)
        session.flush()
        session.add(
            BulkItemRow(
                bulk_id=bulk.id,
                position=0,
                record_id="trams",
                key="11",
                confidence=0.95,
                suggestion_id=1,
                seen=0,
                sample=sample,
                decision_id=made,
            )
        )
    assert _taught(engine) == taught


def test_themes_and_texts_that_were_never_read_teach_nothing(engine: Engine, eve: Account) -> None:
    _decide(engine, eve, "mobility", "accept", kind="theme")
    _put(engine, key="3", code="3", action="add", after={"code": "3"}, text_key="")
    assert _taught(engine) == {}
    with transaction(engine) as session:
        assert learnt.fresh(session, 0) == 0


def test_new_decisions_are_counted_from_the_last_one_that_was_seen(engine: Engine, eve: Account) -> None:
    first = _decide(engine, eve, "11", "accept")
    _decide(engine, eve, "5", "reject")
    with transaction(engine) as session:
        assert (learnt.fresh(session, 0), learnt.fresh(session, first)) == (2, 1)


# Versions


def _version(engine: Engine, base: str = "base-1") -> int:
    with transaction(engine) as session:
        row = LearntRow(
            base=base, fitted_at=utcnow(), decisions=20, records=9, last_decision_id=0, offsets=b"", report={}
        )
        session.add(row)
        session.flush()
        return row.version


def _active(engine: Engine, base: str = "base-1") -> int | None:
    with transaction(engine) as session:
        row = learnt.active(session, base)
        return row.version if row else None


def _switch(engine: Engine, who: Account, version: int, comment: str = "Better", base: str = "base-1") -> None:
    with transaction(engine) as session:
        learnt.switch(session, who, base, version, comment)


def test_an_administrator_switches_a_version_on_with_a_reason_and_back_with_one_click(engine: Engine) -> None:
    admin = person(engine, "ada@example.org", "administrator")
    first, second = _version(engine), _version(engine)
    assert _active(engine) is None
    with pytest.raises(Invalid):
        _switch(engine, admin, first, "")
    _switch(engine, admin, first)
    assert _active(engine) == first
    _switch(engine, admin, second)
    assert _active(engine) == second
    _switch(engine, admin, learnt.BASE, "")
    assert _active(engine) is None
    with transaction(engine) as session:
        assert [row.version for row in learnt.switches(session, 9)] == [0, second, first]
        noted, _ = audit.search(session, audit.Question(action="tagging.switch"))
        assert [(row.subject, row.actor) for row in noted] == [(str(n), admin.id) for n in (0, second, first)]


def test_nobody_else_does_and_no_version_that_is_not_there_or_of_another_base(engine: Engine) -> None:
    eve, admin = person(engine, "eve@example.org", "editor"), person(engine, "ada@example.org", "administrator")
    version = _version(engine, "base-0")
    with pytest.raises(Forbidden):
        _switch(engine, eve, version)
    with pytest.raises(NotFound):
        _switch(engine, admin, 999)
    with pytest.raises(Conflict):
        _switch(engine, admin, version)
    assert _active(engine) is None


def test_a_version_of_another_base_is_not_in_use(engine: Engine) -> None:
    admin = person(engine, "ada@example.org", "administrator")
    version = _version(engine)
    _switch(engine, admin, version)
    assert (_active(engine), _active(engine, "base-2")) == (version, None)
