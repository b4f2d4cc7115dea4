import socket

import pytest

from generic_interface.simulator.connections import WebServer
from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.gateway import parse_query
from generic_interface.simulator.routes import find_service
from generic_interface.simulator.server import RunningSimulator, start_simulator
from tests.simulator.asking import PORTAL, Caller


def raw(simulator: RunningSimulator, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", simulator.port), timeout=10) as connection:
        connection.sendall(request)
        received = b""
        while block := connection.recv(65536):
            received += block
    return received


def test_connection_is_kept_and_dropped_unannounced_after_100_requests(caller: Caller) -> None:
    keeps = set()
    for _ in range(100):
        with caller.send("TicketSearch", Limit=1) as response:
            response.read()
            keeps.add(response.getheader("Connection"))

    with pytest.raises(ConnectionError):
        caller.send("TicketSearch", Limit=1)
    assert keeps == {"Keep-Alive"}
    assert caller.simulator.connections == 1


def test_idle_connection_is_dropped(data: DataSet) -> None:
    with (
        start_simulator(data, keep_alive_idle=0.05) as simulator,
        socket.create_connection(("127.0.0.1", simulator.port), timeout=10) as connection,
    ):
        received = connection.recv(10)

    assert received == b""


def test_answer_has_neither_date_nor_server(caller: Caller) -> None:
    with caller.send("TicketSearch", Limit=1) as response:
        response.read()

    assert [name for name, _ in response.getheaders()] == ["Content-Type", "Content-Length", "Connection"]


def test_service_without_keep_alive_says_close(simulator: RunningSimulator) -> None:
    path = "/otrs/nph-genericinterface.pl/Webservice/GenericTicketConnectorREST/Ticket/1"
    answer = raw(simulator, f"GET {path} HTTP/1.1\r\nConnection: close\r\n\r\n".encode())

    assert b"\r\nConnection: close\r\n" in answer
    assert b"TicketGet.AuthFail" in answer


def test_long_request_line_is_refused_and_the_connection_closed(simulator: RunningSimulator) -> None:
    answer = raw(simulator, b"GET " + PORTAL.encode() + b"?" + b"x" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 414 Request-URI Too Long\r\n")


def test_body_that_never_comes_ends_with_the_idle_time(data: DataSet) -> None:
    with start_simulator(data, keep_alive_idle=0.05) as simulator:
        answer = raw(simulator, f"POST {PORTAL}/TicketSearch HTTP/1.1\r\nContent-Length: 50\r\n\r\n{{".encode())

    assert answer == b""


def test_port_in_use_is_an_os_error(simulator: RunningSimulator, data: DataSet) -> None:
    with pytest.raises(OSError, match="in use"):
        start_simulator(data, port=simulator.port)


def test_stopping_ends_kept_connections(data: DataSet) -> None:
    simulator = start_simulator(data)
    with Caller(simulator) as caller:
        found = caller.found(Limit=1)
        simulator.stop()
        with pytest.raises(ConnectionError):
            caller.send("TicketSearch")

    assert len(found) == 1


def test_error_of_ours_is_printed_and_a_leaving_client_is_not(
    simulator: RunningSimulator, capsys: pytest.CaptureFixture[str]
) -> None:
    server: WebServer = simulator._server
    with socket.socket() as connection:
        try:
            raise ConnectionResetError
        except ConnectionResetError:
            server.handle_error(connection, ("127.0.0.1", 1))
        quiet = capsys.readouterr().err
        try:
            raise RuntimeError("broken stand-in")
        except RuntimeError:
            server.handle_error(connection, ("127.0.0.1", 1))

    assert quiet == ""
    assert "broken stand-in" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        ("", {}),
        ("a=1&b=2;c=3", {"a": "1", "b": "2", "c": "3"}),
        ("a=1&a=2", {"a": ["1", "2"]}),
        ("a=x+y%2Bz", {"a": "x y+z"}),
        ("Limit&a=", {"Limit": "", "a": ""}),
    ],
)
def test_query_is_read_as_perl_reads_it(query: str, parameters: dict[str, object]) -> None:
    assert parse_query(query) == parameters


@pytest.mark.parametrize(
    ("path", "service", "route"),
    [
        ("/Webservice/BillingPortal/TicketGet", "BillingPortal", "/TicketGet"),
        ("/Webservice/BillingPortal", "BillingPortal", ""),
        ("/Webservice/BillingPortal/", "BillingPortal", "/"),
        ("/WebserviceID/4/Ticket/1", "GenericTicketConnectorREST", "/Ticket/1"),
    ],
)
def test_service_and_route_are_taken_from_the_path(path: str, service: str, route: str) -> None:
    found = find_service(f"/otrs/nph-genericinterface.pl{path}")

    assert found is not None
    assert (found[0].name, found[1]) == (service, route)


@pytest.mark.parametrize("path", ["/Webservice/billingportal/TicketGet", "/Other/BillingPortal/TicketGet", "/x", "/"])
def test_unknown_service_is_none(path: str) -> None:
    assert find_service(f"/otrs/nph-genericinterface.pl{path}") is None
