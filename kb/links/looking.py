"""Look whether an address on the web answers, or fetch what it has, without being led into our own network.

The name is resolved here, every address that it has is checked, and the connection goes to one that was checked: a name server
that says something else a moment later changes nothing. Each redirect is a new address and goes the same way.
"""

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.message import Message
from typing import Final, Literal
from urllib.parse import SplitResult, quote, urljoin, urlsplit

#: A name and a port to the addresses that the name has. Raises OSError.
Resolve = Callable[[str, int], Sequence[str]]
#: An address, a port and seconds to an open connection. Raises OSError.
Connect = Callable[[str, int, float], socket.socket]

Reason = Literal[
    "", "gone", "error", "unknown_host", "unreachable", "timeout", "certificate", "refused", "redirects", "garbled"
]

_PORTS: Final = {"http": 80, "https": 443}
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS: Final = 5
#: What sites say to programs while people can read them.
_NOT_FOR_PROGRAMS: Final = frozenset({401, 402, 403, 405, 406, 407, 429, 451, 999})
_GLOBAL_UNICAST: Final = ipaddress.ip_network("2000::/3")
_RELAYS: Final = ipaddress.ip_network("192.88.99.0/24")


@dataclass(frozen=True)
class Answer:
    """What came of a look: the last HTTP status (0 without one), and what is wrong; nothing where ``reason`` is empty."""

    status: int
    reason: Reason


@dataclass(frozen=True)
class Fetched:
    """What came of fetching a page: its answer, and what the server sent, at most as much as was asked for and one byte."""

    answer: Answer
    content: bytes = b""
    media_type: str = ""
    charset: str = ""


@dataclass(frozen=True)
class _Sent:
    """One answer of a server."""

    status: int
    location: str
    headers: Message
    content: bytes = b""


class _NotThereError(Exception):
    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


