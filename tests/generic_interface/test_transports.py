from typing import Any

import pytest

from generic_interface.connection import Authentication, TransportKind
from generic_interface.errors import WrongRequest
from generic_interface.rest_transport import RestTransport
from generic_interface.soap_transport import SoapTransport
from generic_interface.transports import SwitchingTransport, open_transport
from tests.generic_interface.conftest import Serve, make_connection
from tests.generic_interface.replay import answer, recorded

MIXED = {"TicketSearch": "SOAP GenericTicketConnectorSOAP http://www.otrs.org/TicketConnector/"}


@pytest.mark.parametrize(("kind", "kept"), [(TransportKind.REST, RestTransport), (TransportKind.SOAP, SoapTransport)])
def test_one_transport_carries_everything(kind: TransportKind, kept: type) -> None:
    transport = open_transport(make_connection(transport=kind))

    assert type(transport) is kept
    transport.close()


@pytest.mark.parametrize(
    ("kind", "routes"),
    [(TransportKind.REST, MIXED), (TransportKind.SOAP, {**MIXED, "TicketGet": "POST BillingPortal /TicketGet"})],
)
def test_operation_whose_route_is_of_the_other_transport_goes_over_that(
    serve: Serve, kind: TransportKind, routes: dict[str, str]
) -> None:
    server, client = serve(
        recorded("soap-generic-ticketsearch-one"), recorded("rest-ticketget-extended"), transport=kind, routes=routes
    )

    client.any_ticket_visible()
    client.get_tickets(["614"])

    assert [request.path.partition("/Webservice")[2] for request in server.requests] == [
        "/GenericTicketConnectorSOAP",
        "/BillingPortal/TicketGet",
    ]
    assert client.requests_made == 2


def test_session_made_over_one_is_used_over_the_other(serve: Serve) -> None:
    made = answer({"SessionID": "abc"})
    server, client = serve(
        made, recorded("soap-generic-ticketsearch-one"), routes=MIXED, authentication=Authentication.SESSION
    )

    client.any_ticket_visible()

    assert b"<SessionID>abc</SessionID>" in server.requests[1].body


class Counting:
    def __init__(self) -> None:
        self.requests_made = 0
        self.closed = 0

    def call(self, operation: str, parameters: Any) -> dict[str, object]:
        self.requests_made += 1
        return {}

    def close(self) -> None:
        self.closed += 1


def test_transport_of_several_operations_counts_and_closes_once() -> None:
    usual, other = Counting(), Counting()
    transport = SwitchingTransport(usual, {"TicketGet": other, "TicketSearch": other})

    for operation in ("TicketGet", "TicketSearch", "SessionCreate"):
        transport.call(operation, {})
    transport.close()

    assert (usual.requests_made, other.requests_made, transport.requests_made) == (1, 2, 3)
    assert (usual.closed, other.closed) == (1, 1)


@pytest.mark.parametrize("kind", [TransportKind.REST, TransportKind.SOAP])
def test_route_that_makes_no_sense_is_refused(kind: TransportKind) -> None:
    with pytest.raises(WrongRequest, match="must look like"):
        open_transport(make_connection(transport=kind, routes={"TicketGet": "SOAP nonsense"}))
    with pytest.raises(WrongRequest, match="must look like"):
        open_transport(make_connection(transport=kind, routes={"TicketGet": "nonsense"}))
