"""Races against the real database: what counts is what stands in the tables afterwards."""

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from threading import Barrier, Event

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction

from billing.adjusting import Field, Line
from billing.audit import audit_ledger
from billing.discrepancies import discrepancies
from billing.handover import Format, export_orders
from billing.issuing import issue_orders, void_order
from billing.ledger import Writing, bill_customers
from billing.models import Adjustment, Agreement, Allocation, BillingRun, Order, OrderEvent
from billing.numbers import order_numbers
from billing.orders import OrdersRefused, approve_orders
from billing.reviewing import change_line, comment_on
from billing.runs import RunBusy, run_billing, start_run
from billing.settlement_models import Choice, Settlement, SettlementLine
from billing.settling import settle
from tests.at_once import at_once
from tests.billing.scenes import (
    NOVEMBER,
    NOW,
    OCTOBER,
    assert_every_minute_stands_once,
    assert_totals_are_what_was_claimed,
    bill,
    book,
    issue,
    read_completely,
    ticket_of,
)
from tests.factories.tickets import CustomerFactory, TicketClosingFactory, TicketSystemFactory
from tickets.models import Ticket, TimeEntry

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True), pytest.mark.slow]
WORKERS, ROUNDS = 8, 5


@pytest.fixture(autouse=True)
def _default_agreement(db: None) -> None:
    """The one of the migrations is flushed away by the first of these tests."""
    Agreement.objects.get_or_create(is_default=True, defaults={"hourly_rate": 95})


def mirror() -> list[Ticket]:
    system = TicketSystemFactory()
    read_completely(system)
    customers = [CustomerFactory(system=system) for _ in range(4)]
    return [ticket_of(customer, 10, 5) for customer in customers for _ in range(3)]


def assert_all_is_billed_once(entries: int) -> None:
    held = Counter(Allocation.objects.values_list("entry_id", flat=True))
    assert set(held.values()) == {1}
    assert len(held) == entries == TimeEntry.objects.count()
    assert_totals_are_what_was_claimed()
    assert_every_minute_stands_once(OCTOBER)


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_run_started_by_many_at_once_is_one_run(_round: int) -> None:
    mirror()

    def start_and_work(number: int) -> str:
        try:
            run = start_run(month=OCTOBER, reads_first=False, now=NOW)
            return str(run_billing(run, clock=lambda: NOW).state)
        except RunBusy:
            return "busy"

    results = at_once(start_and_work, workers=WORKERS)

    assert set(results) <= {"done", "busy"}
    assert "done" in results
    assert (BillingRun.objects.count(), Order.objects.count()) == (1, 4)
    assert_all_is_billed_once(24)


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_workers_past_every_lease_bill_each_entry_once(_round: int) -> None:
    """Even without the run's claim the database lets each entry in once, also while time is being booked."""
    tickets = mirror()
    customers = sorted({ticket.customer_id for ticket in tickets if ticket.customer_id})

    def bill_or_book(number: int) -> int:
        if number == 0:
            for ticket in tickets:
                book(ticket, 1, at="2026-10-07 10:00:00")
            return 0
        writing = Writing(month=OCTOBER, numbers=order_numbers(OCTOBER), complete=True, user=None, now=NOW)
        return len(bill_customers(customers, writing).failures)

    at_once(bill_or_book, workers=WORKERS)
    run = bill(now=NOW + timedelta(hours=1))

    assert run.complete
    assert sum(Order.objects.values_list("recorded_minutes", flat=True), Decimal(0)) == 12 * 16
    assert_all_is_billed_once(36)


