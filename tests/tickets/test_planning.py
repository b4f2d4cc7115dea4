"""What is due at night: the calendar, the look-back, the agents, and that nothing is planned twice."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from pytest_django import Settings

from common.jobs import Job
from common.months import Month
from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.server import RunningSimulator
from tests.at_once import at_once
from tests.factories.tickets import AgentFactory, SyncRunFactory, TicketSystemFactory
from tests.tickets.support import Connect, sync
from tickets.models import Agent, SyncRun, TicketSystem
from tickets.planning import agents_to_ask, due_readings, latest_night, plan_readings

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 4, 9, tzinfo=UTC)  # a Wednesday; 10:00 in Berlin
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def at_three(settings: Settings) -> None:
    settings.NIGHTLY_READING_HOUR = 3


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """Rows are created at the time that the planner is told; it only moves on."""
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def known_system(**values: Any) -> TicketSystem:
    """One that was read in full, some weeks ago."""
    system: TicketSystem = TicketSystemFactory(**values)
    run = SyncRunFactory(system=system, state=Job.State.DONE, month=date(2025, 1, 1))
    SyncRun.objects.filter(pk=run.pk).update(created_at=datetime(2026, 1, 1, tzinfo=UTC))
    return system


def due(now: datetime = NOW) -> list[tuple[str, str | None]]:
    return [(str(each.month), each.agent.login if each.agent else None) for each in due_readings(now)]


def months(now: datetime = NOW) -> list[str]:
    return [month for month, agent in due(now) if agent is None]


@pytest.mark.parametrize(
    ("now", "hour", "night"),
    [
        (datetime(2026, 11, 4, 2, 0, tzinfo=UTC), 3, datetime(2026, 11, 4, 2, tzinfo=UTC)),
        (datetime(2026, 11, 4, 1, 59, 59, tzinfo=UTC), 3, datetime(2026, 11, 3, 2, tzinfo=UTC)),
        (datetime(2026, 11, 3, 23, 30, tzinfo=UTC), 0, datetime(2026, 11, 3, 23, tzinfo=UTC)),
        (datetime(2026, 3, 29, 12, tzinfo=UTC), 2, datetime(2026, 3, 29, 1, tzinfo=UTC)),  # left out by spring
        (datetime(2026, 10, 25, 12, tzinfo=UTC), 2, datetime(2026, 10, 25, 0, tzinfo=UTC)),  # the first of the two
        (NOW, -1, None),
        (NOW, 24, None),
    ],
)
def test_night_is_the_latest_such_hour(settings: Settings, now: datetime, hour: int, night: datetime | None) -> None:
    settings.NIGHTLY_READING_HOUR = hour

    assert latest_night(now) == night


@pytest.mark.parametrize(
    ("look_back_days", "expected"),
    [
        (0, ["2026-11"]),
        (3, ["2026-11"]),
        (4, ["2026-11", "2026-10"]),
        (90, ["2026-11", "2026-10", "2026-09", "2026-08"]),
    ],
)
def test_running_month_and_those_that_the_look_back_touches_are_due(look_back_days: int, expected: list[str]) -> None:
    TicketSystemFactory(look_back_days=look_back_days)

    assert due() == [(month, None) for month in expected]


def test_month_that_runs_is_that_of_the_ticket_systems_zone() -> None:
    now = datetime(2026, 10, 31, 23, 30, tzinfo=UTC)
    TicketSystemFactory(look_back_days=0, time_zone="Europe/Berlin")
    TicketSystemFactory(look_back_days=0, time_zone="UTC")

    assert months(now) == ["2026-11", "2026-10"]


def test_nothing_is_due_without_an_hour_or_of_a_system_that_is_switched_off(settings: Settings) -> None:
    TicketSystemFactory(active=False)
    switched_off = due()
    TicketSystem.objects.update(active=True)
    settings.NIGHTLY_READING_HOUR = -1

    assert (switched_off, due(), plan_readings(NOW)) == ([], [], [])


@pytest.mark.parametrize(
    ("age", "values", "is_due"),
    [
        (timedelta(hours=8), {"state": Job.State.DONE}, True),
        (timedelta(hours=7), {"state": Job.State.DONE}, False),
        (timedelta(hours=7), {"state": Job.State.FAILED}, False),
        (timedelta(hours=8), {"state": Job.State.FAILED}, True),
        (timedelta(days=3), {"state": Job.State.QUEUED}, False),
        (timedelta(days=3), {"state": Job.State.RUNNING}, False),
    ],
)
def test_month_is_due_when_nobody_has_begun_with_it_since_the_night(
    age: timedelta, values: dict[str, Any], is_due: bool
) -> None:
    system = TicketSystemFactory(look_back_days=0)
    run = SyncRunFactory(system=system, month=date(2026, 11, 1), **values)
    SyncRun.objects.filter(pk=run.pk).update(created_at=NOW - age)

    assert months() == ["2026-11"] * is_due


def test_window_does_not_stand_for_the_month_and_the_other_way_round(clock: time_machine.Traveller) -> None:
    system = TicketSystemFactory(look_back_days=0, time_source="agents")
    anna, bert = AgentFactory(system=system, login="anna"), AgentFactory(system=system, login="bert")
    SyncRunFactory(system=system, agent=anna, month=date(2026, 11, 1), state=Job.State.DONE)

    assert due() == [("2026-11", None), ("2026-11", "bert")]
    SyncRunFactory(system=system, month=date(2026, 11, 1), state=Job.State.DONE)
    assert due() == [("2026-11", "bert")]
    assert bert == due_readings(NOW)[0].agent


@pytest.mark.parametrize(("source", "planned"), [("history", False), ("agents", True), ("both", True)])
def test_agents_are_planned_where_they_are_a_source_of_time(source: str, planned: bool) -> None:
    system = TicketSystemFactory(look_back_days=5, time_source=source)
    AgentFactory(system=system, login="anna")
    AgentFactory(system=system, login="f.alt", departed=True)
    AgentFactory(system=system, id_only=True)
    AgentFactory(login="somebody of another system")

    ours = [each for each in due_readings(NOW) if each.system == system and each.agent]

    assert [(str(each.month), each.agent and each.agent.login) for each in ours] == [
        ("2026-11", "anna"),
        ("2026-10", "anna"),
        ("2026-11", "f.alt"),
        ("2026-10", "f.alt"),
    ] * planned


def test_login_in_two_spellings_is_asked_once() -> None:
    system = TicketSystemFactory()
    AgentFactory(system=system, login="Anna", login_only=True)
    numbered = AgentFactory(system=system, login="anna", user_id=3)

    assert agents_to_ask(system) == [numbered]


def test_on_sundays_thirteen_months_are_due() -> None:
    sunday = datetime(2026, 11, 8, 9, tzinfo=UTC)
    known_system(look_back_days=30)

    assert len(months(sunday)) == 14
    assert (months(sunday)[0], months(sunday)[-1]) == ("2026-11", "2025-10")


def test_longer_look_back_stays_on_sundays() -> None:
    known_system(look_back_days=600)

    assert months(datetime(2026, 11, 8, 9, tzinfo=UTC))[-1] == "2025-03"


def test_sunday_that_was_missed_is_caught_up_with_once(clock: time_machine.Traveller) -> None:
    known_system(look_back_days=30)

    planned = [str(Month.of(run.month)) for run in plan_readings(NOW)]

    assert len(planned) == 14
    SyncRun.objects.update(state=Job.State.DONE)
    clock.move_to(NOW + DAY)
    assert months(NOW + DAY) == ["2026-11", "2026-10"]


def test_system_that_was_connected_since_sunday_waits_for_the_next_one() -> None:
    system = TicketSystemFactory(look_back_days=30)
    run = SyncRunFactory(system=system, state=Job.State.DONE, month=date(2025, 1, 1))
    SyncRun.objects.filter(pk=run.pk).update(created_at=NOW - DAY)

    assert len(months()) == 2
    assert len(months(datetime(2026, 11, 8, 9, tzinfo=UTC))) == 14


def test_months_are_planned_before_agents_and_newer_ones_first(clock: time_machine.Traveller) -> None:
    system = TicketSystemFactory(look_back_days=30, time_source="both")
    AgentFactory(system=system, login="anna")

    planned = plan_readings(NOW)

    in_order = SyncRun.objects.order_by("created_at", "pk").values_list("month__month", "agent__login", "state")
    assert list(in_order) == [
        (11, None, "queued"),
        (10, None, "queued"),
        (11, "anna", "queued"),
        (10, "anna", "queued"),
    ]
    assert [run.pk for run in planned] == list(SyncRun.objects.order_by("pk").values_list("pk", flat=True))


def test_planner_does_nothing_twice_and_catches_up_after_missed_nights(clock: time_machine.Traveller) -> None:
    TicketSystemFactory(look_back_days=0)

    counts = [len(plan_readings(NOW)), len(plan_readings(NOW))]
    SyncRun.objects.update(state=Job.State.FAILED)
    counts.append(len(plan_readings(NOW)))
    for days in (1, 3, 3):  # the night in between was missed
        clock.move_to(NOW + days * DAY)
        counts.append(len(plan_readings(NOW + days * DAY)))
        SyncRun.objects.update(state=Job.State.DONE)

    assert counts == [1, 0, 0, 1, 1, 0]


def test_agents_that_a_month_has_shown_are_planned(
    simulator: RunningSimulator, connect: Connect, small_data: DataSet
) -> None:
    """Owners and responsibles; nobody entered a login."""
    system = connect(simulator, time_source="both", look_back_days=0)
    AgentFactory(system=system, login="e.jung", login_only=True)
    before = {each.agent.login for each in due_readings(NOW) if each.agent}

    sync(system)

    after = {each.agent.login for each in due_readings(NOW) if each.agent}
    owners = {ticket.owner.login for ticket in small_data.tickets.values()}
    assert before == {"e.jung"}
    assert after == owners | {"e.jung", "root@localhost"}


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_two_planners_at_once_plan_once(settings: Settings) -> None:
    system = TicketSystemFactory(time_source="agents", look_back_days=90)
    for number in range(5):
        AgentFactory(system=system, login=f"agent{number}")
    now = datetime.now(UTC)

    planned = at_once(lambda number: len(plan_readings(now)), workers=4)

    assert sorted(planned)[:3] == [0, 0, 0]
    assert SyncRun.objects.count() == max(planned) == 6 * SyncRun.objects.values("month").distinct().count()
    assert Agent.objects.count() == 5
