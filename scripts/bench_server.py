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

from bench_stages import Spread, spread

from schemas.search import SearchQuery

ROOT: Final = Path(__file__).parents[1]
#: Seconds to wait for a server that does not come.
PATIENCE: Final = 120.0
FIRST: Final = "/api/v1/search?q=cable+car&lang=en"


class Server:
    """A server of its own, on a free port, for this data folder."""

    def __init__(self, data_dir: Path) -> None:
        self._port = _free_port()
        environment = os.environ | {"KB_DATA_DIR": str(data_dir), "KB_PORT": str(self._port), "PYTHONPATH": str(ROOT)}
        self._started = time.perf_counter()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "search_ui.cli", "serve"],
            cwd=data_dir, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)

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

    def get(self, address: str) -> float:
        """Milliseconds that an answer takes. Raises RuntimeError for one that is not 200."""
        start = time.perf_counter()
        self._connection.request("GET", address)
        response = self._connection.getresponse()
        response.read()
        if response.status != 200:
            raise RuntimeError(f"{address} answered {response.status}")
        return (time.perf_counter() - start) * 1000

    def megabytes(self, what: str = "VmRSS") -> float:
        """Memory that the process holds (VmRSS), or held at most (VmHWM), as Linux says; nan elsewhere."""
        status = Path(f"/proc/{self._process.pid}/status")
        lines = status.read_text("ascii").splitlines() if status.exists() else []
        return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(what)), float("nan"))

    def stop(self) -> None:
        """End it."""
        self._connection.close()
        self._process.terminate()
        self._process.wait(PATIENCE)


@contextmanager
def serving(data_dir: Path) -> Iterator[Server]:
    """A server that is stopped at the end."""
    server = Server(data_dir)
    try:
        yield server
    finally:
        server.stop()


def measured(data_dir: Path, asked: Sequence[SearchQuery]) -> dict[str, float | Spread]:
    """Start, ask everything twice as a page and through the API, and take the second time."""
    with serving(data_dir) as server:
        found: dict[str, float | Spread] = {"ready after, s": server.ready()}
        server.get(FIRST)
        found["first search answered after, s"] = server.since_start()
        for name, address in (("page over HTTP", page_address), ("API over HTTP", api_address)):
            for query in asked:
                server.get(address(query))
            found[name] = spread([server.get(address(query)) for query in asked])
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
