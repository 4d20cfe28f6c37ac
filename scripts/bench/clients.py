"""Many clients that ask at once, in a process of their own: they share no interpreter lock with what they measure."""

import http.client
import multiprocessing
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Final, Protocol

from scripts.bench.figures import Figures, Spread, spread

#: Clients at once, and how many requests they send together: enough for a percentile, few enough to end.
CLIENTS: Final = (1, 8, 32)
REQUESTS: Final = 246
#: Seconds after which no more are sent: what is so slow is told from fewer.
LONGEST: Final = 60.0
#: Seconds to wait for one answer.
PATIENCE: Final = 120.0

Ask = Callable[[int], object]


class Contender(Protocol):
    """Something that answers the questions of the bench. It can be pickled: ``connect`` is called in the process of the
    clients, once for each of them."""

    @property
    def questions(self) -> int:
        """How many questions it can be asked."""

    def connect(self) -> Ask:
        """What one client asks with: question by number; it raises an error for what is no answer."""


@dataclass(frozen=True)
class Pages:
    """Addresses of a server on this machine, each connection kept open."""

    port: int
    addresses: tuple[str, ...]

    @property
    def questions(self) -> int:
        return len(self.addresses)

    def connect(self) -> Ask:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        return lambda number: get(connection, self.addresses[number])


def get(connection: http.client.HTTPConnection, address: str) -> bytes:
    """The answer. Raises RuntimeError for one that is not 200."""
    connection.request("GET", address)
    response = connection.getresponse()
    body = response.read()
    if response.status != 200:
        raise RuntimeError(f"{address} answered {response.status}")
    return body


def measured(contender: Contender) -> Figures:
    """One round that is told apart, then the latency and the requests a second at one client and at several."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        first, _ = process.submit(_load, contender, 1, contender.questions).result()
        found: Figures = {"first round, ms": spread(first)}
        for clients in CLIENTS:
            taken, seconds = process.submit(_load, contender, clients, REQUESTS).result()
            found[f"{_several(clients)}, ms"] = spread(taken)
            found[f"{_several(clients)}, requests/s"] = len(taken) / seconds
        return found


def round_of(contender: Contender) -> Spread:
    """The latency of each question, asked once by one client."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return spread(process.submit(_load, contender, 1, contender.questions).result()[0])


def _several(clients: int) -> str:
    return f"{clients} client{'s' * (clients > 1)}"


def _load(contender: Contender, clients: int, requests: int) -> tuple[list[float], float]:
    """Milliseconds of each request, and the seconds that all took together."""
    numbers = islice(cycle(range(contender.questions)), requests)
    # Everybody is connected before the clock starts.
    asks = [contender.connect() for _ in range(clients)]
    lock = threading.Lock()
    end = time.perf_counter() + LONGEST

    def following() -> int | None:
        with lock:
            return next(numbers, None) if time.perf_counter() < end else None

    def one(ask: Ask) -> Sequence[float]:
        taken = []
        while (number := following()) is not None:
            start = time.perf_counter()
            ask(number)
            taken.append((time.perf_counter() - start) * 1000)
        return taken

    with ThreadPoolExecutor(clients) as pool:
        start = time.perf_counter()
        taken = [value for part in pool.map(one, asks) for value in part]
        return taken, time.perf_counter() - start
