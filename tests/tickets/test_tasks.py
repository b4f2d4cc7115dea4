import pytest

from common import jobs
from common.jobs import LeaseLost
from generic_interface.simulator.server import RunningSimulator
from tests.tickets.support import NOW, OCTOBER
from tickets import tasks
from tickets.models import SyncRun, TicketSystem
from tickets.sync import start_sync

pytestmark = pytest.mark.django_db


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
