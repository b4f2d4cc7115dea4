from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.models import Agreement, Order
from billing.orders import approve_orders
from billing.queries import Reason, left_out
from tests.billing.scenes import (
    DAY,
    NOVEMBER,
    NOW,
    OCTOBER,
    SEPTEMBER,
    assert_every_minute_stands_once,
    bill,
    book,
    left,
    ticket_of,
)
from tests.factories.billing import AgreementFactory
from tests.factories.tickets import CustomerFactory, TicketClosingFactory, TimeEntryFactory
from tickets.models import Customer, Ticket, TicketSystem

AUGUST_DAY, OCTOBER_DAY = "2026-08-05 10:00:00", DAY
EARLIER = datetime(2026, 8, 20, 15, tzinfo=UTC)


def test_open_ticket_with_time_is_left_out_as_open(customer: Customer) -> None:
    ticket_of(customer, 10, 5, closed=None, number="1")

    bill()

    assert left() == [("1", "open", 15)]


def test_ticket_closed_in_the_month_and_open_again_is_open(customer: Customer) -> None:
    ticket_of(customer, 10, number="1", state="open", state_type="open")

    bill()

    assert left() == [("1", "open", 10)]


def test_ticket_closed_in_a_later_month_only_is_open(customer: Customer) -> None:
    ticket = ticket_of(customer, 10, closed=NOVEMBER, number="1", closed_at=datetime(2026, 11, 5, tzinfo=UTC))

    bill()

    assert left() == [(ticket.number, "open", 10)]


@pytest.mark.parametrize("closed_at", [EARLIER, None])
def test_time_on_a_ticket_closed_in_an_earlier_month_is_late(customer: Customer, closed_at: datetime | None) -> None:
    ticket = ticket_of(customer, 10, closed=SEPTEMBER, number="1", closed_at=closed_at)
    book(ticket, 5, at=AUGUST_DAY)

    bill()

    assert left() == [("1", "late", 15)]


def test_ticket_known_as_closed_earlier_only_by_its_time_is_late(customer: Customer) -> None:
    ticket_of(customer, 10, closed=None, number="1", state_type="closed", closed_at=EARLIER)

    assert left() == [("1", "late", 10)]


def test_ticket_whose_closing_is_not_known_is_open(customer: Customer) -> None:
    ticket_of(customer, 10, closed=None, number="1", state_type="closed", closed_at=None)

    assert left() == [("1", "open", 10)]


@pytest.mark.parametrize("state_type", ["merged", "removed"])
def test_ticket_in_a_state_that_does_not_count_says_so(customer: Customer, state_type: str) -> None:
    ticket_of(customer, 10, number="1", state=state_type, state_type=state_type)

    bill()

    assert left() == [("1", "state_not_counting", 10)]


def test_ticket_without_customer_says_so(system: TicketSystem) -> None:
    ticket_of(None, 10, number="1", system=system)

    run = bill()

    assert run.complete
    assert left() == [("1", "no_customer", 10)]


def test_ticket_without_time_stands_there_with_zero_minutes(customer: Customer) -> None:
    ticket = ticket_of(customer, number="1")
    TimeEntryFactory(ticket=ticket, gone=True)

    bill()

    assert left() == [("1", "no_time", 0)]
    assert left_out(OCTOBER)[0].entries == 0


def test_not_billed_customer_is_told_from_a_customer_not_drafted_yet(system: TicketSystem) -> None:
    free, waiting = CustomerFactory(system=system), CustomerFactory(system=system)
    AgreementFactory(customer=free, billed=False)
    ticket_of(free, 10, number="1")
    ticket_of(waiting, 20, number="2")

    assert left() == [("1", "not_billed", 10), ("2", "not_drafted", 20)]


def test_time_added_to_a_draft_waits_for_the_next_run(customer: Customer) -> None:
    ticket = ticket_of(customer, 10, number="1")
    bill()
    book(ticket, 5)

    assert left() == [("1", "not_drafted", 5)]
    assert_every_minute_stands_once(OCTOBER)


