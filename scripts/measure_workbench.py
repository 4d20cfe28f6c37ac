"""Measure how soon the tagging workbench answers, idle and beside the job that reads records for tags.

    python -m scripts.measure_workbench [--cases 1000] [--times 40]

A server of its own (kb serve, embedded profile, in a folder that is removed) has the demonstration records and copies of
them, so that there are so many cases. One editor asks for the queue, for cases, and decides, two requests a second.
Prints milliseconds: median, 95 of 100, worst; and how many records the job has read meanwhile.
"""

import argparse
import http.client
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

import numpy as np
from sqlalchemy import Engine, func, select

from indexer.tagging import job
from kb.accounts import service as accounts
from kb.accounts.sessions import open_session
from kb.db import make_engine, migrate, transaction
from kb.records import service as records
from kb.records.tables import RecordRow
from kb.settings import Settings
from kb.tagging import cases
from kb.tagging.tables import SuggestionRow
from scripts.bench.server import Server
from search_ui.demo import load

#: Seconds between two requests, for the job goes on when nothing else is to do.
PAUSE: Final = 0.5
#: Seconds until the job that was asked for is at work.
START: Final = 60


def main() -> None:
    """Fill, serve, measure twice."""
    parser = argparse.ArgumentParser(prog="python -m scripts.measure_workbench", description=__doc__)
    parser.add_argument("--cases", type=int, default=1_000, help="cases in the queue")
    parser.add_argument("--times", type=int, default=40, help="requests of each kind")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kb-workbench-") as folder:
        settings = Settings(data_dir=Path(folder), tagging="manual", public_url="http://127.0.0.1", _env_file=None)  # type: ignore[call-arg]
        load(settings)
        database = make_engine(settings)
        migrate(database)
        ids = fill(database, given.cases)
        with served(settings) as port:
            cookie = signed_in(database)
            editor = Editor(port, cookie)
            editor.warm(ids)
            print(others())
            report("idle", editor, ids, given.times)
            with transaction(database) as session:
                job.ask(session)
            wait_for_job(database)
            before = read(database)
            report("beside the job", Editor(port, cookie), ids[given.times :], given.times)
            print(others())
            print(f"the job has read {read(database) - before} records meanwhile")
        database.dispose()


def fill(database: Engine, wanted: int) -> list[str]:
    """Copies of the cases without their goals until there are so many, and a row for each; their ids, copies first."""
    with transaction(database) as session:
        query = select(RecordRow.id).where(RecordRow.type.in_(cases.TAGGED), RecordRow.status == "published")
        originals = list(session.scalars(query.order_by(RecordRow.id)))
        loaded = records.load(session, originals)
        copies = [
            loaded[originals[number % len(originals)]].record.model_copy(update={"id": f"copy-{number}", "sdgs": []})
            for number in range(max(0, wanted - len(originals)))
        ]
        records.save_many(session, copies, "import")
        ids = [*(copy.id for copy in copies), *originals]
    with transaction(database) as session:
        for record_id in ids:
            cases.refresh(session, record_id)
    return ids


@contextmanager
def served(settings: Settings) -> Iterator[int]:
    """The port of ``kb serve`` with these settings."""
    server = Server(settings)
    try:
        server.ready()
        yield server.port
    finally:
        server.stop()


def signed_in(database: Engine) -> str:
    """The cookie of an editor's session."""
    with transaction(database) as session:
        row = accounts.create(
            session, "editor@example.org", "Editor", "a password that nobody knows", "en", state="active"
        )
        accounts.set_roles(session, row.id, [("editor", "")])
        session.flush()
        return open_session(session, row.id, "measuring", strong=True)


class Editor:
    """Somebody who works, over one connection."""

    def __init__(self, port: int, cookie: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._headers = {"Cookie": f"session={cookie}", "Sec-Fetch-Site": "same-origin"}

    def get(self, path: str) -> float:
        """Milliseconds until the page was there."""
        return self._timed("GET", path, "")

    def decide(self, record_id: str, goal: str) -> float:
        """Milliseconds until a tag was added."""
        form = {"kind": "sdg", "code": goal, "action": "add"}
        return self._timed("POST", f"/en/desk/tags/{record_id}/decide", urlencode(form))

    def warm(self, ids: list[str]) -> None:
        """Have everything in memory that is there after a while."""
        for record_id in ids[:5]:
            self.get("/en/desk/tags")
            self.get(f"/en/desk/tags/{record_id}")

    def _timed(self, method: str, path: str, body: str) -> float:
        headers = self._headers | ({"Content-Type": "application/x-www-form-urlencoded"} if body else {})
        started = time.perf_counter()
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        answer.read()
        if answer.status not in (200, 303):
            raise RuntimeError(f"{method} {path} answered {answer.status}")
        return (time.perf_counter() - started) * 1000


def others() -> str:
    """What else this machine does."""
    return f"load of this machine over the last minute: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"


def report(what: str, editor: Editor, ids: list[str], times: int) -> None:
    """Ask in turn, and print."""
    asked: dict[str, Callable[[str], float]] = {
        "the queue": lambda _id: editor.get("/en/desk/tags"),
        "a case": lambda record_id: editor.get(f"/en/desk/tags/{record_id}"),
        "a decision": lambda record_id: editor.decide(record_id, "13.1"),
    }
    taken: dict[str, list[float]] = {name: [] for name in asked}
    for record_id in ids[:times]:
        for name, ask in asked.items():
            time.sleep(PAUSE)
            taken[name].append(ask(record_id))
    for name, values in taken.items():
        middle, high = np.percentile(values, [50, 95])
        said = f"median {middle:4.0f} ms, 95 of 100 below {high:4.0f} ms, worst {max(values):4.0f} ms"
        print(f"{what:15} {name:11} {said}", flush=True)


def read(database: Engine) -> int:
    """How many records the job has read."""
    with transaction(database, readonly=True) as session:
        return session.scalar(select(func.count()).select_from(SuggestionRow)) or 0


def wait_for_job(database: Engine) -> None:
    """Until it has read something. Raises RuntimeError."""
    end = time.monotonic() + START
    while not read(database):
        if time.monotonic() > end:
            raise RuntimeError("the job did not begin")
        time.sleep(0.2)


if __name__ == "__main__":
    main()
