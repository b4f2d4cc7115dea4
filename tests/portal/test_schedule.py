from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.core import mail
from pytest_django import DjangoAssertNumQueries, Settings

from billing.agreement_models import Agreement
from billing.due import AGAIN
from billing.kivitendo_copy import the_copy
from billing.kivitendo_database import Unreachable
from billing.models import BillingRun
from billing.run_models import RunMail, RunStart
from billing.runs import start_run
from billing.starts import ask_for_due_run
from billing.tasks import refresh_kivitendo, run
from common.jobs import LEASE, MAX_ATTEMPTS, Job
from common.months import Month
from portal import tasks
from portal.celery import app
from portal.languages import keep_language
from portal.schedule import PATIENCE, jobs_to_resume, runs_due
from tests.at_once import at_once
from tests.billing.fake_kivitendo import installed
from tests.factories.billing import AgreementFactory
from tests.factories.tickets import AgentFactory, CustomerFactory, SyncRunFactory, TicketSystemFactory
from tickets.models import Customer, SyncRun
from tickets.tasks import sync

NOW = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)
PLANNER_QUERIES = 7


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


def due(now: datetime = NOW, day: int = 1) -> list[tuple[Month, int | None]]:
    """Month and customer of the runs that are due."""
    return [(run.month, run.customer) for run in runs_due(now=now, day=day)]


def with_own_terms(**terms: Any) -> Customer:
    agreement: Agreement = AgreementFactory(**terms)
    assert agreement.customer is not None
    return agreement.customer


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("now", "day", "month"),
    [
        (datetime(2026, 11, 3, tzinfo=UTC), 0, None),
        (datetime(2026, 11, 2, tzinfo=UTC), 3, Month(2026, 9)),  # in October no portal was there to do it
        (datetime(2026, 11, 3, tzinfo=UTC), 3, Month(2026, 10)),
        (datetime(2026, 11, 30, tzinfo=UTC), 3, Month(2026, 10)),
        (datetime(2026, 11, 2, 22, 59, tzinfo=UTC), 3, Month(2026, 9)),
        (datetime(2026, 11, 2, 23, 0, tzinfo=UTC), 3, Month(2026, 10)),  # it is the 3rd in Berlin
        (datetime(2026, 2, 28, tzinfo=UTC), 31, Month(2026, 1)),  # the month has no 31st
        (datetime(2026, 1, 1, tzinfo=UTC), 1, Month(2025, 12)),
    ],
)
def test_new_portal_begins_with_the_latest_month_that_is_due(now: datetime, day: int, month: Month | None) -> None:
    assert due(now, day) == ([(month, None)] if month else [])


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("values", "is_due"),
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
    values: dict[str, Any], is_due: bool
) -> None:
    make_run(10, **values)

    assert ((Month(2026, 10), None) in due()) is is_due


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("now", "month"),
    [
        (datetime(2026, 10, 31, 23, 4, tzinfo=UTC), Month(2026, 9)),  # November in Berlin, October in Azores and UTC
        (datetime(2026, 11, 1, 0, 59, 59, tzinfo=UTC), Month(2026, 9)),
        (datetime(2026, 11, 1, 1, tzinfo=UTC), Month(2026, 10)),
    ],
)
def test_month_is_not_due_before_it_is_over_in_every_active_system(now: datetime, month: Month) -> None:
    for zone, active in (("Europe/Berlin", True), ("Atlantic/Azores", True), ("Pacific/Honolulu", False)):
        TicketSystemFactory(time_zone=zone, active=active)

    assert due(now) == [(month, None)]


@pytest.mark.django_db
def test_month_can_be_due_while_it_still_lasts_in_utc() -> None:
    TicketSystemFactory(time_zone="Pacific/Kiritimati")

    assert due(datetime(2026, 10, 31, 10, tzinfo=UTC)) == [(Month(2026, 10), None)]


@pytest.mark.django_db
def test_incomplete_run_is_started_anew_with_reading(sent: list[int], at_noon: None, settings: Settings) -> None:
    settings.BILLING_DAY_OF_MONTH = 3
    job = make_run(10, state=Job.State.PARTLY, finished_at=NOW - AGAIN, reads_first=False, requested_at=NOW - AGAIN)

    tasks.start_due_runs()
    tasks.start_due_runs()

    job.refresh_from_db()
    assert sent == [job.pk]
    assert (job.state, job.reads_first, job.requested_at) == (Job.State.QUEUED, True, NOW)
    assert [(start.by, start.user) for start in job.starts.all()] == [(RunStart.By.SCHEDULER, None)]


@pytest.mark.django_db
def test_run_of_one_customer_does_not_stand_for_all() -> None:
    make_run(10, customer=CustomerFactory())

    assert due() == [(Month(2026, 10), None)]


@pytest.mark.django_db
def test_customers_with_own_terms_are_left_for_runs_of_their_own() -> None:
    with_own_terms()
    early, late = with_own_terms(billing_day=2), with_own_terms(grace_days=20)
    with_own_terms(billing_day=2, billed=False)
    with_own_terms(billing_day=2, valid_to=date(2026, 9, 30))
    with_own_terms(billing_day=2, customer=CustomerFactory(system=TicketSystemFactory(active=False)))

    (for_all,) = runs_due(now=NOW, day=3)

    assert (for_all.customer, for_all.left_out) == (None, ((late.pk, date(2026, 11, 21)),))
    assert due(day=0) == [(Month(2026, 10), early.pk)]


