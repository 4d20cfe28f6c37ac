"""What tags cover, and how suggestions fare. On both databases."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine

from kb.db import transaction
from kb.records import service as records
from kb.tagging import analysis, bulk, bulk_run, decisions, suggestions
from kb.tagging.analysis import Line, Scope, Share
from schemas.records import Record, parse
from schemas.tagging import BulkRule, Decision
from tests.kb.tagging.said import said
from tests.people import person


@pytest.fixture
def world(engine: Engine, case: Callable[..., Record]) -> None:
    """Twelve cases of Bogotá on goal 11.2, of which half also carry care; thirty of France on goal 5; one that is withdrawn, a
    tag that only a machine suggests, and an expert."""
    city = {
        "type": "city", "id": "bogota", "language": "es", "status": "published", "title": {"es": "Bogotá"},
        "place": {"country": "CO"},
    }  # fmt: skip
    waiting = {"code": "1", "source": "machine", "state": "suggested"}
    found: list[Any] = [parse(city)]
    for number in range(12):
        gender = {"themes": [{"theme": "care"}] * (number % 2), "marker": 1}
        fields = {"sdgs": [{"code": "11.2"}, waiting], "gender": gender, "period": {"start": "2020"}}
        found.append(case(f"co-{number}", links=[{"rel": "city", "to": "bogota"}], **fields))
    for number in range(30):
        found.append(case(f"fr-{number}", place={"country": "FR"}, sdgs=[{"code": "5"}], period={"start": "2010"}))
    found.append(case("gone", status="withdrawn", sdgs=[{"code": "3"}]))
    found.append(
        parse({"type": "expert", "id": "ana", "language": "en", "status": "published", "title": {"en": "Ana"}})
    )
    with transaction(engine) as session:
        records.save_many(session, found, author="tests")


def _lines(engine: Engine, *types: str) -> list[Line]:
    with transaction(engine, readonly=True) as session:
        return analysis.lines(session, types or ("case_study",))


def test_records_are_counted_as_the_search_finds_them(engine: Engine, world: None) -> None:
    found = _lines(engine)
    assert len(found) == 42
    assert len(_lines(engine, "case_study", "expert")) == 43
    counted = analysis.shares(found, found, "sdg", ["1", "3", "5", "11"])
    assert [share.count for share in counted.values()] == [0, 0, 30, 12]
    assert analysis.shares(found, found, "target", ["11.2"])["11.2"].count == 12
    assert analysis.shares(found, found, "gender_theme", ["care"])["care"].count == 6
    markers = analysis.shares(found, found, "gender_marker", ["unscreened", "1"])
    assert (markers["unscreened"].count, markers["1"].count) == (30, 12)


def test_a_record_has_its_city_s_country_and_is_in_each_region_around_it(engine: Engine, world: None) -> None:
    found = _lines(engine)
    by_country = {group.value: group.total for group in analysis.groups(found, found, "sdg", ["11"], "country")}
    assert by_country == {"FR": 30, "CO": 12}
    by_region = {group.value: group.total for group in analysis.groups(found, found, "sdg", ["11"], "region")}
    assert by_region["latin-america"] == by_region["south-america"] == 12
    assert [group.value for group in analysis.groups(found, found, "sdg", ["11"], "year")] == ["2010", "2020"]
    assert [group.value for group in analysis.groups(found, found, "sdg", ["11"], "city")] == ["bogota"]


@pytest.mark.parametrize(
    ("scope", "count"),
    [
        (Scope(country="CO"), 12),
        (Scope(region="europe"), 30),
        (Scope(language="es"), 0),
        (Scope(year_from=2015), 12),
        (Scope(year_to=2015), 30),
        (Scope(country="CO", year_to=2015), 0),
    ],
)
def test_a_scope_keeps_what_it_names(engine: Engine, world: None, scope: Scope, count: int) -> None:
    assert sum(map(scope.holds, _lines(engine))) == count


def test_a_part_is_told_from_the_whole_only_where_its_interval_says_so(engine: Engine, world: None) -> None:
    whole = _lines(engine)
    part = [line for line in whole if Scope(country="CO").holds(line)]
    found = analysis.shares(part, whole, "sdg", ["5", "11", "3"])
    assert [share.verdict for share in found.values()] == ["less", "more", "alike"]
    assert found["11"].ratio == pytest.approx(42 / 12)
    assert found["11"].ratios == pytest.approx((0.7575 * 3.5, 3.5), abs=1e-3)
    assert found["3"].ratio is None
    few = analysis.shares(part[:9], whole, "sdg", ["11"])
    assert few["11"].verdict == "few"
    assert Share(0, 0, 0.0).share == 0


def test_targets_without_a_record_are_named(engine: Engine, world: None) -> None:
    missing = analysis.missing_targets(_lines(engine))
    assert "11.2" not in missing["11"]
    assert sum(map(len, missing.values())) == 168


@pytest.fixture
def decided(engine: Engine, case: Callable[..., Record]) -> None:
    """Twelve suggestions of goal 11: eleven of which are accepted in bulk, ten of them read; one is rejected; and a tag that a
    person adds, one that is undone."""
    eve = person(engine, "eve@example.org", "editor")
    with transaction(engine) as session:
        for number in range(12):
            records.save(session, case(f"c-{number}"), "import")
            suggestions.keep(session, f"c-{number}", "a" * 32, said({"11": 0.95}, {}), b"")
        decisions.decide(session, eve, "c-0", Decision(kind="sdg", code="11", action="reject"))
        decisions.decide(session, eve, "c-0", Decision(kind="sdg", code="5", action="add"))
        undone = decisions.decide(session, eve, "c-0", Decision(kind="theme", code="care", action="add"))
        decisions.undo(session, eve, "c-0", undone.id)
        row = bulk.begin(session, eve, BulkRule(confidence=0.9))
        for read in bulk.sample(session, row):
            bulk.check(session, eve, row.id, read.item.sample or 0, right=True)
        bulk.accept(session, eve, row.id, "", rest=True)
    bulk_run.run(engine, row.id, 60)


def test_suggestions_are_held_against_decisions_and_what_nobody_read_is_apart(engine: Engine, decided: None) -> None:
    with transaction(engine, readonly=True) as session:
        months, keys = analysis.drift(session)
    assert [drift.name[1] for drift in months] == ["test-1"]
    tally = months[0].tally
    assert (tally.accepted, tally.rejected, tally.added, tally.unread) == (10, 1, 1, 1)
    assert months[0].accepted.share == pytest.approx(10 / 11)
    assert [drift.name for drift in keys] == [("sdg", "5"), ("sdg", "11")]
    assert keys[0].accepted.verdict == "few"
