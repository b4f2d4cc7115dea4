"""Changing the lines of a draft: at once, with a reason, undone, and kept by the next run."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User

from billing.adjusting import Field, Line
from billing.agreement_models import FlatFee
from billing.closing import close_month
from billing.issuing import void_order
from billing.models import Adjustment, Agreement, Allocation, Order, OrderEvent, OrderPosition
from billing.orders import OrdersRefused, approve_orders, return_to_draft
from billing.reviewing import LONGEST_COMMENT, change_line, comment_on, undo_change
from tests.billing.scenes import (
    NOW,
    OCTOBER,
    assert_every_minute_stands_once,
    assert_totals_are_what_was_claimed,
    bill,
    book,
    issue,
    ledger,
    left,
    ticket_of,
)
from tests.factories.tickets import CustomerFactory
from tickets.models import Customer, Ticket

LATER, LATEST = NOW + timedelta(hours=1), NOW + timedelta(hours=2)


@pytest.fixture
def user(db: None) -> User:
    return User.objects.create_user("clara")


@pytest.fixture
def ticket(customer: Customer) -> Ticket:
    """30 minutes in a draft, beside 10 of another ticket."""
    ticket = ticket_of(customer, 20, 10, number="1001", title="Printer")
    ticket_of(customer, 10, number="1002")
    bill()
    return ticket


def change(
    ticket: Ticket, values: dict[Field, Any], user: User, *, now: datetime = LATER, reason: str = "Agreed by phone"
) -> list[Adjustment]:
    return change_line(Order.objects.get(), Line(ticket.pk), values, reason=reason, user=user, now=now)


def refusal(act: Callable[[], object]) -> list[str]:
    before = ledger()
    with pytest.raises(OrdersRefused) as refused:
        act()
    assert ledger() == before
    return refused.value.sentences


def line() -> OrderPosition:
    return OrderPosition.objects.get(ticket__number="1001")


def test_minutes_that_a_person_changes_are_billed_at_once(ticket: Ticket, user: User) -> None:
    [kept] = change(ticket, {Field.MINUTES: Decimal(25)}, user)

    order, position = Order.objects.get(), line()
    assert (position.recorded_minutes, position.billable_minutes, position.amount) == (30, 25, Decimal("25.00"))
    assert (order.recorded_minutes, order.billable_minutes, order.net_amount) == (40, 35, Decimal("35.00"))
    assert (kept.number, kept.original, kept.reason, kept.user, kept.at) == (25, 30, "Agreed by phone", user, LATER)
    assert order.changed_at == LATER
    assert_totals_are_what_was_claimed()


def test_text_price_and_discount_are_changed_together(ticket: Ticket, user: User) -> None:
    change(
        ticket,
        {Field.TEXT: "Printer,\r\nas \x07agreed ", Field.PRICE: Decimal("33.33333"), Field.DISCOUNT: Decimal("12.5")},
        user,
    )

    position = line()
    assert (position.text, position.unit_price) == ("Printer,\nas  agreed", Decimal("33.33333"))
    assert (position.quantity, position.discount, position.amount) == (
        Decimal("0.5"),
        Decimal("12.5"),
        Decimal("14.58"),
    )
    assert Order.objects.get().net_amount == Decimal("24.58")


def test_history_says_what_was_changed_by_whom_and_why(ticket: Ticket, user: User) -> None:
    change(ticket, {Field.MINUTES: Decimal(25), Field.DISCOUNT: Decimal(10)}, user)

    event = Order.objects.get().events.last()
    assert event is not None
    assert (event.kind, event.user, event.at) == (OrderEvent.Kind.ADJUSTED, user, LATER)
    assert event.text == (
        "Ticket 1001: minutes to bill 30 → 25, discount in percent 0 → 10\n40.00 → 32.50 EUR\nAgreed by phone"
    )


def test_next_run_changes_nothing_and_keeps_what_the_person_changed(ticket: Ticket, user: User) -> None:
    change(ticket, {Field.MINUTES: Decimal(25), Field.TEXT: "Mine", Field.DISCOUNT: Decimal(10)}, user)
    change(ticket, {Field.PRICE: Decimal(90)}, user, now=LATEST)
    before = ledger()

    run = bill(now=LATEST)

    assert run.orders_unchanged == 1
    assert ledger() == before


def test_rebuilt_draft_keeps_the_change_and_says_what_is_computed_by_now(ticket: Ticket, user: User) -> None:
    change(ticket, {Field.MINUTES: Decimal(25)}, user)
    book(ticket, 15)

    bill(now=LATEST)

    position, event = line(), OrderEvent.objects.last()
    assert (position.recorded_minutes, position.billable_minutes) == (45, 25)
    assert Adjustment.objects.get().original == 45
    assert event is not None
    assert event.text == (
        "35.00 → 35.00 EUR\nTicket 1001 keeps what clara said: minutes to bill 25. Computed anew it is 45 by now."
    )
    assert bill(now=LATEST).orders_unchanged == 1


def test_change_of_a_ticket_that_left_the_order_is_not_kept_and_said(ticket: Ticket, user: User) -> None:
    change(ticket, {Field.DISCOUNT: Decimal(50)}, user)
    ticket.closings.all().delete()

    bill(now=LATEST)

    event = OrderEvent.objects.last()
    assert event is not None
    assert event.text == (
        "25.00 → 10.00 EUR\nNot kept, for the order does not bill it this way any more: "
        "Ticket 1001, discount in percent 50 by clara (Agreed by phone)."
    )
    assert not Adjustment.objects.exists()
    assert bill(now=LATEST).orders_unchanged == 1


def test_line_left_out_holds_no_time_and_stands_in_the_list(ticket: Ticket, user: User) -> None:
    change(ticket, {Field.INCLUSION: ""}, user, reason="Goodwill")

    assert Order.objects.get().net_amount == 10
    assert not Allocation.objects.filter(entry__ticket=ticket).exists()
    assert left() == [("1001", "excluded", Decimal(30))]
    assert [row.position for row in OrderPosition.objects.all()] == [1]
    assert_every_minute_stands_once(OCTOBER)


def test_line_left_out_is_billed_by_no_run_of_the_month(ticket: Ticket, user: User) -> None:
    change(ticket, {Field.INCLUSION: ""}, user)
    before = ledger()

    bill(now=LATEST)

    assert ledger() == before


def test_exclusion_of_a_ticket_that_left_the_order_is_not_kept(ticket: Ticket, user: User) -> None:
    change(ticket, {Field.INCLUSION: ""}, user, reason="Goodwill")
    ticket.closings.all().delete()

    bill(now=LATEST)

    event = OrderEvent.objects.last()
    assert event is not None
    assert "Ticket 1001, left out by clara (Goodwill)." in event.text
    assert not Adjustment.objects.exists()


def test_time_booked_on_a_line_left_out_is_said(ticket: Ticket, user: User) -> None:
    change(ticket, {Field.INCLUSION: ""}, user)
    book(ticket, 15)

    bill(now=LATEST)

    event = OrderEvent.objects.last()
    assert event is not None
    assert event.text.endswith("Ticket 1001 stays left out as clara said; it has 45 recorded minutes by now.")
    assert bill(now=LATEST).orders_unchanged == 1
    assert_every_minute_stands_once(OCTOBER)


def test_order_of_which_all_is_left_out_stays_a_draft_without_position(customer: Customer, user: User) -> None:
    ticket = ticket_of(customer, 30)
    bill()
    change(ticket, {Field.INCLUSION: ""}, user)
    before = ledger()

    bill(now=LATEST)

    assert ledger() == before
    assert Order.objects.get().net_amount == 0
    with pytest.raises(OrdersRefused, match="has no position"):
        approve_orders(Order.objects.all(), user=user, now=LATEST)
    assert close_month(OCTOBER, user=user, now=LATEST)


def test_draft_with_a_comment_does_not_go_when_it_is_emptied(customer: Customer, user: User) -> None:
    ticket = ticket_of(customer, 30)
    bill()
    comment_on(Order.objects.get(), text="Wait for Anna", user=user, now=LATER)
    ticket.closings.all().delete()

    bill(now=LATEST)

    assert Order.objects.get().net_amount == 0
    assert bill(now=LATEST).orders_unchanged == 1


@pytest.mark.parametrize(
    "values",
    [
        {Field.MINUTES: Decimal(25)},
        {Field.TEXT: "Mine"},
        {Field.PRICE: Decimal(1)},
        {Field.DISCOUNT: Decimal(100)},
        {Field.INCLUSION: ""},
    ],
)
def test_undoing_leaves_the_order_as_it_was(ticket: Ticket, user: User, values: dict[Field, Any]) -> None:
    columns = [field.name for field in OrderPosition._meta.concrete_fields if field.name != "id"]
    before = list(OrderPosition.objects.values_list(*columns))
    change(ticket, values, user)
    [field] = values

    undo_change(Order.objects.get(), Line(ticket.pk), field, user=user, now=LATEST)

    event = OrderEvent.objects.last()
    assert event is not None
    assert (event.kind, "undone" in event.text) == (OrderEvent.Kind.ADJUSTED, True)
    assert list(OrderPosition.objects.values_list(*columns)) == before
    assert (Order.objects.get().net_amount, Adjustment.objects.count()) == (40, 0)
    assert_totals_are_what_was_claimed()


def test_value_that_was_computed_is_as_computed_again(ticket: Ticket, user: User) -> None:
    change(ticket, {Field.MINUTES: Decimal(25)}, user)

    assert change(ticket, {Field.MINUTES: Decimal("30.0000")}, user, now=LATEST) == []
    assert line().billable_minutes == 30


def test_second_change_keeps_what_was_computed(ticket: Ticket, user: User) -> None:
    change(ticket, {Field.MINUTES: Decimal(25)}, user)

    [kept] = change(ticket, {Field.MINUTES: Decimal(20)}, user, now=LATEST, reason="Second thoughts")

    assert (kept.number, kept.original, kept.reason) == (20, 30, "Second thoughts")


def test_other_fields_stay_when_one_is_undone(ticket: Ticket, user: User) -> None:
    change(ticket, {Field.MINUTES: Decimal(25), Field.DISCOUNT: Decimal(10)}, user)

    undo_change(Order.objects.get(), Line(ticket.pk), Field.MINUTES, user=user, now=LATEST)

    assert line().amount == Decimal("27.00")


def test_changes_of_a_line_left_out_come_back_with_it(ticket: Ticket, user: User) -> None:
    change(ticket, {Field.MINUTES: Decimal(25), Field.INCLUSION: ""}, user)

    undo_change(Order.objects.get(), Line(ticket.pk), Field.INCLUSION, user=user, now=LATEST)

    assert line().amount == 25


def test_second_of_two_tabs_is_told(ticket: Ticket, user: User) -> None:
    seen = Order.objects.get()
    change(ticket, {Field.MINUTES: Decimal(25)}, user)

    sentences = refusal(
        lambda: change_line(seen, Line(ticket.pk), {Field.DISCOUNT: Decimal(5)}, reason="x", user=user, now=LATEST)
    )

    assert sentences == ["Order TK-2026-10-K1001 was changed just now. Look at it again."]


def test_same_change_twice_is_told(ticket: Ticket, user: User) -> None:
    change(ticket, {Field.MINUTES: Decimal(25)}, user)

    sentences = refusal(lambda: change(ticket, {Field.MINUTES: Decimal(25)}, user, now=LATEST))

    assert sentences == ["Nothing was changed: the line says all this already."]


def test_undoing_twice_is_told(ticket: Ticket, user: User) -> None:
    change(ticket, {Field.MINUTES: Decimal(25)}, user)
    undo_change(Order.objects.get(), Line(ticket.pk), Field.MINUTES, user=user, now=LATEST)

    sentences = refusal(lambda: undo_change(Order.objects.get(), Line(ticket.pk), Field.MINUTES, user=user, now=LATEST))

    assert sentences == ["There is nothing to undo: the line is as computed. Look at the order again."]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({Field.MINUTES: Decimal(-1)}, "Minutes to bill have the sign of the computed ones: 30."),
        ({Field.MINUTES: Decimal("1.00001")}, "minutes to bill: a number with at most 4 decimals, please."),
        ({Field.MINUTES: Decimal("1E+14")}, "minutes to bill: the number is too big."),
        ({Field.MINUTES: Decimal("NaN")}, "minutes to bill: the number is too big."),
        ({Field.PRICE: Decimal(-1)}, "A unit price is not below zero."),
        ({Field.PRICE: Decimal("1E+999")}, "unit price: the number is too big."),
        ({Field.DISCOUNT: Decimal("100.01")}, "A discount is 0 to 100 percent."),
        ({Field.DISCOUNT: Decimal("-0.01")}, "A discount is 0 to 100 percent."),
        ({Field.DISCOUNT: Decimal("0.001")}, "discount in percent: a number with at most 2 decimals, please."),
        ({Field.TEXT: " \x00\n "}, "A line needs a text."),
        ({Field.TEXT: "x" * 2001}, "The text is longer than 2000 characters."),
        ({}, "Nothing was changed: the line says all this already."),
    ],
)
def test_bad_value_is_refused_with_a_sentence(
    ticket: Ticket, user: User, values: dict[Field, Any], sentence: str
) -> None:
    assert refusal(lambda: change(ticket, values, user)) == [sentence]


@pytest.mark.parametrize(
    ("reason", "sentence"), [(" ", "Say why."), ("x" * 2001, "The reason is longer than 2000 characters.")]
)
def test_reason_is_needed(ticket: Ticket, user: User, reason: str, sentence: str) -> None:
    assert refusal(lambda: change(ticket, {Field.MINUTES: Decimal(1)}, user, reason=reason)) == [sentence]


def test_recurring_line_has_no_minutes(ticket: Ticket, customer: Customer, user: User) -> None:
    agreement = Agreement.objects.get(customer=customer)
    fee = FlatFee.objects.create(agreement=agreement, text="Wartung", article_number="W", unit="Stk", unit_price=100)
    bill(now=NOW)
    values = {Field.MINUTES: Decimal(5)}

    def act() -> None:
        change_line(Order.objects.get(), Line(flat_fee=fee.pk), values, reason="x", user=user, now=LATER)

    assert refusal(act) == ["A recurring line has no minutes."]


def test_time_that_is_rounded_to_nothing_is_not_given_back(customer: Customer, user: User) -> None:
    Agreement.objects.filter(customer=customer).update(rounding_step=15, rounding_mode="down")
    ticket = ticket_of(customer, 10)
    bill()

    assert refusal(lambda: change(ticket, {Field.MINUTES: Decimal(-5)}, user)) == [
        "Minutes to bill are not below zero."
    ]
    [kept] = change(ticket, {Field.MINUTES: Decimal(5)}, user)
    assert (str(kept), Order.objects.get().net_amount) == ("TK-2026-10-K1001 minutes", 5)


def test_correction_stays_a_correction(customer: Customer, user: User) -> None:
    ticket = ticket_of(customer, -30)
    bill()

    assert refusal(lambda: change(ticket, {Field.MINUTES: Decimal(10)}, user)) == [
        "Minutes to bill have the sign of the computed ones: -30."
    ]
    change(ticket, {Field.MINUTES: Decimal(-10)}, user)
    assert Order.objects.get().net_amount == -10


def test_amount_that_no_order_holds_is_refused_by_the_plan(ticket: Ticket, user: User) -> None:
    values = {Field.MINUTES: Decimal("9E+13"), Field.PRICE: Decimal("9E+9")}

    [sentence] = refusal(lambda: change(ticket, values, user))

    assert sentence.endswith("is too big for an order. Correct the times or the agreement.")


def test_only_drafts_are_changed(ticket: Ticket, user: User) -> None:
    approve_orders(Order.objects.all(), user=None, now=NOW)

    assert refusal(lambda: change(ticket, {Field.MINUTES: Decimal(1)}, user)) == [
        "Order TK-2026-10-K1001 is not a draft any more, so nothing of it was changed."
    ]


def test_draft_that_the_mirror_has_left_behind_is_not_changed(ticket: Ticket, user: User) -> None:
    book(ticket, 5)

    assert refusal(lambda: change(ticket, {Field.MINUTES: Decimal(1)}, user)) == [
        "The mirror or the agreement has changed since order TK-2026-10-K1001 was drafted. Start the run again first."
    ]


def test_draft_that_cannot_be_planned_is_not_changed(ticket: Ticket, user: User) -> None:
    Agreement.objects.update(position_text="{nothing}")

    [sentence] = refusal(lambda: change(ticket, {Field.MINUTES: Decimal(1)}, user))

    assert sentence.startswith("There is no placeholder {nothing};")


def test_order_that_is_gone_is_told(ticket: Ticket, user: User) -> None:
    order = Order.objects.get()
    Order.objects.all().delete()

    def act() -> None:
        change_line(order, Line(ticket.pk), {Field.MINUTES: Decimal(1)}, reason="x", user=user, now=LATER)

    gone = ["An order is gone: a run found nothing to bill in it. Look at the list again."]
    assert refusal(act) == gone
    assert refusal(lambda: comment_on(order, text="x", user=user, now=LATER)) == gone


def test_line_that_does_not_stand_there_is_told(ticket: Ticket, customer: Customer, user: User) -> None:
    other = ticket_of(customer, closed=None)

    assert refusal(lambda: change(other, {Field.MINUTES: Decimal(1)}, user)) == [
        "That line does not stand in order TK-2026-10-K1001. Look at it again."
    ]


def test_supplement_and_closed_month_are_left_alone(ticket: Ticket, user: User) -> None:
    Order.objects.update(supplement=1)
    assert refusal(lambda: change(ticket, {Field.MINUTES: Decimal(1)}, user)) == [
        "Order TK-2026-10-K1001 bills what came late. Its lines cannot be changed."
    ]
    Order.objects.update(supplement=0)
    OrderPosition.objects.all().delete()
    Ticket.objects.all().update(customer=None)
    close_month(OCTOBER, user=None, now=LATER)

    assert refusal(lambda: change(ticket, {Field.MINUTES: Decimal(1)}, user)) == [
        "2026-10 is closed. Open it again first."
    ]


def test_changes_stay_with_the_order_that_is_issued(ticket: Ticket, user: User) -> None:
    change(ticket, {Field.INCLUSION: ""}, user, reason="Goodwill")
    before = list(Adjustment.objects.values())

    issue(LATEST)
    bill(now=LATEST)

    assert list(Adjustment.objects.values()) == before
    assert left() == [("1001", "excluded", Decimal(30))]


def test_void_order_keeps_nothing_out_any_more(ticket: Ticket, user: User) -> None:
    change(ticket, {Field.INCLUSION: ""}, user)
    issue(LATEST)
    void_order(Order.objects.get(), reason="wrong", user=None, now=LATEST)

    bill(now=LATEST)

    assert Order.objects.get(state="draft").net_amount == 40
    assert_every_minute_stands_once(OCTOBER)


def test_exclusion_is_the_own_customers_alone(ticket: Ticket, user: User) -> None:
    change(ticket, {Field.INCLUSION: ""}, user)
    Ticket.objects.filter(pk=ticket.pk).update(customer=CustomerFactory(system=ticket.system, customer_id="K2"))

    assert left() == [("1001", "not_drafted", Decimal(30))]
    bill(now=LATEST)
    assert Order.objects.get(customer__customer_id="K2").recorded_minutes == 30
    assert_every_minute_stands_once(OCTOBER)


def test_returned_order_can_be_changed_again(ticket: Ticket, user: User) -> None:
    approve_orders(Order.objects.all(), user=None, now=NOW)
    return_to_draft(Order.objects.all(), reason="look again", user=user, now=NOW)

    assert change(ticket, {Field.MINUTES: Decimal(1)}, user)


@pytest.mark.parametrize("state", ["draft", "issued"])
def test_comment_stands_in_the_history_in_any_state(ticket: Ticket, user: User, state: str) -> None:
    if state == "issued":
        issue()

    comment_on(Order.objects.get(), text="Two\r\nlines <b>\x00", user=user, now=LATEST)

    event = OrderEvent.objects.last()
    assert event is not None
    assert (event.kind, event.user, event.at, event.text) == ("commented", user, LATEST, "Two\nlines <b>")


def test_comment_sent_twice_stands_there_once(ticket: Ticket, user: User) -> None:
    for text in ("Hm", "Hm", "No", "Hm"):
        comment_on(Order.objects.get(), text=text, user=user, now=LATEST)

    texts = OrderEvent.objects.filter(kind="commented").values_list("text", flat=True)
    assert list(texts) == ["Hm", "No", "Hm"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (" \n", "Write something first."),
        (
            "x" * (LONGEST_COMMENT + 1),
            "The comment is longer than 2000 characters. Nothing was kept; write a shorter one.",
        ),
    ],
)
def test_comment_without_words_or_too_long_is_refused(ticket: Ticket, user: User, text: str, sentence: str) -> None:
    assert refusal(lambda: comment_on(Order.objects.get(), text=text, user=user, now=LATER)) == [sentence]
