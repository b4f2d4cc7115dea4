"""A ticket system that is reached over ``rpc.pl``: set-up, connection, checks and the mirror of a month."""

from collections.abc import Iterable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Model

from generic_interface.connection import RpcAccess
from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.rpc import RPC_PASSWORD, RPC_USER
from generic_interface.simulator.server import RunningSimulator
from tests.commands import run_command
from tests.factories.tickets import TicketSystemFactory, connected, connected_over_rpc
from tests.tickets.support import OCTOBER, dump_mirror, present, sync, truth
from tickets.checks import check_connection
from tickets.connect import connection_of, open_read_back
from tickets.models import Agent, Customer, Ticket, TicketClosing, TicketSystem, TimeEntry

pytestmark = pytest.mark.django_db


# Set-up.


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"transport": "rpc"}, "ticketsystem_rpc_reached"),
        ({"rpc_url": "https://x/rpc.pl", "rpc_user": "u"}, "ticketsystem_rpc_whole"),
        ({"rpc_url": "https://x/rpc.pl", "rpc_password": "p"}, "ticketsystem_rpc_whole"),
        ({"rpc_url": "https://x/rpc.pl", "rpc_user": "u", "rpc_password": "p", "rpc_user_id": 0}, "rpc_whole"),
        ({"login": ""}, "ticketsystem_login_unless_rpc"),
    ],
)
def test_half_a_configuration_is_no_ticket_system(changes: dict[str, Any], name: str) -> None:
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        TicketSystemFactory(**changes)


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({}, set()),
        ({"time_source": "agents"}, {"time_source"}),
        ({"time_source": "both"}, {"time_source"}),
        ({"time_source": "both", "routes": {"TimeAccountingGet": "POST T /T"}, "login": "a"}, set()),
        ({"routes": {"TimeAccountingGet": "POST T /T"}}, {"login"}),
        ({"reads_articles": True}, {"reads_articles"}),
        ({"reads_articles": True, "routes": {"TicketGet": "POST T /T"}, "login": "a"}, set()),
        ({"rpc_user": ""}, {"rpc_user"}),
    ],
)
def test_what_the_script_cannot_tell_is_not_asked_of_it(changes: dict[str, Any], fields: set[str]) -> None:
    system = TicketSystemFactory.build(over_rpc=True, **changes)

    try:
        system.full_clean()
        found: set[str] = set()
    except ValidationError as error:
        found = set(error.message_dict)

    assert found == fields


def test_route_over_the_script_wants_its_address() -> None:
    system = TicketSystemFactory.build(routes={"TicketGet": "RPC"})

    with pytest.raises(ValidationError, match="Enter the address"):
        system.full_clean()


def test_connection_has_the_access_of_the_system() -> None:
    access = connection_of(TicketSystemFactory(over_rpc=True, rpc_user_id=3)).rpc

    assert access == RpcAccess(url="http://127.0.0.1:9/otrs/rpc.pl", user="soapuser", password="soap-secret", user_id=3)
    assert connection_of(TicketSystemFactory()).rpc is None
    assert open_read_back(TicketSystemFactory()) is None


def test_command_adds_a_system_over_the_script_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TICKET_SYSTEM_PASSWORD", raising=False)
    monkeypatch.setenv("TICKET_SYSTEM_RPC_PASSWORD", "soap-secret")
    new = ["--name", "Old", "--url", "https://old.example.org/otrs", "--preset", "billing_portal"]
    new += ["--time-zone", "Europe/Berlin", "--minutes-per-unit", "1", "--transport", "rpc"]
    new += ["--rpc-url", "https://old.example.org/otrs/rpc.pl", "--rpc-user", "soapuser", "--rpc-user-id", "5"]

    code, out, err = run_command("ticket_system", "add", *new)

    assert (code, err) == (0, "")
    system = TicketSystem.objects.get()
    assert (system.login, system.password, system.rpc_password, system.rpc_user_id) == ("", "", "soap-secret", 5)
    assert "soap-secret" not in out


