"""Single questions to the legacy ``rpc.pl`` of a ticket system (method Dispatch).

Whoever holds its two credentials may call every method as any agent: the acting agent is only an argument.
"""

import re
import time
from collections.abc import Callable, Mapping
from typing import NoReturn
from urllib.parse import urlsplit

from generic_interface.answers import Call
from generic_interface.connection import Connection, RpcAccess
from generic_interface.errors import AuthenticationFailed, BadAnswer, WrongRequest
from generic_interface.exchange import Exchange
from generic_interface.reach import origin_of
from generic_interface.rpc_answers import RpcScript, read_rpc_reply
from generic_interface.rpc_values import SOAP_ACTION, Argument, Value, dispatch_envelope

TICKETS, USERS = "TicketObject", "UserObject"
NOBODY = "BillingPortalLoginCheck"
"""An object that no ticket system has. It says so to those whose login is right, and nothing to all others."""

_HEADERS = {"Accept": "text/xml", "Content-Type": "text/xml; charset=utf-8", "SOAPAction": SOAP_ACTION}
_NO_OBJECT = re.compile(r"No such Object (\w+)!", re.ASCII)


class Rpc:
    """One kept-alive connection, whose retry policy is that of ``Exchange``; what writes is never repeated.

    ``on_request`` is called before each request. Not thread-safe.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        on_request: Callable[[], object] | None = None,
    ) -> None:
        self.on_request = on_request
        self._access = rpc_access(connection)
        self._url = rpc_url(self._access.url)
        self._exchange = Exchange(connection, monotonic=monotonic)

    @property
    def requests_made(self) -> int:
        return self._exchange.requests_made

    @property
    def user_id(self) -> int:
        """The acting agent's."""
        return self._access.user_id

    def close(self) -> None:
        self._exchange.close()

    def ask(self, about: str, method: str, arguments: Mapping[str, Argument]) -> list[Value]:
        """What the method returns. Nothing is returned only where the login is known to be right.

        ``rpc.pl`` answers a wrong login like an empty result, so whether it was right is asked afterwards.
        """
        values = self._dispatch(about, method, arguments, writes=False)
        if not values:
            self.confirm_login()
        return values

    def write(self, about: str, method: str, arguments: Mapping[str, Argument]) -> str:
        """The one value, such as an id, that a writing method returns. Sent once.

        Raises ``BadAnswer`` where it returns nothing: refused, or failed when a part was stored.
        """
        values = self._dispatch(about, method, arguments, writes=True)
        if not values:
            self._refused_write(method)
        if len(values) != 1 or not isinstance(values[0], str) or not values[0]:
            raise BadAnswer(f"{method} was answered with something else than one value.")
        return values[0]

    def confirm_login(self) -> None:
        """Raises ``AuthenticationFailed`` where user or password are not those of the ticket system's settings."""
        if not self._send(NOBODY, "Check", {}, writes=False):
            raise AuthenticationFailed(
                "rpc.pl of the ticket system answers nothing at all: user or password are not those of its settings "
                "SOAP::User and SOAP::Password, or these are empty."
            )

    def _refused_write(self, method: str) -> NoReturn:
        self.confirm_login()
        raise BadAnswer(
            f"rpc.pl answered {method} with nothing: the ticket system refused it, or failed when a part was stored. "
            "It does not say why, its server log does. Look at the ticket before trying again."
        )

    def _dispatch(self, about: str, method: str, arguments: Mapping[str, Argument], *, writes: bool) -> list[Value]:
        values = [] if (found := self._send(about, method, arguments, writes=writes)) == [None] else found
        if len(values) == 1 and isinstance(values[0], str) and _NO_OBJECT.fullmatch(values[0]):
            raise BadAnswer(
                f"rpc.pl of the ticket system offers no {about}, so there is no {method}.", maybe_done=False
            )
        return values

    def _send(self, about: str, method: str, arguments: Mapping[str, Argument], *, writes: bool) -> list[Value]:
        access = self._access
        flat = [part for pair in arguments.items() for part in pair]
        body = dispatch_envelope(access.user, access.password, about, method, *flat)
        call = Call(f"{about}.{method}", RpcScript(self._url), (access.password,))
        if self.on_request is not None:
            self.on_request()
        reply = self._exchange.send("POST", self._url, headers=_HEADERS, body=body, call=call, writes=writes)
        return read_rpc_reply(reply, call, remaining=lambda: self._exchange.deadline.remaining)


def rpc_access(connection: Connection) -> RpcAccess:
    """Raises ``WrongRequest`` where none is configured, or a half of it."""
    access = connection.rpc
    if access is None or not access.user or not access.password:
        raise WrongRequest("rpc.pl needs its address, its user and its password in the settings of the ticket system.")
    if access.user_id < 1:
        raise WrongRequest("The UserID in whose name rpc.pl acts must be at least 1.")
    return access


def rpc_url(url: str) -> str:
    """The address of the script. Refuses what cannot be one, and credentials in it."""
    try:
        parts = urlsplit(url)
        sound = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound or not parts.path.strip("/") or parts.query or parts.fragment or any(map(str.isspace, url)):
        raise WrongRequest("The address of rpc.pl must look like https://help.example.org/otrs/rpc.pl.")
    if parts.username is not None or parts.password is not None:
        raise WrongRequest("The address of rpc.pl must not contain a login or a password; these have their own fields.")
    origin_of(url)
    return url
