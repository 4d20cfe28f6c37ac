"""Fetching a page: what the server sends is handed over up to a limit, and the guards of looking hold for it too."""

import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from kb.documents import service as documents
from kb.errors import Invalid
from kb.links.looking import Answer, Looker
from tests.kb.documents import papers

PUBLIC = "93.184.215.14"
PAGE = "<html><body><main><h1>Straßenbahn – là</h1><p>Trams run at night.</p></main></body></html>"


class _Site(BaseHTTPRequestHandler):
    """Answers by path."""

    def do_GET(self) -> None:
        what, _, rest = self.path.lstrip("/").partition("/")
        if what == "to":
            self._send(302, b"elsewhere", Location=rest)
        elif what == "drip":
            self._drip()
        elif what == "pdf":
            self._send(200, papers.pdf(["Trams for all, at night."]), **{"Content-Type": "text/html"})
        elif what == "latin":
            self._send(
                200, "Là-bas, des trams la nuit.".encode("latin-1"), **{"Content-Type": "text/plain; charset=latin-1"}
            )
        elif what == "long":
            self._send(200, b"x" * int(rest))
        elif what == "status":
            self._send(int(rest), b"no")
        else:
            self._send(200, PAGE.encode(), **{"Content-Type": "text/html; charset=utf-8"})

    def _send(self, status: int, content: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(content))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _drip(self) -> None:
        self.send_response(200)
        self.end_headers()
        try:
            for _ in range(200):
                self.wfile.write(b"x")
                time.sleep(0.05)
        except OSError:
            return

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def looker() -> Iterator[Looker]:
    """Every name but inside.example stands for the invented public address of one real server."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()

    def resolve(host: str, port: int) -> list[str]:
        return {"inside.example": ["10.0.0.7"], "127.0.0.1": ["127.0.0.1"], "localhost": ["127.0.0.1"]}.get(
            host, [PUBLIC]
        )

    def connect(address: str, port: int, seconds: float) -> socket.socket:
        assert address == PUBLIC
        return socket.create_connection(("127.0.0.1", server.server_address[1]), timeout=seconds)

    yield Looker("test", resolve, connect, 2)
    server.shutdown()
    server.server_close()
    thread.join(5)


def _text(looker: Looker, path: str) -> str:
    return documents.text_of_page(looker, f"http://city.example/{path}", 60_000).text


def _refusal(looker: Looker, url: str) -> str:
    with pytest.raises(Invalid) as refused:
        documents.text_of_page(looker, url, 60_000)
    assert refused.value.members["field"] == "url"
    return refused.value.detail


def test_a_page_a_document_and_plain_text_are_read(looker: Looker) -> None:
    assert _text(looker, "") == "Straßenbahn – là\n\nTrams run at night."
    assert _text(looker, "pdf") == "Trams for all, at night."
    assert _text(looker, "latin") == "Là-bas, des trams la nuit."
    assert _text(looker, "to/http://other.example/pdf") == "Trams for all, at night."


def test_no_more_than_was_asked_for_is_read(looker: Looker) -> None:
    found = looker.fetch("http://city.example/long/100000", 500)
    assert found.answer == Answer(200, "")
    assert len(found.content) == 501
    assert "9 MB" in _refusal(looker, f"http://city.example/long/{documents.MAX_BYTES + 1}")


def test_a_server_that_sends_a_byte_now_and_then_runs_into_the_time_limit(looker: Looker) -> None:
    began = time.monotonic()
    assert looker.fetch("http://city.example/drip", 500).answer == Answer(0, "timeout")
    assert time.monotonic() - began < 4


@pytest.mark.parametrize(
    "url",
    [
        "http://inside.example/",
        "http://127.0.0.1/",
        "http://localhost/",
        "http://city.example:8000/",
        "file:///etc/passwd",
        "ftp://city.example/",
        "gopher://city.example/",
        "http://city.example/to/http://inside.example/",
        "http://city.example/to/http://127.0.0.1:8000/admin",
        "http://city.example/to/file:///etc/passwd",
    ],
)
def test_nothing_of_our_own_network_or_machine_is_fetched(looker: Looker, url: str) -> None:
    assert _refusal(looker, url) == documents.NOT_FETCHED["refused"]


@pytest.mark.parametrize(("path", "reason"), [("status/404", "gone"), ("status/410", "gone"), ("status/500", "error")])
def test_what_is_not_there_is_told(looker: Looker, path: str, reason: str) -> None:
    said = _refusal(looker, f"http://city.example/{path}")
    assert said == documents.NOT_FETCHED.get(reason, said)


def test_what_a_server_keeps_to_people_is_not_taken_for_the_page(looker: Looker) -> None:
    assert "Paste the text" in _refusal(looker, "http://city.example/status/403")