def test_command_asks_for_the_password_of_a_new_address(monkeypatch: pytest.MonkeyPatch) -> None:
    TicketSystemFactory(name="Old", over_rpc=True)
    monkeypatch.delenv("TICKET_SYSTEM_RPC_PASSWORD", raising=False)
    monkeypatch.delenv("TICKET_SYSTEM_PASSWORD", raising=False)
    change = ["ticket_system", "add", "--name", "Old", "--update"]

    same, _, _ = run_command(*change, "--rpc-user-id", "4")
    other, _, err = run_command(*change, "--rpc-url", "https://elsewhere.example.org/rpc.pl")

    assert (same, other) == (0, 2)
    assert "Set TICKET_SYSTEM_RPC_PASSWORD" in err
    system = TicketSystem.objects.get()
    assert (system.rpc_user_id, system.rpc_url) == (4, "http://127.0.0.1:9/otrs/rpc.pl")


def test_command_refuses_half_a_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TICKET_SYSTEM_PASSWORD", "secret")
    TicketSystemFactory(name="Old")

    code, _, err = run_command("ticket_system", "add", "--name", "Old", "--update", "--transport", "rpc")

    assert (code, TicketSystem.objects.get().transport) == (2, "rest")
    assert "Enter the address of rpc.pl" in err


# The mirror.

NATURAL: dict[object, tuple[str, ...]] = {
    Agent: ("login", "user_id"),
    Customer: ("customer_id",),
    Ticket: ("ticket_id",),
}
MIRROR = (Agent, Customer, Ticket, TicketClosing, TimeEntry)
CLOCKED = {"id", "system", "read_at", "gone_at"}


def facts(system: TicketSystem) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the system's mirror with every column, but for keys and the moments of reading."""
    return {model.__name__: sorted(rows(model, system), key=repr) for model in MIRROR}


def rows(model: type[Model], system: TicketSystem) -> Iterable[tuple[Any, ...]]:
    names: list[str] = []
    for field in model._meta.concrete_fields:
        if field.name not in CLOCKED:
            related = NATURAL.get(field.related_model, ()) if field.related_model else ()
            names += [f"{field.name}__{each}" for each in related] or [field.name]
    of_system = "system" if "system" in {field.name for field in model._meta.fields} else "ticket__system"
    return model._base_manager.filter(**{of_system: system}).values_list(*names)


@pytest.mark.slow
def test_month_over_the_script_gives_the_same_mirror_as_over_rest(
    full_simulator: RunningSimulator, full_data: DataSet
) -> None:
    rest, rpc = connected(full_simulator), connected_over_rpc(full_simulator, rpc_user_id=2)

    expected, run = sync(rest, OCTOBER), sync(rpc, OCTOBER)

    assert facts(rpc) == facts(rest)
    assert len(facts(rpc)["TimeEntry"]) == TimeEntry.objects.filter(system=rest).count() > 500
    assert (run.state, run.complete, run.problems) == ("done", True, [])
    assert (run.minutes, run.entries, run.tickets) == (expected.minutes, expected.entries, expected.tickets)
    assert run.minutes == full_data.minutes_booked_in((2026, 10))
    assert {method.partition(".")[2] for method, _ in full_simulator.rpc.requests} == {
        "TicketSearch",
        "TicketGet",
        "TicketAccountedTimeGet",
        "HistoryGet",
    }


@pytest.fixture
def over_rpc(simulator: RunningSimulator) -> TicketSystem:
    return connected_over_rpc(simulator, rpc_user_id=2)


def test_small_month_is_mirrored_entry_by_entry_and_twice_changes_nothing(
    over_rpc: TicketSystem, small_data: DataSet
) -> None:
    run = sync(over_rpc)
    before = dump_mirror()

    again = sync(over_rpc)

    assert (run.state, run.complete) == ("done", True)
    assert present(OCTOBER) == truth(small_data, OCTOBER)
    assert dump_mirror(without={"read_at"}) == {
        model: [{name: value for name, value in row.items() if name != "read_at"} for row in table]
        for model, table in before.items()
    }
    assert (again.entries_new, again.entries_moved, again.entries_gone) == (0, 0, 0)


def test_system_that_changes_to_the_script_keeps_its_entries(simulator: RunningSimulator) -> None:
    system = connected(simulator)
    sync(system)
    before = facts(system)
    system.transport, system.rpc_url = "rpc", simulator.rpc_url
    system.rpc_user, system.rpc_password, system.rpc_user_id = RPC_USER, RPC_PASSWORD, 2
    system.full_clean()
    system.save()

    run = sync(system)

    assert facts(system) == before
    assert (run.entries_new, run.entries_moved, run.entries_gone) == (0, 0, 0)