@pytest.mark.django_db
def test_day_of_the_default_agreement_goes_before_that_of_the_portal() -> None:
    Agreement.objects.filter(is_default=True).update(billing_day=10, grace_days=2)
    TicketSystemFactory()

    (run,) = runs_due(now=datetime(2026, 11, 10, tzinfo=UTC), day=3)

    assert (run.month, run.at.date()) == (Month(2026, 10), date(2026, 11, 10))
    assert due(datetime(2026, 11, 9, tzinfo=UTC), 3) == [(Month(2026, 9), None)]


@pytest.mark.django_db
def test_without_a_default_agreement_the_day_of_the_portal_counts() -> None:
    Agreement.objects.all().delete()

    assert due(day=3) == [(Month(2026, 10), None)]


@pytest.mark.django_db
def test_terms_are_those_of_the_agreement_of_the_month() -> None:
    customer = with_own_terms(billing_day=2)
    AgreementFactory(customer=customer, valid_from=date(2026, 11, 1), billing_day=20)

    assert due(day=0) == [(Month(2026, 10), customer.pk)]


@pytest.mark.django_db
def test_portal_that_was_off_for_two_months_makes_up_for_them(sent: list[int], settings: Settings) -> None:
    settings.BILLING_DAY_OF_MONTH = 3
    quarterly, late = with_own_terms(billing_day=20, period_months=3), with_own_terms(grace_days=25)
    for day in (datetime(2026, 8, 3, 12, tzinfo=UTC), NOW):
        with time_machine.travel(day, tick=False):
            tasks.start_due_runs()
            tasks.start_due_runs()
        BillingRun.objects.update(state=Job.State.DONE, complete=True, finished_at=NOW)

    started = {(f"{run.month:%Y-%m}", run.customer_id) for run in BillingRun.objects.all()}

    # On the day, July: the one with grace not yet. Later the months that were missed, each customer in one run.
    assert started == {("2026-07", None), ("2026-07", late.pk), ("2026-08", None), ("2026-09", None), ("2026-10", None)}
    assert len(sent) == 5
    left_out = {
        f"{start.run.month:%Y-%m}": [row["pk"] for row in start.left_out]
        for start in RunStart.objects.filter(run__customer=None)
    }
    assert left_out == {"2026-07": [late.pk], "2026-08": [], "2026-09": [], "2026-10": [late.pk]}
    assert quarterly.billing_runs.count() == 0  # the run over all of September took the quarter


@pytest.mark.django_db
def test_month_further_back_than_the_look_back_is_not_made_up_for() -> None:
    RunStart.objects.create(
        run=make_run(1, state=Job.State.DONE, complete=True), by=RunStart.By.SCHEDULER, at=NOW, ended_at=NOW
    )

    assert due() == [(Month(2026, month), None) for month in range(5, 11)]


@pytest.mark.django_db
@pytest.mark.parametrize("customers", [1, 3])
def test_planner_asks_no_more_of_more_customers(
    customers: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _index in range(customers):
        make_run(10, customer=with_own_terms(billing_day=2), state=Job.State.FAILED)

    with django_assert_num_queries(PLANNER_QUERIES):
        assert len(due(day=0)) == customers


@pytest.mark.django_db
def test_run_that_somebody_started_meanwhile_is_left_to_them() -> None:
    (found,) = runs_due(now=NOW, day=3)
    theirs = start_run(month=found.month, now=NOW)

    assert ask_for_due_run(found, now=NOW) is None
    assert [start.by for start in theirs.starts.all()] == [RunStart.By.COMMAND]


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_round", range(5))
def test_planners_at_once_start_each_run_once(_round: int, monkeypatch: pytest.MonkeyPatch) -> None:
    messages: list[int] = []
    monkeypatch.setattr(run, "delay", messages.append)
    customers = {with_own_terms(billing_day=2).pk for _ in range(3)}

    def plan(number: int) -> int:
        runs = runs_due(now=NOW, day=0)
        return sum(ask_for_due_run(found, now=NOW) is not None for found in runs)

    started = at_once(plan, workers=8)

    assert sum(started) == 3
    assert {job.customer_id for job in BillingRun.objects.all()} == customers
    assert RunStart.objects.count() == BillingRun.objects.count() == 3


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


@pytest.mark.django_db
def test_mails_that_wait_are_sent_in_the_language_of_their_readers(at_noon: None, settings: Settings) -> None:
    settings.SENDS_MAIL = True
    keep_language(User.objects.create_superuser("dora", "dora@example.com"), "de")
    start = RunStart.objects.create(run=make_run(10), by=RunStart.By.SCHEDULER, at=NOW, ended_at=NOW, state="done")
    RunMail.objects.create(start=start, kind=RunMail.Kind.RESULT, user=User.objects.get(), due_at=NOW)

    tasks.send_mails()
    tasks.send_mails()

    assert ["Oktober 2026" in message.subject for message in mail.outbox] == [True]


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
