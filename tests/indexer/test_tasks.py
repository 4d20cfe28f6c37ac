"""Workers and beat as processes of their own, on a real Redis that may be away; no key but the test's own is touched."""

import os
import random
import secrets
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
from fastapi import FastAPI
from sqlalchemy import Engine, text

from indexer import jobs, sync, tasks, upkeep
from indexer.demo_vectors import load_demo_vectors
from indexer.jobs import GAP, HINT_PATIENCE, Hints
from indexer.search import Search, open_search
from kb import outbox
from kb.db import make_engine, migrate, transaction
from kb.records import service
from kb.settings import Settings
from schemas.records import parse
from schemas.search import IndexStatus

pytestmark = pytest.mark.cluster

ROOT = Path(__file__).parents[2]
PATIENCE = 40


def news(number: int) -> dict[str, Any]:
    """Records that differ in id but hardly in passages, so that few vectors have to be computed."""
    title = {"en": f"Trams {number % 3}"}
    return {"type": "news", "id": f"n-{number:04}", "language": "en", "status": "published", "title": title}


def soon(happened: Callable[[], bool]) -> bool:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if happened():
            return True
        time.sleep(0.02)
    return False


class Site:
    """A data folder with its database and index, a broker, and the processes that a test starts."""

    def __init__(self, folder: Path, broker: str) -> None:
        prefix = f"kb-test-{secrets.token_hex(6)}:"
        self.settings = Settings(data_dir=folder, broker_url=broker, broker_prefix=prefix, _env_file=None)  # type: ignore[call-arg]
        self.database: Engine = make_engine(self.settings)
        migrate(self.database)
        self.search: Search = open_search(self.settings)
        self.broker = redis.Redis.from_url(broker)
        self.app = tasks.make_app(self.settings)
        self._processes: list[subprocess.Popen[bytes]] = []

    def _command(self, *arguments: str) -> dict[str, Any]:
        environment = {
            "KB_DATA_DIR": str(self.settings.data_dir),
            "KB_BROKER_URL": self.settings.broker_url,
            "KB_BROKER_PREFIX": self.settings.broker_prefix,
        }
        return {
            "args": [sys.executable, "-m", "search_ui.cli", *arguments],
            "cwd": ROOT,
            "env": os.environ | environment,
            "stdout": subprocess.DEVNULL,
        }

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """A process with children of its own, which ends with the test."""
        process = subprocess.Popen(**self._command(*arguments), start_new_session=True)
        self._processes.append(process)
        return process

    def run(self, *arguments: str) -> int:
        """The exit code of a command."""
        return subprocess.run(**self._command(*arguments), timeout=PATIENCE).returncode

    @staticmethod
    def kill(process: subprocess.Popen[bytes]) -> None:
        """A worker with all its children, without a farewell."""
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def save(self, *numbers: int) -> None:
        with transaction(self.database) as session:
            service.save_many(session, (parse(news(number)) for number in numbers), "me")

    def seconds_to_save(self, number: int) -> float:
        started = time.monotonic()
        self.save(number)
        return time.monotonic() - started

    def status(self) -> IndexStatus:
        with transaction(self.database, readonly=True) as session:
            return self.search.status(session)

    def taken_in(self, count: int) -> bool:
        now = self.status()
        return now.waiting == 0 and now.records == count

    def key(self, name: str) -> str:
        return self.settings.broker_prefix + name

    def idle(self) -> bool:
        """Whether no message waits, and none is at work."""
        return not self.broker.exists(*map(self.key, ("index", "embedding", "unacked")))

    def busy_child(self) -> int:
        """The process number of the worker's child that is in the middle of ``take_in``, once there is one."""
        found: list[int] = []

        def look() -> bool:
            answers = self.app.control.inspect(timeout=0.5).active() or {}
            found.extend(one["worker_pid"] for active in answers.values() for one in active if one["name"] == "take_in")
            return bool(found)

        assert soon(look)
        return found[0]

    @contextmanager
    def nobody_else_writes(self) -> Iterator[None]:
        """A task that wants to write the database is in the middle of its work for so long."""
        with transaction(self.database) as session:
            session.execute(text("UPDATE leases SET held_until = 0"))
            yield

    def forget_messages(self) -> None:
        if keys := list(self.broker.scan_iter(self.key("*"))):
            self.broker.delete(*keys)

    def end_processes(self) -> None:
        for process in self._processes:
            if process.poll() is None:
                self.kill(process)

    def close(self) -> None:
        self.end_processes()
        self.app.close()
        self.broker.close()
        self.search.engine.close()
        self.database.dispose()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """On KB_TEST_REDIS, or on this machine's Redis."""
    site = Site(tmp_path / "data", os.environ.get("KB_TEST_REDIS", "redis://127.0.0.1:6379/0"))
    yield site
    site.end_processes()
    site.forget_messages()
    site.close()


