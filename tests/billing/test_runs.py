from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest

from billing import runs as runs_module
from billing import tasks
from billing.completeness import mirror_problems
from billing.models import BillingRun, Order
from billing.orders import approve_orders
from billing.runs import RunBusy, run_billing, start_run
from common.jobs import LEASE, MAX_ATTEMPTS, Job, LeaseLost, claim
from common.months import Month
from tests.billing.scenes import (
    NOVEMBER,
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
from tests.factories.tickets import (
    AgentFactory,
    CustomerFactory,
    SyncRunFactory,
    TicketClosingFactory,
    TicketSystemFactory,
)
from tickets.models import Customer, SyncRun, TicketSystem
from tickets.sync import SyncBusy, start_sync

AFTER_LEASE = NOW + LEASE + timedelta(seconds=1)


class Reader:
    """Stands for ``run_sync``: every reading ends as it is told, without a ticket system."""

    def __init__(self, **ends: Any) -> None:
        self.ends = {"state": Job.State.DONE, "complete": True, "error": ""} | ends
        self.read: list[str] = []

    def __call__(self, sync: SyncRun, *, clock: Any, make_client: Any, on_progress: Any) -> SyncRun:
        self.read.append(sync.system.name)
        on_progress("Reading", 1, 2)
        for name, value in (self.ends | {"started_at": clock(), "finished_at": clock()}).items():
            setattr(sync, name, value)
        sync.save()
        return sync


def busy_while_running(other: SyncRun, reader: Reader) -> Callable[..., SyncRun]:
    def run_sync(sync: SyncRun, **options: Any) -> SyncRun:
        other.refresh_from_db()
        if other.state == Job.State.RUNNING:
            raise SyncBusy("It is being read.")
        return reader(sync, **options)

    return run_sync


@pytest.fixture
def reader() -> Iterator[Reader]:
    reader = Reader()
    with patch.object(runs_module, "run_sync", reader):
        yield reader


def start(now: datetime = NOW, month: Month = OCTOBER, **options: Any) -> BillingRun:
    return run_billing(start_run(month=month, now=now, **options), clock=lambda: now)


def test_start_twice_gives_the_same_waiting_run(system: TicketSystem) -> None:
    first = start_run(month=OCTOBER, now=NOW)
    second = start_run(month=OCTOBER, reads_first=False, now=AFTER_LEASE)

    assert (second.pk, second.state, second.reads_first) == (first.pk, Job.State.QUEUED, False)
    assert BillingRun.objects.count() == 1


def test_run_for_one_customer_stands_beside_the_run_for_all(customer: Customer) -> None:
    everyone, one = start_run(month=OCTOBER, now=NOW), start_run(month=OCTOBER, customer=customer, now=NOW)

    assert everyone.pk != one.pk
    assert start_run(month=OCTOBER, customer=customer, now=NOW).pk == one.pk


def test_finished_run_starts_again_and_keeps_its_row(customer: Customer) -> None:
    run = bill()

    again = start_run(month=OCTOBER, now=AFTER_LEASE)

    assert (again.pk, again.state, again.complete, again.requested_at) == (run.pk, Job.State.QUEUED, False, AFTER_LEASE)


def test_run_that_is_worked_on_is_left_as_it_is_and_busy(customer: Customer) -> None:
    run = start_run(month=OCTOBER, reads_first=False, now=NOW)
    BillingRun.objects.update(state=Job.State.RUNNING, lease_until=NOW + timedelta(minutes=5))

    same = start_run(month=OCTOBER, now=NOW)

    assert (same.pk, same.state, same.reads_first) == (run.pk, Job.State.RUNNING, False)
    with pytest.raises(RunBusy, match=r"is being worked on\. If its worker has died, it can be continued at 09:05:01"):
        run_billing(same, clock=lambda: NOW)


def test_start_after_the_worker_died_gives_what_is_asked_for_now(customer: Customer, reader: Reader) -> None:
    run = start_run(month=OCTOBER, reads_first=False, now=NOW)
    BillingRun.objects.update(state=Job.State.RUNNING, lease_until=NOW, attempts=MAX_ATTEMPTS)

    again = start_run(month=OCTOBER, now=AFTER_LEASE)

    assert (again.pk, again.state, again.attempts) == (run.pk, Job.State.QUEUED, 0)
    assert (again.reads_first, again.requested_at) == (True, AFTER_LEASE)
    assert run_billing(again, clock=lambda: AFTER_LEASE).complete
    assert reader.read == ["Helpdesk"]


def test_start_after_the_worker_died_reads_again_what_was_read_before_it(customer: Customer, reader: Reader) -> None:
    with pytest.raises(Interrupted):
        run_billing(start_run(month=OCTOBER, now=NOW), clock=lambda: NOW, on_progress=killing(2))

    run = start(now=AFTER_LEASE)

    assert (run.complete, run.attempts, reader.read) == (True, 1, ["Helpdesk", "Helpdesk"])


def test_run_that_died_too_often_names_no_time_that_is_past(customer: Customer) -> None:
    run = start_run(month=OCTOBER, reads_first=False, now=NOW)
    BillingRun.objects.update(state=Job.State.RUNNING, lease_until=NOW, attempts=MAX_ATTEMPTS)

    with pytest.raises(RunBusy, match=r"is over\. Start it again"):
        run_billing(run, clock=lambda: AFTER_LEASE)


def test_sync_that_died_too_often_does_not_stand_in_the_way(system: TicketSystem, reader: Reader) -> None:
    dead = start_sync(system=system, month=OCTOBER)
    SyncRun.objects.filter(pk=dead.pk).update(state=Job.State.RUNNING, lease_until=NOW, attempts=MAX_ATTEMPTS)

    run = start(now=AFTER_LEASE)

    dead.refresh_from_db()
    assert (run.complete, reader.read, dead.state) == (True, ["Helpdesk"], Job.State.FAILED)


def test_reading_that_was_interrupted_is_done_again_by_the_next_start(system: TicketSystem, reader: Reader) -> None:
    interrupted = start_sync(system=system, month=OCTOBER)
    failed = {"state": Job.State.FAILED, "started_at": NOW, "finished_at": NOW, "error": "Interrupted."}
    SyncRun.objects.filter(pk=interrupted.pk).update(**failed)

    run = start()

    assert (run.complete, reader.read) == (True, ["Helpdesk"])


def test_results_and_end_of_a_run_are_written_together(customer: Customer) -> None:
    ticket_of(customer, 10)

    with patch.object(runs_module, "finish", side_effect=LeaseLost("taken over")), pytest.raises(LeaseLost):
        bill()

    run = BillingRun.objects.get()
    assert (run.state, run.orders_new) == (Job.State.RUNNING, 0)


def test_time_gone_from_an_approved_order_is_told_and_leaves_the_run_complete(system: TicketSystem) -> None:
    first, second = CustomerFactory(system=system, customer_id="A"), CustomerFactory(system=system, customer_id="B")
    gone, kept = ticket_of(first, 60, 30), ticket_of(second, 15)
    bill()
    approve_orders(Order.objects.all(), user=None, now=NOW)
    gone.entries.update(gone_at=AFTER_LEASE)

    run = bill(now=AFTER_LEASE)

    assert (run.state, run.complete, run.error) == (Job.State.DONE, True, "")
    assert run.problems == [
        (
            "2 time entries of approved orders are no longer so in the ticket system: TK-2026-10-A (-90 min). "
            "The orders stay as they are; settle the discrepancies."
        )
    ]
    assert bill(customer=first, now=AFTER_LEASE).problems == run.problems
    assert bill(customer=second, now=AFTER_LEASE).problems == []
    kept.entries.update(minutes=16)
    assert bill(customer=second, now=AFTER_LEASE).problems == [
        (
            "1 time entry of approved orders is no longer so in the ticket system: TK-2026-10-B (1 min). "
            "The orders stay as they are; settle the discrepancies."
        )
    ]


def test_time_corrected_after_approval_is_told_by_the_month_that_bills_the_correction(customer: Customer) -> None:
    ticket = ticket_of(customer, 60, number="1")
    bill()
    approve_orders(Order.objects.all(), user=None, now=NOW)
    ticket.entries.update(gone_at=AFTER_LEASE)
    book(ticket, 45)
    TicketClosingFactory(ticket=ticket, month=NOVEMBER.first_day)
    read_completely(customer.system, NOVEMBER)

    run = bill(NOVEMBER, now=AFTER_LEASE)

    assert billed(NOVEMBER) == {"K1001": {"1": 45}}
    assert (run.complete, len(run.problems)) == (True, 1)
    assert "TK-2026-10-K1001 (-60 min)" in run.problems[0]


def test_time_gone_from_a_draft_is_no_problem(customer: Customer) -> None:
    ticket = ticket_of(customer, 60)
    bill()
    ticket.entries.update(gone_at=AFTER_LEASE)

    assert bill(now=AFTER_LEASE).problems == []


def test_message_that_comes_after_the_end_is_refused(customer: Customer) -> None:
    run = bill()

    with pytest.raises(RunBusy, match="The run for 2026-10 is over"):
        run_billing(run, clock=lambda: NOW)


def test_every_active_system_is_read_and_progress_is_relayed(system: TicketSystem, reader: Reader) -> None:
    TicketSystemFactory(name="Other")
    TicketSystemFactory(name="Retired", active=False)
    seen: list[tuple[str, int, int]] = []

    run = run_billing(
        start_run(month=OCTOBER, now=NOW), clock=lambda: NOW, on_progress=lambda *report: seen.append(report)
    )

    assert (run.state, run.complete, run.problems) == (Job.State.DONE, True, [])
    assert reader.read == ["Helpdesk", "Other"]
    assert seen == [("Helpdesk: Reading", 1, 2), ("Other: Reading", 1, 2), ("Orders written", 0, 0)]


def test_failed_reading_drafts_what_is_mirrored_and_says_so(customer: Customer) -> None:
    ticket_of(customer, 10, number="1")

    with patch.object(runs_module, "run_sync", Reader(state=Job.State.FAILED, complete=False, error="No answer.")):
        run = start()

    assert (run.state, run.complete) == (Job.State.PARTLY, False)
    assert run.problems == ["“Helpdesk” could not be read completely for 2026-10: No answer."]
    assert run.error == run.problems[0]
    assert billed() == {"K1001": {"1": 10}}
    assert not Order.objects.get().complete


def test_failed_reading_with_nothing_mirrored_fails_the_run(system: TicketSystem) -> None:
    with patch.object(runs_module, "run_sync", Reader(state=Job.State.FAILED, complete=False, error="No answer.")):
        run = start()

    assert (run.state, run.complete) == (Job.State.FAILED, False)


def test_partial_reading_names_its_first_gap(system: TicketSystem) -> None:
    gaps = Reader(state=Job.State.PARTLY, complete=False, error="2 things are missing.", problems=["One.", "Two."])

    with patch.object(runs_module, "run_sync", gaps):
        run = start()

    assert run.problems == ["“Helpdesk” could not be read completely for 2026-10: 2 things are missing. One."]


def test_complete_draft_stays_complete_when_a_later_reading_fails(customer: Customer) -> None:
    ticket_of(customer, 10)
    bill()
    before = ledger()

    with patch.object(runs_module, "run_sync", Reader(state=Job.State.FAILED, complete=False, error="No answer.")):
        run = start()

    assert ledger() == before
    assert run.state == Job.State.PARTLY


def test_system_that_somebody_else_reads_for_long_is_a_problem(system: TicketSystem) -> None:
    now, pauses = [NOW], list[float]()

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        now[0] += timedelta(seconds=seconds)
        lease = BillingRun.objects.get().lease_until
        assert lease is not None
        assert lease > now[0]

    run = start_run(month=OCTOBER, now=NOW)
    with patch.object(runs_module, "run_sync", side_effect=SyncBusy("It is being read.")):
        run = run_billing(run, clock=lambda: now[0], sleep=sleep)

    assert (run.state, run.problems) == (Job.State.FAILED, ["It is being read."])
    assert sum(pauses) == 600


def test_system_that_somebody_else_reads_is_waited_for(system: TicketSystem, reader: Reader) -> None:
    """An agent's time is being read; the worker goes on with the month that the bill waits for."""
    agent = start_sync(system=system, month=NOVEMBER, agent=AgentFactory(system=system))
    claim(agent, now=NOW)
    seen: list[str] = []

    def end_the_other(seconds: float) -> None:
        SyncRun.objects.filter(pk=agent.pk).update(state=Job.State.DONE)

    with patch.object(runs_module, "run_sync", busy_while_running(agent, reader)):
        run = run_billing(
            start_run(month=OCTOBER, now=NOW),
            clock=lambda: NOW,
            sleep=end_the_other,
            on_progress=lambda step, done, total: seen.append(step),
        )

    assert (run.complete, run.problems, reader.read) == (True, [], ["Helpdesk"])
    assert seen[0] == "Helpdesk: Waiting until another reading has ended"


def test_month_that_somebody_else_has_read_meanwhile_is_not_read_again(system: TicketSystem) -> None:
    def read_by_another(seconds: float) -> None:
        done = {"state": Job.State.DONE, "complete": True, "started_at": NOW, "finished_at": NOW}
        SyncRun.objects.filter(state=Job.State.QUEUED).update(**done)

    with patch.object(runs_module, "run_sync", side_effect=[SyncBusy("It is being read.")]):
        run = run_billing(start_run(month=OCTOBER, now=NOW), clock=lambda: NOW, sleep=read_by_another)

    assert (run.complete, run.problems) == (True, [])


def test_month_that_is_not_over_is_drafted_but_not_complete(customer: Customer, reader: Reader) -> None:
    ticket_of(customer, 10, number="1")
    SyncRun.objects.all().delete()
    during = datetime(2026, 10, 31, 22, 59, 59, tzinfo=UTC)

    run = start(now=during)

    assert (run.state, run.complete) == (Job.State.PARTLY, False)
    assert run.problems == [
        "2026-10 was not over yet when “Helpdesk” was read. Start the run again after the month's end."
    ]
    assert (billed(), Order.objects.get().complete) == ({"K1001": {"1": 10}}, False)


def test_month_that_is_not_over_and_empty_is_partly_done(system: TicketSystem, reader: Reader) -> None:
    SyncRun.objects.all().delete()

    assert start(now=datetime(2026, 10, 5, tzinfo=UTC)).state == Job.State.PARTLY


def test_month_ends_in_the_zone_of_the_ticket_system(system: TicketSystem, reader: Reader) -> None:
    SyncRun.objects.all().delete()

    run = start(now=datetime(2026, 10, 31, 23, tzinfo=UTC))

    assert (run.complete, reader.read) == (True, ["Helpdesk"])


def test_no_ticket_system_fails_with_a_sentence(db: None) -> None:
    run = start()

    assert (run.state, run.error) == (
        Job.State.FAILED,
        "There is no active ticket system. Add one, then start the run again.",
    )
    assert mirror_problems(OCTOBER) == [run.error]


def test_mirror_that_was_never_read_is_not_complete(db: None) -> None:
    system = TicketSystemFactory(name="Helpdesk")
    ticket_of(CustomerFactory(system=system), 10)

    run = bill()

    assert (run.state, run.problems) == (
        Job.State.PARTLY,
        ["“Helpdesk” has never been read for 2026-10. Read it, then start the run again."],
    )


def test_attempt_that_failed_does_not_undo_what_was_written_before_it(system: TicketSystem) -> None:
    SyncRunFactory(system=system, failed=True)

    assert bill().complete


def test_retired_system_with_closed_tickets_must_have_been_read(system: TicketSystem, reader: Reader) -> None:
    retired = TicketSystemFactory(name="Retired", active=False)
    ticket_of(CustomerFactory(system=retired), 10)

    assert start().problems == ["“Retired” has never been read for 2026-10. Read it, then start the run again."]
    read_completely(retired)
    assert start().complete
    assert reader.read == ["Helpdesk"]


def test_run_for_one_customer_reads_its_system_only(customer: Customer, reader: Reader) -> None:
    TicketSystemFactory(name="Other")

    run = start(customer=customer)

    assert (run.complete, reader.read) == (True, ["Helpdesk"])


def test_resumed_run_does_not_read_again_what_it_has_read(customer: Customer, reader: Reader) -> None:
    ticket_of(customer, 10)
    run = start_run(month=OCTOBER, now=NOW)
    with pytest.raises(Interrupted):
        run_billing(run, clock=lambda: NOW, on_progress=killing(2))

    run = run_billing(run, clock=lambda: AFTER_LEASE)

    assert (run.complete, run.attempts, reader.read) == (True, 2, ["Helpdesk"])
    start(now=AFTER_LEASE + timedelta(hours=1))
    assert reader.read == ["Helpdesk", "Helpdesk"]


@pytest.mark.parametrize("step", [1, 2, 3, 4])
def test_killed_run_ends_with_the_orders_of_an_undisturbed_one(
    system: TicketSystem, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("billing.ledger.CHUNK", 1)
    for index in range(3):
        ticket_of(CustomerFactory(system=system, customer_id=f"K{index}"), 10 + index, number=str(index))
    run = start_run(month=OCTOBER, reads_first=False, now=NOW)
    with pytest.raises(Interrupted):
        run_billing(run, clock=lambda: NOW, on_progress=killing(step))
    assert billed() == {f"K{index}": {str(index): 10 + index} for index in range(step - 1)}

    run = run_billing(BillingRun.objects.get(), clock=lambda: AFTER_LEASE)

    assert (run.state, run.complete) == (Job.State.DONE, True)
    assert billed() == {"K0": {"0": 10}, "K1": {"1": 11}, "K2": {"2": 12}}
    before = ledger()
    bill(now=AFTER_LEASE)
    assert ledger() == before


def test_worker_that_lost_its_lease_writes_no_more(customer: Customer, system: TicketSystem) -> None:
    ticket_of(customer, 10)
    run = start_run(month=OCTOBER, reads_first=False, now=NOW)

    def taken_over(*report: object) -> None:
        BillingRun.objects.update(attempts=2)

    with pytest.raises(LeaseLost):
        run_billing(run, clock=lambda: NOW, on_progress=taken_over)

    run.refresh_from_db()
    assert (run.state, run.orders_new, run.attempts) == (Job.State.RUNNING, 0, 2)


def test_task_does_the_run_and_a_second_message_does_nothing(system: TicketSystem, reader: Reader) -> None:
    run = start_run(month=OCTOBER, now=datetime(2026, 11, 3, tzinfo=UTC))

    tasks.run(run.pk)
    tasks.run(run.pk)
    tasks.run(run.pk + 1)

    run.refresh_from_db()
    assert (run.state, run.attempts) == (Job.State.DONE, 1)


def test_failures_before_and_after_letting_go_are_told_once(system: TicketSystem) -> None:
    first, second = CustomerFactory(system=system, customer_id="A"), CustomerFactory(system=system, customer_id="B")
    moved = ticket_of(first, 10, number="1")
    ticket_of(first, 20, number="2")
    bill()
    type(moved)._base_manager.filter(pk=moved.pk).update(customer=second)
    first_agreement = type(Order.objects.get().agreement)._base_manager.create(
        customer=first, hourly_rate=60, position_text="{"
    )

    run = bill(now=AFTER_LEASE)

    assert ([failure["customer_id"] for failure in run.failures], run.orders_new) == (["A"], 0)
    first_agreement.delete()
    run = bill(now=AFTER_LEASE)
    assert (run.complete, run.orders_new, run.orders_changed) == (True, 1, 1)
    assert billed() == {"A": {"2": 20}, "B": {"1": 10}}


def test_started_run_waits_for_a_sync_of_its_own(system: TicketSystem, reader: Reader) -> None:
    waiting = start_sync(system=system, month=OCTOBER)

    start()

    waiting.refresh_from_db()
    assert waiting.state == Job.State.DONE
