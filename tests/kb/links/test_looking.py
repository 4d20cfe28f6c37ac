"""Looking at links: what servers answer is told, and no address, redirect or name leads into our own network.

A real server stands behind an invented public address: the name server and the way to connect are parameters.
"""

import ipaddress
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.links.looking import Answer, Looker, connect_directly, is_public, resolve_by_system

PUBLIC = "93.184.215.14"
OTHER = "198.41.0.4"


class _Site(BaseHTTPRequestHandler):
    """Answers by path; remembers who asked for what."""

    asked: list[tuple[str, str, str]]

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        self.asked.append((self.command, self.headers["Host"], self.path))
        what, _, rest = unquote(self.path).lstrip("/").partition("/")
        if what == "slow":
            time.sleep(1)
        if what == "drip":
            self._drip()
        elif what == "close":
            self.connection.close()
        elif what == "head":
            self._say(int(rest) if self.command == "HEAD" else 200)
        elif what == "to":
            self._say(302, Location=rest)
        elif what == "round":
            self._say(302, Location="/round")
        else:
            self._say(int(what or 200))

    def _say(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _drip(self) -> None:
        try:
            for byte in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100:
                self.wfile.write(bytes([byte]))
                time.sleep(0.1)
        except OSError:
            return

    def log_message(self, format: str, *args: object) -> None:
        pass


class Web:
    """Names and servers as a looker meets them. ``names`` may give one name another address at each question."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.names: dict[str, list[list[str]]] = {"city.example": [[PUBLIC]], "other.example": [[OTHER]]}
        self.resolved: list[str] = []
        self.connected: list[tuple[str, int]] = []

    def resolve(self, host: str, port: int) -> list[str]:
        self.resolved.append(host)
        if host not in self.names:
            raise socket.gaierror("no such name")
        answers = self.names[host]
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def connect(self, address: str, port: int, seconds: float) -> socket.socket:
        self.connected.append((address, port))
        return socket.create_connection(("127.0.0.1", self._port), timeout=seconds)

    def looker(self, seconds: float = 5) -> Looker:
        return Looker("test", self.resolve, self.connect, seconds)


@pytest.fixture
def web() -> Iterator[Web]:
    _Site.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield Web(server.server_address[1])
    server.shutdown()
    server.server_close()
    thread.join(5)


def _look(web: Web, path: str, host: str = "city.example") -> Answer:
    return web.looker().look(f"http://{host}{path}")


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/200", Answer(200, "")),
        ("/404", Answer(404, "gone")),
        ("/410", Answer(410, "gone")),
        ("/500", Answer(500, "error")),
        ("/403", Answer(403, "")),
        ("/429", Answer(429, "")),
        ("/head/405", Answer(200, "")),
        ("/head/404", Answer(200, "")),
        ("/close", Answer(0, "garbled")),
        ("/to/http://other.example/200", Answer(200, "")),
        ("/to/http://other.example/404", Answer(404, "gone")),
        ("/round", Answer(302, "redirects")),
    ],
)
def test_what_a_server_answers_is_told(web: Web, path: str, answer: Answer) -> None:
    assert _look(web, path) == answer


def test_the_head_is_asked_for_first_and_the_page_only_where_that_fails(web: Web) -> None:
    _look(web, "/200")
    _look(web, "/head/405")
    assert [method for method, _, _ in _Site.asked] == ["HEAD", "HEAD", "GET"]
    assert {host for _, host, _ in _Site.asked} == {"city.example"}


def test_a_name_that_is_not_known_and_a_server_that_is_away_are_told(web: Web) -> None:
    assert _look(web, "/", "nowhere.example") == Answer(0, "unknown_host")
    away = Looker("test", web.resolve, _refuse, 2)
    assert away.look("http://city.example/") == Answer(0, "unreachable")


def _refuse(address: str, port: int, seconds: float) -> socket.socket:
    raise ConnectionRefusedError


@pytest.mark.parametrize("path", ["/slow", "/drip"])
def test_a_server_that_keeps_us_waiting_is_left(web: Web, path: str) -> None:
    start = time.monotonic()
    assert web.looker(0.5).look(f"http://city.example{path}") == Answer(0, "timeout")
    assert time.monotonic() - start < 2


def test_addresses_in_other_alphabets_are_asked_for_as_servers_expect(web: Web) -> None:
    web.names["xn--mnchen-3ya.example"] = [[PUBLIC]]
    web.looker().look("http://münchen.example/200/straße?q=ä b")
    assert web.resolved == ["xn--mnchen-3ya.example"]


# HTTPS


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A key and a certificate for city.example, signed by itself."""
    file = tmp_path / "city.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-keyout", str(file), "-out", str(tmp_path / "cert.pem"), "-subj", "/CN=city.example",
         "-addext", "subjectAltName=DNS:city.example"],
        check=True, capture_output=True,
    )  # fmt: skip
    file.write_bytes(file.read_bytes() + (tmp_path / "cert.pem").read_bytes())
    return file


