"""Accepting in bulk: what is chosen, the sample that must be read, what moved on meanwhile, and taking it all back. On both
databases."""

from collections.abc import Callable

import pytest
from sqlalchemy import Engine, select

from kb.audit.tables import AuditRow
from kb.db import transaction
from kb.errors import Conflict, Forbidden, Invalid
from kb.records import service as records
from kb.settings import get_settings
from kb.tagging import bulk, bulk_run, decisions, suggestions
from kb.tagging.intervals import wilson
from kb.tagging.tables import BulkItemRow, BulkRow, DecisionRow
from schemas.accounts import Account
from schemas.records import Record
from schemas.tagging import BulkRule, Decision
from tests.kb.tagging.said import said
from tests.people import person

#: Records of which goal 11 was suggested, each a little surer than the one before; of every fifth goal 5, too.
COUNT = 25


@pytest.fixture
def many(engine: Engine, case: Callable[..., Record]) -> list[str]:
    ids = [f"case-{number:02}" for number in range(COUNT)]
    with transaction(engine) as session:
        for number, record_id in enumerate(ids):
            records.save(session, case(record_id, place={"country": "CO" if number % 2 else "FR"}), "import")
            goals = {"11": 0.9 + number / 1000} | ({"5": 0.95} if number % 5 == 0 else {})
            suggestions.keep(session, record_id, "a" * 32, said(goals, {"mobility": 0.99}), b"")
    return ids


@pytest.fixture
def eve(engine: Engine) -> Account:
    return person(engine, "eve@example.org", "editor")


def _begin(engine: Engine, who: Account, **rule: object) -> int:
    with transaction(engine) as session:
        return bulk.begin(session, who, BulkRule.model_validate({"confidence": 0.9} | rule)).id


def _read(engine: Engine, who: Account, bulk_id: int, wrong: int = 0) -> None:
    with transaction(engine) as session:
        for read in bulk.sample(session, bulk.get(session, bulk_id)):
            assert read.item.sample
            bulk.check(session, who, bulk_id, read.item.sample, right=read.item.sample > wrong)


def _accept(engine: Engine, who: Account, bulk_id: int, *, rest: bool = True, despite: bool = False) -> None:
    with transaction(engine) as session:
        bulk.accept(session, who, bulk_id, "Bulk: nine of ten", rest=rest, despite=despite)
    bulk_run.run(engine, bulk_id, 60)


def _outcomes(engine: Engine, bulk_id: int) -> dict[str, int]:
    with transaction(engine) as session:
        return dict(bulk.outcomes(session, bulk.get(session, bulk_id)))


def _goals(engine: Engine, record_id: str) -> list[str]:
    with transaction(engine) as session:
        return [tag.code for tag in records.get(session, record_id).record.sdgs]


def _decisions(engine: Engine) -> list[DecisionRow]:
    with transaction(engine) as session:
        return list(session.scalars(select(DecisionRow).order_by(DecisionRow.id)))


def test_the_rule_says_which_suggestions_and_themes_are_none_of_them(engine: Engine, many: list[str]) -> None:
    def count(**rule: object) -> int:
        with transaction(engine) as session:
            return len(bulk.offers(session, BulkRule.model_validate({"confidence": 0.9} | rule)))

    assert count() == COUNT + 5
    assert count(goal="5") == 5
    assert count(confidence=0.9145, goal="11") == 10
    assert count(region="south-america") == sum(n % 2 for n in range(COUNT)) + 2
    assert count(language="fr") == count(type="expert") == 0


def test_what_was_saved_since_it_was_read_or_is_withdrawn_is_not_chosen(
    engine: Engine, many: list[str], case: Callable[..., Record]
) -> None:
    with transaction(engine) as session:
        records.save(session, case(many[1], summary={"en": "Another text."}), "import")
        records.save(session, case(many[2], status="withdrawn"), "import")
        found = {offer.record_id for offer in bulk.offers(session, BulkRule(confidence=0.9))}
    assert found == set(many) - {many[1], many[2]}


