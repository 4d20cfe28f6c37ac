"""A way to a server that a test makes slow, silent or broken."""

import contextlib
import socket
import threading
import time
from typing import Literal

Side = Literal["request", "answer"]


class Proxy:
    """Passes on what it gets, as its attributes say at that moment."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._ends: list[socket.socket] = []
        self._flowing = threading.Event()
        self._flowing.set()
        self._port = 0
        #: Seconds that every piece of an answer takes longer.
        self.latency = 0.0
        #: Where bulk writes break: half of the request is passed on, or none of the answer to a whole one.
        self.cut: Side | None = None
        #: How often that happened.
        self.cuts = 0
        self.open()

    @property
    def port(self) -> int:
        return self._port

    def open(self) -> None:
        """Take connections."""
        self._listener = socket.create_server(("127.0.0.1", self._port))
        self._port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def close(self) -> None:
        """Refuse connections, and break those that there are."""
        # The thread in accept would keep the port listening.
        self._break(self._listener, *self._ends)
        self._ends = []

    def silence(self) -> None:
        """Take everything and pass on nothing, until ``speak``: as a network that loses all packets."""
        self._flowing.clear()

    def speak(self) -> None:
        """Pass on what was held back, and all that comes."""
        self._flowing.set()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(self._target)
                self._ends += near, far
                for ends in ((near, far, "request"), (far, near, "answer")):
                    threading.Thread(target=self._pump, args=ends, daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, side: Side) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                self._flowing.wait()
                if side == "answer":
                    time.sleep(self.latency)
                if self._to_be_cut(piece, side):
                    self.cuts += 1
                    sink.sendall(piece[: len(piece) // 2])
                    break
                sink.sendall(piece)
        self._break(source, sink)

    def _to_be_cut(self, piece: bytes, side: Side) -> bool:
        first = piece[:200]
        bulk = b"/_bulk" in first if side == "request" else b'"errors":' in piece and b'"items":' in piece
        return bulk and side == self.cut

    @staticmethod
    def _break(*ends: socket.socket) -> None:
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