class OwnRedis:
    """A server that belongs to one test, to be stopped and started."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self._folder = folder
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        arguments = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder)]
        self._process = subprocess.Popen([*arguments, "--save", ""], stdout=subprocess.DEVNULL)
        assert soon(self._answers)

    def _answers(self) -> bool:
        try:
            with redis.Redis(port=self.port) as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[OwnRedis]:
    server = OwnRedis(tmp_path)
    yield server
    server.stop()


def test_a_commit_reaches_the_index_through_a_worker_though_nobody_asks_for_it(site: Site) -> None:
    site.start("worker", "--queues", "index", "--concurrency", "1")
    with Hints(site.settings):
        site.save(*range(5))
        assert soon(lambda: site.taken_in(5))
        site.save(5)
        assert soon(lambda: site.taken_in(6))
    assert soon(lambda: [(job.name, job.state) for job in site.status().jobs] == [("index", "finished")])


def test_a_command_that_changes_records_tells_the_workers(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "one.jsonl"
    file.write_text('{"type":"news","id":"n-1","language":"en","title":{"en":"Trams"},"status":"published"}\n', "utf-8")
    assert site.run("import", str(file)) == 0
    assert site.broker.llen(site.key("index")) == 1
    assert site.run("index", "rebuild", "--by-worker") == 0
    assert site.broker.llen(site.key("index")) == 2


def test_a_site_with_a_broker_leaves_the_work_to_the_workers_and_prepares_itself_for_questions(site: Site) -> None:
    load_demo_vectors(site.settings)
    app = FastAPI()
    app.state.settings, app.state.engine, app.state.search = site.settings, site.database, site.search
    jobs.start(app)
    try:
        site.save(1)
        assert soon(lambda: site.broker.llen(site.key("index")) == 1)
        assert soon(lambda: site.search.meaning.typical is not None)
    finally:
        jobs.stop(app)
    assert site.status().waiting == 1


def test_commits_that_follow_each_other_closely_are_a_few_hints(site: Site) -> None:
    started = time.monotonic()
    with Hints(site.settings):
        for number in range(50):
            site.save(number)
    most = 2 + (time.monotonic() - started) / GAP
    assert 1 <= site.broker.llen(site.key("index")) <= min(most, 49)


def test_all_tasks_twice_and_in_any_order_leave_the_index_as_the_database_says(site: Site) -> None:
    site.save(*range(450))
    wanted = ["take_in", "embed", "rebuild", "check"] * 2
    random.shuffle(wanted)
    for name in wanted:
        site.app.send_task(name)
    site.start("worker", "--concurrency", "3")
    seen = set()

    def ended() -> bool:
        seen.update((job.name, job.state, job.done > 0) for job in site.status().jobs)
        return site.idle() and {("check", "finished", True), ("rebuild", "finished", True)} <= seen

    assert soon(ended), wanted
    assert ("rebuild", "running", True) in seen, "how far it is can be seen while it runs"
    site.app.send_task("take_in")
    site.app.send_task("embed")
    assert soon(lambda: site.taken_in(450) and (now := site.status()).embedded == now.passages), wanted
    assert len(sync.differences(site.database, site.search.engine)) == 0


def test_a_task_whose_process_is_killed_runs_again(site: Site) -> None:
    worker = site.start("worker", "--queues", "index", "--concurrency", "1")
    site.save(*range(5))
    with outbox.lease(site.database, "index", "makes the row", 1):
        pass
    with site.nobody_else_writes():
        site.app.send_task("take_in")
        os.kill(site.busy_child(), signal.SIGKILL)
    assert soon(lambda: site.taken_in(5))
    assert worker.poll() is None
    assert soon(site.idle)


def test_a_task_whose_whole_worker_is_killed_is_handed_to_another_within_the_hour(site: Site) -> None:
    first = site.start("worker", "--queues", "index", "--concurrency", "1")
    site.save(*range(5))
    with outbox.lease(site.database, "index", "makes the row", 1):
        pass
    with site.nobody_else_writes():
        site.app.send_task("take_in")
        assert site.busy_child()
        site.kill(first)
    assert site.broker.hlen(site.key("unacked")) == 1
    for tag in site.broker.zrange(site.key("unacked_index"), 0, -1):
        site.broker.zadd(site.key("unacked_index"), {tag: 1})  # the hour has passed
    site.start("worker", "--queues", "index", "--concurrency", "1")
    assert soon(lambda: site.taken_in(5))


def test_what_needs_the_model_is_taken_by_the_worker_that_asks_for_it_only(site: Site) -> None:
    site.save(*range(5))
    upkeep.take_in(site.database, site.search)
    site.save(5)
    site.app.send_task("take_in")
    site.app.send_task("embed")
    site.start("worker", "--queues", "embedding", "--concurrency", "1")
    assert soon(lambda: (now := site.status()).embedded == now.passages)
    assert site.broker.llen(site.key("index")) == 1
    assert not site.taken_in(6)


@pytest.mark.parametrize("listens", [False, True])
def test_a_commit_does_not_wait_for_a_broker_that_is_away_or_says_nothing(tmp_path: Path, listens: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        if not listens:
            silent.close()
        site = Site(tmp_path / "data", f"redis://127.0.0.1:{port}/0")
        with Hints(site.settings):
            seconds = [site.seconds_to_save(number) for number in range(30)]
        assert statistics.median(seconds) < HINT_PATIENCE / 2
        assert site.status().waiting == 30
        site.close()


def test_worker_and_beat_go_on_by_themselves_after_redis_was_away(own_redis: OwnRedis, tmp_path: Path) -> None:
    site = Site(tmp_path / "data", own_redis.url)
    try:
        processes = [site.start("worker", "--queues", "index", "--concurrency", "1"), site.start("beat")]
        site.save(1)
        assert soon(lambda: site.taken_in(1)), "beat asks for it"
        checks = [site.start("worker", "--queues", "index", "--check"), site.start("beat", "--check")]
        assert [check.wait(PATIENCE) for check in checks] == [0, 0]
        own_redis.stop()
        with Hints(site.settings):
            seconds = [site.seconds_to_save(number) for number in range(2, 12)]
            assert statistics.median(seconds) < HINT_PATIENCE / 2
        check = site.start("worker", "--queues", "index", "--check")
        assert check.wait(PATIENCE) == 1
        own_redis.start()
        assert soon(lambda: site.taken_in(11))
        assert [process.poll() for process in processes] == [None, None]
    finally:
        site.close()