def resolve_by_system(host: str, port: int) -> list[str]:
    """The addresses that this machine's resolver knows."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def connect_directly(address: str, port: int, seconds: float) -> socket.socket:
    """A TCP connection to this very address."""
    return socket.create_connection((address, port), timeout=seconds)


@dataclass(frozen=True)
class Looker:
    """Looks at addresses. ``agent`` is how it introduces itself; one look takes at most ``seconds``."""

    agent: str
    resolve: Resolve = resolve_by_system
    connect: Connect = connect_directly
    seconds: float = 10.0
    tls: ssl.SSLContext | None = None

    def look(self, url: str) -> Answer:
        """Ask for the head, then, where a server does not like that, for the page, of which nothing is read."""
        end = time.monotonic() + self.seconds
        status = 0
        try:
            for _ in range(_MOST_REDIRECTS + 1):
                status, url_after = self._ask_once(url, end)
                if not url_after:
                    return Answer(status, _judge(status))
                url = url_after
        except _NotThereError as error:
            return Answer(0, error.reason)
        return Answer(status, "redirects")

    def fetch(self, url: str, most: int) -> Fetched:
        """The page, or the document, at an address, with at most ``most`` bytes and one more. Redirects are followed."""
        end = time.monotonic() + self.seconds
        try:
            for _ in range(_MOST_REDIRECTS + 1):
                parts, port = _allowed(url)
                address = self._checked_address(parts, port)
                sent = self._request_or_say("GET", parts, port, address, end, most)
                if not (sent.status in _REDIRECTS and sent.location):
                    answer = Answer(sent.status, _judge(sent.status))
                    charset = sent.headers.get_content_charset() or ""
                    return Fetched(answer, sent.content, sent.headers.get_content_type(), charset)
                url = urljoin(url, sent.location)
        except _NotThereError as error:
            return Fetched(Answer(0, error.reason))
        return Fetched(Answer(sent.status, "redirects"))

    def _ask_once(self, url: str, end: float) -> tuple[int, str]:
        """(status, the address that it leads to or "")."""
        parts, port = _allowed(url)
        address = self._checked_address(parts, port)
        try:
            sent = self._request("HEAD", parts, port, address, end)
        except http.client.HTTPException:
            sent = None
        if sent is None or sent.status >= 400:
            sent = self._request_or_say("GET", parts, port, address, end)
        leads_on = sent.status in _REDIRECTS and sent.location
        return sent.status, urljoin(url, sent.location) if leads_on else ""

    def _checked_address(self, parts: SplitResult, port: int) -> str:
        try:
            addresses = list(self.resolve(_ascii(parts), port))
        except (OSError, UnicodeError):
            raise _NotThereError("unknown_host") from None
        if not addresses:
            raise _NotThereError("unknown_host")
        # One that is our own among them is an attempt, not an oversight.
        if not all(is_public(address) for address in addresses):
            raise _NotThereError("refused")
        return addresses[0]

    def _request_or_say(
        self, method: str, parts: SplitResult, port: int, address: str, end: float, most: int = -1
    ) -> _Sent:
        try:
            return self._request(method, parts, port, address, end, most)
        except http.client.HTTPException:
            raise _NotThereError("garbled") from None

    def _request(self, method: str, parts: SplitResult, port: int, address: str, end: float, most: int = -1) -> _Sent:
        """One request; of the body ``most`` bytes and one more are read, nothing by default."""
        left = end - time.monotonic()
        if left <= 0:
            raise _NotThereError("timeout")
        connection = _Pinned(self, parts, port, address, left)
        # A server that sends a byte now and then would never run into the time limit of a read.
        timer = threading.Timer(left, connection.cut)
        timer.start()
        try:
            connection.request(method, _target(parts), headers=self._headers())
            answer = connection.getresponse()
            with answer:
                content = answer.read(most + 1)
            if content and time.monotonic() >= end:
                raise _NotThereError("timeout")  # it was cut off, which looks like an end
            return _Sent(answer.status, answer.getheader("Location", ""), answer.headers, content)
        except http.client.HTTPException:
            if time.monotonic() >= end:
                raise _NotThereError("timeout") from None
            raise
        except ssl.SSLCertVerificationError:
            raise _NotThereError("certificate") from None
        except OSError as error:
            late = isinstance(error, TimeoutError) or time.monotonic() >= end
            raise _NotThereError("timeout" if late else "unreachable") from None
        finally:
            timer.cancel()
            connection.close()

    def _headers(self) -> dict[str, str]:
        return {"User-Agent": self.agent, "Accept": "*/*", "Accept-Encoding": "identity", "Connection": "close"}


class _Pinned(http.client.HTTPConnection):
    """A connection to the address that was checked, whatever the name resolves to by now."""

    def __init__(self, looker: Looker, parts: SplitResult, port: int, address: str, seconds: float) -> None:
        super().__init__(_ascii(parts), port, timeout=seconds)
        self._looker, self._address, self._seconds = looker, address, seconds
        self._secure = parts.scheme == "https"
        self.default_port = _PORTS[parts.scheme]  # else the Host header would name the port

    def connect(self) -> None:
        self.sock = self._looker.connect(self._address, self.port, self._seconds)
        if self._secure:
            context = self._looker.tls or ssl.create_default_context()
            self.sock = context.wrap_socket(self.sock, server_hostname=self.host)
        # http.client forgets the socket, without closing it, once an answer has begun that ends with the connection.
        self._held: socket.socket = self.sock

    def cut(self) -> None:
        """End it from another thread."""
        sock: socket.socket | None = getattr(self, "_held", None)
        if sock:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # it is over already


def _allowed(url: str) -> tuple[SplitResult, int]:
    """The parts and the port of an address that may be looked at."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        raise _NotThereError("garbled") from None
    if parts.scheme not in _PORTS or port not in _PORTS.values():
        raise _NotThereError("refused")
    if not parts.hostname:
        raise _NotThereError("garbled")
    return parts, port


def _ascii(parts: SplitResult) -> str:
    host = parts.hostname or ""
    return host if host.isascii() else host.encode("idna").decode()


def _target(parts: SplitResult) -> str:
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    return path + (f"?{quote(parts.query, safe='/%:@!$&()*+,;=~-._?')}" if parts.query else "")


def _judge(status: int) -> Reason:
    if status in (404, 410):
        return "gone"
    return "error" if status >= 400 and status not in _NOT_FOR_PROGRAMS else ""


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open internet: not of this machine, this network or a group, nor one that leads
    there through IPv6."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        return ip in _GLOBAL_UNICAST and ip.is_global and ip.sixtofour is None and ip.teredo is None
    return ip.is_global and not ip.is_multicast and not ip.is_reserved and ip not in _RELAYS
