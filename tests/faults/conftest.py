"""A site with all its processes, and what it stands on, to be broken by the tests."""

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import Engine, create_engine, text

from kb import outbox
from kb.db import make_engine, migrate, transaction
from kb.records import service
from kb.settings import Settings
from schemas.records import parse
from tests.faults import cluster as own_cluster
from tests.faults.cluster import ROOT, Cluster, ask
from tests.faults.proxy import Proxy
from tests.kb.postgres_server import Server, server

#: Seconds that a reader may have to wait, on a machine that is busy with other tests.
SOON: Final = 6.0
#: Seconds after which what should have happened will not.
PATIENCE: Final = 240.0


def await_that(happened: Callable[[], bool], patience: float = PATIENCE) -> None:
    end = time.monotonic() + patience
    while not happened():
        assert time.monotonic() < end, f"not within {patience:.0f} seconds"
        time.sleep(0.05)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


def record(number: int, word: str) -> dict[str, Any]:
    """Records that differ in words but hardly in passages, so that few vectors have to be computed."""
    return {
        "type": "initiative", "id": f"r-{number:04}", "language": "en", "status": "published",
        "title": {"en": f"Trams {number % 3}"}, "acronym": word,
    }  # fmt: skip


class Site:
    """A database, an index, and the processes that a test starts."""

    def __init__(self, folder: Path, database_url: str, hosts: str, broker_url: str = "") -> None:
        self.index = f"kb-fault-{secrets.token_hex(6)}"
        self._folder = folder
        self._port = free_port()
        self.settings = Settings(
            data_dir=folder,
            database_url=database_url,
            search_url=f"http://{hosts}/{self.index}",
            broker_url=broker_url,
            _env_file=None,  # type: ignore[call-arg]
        )
        self.database: Engine = make_engine(self.settings)
        migrate(self.database)
        self._processes: list[subprocess.Popen[bytes]] = []

    # Processes

    def _command(self, *arguments: str) -> dict[str, Any]:
        mine = self.settings
        environment = {
            "KB_DATA_DIR": str(mine.data_dir),
            "KB_DATABASE_URL": mine.database_url,
            "KB_SEARCH_URL": mine.search_url,
            "KB_BROKER_URL": mine.broker_url,
        }
        return {
            "args": [sys.executable, "-m", "search_ui.cli", *arguments],
            "cwd": ROOT,
            "env": os.environ | environment,
        }

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """A process with children of its own, which ends with the test."""
        log = (self._folder / f"{arguments[0]}.log").open("ab")
        process = subprocess.Popen(**self._command(*arguments), stdout=log, stderr=log, start_new_session=True)
        self._processes.append(process)
        return process

    def run(self, *arguments: str) -> tuple[int, str]:
        """The exit code of a command, and what it said."""
        done = subprocess.run(**self._command(*arguments), capture_output=True, text=True, timeout=PATIENCE)
        return done.returncode, done.stdout + done.stderr

    def serve(self) -> None:
        """Start the web process; there is one for the whole test, whatever breaks."""
        self._web = self.start("serve", "--port", str(self._port))
        await_that(self._answers)
        self.get("/api/v1/search?q=what+the+first+question+loads")

    def _answers(self) -> bool:
        try:
            return self.get("/healthz")[0] == 200
        except OSError:
            return False

    def close(self) -> None:
        for process in self._processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.database.dispose()

    # People

    def get(self, path: str) -> tuple[int, Any]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}{path}", timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, None

    def search(self, word: str) -> dict[str, Any]:
        """The answer to a keyword search, which comes soon, whatever is broken."""
        asked = urllib.parse.urlencode({"q": word, "mode": "keyword", "limit": 50})
        started = time.monotonic()
        status, found = self.get(f"/api/v1/search?{asked}")
        took = time.monotonic() - started
        assert status == 200
        assert took < SOON, f"an answer after {took:.1f} seconds, with notice {found['notice']}"
        answer: dict[str, Any] = found
        return answer

    def found(self, word: str) -> set[str]:
        """The ids that a keyword search finds."""
        return {one["id"] for one in self.search(word)["results"]}

    def save(self, numbers: range, word: str) -> set[str]:
        """Edit these records, as the web does; returns their ids."""
        with transaction(self.database) as session:
            stored = service.save_many(session, (parse(record(number, word)) for number in numbers), "me")
        assert stored
        return {f"r-{number:04}" for number in numbers}

    # What must hold

    def waiting(self) -> int:
        with transaction(self.database, readonly=True) as session:
            return outbox.waiting(session)

    def caught_up(self) -> bool:
        return self.waiting() == 0

    def indexed(self, word: str, ids: set[str]) -> bool:
        """Whether the index itself, not the database in its place, finds just these."""
        answer = self.search(word)
        return answer["notice"] != "index-away" and {one["id"] for one in answer["results"]} == ids

    def is_whole(self) -> None:
        """Nothing is lost, and the web process is the one that it was."""
        await_that(self.caught_up)
        code, said = self.run("index", "check")
        assert code == 0, said
        assert self._web.poll() is None

    def let_leases_run_out(self) -> None:
        """What two minutes do by themselves: a process that was killed gives nothing back."""
        with transaction(self.database) as session:
            session.execute(text("UPDATE leases SET held_until = 0"))


