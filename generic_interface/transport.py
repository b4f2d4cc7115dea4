"""How an operation travels: ``Transport`` is what the client needs, whatever is spoken behind it."""

from collections.abc import Mapping
from typing import Protocol

CREDENTIALS = ("UserLogin", "Password", "SessionID")
WRITES = frozenset({"OutOfOffice", "TicketCreate", "TicketUpdate"})


class Transport(Protocol):
    """REST, SOAP and the legacy RPC have their place behind the same two methods.

    ``call`` takes the operation's parameters with the credentials (``CREDENTIALS``) among them and returns the
    operation's answer; it raises only ``InterfaceError``. ``requests_made`` counts requests on the wire.
    """

    @property
    def requests_made(self) -> int: ...

    def call(self, operation: str, parameters: Mapping[str, object]) -> dict[str, object]: ...

    def close(self) -> None: ...


def secrets_among(parameters: Mapping[str, object]) -> tuple[str, ...]:
    """The password and the session of a call, for cutting them out of what is shown."""
    return tuple(str(parameters[name]) for name in CREDENTIALS[1:] if name in parameters)
