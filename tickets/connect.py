"""From a stored ticket system to a client that can talk to it."""

from generic_interface.client import Client
from generic_interface.connection import Authentication, Connection, RpcAccess, TransportKind
from generic_interface.rpc_absences import StoredAbsences
from tickets.hosts import allowed_hosts
from tickets.models import TicketSystem


def connection_of(system: TicketSystem) -> Connection:
    """Raises ``InterfaceError`` where the setting of the allowed hosts cannot be read."""
    return Connection(
        base_url=system.base_url,
        login=system.login,
        password=system.password,
        zone=system.zone,
        transport=TransportKind(system.transport),
        preset=system.preset,
        routes=system.routes,
        authentication=Authentication(system.authentication),
        search_limit=system.search_limit,
        verify_tls=system.verify_tls,
        rpc=_rpc_of(system),
        reach=allowed_hosts(),
    )


def open_client(system: TicketSystem) -> Client:
    """Raises ``InterfaceError`` where the stored routes or the address make no sense."""
    return Client(connection_of(system))


def open_read_back(system: TicketSystem) -> StoredAbsences | None:
    """What tells the stored absences; ``None`` where ``rpc.pl`` is not configured. Raises as ``open_client``."""
    return StoredAbsences(connection_of(system)) if system.rpc_url else None


def _rpc_of(system: TicketSystem) -> RpcAccess | None:
    if not system.rpc_url:
        return None
    return RpcAccess(url=system.rpc_url, user=system.rpc_user, password=system.rpc_password, user_id=system.rpc_user_id)