class Going:
    """Does something again and again until the block ends; what went wrong comes out there."""

    def __init__(self, step: Callable[[int], object]) -> None:
        self._step = step
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._error: BaseException | None = None
        self.steps = 0

    def _run(self) -> None:
        try:
            while not self._ending.is_set():
                self._step(self.steps)
                self.steps += 1
        except BaseException as error:  # it is raised again where the test sees it
            self._error = error

    def __enter__(self) -> "Going":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join(PATIENCE)
        if self._error:
            raise self._error

    def more(self, steps: int) -> None:
        """Wait until so many more are done."""
        goal = self.steps + steps
        await_that(lambda: self.steps >= goal or self._error is not None)


@contextmanager
def opened(folder: Path, database_url: str, hosts: str, broker_url: str = "") -> Iterator[Site]:
    """A site that answers. Its index is removed afterwards by the test's fixture, which knows an address that works."""
    site = Site(folder, database_url, hosts, broker_url)
    try:
        site.serve()
        yield site
    finally:
        site.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A server that tests may stop."""
    try:
        with server() as one:
            yield one
    except FileNotFoundError as error:
        pytest.skip(str(error))


def new_database(postgres: Server) -> str:
    """The URL of an empty database."""
    name = f"kb_{secrets.token_hex(6)}"
    admin = create_engine(postgres.url.replace("postgresql://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    admin.dispose()
    return postgres.url.rpartition("/")[0] + f"/{name}"


@pytest.fixture(scope="module")
def proxy(elasticsearch: str) -> Iterator[Proxy]:
    address = urllib.parse.urlsplit(elasticsearch)
    one = Proxy((address.hostname or "", address.port or 80))
    yield one
    one.speak()
    one.close()


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory, postgres: Server, elasticsearch: str, proxy: Proxy
) -> Iterator[Site]:
    """On PostgreSQL, with Elasticsearch behind the proxy; one web process for all tests of a module."""
    folder = tmp_path_factory.mktemp("site")
    with opened(folder, new_database(postgres), f"127.0.0.1:{proxy.port}") as one:
        yield one
    ask(elasticsearch, f"{one.index}-*", "DELETE")


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Three nodes."""
    if not own_cluster.script().exists():
        pytest.skip("there is no script to start Elasticsearch with; KB_ES_SCRIPT may name one")
    # Not in pytest's folder, which the server's own user may not enter.
    with tempfile.TemporaryDirectory(prefix="kb-es-") as folder, own_cluster.running(Path(folder)) as one:
        yield one
