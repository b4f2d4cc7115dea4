from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings as django_settings
from pytest_django import Settings

from billing.kivitendo_copy import the_copy
from billing.kivitendo_database import Unreachable
from billing.models import BillingRun
from billing.tasks import refresh_kivitendo, run
from common.jobs import LEASE, MAX_ATTEMPTS, Job
from common.months import Month
from portal import tasks
from portal.celery import app
from portal.schedule import AGAIN, PATIENCE, jobs_to_resume, month_due
from tests.billing.fake_kivitendo import installed
from tests.factories.tickets import AgentFactory, CustomerFactory, SyncRunFactory, TicketSystemFactory
from tickets.models import SyncRun
from tickets.tasks import sync

NOW = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)


@pytest.fixture
def at_noon() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Primary keys of the billing runs for which a message was sent."""
    keys: list[int] = []
    monkeypatch.setattr(run, "delay", keys.append)
    return keys


@pytest.fixture
def read_again(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The same for sync runs."""
    keys: list[int] = []
    monkeypatch.setattr(sync, "delay", keys.append)
    return keys


def make_run(month: int, *, age: timedelta = timedelta(hours=1), **values: Any) -> BillingRun:
    job = BillingRun.objects.create(month=date(2026, month, 1), **values)
    BillingRun.objects.filter(pk=job.pk).update(created_at=NOW - age)
    return job


@pytest.mark.django_db
def test_waiting_jobs_are_resumed_oldest_first() -> None:
    newer = make_run(9, age=timedelta(hours=1))
    older = make_run(10, age=timedelta(hours=2))

    assert jobs_to_resume(BillingRun.objects.all(), now=NOW) == [older.pk, newer.pk]


@pytest.mark.django_db
def test_job_just_made_is_left_to_its_own_message() -> None:
    make_run(9, age=PATIENCE)

    assert jobs_to_resume(BillingRun.objects.all(), now=NOW) == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("lease", "resumed"),
    [(NOW + LEASE, False), (NOW, False), (NOW - timedelta(seconds=1), True)],
)
def test_running_job_is_resumed_when_its_lease_is_over(lease: datetime, resumed: bool) -> None:
    job = make_run(9, state=Job.State.RUNNING, attempts=1, lease_until=lease)

    assert jobs_to_resume(BillingRun.objects.all(), now=NOW) == [job.pk] * resumed


@pytest.mark.django_db
def test_job_that_died_too_often_fails_with_a_sentence() -> None:
    job = make_run(9, state=Job.State.RUNNING, attempts=MAX_ATTEMPTS, lease_until=NOW - LEASE)

    resumed = jobs_to_resume(BillingRun.objects.all(), now=NOW)

    job.refresh_from_db()
    assert resumed == []
    assert job.state == Job.State.FAILED
    assert "never came to an end" in job.error