def test_time_that_cancels_what_the_draft_holds_is_cancelled_out(customer: Customer) -> None:
    ticket = ticket_of(customer, 10, number="1")
    bill()
    book(ticket, -10)

    assert left() == [("1", "cancelled_out", -10)]


def test_time_of_another_order_names_that_order(customer: Customer) -> None:
    ticket = ticket_of(customer, 10, closed=SEPTEMBER, number="1")
    book(ticket, 20, at="2026-09-05 10:00:00")
    bill(SEPTEMBER)
    TicketClosingFactory(ticket=ticket, month=OCTOBER.first_day)
    bill()

    rows = left_out(OCTOBER)

    assert [(row.sentence, row.minutes) for row in rows] == [("Stands in order TK-2026-09-K1001 of 2026-09.", 20)]


def test_times_that_cancel_out_stay_so_after_approval_and_a_later_correction_does_not(customer: Customer) -> None:
    ticket_of(customer, 30, -30, number="1")
    billed = ticket_of(customer, 20, number="2")
    bill()
    approve_orders(Order.objects.all(), user=None, now=NOW)
    book(billed, -20)

    assert left() == [("1", "cancelled_out", 0), ("2", "order_closed", -20)]


def test_time_gone_from_an_approved_order_is_taken_off(customer: Customer) -> None:
    ticket = ticket_of(customer, 60, 20, number="1")
    bill()
    approve_orders(Order.objects.all(), user=None, now=NOW)
    ticket.entries.filter(units=60).update(gone_at=NOW)

    rows = left_out(OCTOBER)

    assert [(row.reason, row.minutes, row.entries, row.sentence) for row in rows] == [
        (Reason.GONE, -60, 1, "Stands in order TK-2026-10-K1001, but no longer so in the ticket system.")
    ]
    assert_every_minute_stands_once(OCTOBER)


def test_ticket_whose_billed_time_is_all_gone_is_not_called_unbooked(customer: Customer) -> None:
    ticket = ticket_of(customer, 60, number="1")
    bill()
    ticket.entries.update(gone_at=NOW)

    assert left() == [("1", "gone", -60)]
    assert_every_minute_stands_once(OCTOBER)


def test_time_that_has_other_minutes_than_it_was_billed_with_stands_there_with_the_difference(
    customer: Customer,
) -> None:
    ticket = ticket_of(customer, 60, 20, number="1")
    bill()
    approve_orders(Order.objects.all(), user=None, now=NOW)
    ticket.entries.filter(units=60).update(minutes=Decimal("900.25"))

    assert left() == [("1", "gone", Decimal("840.25"))]
    assert_every_minute_stands_once(OCTOBER)


def test_ticket_in_an_order_of_the_month_counts_although_it_is_not_closed_in_it_any_more(customer: Customer) -> None:
    ticket = ticket_of(customer, number="1")
    book(ticket, 60, at="2026-09-03 09:00:00")
    bill()
    approve_orders(Order.objects.all(), user=None, now=NOW)
    ticket.closings.all().delete()
    book(ticket, 5, at="2026-09-03 10:00:00")

    assert left() == [("1", "open", 5)]
    assert_every_minute_stands_once(OCTOBER)


def test_ticket_billed_to_another_customer_than_it_has_now_belongs_to_both(system: TicketSystem) -> None:
    first, second = CustomerFactory(system=system, customer_id="A"), CustomerFactory(system=system, customer_id="B")
    ticket = ticket_of(first, 60, number="1")
    ticket_of(second, 10, number="2")
    bill()
    approve_orders(Order.objects.all(), user=None, now=NOW)
    Ticket.objects.filter(pk=ticket.pk).update(customer=second)
    book(ticket, 5)

    assert left(customer=first) == [("1", "order_closed", 5)]
    assert left(customer=second) == [("1", "billed_elsewhere", 60), ("1", "order_closed", 5)]
    for customer in (first, second, None):
        assert_every_minute_stands_once(OCTOBER, customer)


