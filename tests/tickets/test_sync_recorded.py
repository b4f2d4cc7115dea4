"""The sync on a month that a real server answered."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.db.models import Count

from common.months import Month
from generic_interface.client import Client
from generic_interface.simulator.recorded import RecordedSystem
from generic_interface.simulator.server import RunningSimulator
from tests.factories.tickets import AgentFactory
from tests.tickets.support import Connect, dump_mirror, read, sync
from tickets.connect import open_client
from tickets.mirror import write_month
from tickets.models import Agent, Ticket, TicketSystem, TimeEntry
from tickets.queries import month_totals
from tickets.snapshot import MonthSnapshot

pytestmark = pytest.mark.django_db
RECORDING = Path(__file__).parent.parent / "recordings" / "month-2026-09"
SEPTEMBER = Month(2026, 9)
AGENTS = ["anna.mueller", "b.schmidt", "c.weber", "d.oeztuerk", "e.jung"]
NOW = datetime(2026, 9, 30, 22, tzinfo=UTC)  # midnight in Berlin


@pytest.fixture
def recorded() -> Iterator[RunningSimulator]:
    system = RecordedSystem(RECORDING)
    with RunningSimulator(system) as running:
        yield running
    assert system.refused == []


def test_both_sources_agree_on_the_recorded_month(recorded: RunningSimulator, connect: Connect) -> None:
    system = connect(recorded, time_source="both")

    outcome = write_month(system, read(system, SEPTEMBER, now=NOW), now=NOW)

    assert outcome.matched == 413
    assert outcome.findings.gaps == ()
    (unmatched,) = outcome.findings.notes  # the other 90 bookings are on tickets that were not closed in the month
    assert unmatched.startswith("42 tickets with booked time were never shown to the portal's agent")
    assert TimeEntry.objects.filter(ticket__ticket_id=None).count() == 90
    assert month_totals(system, SEPTEMBER) == (168, 503, Decimal("20505.21"))


def test_recorded_month_is_mirrored_completely(recorded: RunningSimulator, connect: Connect) -> None:
    system = connect(recorded, time_source="both")

    run = sync(system, SEPTEMBER, clock=lambda: NOW)

    assert (run.state, run.complete, len(run.problems)) == ("done", True, 1)
    assert (run.tickets, run.entries, run.minutes) == (168, 503, Decimal("20505.21"))
    booked = TimeEntry.objects.booked_in(SEPTEMBER).order_by("agent__login")
    assert list(booked.values_list("agent__login").annotate(Count("pk"))) == [
        ("anna.mueller", 145),
        ("b.schmidt", 147),
        ("c.weber", 69),
        ("d.oeztuerk", 96),
        ("e.jung", 46),
    ]
    assert Ticket.objects.closed_in(SEPTEMBER).count() == 168


def test_recorded_month_read_twice_changes_nothing(recorded: RunningSimulator, connect: Connect) -> None:
    system = connect(recorded, time_source="both")
    sync(system, SEPTEMBER, clock=lambda: NOW)
    before = dump_mirror()

    sync(system, SEPTEMBER, clock=lambda: NOW)

    assert dump_mirror() == before


def test_time_of_agents_alone_gives_the_recorded_month(recorded: RunningSimulator, connect: Connect) -> None:
    system = connect(recorded, time_source="agents", look_back_days=0)
    for login in ("anna.mueller", "B.Schmidt", "f.alt"):
        AgentFactory(system=system, login=login, login_only=True)

    run = sync(system, SEPTEMBER, clock=lambda: NOW - timedelta(seconds=1))  # the month alone was recorded

    assert (run.tickets, run.entries, run.minutes) == (168, 503, Decimal("20505.21"))


def only_histories(reading: MonthSnapshot) -> MonthSnapshot:
    """What a sync by ticket histories would have read; the recording lacks the answers to its search for changes."""
    return replace(reading, windows=(), accounted=())


def without_search_by_number(system: TicketSystem) -> Client:
    """The recording answers no search by number, so no ticket is found by it."""
    client = open_client(system)
    client.find_tickets = lambda numbers: ()  # type: ignore[method-assign]
    return client


def test_windows_of_the_five_agents_match_the_recorded_histories_one_to_one(
    recorded: RunningSimulator, connect: Connect
) -> None:
    system = connect(recorded, time_source="both")
    write_month(system, only_histories(read(system, SEPTEMBER, now=NOW)), now=NOW)
    by_history = TimeEntry.objects.booked_in(SEPTEMBER)
    kept = dict(by_history.values_list("pk", "ticket"))

    runs = [
        sync(
            system,
            SEPTEMBER,
            agent=Agent.objects.get(login=login),
            clock=lambda: NOW,
            make_client=without_search_by_number,
        )
        for login in AGENTS
    ]

    assert len(kept) == 413
    assert [run.entries for run in runs] == [145, 147, 69, 96, 46]
    assert {(run.state, run.entries_moved, run.entries_gone) for run in runs} == {("done", 0, 0)}
    assert sum(run.entries_new for run in runs) == 503 - 413
    assert {pk: ticket for pk, ticket in by_history.values_list("pk", "ticket") if pk in kept} == kept
    assert month_totals(system, SEPTEMBER)[1:] == (503, Decimal("20505.21"))


def test_windows_after_the_recorded_month_change_nothing(recorded: RunningSimulator, connect: Connect) -> None:
    system = connect(recorded, time_source="both")
    sync(system, SEPTEMBER, clock=lambda: NOW)
    before = dump_mirror()

    for login in AGENTS:
        agent = Agent.objects.get(login=login)
        run = sync(system, SEPTEMBER, agent=agent, clock=lambda: NOW, make_client=without_search_by_number)
        assert run.state == "done"

    assert dump_mirror() == before
