"""Samples: how they are drawn, who may read what, and what is seen of it. On both databases."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy import Engine

from kb.db import transaction
from kb.errors import Conflict, Forbidden, Invalid, NotFound
from kb.records import service as records
from kb.tagging import cases, decisions, samples, suggestions
from kb.tagging.samples import choose
from schemas.accounts import Account
from schemas.readings import Doubt, SampleRule, TagReading
from schemas.records import Record
from schemas.tagging import Decision
from tests.kb.tagging.said import said
from tests.people import person

PLENTY = {"en": [f"en-{at}" for at in range(50)], "es": [f"es-{at}" for at in range(5)], "fr": []}


def _rule(**fields: Any) -> SampleRule:
    return SampleRule.model_validate({"size": 12, "seed": 7} | fields)


def test_each_language_has_as_many_records_and_what_one_lacks_goes_to_the_others() -> None:
    drawn = choose(PLENTY, _rule())  # type: ignore[arg-type]
    assert len(drawn) == len(set(drawn)) == 12
    assert sum(record_id.startswith("es") for record_id in drawn) == 5


def test_the_same_number_draws_the_same_records_and_another_one_others() -> None:
    assert choose(PLENTY, _rule()) == choose(PLENTY, _rule())  # type: ignore[arg-type]
    assert choose(PLENTY, _rule()) != choose(PLENTY, _rule(seed=8))  # type: ignore[arg-type]


@given(st.dictionaries(st.sampled_from(["en", "es", "fr"]), st.integers(0, 40)), st.integers(1, 100))
def test_a_sample_is_as_large_as_was_asked_where_there_is_enough(there: dict[str, int], size: int) -> None:
    population = {language: [f"{language}{at}" for at in range(count)] for language, count in there.items()}
    drawn = choose(population, _rule(size=size))  # type: ignore[arg-type]
    assert len(drawn) == len(set(drawn)) == min(size, sum(there.values()))


def test_a_rule_asks_for_two_readers_at_least() -> None:
    with pytest.raises(ValidationError):
        _rule(readers=1)
    with pytest.raises(ValidationError):
        TagReading(goals=["11.2"], marker=0)


class World:
    """Three records, and editors who read them."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.eve, self.ben, self.cat = (
            person(engine, f"{name}@example.org", "editor") for name in ("eve", "ben", "cat")
        )

    def draw(self, **fields: Any) -> int:
        with transaction(self.engine) as session:
            return samples.draw(session, self.eve, "Spring", _rule(**fields)).id

    def give(self, who: Account, sample_id: int, record_id: str, *goals: str, marker: Any = 0) -> None:
        with transaction(self.engine) as session:
            samples.give(session, who, sample_id, record_id, TagReading(goals=list(goals), marker=marker))

    def sample(self, sample_id: int) -> samples.Sample:
        with transaction(self.engine) as session:
            found = samples.get(session, sample_id)
            session.expunge_all()
            return found


@pytest.fixture
def world(engine: Engine, case: Callable[..., Record]) -> World:
    with transaction(engine) as session:
        for name, language in (("trams", "en"), ("buses", "es"), ("parks", "fr")):
            records.save(session, case(name, language=language, title={language: name}), "import")
            suggestions.keep(session, name, "a" * 32, said({"11": 0.95}, {}), b"")
        records.save(session, case("draft", status="draft"), "import")
    return World(engine)


def test_a_sample_is_drawn_from_published_records_that_the_rule_lets_in(world: World) -> None:
    assert set(world.sample(world.draw()).record_ids) == {"trams", "buses", "parks"}
    assert world.sample(world.draw(languages=["fr"])).record_ids == ["parks"]
    for nothing in ({"types": ["event"]}, {"regions": ["africa"]}):
        with pytest.raises(Invalid):
            world.draw(**nothing)


def test_only_staff_draws_and_reads(world: World) -> None:
    found, ana = world.draw(), person(world.engine, "ana@example.org")
    with pytest.raises(Forbidden):
        world.give(ana, found, "trams")
    with transaction(world.engine) as session, pytest.raises(Forbidden):
        samples.draw(session, ana, "Mine", _rule())


def test_a_record_is_read_by_as_many_as_should_and_can_be_corrected_until_then(world: World) -> None:
    found = world.draw()
    world.give(world.eve, found, "trams", "5")
    world.give(world.eve, found, "trams", "11")
    assert world.sample(found).left_for(world.eve.id) == [
        each for each in world.sample(found).record_ids if each != "trams"
    ]
    world.give(world.ben, found, "trams", "11")
    assert world.sample(found).complete == ["trams"]
    for who in (world.cat, world.eve):
        with pytest.raises(Conflict):
            world.give(who, found, "trams", "5")
    with pytest.raises(NotFound):
        world.give(world.eve, found, "elsewhere")


def test_two_who_would_be_the_last_reader_at_the_same_moment_are_not_both(world: World) -> None:
    found = world.draw()
    world.give(world.eve, found, "trams")
    start, refused = threading.Barrier(2), []

    def run(who: Account) -> None:
        start.wait()
        try:
            world.give(who, found, "trams")
        except Conflict as error:
            refused.append(error)

    threads = [threading.Thread(target=run, args=(who,)) for who in (world.ben, world.cat)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    assert len(world.sample(found).readers["trams"]) == 2


def test_nothing_is_seen_of_a_record_before_it_is_complete(world: World) -> None:
    found = world.draw()
    world.give(world.eve, found, "trams", "5")
    with transaction(world.engine) as session:
        sample = samples.get(session, found)
        assert samples.reads(session, sample) == samples.machine_reads(session, sample) == []
        assert samples.differences(session, sample) == []
    world.give(world.ben, found, "trams", "11")
    with transaction(world.engine) as session:
        sample = samples.get(session, found)
        assert [(read.person, read.goals) for read in samples.machine_reads(session, sample)] == [("machine", {"11"})]
        assert len(samples.reads(session, sample)) == 2


def test_differences_say_who_said_what_and_which_tag_stands(world: World) -> None:
    with transaction(world.engine) as session:
        decisions.decide(session, world.cat, "trams", Decision(kind="sdg", code="11", action="accept", to="11.2"))
    found = world.draw()
    world.give(world.eve, found, "trams", "5", "3", marker=1)
    world.give(world.ben, found, "trams", "11", "3", marker=None)
    with transaction(world.engine) as session:
        told = samples.differences(session, samples.get(session, found))
    eve, ben = world.eve.id, world.ben.id
    assert [(each.kind, each.key, each.said, each.standing) for each in told] == [
        ("sdg", "5", {eve: "yes", ben: "no"}, ""),
        ("sdg", "11", {eve: "no", ben: "yes"}, "11.2"),
        ("gender", "gender", {eve: "1", ben: "unsure"}, ""),
    ]


def test_a_difference_leads_to_a_dispute_once(world: World) -> None:
    from kb.tagging import disputes

    with transaction(world.engine) as session:
        decisions.decide(session, world.cat, "trams", Decision(kind="sdg", code="11", action="accept"))
        made = cases.decisions_of(session, "trams")[-1].id
    found = world.draw()
    world.give(world.eve, found, "trams")
    world.give(world.ben, found, "trams", "11")
    doubt = Doubt(kind="sdg", code="11", reason="The two readers differ.", seen=made)
    with transaction(world.engine) as session:
        disputes.dispute(session, world.eve, "trams", doubt)
        assert [each.disputed for each in samples.differences(session, samples.get(session, found))] == [True]
