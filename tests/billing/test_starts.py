"""The history of a run, the retry of those that failed, and stopping."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from billing import tasks
from billing.due import DueRun
from billing.models import Agreement, BillingRun, Order
from billing.run_models import RunStart
from billing.runs import run_billing, start_run
from billing.starts import StartRefused, ask_for_due_run, cancel_run, open_start, retry_failed
from common.jobs import LEASE, Job
from tests.at_once import at_once
from tests.billing.scenes import (
    NOW,
    OCTOBER,
    Interrupted,
    bill,
    billed,
    book,
    killing,
    ledger,
    read_completely,
    ticket_of,
)
from tests.billing.schedules import queue, scheduled
from tests.factories.billing import AgreementFactory
from tests.factories.tickets import CustomerFactory, TicketSystemFactory
from tests.unguarded import without_guards
from tickets.models import Customer, TicketSystem

LATER = NOW + timedelta(hours=1)
MUCH_LATER = NOW + timedelta(hours=2)


@pytest.fixture
def user(django_user_model: type[User]) -> User:
    return django_user_model.objects.create_user("clara")


@pytest.fixture
def customers(system: TicketSystem) -> list[Customer]:
    """Three to bill; the agreement of the second one cannot be used."""
    found: list[Customer] = [CustomerFactory(system=system, customer_id=name, name=f"{name} AG") for name in "ABC"]
    for customer in found:
        AgreementFactory(customer=customer, position_text="{nummer}" if customer.customer_id == "B" else "{number}")
        ticket_of(customer, 10, number=f"{customer.customer_id}1")
    return found


def mend(customer: Customer) -> None:
    customer.agreements.update(position_text="{number}")


def ends(run: BillingRun) -> list[tuple[str, str, int, int]]:
    """Who started, how it ended, how many are done and how many failed; the latest first."""
    return [(start.by, start.state, start.done_count, len(start.failures)) for start in run.starts.all()]


def test_each_start_is_kept_with_who_when_and_how_it_ended(customers: list[Customer], user: User) -> None:
    run = run_billing(start_run(month=OCTOBER, reads_first=False, user=user, now=NOW), clock=lambda: NOW)
    mend(customers[1])
    bill(now=LATER)

    last, first = run.starts.all()
    assert (first.user, first.at, first.ended_at, first.complete) == (user, NOW, NOW, False)
    assert (last.user, last.at, last.ended_at, last.complete) == (None, LATER, LATER, True)
    assert ends(run) == [("command", "done", 3, 0), ("person", "partly", 2, 1)]
    assert (first.error, last.error) == ("1 customer could not be billed; the others were.", "")
    assert first.failures[0]["pk"] == customers[1].pk


def test_start_that_is_asked_for_again_before_it_ended_says_so(customer: Customer) -> None:
    start_run(month=OCTOBER, now=NOW)
    run = start_run(month=OCTOBER, now=LATER)

    last, first = run.starts.all()
    assert (first.ended_at, first.state, first.error) == (LATER, "", "Started anew before it had come to its end.")
    assert last.ended_at is None
    with pytest.raises(IntegrityError), transaction.atomic():
        RunStart.objects.create(run=run, by=RunStart.By.COMMAND, at=LATER)


def test_resumed_run_is_one_start(customer: Customer) -> None:
    ticket_of(customer, 10)
    run = start_run(month=OCTOBER, reads_first=False, now=NOW)
    with pytest.raises(Interrupted):
        run_billing(run, clock=lambda: NOW, on_progress=killing(1))

    run = run_billing(run, clock=lambda: LATER)

    assert ends(run) == [("command", "done", 1, 0)]


def test_run_that_was_queued_before_there_were_starts_gets_one(customer: Customer, user: User) -> None:
    run = BillingRun.objects.create(
        month=OCTOBER.first_day, started_by=user, reads_first=False, requested_at=NOW - LEASE
    )

    tasks.run(run.pk)

    assert [(start.by, start.user, start.at) for start in run.starts.all()] == [("person", user, NOW - LEASE)]


def test_user_stands_at_starts_of_people_only(customer: Customer, user: User) -> None:
    run = bill()

    with pytest.raises(IntegrityError), transaction.atomic():
        RunStart.objects.create(run=run, by=RunStart.By.SCHEDULER, user=user, at=NOW)


def test_scheduled_run_leaves_out_who_is_not_due_and_a_person_takes_everyone(customers: list[Customer]) -> None:
    mend(customers[1])
    later = (customers[0].pk, OCTOBER.end_day.replace(day=20))

    run = scheduled(left_out=(later, (10**6, OCTOBER.end_day)))

    start = run.starts.get()
    assert billed() == {"B": {"B1": 10}, "C": {"C1": 10}}
    assert start.left_out == [{"pk": later[0], "customer_id": "A", "customer": "A AG", "day": "2026-11-20"}]
    assert (run.complete, start.done_count) == (True, 2)
    bill(now=LATER)
    assert set(billed()) == {"A", "B", "C"}


def test_scheduled_run_for_one_customer_bills_that_one(customers: list[Customer]) -> None:
    run = scheduled(customers[0])

    assert (run.complete, billed()) == (True, {"A": {"A1": 10}})


def test_retry_bills_the_failed_only(customers: list[Customer], user: User) -> None:
    run = bill()
    mend(customers[1])
    book(customers[0].tickets.get(), 5)

    again = retry_failed(run, user=user, now=LATER)

    assert (again.pk, again.state, again.reads_first) == (run.pk, Job.State.QUEUED, False)
    done = run_billing(again, clock=lambda: LATER)
    assert billed() == {"A": {"A1": 10}, "B": {"B1": 10}, "C": {"C1": 10}}
    assert (done.state, done.complete, done.failures, done.done_count) == (Job.State.DONE, True, [], 3)
    assert ends(run) == [("person", "done", 1, 0), ("command", "partly", 2, 1)]
    assert [start.only_failed for start in run.starts.all()] == [True, False]


def test_retry_that_fails_again_leaves_the_run_partly_done(customers: list[Customer]) -> None:
    run = bill()
    before = ledger()

    again = run_billing(retry_failed(run, user=None, now=LATER), clock=lambda: LATER)

    assert (again.state, again.done_count, len(again.failures)) == (Job.State.PARTLY, 2, 1)
    assert ledger() == before


def test_retry_twice_changes_nothing_the_second_time(customers: list[Customer]) -> None:
    run = bill()
    mend(customers[1])
    run_billing(retry_failed(run, user=None, now=LATER), clock=lambda: LATER)

    with pytest.raises(StartRefused, match="No customer failed in the run for 2026-10"):
        retry_failed(run, user=None, now=MUCH_LATER)


def test_retry_leaves_out_who_the_run_before_had_left_out(customers: list[Customer]) -> None:
    run = scheduled(left_out=((customers[0].pk, OCTOBER.end_day),))
    mend(customers[1])

    run_billing(retry_failed(run, user=None, now=LATER), clock=lambda: LATER)

    assert set(billed()) == {"B", "C"}
    assert [[row["pk"] for row in start.left_out] for start in run.starts.all()] == [[customers[0].pk]] * 2


def test_retry_finds_a_customer_that_an_older_run_names_by_its_number(customers: list[Customer]) -> None:
    run = bill()
    BillingRun.objects.update(failures=[{"customer": "B AG", "customer_id": "B", "error": "?"}])
    with without_guards():
        RunStart.objects.all().delete()
    mend(customers[1])

    done = run_billing(retry_failed(run, user=None, now=LATER), clock=lambda: LATER)

    assert (done.complete, set(billed())) == (True, {"A", "B", "C"})


def test_retry_while_the_run_is_on_its_way_is_refused(customers: list[Customer]) -> None:
    run = start_run(month=OCTOBER, now=NOW)

    with pytest.raises(StartRefused, match="is on its way"):
        retry_failed(run, user=None, now=LATER)


def test_waiting_run_is_stopped_at_once(customer: Customer, user: User) -> None:
    ticket_of(customer, 10)
    run = start_run(month=OCTOBER, now=NOW)

    stopped = cancel_run(run, user=user, now=LATER)

    start = run.starts.get()
    text = "The run was stopped by clara. What was drafted until then stays; start it again for the rest."
    assert (stopped.state, stopped.complete, stopped.error) == (Job.State.FAILED, False, text)
    assert (start.cancelled_by, start.cancelled_at, start.state, start.error) == (user, LATER, Job.State.FAILED, text)
    tasks.run(run.pk)
    assert (Order.objects.count(), ends(run)) == (0, [("command", "failed", 0, 0)])


def test_run_that_is_over_is_not_stopped(customer: Customer) -> None:
    run = bill()

    with pytest.raises(StartRefused, match="is over already"):
        cancel_run(run, user=None, now=LATER)


def test_working_run_stops_before_the_next_customers(
    customers: list[Customer], user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("billing.ledger.CHUNK", 1)
    mend(customers[1])
    run = start_run(month=OCTOBER, reads_first=False, now=NOW)

    def stop(step: str, done: int, total: int) -> None:
        if done == 1:
            cancel_run(run, user=user, now=NOW)
            cancel_run(run, user=None, now=LATER)

    done = run_billing(run, clock=lambda: NOW, on_progress=stop)

    assert (done.state, done.complete, done.done_count) == (Job.State.PARTLY, False, 1)
    assert done.problems == [
        "The run was stopped by clara. What was drafted until then stays; start it again for the rest."
    ]
    assert billed() == {"A": {"A1": 10}}
    bill(now=LATER)
    assert set(billed()) == {"A", "B", "C"}


def test_run_that_is_stopped_while_it_reads_drafts_nothing(customers: list[Customer]) -> None:
    read_completely(TicketSystemFactory(name="Other"))
    run = start_run(month=OCTOBER, reads_first=False, now=NOW)
    BillingRun.objects.update(state=Job.State.RUNNING, attempts=1, started_at=NOW, lease_until=NOW)
    cancel_run(run, user=None, now=NOW)

    done = run_billing(run, clock=lambda: LATER)

    assert (done.state, Order.objects.count()) == (Job.State.FAILED, 0)
    assert "stopped by a command" in done.error


def test_retry_that_is_stopped_keeps_who_still_failed_and_asks_for_a_whole_run(
    customers: list[Customer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("billing.ledger.CHUNK", 1)
    customers[0].agreements.update(position_text="{nummer}")
    run = bill()
    mend(customers[0])
    again = retry_failed(run, user=None, now=LATER)

    def stop(step: str, done: int, total: int) -> None:
        if done == 1 and total == 2:
            cancel_run(run, user=None, now=LATER)

    done = run_billing(again, clock=lambda: LATER, on_progress=stop)

    assert [failure["customer_id"] for failure in done.failures] == ["B"]
    assert set(billed()) == {"A", "C"}
    with pytest.raises(StartRefused, match="was stopped before its end"):
        retry_failed(run, user=None, now=MUCH_LATER)


def test_stopped_run_is_left_to_people_by_the_scheduler(customer: Customer) -> None:
    cancel_run(queue(), user=None, now=NOW)

    assert ask_for_due_run(DueRun(month=OCTOBER, customer=None, at=NOW), now=NOW + timedelta(days=3)) is None


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_round", range(5))
def test_starts_stops_and_retries_at_once_leave_one_open_start_at_most(_round: int) -> None:
    Agreement.objects.get_or_create(is_default=True, defaults={"hourly_rate": 95})
    system = TicketSystemFactory()
    read_completely(system)
    customer = CustomerFactory(system=system)
    ticket_of(customer, 10)
    run = start_run(month=OCTOBER, reads_first=False, now=NOW)

    def act(number: int) -> str:
        try:
            if number % 4 == 0:
                start_run(month=OCTOBER, reads_first=False, now=NOW)
            elif number % 4 == 1:
                cancel_run(run, user=None, now=NOW)
            elif number % 4 == 2:
                retry_failed(run, user=None, now=NOW)
            else:
                tasks.run(run.pk)
        except StartRefused as refused:
            return str(refused)
        return "done"

    at_once(act, workers=8)

    run.refresh_from_db()
    starts = list(run.starts.all())
    assert sum(start.ended_at is None for start in starts) == (1 if run.is_active else 0)
    assert starts
    bill(now=LATER)
    assert Order.objects.count() == 1
    assert open_start(run).run_id == run.pk
