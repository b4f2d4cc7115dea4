"""Sockets of the stand-in ticket system, with the manners of Apache and mod_perl.

A connection is dropped unannounced after so many requests or seconds idle. The header ``Connection: close`` of a
service without keep-alive is only a word: the socket stays open as long as the client wants.
"""

import contextlib
import http.client
import socket
import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import Any

from generic_interface.simulator.gateway import Gateway, Request
from generic_interface.simulator.responses import TOO_LONG_PAGE, Response, html_response

HOST = "127.0.0.1"
MAX_REQUEST_LINE = 8190
_BLOCK = 64 * 1024


class WebServer(ThreadingTCPServer):
    """Knows its open connections, so that stopping ends them at once."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, port: int, gateway: Gateway, *, keep_alive_max: int, keep_alive_idle: float) -> None:
        self.gateway = gateway
        self.keep_alive_max = keep_alive_max
        self.keep_alive_idle = keep_alive_idle
        self.accepted = 0
        self.stopping = threading.Event()
        self._open: set[Any] = set()
        self._lock = threading.Lock()
        super().__init__((HOST, port), WebConnection)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        with self._lock:
            self.accepted += 1
            self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: socket.socket | tuple[bytes, socket.socket], client_address: Any) -> None:
        """A client that leaves is no error of ours; everything else is printed."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def stop(self) -> None:
        """Stop accepting, then end every open connection."""
        self.stopping.set()
        self.shutdown()
        self.server_close()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


class WebConnection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: WebServer
    raw_requestline: bytes

    def setup(self) -> None:
        super().setup()
        self.connection.settimeout(self.server.keep_alive_idle)
        self.served = 0

    def parse_request(self) -> bool:
        if len(self.raw_requestline) > MAX_REQUEST_LINE:
            self.close_connection = True
            http.client.parse_headers(self.rfile)
            self._send(html_response(HTTPStatus.REQUEST_URI_TOO_LONG, TOO_LONG_PAGE, reason="Request-URI Too Long"))
            return False
        return super().parse_request()

    def serve(self) -> None:
        request = Request(
            method=self.command,
            target=self.path,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self._body(),
            address=str(self.client_address[0]),
        )
        response = self.server.gateway.respond(request)
        self.served += 1
        if self.served >= self.server.keep_alive_max or self.command == "HEAD":
            self.close_connection = True
        if response is None:
            self.close_connection = True
        else:
            self._send(response)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = serve  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Keep quiet; ``RunningSimulator.requests`` tells what was asked."""

    def _body(self) -> bytes:
        """The body as the real server reads it: a chunked one counts as empty."""
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            while size := int(self.rfile.readline().partition(b";")[0].strip() or b"0", 16):
                self.rfile.read(size + 2)
            self.rfile.readline()
            return b""
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _send(self, response: Response) -> None:
        """Write the answer; a client that has left ends the connection, nothing else."""
        if response.bare or response.sent is not None or response.padding:
            self.close_connection = True
        with contextlib.suppress(ConnectionError, TimeoutError):
            self._write(response)
            return
        self.close_connection = True

    def _write(self, response: Response) -> None:
        body = response.body[: response.sent]
        if response.drip_seconds:
            self.wfile.write(response.head())
            for position in range(len(body)):
                if self.server.stopping.wait(response.drip_seconds):
                    raise ConnectionAbortedError("the stand-in is being stopped")
                self.wfile.write(body[position : position + 1])
            return
        self.wfile.write(body if response.bare else response.head() + body)
        for _ in range(0, response.padding, _BLOCK):
            self.wfile.write(b" " * _BLOCK)
