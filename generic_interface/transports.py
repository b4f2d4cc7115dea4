"""Which transport carries which operation of a connection."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from generic_interface.connection import Connection, TransportKind
from generic_interface.errors import WrongRequest
from generic_interface.rest_transport import RestTransport
from generic_interface.rpc import Rpc
from generic_interface.rpc_transport import OPERATIONS as RPC_OPERATIONS
from generic_interface.rpc_transport import RpcTransport
from generic_interface.soap_transport import SoapTransport
from generic_interface.transport import Transport

RPC_ROUTE = "RPC"
"""The route of an operation that goes over ``rpc.pl``."""


class SwitchingTransport:
    """Several transports behind one: the operations in ``special`` go their own way, all others that of ``usual``.

    A session that was made over one works over the other. ``rpc.pl`` knows no sessions.
    """

    def __init__(self, usual: Transport, special: Mapping[str, Transport]) -> None:
        self._usual = usual
        self._special = special

    @property
    def requests_made(self) -> int:
        return sum(transport.requests_made for transport in self._all())

    def close(self) -> None:
        for transport in self._all():
            transport.close()

    def call(self, operation: str, parameters: Mapping[str, object]) -> dict[str, object]:
        """As ``Transport`` says."""
        return self._special.get(operation, self._usual).call(operation, parameters)

    def _all(self) -> list[Transport]:
        return list({id(each): each for each in (self._usual, *self._special.values())}.values())


def open_transport(
    connection: Connection,
    *,
    monotonic: Callable[[], float] = time.monotonic,
    on_request: Callable[[], object] | None = None,
) -> Transport:
    """That of ``connection.transport``; an operation whose route belongs to another one goes over that.

    ``on_request`` is called before each request of an operation that needs several.
    Raises ``WrongRequest`` where routes, address or authentication make no sense.
    """
    kinds = {operation: _kind_of(operation, text) for operation, text in connection.routes.items()}
    opened = {
        kind: _open(replace(connection, routes=_routes_of(kind, connection, kinds)), kind, monotonic, on_request)
        for kind in dict.fromkeys([connection.transport, *kinds.values()])
    }
    usual = opened[connection.transport]
    special = {operation: opened[kind] for operation, kind in kinds.items() if kind != connection.transport}
    if connection.transport is TransportKind.RPC and special:
        special = {"SessionCreate": next(iter(special.values())), **special}
    return SwitchingTransport(usual, special) if special else usual


def goes_over_rpc(operation: str, *, transport: str, routes: Mapping[str, str]) -> bool:
    """Then it needs no agent's login, and tickets are asked for one by one."""
    route = routes.get(operation)
    return transport == TransportKind.RPC if route is None else route == RPC_ROUTE


def _kind_of(operation: str, route: str) -> TransportKind:
    if route == RPC_ROUTE:
        return _rpc_for(operation)
    return TransportKind.SOAP if route.startswith("SOAP ") else TransportKind.REST


def _rpc_for(operation: str) -> TransportKind:
    if operation not in RPC_OPERATIONS:
        raise WrongRequest(f"rpc.pl does not carry {operation}; it carries {', '.join(sorted(RPC_OPERATIONS))}.")
    return TransportKind.RPC


def _routes_of(kind: TransportKind, connection: Connection, kinds: Mapping[str, TransportKind]) -> dict[str, str]:
    return {operation: text for operation, text in connection.routes.items() if kinds[operation] is kind}


def _open(
    connection: Connection,
    kind: TransportKind,
    monotonic: Callable[[], float],
    on_request: Callable[[], object] | None,
) -> Transport:
    if kind is TransportKind.RPC:
        return RpcTransport(Rpc(connection, monotonic=monotonic, on_request=on_request))
    if kind is TransportKind.SOAP:
        return SoapTransport(connection, monotonic=monotonic)
    return RestTransport(connection, monotonic=monotonic)
