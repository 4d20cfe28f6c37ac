"""One of three Elasticsearch nodes is killed while people write and search."""

from pathlib import Path

import pytest

from tests.faults.cluster import Cluster
from tests.faults.conftest import Going, await_that, new_database, opened
from tests.kb.postgres_server import Server

pytestmark = pytest.mark.cluster


def test_the_node_that_leads_is_killed_and_writes_and_searches_go_on(
    tmp_path: Path, postgres: Server, cluster: Cluster
) -> None:
    with opened(tmp_path, new_database(postgres), cluster.hosts) as site:
        always = site.save(range(100, 120), "always")
        await_that(site.caught_up)
        await_that(lambda: site.indexed("always", always))
        saved: dict[int, str] = {}

        def write(step: int) -> None:
            number, word = step % 50, f"edition{step // 50}"
            site.save(range(number, number + 1), word)
            saved[number] = word

        def search(_step: int) -> None:
            assert site.found("always") == always

        with Going(write) as writing, Going(search) as searching:
            writing.more(20)
            cluster.kill(cluster.master())
            writing.more(50)
            searching.more(50)
            await_that(lambda: site.search("always")["notice"] != "index-away")
        for word in set(saved.values()):
            ids = {f"r-{number:04}" for number, last in saved.items() if last == word}
            await_that(lambda word=word, ids=ids: site.indexed(word, ids))
        site.is_whole()
        cluster.start()
        site.is_whole()
        cluster.ask(f"{site.index}-*", "DELETE")
