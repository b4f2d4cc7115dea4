"""From a stored ticket system to a client that can talk to it."""

from generic_interface.client import Client
from generic_interface.connection import Authentication, Connection
from tickets.models import TicketSystem


def connection_of(system: TicketSystem) -> Connection:
    return Connection(
        base_url=system.base_url,
        login=system.login,
        password=system.password,
        zone=system.zone,
        preset=system.preset,
        routes=system.routes,
        authentication=Authentication(system.authentication),
        search_limit=system.search_limit,
        verify_tls=system.verify_tls,
    )


def open_client(system: TicketSystem) -> Client:
    """Raises ``InterfaceError`` where the stored routes or the address make no sense."""
    return Client(connection_of(system))
