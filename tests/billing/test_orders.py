from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.models import Order, OrderEvent
from billing.orders import OrdersRefused, approve_orders
from common.jobs import Job
from tests.billing.scenes import NOW, bill, book, ledger, ticket_of
from tests.factories.tickets import CustomerFactory, SyncRunFactory, TicketFactory
from tickets.models import Customer, Ticket, TicketSystem


def refusals(orders: list[Order]) -> list[str]:
    before = ledger()
    with pytest.raises(OrdersRefused) as refused:
        approve_orders(orders, user=None, now=NOW)
    assert ledger() == before
    return refused.value.sentences


def test_approving_says_who_and_when(customer: Customer) -> None:
    ticket_of(customer, 10)
    bill()
    user = get_user_model()._default_manager.create(username="anna")

    approved = approve_orders(Order.objects.all(), user=user, now=NOW)

    order = Order.objects.get()
    event = order.events.last()
    assert approved == [order]
    assert (order.state, order.approved_at, order.approved_by_id) == (Order.State.APPROVED, NOW, user.pk)
    assert event is not None
    assert (event.kind, event.at, event.user_id) == (OrderEvent.Kind.APPROVED, NOW, user.pk)


def test_approving_twice_is_refused_with_a_sentence(customer: Customer) -> None:
    ticket_of(customer, 10)
    bill()
    approve_orders(Order.objects.all(), user=None, now=NOW)

    assert refusals(list(Order.objects.all())) == ["Order TK-2026-10-K1001 is approved already."]


def test_incomplete_order_stops_all_of_them(system: TicketSystem) -> None:
    for customer_id in ("A", "B"):
        ticket_of(CustomerFactory(system=system, customer_id=customer_id), 10)
    bill()
    Order.objects.filter(customer__customer_id="B").update(complete=False)

    sentences = refusals(list(Order.objects.all()))

    assert sentences == [
        "Order TK-2026-10-B rests on data that are not complete. Start the run again, then approve it."
    ]


def test_order_without_position_is_refused(customer: Customer) -> None:
    ticket_of(customer, 10)
    bill()
    order = Order.objects.get()
    order.positions.all().delete()

    assert refusals([order]) == ["Order TK-2026-10-K1001 has no position."]


def test_order_that_a_run_changed_after_it_was_looked_at_is_refused(customer: Customer) -> None:
    ticket = ticket_of(customer, 10)
    bill()
    seen = list(Order.objects.all())
    book(ticket, 5)
    bill(now=NOW + timedelta(hours=1))

    assert refusals(seen) == ["Order TK-2026-10-K1001 was changed just now. Look at it again."]


def test_order_that_a_run_removed_is_refused(customer: Customer) -> None:
    ticket = ticket_of(customer, 10)
    bill()
    seen = list(Order.objects.all())
    ticket.entries.update(gone_at=NOW)
    bill(now=NOW + timedelta(hours=1))

    assert refusals(seen) == ["An order is gone: a run found nothing to bill in it. Look at the list again."]


def test_approving_nothing_is_refused(db: None) -> None:
    assert refusals([]) == ["There is no order to approve."]


@pytest.mark.parametrize(
    "change",
    [
        lambda ticket: ticket.entries.update(gone_at=NOW),
        lambda ticket: ticket.entries.update(minutes=11),
        lambda ticket: ticket.entries.update(ticket=TicketFactory(system=ticket.system, customer=ticket.customer)),
        lambda ticket: Ticket.objects.filter(pk=ticket.pk).update(customer=CustomerFactory(system=ticket.system)),
        lambda ticket: Ticket.objects.filter(pk=ticket.pk).update(customer=None),
        lambda ticket: ticket.closings.all().delete(),
    ],
    ids=["gone", "other minutes", "other ticket", "other customer", "no customer", "not closed"],
)
def test_order_that_the_mirror_contradicts_by_now_is_refused(
    customer: Customer, change: Callable[[Ticket], object]
) -> None:
    ticket = ticket_of(customer, 10)
    ticket_of(CustomerFactory(system=customer.system), 20)
    bill()
    change(ticket)

    assert refusals(list(Order.objects.all())) == [
        "The mirror has changed since order TK-2026-10-K1001 was drafted. Start the run again, then approve the orders."
    ]
    bill(now=NOW + timedelta(hours=1))
    assert approve_orders(Order.objects.all(), user=None, now=NOW)


def test_order_of_a_month_that_a_later_reading_left_incomplete_is_refused(customer: Customer) -> None:
    for _ in range(2):
        ticket_of(CustomerFactory(system=customer.system), 10)
    bill()
    later = NOW + timedelta(hours=1)
    gaps = {"state": Job.State.PARTLY, "error": "1 thing is missing.", "problems": ["A ticket."]}
    SyncRunFactory(system=customer.system, started_at=later, finished_at=later, **gaps)

    assert refusals(list(Order.objects.all())) == [
        (
            "“Helpdesk” could not be read completely for 2026-10: 1 thing is missing. A ticket. "
            "Start the run again, then approve the orders."
        )
    ]


@pytest.mark.parametrize("customers", [1, 5])
def test_queries_of_an_approval_do_not_grow_with_the_orders(system: TicketSystem, customers: int) -> None:
    for _ in range(customers):
        ticket_of(CustomerFactory(system=system), 10)
    bill()
    orders = list(Order.objects.all())

    with CaptureQueriesContext(connection) as queries:
        approved = approve_orders(orders, user=None, now=NOW)

    assert (len(queries), len(approved)) == (11, customers)
