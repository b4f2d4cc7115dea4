from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model

from billing.models import Order, OrderEvent
from billing.orders import OrdersRefused, approve_orders
from tests.billing.scenes import NOW, bill, book, ledger, ticket_of
from tests.factories.tickets import CustomerFactory
from tickets.models import Customer, TicketSystem


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

    assert refusals(seen) == ["Order TK-2026-10-K1001 was changed by a run just now. Look at it again."]


def test_order_that_a_run_removed_is_refused(customer: Customer) -> None:
    ticket = ticket_of(customer, 10)
    bill()
    seen = list(Order.objects.all())
    ticket.entries.update(gone_at=NOW)
    bill(now=NOW + timedelta(hours=1))

    assert refusals(seen) == ["An order is gone: a run found nothing to bill in it. Look at the list again."]


def test_approving_nothing_is_refused(db: None) -> None:
    assert refusals([]) == ["There is no order to approve."]
