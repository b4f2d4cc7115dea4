"""The connection check against the stand-in ticket system."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
import time_machine
from django.db import connection

from generic_interface.batches import Progress
from generic_interface.client import Client
from generic_interface.errors import ApplicationError
from generic_interface.records import TicketBatch
from generic_interface.simulator.data import build_month
from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.server import RunningSimulator, start_simulator
from tests.factories.tickets import AgentFactory, TicketSystemFactory
from tests.tickets.support import NOW, Connect, clock
from tickets.check_results import Check
from tickets.checks import check_connection
from tickets.connect import connection_of
from tickets.models import TicketSystem

pytestmark = pytest.mark.django_db
OPERATIONS = [
    "SessionCreate",
    "SessionGet",
    "TicketSearch",
    "Search limit",
    "TicketGet",
    "TicketHistoryGet",
    "Time zone",
    "TimeAccountingGet",
    "OutOfOffice",
    "TicketCreate",
    "TicketUpdate",
]


def checks(system: TicketSystem, now: datetime = NOW) -> list[Check]:
    """At this moment by the clocks of the portal and of the stand-in alike."""
    with time_machine.travel(now, tick=False):
        return check_connection(system.pk)


def test_each_operation_is_asked(system: TicketSystem) -> None:
    AgentFactory(system=system, login="anna.mueller")

    found = checks(system)

    assert [check.operation for check in found] == OPERATIONS
    assert all(check.works and not check.fix for check in found)
    assert found[0].text == "The login works."
    assert found[4].text == "Tickets read: 5."
    assert found[6].text.startswith("The ticket system's clock and zone fit. Taken as Europe/Berlin, the newest ticket")
    assert found[7].text.startswith("Entries of anna.mueller in 2026-11 read: ")


@pytest.mark.parametrize(
    ("fault", "operation", "fix"),
    [
        ("SessionCreate:auth_fail", "SessionCreate", "Check login and password"),
        ("TicketSearch:no_permission", "TicketSearch", "Give the agent ro on the groups"),
        ("TicketSearch:empty", "TicketSearch", "Give the agent ro on the groups"),
        ("TicketGet:drop", "TicketGet", "Check the base URL, the firewall"),
        ("TicketHistoryGet:html", "TicketHistoryGet", "Check the base URL (it ends before"),
        ("TimeAccountingGet:no_permission", "TimeAccountingGet", "Give the agent ro on the groups"),
    ],
)
def test_operation_that_fails_is_told_with_its_fix(
    simulator: RunningSimulator, connect: Connect, fault: str, operation: str, fix: str
) -> None:
    simulator.faults.add(fault)

    found = {check.operation: check for check in checks(connect(simulator))}

    assert not found[operation].works
    assert found[operation].fix.startswith(fix)


def test_nothing_else_is_asked_after_a_failed_login(simulator: RunningSimulator, connect: Connect) -> None:
    found = checks(connect(simulator, authentication="body", login="nobody"))

    assert [(check.operation, check.works) for check in found] == [("Login", False)]


@pytest.mark.parametrize(("source", "needed"), [("history", (True, False)), ("agents", (False, True))])
def test_source_of_time_tells_what_is_needed(
    simulator: RunningSimulator, connect: Connect, source: str, needed: tuple[bool, bool]
) -> None:
    found = {check.operation: check.needed for check in checks(connect(simulator, time_source=source))}

    assert (found["TicketHistoryGet"], found["TimeAccountingGet"]) == needed


def test_quiet_system_is_asked_further_back(simulator: RunningSimulator, connect: Connect, small_data: DataSet) -> None:
    found = checks(connect(simulator), now=NOW + timedelta(days=90))

    assert found[2].text == "The search works and finds tickets changed of late."


def test_system_without_late_changes_is_fine(simulator: RunningSimulator, connect: Connect) -> None:
    found = checks(connect(simulator), now=NOW + timedelta(days=900))

    without_tickets = {"TicketGet", "TicketHistoryGet", "Time zone"}
    assert [check.operation for check in found] == [name for name in OPERATIONS if name not in without_tickets]
    assert found[2].text == "The search works; no ticket was changed in the last year."


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        ("UTC", "Taken as UTC, the ticket system's clock is 120 minutes ahead of the portal's."),
        ("Europe/Helsinki", "Taken as Europe/Helsinki, the ticket system's clock is 60 minutes behind the portal's."),
    ],
)
def test_age_of_the_tickets_proves_a_wrong_zone(
    simulator: RunningSimulator, connect: Connect, zone: str, said: str
) -> None:
    found = {check.operation: check for check in checks(connect(simulator, time_zone=zone))}

    assert (found["Time zone"].works, found["Time zone"].text) == (False, said)
    assert found["Time zone"].fix.startswith("Set the zone to the ticket system's OTRSTimeZone")


@pytest.mark.parametrize(("minutes", "works"), [(-6, False), (-5, True), (5, True), (6, False)])
def test_clock_may_go_wrong_by_five_minutes(small_data: DataSet, connect: Connect, minutes: int, works: bool) -> None:
    with start_simulator(small_data, clock=lambda: NOW.timestamp() + 60 * minutes) as running:
        found = {check.operation: check.works for check in checks(connect(running))}

    assert found["Time zone"] is works


def test_ticket_changed_in_the_future_proves_a_wrong_zone_where_no_age_tells_it(connect: Connect) -> None:
    data = build_month(tickets=0)
    data.create(title="of today", customer="K0001", at=datetime(2026, 11, 1, 8, 30))
    with start_simulator(data) as running:
        fits = {check.operation: check for check in checks(connect(running))}
        found = {check.operation: check for check in checks(connect(running, time_zone="America/Los_Angeles"))}

    assert fits["Time zone"].text.endswith("the newest ticket read was last changed at 2026-11-01 08:30:00.")
    assert not fits["Time zone"].text.startswith("The ticket system's clock")
    assert (found["Time zone"].works, found["Time zone"].fix.startswith("Set the zone")) == (False, True)


def test_operation_that_refuses_for_its_own_reason_is_told(system: TicketSystem) -> None:
    class Refusing(Client):
        def get_tickets(
            self, ids: Sequence[str], *, with_articles: bool = False, on_progress: Progress | None = None
        ) -> TicketBatch:
            raise ApplicationError("TicketGet.MissingParameter", "Got no TicketID!")

    found = check_connection(system.pk, clock=clock, make_client=lambda system: Refusing(connection_of(system)))

    assert found[4].text == "The ticket system answered TicketGet.MissingParameter: Got no TicketID!"
    assert found[4].fix.startswith("Import the web service of the chosen preset again")


def test_ticket_that_is_not_shown_leaves_the_rest(system: TicketSystem) -> None:
    class Blind(Client):
        def get_tickets(
            self, ids: Sequence[str], *, with_articles: bool = False, on_progress: Progress | None = None
        ) -> TicketBatch:
            return TicketBatch(tickets=(), unreadable=tuple(ids))

    found = check_connection(system.pk, clock=clock, make_client=lambda system: Blind(connection_of(system)))

    assert [check.operation for check in found] == [name for name in OPERATIONS if name != "Time zone"]
    assert (found[4].works, found[4].fix.startswith("Give the agent ro")) == (False, True)


def test_settings_that_make_no_sense_are_told() -> None:
    system = TicketSystemFactory(routes={"TicketGet": "nonsense"})

    [check] = check_connection(system.pk, clock=clock)

    assert (check.operation, check.works, check.fix) == (
        "Settings",
        False,
        "Correct the settings of this ticket system.",
    )


def test_password_that_cannot_be_decrypted_is_told() -> None:
    system = TicketSystemFactory()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE tickets_ticketsystem SET password = 'garbage'")

    [check] = check_connection(system.pk, clock=clock)

    assert "cannot be decrypted" in check.text
    assert TicketSystem.objects.filter(pk=system.pk).exists()
