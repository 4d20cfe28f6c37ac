"""Limits are counted in the database, by all processes, and never open."""

import multiprocessing

import pytest
from sqlalchemy import Engine, select, text, update

from kb.db import make_engine, transaction
from kb.errors import TooMany
from kb.limits import service as limits
from kb.limits.tables import LimitRow
from kb.settings import Settings


def _tries(engine: Engine, count: int, key: str = "192.0.2.1") -> int:
    """How many of so many were let through."""
    passed = 0
    for _ in range(count):
        try:
            limits.check(engine, "sign_in", key)
            passed += 1
        except TooMany:
            pass
    return passed


def test_what_is_too_much_is_refused_with_the_seconds_to_wait_and_only_for_its_key(engine: Engine) -> None:
    assert _tries(engine, 10) == 10
    with pytest.raises(TooMany) as caught:
        limits.check(engine, "sign_in", "192.0.2.1")
    assert 290 <= caught.value.members["retry_after"] <= 300
    limits.check(engine, "sign_in", "192.0.2.2")
    limits.check(engine, "second_factor", "192.0.2.1")


def test_after_its_window_it_is_free_again_and_the_counter_goes(engine: Engine) -> None:
    _tries(engine, 12)
    with transaction(engine) as session:
        session.execute(update(LimitRow).values(ends_at=LimitRow.ends_at - 301))
    assert _tries(engine, 12) == 10
    with transaction(engine) as session:
        session.execute(update(LimitRow).values(ends_at=1))
        limits.forget_ended(session)
        assert session.scalars(select(LimitRow)).all() == []


def test_what_is_given_back_may_be_done_again(engine: Engine) -> None:
    _tries(engine, 10)
    limits.give_back(engine, "sign_in", "192.0.2.1")
    assert _tries(engine, 5) == 1


def _in_process(settings: Settings, count: int) -> int:
    return _tries(make_engine(settings), count)


def test_promise_18_processes_count_together(settings: Settings, engine: Engine) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        passed = pool.starmap(_in_process, [(settings, 8)] * 3)
    assert sum(passed) == 10


def test_promise_5_a_count_that_fails_lets_nobody_through(engine: Engine) -> None:
    with transaction(engine) as session:
        session.execute(text("DROP TABLE limits"))
    with pytest.raises(Exception, match="limits"):
        limits.check(engine, "sign_in", "192.0.2.1")


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("x", "x"),
    ],
)
def test_an_address_stands_for_its_household(host: str, network: str) -> None:
    assert limits.network_of(host) == network
