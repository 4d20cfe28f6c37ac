"""Elasticsearch is down, slow, silent or cut off in the middle: readers are answered by the database, and no edit is lost."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults.cluster import ask
from tests.faults.conftest import Site, await_that
from tests.faults.proxy import Proxy

pytestmark = pytest.mark.cluster


def filled(site: Site) -> None:
    """Forty records that the index finds."""
    ids = site.save(range(40), "before")
    await_that(lambda: site.indexed("before", ids))


def goes_on_without_the_index(site: Site, word: str) -> None:
    """Edits are taken, and found at once by the database; many who ask at the same time wait no longer than one."""
    ids = site.save(range(10), word)
    with ThreadPoolExecutor(8) as many:
        answers = list(many.map(site.search, [word] * 24))
    assert {answer["notice"] for answer in answers} == {"index-away"}
    assert [{one["id"] for one in answer["results"]} for answer in answers] == [ids] * 24


def is_back(site: Site, word: str) -> None:
    await_that(lambda: site.indexed(word, {f"r-{number:04}" for number in range(10)}))
    # An index that is made anew has the newest changes first, and then the rest.
    await_that(lambda: site.found("before") == {f"r-{number:04}" for number in range(10, 40)})
    site.is_whole()


def test_while_it_is_down_the_database_answers_and_nothing_is_lost(site: Site, proxy: Proxy) -> None:
    filled(site)
    proxy.close()
    goes_on_without_the_index(site, "during")
    goes_on_without_the_index(site, "later")
    assert site.waiting()
    proxy.open()
    is_back(site, "later")
    assert site.found("during") == set()


def test_while_it_takes_seconds_for_an_answer_readers_do_not(site: Site, proxy: Proxy) -> None:
    filled(site)
    proxy.latency = 1.5
    site.search("before")
    goes_on_without_the_index(site, "during")
    proxy.latency = 0.0
    is_back(site, "during")


def test_while_each_answer_takes_most_of_the_time_that_it_may_readers_do_not_wait_for_several(
    site: Site, proxy: Proxy
) -> None:
    """A question is several requests; the time is for all of them."""
    filled(site)
    proxy.latency = 0.6
    ids = site.save(range(10), "during")
    for _ in range(5):
        answer = site.search("before")
        assert ids.isdisjoint(one["id"] for one in answer["results"]) or answer["notice"] != "index-away"
    proxy.latency = 0.0
    is_back(site, "during")


def test_while_it_is_silent_readers_are_answered_and_what_was_held_back_does_no_harm(site: Site, proxy: Proxy) -> None:
    filled(site)
    proxy.silence()
    goes_on_without_the_index(site, "during")
    proxy.speak()
    is_back(site, "during")


@pytest.mark.parametrize("side", ["request", "answer"])
def test_a_bulk_write_that_is_cut_in_the_middle_is_done_again(site: Site, proxy: Proxy, side: str) -> None:
    filled(site)
    proxy.cut = "request" if side == "request" else "answer"
    site.save(range(10), "during")
    await_that(lambda: proxy.cuts >= 5)
    assert site.waiting(), "what was not confirmed is not done"
    site.search("before")
    proxy.cut = None
    is_back(site, "during")


def test_an_index_that_somebody_deletes_comes_back_whole(site: Site, elasticsearch: str) -> None:
    filled(site)
    ask(elasticsearch, f"{site.index}-1", "DELETE")
    ids = site.save(range(10), "during")
    assert site.found("during") == ids
    is_back(site, "during")
