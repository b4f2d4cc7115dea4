"""The transport of a ticket system: stored, refused where it makes no sense, used."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import time_machine
import yaml
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from common.months import Month
from generic_interface.connection import TransportKind
from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.recorded import start_recorded_system
from generic_interface.simulator.server import RunningSimulator
from generic_interface.soap_routes import PORTAL_NAMESPACE, PORTAL_SERVICE, SOAP_PRESETS
from tests.factories.tickets import TicketSystemFactory
from tests.tickets.support import NOW, OCTOBER, Connect, add_agents, dump_mirror, hasty_client, present, sync, truth
from tests.tickets.test_sync_simulator import FAULTS
from tickets.checks import check_connection
from tickets.connect import connection_of
from tickets.models import TicketClosing, TicketSystem, TimeEntry
from tickets.web_services import Transport, service_name, web_service_definition

pytestmark = pytest.mark.django_db
RECORDING = Path(__file__).parent.parent / "recordings" / "month-2026-09"
MIDNIGHT = datetime(2026, 9, 30, 22, tzinfo=UTC)  # in Berlin


@pytest.mark.parametrize("kind", list(TransportKind))
def test_connection_has_the_transport_of_the_system(kind: TransportKind) -> None:
    system = TicketSystemFactory(transport=kind.value, over_rpc=kind is TransportKind.RPC)

    assert connection_of(system).transport is kind


def test_every_transport_of_the_client_can_be_chosen() -> None:
    assert set(TicketSystem.Transport.values) == {kind.value for kind in TransportKind}


def test_login_in_headers_over_soap_is_no_ticket_system() -> None:
    system = TicketSystemFactory(transport="soap")
    system.authentication = "header"

    with pytest.raises(ValidationError, match="Over SOAP the login travels in the envelope"):
        system.full_clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        system.save()


def both_mirrors(running: RunningSimulator, data: DataSet, connect: Connect, source: str) -> list[tuple[Any, ...]]:
    """What a sync over REST and one over SOAP say and write, each for a ticket system of its own."""
    mirrors = []
    for transport in ("rest", "soap"):
        system = connect(running, transport=transport, time_source=source, reads_articles=True)
        add_agents(system, data)
        run = sync(system)
        mirrors.append((run.complete, run.tickets, run.entries, run.minutes, run.problems, mirror_of(system)))
    return mirrors


@pytest.mark.parametrize("source", ["history", "agents", "both"])
def test_month_over_soap_gives_the_mirror_of_rest(
    simulator: RunningSimulator, small_data: DataSet, connect: Connect, source: str
) -> None:
    rest, soap = both_mirrors(simulator, small_data, connect, source)

    assert rest == soap
    assert (rest[0], len(rest[-1]["TimeEntry"])) == (True, 12)


@pytest.mark.slow
@pytest.mark.parametrize("source", ["history", "agents", "both"])
def test_month_with_all_special_cases_over_soap_gives_the_mirror_of_rest(
    full_simulator: RunningSimulator, full_data: DataSet, connect: Connect, source: str
) -> None:
    rest, soap = both_mirrors(full_simulator, full_data, connect, source)

    assert rest == soap
    assert (rest[0], len(rest[-1]["TimeEntry"]) >= rest[2] > 500) == (True, True)


@pytest.mark.parametrize("preset", TicketSystem.Preset.values)
def test_month_over_soap_is_read_from_the_web_services_of_each_preset(
    simulator: RunningSimulator, small_data: DataSet, connect: Connect, preset: str
) -> None:
    system = connect(simulator, transport="soap", preset=preset, time_source="both")
    add_agents(system, small_data)

    run = sync(system)

    assert (run.state, run.complete) == ("done", True)
    assert present(OCTOBER) == truth(small_data, OCTOBER)


def test_month_whose_searches_alone_go_over_soap_is_read(
    simulator: RunningSimulator, small_data: DataSet, connect: Connect
) -> None:
    routes = {"TicketSearch": "SOAP GenericTicketConnectorSOAP http://www.otrs.org/TicketConnector/"}

    run = sync(connect(simulator, routes=routes))

    assert run.complete
    assert present(OCTOBER) == truth(small_data, OCTOBER)


def test_recorded_month_over_soap_gives_the_mirror_of_rest_entry_for_entry(connect: Connect) -> None:
    mirrors = []
    with start_recorded_system(RECORDING) as running:
        for transport in ("rest", "soap"):
            system = connect(running, transport=transport, time_source="both")
            run = sync(system, Month(2026, 9), clock=lambda: MIDNIGHT)
            mirrors.append((run.tickets, run.entries, run.minutes, mirror_of(system)))

            assert run.error == ""
    assert mirrors[0] == mirrors[1]
    assert mirrors[0][:3] == (168, 503, Decimal("20505.21"))


def test_connection_over_soap_is_checked(simulator: RunningSimulator, connect: Connect) -> None:
    system = connect(simulator, transport="soap")

    with time_machine.travel(NOW, tick=False):
        checks = check_connection(system.pk)

    assert {check.operation for check in checks} >= {"SessionCreate", "TicketSearch", "TicketGet", "TicketHistoryGet"}
    assert [(check.operation, check.text) for check in checks if check.needed and not check.works] == []


def mirror_of(system: TicketSystem) -> dict[str, list[dict[str, Any]]]:
    """Every row of the system with every column but its key; other rows by their names instead of their keys."""
    agents: dict[object, object] = dict(system.agents.values_list("pk", "login"))
    customers: dict[object, object] = dict(system.customers.values_list("pk", "customer_id"))
    tickets: dict[object, object] = dict(system.tickets.values_list("pk", "number"))
    entries = TimeEntry._base_manager.filter(system=system)
    closings = TicketClosing._base_manager.filter(ticket__system=system)
    return {
        "Agent": _rows(system.agents.all(), {}),
        "Customer": _rows(system.customers.all(), {}),
        "Ticket": _rows(system.tickets.all(), {"owner_id": agents, "customer_id": customers}),
        "TicketClosing": _rows(closings, {"ticket_id": tickets}),
        "TimeEntry": _rows(entries, {"agent_id": agents, "ticket_id": tickets}),
    }


def _rows(rows: QuerySet[Any], names: dict[str, dict[object, object]]) -> list[dict[str, Any]]:
    kept = [{name: value for name, value in row.items() if name not in {"id", "system_id"}} for row in rows.values()]
    named = [
        _without_carriage_returns(row) | {name: known.get(row[name]) for name, known in names.items()} for row in kept
    ]
    return sorted(named, key=repr)


def _without_carriage_returns(row: dict[str, Any]) -> dict[str, Any]:
    """XML reads the end of a line as a line feed, however it is written."""
    return {name: value.replace("\r\n", "\n") if isinstance(value, str) else value for name, value in row.items()}


def test_web_service_that_the_portal_defines_is_the_one_that_it_asks() -> None:
    definition = yaml.safe_load(web_service_definition(transport=Transport.SOAP))

    assert service_name(Transport.SOAP) == PORTAL_SERVICE
    assert definition["Provider"]["Transport"]["Config"]["NameSpace"] == PORTAL_NAMESPACE
    assert SOAP_PRESETS["billing_portal"].keys() <= definition["Provider"]["Operation"].keys()


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_over_soap_leaves_the_mirror_as_it_was(
    simulator: RunningSimulator, small_data: DataSet, connect: Connect, fault: str
) -> None:
    system = connect(simulator, transport="soap")
    sync(system)
    before = dump_mirror()
    small_data.book(small_data.closed_in((2026, 10))[0], 10)
    simulator.faults.add(fault)

    run = sync(system, make_client=hasty_client)

    assert (run.state, run.complete) == ("failed", False)
    assert dump_mirror() == before
    assert run.error
    assert system.password not in run.error
