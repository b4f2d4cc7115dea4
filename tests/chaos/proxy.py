"""A proxy before PostgreSQL that cuts a connection at a COMMIT: before the server hears it, or before its answer."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from typing import Any

from django.db import connection

COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"
"""As psycopg sends it: a simple query, its length, its text."""


class Cut(StrEnum):
    """What becomes of the transaction, the client cannot tell apart."""

    BEFORE = "before the server hears of it"
    AFTER = "before the answer arrives"


class Proxy:
    """Listens on a free port of this machine until ``close``."""

    def __init__(self, host: str, port: int) -> None:
        self.server = (host, port)
        self.cuts = 0
        self._left: int | None = None
        self._how = Cut.BEFORE
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_at(self, nth: int, how: Cut) -> None:
        """Cut at the n-th COMMIT from now on, once."""
        self._left, self._how = nth, how

    def close(self) -> None:
        self._left = None
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self._listener.accept()
            except OSError:  # closed
                return
            server = socket.create_connection(self.server)
            threading.Thread(target=self._to_server, args=(client, server), daemon=True).start()

    def _to_server(self, client: socket.socket, server: socket.socket) -> None:
        """Forward message by message; answers come in a thread of their own."""
        silent = threading.Event()
        answers = threading.Thread(target=_to_client, args=(server, client, silent), daemon=True)
        answers.start()
        with suppress(OSError), client.makefile("rb") as sent:
            start = sent.read(4)  # of the start-up message, which alone has no type: its length
            server.sendall(start + sent.read(int.from_bytes(start) - 4))
            while head := sent.read(5):
                message = head + sent.read(int.from_bytes(head[1:]) - 4)
                if message == COMMIT and self._is_the_one():
                    if self._how is Cut.AFTER:
                        silent.set()
                        server.sendall(message)
                        answers.join(timeout=10)
                    self.cuts += 1
                    break
                server.sendall(message)
        for end in (client, server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _is_the_one(self) -> bool:
        if self._left is None:
            return False
        self._left -= 1
        if self._left:
            return False
        self._left = None
        return True


def _to_client(server: socket.socket, client: socket.socket, silent: threading.Event) -> None:
    """Pass answers on; once ``silent``, the next one is awaited and swallowed."""
    with suppress(OSError):
        while answer := server.recv(65536):
            if silent.is_set():
                return
            client.sendall(answer)


@contextmanager
def through_proxy() -> Iterator[Proxy]:
    """Django's connection goes through the proxy meanwhile."""
    settings: dict[str, Any] = connection.settings_dict
    before = {name: settings[name] for name in ("HOST", "PORT", "OPTIONS")}
    proxy = Proxy(settings["HOST"] or "127.0.0.1", int(settings["PORT"] or 5432))
    connection.close()
    settings |= {"HOST": "127.0.0.1", "PORT": proxy.port, "OPTIONS": {**before["OPTIONS"], "sslmode": "disable"}}
    try:
        yield proxy
    finally:
        connection.close()
        settings |= before
        proxy.close()
