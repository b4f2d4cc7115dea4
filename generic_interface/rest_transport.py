"""The operations over REST: routes, parameters in path, query or body, credentials in body or headers."""

import json
import time
from collections.abc import Callable, Mapping
from urllib.parse import urlencode

from generic_interface.answers import Call, read_reply
from generic_interface.connection import Authentication, Connection
from generic_interface.errors import TooLarge, WrongRequest
from generic_interface.exchange import Exchange
from generic_interface.routes import Route, interface_url, routes_for
from generic_interface.transport import CREDENTIALS, WRITES, secrets_among

LONGEST_TARGET = 7_800
"""Apache refuses request lines above about 8190 bytes."""


class RestTransport:
    """A ``Transport`` over one ``Exchange``, whose retry policy it keeps. Never in a URL: credentials."""

    def __init__(self, connection: Connection, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._connection = connection
        self._base = interface_url(connection.base_url)
        self._routes = routes_for(connection)
        self._exchange = Exchange(connection, monotonic=monotonic)

    @property
    def requests_made(self) -> int:
        return self._exchange.requests_made

    def close(self) -> None:
        self._exchange.close()

    def call(self, operation: str, parameters: Mapping[str, object]) -> dict[str, object]:
        """Send one operation. Raises ``InterfaceError`` only; its text holds no secret."""
        route = self._routes[operation]
        credentials = {name: str(parameters[name]) for name in CREDENTIALS if name in parameters}
        rest = {name: value for name, value in parameters.items() if name not in credentials}
        call = Call(operation, route, secrets_among(parameters))
        target, headers, body = self._request(route, rest, credentials)
        reply = self._exchange.send(
            route.method, self._base + target, headers=headers, body=body, call=call, writes=operation in WRITES
        )
        return read_reply(reply, call)

    def _request(
        self, route: Route, parameters: Mapping[str, object], credentials: Mapping[str, str]
    ) -> tuple[str, dict[str, str], bytes | None]:
        """Target, headers and body.

        A GET carries parameters in the URL (the server ignores its body) and credentials in headers only.
        """
        target, left = route.fill(parameters)
        headers = {"Accept": "application/json"}
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
        return target, headers, body

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


def _json_body(parameters: Mapping[str, object]) -> bytes:
    r"""Raw UTF-8: that is how umlauts were seen to work; ``\u`` escapes take another way through the server."""
    try:
        return json.dumps(parameters, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise WrongRequest("Login, password or a filter hold characters that cannot be sent as UTF-8.") from None
