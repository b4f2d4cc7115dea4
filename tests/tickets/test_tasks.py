from datetime import UTC, datetime, timedelta

import pytest

from common import jobs
from common.jobs import LeaseLost
from generic_interface.simulator.server import RunningSimulator
from tests.factories.tickets import AgentFactory, SyncRunFactory, TicketSystemFactory
from tests.tickets.support import NOW, OCTOBER
from tickets import tasks
from tickets.models import SyncRun, TicketSystem
from tickets.sync import start_sync
from tickets.waiting import next_of_each_system, next_waiting

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Primary keys of the runs for which a message was sent."""
    keys: list[int] = []
    monkeypatch.setattr(tasks.sync, "delay", keys.append)
    return keys


def test_task_carries_out_the_run(system: TicketSystem) -> None:
    run = start_sync(system=system, month=OCTOBER)

    tasks.sync(run.pk)

    run.refresh_from_db()
    assert (run.state, run.complete, run.tickets) == ("done", True, 6)


def test_task_delivered_twice_does_its_work_once(simulator: RunningSimulator, system: TicketSystem) -> None:
    run = start_sync(system=system, month=OCTOBER)
    tasks.sync(run.pk)
    simulator.forget_requests()

    tasks.sync(run.pk)

    assert simulator.operations() == []


def test_task_leaves_a_run_waiting_while_the_system_is_read_for_another_month(system: TicketSystem) -> None:
    other = start_sync(system=system, month=OCTOBER.previous)
    jobs.claim(other, now=NOW.replace(year=2100))
    run = start_sync(system=system, month=OCTOBER)

    tasks.sync(run.pk)

    assert SyncRun.objects.get(pk=run.pk).state == "queued"


def test_task_that_was_overtaken_ends_quietly(system: TicketSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    run = start_sync(system=system, month=OCTOBER)

    def overtaken(run: SyncRun, *, accept_losses: bool) -> None:
        raise LeaseLost("taken over")

    monkeypatch.setattr(tasks, "run_sync", overtaken)

    tasks.sync(run.pk)

    assert SyncRun.objects.get(pk=run.pk).state == "queued"


def test_task_of_a_run_that_is_not_there_any_more_does_nothing(sent: list[int]) -> None:
    tasks.sync(4711)

    assert sent == []


def test_task_sends_the_next_run_of_its_ticket_system(system: TicketSystem, sent: list[int]) -> None:
    agent = AgentFactory(system=system, login="anna.mueller", login_only=True)
    first = start_sync(system=system, month=OCTOBER, agent=agent)
    older = start_sync(system=system, month=OCTOBER.previous, agent=agent)
    month = start_sync(system=system, month=OCTOBER)
    SyncRunFactory(system=TicketSystemFactory())

    for run in (first, month, older):
        tasks.sync(run.pk)

    assert sent == [month.pk, older.pk]
    assert set(SyncRun.objects.filter(system=system).values_list("state", flat=True)) == {"done"}


def test_task_whose_run_failed_or_was_busy_sends_nothing(
    system: TicketSystem, simulator: RunningSimulator, sent: list[int]
) -> None:
    first, second = (start_sync(system=system, month=month) for month in (OCTOBER, OCTOBER.previous))
    simulator.faults.add("TicketSearch:http_500")

    tasks.sync(first.pk)
    tasks.sync(first.pk)

    states = SyncRun.objects.order_by("pk").values_list("pk", "state")
    assert (sent, list(states)) == ([], [(first.pk, "failed"), (second.pk, "queued")])


def test_next_is_a_month_before_an_agent_and_the_oldest_else(system: TicketSystem) -> None:
    now, agent = datetime.now(UTC), AgentFactory(system=system)
    runs = [
        SyncRunFactory(system=system, agent=agent, month="2026-08-01"),
        SyncRunFactory(system=system, agent=agent, month="2026-09-01"),
        SyncRunFactory(system=system, month="2026-10-01"),
        SyncRunFactory(system=system, month="2026-11-01"),
    ]
    for place, run in enumerate(reversed(runs)):
        SyncRun.objects.filter(pk=run.pk).update(created_at=now + timedelta(seconds=place))

    order = []
    while (following := next_waiting(system.pk, now=now)) is not None:
        order.append(following)
        SyncRun.objects.filter(pk=following).update(state="done")

    assert order == [runs[place].pk for place in (3, 2, 1, 0)]


def test_nothing_is_next_while_a_worker_is_at_the_ticket_system(system: TicketSystem) -> None:
    other = SyncRunFactory(month="2026-09-01")
    SyncRunFactory(system=system, month="2026-09-01")
    held = SyncRunFactory(system=system, state="running", lease_until=NOW + jobs.LEASE)

    waiting = next_of_each_system(SyncRun.objects.all(), now=NOW)
    dead = next_of_each_system(SyncRun.objects.filter(system=system), now=NOW + 2 * jobs.LEASE)

    assert waiting == [other.pk]
    assert len(dead) == 1
    assert held.pk not in waiting
