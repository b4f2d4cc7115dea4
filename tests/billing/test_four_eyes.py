"""Four eyes: nobody approves a draft that they have drafted or changed."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import User

from billing.adjusting import Field, Line
from billing.models import Agreement, Order
from billing.orders import OrdersRefused, approve_orders, return_to_draft
from billing.reviewing import change_line, comment_on
from billing.runs import run_billing, start_run
from tests.billing.scenes import NOW, OCTOBER, bill, book, ticket_of
from tests.factories.tickets import CustomerFactory
from tickets.models import Customer, Ticket

LATER = NOW + timedelta(hours=1)
OWN = "Order TK-2026-10-K1001 needs four eyes: you have drafted or changed it, so somebody else has to approve it."


@pytest.fixture
def ticket(customer: Customer) -> Ticket:
    Agreement.objects.filter(customer=customer).update(needs_second_person=True)
    return ticket_of(customer, 30)


@pytest.fixture
def anna(db: None) -> User:
    return User.objects.create_user("anna")


@pytest.fixture
def clara(db: None) -> User:
    return User.objects.create_user("clara")


def bill_as(user: User | None) -> None:
    run_billing(start_run(month=OCTOBER, reads_first=False, user=user, now=NOW), clock=lambda: NOW)


def refusal(user: User | None) -> list[str]:
    with pytest.raises(OrdersRefused) as refused:
        approve_orders(Order.objects.all(), user=user, now=LATER)
    assert set(Order.objects.values_list("state", flat=True)) == {"draft"}
    return refused.value.sentences


def test_who_started_the_run_does_not_approve(ticket: Ticket, anna: User, clara: User) -> None:
    bill_as(anna)

    assert refusal(anna) == [OWN]
    assert approve_orders(Order.objects.all(), user=clara, now=LATER)


def test_who_changed_the_draft_does_not_approve(ticket: Ticket, anna: User, clara: User) -> None:
    bill_as(None)
    values = {Field.MINUTES: Decimal(5)}
    change_line(Order.objects.get(), Line(ticket.pk), values, reason="x", user=clara, now=LATER)

    assert refusal(clara) == [OWN]
    assert approve_orders(Order.objects.all(), user=anna, now=LATER)


def test_who_started_a_later_run_that_changed_it_does_not_approve(ticket: Ticket, anna: User, clara: User) -> None:
    bill_as(anna)
    book(ticket, 5)
    bill_as(clara)

    assert (refusal(anna), refusal(clara)) == ([OWN], [OWN])


def test_run_that_changed_nothing_makes_nobody_its_author(ticket: Ticket, anna: User, clara: User) -> None:
    bill_as(anna)
    bill_as(clara)

    assert approve_orders(Order.objects.all(), user=clara, now=LATER)


def test_comment_makes_nobody_its_author(ticket: Ticket, anna: User, clara: User) -> None:
    bill_as(anna)
    comment_on(Order.objects.get(), text="Looks right", user=clara, now=LATER)

    assert approve_orders(Order.objects.all(), user=clara, now=LATER)


def test_return_to_draft_makes_no_new_beginning(ticket: Ticket, anna: User, clara: User) -> None:
    bill_as(anna)
    approve_orders(Order.objects.all(), user=clara, now=LATER)
    return_to_draft(Order.objects.all(), reason="look again", user=clara, now=LATER)

    assert refusal(anna) == [OWN]
    assert approve_orders(Order.objects.all(), user=clara, now=LATER)


def test_name_is_needed(ticket: Ticket, anna: User) -> None:
    bill_as(None)

    assert refusal(None) == [
        "Order TK-2026-10-K1001 needs four eyes: somebody has to approve it by name (approve --user NAME)."
    ]
    assert approve_orders(Order.objects.all(), user=anna, now=LATER)


def test_without_the_option_everybody_approves(customer: Customer, anna: User) -> None:
    ticket_of(customer, 30)
    bill_as(anna)

    assert approve_orders(Order.objects.all(), user=anna, now=LATER)


def test_one_that_needs_four_eyes_stops_all_of_them(ticket: Ticket, anna: User, customer: Customer) -> None:
    ticket_of(CustomerFactory(system=customer.system), 10)
    bill()
    bill_as(anna)

    assert len(refusal(None)) == 1
