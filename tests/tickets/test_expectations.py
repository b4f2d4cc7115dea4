"""What an administrator knows and the portal should see, against the stand-in ticket system."""

from datetime import datetime, timedelta
from unittest.mock import patch

import pytest
import time_machine
from django.utils import timezone

from generic_interface.client import Client
from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.model import Ticket
from generic_interface.simulator.server import RunningSimulator
from tests.commands import run_command
from tests.factories.tickets import TicketFactory
from tests.tickets.support import BERLIN, NOW, Connect
from tickets.check_results import Check
from tickets.checks import check_connection
from tickets.expectations import Expected
from tickets.models import TicketSystem

pytestmark = pytest.mark.django_db


def checks(system: TicketSystem, **expected: object) -> dict[str, Check]:
    with time_machine.travel(NOW, tick=False):
        found = check_connection(system.pk, expected=Expected(**expected))  # type: ignore[arg-type]
    return {check.operation: check for check in found}


def booked_ticket(data: DataSet) -> tuple[Ticket, datetime]:
    """A ticket and the moment of its first booking."""
    entry = data.entries()[0]
    return data.ticket(entry.ticket_id), entry.booked.replace(tzinfo=BERLIN)


def test_queues_are_seen(system: TicketSystem, small_data: DataSet) -> None:
    names = {ticket.queue.name for ticket in small_data.tickets.values()}

    found = checks(system, queues=tuple(names))

    assert (found["Queues"].works, found["Queues"].text) == (True, f"Tickets are seen in each of {len(names)} queues.")


def test_queue_that_is_not_seen_is_named(system: TicketSystem) -> None:
    found = checks(system, queues=("Nirgends",))

    assert not found["Queues"].works
    assert found["Queues"].text.startswith("No ticket is seen in “Nirgends”. Either the queue is empty, it has another")
    assert found["Queues"].fix.startswith("Give the agent ro on the groups of all queues")


def test_queues_of_mirrored_tickets_are_asked_without_being_told(system: TicketSystem) -> None:
    TicketFactory(system=system, queue="Verschlossen")
    TicketFactory(system=system, queue="Verschlossen")

    assert "“Verschlossen”." in checks(system)["Queues"].text


def test_known_booking_proves_the_zone(system: TicketSystem, small_data: DataSet) -> None:
    ticket, booked_at = booked_ticket(small_data)

    found = checks(system, number=ticket.number, booked_at=booked_at)["Booking"]

    assert found.works
    assert found.text.startswith(f"A booking on ticket {ticket.number} is seen at {booked_at:%Y-%m-%d}")


def test_booking_at_another_hour_tells_of_a_wrong_zone(
    simulator: RunningSimulator, connect: Connect, small_data: DataSet
) -> None:
    ticket, booked_at = booked_ticket(small_data)

    found = checks(connect(simulator, time_zone="Europe/London"), number=ticket.number, booked_at=booked_at)["Booking"]

    later = timezone.localtime(booked_at + timedelta(hours=1))
    assert (found.works, f"is seen at {later:%Y-%m-%d %H:%M:%S}." in found.text) == (False, True)
    assert found.fix.startswith("If it is the same booking, set the zone to the ticket system's OTRSTimeZone")


def test_booking_of_an_unknown_ticket_is_told(system: TicketSystem) -> None:
    found = checks(system, number="4711", booked_at=NOW)["Booking"]

    assert (found.works, found.text) == (False, "The ticket 4711 is not found.")


def test_ticket_without_a_booking_is_told(system: TicketSystem, small_data: DataSet) -> None:
    number = small_data.ticket(small_data.create(title="No time", customer="K0001")).number

    found = checks(system, number=number, booked_at=NOW)["Booking"]

    assert (found.works, found.text) == (False, f"There is no booking on ticket {number}.")


def test_command_takes_expectations(system: TicketSystem, small_data: DataSet) -> None:
    ticket, booked_at = booked_ticket(small_data)
    text = f"{timezone.localtime(booked_at):%Y-%m-%d %H:%M}"

    _, out, _ = run_command("check_connection", system.name, "--queue", "Nirgends", "--booking", ticket.number, text)

    assert "FAIL  Queues: No ticket is seen in “Nirgends”." in out
    assert f"ok    Booking: A booking on ticket {ticket.number} is seen at" in out


def test_command_refuses_a_time_that_is_none(system: TicketSystem) -> None:
    with patch.object(Client, "check_login") as asked:
        assert run_command("check_connection", system.name, "--booking", "4711", "gestern") == (
            2,
            "",
            "“gestern” is no time; write it like 2026-11-22 14:05.",
        )
    asked.assert_not_called()