def test_bill_does_not_wait_for_a_sync_that_refers_to_its_customers_and_orders() -> None:
    """A sync and a run lock rows in different orders; where neither changes a key, neither may block the other."""
    tickets = mirror()
    bill()
    for ticket in tickets:
        book(ticket, 1, at="2026-10-07 10:00:00")

    def sync_while_billing(number: int) -> bool:
        with transaction.atomic(), connection.cursor() as cursor:
            if number == 0:
                cursor.execute("SELECT 1 FROM tickets_customer FOR KEY SHARE")
                cursor.execute("SELECT 1 FROM billing_order FOR KEY SHARE")
            at_work.wait(30)
            if number == 0:
                billed.wait(30)
                return True
            cursor.execute("SET LOCAL lock_timeout = '1s'")
            try:
                run = bill(now=NOW + timedelta(hours=1))
                issue()
                export_orders(month=OCTOBER, format=Format.KIVITENDO, now=NOW)
            finally:
                billed.set()
            return run.complete

    at_work, billed = Barrier(2), Event()

    assert at_once(sync_while_billing, workers=2) == [True, True]


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_order_approved_while_it_is_rebuilt_is_approved_as_it_stands(_round: int) -> None:
    tickets = mirror()
    bill()
    for ticket in tickets:
        book(ticket, 1, at="2026-10-07 10:00:00")
    seen = list(Order.objects.all())

    def approve_or_bill(number: int) -> str:
        try:
            if number % 2:
                approve_orders(seen, user=None, now=NOW)
                return "approved"
            bill(now=NOW + timedelta(hours=1))
        except (RunBusy, OrdersRefused) as refused:
            return type(refused).__name__
        return "billed"

    results = Counter(at_once(approve_or_bill, workers=WORKERS))

    minutes = {order.recorded_minutes for order in Order.objects.filter(state=Order.State.APPROVED)}
    assert results["approved"] <= 1
    assert minutes == ({Decimal(45)} if results["approved"] else set())
    assert_totals_are_what_was_claimed()
    assert_every_minute_stands_once(OCTOBER)


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_many_who_issue_at_once_leave_no_gap_and_no_double(_round: int) -> None:
    """Each order is issued by one worker and tried by a second one; some of the tries fail half-way."""
    system = TicketSystemFactory()
    read_completely(system)
    for _ in range(20):
        ticket_of(CustomerFactory(system=system), 10)
    bill()
    orders = approve_orders(Order.objects.all(), user=None, now=NOW)

    def issue_some(number: int) -> int:
        done = 0
        for order in orders[number // 2 :: WORKERS // 2]:
            try:
                with transaction.atomic():
                    issue_orders([order], user=None, now=NOW)
                    if order.pk % 3 == 0 and number % 2:
                        raise OrdersRefused(["changed my mind"])
                done += 1
            except OrdersRefused:
                continue
        return done

    issued = sum(at_once(issue_some, workers=WORKERS))
    rest = Order.objects.filter(state=Order.State.APPROVED)
    issued += len(issue_orders(rest, user=None, now=NOW)) if rest else 0

    numbers = list(Order.objects.order_by("document_number").values_list("document_number", flat=True))
    assert numbers == [f"2026-{number:05}" for number in range(1, 21)]
    assert issued == 20


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_voiding_while_a_run_drafts_frees_each_entry_once(_round: int) -> None:
    mirror()
    bill()
    issue()
    orders = list(Order.objects.all())

    def void_or_bill(number: int) -> str:
        try:
            if number < len(orders):
                void_order(orders[number], reason="wrong", user=None, now=NOW)
                return "void"
            bill(now=NOW + timedelta(hours=1))
        except (RunBusy, OrdersRefused) as refused:
            return type(refused).__name__
        return "billed"

    at_once(void_or_bill, workers=WORKERS)
    bill(now=NOW + timedelta(hours=2))

    assert Order.objects.filter(state=Order.State.VOID).count() == len(orders)
    assert Order.objects.filter(state=Order.State.DRAFT, correction_of__isnull=False).count() == len(orders)
    held = Counter(Allocation.objects.filter(live=True).values_list("entry_id", flat=True))
    assert set(held.values()) == {1}
    assert len(held) == TimeEntry.objects.count()
    assert audit_ledger().breaches == ()


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_of_many_who_change_a_line_at_once_one_does_and_the_others_are_told(_round: int) -> None:
    tickets = mirror()
    bill()
    user = User.objects.create_user("clara")
    seen = Order.objects.get(customer=tickets[0].customer)

    def change(number: int) -> str:
        try:
            values = {Field.DISCOUNT: Decimal(number + 1)}
            change_line(seen, Line(tickets[0].pk), values, reason="x", user=user, now=NOW)
        except OrdersRefused as refused:
            return str(refused)
        return "changed"

    results = Counter(at_once(change, workers=WORKERS))

    told = f"Order {seen.number} was changed just now. Look at it again."
    assert results == {"changed": 1, told: WORKERS - 1}
    assert (Adjustment.objects.count(), OrderEvent.objects.filter(kind="adjusted").count()) == (1, 1)
    assert_totals_are_what_was_claimed()


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_line_left_out_while_runs_rebuild_and_others_approve_loses_nothing(_round: int) -> None:
    tickets = mirror()
    bill()
    user = User.objects.create_user("clara")
    orders = {order.customer_id: order for order in Order.objects.all()}
    for ticket in tickets[::2]:
        book(ticket, 1, at="2026-10-07 10:00:00")

    def work(number: int) -> str:
        try:
            if number == 0:
                bill(now=NOW + timedelta(hours=1))
            elif number == 1:
                approve_orders(list(orders.values())[:1], user=None, now=NOW)
            else:
                ticket = tickets[number]
                seen = next(order for order in orders.values() if order.customer == ticket.customer)
                order = Order.objects.get(pk=seen.pk) if number % 2 else seen
                change_line(order, Line(ticket.pk), {Field.INCLUSION: ""}, reason="x", user=user, now=NOW)
                comment_on(order, text=f"Left out {number}", user=user, now=NOW)
        except (RunBusy, OrdersRefused) as refused:
            return type(refused).__name__
        return "done"

    results = at_once(work, workers=WORKERS)
    bill(now=NOW + timedelta(hours=2))

    assert results[0] == "done"
    assert_totals_are_what_was_claimed()
    assert_every_minute_stands_once(OCTOBER)
    excluded = Adjustment.objects.filter(field="inclusion").values_list("ticket", flat=True)
    assert not Allocation.objects.filter(live=True, entry__ticket__in=list(excluded)).exists()
    assert audit_ledger().breaches == ()


def issued_and_read_on() -> list[Ticket]:
    """October issued, November read as well; each ticket then has late time, and lost an entry. Nothing is rounded."""
    Agreement.objects.update(rounding_step=0)
    tickets = mirror()
    read_completely(tickets[0].system, NOVEMBER)
    bill()
    issue()
    for ticket in tickets:
        book(ticket, 1, at="2026-10-07 10:00:00")
        ticket.entries.filter(units=5).update(gone_at=NOW)
    return tickets


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_many_who_settle_the_same_at_once_settle_it_once(_round: int) -> None:
    issued_and_read_on()
    seen = discrepancies()

    def settle_some(number: int) -> int:
        done = 0
        for row in seen:
            try:
                done += len(settle([row], choice=row.choices[0], reason="because", user=None, now=NOW))
            except OrdersRefused:
                continue
        return done

    settled = at_once(settle_some, workers=WORKERS)

    assert sum(settled) == len(seen) == Settlement.objects.count()
    bill(NOVEMBER)
    assert SettlementLine.objects.count() == 12
    assert audit_ledger().breaches == ()


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_settling_while_a_run_drafts_bills_nothing_that_is_not_to_be_billed(_round: int) -> None:
    """The tickets are closed again, so a run takes their late time unless somebody has decided before."""
    for ticket in issued_and_read_on():
        TicketClosingFactory(ticket=ticket, month=NOVEMBER.first_day)
    seen = discrepancies()

    def settle_or_bill(number: int) -> str:
        try:
            if number % 2:
                bill(NOVEMBER)
                return "billed"
            for row in seen[number // 2 :: WORKERS // 2]:
                settle([row], choice=row.choices[-1], reason="because", user=None, now=NOW)
        except (RunBusy, OrdersRefused) as refused:
            return type(refused).__name__
        return "settled"

    at_once(settle_or_bill, workers=WORKERS)
    bill(NOVEMBER, now=NOW + timedelta(hours=1))

    assert audit_ledger().breaches == ()
    for month in (OCTOBER, NOVEMBER):
        assert_every_minute_stands_once(month)
    assert_totals_are_what_was_claimed()


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_voiding_and_approving_at_once_leave_no_correction_of_a_void_order(_round: int) -> None:
    issued_and_read_on()
    gone = [row for row in discrepancies() if row.allocation]
    settle(gone, choice=Choice.CREDIT, reason="because", user=None, now=NOW)
    bill(NOVEMBER)
    first, drafts = list(Order.objects.filter(state="issued")), list(Order.objects.filter(state="draft"))

    def void_or_approve(number: int) -> str:
        try:
            if number % 2:
                void_order(first[number // 2], reason="wrong", user=None, now=NOW)
                return "void"
            approve_orders([drafts[number // 2]], user=None, now=NOW)
        except OrdersRefused:
            return "refused"
        return "approved"

    results = Counter(at_once(void_or_approve, workers=WORKERS))

    assert results["void"] + results["approved"] == 4
    assert audit_ledger().breaches == ()