def test_the_sample_can_be_drawn_again_and_is_all_where_there_are_fewer(
    engine: Engine, many: list[str], eve: Account
) -> None:
    first = _begin(engine, eve, sample=12)
    with transaction(engine) as session:
        row = bulk.get(session, first)
        items = session.scalars(select(BulkItemRow).where(BulkItemRow.bulk_id == first)).all()
        drawn = {item.position: item.sample for item in items if item.sample}
        assert drawn == bulk.sample_of(COUNT + 5, 12, row.seed)
    few = _begin(engine, eve, goal="5")
    with transaction(engine) as session:
        assert len(bulk.sample(session, bulk.get(session, few))) == 5
    with pytest.raises(Invalid):
        _begin(engine, eve, confidence=0.999)


def test_nothing_is_accepted_before_the_whole_sample_is_read(engine: Engine, many: list[str], eve: Account) -> None:
    bulk_id = _begin(engine, eve)
    with pytest.raises(Conflict):
        _accept(engine, eve, bulk_id)
    _read(engine, eve, bulk_id, wrong=1)
    with transaction(engine) as session:
        found = bulk.quality(session, bulk.get(session, bulk_id))
    assert (found.right, found.wrong, found.unread, found.is_enough) == (9, 1, 0, True)
    assert found.interval == pytest.approx((0.5958, 0.9821), abs=1e-4)
    _accept(engine, eve, bulk_id)
    assert _outcomes(engine, bulk_id) == {"accepted": COUNT + 4, "rejected": 1}
    made = _decisions(engine)
    assert [row.action for row in made].count("reject") == 1
    assert {row.comment for row in made} == {"Bulk: nine of ten"}
    assert {row.account_id for row in made} == {eve.id}
    with transaction(engine) as session:
        assert bulk.get(session, bulk_id).stage == "done"
        assert session.scalars(select(AuditRow.action).where(AuditRow.action == "tags.bulk")).all() == ["tags.bulk"]


def test_where_the_sample_is_poor_the_rest_needs_another_word_or_is_left(
    engine: Engine, many: list[str], eve: Account
) -> None:
    bulk_id = _begin(engine, eve)
    _read(engine, eve, bulk_id, wrong=3)
    with pytest.raises(Invalid):
        _accept(engine, eve, bulk_id)
    _accept(engine, eve, bulk_id, rest=False)
    assert _outcomes(engine, bulk_id) == {"accepted": 7, "rejected": 3}
    assert len(_decisions(engine)) == 10


def test_what_moved_on_is_left_out_with_its_reason(
    engine: Engine, many: list[str], eve: Account, case: Callable[..., Record]
) -> None:
    ben, bulk_id = person(engine, "ben@example.org", "editor"), _begin(engine, eve, goal="11")
    _read(engine, eve, bulk_id)
    with transaction(engine) as session:
        decisions.decide(session, ben, many[3], Decision(kind="sdg", code="11", action="reject"))
        records.save(session, case(many[4], summary={"en": "Another text."}), "import")
        records.save(session, case(many[6], status="withdrawn"), "import")
        again = said({"11": 0.95}, {}, model="test-2")
        suggestions.keep(session, many[7], "a" * 32, again, b"")
        for goal in ("1", "2", "3", "4"):
            decisions.decide(session, ben, many[8], Decision(kind="sdg", code=goal, action="add"))
        records.delete(session, many[9])
    _accept(engine, eve, bulk_id)
    assert _outcomes(engine, bulk_id) == {"accepted": COUNT - 6, "left": 5}
    with transaction(engine) as session:
        left = {item.record_id: item.reason for item, _ in bulk.left_out(session, bulk.get(session, bulk_id))}
    assert list(left) == [many[3], many[4], many[6], many[7], many[8]]
    assert len(set(left.values())) == 4
    assert _goals(engine, many[3]) == []


