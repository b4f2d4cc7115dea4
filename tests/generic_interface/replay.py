"""A socket that answers with exact bytes, recorded or made up, and remembers the requests it saw."""

import contextlib
import json
import re
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

RECORDINGS = Path(__file__).parent.parent / "recordings"
NO_BYTE = b""
POLL_SECONDS = 0.005
TLS_HANDSHAKE = b"\x16"

_MARKER = b"## ---- response ----\n"


def recorded(name: str) -> bytes:
    """The answer of a recording as it came over the wire (the recorder ended each file with a line break)."""
    answer = (RECORDINGS / f"{name}.http").read_bytes().partition(_MARKER)[2]
    header, blank, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"\r\nContent-Length: (\d+)", header.rpartition(b"HTTP/1.1 ")[2])
    return header + blank + body[: int(length[1])] if length else answer.removesuffix(b"\n")


def recorded_body(name: str) -> bytes:
    return recorded(name).partition(b"\r\n\r\n")[2]


def recorded_json(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(recorded_body(name))
    return document


def answer(
    body: bytes | str | dict[str, Any],
    *,
    status: str = "200 OK",
    content_type: str = "application/json",
    more: str = "",
) -> bytes:
    """A made-up answer; a dict becomes JSON."""
    content = json.dumps(body) if isinstance(body, dict) else body
    data = content.encode() if isinstance(content, str) else content
    return (
        f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(data)}\r\n{more}\r\n".encode()
        + data
    )


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query, keep_blank_values=True)


Handler = Callable[[Request], bytes | Iterable[bytes]]


class ReplayServer:
    """Answers the n-th request with the n-th script entry; a callable as the only entry answers every request.

    An entry of no bytes closes the connection. A connection also ends after an answer that says so, has no length or
    has no header at all. An iterable is sent piece by piece for as long as the client listens.
    """

    def __init__(self, *script: bytes | Iterable[bytes] | Handler) -> None:
        self._script = list(script)
        self.requests: list[Request] = []
        self._connections = 0
        self._closing = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.settimeout(POLL_SECONDS)
        self._threads: list[threading.Thread] = []
        self.host = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self.base_url = f"http://{self.host}/otrs"

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._closing.set()
        for thread in self._threads:
            thread.join()
        self._socket.close()

    def _start(self, target: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._closing.is_set():
            with contextlib.suppress(TimeoutError):
                connection, _ = self._socket.accept()
                self._connections += 1
                self._start(self._serve, connection, self._connections)

    def _serve(self, connection: socket.socket, number: int) -> None:
        connection.settimeout(POLL_SECONDS)
        with connection, contextlib.suppress(ConnectionError):
            while (request := self._receive(connection, number)) is not None:
                self.requests.append(request)
                pieces = self._answer(request)
                raw = b""
                for piece in [pieces] if isinstance(pieces, bytes) else pieces:
                    raw += piece
                    connection.sendall(piece)
                    if self._closing.is_set():
                        return
                header = raw.partition(b"\r\n\r\n")[0]
                if b"Content-Length" not in header or b"Connection: close" in header:
                    return

    def _answer(self, request: Request) -> bytes | Iterable[bytes]:
        entry = self._script[0] if callable(self._script[0]) else self._script.pop(0)
        return entry(request) if callable(entry) else entry

    def _receive(self, connection: socket.socket, number: int) -> Request | None:
        data = b""
        for piece in self._pieces(connection):
            data += piece
            if data.startswith(TLS_HANDSHAKE):
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                return None
            head, blank, body = data.partition(b"\r\n\r\n")
            if not blank:
                continue
            first, *lines = head.decode().split("\r\n")
            headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
            if len(body) >= int(headers.get("content-length", 0)):
                method, target, _ = first.split(" ")
                return Request(method, target, headers, body, number)
        return None

    def _pieces(self, connection: socket.socket) -> Iterator[bytes]:
        while not self._closing.is_set():
            try:
                piece = connection.recv(65536)
            except TimeoutError:
                continue
            if not piece:
                return
            yield piece
