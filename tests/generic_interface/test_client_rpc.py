"""The client over ``rpc.pl``: the same records as over REST, and operations that each go their own way."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from generic_interface.client import Client
from generic_interface.connection import Authentication, Connection, RpcAccess, TransportKind
from generic_interface.errors import AuthenticationFailed, IncompleteAnswer, WrongRequest
from generic_interface.simulator.data import build_data_set
from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.model import DEMO_LOGIN, DEMO_PASSWORD
from generic_interface.simulator.rpc import RPC_PASSWORD, RPC_USER
from generic_interface.simulator.server import RunningSimulator, start_simulator
from tests.generic_interface.conftest import make_connection

BERLIN = ZoneInfo("Europe/Berlin")
OCTOBER: dict[str, Any] = {"start": datetime(2026, 10, 1, tzinfo=BERLIN), "end": datetime(2026, 11, 1, tzinfo=BERLIN)}
ACCOUNTING = {"TimeAccountingGet": "POST TimeAccountingREST /TimeAccountingGet"}


@pytest.fixture(scope="module")
def data() -> DataSet:
    return build_data_set((2026, 10))


@pytest.fixture
def simulator(data: DataSet) -> Iterator[RunningSimulator]:
    with start_simulator(data) as running:
        yield running


def connection(simulator: RunningSimulator, **values: Any) -> Connection:
    access = RpcAccess(url=simulator.rpc_url, user=RPC_USER, password=RPC_PASSWORD, user_id=2)
    reached = {"login": DEMO_LOGIN, "password": DEMO_PASSWORD, "authentication": Authentication.SESSION}
    return make_connection(simulator.base_url, rpc=access, **reached | values)


def over_rpc(simulator: RunningSimulator, **values: Any) -> Client:
    return Client(connection(simulator, transport=TransportKind.RPC, **values))


def test_a_month_brings_the_same_records_over_both(simulator: RunningSimulator, data: DataSet) -> None:
    with Client(connection(simulator)) as rest, over_rpc(simulator) as rpc:
        closed = rest.search_closed_tickets(**OCTOBER)
        assert rpc.search_closed_tickets(**OCTOBER) == closed
        assert len(closed) == len(data.closed_in((2026, 10))) > 500
        assert rpc.search_changed_tickets(**OCTOBER) == rest.search_changed_tickets(**OCTOBER)
        ids = [*data.special.values(), *closed[:5]]
        expected, found = rest.get_tickets(ids), rpc.get_tickets(ids)
        assert without_age(found.tickets) == without_age(expected.tickets)
        assert rpc.get_histories(ids) == rest.get_histories(ids)

    assert "SessionCreate" in simulator.operations()


def without_age(tickets: tuple[Any, ...]) -> list[Any]:
    """Counted at the moment of each answer."""
    assert all(ticket.age is not None for ticket in tickets)
    return [replace(ticket, age=None) for ticket in tickets]


def test_no_session_is_made_where_the_script_carries_everything(simulator: RunningSimulator) -> None:
    with over_rpc(simulator) as client:
        client.check_login()
        client.search_closed_tickets(**OCTOBER)

    assert simulator.operations() == []


def test_wrong_password_is_told_by_the_login_check(simulator: RunningSimulator) -> None:
    access = RpcAccess(url=simulator.rpc_url, user=RPC_USER, password="no")
    wrong = replace(connection(simulator, transport=TransportKind.RPC), rpc=access)

    with Client(wrong) as client, pytest.raises(AuthenticationFailed, match="SOAP::Password"):
        client.check_login()


def test_search_that_was_cut_off_is_split_until_it_is_complete(simulator: RunningSimulator, data: DataSet) -> None:
    with over_rpc(simulator, search_limit=200) as client:
        found = client.search_closed_tickets(**OCTOBER)

    assert set(found) == set(data.closed_in((2026, 10)))
    assert len(simulator.rpc.requests) > 5


def test_second_that_is_full_is_no_complete_search(simulator: RunningSimulator) -> None:
    with over_rpc(simulator, search_limit=1) as client, pytest.raises(IncompleteAnswer):
        client.search_closed_tickets(**OCTOBER)


def test_tickets_are_asked_for_one_by_one_and_a_missing_one_costs_no_other(
    simulator: RunningSimulator, data: DataSet
) -> None:
    ids = list(data.tickets)[:3]
    with over_rpc(simulator) as client:
        batch = client.get_tickets([ids[0], "999999", *ids[1:]])

    assert [ticket.ticket_id for ticket in batch.tickets] == ids
    assert batch.unreadable == ("999999",)
    asked = [arguments["TicketID"] for method, arguments in simulator.rpc.requests if method.endswith(".TicketGet")]
    assert asked == [ids[0], "999999", *ids[1:]]


def test_tickets_are_found_by_number_and_archived_ones_too(simulator: RunningSimulator, data: DataSet) -> None:
    tickets = list(data.tickets.values())[:2]
    with over_rpc(simulator) as client:
        assert set(client.find_tickets([each.number for each in tickets])) == {each.ticket_id for each in tickets}


def test_caller_is_told_before_every_request_of_an_operation(simulator: RunningSimulator, data: DataSet) -> None:
    told: list[int] = []
    with over_rpc(simulator) as client:
        client.on_request = lambda: told.append(client.requests_made)
        client.get_tickets(list(data.tickets)[:1])

    assert set(told) == {0, 1}


def test_single_operation_goes_over_the_script_and_needs_no_session_there(
    simulator: RunningSimulator, data: DataSet
) -> None:
    ids = list(data.tickets)[:2]
    with Client(connection(simulator, routes={"TicketHistoryGet": "RPC"})) as client:
        client.get_tickets(ids)
        client.get_histories(ids)

    assert simulator.operations() == ["SessionCreate", "TicketGet"]
    assert [method for method, _ in simulator.rpc.requests] == ["TicketObject.HistoryGet"] * 2


def test_operation_that_the_script_lacks_goes_its_own_way_with_a_session(simulator: RunningSimulator) -> None:
    with over_rpc(simulator, routes=ACCOUNTING) as client:
        client.any_ticket_visible()
        assert client.accounted_time("anna.mueller", **OCTOBER)

    assert simulator.operations() == ["SessionCreate", "TimeAccountingGet"]
    assert [method for method, _ in simulator.rpc.requests] == ["TicketObject.TicketSearch"]


def test_operation_that_the_script_lacks_is_refused_without_a_route(simulator: RunningSimulator) -> None:
    with over_rpc(simulator) as client, pytest.raises(WrongRequest, match="does not carry TimeAccountingGet"):
        client.accounted_time("anna.mueller", **OCTOBER)


def test_route_over_the_script_is_refused_where_it_leads_nowhere(simulator: RunningSimulator) -> None:
    with pytest.raises(WrongRequest, match="does not carry TimeAccountingGet; it carries TicketCreate"):
        Client(connection(simulator, routes={"TimeAccountingGet": "RPC"}))


def test_route_over_the_script_wants_it_to_be_configured(simulator: RunningSimulator) -> None:
    without = replace(connection(simulator, routes={"TicketGet": "RPC"}), rpc=None)

    with pytest.raises(WrongRequest, match=r"rpc\.pl needs its address"):
        Client(without)
