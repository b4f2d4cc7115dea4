"""Races against the real database: what counts is what stands in the tables afterwards."""

from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest

from billing.ledger import Writing, bill_customers
from billing.models import Agreement, Allocation, BillingRun, Order
from billing.numbers import order_numbers
from billing.orders import OrdersRefused, approve_orders
from billing.runs import RunBusy, run_billing, start_run
from tests.at_once import at_once
from tests.billing.scenes import (
    NOW,
    OCTOBER,
    assert_every_minute_stands_once,
    assert_totals_are_what_was_claimed,
    bill,
    book,
    read_completely,
    ticket_of,
)
from tests.factories.tickets import CustomerFactory, TicketSystemFactory
from tickets.models import Ticket, TimeEntry

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]
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
