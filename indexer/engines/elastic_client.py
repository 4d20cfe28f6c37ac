"""The connection to Elasticsearch: what its URL says, errors as ours, and a rest for a server that does not answer."""

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from elasticsearch import ApiError, Elasticsearch, TransportError
from elasticsearch.serializer import NdjsonSerializer, OrjsonSerializer

from kb.errors import Unavailable

log = logging.getLogger(__name__)

#: Seconds without a question to a server that did not answer the last one; then one question tries again.
PAUSE: Final = 2.0
#: Seconds that a change may take, and how often it is tried again on another node or the same.
PATIENCE: Final = 60.0
TRIES: Final = 3
#: Requests that may be under way at once: FastAPI has 40 threads.
CONNECTIONS: Final = 40

#: Statuses of a server that is not to be asked for a while: no index, too busy.
_AWAY: Final = frozenset({404, 429})
_JSON: Final = "application/vnd.elasticsearch+json; compatible-with=8"
_LINES: Final = "application/vnd.elasticsearch+x-ndjson; compatible-with=8"
_USABLE: Final = frozenset({"shards", "replicas"})


@dataclass(frozen=True)
class Address:
    """What ``http://user:password@one:9200,two:9200/name?shards=2&replicas=1`` says."""

    hosts: tuple[str, ...]
    name: str
    login: tuple[str, str] | None
    shards: int
    replicas: int | None


def read(url: str) -> Address:
    """Take a URL apart. Raises ValueError that says what is wrong with it."""
    parts = urlsplit(url)
    login, _, hosts = parts.netloc.rpartition("@")
    name, options = parts.path.strip("/"), parse_qs(parts.query)
    if not name or "/" in name or name != name.lower():
        raise ValueError(
            f"KB_SEARCH_URL must end with the name of the index in small letters, as {parts.scheme}://host:9200/kb"
        )
    if unknown := options.keys() - _USABLE:
        raise ValueError(
            f"KB_SEARCH_URL has options that mean nothing: {', '.join(sorted(unknown))}; shards and replicas do"
        )
    user, _, password = login.partition(":")
    return Address(
        hosts=tuple(f"{parts.scheme}://{_with_port(host)}" for host in hosts.split(",")),
        name=name,
        login=(unquote(user), unquote(password)) if login else None,
        shards=int(options.get("shards", ["1"])[0]),
        replicas=int(options["replicas"][0]) if "replicas" in options else None,
    )


def _with_port(host: str) -> str:
    return host if ":" in host.rpartition("]")[2] else f"{host}:9200"


class Refused(Unavailable):
    """The server answers, and does not take this one request: a fault of ours, and no reason to leave it alone."""


class OrjsonLines(OrjsonSerializer, NdjsonSerializer):
    """A document on each line, as several searches at once are sent."""

    mimetype = "application/vnd.elasticsearch+x-ndjson"


class Client:
    """Asks and changes one cluster. Safe to use from many threads."""

    def __init__(self, address: Address, timeout: float) -> None:
        self._hosts = ", ".join(address.hosts)
        client = Elasticsearch(
            list(address.hosts),
            basic_auth=address.login,
            serializers={
                "application/vnd.elasticsearch+json": OrjsonSerializer(),
                OrjsonLines.mimetype: OrjsonLines(),
            },
            connections_per_node=CONNECTIONS,
        )
        # A node that is gone is noticed at once and another one asked; one that is slow is not waited for twice.
        self._asking = client.options(
            request_timeout=timeout, max_retries=2, retry_on_timeout=False, retry_on_status=()
        )
        self._changing = client.options(
            request_timeout=PATIENCE, max_retries=TRIES, retry_on_timeout=True, retry_on_status=(429, 502, 503, 504)
        )
        #: Seconds that one question may take.
        self.timeout = timeout
        self._lock = threading.Lock()
        self._away_until = 0.0
        self._question = threading.local()
        #: Whether the index was not there when it was last asked for.
        self.lost = False

    @contextmanager
    def asking(self) -> Iterator[Elasticsearch]:
        """For what a reader waits for: little time, and none at all while the server is known to be away."""
        self._refuse_while_away()
        try:
            with self._told():
                yield self._asking.options(request_timeout=self._time_left())
        except Refused:
            raise
        except Unavailable:
            self._away_until = time.monotonic() + PAUSE
            raise
        self._away_until = 0.0

    @contextmanager
    def one_question(self) -> Iterator[None]:
        """All that this thread asks in the block takes no longer than a single request may."""
        self._question.end = time.monotonic() + self.timeout
        try:
            yield
        finally:
            self._question.end = None

    def _time_left(self) -> float:
        end = getattr(self._question, "end", None)
        left = end - time.monotonic() if end else self.timeout
        if left <= 0:
            raise Unavailable(f"The search index at {self._hosts} takes longer than {self.timeout} seconds.")
        return float(left)

    @contextmanager
    def changing(self) -> Iterator[Elasticsearch]:
        """For what must be done: much time, and several tries."""
        with self._told():
            yield self._changing

    def search_many(self, index: str, bodies: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Several searches at once, each with the scores of its named queries."""
        lines: list[dict[str, Any]] = []
        for body in bodies:
            lines += [{"index": index, "allow_partial_search_results": False}, body]
        with self.asking() as client:
            answer = client.perform_request(
                "POST",
                "/_msearch",
                params={"include_named_queries_score": "true"},
                headers={"accept": _JSON, "content-type": _LINES},
                body=lines,
            )
            found: list[dict[str, Any]] = answer.body["responses"]
            for one in found:
                if "error" in one:
                    meta = replace(answer.meta, status=one["status"])
                    raise ApiError(one["error"].get("reason") or one["error"]["type"], meta, one["error"])
            return found

    def _refuse_while_away(self) -> None:
        """Of all that come when the pause is over, one goes ahead and the others are still refused."""
        with self._lock:
            now = time.monotonic()
            if now < self._away_until:
                raise Unavailable(
                    f"The search index at {self._hosts} is away; it is tried again every {PAUSE:.0f} seconds."
                )
            if self._away_until:
                self._away_until = now + PAUSE

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except TransportError as error:
            raise Unavailable(f"The search index at {self._hosts} does not answer: {error.message}") from error
        except ApiError as error:
            self.lost = self.lost or error.meta.status == 404
            if error.meta.status in _AWAY or error.meta.status >= 500:
                raise Unavailable(f"The search index at {self._hosts} cannot answer: {_reason(error)}") from error
            log.exception("Elasticsearch did not take a request")
            raise Refused(f"The search index at {self._hosts} did not take the request: {_reason(error)}") from error

    def close(self) -> None:
        """Let go of the connections."""
        self._asking.close()


def _reason(error: ApiError) -> str:
    body = error.body if isinstance(error.body, dict) else {}
    cause = body.get("error", body)
    causes = cause.get("root_cause") if isinstance(cause, dict) else None
    return f"{error.meta.status} {causes[0].get('reason') if causes else error.message}"