def test_a_certificate_that_no_browser_trusts_or_for_another_name_is_told(certificate: Path) -> None:
    _Site.asked = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    web = Web(server.server_address[1])
    trusting = ssl.create_default_context(cafile=str(certificate))
    looker = replace(web.looker(), tls=trusting)
    try:
        assert looker.look("https://city.example/200") == Answer(200, "")
        assert web.connected == [(PUBLIC, 443)]
        assert looker.look("https://other.example/200") == Answer(0, "certificate")
        assert web.looker().look("https://city.example/200") == Answer(0, "certificate")
    finally:
        server.shutdown()
        server.server_close()


# Promise 21

INSIDE = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "192.88.99.1",
    "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:93.184.215.14", "fe80::1", "fe80::1%eth0",
    "fc00::1", "fd12:3456::1", "ff02::1", "64:ff9b::7f00:1", "64:ff9b:1::a00:1", "2002:7f00:1::1",
    "2001:0:7f00:1::1", "2001:db8::1", "fec0::1", "not an address",
]  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_promise_21_no_name_leads_to_an_address_that_is_not_of_the_open_internet(web: Web, address: str) -> None:
    web.names["trap.example"] = [[address]]
    assert _look(web, "/200", "trap.example") == Answer(0, "refused")
    assert web.connected == []


@pytest.mark.parametrize("address", [PUBLIC, "8.8.8.8", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_addresses_of_the_open_internet_are_looked_at(web: Web, address: str) -> None:
    web.names["there.example"] = [[address]]
    assert _look(web, "/200", "there.example") == Answer(200, "")
    assert web.connected == [(address, 80)]


@given(st.ip_addresses())
def test_promise_21_what_python_calls_private_or_local_is_never_public(ip: ipaddress.IPv4Address) -> None:
    inside = ip.is_private or ip.is_loopback or ip.is_link_local or ip.is_multicast or ip.is_unspecified
    assert not (inside and is_public(str(ip)))


def test_promise_21_one_inner_address_among_several_is_enough_to_refuse(web: Web) -> None:
    web.names["trap.example"] = [[PUBLIC, "10.0.0.1"]]
    assert _look(web, "/200", "trap.example") == Answer(0, "refused")


@pytest.mark.parametrize(
    "to",
    ["http://127.0.0.1/", "http://trap.example/", "http://[::1]/", "http://[::ffff:7f00:1]/", "http://2130706433/",
     "http://0x7f.1/", "//trap.example/", "http://city.example:8080/", "ftp://city.example/", "file:///etc/passwd",
     "gopher://city.example/", "http://user:pass@trap.example/"],
)  # fmt: skip
def test_promise_21_a_redirect_to_our_own_network_is_not_followed(web: Web, to: str) -> None:
    web.names |= {"trap.example": [["10.0.0.1"]], "127.0.0.1": [["127.0.0.1"]], "::1": [["::1"]]}
    web.names |= {"::ffff:7f00:1": [["::ffff:127.0.0.1"]], "2130706433": [["127.0.0.1"]], "0x7f.1": [["127.0.0.1"]]}
    assert _look(web, f"/to/{to}") == Answer(0, "refused")
    assert web.connected == [(PUBLIC, 80)]


def test_promise_21_a_name_that_changes_its_address_after_the_check_is_connected_where_it_was_checked(web: Web) -> None:
    """Rebinding: the name server says a public address first, and ours from then on."""
    web.names["trap.example"] = [[PUBLIC], ["127.0.0.1"]]
    _look(web, "/200", "trap.example")
    assert (web.resolved, web.connected) == (["trap.example"], [(PUBLIC, 80)])
    assert _look(web, "/200", "trap.example") == Answer(0, "refused")
    assert web.connected == [(PUBLIC, 80)]


def test_promise_21_a_name_that_changes_between_two_redirects_is_refused(web: Web) -> None:
    web.names["trap.example"] = [[PUBLIC], ["169.254.169.254"]]
    assert _look(web, "/to/http://trap.example/200", "trap.example") == Answer(0, "refused")
    assert web.connected == [(PUBLIC, 80)]


@pytest.mark.parametrize(
    "url",
    ["http://city.example:22/", "http://city.example:8080/", "https://city.example:80000/", "ftp://city.example/",
     "file:///etc/passwd", "//city.example/", "http:///x", "http://[::1", "javascript:alert(1)"],
)  # fmt: skip
def test_promise_21_only_web_addresses_on_their_own_ports_are_looked_at(web: Web, url: str) -> None:
    assert web.looker().look(url).reason in ("refused", "garbled")
    assert web.connected == []


@pytest.mark.parametrize(
    "url", ["http://localhost/", "http://127.0.0.1/", "http://[::1]/", "http://0/", "http://2130706433/"]
)
def test_promise_21_this_machines_own_resolver_leads_nowhere_inside(url: str) -> None:
    """Nothing is invented here: the resolver and the connections are those of production."""
    connected: list[str] = []

    def connect(address: str, port: int, seconds: float) -> socket.socket:
        connected.append(address)
        return connect_directly(address, port, seconds)

    assert Looker("test", resolve_by_system, connect, 2).look(url).reason in ("refused", "unknown_host")
    assert connected == []