@pytest.mark.django_db
@pytest.mark.parametrize("state", [Job.State.DONE, Job.State.PARTLY, Job.State.FAILED])
def test_finished_job_stays_finished(state: Job.State) -> None:
    make_run(9, state=state)

    assert jobs_to_resume(BillingRun.objects.all(), now=NOW) == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("now", "day", "month"),
    [
        (datetime(2026, 11, 3, tzinfo=UTC), 0, None),
        (datetime(2026, 11, 2, tzinfo=UTC), 3, None),
        (datetime(2026, 11, 3, tzinfo=UTC), 3, Month(2026, 10)),
        (datetime(2026, 11, 30, tzinfo=UTC), 3, Month(2026, 10)),
        (datetime(2026, 11, 2, 22, 59, tzinfo=UTC), 3, None),
        (datetime(2026, 11, 2, 23, 0, tzinfo=UTC), 3, Month(2026, 10)),  # it is the 3rd in Berlin
        (datetime(2026, 2, 27, tzinfo=UTC), 31, None),
        (datetime(2026, 2, 28, tzinfo=UTC), 31, Month(2026, 1)),  # the month has no 31st
        (datetime(2026, 1, 1, tzinfo=UTC), 1, Month(2025, 12)),
    ],
)
def test_month_is_due_from_its_day_on(now: datetime, day: int, month: Month | None) -> None:
    assert month_due(now=now, day=day) == month


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("values", "due"),
    [
        ({"state": Job.State.QUEUED}, False),
        ({"state": Job.State.RUNNING, "lease_until": NOW - LEASE}, False),
        ({"state": Job.State.DONE, "complete": True, "finished_at": NOW - 9 * AGAIN}, False),
        ({"state": Job.State.PARTLY, "finished_at": NOW - AGAIN + timedelta(seconds=1)}, False),
        ({"state": Job.State.PARTLY, "finished_at": NOW - AGAIN}, True),
        ({"state": Job.State.FAILED, "finished_at": NOW - AGAIN}, True),
        ({"state": Job.State.FAILED}, True),
    ],
)
def test_month_that_has_a_run_is_due_again_only_when_that_ended_incomplete_some_hours_ago(
    values: dict[str, Any], due: bool
) -> None:
    make_run(10, **values)

    assert month_due(now=NOW, day=1) == (Month(2026, 10) if due else None)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("now", "due"),
    [
        (datetime(2026, 10, 31, 23, 4, tzinfo=UTC), False),  # November in Berlin, October in Azores and UTC
        (datetime(2026, 11, 1, 0, 59, 59, tzinfo=UTC), False),
        (datetime(2026, 11, 1, 1, tzinfo=UTC), True),
    ],
)
def test_month_is_not_due_before_it_is_over_in_every_active_system(now: datetime, due: bool) -> None:
    for zone, active in (("Europe/Berlin", True), ("Atlantic/Azores", True), ("Pacific/Honolulu", False)):
        TicketSystemFactory(time_zone=zone, active=active)

    assert month_due(now=now, day=1) == (Month(2026, 10) if due else None)


@pytest.mark.django_db
def test_incomplete_run_is_started_anew_with_reading(sent: list[int], at_noon: None, settings: Settings) -> None:
    settings.BILLING_DAY_OF_MONTH = 3
    job = make_run(10, state=Job.State.PARTLY, finished_at=NOW - AGAIN, reads_first=False)

    tasks.start_due_runs()
    tasks.start_due_runs()

    job.refresh_from_db()
    assert sent == [job.pk]
    assert (job.state, job.reads_first, job.requested_at) == (Job.State.QUEUED, True, NOW)


@pytest.mark.django_db
def test_run_of_one_customer_does_not_stand_for_all() -> None:
    make_run(10, customer=CustomerFactory())

    assert month_due(now=NOW, day=1) == Month(2026, 10)


@pytest.mark.django_db
def test_due_month_is_started_once(sent: list[int], at_noon: None, settings: Settings) -> None:
    settings.BILLING_DAY_OF_MONTH = 3

    tasks.start_due_runs()
    tasks.start_due_runs()

    job = BillingRun.objects.get()
    assert job.month == date(2026, 10, 1)
    assert sent == [job.pk]


@pytest.mark.django_db
def test_nothing_is_started_without_a_day(sent: list[int], at_noon: None) -> None:
    tasks.start_due_runs()

    assert sent == []


@pytest.fixture
def waiting_sync(db: None) -> SyncRun:
    """Reads September."""
    reading: SyncRun = SyncRunFactory(system=TicketSystemFactory(), month=date(2026, 9, 1), state=Job.State.QUEUED)
    SyncRun.objects.filter(pk=reading.pk).update(created_at=NOW - LEASE)
    return reading


def test_waiting_jobs_of_both_kinds_are_sent_again(
    sent: list[int], read_again: list[int], at_noon: None, waiting_sync: SyncRun
) -> None:
    job = make_run(10)

    tasks.resume_jobs()

    assert sent == [job.pk]
    assert read_again == [waiting_sync.pk]


@pytest.mark.parametrize(
    ("values", "alone"),
    [
        ({"state": Job.State.RUNNING}, False),
        ({"state": Job.State.QUEUED}, False),
        ({"state": Job.State.QUEUED, "reads_first": False}, True),
        ({"state": Job.State.DONE}, True),
    ],
)
def test_sync_of_an_unfinished_billing_run_is_left_to_it(
    read_again: list[int], sent: list[int], at_noon: None, waiting_sync: SyncRun, values: dict[str, Any], alone: bool
) -> None:
    make_run(9, **values)

    tasks.resume_jobs()

    assert read_again == [waiting_sync.pk] * alone