def test_histories_alone_can_come_over_the_script(simulator: RunningSimulator, small_data: DataSet) -> None:
    access = {"rpc_url": simulator.rpc_url, "rpc_user": RPC_USER, "rpc_password": RPC_PASSWORD}
    system = connected(simulator, routes={"TicketHistoryGet": "RPC"}, **access)

    sync(system)

    assert present(OCTOBER) == truth(small_data, OCTOBER)
    assert "TicketHistoryGet" not in simulator.operations()
    assert {method for method, _ in simulator.rpc.requests} == {"TicketObject.HistoryGet"}


def test_wrong_password_ends_the_sync_and_is_in_no_sentence(simulator: RunningSimulator) -> None:
    system = connected_over_rpc(simulator, rpc_password="falsch-geheim")

    run = sync(system)

    assert run.state == "failed"
    assert "SOAP::User" in run.error
    assert "falsch-geheim" not in run.error


def test_acting_agent_who_sees_nothing_ends_the_sync(simulator: RunningSimulator) -> None:
    run = sync(connected_over_rpc(simulator, rpc_user_id=999))

    assert run.state == "failed"
    assert "no ticket at all to the portal's agent UserID 999" in run.error


def test_password_that_is_changed_on_the_way_makes_no_ticket_vanish(
    over_rpc: TicketSystem, simulator: RunningSimulator, small_data: DataSet
) -> None:
    """``rpc.pl`` then answers every ticket with nothing, as if it were deleted."""
    sync(over_rpc)
    before = dump_mirror()
    simulator.faults.add("TicketObject.TicketGet:auth_fail", "BillingPortalLoginCheck.Check:auth_fail")

    run = sync(over_rpc)

    assert run.state == "failed"
    assert dump_mirror() == before


def test_deleted_ticket_is_told_from_a_refused_login(
    over_rpc: TicketSystem, simulator: RunningSimulator, small_data: DataSet
) -> None:
    sync(over_rpc)
    gone = small_data.closed_in((2026, 10))[0]
    small_data.delete(gone)

    run = sync(over_rpc, accept_losses=True)

    assert run.state in ("done", "partly")
    assert present(OCTOBER) == truth(small_data, OCTOBER)


def test_history_that_is_missing_is_never_a_month_without_time(
    over_rpc: TicketSystem, simulator: RunningSimulator
) -> None:
    simulator.faults.add("TicketObject.HistoryGet:http_500:1")

    run = sync(over_rpc)

    assert (run.state, run.complete) == ("failed", False)
    assert not TimeEntry.objects.exists()


# The check of the connection.


def test_connection_over_the_script_is_checked_without_an_agents_login(over_rpc: TicketSystem) -> None:
    checks = {check.operation: check for check in check_connection(over_rpc.pk)}

    assert checks["rpc.pl"].works
    assert all(checks[name].works for name in ("TicketSearch", "TicketGet", "TicketHistoryGet"))
    assert not checks["TimeAccountingGet"].works
    assert not checks["TimeAccountingGet"].needed


def test_connection_with_a_wrong_password_of_the_script_says_which(simulator: RunningSimulator) -> None:
    system = connected_over_rpc(simulator, rpc_password="no")

    checks = check_connection(system.pk)

    assert [(check.operation, check.works) for check in checks] == [("rpc.pl", False)]
    assert "SOAP::Password" in checks[0].fix


@pytest.mark.parametrize(("password", "works"), [(RPC_PASSWORD, True), ("no", False)])
def test_script_beside_the_interface_is_checked_as_well(
    simulator: RunningSimulator, password: str, works: bool
) -> None:
    access = {"rpc_url": simulator.rpc_url, "rpc_user": RPC_USER, "rpc_password": password}
    system = connected(simulator, **access)

    check = check_connection(system.pk)[-1]

    assert (check.operation, check.works, check.needed) == ("rpc.pl", works, False)
    assert ("SOAP::Password" in check.fix) is not works


def test_script_beside_the_interface_is_needed_where_an_operation_goes_over_it(simulator: RunningSimulator) -> None:
    access = {"rpc_url": simulator.rpc_url, "rpc_user": RPC_USER, "rpc_password": RPC_PASSWORD}
    system = connected(simulator, routes={"TicketHistoryGet": "RPC"}, **access)

    assert check_connection(system.pk)[-1].needed