def test_one_ticket_can_be_left_out_for_several_reasons(customer: Customer) -> None:
    ticket = ticket_of(customer, 10, number="1")
    bill()
    approve_orders(Order.objects.all(), user=None, now=NOW)
    book(ticket, 5)
    book(ticket, 7, at="2026-11-01 00:00:00")

    assert sorted(left()) == [("1", "booked_later", 7), ("1", "order_closed", 5)]
    assert {row.sentence for row in left_out(OCTOBER)} == {
        "Booked after the end of the month.",
        "The order of this month had been approved before.",
    }


def test_counting_state_without_any_agreement_is_not_drafted(system: TicketSystem) -> None:
    Agreement.objects.all().delete()
    ticket_of(CustomerFactory(system=system), 10, number="1")

    assert left() == [("1", "not_drafted", 10)]


def test_account_manager_sees_own_customers_and_no_foreign_order_number(system: TicketSystem) -> None:
    mine, theirs = CustomerFactory(system=system), CustomerFactory(system=system)
    manager = get_user_model()._default_manager.create(username="manager")
    mine.account_managers.add(manager)
    ticket_of(mine, 10, number="1", closed=None)
    ticket_of(theirs, 20, number="2", closed=None)
    moved = ticket_of(theirs, 40, number="3")
    bill()
    Ticket.objects.filter(pk=moved.pk).update(customer=mine)

    rows = left_out(OCTOBER, user=manager)

    assert [(row.ticket.number, row.reason.value, row.minutes, row.sentence) for row in rows] == [
        ("1", "open", 10, "The ticket was not closed in this month, or is open again."),
        ("3", "billed_elsewhere", 40, "Stands in another order."),
    ]


def test_stranger_sees_nothing(customer: Customer) -> None:
    ticket_of(customer, 10, closed=None)
    stranger = get_user_model()._default_manager.create(username="stranger")

    assert left_out(OCTOBER, user=stranger) == []


def test_everybody_with_the_permission_sees_everything(customer: Customer) -> None:
    ticket_of(customer, 10, closed=None, number="1")
    admin = get_user_model()._default_manager.create(username="admin", is_superuser=True)

    assert left(user=admin) == [("1", "open", 10)]


def test_every_minute_of_a_mixed_month_stands_once(system: TicketSystem) -> None:
    customers = [CustomerFactory(system=system) for _ in range(3)]
    AgreementFactory(customer=customers[2], billed=False)
    for customer in (*customers, None):
        place: dict[str, Any] = {} if customer else {"system": system}
        closed = ticket_of(customer, 10, "0.25", -3, **place)
        book(closed, 7, at="2026-11-03 09:00:00")
        ticket_of(customer, 15, -15, **place)
        late = ticket_of(customer, closed=SEPTEMBER, **place)
        book(late, "99.99", at=AUGUST_DAY)
        book(late, "0.01", at=OCTOBER_DAY)
        ticket_of(customer, 30, closed=None, **place)
        ticket_of(customer, **place)

    assert_every_minute_stands_once(OCTOBER)
    for month in (SEPTEMBER, OCTOBER, NOVEMBER):
        bill(month)
        assert_every_minute_stands_once(month)
    for customer in customers:
        assert_every_minute_stands_once(OCTOBER, customer)
    assert sum(row.minutes for row in left_out(OCTOBER)) == Decimal("562.5")


@pytest.mark.parametrize("customers", [1, 3])
def test_queries_of_left_out_do_not_grow_with_the_customers(system: TicketSystem, customers: int) -> None:
    for _ in range(customers):
        customer = CustomerFactory(system=system)
        ticket_of(customer, 10)
        ticket_of(customer, 10, closed=None)
    bill()

    with CaptureQueriesContext(connection) as queries:
        rows = left_out(OCTOBER)
        sentences = [f"{row.ticket.number} {row.ticket.customer} {row.sentence}" for row in rows]

    assert (len(queries), len(sentences)) == (9, customers)