def test_it_goes_on_where_it_was_cut_off(engine: Engine, many: list[str], eve: Account) -> None:
    bulk_id = _begin(engine, eve)
    _read(engine, eve, bulk_id)
    with transaction(engine) as session:
        bulk.accept(session, eve, bulk_id, "", rest=True)
    assert bulk_run.run(engine, bulk_id, 0) == bulk_run.PIECE
    assert _outcomes(engine, bulk_id) == {"accepted": bulk_run.PIECE, "": COUNT + 5 - bulk_run.PIECE}
    assert bulk_run.proceed(engine, get_settings()) == COUNT + 5 - bulk_run.PIECE
    assert bulk_run.proceed(engine, get_settings()) == 0
    assert len(_decisions(engine)) == COUNT + 5


def test_the_whole_is_taken_back_but_for_what_was_decided_on_since(
    engine: Engine, many: list[str], eve: Account
) -> None:
    ben, bulk_id = person(engine, "ben@example.org", "editor"), _begin(engine, eve, goal="11")
    _read(engine, eve, bulk_id, wrong=1)
    _accept(engine, eve, bulk_id)
    last = next(row for row in _decisions(engine) if row.record_id == many[0])
    with transaction(engine) as session:
        now = "add" if last.action == "reject" else "remove"
        decisions.decide(session, ben, many[0], Decision(kind="sdg", code="11", action=now, seen=last.id))
        with pytest.raises(Forbidden):
            bulk.take_back(session, ben, bulk_id)
        bulk.take_back(session, eve, bulk_id)
    bulk_run.run(engine, bulk_id, 60)
    assert _outcomes(engine, bulk_id) == {"undone": COUNT - 1, "kept": 1}
    assert _goals(engine, many[5]) == []
    with transaction(engine) as session:
        assert bulk.get(session, bulk_id).stage == "undone"
        with pytest.raises(Conflict):
            bulk.take_back(session, eve, bulk_id)
        assert len(bulk.offers(session, BulkRule(confidence=0.9, goal="11"))) == COUNT - 1


def test_an_administrator_takes_another_s_bulk_back_and_nobody_after_thirty_days(
    engine: Engine, many: list[str], eve: Account
) -> None:
    boss = person(engine, "boss@example.org", "administrator", "editor")
    first, second = _begin(engine, eve, goal="5"), _begin(engine, eve, goal="11")
    for bulk_id in (first, second):
        _read(engine, eve, bulk_id)
        _accept(engine, eve, bulk_id)
    with transaction(engine) as session:
        row = bulk.get(session, second)
        assert row.accepted_at
        row.accepted_at -= bulk.REVOCABLE
        bulk.take_back(session, boss, first)
        with pytest.raises(Conflict):
            bulk.take_back(session, boss, second)
    bulk_run.run(engine, first, 60)
    assert _outcomes(engine, first) == {"undone": 5}


def test_who_left_the_team_accepts_nothing_more(engine: Engine, many: list[str], eve: Account) -> None:
    bulk_id = _begin(engine, eve)
    _read(engine, eve, bulk_id)
    with transaction(engine) as session:
        bulk.accept(session, eve, bulk_id, "", rest=True)
    person(engine, "eve@example.org")
    bulk_run.run(engine, bulk_id, 60)
    assert _outcomes(engine, bulk_id) == {"left": COUNT + 5}
    assert _decisions(engine) == []


def test_only_staff_begins_and_only_who_began_reads_and_throws_away(
    engine: Engine, many: list[str], eve: Account
) -> None:
    ben = person(engine, "ben@example.org", "editor")
    with pytest.raises(Forbidden):
        _begin(engine, person(engine, "ana@example.org"))
    bulk_id = _begin(engine, eve)
    with pytest.raises(Forbidden):
        _read(engine, ben, bulk_id)
    with transaction(engine) as session:
        with pytest.raises(Forbidden):
            bulk.discard(session, ben, bulk_id)
        bulk.discard(session, eve, bulk_id)
    with transaction(engine) as session:
        assert not session.scalars(select(BulkRow)).all()
        assert not session.scalars(select(BulkItemRow)).all()


def test_the_interval_is_wilsons() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(10, 10) == pytest.approx((0.7225, 1.0), abs=1e-4)
    assert wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert wilson(50, 100) == pytest.approx((0.4038, 0.5962), abs=1e-4)
