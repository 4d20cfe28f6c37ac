"""Two rebuilds at once, and rebuilds that are killed in the middle: the live index answers all the time."""

import os
import random
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults.cluster import ask
from tests.faults.conftest import Going, Site, await_that
from tests.faults.proxy import Proxy

pytestmark = pytest.mark.cluster


@pytest.fixture
def always(site: Site, proxy: Proxy) -> set[str]:
    """The ids of records that are always found; there are several batches of others."""
    site.save(range(1000, 1450), "other")
    ids = site.save(range(20), "always")
    await_that(site.caught_up)
    await_that(lambda: site.indexed("always", ids))
    return ids


def indexes(elasticsearch: str, site: Site) -> dict[str, list[str]]:
    """All indexes of the site with their aliases."""
    found = ask(elasticsearch, f"{site.index}-*/_alias")
    return {index: list(about["aliases"]) for index, about in found.items()}


def filling(elasticsearch: str, site: Site) -> bool:
    return any("-filling-" in alias for aliases in indexes(elasticsearch, site).values() for alias in aliases)


def test_promise_3_of_two_rebuilds_at_once_one_is_done_and_the_other_refused(
    site: Site, proxy: Proxy, elasticsearch: str, always: set[str]
) -> None:
    def search(_step: int) -> None:
        assert site.found("always") == always

    with Going(search), ThreadPoolExecutor(2) as two:
        proxy.latency = 0.2
        results = list(two.map(lambda _: site.run("index", "rebuild"), range(2)))
        proxy.latency = 0.0
    assert sorted(code for code, _ in results) == [0, 1], results
    assert len(indexes(elasticsearch, site)) == 2, "the live one and the one before it"
    site.is_whole()


def test_promise_3_a_rebuild_that_is_killed_leaves_the_live_index_as_it_is_and_the_next_one_removes_what_it_left(
    site: Site, proxy: Proxy, elasticsearch: str, always: set[str]
) -> None:
    for moment in range(2):
        process = site.start("index", "rebuild")
        await_that(lambda: filling(elasticsearch, site))
        if moment:
            proxy.latency = random.uniform(0, 0.5)
        os.killpg(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        proxy.latency = 0.0
        site.let_leases_run_out()
        assert site.found("always") == always
        edited = site.save(range(500, 505), f"edited{moment}")
        await_that(lambda edited=edited, moment=moment: site.indexed(f"edited{moment}", edited))
    assert filling(elasticsearch, site)
    code, said = site.run("index", "rebuild")
    assert code == 0, said
    assert not filling(elasticsearch, site)
    assert len(indexes(elasticsearch, site)) == 2
    assert site.found("always") == always
    site.is_whole()
