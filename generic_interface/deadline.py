"""A total deadline for one call, whatever the server does.

The read timeout of ``requests`` begins anew with every byte, so a server that drips one byte a minute holds a worker
for ever. Here every single read of the socket gets only what is left of the call's deadline, headers included.
"""

import http.client
import io
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import urllib3.connection
import urllib3.exceptions
from requests.adapters import HTTPAdapter

from generic_interface.reach import Origin, Reach


class Deadline:
    """Counts down ``seconds`` on a monotonic clock from the last ``restart``."""

    def __init__(self, seconds: float, monotonic: Callable[[], float]) -> None:
        self._seconds = seconds
        self._monotonic = monotonic
        self.restart()

    def restart(self) -> None:
        self._end = self._monotonic() + self._seconds

    @property
    def remaining(self) -> float:
        return self._end - self._monotonic()


class _TimedReader(io.RawIOBase):
    def __init__(self, source: io.RawIOBase, sock: socket.socket, deadline: Deadline, read_timeout: float) -> None:
        super().__init__()
        self._source = source
        self._sock = sock
        self._deadline = deadline
        self._read_timeout = read_timeout

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        remaining = self._deadline.remaining
        if remaining <= 0:
            raise TimeoutError("total deadline")
        self._sock.settimeout(min(self._read_timeout, remaining))
        return self._source.readinto(buffer)

    def close(self) -> None:
        self._source.close()
        super().close()


class _TimedResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *, deadline: Deadline, read_timeout: float, **options: Any) -> None:
        super().__init__(sock, **options)
        reader = _TimedReader(self.fp.detach(), sock, deadline, read_timeout)
        self.fp = io.BufferedReader(reader)


class DeadlineAdapter(HTTPAdapter):
    """One kept-alive connection, no retries of its own, every read bounded by ``deadline`` and ``read_timeout``.

    Connects to addresses that ``reach`` has judged, looked up once.
    """

    def __init__(self, deadline: Deadline, *, read_timeout: float, reach: Reach) -> None:
        self._reach = reach
        self._response_class = partial(_TimedResponse, deadline=deadline, read_timeout=read_timeout)
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **options)
        if isinstance(pool.ConnectionCls, type):
            pool.ConnectionCls = partial(self._connect, pool.ConnectionCls)
        return pool

    def _connect(self, connection_class: Callable[..., Any], **options: Any) -> Any:
        connection = connection_class(**options)
        connection.response_class = self._response_class
        connection._new_conn = partial(_open_socket, connection, self._reach)
        return connection


def _open_socket(connection: Any, reach: Reach) -> socket.socket:
    """What ``_new_conn`` of the connection does, for each address in turn; TLS goes on checking the name."""
    scheme = "https" if isinstance(connection, urllib3.connection.HTTPSConnection) else "http"
    name = connection._dns_host
    try:
        addresses = reach.addresses(Origin.of(scheme, connection.host, connection.port))
    except OSError as error:
        raise urllib3.exceptions.NewConnectionError(connection, f"{name}: {error.strerror}") from error
    try:
        for address in addresses[:-1]:
            connection._dns_host = address
            with suppress(urllib3.exceptions.ConnectTimeoutError, urllib3.exceptions.NewConnectionError):
                return type(connection)._new_conn(connection)  # type: ignore[no-any-return]
        connection._dns_host = addresses[-1]
        return type(connection)._new_conn(connection)  # type: ignore[no-any-return]
    finally:
        connection._dns_host = name
