"""Why is this ticket not in the order? Every answer is a sentence, and none says what the person may not see."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from billing.adjusting import Field, Line
from billing.asking import clean_number, why_left_out, why_not_in_order
from billing.issuing import void_order
from billing.models import Order
from billing.queries import left_out
from billing.reviewing import change_line
from tests.billing.scenes import NOW, OCTOBER, SEPTEMBER, bill, book, issue, read_completely, ticket_of
from tests.factories.tickets import CustomerFactory, TicketFactory, TicketSystemFactory
from tickets.models import Customer, Ticket

UNKNOWN = "There is no ticket “%s” here that you may see. Type the whole number, as it stands in the ticket."


@pytest.fixture
def user(customer: Customer) -> User:
    """The customer's account manager."""
    user = User.objects.create_user("anna")
    customer.account_managers.add(user)
    return user


@pytest.fixture
def order(customer: Customer) -> Order:
    ticket_of(customer, 30, number="1001")
    bill()
    return Order.objects.get()


def answer(number: str, order: Order, user: User) -> list[str]:
    """On the page of the order."""
    return why_not_in_order(number, order, user=user)


def answer_of_month(number: str, user: User) -> list[str]:
    return why_left_out(number, OCTOBER, left_out(OCTOBER, user=user), user=user)


def test_open_ticket_says_so(customer: Customer, order: Order, user: User) -> None:
    ticket_of(customer, 45, number="1002", closed=None)
    sentence = "45 minutes of ticket 1002: The ticket was not closed in this month, or is open again."

    assert answer("1002", order, user) == [sentence]
    assert answer_of_month("1002", user) == [sentence]


def test_ticket_that_stands_there_after_all_says_where(order: Order, user: User) -> None:
    assert answer("1001", order, user) == ["Ticket 1001 stands in this order: position 1, 30 recorded minutes."]
    assert answer_of_month("1001", user) == ["30 minutes of ticket 1001 stand in order TK-2026-10-K1001 of this month."]


def test_ticket_that_a_person_left_out_says_why(order: Order, user: User) -> None:
    ticket = Ticket.objects.get()
    now = NOW + timedelta(hours=1)
    change_line(order, Line(ticket.pk), {Field.INCLUSION: ""}, reason="Goodwill", user=user, now=now)

    assert answer("1001", order, user) == [
        "30 minutes of ticket 1001: A person has left it out of the order. (Goodwill)"
    ]


def test_ticket_of_another_customer_that_may_be_seen_says_whose(order: Order, user: User) -> None:
    other = CustomerFactory(system=order.customer.system, customer_id="K2", name="Zwei GmbH")
    other.account_managers.add(user)
    ticket_of(other, 10, number="2001")

    assert answer("2001", order, user) == ["Ticket 2001 belongs to K2 Zwei GmbH; this order is for K1001 Königsbau AG."]


def test_unknown_and_unseen_tickets_get_the_same_answer(order: Order, user: User) -> None:
    ticket_of(CustomerFactory(system=order.customer.system, name="Secret"), 10, number="3001")

    assert answer("3001", order, user) == [UNKNOWN % "3001"]
    assert answer("9999", order, user) == [UNKNOWN % "9999"]
    assert answer_of_month("3001", user) == [UNKNOWN % "3001"]


def test_ticket_of_another_system_is_not_meant(order: Order, user: User) -> None:
    elsewhere = CustomerFactory(system=TicketSystemFactory())
    elsewhere.account_managers.add(user)
    ticket_of(elsewhere, 10, number="4001")

    assert answer("4001", order, user) == [UNKNOWN % "4001"]


def test_ticket_without_customer_says_so(order: Order, django_user_model: type[User]) -> None:
    admin = django_user_model.objects.create_superuser("dora")
    ticket_of(None, 5, number="5001", system=order.customer.system)

    assert answer("5001", order, admin) == [
        "5 minutes of ticket 5001: The ticket has no customer. Give it one in the ticket system."
    ]


def test_ticket_of_another_month_says_so(customer: Customer, order: Order, user: User) -> None:
    TicketFactory(system=customer.system, customer=customer, number="6001")
    sentence = "Ticket 6001 was not closed in 2026-10, and no time was booked on it in that month."

    assert answer("6001", order, user) == [sentence]
    assert answer_of_month("6001", user) == [sentence]


def test_time_billed_by_another_month_names_the_order(customer: Customer, order: Order, user: User) -> None:
    read_completely(customer.system, SEPTEMBER)
    ticket = ticket_of(customer, number="7001", closed=SEPTEMBER)
    book(ticket, 8, at="2026-09-05 10:00:00")
    bill(SEPTEMBER)
    ticket.closings.create(month=OCTOBER.first_day)

    assert answer("7001", order, user) == ["8 minutes of ticket 7001: Stands in order TK-2026-09-K1001 of 2026-09."]


def test_void_order_says_where_the_time_is_now(order: Order, user: User) -> None:
    issue()
    void_order(order, reason="wrong", user=None, now=NOW)
    bill()

    assert answer("1001", order, user) == [
        "Ticket 1001 stands in this order: position 1, 30 recorded minutes.",
        "30 minutes of ticket 1001 stand in order TK-2026-10-K1001-2 of this month.",
    ]


@pytest.mark.parametrize(
    ("typed", "number"), [(" #1001 ", "1001"), ("10\x0001", "10 01"), ("x" * 500, "x" * 100), ("\n", "")]
)
def test_number_is_read_as_it_was_typed(typed: str, number: str) -> None:
    assert clean_number(typed) == number
