"""The sync on a month that a real server answered."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from django.db.models import Count

from common.months import Month
from generic_interface.simulator.recorded import start_recorded_system
from tests.factories.tickets import AgentFactory
from tests.tickets.support import dump_mirror, sync
from tickets.connect import open_client
from tickets.mirror import write_month
from tickets.models import Ticket, TimeEntry
from tickets.queries import known_before, month_totals
from tickets.reading import read_month

pytestmark = pytest.mark.django_db
RECORDING = Path(__file__).parent.parent / "recordings" / "month-2026-09"
SEPTEMBER = Month(2026, 9)
NOW = datetime(2026, 9, 30, 22, tzinfo=UTC)  # midnight in Berlin


@pytest.fixture
def recorded():
    with start_recorded_system(RECORDING) as running:
        yield running
        assert running.system.refused == []


def test_both_sources_agree_on_the_recorded_month(recorded, connect):
    system = connect(recorded, time_source="both")
    with open_client(system) as client:
        snapshot = read_month(
            client,
            system=system,
            month=SEPTEMBER,
            known=known_before(system, SEPTEMBER),
            now=NOW,
            on_step=lambda step, done, total: None,
        )

    outcome = write_month(system, snapshot, now=NOW)

    assert outcome.matched == 413
    assert outcome.findings.gaps == ()
    assert outcome.findings.notes == ()
    assert month_totals(system, SEPTEMBER) == (168, 503, Decimal("20505.21"))


def test_recorded_month_is_mirrored_completely(recorded, connect):
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


def test_recorded_month_read_twice_changes_nothing(recorded, connect):
    system = connect(recorded, time_source="both")
    sync(system, SEPTEMBER, clock=lambda: NOW)
    before = dump_mirror()

    sync(system, SEPTEMBER, clock=lambda: NOW)

    assert dump_mirror() == before


def test_time_of_agents_alone_gives_the_recorded_month(recorded, connect):
    system = connect(recorded, time_source="agents", look_back_months=0)
    for login in ("anna.mueller", "B.Schmidt", "f.alt"):
        AgentFactory(system=system, login=login, login_only=True)

    run = sync(system, SEPTEMBER, clock=lambda: NOW)

    assert (run.tickets, run.entries, run.minutes) == (168, 503, Decimal("20505.21"))
