"""Real workers: time limits of seconds, a stop with grace, and two schedulers that were off when a run was due."""

import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.utils import timezone

from billing.models import Agreement, BillingRun, Order
from billing.run_models import RunStart
from common.jobs import Job
from common.months import Month
from generic_interface.simulator.faults import FaultPlan
from generic_interface.simulator.server import RunningSimulator, start_simulator
from tests.chaos.stage import Stage, stage
from tests.chaos.writer import Writer, build
from tests.factories.tickets import connected
from tickets.models import SyncRun, TicketSystem, TimeEntry
from tickets.sync import start_sync

pytestmark = [pytest.mark.slow, pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]
PACE, LONGEST_WAIT = 20, 150.0
LAST = Month.of(timezone.now().date()).previous
CUSTOMERS = 3


@pytest.fixture
def simulator(db: None) -> Iterator[RunningSimulator]:
    """Two closed tickets of each of three customers, an entry each; tickets the portal has not read yet."""
    Agreement.objects.get_or_create(is_default=True, defaults={"hourly_rate": 95})
    data = build(CUSTOMERS, LAST)
    Writer(data, LAST, random.Random(1)).begin()
    with start_simulator(data, faults=FaultPlan(late_seconds=12, drip_seconds=0.05)) as running:
        yield running


@pytest.fixture
def system(simulator: RunningSimulator) -> TicketSystem:
    return connected(simulator, name="Helpdesk")


def wait_until(is_so: Callable[[], object], what: str, running: Stage) -> None:
    end = time.monotonic() + LONGEST_WAIT
    while not is_so():
        assert time.monotonic() < end, f"{what} did not come:\n{running.log.read_text(encoding='utf-8')[-3000:]}"
        time.sleep(0.1)


def deliveries(running: Stage, task: str) -> int:
    return sum(delivery.task == task for delivery in running.deliveries())


@pytest.mark.parametrize(
    ("limits", "sign"),
    [
        ({"CHAOS_TASK_SOFT_TIME_LIMIT": "4"}, "SoftTimeLimitExceeded"),
        ({"CHAOS_TASK_SOFT_TIME_LIMIT": "0", "CHAOS_TASK_TIME_LIMIT": "4"}, "Hard time limit"),
    ],
)
def test_task_that_is_cut_off_by_its_time_limit_goes_on(
    limits: dict[str, str], sign: str, tmp_path: Path, simulator: RunningSimulator, system: TicketSystem
) -> None:
    simulator.faults.add("TicketSearch:hang")  # longer than the limit
    with stage(tmp_path / "stage", pace=PACE, keeps=True, environment=limits) as running:
        run = start_sync(system=system, month=LAST)
        running.send("tickets.sync", run.pk, queue="network")
        wait_until(lambda: sign in running.log.read_text(encoding="utf-8"), "the time limit", running)
        simulator.faults.clear()
        wait_until(lambda: SyncRun.objects.get(pk=run.pk).state == Job.State.DONE, "the end of the reading", running)

    run.refresh_from_db()
    assert run.attempts > 1
    assert (run.complete, TimeEntry.objects.present().count()) == (True, 2 * CUSTOMERS)


def test_worker_that_is_asked_to_stop_ends_its_task_first(
    tmp_path: Path, simulator: RunningSimulator, system: TicketSystem
) -> None:
    simulator.faults.add("SessionCreate:slow")
    with stage(tmp_path / "stage", pace=1, keeps=True, schedulers=False) as running:
        run = start_sync(system=system, month=LAST)
        wait_until(lambda: running.send("tickets.sync", run.pk, queue="network"), "the broker", running)
        wait_until(lambda: simulator.operations(), "the first request", running)
        process = running.programs["worker network"].process
        assert process is not None
        process.send_signal(signal.SIGTERM)
        code = process.wait(timeout=LONGEST_WAIT)

    run.refresh_from_db()
    assert code == 0
    assert (run.state, run.attempts) == (Job.State.DONE, 1)


def test_two_schedulers_that_were_off_when_a_run_was_due_start_it_once(tmp_path: Path, system: TicketSystem) -> None:
    settings = {"BILLING_DAY_OF_MONTH": "1"}
    with stage(tmp_path / "stage", pace=PACE, keeps=True, schedulers=False, environment=settings) as running:
        begun = timezone.now()
        running.start_schedulers()
        wait_until(lambda: BillingRun.objects.filter(state=Job.State.DONE).exists(), "the run", running)
        asked = deliveries(running, "portal.start_due_runs")
        wait_until(lambda: deliveries(running, "portal.start_due_runs") >= asked + 2, "further rounds", running)

    (run,), (start,) = BillingRun.objects.all(), RunStart.objects.all()
    assert (run.month, run.complete, start.by) == (LAST.first_day, True, RunStart.By.SCHEDULER)
    assert Order.objects.count() == Order.objects.values("customer").distinct().count() == CUSTOMERS
    assert (start.at - begun).total_seconds() <= 600 / PACE + 3 * running.start_seconds
