"""What the database refuses of changes by persons."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from billing.adjusting import Field, Line
from billing.agreement_models import FlatFee, RateRule
from billing.audit import audit_ledger
from billing.discrepancies import discrepancies
from billing.models import Adjustment, Agreement, Allocation, Order, OrderEvent, OrderPosition
from billing.reviewing import change_line, undo_change
from tests.billing.scenes import NOW, bill, issue, left, ticket_of
from tickets.models import Customer, Ticket

LATER = NOW + timedelta(hours=1)


@pytest.fixture
def user(db: None) -> User:
    return User.objects.create_user("clara")


@pytest.fixture
def ticket(customer: Customer) -> Ticket:
    ticket = ticket_of(customer, 30, queue="Projects", number="1001")
    bill()
    return ticket


def row(ticket: Ticket, user: User, /, **fields: Any) -> Adjustment:
    """Minutes, changed from 30 to 20, unless the fields say otherwise."""
    values = {"field": Field.MINUTES, "number": Decimal(20), "original_number": Decimal(30), "reason": "why"}
    known = {"order": Order.objects.get(), "ticket": ticket, "user": user, "at": NOW}
    return Adjustment.objects.create(**(known | values | fields))


def refused(act: Callable[[], object], name: str) -> None:
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        act()


def test_line_and_field_are_changed_once(ticket: Ticket, user: User) -> None:
    row(ticket, user)

    refused(lambda: row(ticket, user), "adjustment_one_per_line_and_field")


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"ticket": None, "field": Field.PRICE}, "adjustment_of_a_ticket_or_a_recurring_line"),
        ({"reason": ""}, "adjustment_has_a_reason"),
        ({"original_number": None}, "adjustment_has_what_was_computed"),
        ({"number": None}, "adjustment_has_a_value_of_its_field"),
        ({"field": Field.PRICE, "number": Decimal(-1)}, "adjustment_has_a_value_of_its_field"),
        ({"field": Field.DISCOUNT, "number": Decimal(101)}, "adjustment_has_a_value_of_its_field"),
        ({"field": Field.INCLUSION}, "adjustment_has_a_value_of_its_field"),
        ({"field": "nothing"}, "adjustment_has_a_value_of_its_field"),
        ({"field": Field.TEXT, "number": None, "original_number": None}, "adjustment_has_a_value_of_its_field"),
    ],
)
def test_row_that_says_nothing_sensible_is_refused(
    ticket: Ticket, user: User, fields: dict[str, Any], name: str
) -> None:
    refused(lambda: row(ticket, user, **fields), name)


@pytest.mark.parametrize(
    "change",
    [
        lambda change: Adjustment.objects.update(number=1),
        lambda change: change.delete(),
        lambda change: row(change.ticket, change.user, field=Field.DISCOUNT, original_number=0),
    ],
    ids=["update", "delete", "insert"],
)
def test_changes_of_an_order_that_left_draft_stay(
    ticket: Ticket, user: User, change: Callable[[Adjustment], object]
) -> None:
    change_line(Order.objects.get(), Line(ticket.pk), {Field.MINUTES: Decimal(20)}, reason="x", user=user, now=LATER)
    issue(LATER)
    kept = Adjustment.objects.get()

    refused(lambda: change(kept), "has left draft does not change")


def test_audit_finds_time_of_a_line_that_a_person_left_out(ticket: Ticket, user: User) -> None:
    row(ticket, user, field=Field.INCLUSION, number=None)

    [breach] = audit_ledger().breaches

    assert (breach.check, breach.examples) == ("excluded", ("TK-2026-10-K1001/1",))


def test_line_of_one_rate_is_left_out_alone(ticket: Ticket, customer: Customer, user: User) -> None:
    """Time of the same ticket at another rate stays; what is left out is not taken in by it."""
    rule = RateRule.objects.create(
        agreement=Agreement.objects.get(customer=customer), agent=ticket.entries.get().agent, hourly_rate=120
    )
    ticket_of(customer, 5)
    bill(now=LATER)
    entry = ticket.entries.get()
    entry.pk, entry.booked_local, entry.minutes = None, "2026-10-06 10:00:00", Decimal(7)
    entry.agent = Order.objects.get().positions.last().allocations.get().entry.agent  # type: ignore[union-attr]
    entry.save()
    bill(now=LATER)

    line = Line(ticket.pk, rule.pk)
    now = LATER + timedelta(hours=1)
    change_line(Order.objects.get(), line, {Field.INCLUSION: ""}, reason="Goodwill", user=user, now=now)

    assert list(OrderPosition.objects.filter(ticket=ticket).values_list("recorded_minutes", "rate_rule")) == [(7, None)]
    assert left() == [("1001", "excluded", Decimal(30))]
    assert Allocation.objects.filter(entry__ticket=ticket).count() == 1
    assert bill(now=now).orders_unchanged == 1
    issue(now)
    assert (discrepancies(), left()) == ([], [("1001", "excluded", Decimal(30))])
    entry.pk, entry.booked_local = None, "2026-10-07 10:00:00"
    entry.save()
    assert [found.entry for found in discrepancies()] == [entry]


def test_rate_that_changes_lets_a_change_go_and_says_so(ticket: Ticket, customer: Customer, user: User) -> None:
    change_line(Order.objects.get(), Line(ticket.pk), {Field.INCLUSION: ""}, reason="Goodwill", user=user, now=LATER)
    RateRule.objects.create(agreement=Agreement.objects.get(customer=customer), queue="Projects", hourly_rate=120)

    bill(now=LATER)

    event = OrderEvent.objects.last()
    assert event is not None
    assert "Not kept" in event.text
    assert Order.objects.get().net_amount == 60


def test_recurring_line_is_changed_left_out_and_put_back(ticket: Ticket, customer: Customer, user: User) -> None:
    agreement = Agreement.objects.get(customer=customer)
    fee = FlatFee.objects.create(agreement=agreement, text="Wartung", article_number="W", unit="Stk", unit_price=100)
    bill(now=LATER)
    line = Line(flat_fee=fee.pk)

    change_line(Order.objects.get(), line, {Field.DISCOUNT: Decimal(25)}, reason="x", user=user, now=LATER)
    discounted = Order.objects.get().net_amount
    change_line(Order.objects.get(), line, {Field.INCLUSION: ""}, reason="x", user=user, now=LATER)
    without = Order.objects.get().net_amount
    undo_change(Order.objects.get(), line, Field.INCLUSION, user=user, now=LATER)

    event = OrderEvent.objects.last()
    assert (discounted, without, Order.objects.get().net_amount) == (105, 30, 105)
    assert event is not None
    assert event.text == "“Wartung”: stands in the order again (undone)\n30.00 → 105.00 EUR"
    assert left() == []


def test_included_minutes_and_rounding_of_the_order_follow_the_change(customer: Customer, user: User) -> None:
    Agreement.objects.filter(customer=customer).update(
        included_minutes=10, rounding_scope="order", rounding_step=15, rounding_mode="up"
    )
    ticket = ticket_of(customer, 30, number="1001")
    bill()

    change_line(Order.objects.get(), Line(ticket.pk), {Field.MINUTES: Decimal(20)}, reason="x", user=user, now=LATER)

    lines = OrderPosition.objects.values_list("kind", "billable_minutes", "included_minutes", "amount")
    assert list(lines) == [("time", 20, 10, 10), ("rounding", 10, 0, 10)]
    assert bill(now=LATER).orders_unchanged == 1
