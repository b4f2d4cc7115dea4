"""A whole night: what the scheduler plans is read to the end, one message after the other."""

from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from pytest_django import Settings

from common.months import Month
from generic_interface.simulator.data import build_data_set
from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.server import RunningSimulator, start_simulator
from portal import tasks
from tests.factories.tickets import AgentFactory, connected
from tests.tickets.support import dump_mirror, present, truth
from tickets.models import SyncRun, TicketSystem
from tickets.tasks import sync

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
EVENING = datetime(2026, 11, 4, 18, tzinfo=UTC)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(EVENING, tick=False) as traveller:
        yield traveller


@pytest.fixture
def messages(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> deque[int]:
    """What waits for a worker; with it the reading at night is switched on."""
    queue: deque[int] = deque()
    monkeypatch.setattr(sync, "delay", queue.append)
    settings.NIGHTLY_READING_HOUR = 3
    return queue


@pytest.fixture
def data() -> DataSet:
    """August to October 2026."""
    return build_data_set((2026, 10))


@pytest.fixture
def running(data: DataSet) -> Iterator[RunningSimulator]:
    with start_simulator(data) as simulator:
        yield simulator


def work_off(messages: deque[int]) -> int:
    """One worker; returns how many messages it took, planned ones and those of agents that came to be known."""
    taken = 0
    tasks.plan_readings()
    while messages:
        sync(messages.popleft())
        taken += 1
        if not messages:
            tasks.plan_readings()
    return taken


@pytest.mark.parametrize("source", ["agents", "both"])
def test_night_reads_every_month_and_every_agent_once(
    clock: time_machine.Traveller, messages: deque[int], data: DataSet, running: RunningSimulator, source: str
) -> None:
    system: TicketSystem = connected(running, time_source=source, look_back_days=90)
    AgentFactory(system=system, login="f.alt", login_only=True, departed=True)

    taken = work_off(messages)

    agents = len([login for login in data.agents if login != "portal-api"])
    assert taken == SyncRun.objects.count() == 4 * (1 + agents)
    assert set(SyncRun.objects.values_list("state", flat=True)) <= {"done", "partly"}
    for month in (Month(2026, 8), Month(2026, 9), Month(2026, 10)):
        assert present(month) == truth(data, month)


def test_second_night_changes_nothing_and_a_lost_message_is_sent_again(
    clock: time_machine.Traveller, messages: deque[int], running: RunningSimulator
) -> None:
    connected(running, time_source="both", look_back_days=30)
    first = work_off(messages)
    clock.shift(timedelta(days=1))
    work_off(messages)
    before = dump_mirror()
    clock.shift(timedelta(days=1))
    tasks.plan_readings()
    messages.clear()  # the broker lost it
    clock.shift(timedelta(minutes=2))
    tasks.resume_jobs()

    again = work_off(messages)

    assert again == first
    assert dump_mirror() == before
    assert not SyncRun.objects.filter(state="queued").exists()
