"""Redis is down, a worker is killed in a task, PostgreSQL is restarted: with a web process, a worker and beat."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from sqlalchemy.exc import OperationalError

from indexer import tasks
from tests.faults.cluster import ask
from tests.faults.conftest import Going, Site, await_that, free_port, new_database, opened
from tests.faults.proxy import Proxy
from tests.kb.postgres_server import Server

pytestmark = pytest.mark.cluster


class Redis:
    """A server of the tests' own."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, free_port()
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self.start()

    def start(self) -> None:
        command = ["redis-server", "--port", str(self._port), "--bind", "127.0.0.1", "--save", ""]
        self._process = subprocess.Popen([*command, "--dir", self._folder], stdout=subprocess.DEVNULL)
        await_that(self._answers)

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url) as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    one = Redis(tmp_path_factory.mktemp("redis"))
    yield one
    one.kill()


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory, postgres: Server, elasticsearch: str, proxy: Proxy, broker: Redis
) -> Iterator[Site]:
    """With a worker and beat, as the cluster profile runs."""
    folder = tmp_path_factory.mktemp("site")
    with opened(folder, new_database(postgres), f"127.0.0.1:{proxy.port}", broker.url) as one:
        # Of this queue alone: embedding waits for a silent Elasticsearch too, and could have every process when it falls silent.
        one.start("worker", "--queues", "index", "--concurrency", "2")
        one.start("beat")
        yield one
    ask(elasticsearch, f"{one.index}-*", "DELETE")


def test_while_redis_is_down_edits_are_taken_and_then_found(site: Site, broker: Redis) -> None:
    ids = site.save(range(20), "before")
    await_that(lambda: site.indexed("before", ids))
    broker.kill()
    edited = site.save(range(5), "during")
    assert site.found("before") >= ids - edited
    broker.start()
    await_that(lambda: site.indexed("during", edited))
    site.is_whole()


def test_a_worker_that_loses_redis_in_the_middle_of_a_task_goes_on_when_it_is_back(
    site: Site, broker: Redis, proxy: Proxy
) -> None:
    proxy.silence()
    ids = site.save(range(40, 45), "cut")
    _busy_child(site)
    before = _losses(site)
    broker.kill()
    await_that(lambda: _losses(site) > before)
    proxy.speak()
    edited = site.save(range(45, 50), "later")
    broker.start()
    await_that(lambda: site.indexed("cut", ids) and site.indexed("later", edited))
    site.is_whole()


def test_what_a_killed_worker_was_at_is_done_by_the_next(site: Site, proxy: Proxy) -> None:
    proxy.silence()
    ids = site.save(range(20, 30), "taken")
    os.kill(_busy_child(site), signal.SIGKILL)
    proxy.speak()
    await_that(lambda: site.indexed("taken", ids))
    site.is_whole()


def _losses(site: Site) -> int:
    """How often the worker has lost its connection to Redis, as it says itself."""
    return (site.settings.data_dir / "worker.log").read_text("utf-8").count("Connection to broker lost")


def _busy_child(site: Site) -> int:
    """The process that is in the middle of taking changes in."""
    found: list[int] = []
    with tasks.make_app(site.settings) as app:

        def look() -> bool:
            # A connection from before Redis was restarted is noticed when it is used.
            with contextlib.suppress(redis.ConnectionError):
                answers = app.control.inspect(timeout=0.5).active() or {}
                found.extend(
                    one["worker_pid"] for active in answers.values() for one in active if one["name"] == "take_in"
                )
            return bool(found)

        await_that(look)
    return found[0]


def test_what_was_acknowledged_before_postgresql_was_restarted_is_there_and_found(site: Site, postgres: Server) -> None:
    acknowledged: dict[int, str] = {}

    def write(step: int) -> None:
        number, word = 50 + step % 20, f"print{step // 20}"
        with contextlib.suppress(OperationalError):
            site.save(range(number, number + 1), word)
            acknowledged[number] = word

    with Going(write) as writing:
        writing.more(10)
        postgres.stop()
        postgres.start()
        writing.more(30)
    assert site.get("/readyz")[0] == 200
    for word in set(acknowledged.values()):
        ids = {f"r-{number:04}" for number, last in acknowledged.items() if last == word}
        await_that(lambda word=word, ids=ids: site.indexed(word, ids))
    site.is_whole()
