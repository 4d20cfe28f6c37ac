"""``kb serve`` from outside: how soon it answers, how much memory it holds, how long its pages take."""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from kb.settings import Settings
from schemas.search import SearchQuery
from scripts.bench.clients import PATIENCE, Pages, get, round_of
from scripts.bench.clients import measured as asked_by_clients
from scripts.bench.figures import Figures
from scripts.bench.machine import megabytes

ROOT: Final = Path(__file__).parents[2]
FIRST: Final = "/api/v1/search?q=cable+car&lang=en"


class Server:
    """A server of its own, on a free port, with these settings."""

    def __init__(self, settings: Settings) -> None:
        self.port = _free_port()
        given = {
            f"KB_{name}".upper(): str(getattr(settings, name))
            for name in ("data_dir", "database_url", "search_url", "search_timeout", "broker_url", "tagging")
        }
        self._started = time.perf_counter()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "search_ui.cli", "serve", "--port", str(self.port)],
            cwd=settings.data_dir, env=os.environ | given | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def ready(self) -> float:
        """Seconds from the start until /readyz answered."""
        while time.perf_counter() < self._started + PATIENCE and self._process.poll() is None:
            try:
                self.get("/readyz")
            except (OSError, http.client.HTTPException):
                self._connection.close()
                time.sleep(0.02)
            else:
                return self.since_start()
        raise RuntimeError("kb serve did not answer; start it by hand to see why")

    def since_start(self) -> float:
        """Seconds from the start until now."""
        return time.perf_counter() - self._started

    def get(self, address: str) -> bytes:
        """An answer. Raises RuntimeError for one that is not 200."""
        return get(self._connection, address)

    def megabytes(self, what: str = "VmRSS") -> float:
        """Memory that it holds, or with VmHWM held at most."""
        return megabytes(self._process.pid, what)

    def stop(self) -> None:
        """End it."""
        self._connection.close()
        self._process.terminate()
        self._process.wait(PATIENCE)


@contextmanager
def serving(settings: Settings) -> Iterator[Server]:
    """A server that is stopped at the end."""
    server = Server(settings)
    try:
        yield server
    finally:
        server.stop()


def measured(settings: Settings, asked: Sequence[SearchQuery]) -> Figures:
    """Start it, and ask everything through the API and as pages. The first round embeds the questions; they are
    remembered for the others."""
    with serving(settings) as server:
        found: Figures = {"ready after, s": server.ready()}
        server.get(FIRST)
        found["first search answered after, s"] = server.since_start()
        found |= asked_by_clients(Pages(server.port, tuple(map(api_address, asked))))
        found["as a page, 1 client, ms"] = round_of(Pages(server.port, tuple(map(page_address, asked))))
        found["memory, MB"] = server.megabytes()
        found["memory at most, MB"] = server.megabytes("VmHWM")
    return found


def page_address(query: SearchQuery) -> str:
    """Where the site answers it."""
    said = _parameters(query)
    near = {"near": ",".join(map(str, said["near"]))} if query.near else {}
    return f"/{query.lang}/search?{urlencode(said | near, doseq=True)}"


def api_address(query: SearchQuery) -> str:
    """Where the API answers it."""
    return f"/api/v1/search?{urlencode(_parameters(query) | {'lang': query.lang}, doseq=True)}"


def _parameters(query: SearchQuery) -> dict[str, Any]:
    return query.model_dump(mode="json", exclude_defaults=True, exclude={"lang"})


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
