"""The sync on a month that a real server answered."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.db.models import Count

from common.months import Month
from generic_interface.simulator.recorded import RecordedSystem
from generic_interface.simulator.server import RunningSimulator
from tests.factories.tickets import AgentFactory
from tests.tickets.support import Connect, dump_mirror, read, sync
from tickets.mirror import write_month
from tickets.models import Ticket, TimeEntry
from tickets.queries import month_totals

pytestmark = pytest.mark.django_db
RECORDING = Path(__file__).parent.parent / "recordings" / "month-2026-09"
SEPTEMBER = Month(2026, 9)
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
    assert outcome.findings.notes == ()
    assert month_totals(system, SEPTEMBER) == (168, 503, Decimal("20505.21"))


def test_recorded_month_is_mirrored_completely(recorded: RunningSimulator, connect: Connect) -> None:
    system = connect(recorded, time_source="both")

    run = sync(system, SEPTEMBER, clock=lambda: NOW)

    assert (run.state, run.complete, run.problems) == ("done", True, [])
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
