"""One HTTP question and its answer: what every transport shares, whatever it speaks."""

import http.client
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

import requests
import urllib3.exceptions

from generic_interface.answers import Call, Reply
from generic_interface.connection import Connection
from generic_interface.deadline import Deadline, DeadlineAdapter
from generic_interface.errors import BadAnswer, InterfaceError, TooLarge, Unreachable

CHUNK_BYTES = 64 * 1024
HEADERS = {"Accept-Encoding": "identity", "User-Agent": "billing-portal"}

_E = TypeVar("_E", bound=BaseException)


class _Dropped(Exception):
    """The connection was closed without a byte."""


class Exchange:
    """One kept-alive connection.

    Retry policy: a read whose kept-alive connection turns out to be closed without a byte (the server drops it
    unannounced after 100 requests or 5 s) is sent once more on a fresh connection. Nothing else is repeated: what
    writes gets a fresh connection from the start, so it has no such doubt. Never followed: redirects. Never used:
    proxies and netrc of the environment. Never asked: what ``connection.reach`` does not let pass, by its name or by
    its address. Compressed answers are refused, so the size cap needs no second one after decompression.
    ``requests_made`` counts requests on the wire; ``deadline`` runs from the last ``send``.
    """

    def __init__(self, connection: Connection, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.requests_made = 0
        self.deadline = Deadline(connection.total_deadline, monotonic)
        self._connection = connection
        self._kept_alive = False
        # The adapter alone, not a Session: a Session reads the environment's proxies and netrc, keeps cookies and
        # loads the whole body of a redirect even where it does not follow it.
        self._adapter = DeadlineAdapter(self.deadline, read_timeout=connection.read_timeout, reach=connection.reach)

    def close(self) -> None:
        self._adapter.close()
        self._kept_alive = False

    def send(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None, call: Call, writes: bool
    ) -> Reply:
        """The whole answer, whatever its status. Raises ``InterfaceError`` only; its text holds no secret."""
        self._connection.reach.check(url)
        request = requests.Request(method, url, headers={**HEADERS, **headers}, data=body).prepare()
        self.deadline.restart()
        if writes:
            self.close()
        try:
            return self._send(request, call)
        except _Dropped:
            if not self._kept_alive:
                raise _unanswered(call) from None
        self._kept_alive = False
        try:
            return self._send(request, call)
        except _Dropped:
            raise _unanswered(call) from None

    def _send(self, request: requests.PreparedRequest, call: Call) -> Reply:
        limit = max(self.deadline.remaining, 0.001)
        timeout = (min(self._connection.connect_timeout, limit), min(self._connection.read_timeout, limit))
        self.requests_made += 1
        try:
            response = self._adapter.send(request, stream=True, timeout=timeout, verify=self._connection.verify_tls)
        except requests.RequestException as error:
            raise self._not_answered(error, call) from None
        try:
            body = b"".join(self._body(response, call))
        except requests.RequestException as error:
            raise self._broken_off(error, call) from None
        finally:
            response.close()
        self._kept_alive = response.headers.get("Connection", "").lower() != "close"
        return Reply(
            status=response.status_code,
            content_type=response.headers.get("Content-Type", "").partition(";")[0].strip().lower(),
            location=response.headers.get("Location", ""),
            body=body,
        )

    def _body(self, response: requests.Response, call: Call) -> Iterator[bytes]:
        encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
        if encoding not in {"", "identity"}:
            raise BadAnswer(f"The answer to {call.operation} is compressed although that was not asked for; not read.")
        size = 0
        for chunk in response.iter_content(CHUNK_BYTES):
            size += len(chunk)
            if size > self._connection.max_bytes:
                raise TooLarge(
                    f"The answer to {call.operation} is larger than {self._connection.max_bytes} bytes and was not "
                    "used. Set a smaller batch size."
                )
            yield chunk

    def _not_answered(self, error: requests.RequestException, call: Call) -> InterfaceError | _Dropped:
        """Failed before a complete header arrived."""
        if isinstance(error, requests.exceptions.SSLError):
            text = f"No trustworthy TLS connection to the ticket system: {_reason(error, call)}"
            return Unreachable(text, maybe_done=_cause(error, ssl.SSLCertVerificationError) is None)
        if isinstance(error, requests.ConnectTimeout):
            text = f"No connection to the ticket system within {self._connection.connect_timeout:g} s."
            return Unreachable(text, maybe_done=False)
        if isinstance(error, requests.Timeout):
            return self._too_slow(call)
        if _cause(error, (ConnectionResetError, BrokenPipeError, ConnectionAbortedError)):
            return _Dropped()
        if _cause(error, http.client.BadStatusLine):
            return BadAnswer(
                f"The ticket system crashed in {call.operation}: it sent a page without a status line. "
                "Its server log says more."
            )
        if _cause(error, http.client.HTTPException):
            return BadAnswer(f"The answer to {call.operation} is no HTTP: {_reason(error, call)}")
        never_sent = _cause(error, urllib3.exceptions.NewConnectionError) is not None
        return Unreachable(f"No connection to the ticket system: {_reason(error, call)}", maybe_done=not never_sent)

    def _broken_off(self, error: requests.RequestException, call: Call) -> InterfaceError:
        """Failed while the body was read."""
        if _cause(error, TimeoutError):
            return self._too_slow(call)
        return BadAnswer(f"The answer to {call.operation} broke off ({_reason(error, call)}). Nothing of it was used.")

    def _too_slow(self, call: Call) -> Unreachable:
        if self.deadline.remaining <= 0:
            what = f"The answer to {call.operation} was not complete within {self._connection.total_deadline:g} s."
        else:
            what = f"No answer to {call.operation} in time (read timeout {self._connection.read_timeout:g} s)."
        return Unreachable(f"{what} Nothing was used; ask again later.")


def _unanswered(call: Call) -> Unreachable:
    return Unreachable(
        f"The ticket system closed the connection without an answer to {call.operation}. {call.target.when_silent}"
    )


def _cause(error: BaseException, kind: type[_E] | tuple[type[_E], ...]) -> _E | None:
    """The error of this kind among those that led to ``error``."""
    current: BaseException | None = error
    while current is not None and not isinstance(current, kind):
        current = current.__cause__ or current.__context__
    return current


def _reason(error: requests.RequestException, call: Call) -> str:
    innermost: BaseException = error
    while (deeper := innermost.__cause__ or innermost.__context__) is not None:
        innermost = deeper
    return call.excerpt(str(innermost)) or type(innermost).__name__
