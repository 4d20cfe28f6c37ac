"""A cluster of three Elasticsearch nodes of the tests' own, whose nodes may be killed."""

import json
import os
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
SIZE: Final = 3


def script() -> Path:
    """What starts nodes: KB_ES_SCRIPT, else the one beside the repository."""
    return Path(os.environ.get("KB_ES_SCRIPT", ROOT.parent / "shared" / "elasticsearch" / "es"))


def ask(address: str, path: str, method: str = "GET") -> Any:
    """What Elasticsearch answers."""
    request = urllib.request.Request(f"{address}/{path}", method=method)
    with urllib.request.urlopen(request, timeout=90) as answer:
        return json.loads(answer.read() or "null")


class Cluster:
    """Its nodes listen on ``first``, ``first + 1``, ``first + 2``."""

    def __init__(self, folder: Path, first: int) -> None:
        self._folder, self._first = folder, first

    @property
    def hosts(self) -> str:
        return ",".join(f"127.0.0.1:{port}" for port in self.ports)

    @property
    def ports(self) -> range:
        return range(self._first, self._first + SIZE)

    def start(self) -> None:
        """Start the nodes that do not run, and wait until all copies of all indexes are there."""
        self._es("cluster", str(SIZE), str(self._first))
        health = f"_cluster/health?wait_for_nodes={SIZE}&wait_for_status=green&timeout=80s"
        assert not self.ask(health)["timed_out"]

    def ask(self, path: str, method: str = "GET") -> Any:
        """What the first node that answers says."""
        for port in self.ports:
            try:
                return ask(f"http://127.0.0.1:{port}", path, method)
            except OSError as error:
                last = error
        raise last

    def master(self) -> int:
        """The port of the node that leads the others."""
        (found,) = self.ask("_cat/master?format=json")
        return int(found["node"].removeprefix("node-"))

    def kill(self, port: int) -> None:
        """End a node at once: the launcher, and the server in its session."""
        os.killpg(int((self._folder / str(port) / "pid").read_text()), signal.SIGKILL)

    def stop(self) -> None:
        for port in self.ports:
            self.kill(port)

    def _es(self, *arguments: str) -> None:
        environment = os.environ | {"ES_RUN_DIR": str(self._folder), "ES_HEAP": "512m"}
        subprocess.run([script(), *arguments], env=environment, check=True, stdout=subprocess.DEVNULL, timeout=240)


@contextmanager
def running(folder: Path, first: int = 9400) -> Iterator[Cluster]:
    """A cluster that answers; it is gone afterwards."""
    one = Cluster(folder, first)
    try:
        one.start()
        yield one
    finally:
        one.stop()