def test_window_of_the_month_that_a_billing_run_reads_is_sent_on_its_own(
    read_again: list[int], sent: list[int], at_noon: None, waiting_sync: SyncRun
) -> None:
    make_run(9, state=Job.State.RUNNING)
    window = SyncRunFactory(system=waiting_sync.system, agent=AgentFactory(system=waiting_sync.system))
    SyncRun.objects.update(created_at=NOW - LEASE)
    SyncRun.objects.filter(pk=window.pk).update(month=date(2026, 9, 1))

    tasks.resume_jobs()

    assert read_again == [window.pk]


def test_of_each_ticket_system_one_reading_is_sent_again(
    read_again: list[int], at_noon: None, waiting_sync: SyncRun
) -> None:
    agent = AgentFactory(system=waiting_sync.system)
    for month in (date(2026, 8, 1), date(2026, 9, 1)):
        SyncRunFactory(system=waiting_sync.system, agent=agent, month=month)
    other = SyncRunFactory()
    held = SyncRunFactory(state=Job.State.RUNNING, lease_until=NOW + LEASE)
    SyncRunFactory(system=held.system, month=date(2026, 9, 1))
    SyncRun.objects.update(created_at=NOW - LEASE)

    tasks.resume_jobs()

    assert read_again == [waiting_sync.pk, other.pk]


def test_sync_that_died_too_often_fails_with_a_sentence(
    read_again: list[int], at_noon: None, waiting_sync: SyncRun
) -> None:
    dead = {"state": Job.State.RUNNING, "attempts": MAX_ATTEMPTS, "lease_until": NOW - LEASE}
    SyncRun.objects.update(**dead)

    tasks.resume_jobs()

    assert (read_again, SyncRun.objects.get().state) == ([], Job.State.FAILED)


@pytest.mark.django_db
def test_readings_of_the_night_are_planned_once_and_the_first_of_each_system_is_sent(
    read_again: list[int], at_noon: None, settings: Settings
) -> None:
    settings.NIGHTLY_READING_HOUR = 3
    systems = [TicketSystemFactory(look_back_days=30, time_source="agents") for _ in range(2)]
    for system in systems:
        AgentFactory(system=system)

    tasks.plan_readings()
    tasks.plan_readings()

    runs = SyncRun.objects.order_by("pk")
    assert len(runs) == 8
    firsts = [next(run for run in runs if run.system == system) for system in systems]
    assert read_again == [run.pk for run in firsts]
    assert {(run.agent, run.month) for run in firsts} == {(None, date(2026, 11, 1))}


@pytest.mark.django_db
def test_no_reading_is_planned_without_an_hour(read_again: list[int], at_noon: None) -> None:
    TicketSystemFactory()

    tasks.plan_readings()

    assert (read_again, SyncRun.objects.count()) == ([], 0)


def test_every_task_of_the_schedule_exists() -> None:
    planned = {entry["task"] for entry in django_settings.CELERY_BEAT_SCHEDULE.values()}

    assert "portal.plan_readings" in planned
    assert planned <= set(app.tasks)


def test_kivitendo_is_read_once_an_hour_where_it_is_configured(
    db: None, at_noon: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[bool] = []
    monkeypatch.setattr(refresh_kivitendo, "delay", lambda: sent.append(True))
    tasks.plan_kivitendo()
    assert sent == []

    erp = installed(settings, monkeypatch)
    tasks.plan_kivitendo()
    assert (sent, erp.asked) == ([True], [])

    refresh_kivitendo()
    tasks.plan_kivitendo()
    assert (sent, the_copy().read_at) == ([True], NOW)


def test_kivitendo_that_does_not_answer_is_logged_and_told(
    db: None, at_noon: None, settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    installed(settings, monkeypatch).failure = Unreachable("The server is down.")

    refresh_kivitendo()

    assert caplog.messages == ["kivitendo was not read: The server is down."]
    assert the_copy().error == "The server is down."
