"""How an operation travels: ``Transport`` is what the client needs, ``RestTransport`` speaks REST."""

import http.client
import json
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol, TypeVar
from urllib.parse import urlencode

import requests
import urllib3.exceptions

from generic_interface.answers import Call, Reply, read_reply
from generic_interface.connection import Authentication, Connection
from generic_interface.deadline import Deadline, DeadlineAdapter
from generic_interface.errors import BadAnswer, InterfaceError, TooLarge, Unreachable, WrongRequest
from generic_interface.routes import Route, interface_url, routes_for

CREDENTIALS = ("UserLogin", "Password", "SessionID")
WRITES = frozenset({"OutOfOffice"})
CHUNK_BYTES = 64 * 1024
LONGEST_TARGET = 7_800
"""Apache refuses request lines above about 8190 bytes."""

_E = TypeVar("_E", bound=BaseException)


class Transport(Protocol):
    """REST now; SOAP and the legacy RPC have their place behind the same two methods.

    ``call`` takes the operation's parameters with the credentials (``CREDENTIALS``) among them and returns the
    operation's answer; it raises only ``InterfaceError``. ``requests_made`` counts requests on the wire.
    """

    requests_made: int

    def call(self, operation: str, parameters: Mapping[str, object]) -> dict[str, object]: ...

    def close(self) -> None: ...


class _Dropped(Exception):
    """The connection was closed without a byte."""


class RestTransport:
    """One kept-alive connection.

    Retry policy: a read whose kept-alive connection turns out to be closed without a byte (the server drops it
    unannounced after 100 requests or 5 s) is sent once more on a fresh connection. Nothing else is repeated: what
    writes (``WRITES``) gets a fresh connection from the start, so it has no such doubt. Never followed: redirects.
    Never in a URL: credentials. Never used: proxies and netrc of the environment. Compressed answers are refused, so
    the size cap needs no second one after decompression.
    """

    def __init__(self, connection: Connection, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.requests_made = 0
        self._connection = connection
        self._base = interface_url(connection.base_url)
        self._routes = routes_for(connection)
        self._deadline = Deadline(connection.total_deadline, monotonic)
        self._kept_alive = False
        # The adapter alone, not a Session: a Session reads the environment's proxies and netrc, keeps cookies and
        # loads the whole body of a redirect even where it does not follow it.
        self._adapter = DeadlineAdapter(self._deadline, read_timeout=connection.read_timeout)

    def close(self) -> None:
        self._adapter.close()

    def call(self, operation: str, parameters: Mapping[str, object]) -> dict[str, object]:
        """Send one operation. Raises ``InterfaceError`` only; its text holds no secret."""
        route = self._routes[operation]
        credentials = {name: str(parameters[name]) for name in CREDENTIALS if name in parameters}
        rest = {name: value for name, value in parameters.items() if name not in credentials}
        call = Call(operation, route, tuple(credentials[name] for name in CREDENTIALS[1:] if name in credentials))
        request = self._request(route, rest, credentials)
        self._deadline.restart()
        if operation in WRITES:
            self._adapter.close()
            self._kept_alive = False
        return read_reply(self._exchange(request, call), call)

    def _request(
        self, route: Route, parameters: Mapping[str, object], credentials: Mapping[str, str]
    ) -> requests.PreparedRequest:
        """A GET carries parameters in the URL (the server ignores its body) and credentials in headers only."""
        target, left = route.fill(parameters)
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "billing-portal"}
        body = None
        in_header = self._connection.authentication is Authentication.HEADER or route.method == "GET"
        if in_header:
            headers.update(self._credential_headers(route, credentials))
        if route.method == "GET":
            target += f"?{urlencode(left, doseq=True)}" if left else ""
        else:
            headers["Content-Type"] = "application/json"
            body = _json_body(left if in_header else {**credentials, **left})
        if len(target) > LONGEST_TARGET:
            raise TooLarge(f"The URL for the {route} would be longer than web servers take. Set a smaller batch size.")
        return requests.Request(route.method, self._base + target, headers=headers, data=body).prepare()

    def _credential_headers(self, route: Route, credentials: Mapping[str, str]) -> dict[str, str]:
        if self._connection.authentication is Authentication.BODY:
            raise WrongRequest(
                f"The {route} would need the password in the URL, which is never sent there. "
                "Choose authentication by header or session, or the web service BillingPortal (POST routes)."
            )
        if not all(value.isascii() and value.isprintable() for value in credentials.values()):
            raise WrongRequest(
                "Login or password hold characters that an HTTP header cannot carry. Choose authentication by session."
            )
        return {f"X-OTRS-Header-{name}": value for name, value in credentials.items()}

    def _exchange(self, request: requests.PreparedRequest, call: Call) -> Reply:
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
        limit = max(self._deadline.remaining, 0.001)
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
        if self._deadline.remaining <= 0:
            what = f"The answer to {call.operation} was not complete within {self._connection.total_deadline:g} s."
        else:
            what = f"No answer to {call.operation} in time (read timeout {self._connection.read_timeout:g} s)."
        return Unreachable(f"{what} Nothing was used; ask again later.")


def _json_body(parameters: Mapping[str, object]) -> bytes:
    r"""Raw UTF-8: that is how umlauts were seen to work; ``\u`` escapes take another way through the server."""
    try:
        return json.dumps(parameters, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise WrongRequest("Login, password or a filter hold characters that cannot be sent as UTF-8.") from None


def _unanswered(call: Call) -> Unreachable:
    return Unreachable(
        f"The ticket system closed the connection without an answer to {call.operation}. "
        f"Check the name of the web service “{call.route.service}”: this is how an unknown or invalid one answers."
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
