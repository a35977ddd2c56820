"""A network that fails: what goes through it is forwarded, held up, or answered and the answer lost."""

import contextlib
import re
import socket
from collections.abc import Iterator
from threading import Event, Lock, Thread
from urllib.parse import urlsplit

_PIECE = 1 << 16


class Proxy:
    """Forwards connections to a server until it is told otherwise."""

    def __init__(self, endpoint: str) -> None:
        at = urlsplit(endpoint)
        self._server = (at.hostname, at.port)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._lock = Lock()
        self._open: list[socket.socket] = []
        self._flows = Event()
        self._flows.set()
        self._losing, self._left = re.compile(b""), 0
        self.lost = 0
        """How many answers were lost."""
        Thread(target=self._accept, daemon=True).start()

    @property
    def endpoint(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def hang(self) -> None:
        """Forward nothing more, in either direction, and keep all connections open, as a network that is gone does."""
        self._flows.clear()

    def flow(self) -> None:
        """Forward again what comes over new connections; what was held up is gone."""
        self._close_all()
        self._flows.set()

    def lose_answers(self, request: bytes, *, times: int) -> None:
        """Forward the next requests whose first line this pattern matches, so many of them, and close the connection
        in place of the answer."""
        self._losing, self._left = re.compile(request), times

    def close(self) -> None:
        """End it with all its connections."""
        # A thread that waits for a connection goes on waiting where its socket is only closed.
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.flow()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        with self._lock:
            self._open.append(client)
        self._flows.wait()
        try:
            server = socket.create_connection(self._server)
        except OSError:
            _end(client)
            return
        with self._lock:
            self._open.append(server)
        is_lost = Event()
        Thread(target=self._forward, args=(client, server, is_lost), daemon=True).start()
        Thread(target=self._answer, args=(server, client, is_lost), daemon=True).start()

    def _forward(self, client: socket.socket, server: socket.socket, is_lost: Event) -> None:
        for piece in self._pieces(client):
            with self._lock:
                if self._left and self._losing.match(piece):
                    self._left -= 1
                    is_lost.set()
            if not _sent(server, piece):
                break
        _end(client, server)

    def _answer(self, server: socket.socket, client: socket.socket, is_lost: Event) -> None:
        for piece in self._pieces(server):
            if is_lost.is_set():
                self.lost += 1
                break
            if not _sent(client, piece):
                break
        _end(client, server)

    def _pieces(self, source: socket.socket) -> Iterator[bytes]:
        with contextlib.suppress(OSError):
            while piece := source.recv(_PIECE):
                # Whoever waited here while nothing flowed has lost its connection meanwhile.
                if not self._flows.is_set():
                    self._flows.wait()
                    return
                yield piece

    def _close_all(self) -> None:
        with self._lock:
            _end(*self._open)
            self._open.clear()


def _sent(to: socket.socket, piece: bytes) -> bool:
    try:
        to.sendall(piece)
    except OSError:
        return False
    return True


def _end(*ends: socket.socket) -> None:
    for end in ends:
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()


@contextlib.contextmanager
def proxying(endpoint: str) -> Iterator[Proxy]:
    """A proxy that ends with the block."""
    proxy = Proxy(endpoint)
    try:
        yield proxy
    finally:
        proxy.close()
