"""What the history of an order says of its discrepancies: settled, taken back, carried out, and no longer so."""

import pytest
from django.contrib.auth.models import User

from billing.discrepancies import discrepancies
from billing.issuing import void_order
from billing.models import Order, OrderEvent
from billing.orders import OrdersRefused
from billing.settlement_models import Choice, Settlement
from billing.settling import settle, take_back
from tests.billing.scenes import NOVEMBER, NOW, bill, book, issue, read_completely, ticket_of
from tickets.models import Customer, Ticket, TicketSystem, TimeEntry

REASON = "Agreed on the phone."


@pytest.fixture
def ticket(customer: Customer, system: TicketSystem) -> Ticket:
    """60 and 30 minutes, issued with October's order."""
    read_completely(system, NOVEMBER)
    ticket = ticket_of(customer, 60, 30, number="1")
    bill()
    issue()
    return ticket


@pytest.fixture
def clara(django_user_model: type[User]) -> User:
    return django_user_model.objects.create_user("clara")


def settle_all(choice: Choice, user: User | None = None) -> list[Settlement]:
    return settle(discrepancies(), choice=choice, reason=REASON, user=user, now=NOW)


def history(order: Order) -> list[str]:
    return [event.text for event in order.events.filter(kind=OrderEvent.Kind.SETTLED)]


def first_order() -> Order:
    return Order.objects.earliest("pk")


def lose_an_entry() -> None:
    TimeEntry.objects.filter(minutes=30).update(gone_at=NOW)


def test_settling_is_written_into_the_history_with_who_why_and_the_money(ticket: Ticket, clara: User) -> None:
    lose_an_entry()

    settle_all(Choice.CREDIT, clara)

    assert history(first_order()) == [
        "1 × vanished: credit it with the next order, -30 min, -30.00 EUR\nAgreed on the phone."
    ]
    assert first_order().events.get(kind="settled").user == clara


def test_discrepancies_that_are_alike_are_told_together(ticket: Ticket) -> None:
    book(ticket, 10)
    book(ticket, 20)

    settle_all(Choice.NOT_BILLABLE)

    assert history(first_order()) == ["2 × booked late: do not bill it, 30 min, 30.00 EUR\nAgreed on the phone."]


def test_each_order_is_told_what_was_settled_of_it(ticket: Ticket, system: TicketSystem) -> None:
    other = Order.objects.exclude(pk=first_order().pk)
    late = ticket_of(first_order().customer, 15, closed=NOVEMBER, number="2")
    bill(NOVEMBER)
    issue()
    book(ticket, 10)
    book(late, 20, at="2026-11-05 10:00:00")

    settle_all(Choice.NOT_BILLABLE)

    assert [text.split(",")[1] for order in (first_order(), other.get()) for text in history(order)] == [
        " 10 min",
        " 20 min",
    ]


def test_supplement_is_named_in_the_history_of_the_order_it_came_too_late_for(ticket: Ticket) -> None:
    book(ticket, 10)

    settle_all(Choice.SUPPLEMENT)
    issue()

    supplement = Order.objects.get(supplement=1)
    assert history(first_order()) == [
        f"1 × booked late: bill it with a supplement now, 10 min, 10.00 EUR ({supplement.number})\n{REASON}",
        f"Carried out by {supplement.document_number}.",
    ]
    assert history(supplement) == []


def test_credit_is_written_into_the_history_when_the_order_that_holds_it_is_issued(ticket: Ticket) -> None:
    lose_an_entry()
    settle_all(Choice.CREDIT)
    bill(NOVEMBER)
    before = history(first_order())

    issue()

    assert len(before) == 1
    assert history(first_order())[1:] == ["Carried out by 2026-00002."]


def test_late_time_is_written_into_the_history_when_the_next_order_is_issued(ticket: Ticket) -> None:
    book(ticket, 10)
    settle_all(Choice.NEXT_ORDER)
    bill(NOVEMBER)

    issue()

    assert history(first_order())[1:] == ["Carried out by 2026-00002."]


def test_voiding_what_carries_it_out_is_written_into_the_history_of_the_order_it_corrects(ticket: Ticket) -> None:
    lose_an_entry()
    settle_all(Choice.CREDIT)
    bill(NOVEMBER)
    issue()

    void_order(Order.objects.get(document_number="2026-00002"), reason="wrong", user=None, now=NOW)

    assert history(first_order())[2:] == ["No longer carried out by 2026-00002, which was voided."]


def test_voiding_a_supplement_opens_what_it_had_settled_and_says_so(ticket: Ticket) -> None:
    book(ticket, 10)
    settle_all(Choice.SUPPLEMENT)
    issue()
    supplement = Order.objects.get(supplement=1)

    void_order(supplement, reason="wrong", user=None, now=NOW)

    last = history(first_order())[-1]
    assert last.startswith("Taken back:\n1 × booked late: bill it with a supplement now, 10 min")
    assert last.endswith("No longer carried out by 2026-00002, which was voided.")


def test_taking_back_is_written_into_the_history(ticket: Ticket, clara: User) -> None:
    lose_an_entry()
    made = settle_all(Choice.CREDIT)

    take_back([made[0].pk], reason="Wrong customer", user=clara, now=NOW)

    assert history(first_order())[1:] == [
        "Taken back:\n1 × vanished: credit it with the next order, -30 min, -30.00 EUR\nWrong customer"
    ]


def test_what_is_refused_leaves_no_trace(ticket: Ticket) -> None:
    lose_an_entry()
    rows = discrepancies()
    settle_all(Choice.CREDIT)

    with pytest.raises(OrdersRefused):
        settle(rows, choice=Choice.CREDIT, reason=REASON, user=None, now=NOW)

    assert len(history(first_order())) == 1
