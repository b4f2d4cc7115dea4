from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth import get_user_model

from billing.closing import close_month, reopen_month
from billing.issuing import issue_orders, void_order
from billing.models import Allocation, NumberRange, Order, OrderEvent
from billing.orders import OrdersRefused, approve_orders, return_to_draft
from common.jobs import Job
from tests.billing.scenes import (
    NOW,
    OCTOBER,
    assert_every_minute_stands_once,
    bill,
    book,
    issue,
    ledger,
    left,
    ticket_of,
)
from tests.factories.tickets import CustomerFactory
from tickets.models import Customer, TicketSystem

LATER = NOW + timedelta(hours=1)


def document_numbers() -> dict[str, str | None]:
    return dict(Order.objects.order_by("number").values_list("number", "document_number"))


def approved(customer: Customer, *minutes: int) -> Order:
    for amount in minutes:
        ticket_of(customer, amount)
    bill()
    return approve_orders(Order.objects.filter(customer=customer, state="draft"), user=None, now=NOW)[0]


def test_issuing_gives_numbers_in_order_and_says_who_and_when(system: TicketSystem) -> None:
    for name in ("B", "A", "C"):
        ticket_of(CustomerFactory(system=system, customer_id=name), 10)
    bill()
    user = get_user_model()._default_manager.create(username="anna")
    approve_orders(Order.objects.all(), user=None, now=NOW)

    issued = issue_orders(Order.objects.all(), user=user, now=LATER)

    assert document_numbers() == {
        "TK-2026-10-A": "2026-00001",
        "TK-2026-10-B": "2026-00002",
        "TK-2026-10-C": "2026-00003",
    }
    assert {(order.state, order.issued_at, order.issued_by_id) for order in issued} == {("issued", LATER, user.pk)}
    event = OrderEvent.objects.filter(order__number="TK-2026-10-A").latest("id")
    assert (event.kind, event.at, event.user_id, event.text) == ("issued", LATER, user.pk, "2026-00001")


def test_year_of_the_number_is_that_of_the_portal(customer: Customer) -> None:
    order = approved(customer, 10)

    issue_orders([order], user=None, now=datetime(2026, 12, 31, 23, 30, tzinfo=UTC))

    assert set(document_numbers().values()) == {"2027-00001"}


def test_draft_among_them_stops_all_and_takes_no_number(system: TicketSystem, customer: Customer) -> None:
    order = approved(customer, 10)
    ticket_of(CustomerFactory(system=system, customer_id="A"), 10)
    bill()
    before = ledger()

    with pytest.raises(OrdersRefused, match=r"Order TK-2026-10-A is a draft. Approve it first."):
        issue_orders(Order.objects.all(), user=None, now=NOW)

    assert (ledger(), NumberRange.objects.count()) == (before, 0)
    assert issue_orders([order], user=None, now=NOW)[0].document_number == "2026-00001"


def test_issuing_twice_is_refused_and_gives_no_second_number(customer: Customer) -> None:
    order = approved(customer, 10)
    issue_orders([order], user=None, now=NOW)

    with pytest.raises(OrdersRefused, match="was issued before"):
        issue_orders([order], user=None, now=NOW)

    assert NumberRange.objects.get().last == 1


def test_nothing_to_issue_is_refused(db: None) -> None:
    with pytest.raises(OrdersRefused, match="There is no order to issue"):
        issue_orders([], user=None, now=NOW)


def test_order_that_the_mirror_contradicts_is_not_issued(customer: Customer) -> None:
    ticket = ticket_of(customer, 10)
    order = approved(customer)
    ticket.entries.update(gone_at=NOW)

    with pytest.raises(OrdersRefused, match=r"The mirror has changed since .* Return the order to draft"):
        issue_orders([order], user=None, now=NOW)


def test_returned_order_is_a_draft_that_a_run_changes(customer: Customer) -> None:
    ticket = ticket_of(customer, 10)
    order = approved(customer)
    book(ticket, 5)
    return_to_draft([order], reason="Time was missing", user=None, now=LATER)

    bill(now=LATER)

    found = Order.objects.get()
    assert (found.state, found.approved_at, found.recorded_minutes) == ("draft", None, Decimal(15))
    assert found.events.filter(kind="returned").get().text == "Time was missing"


@pytest.mark.parametrize(("reason", "sentence"), [(" ", "Say why."), ("because", "cannot be returned to draft")])
def test_return_needs_a_reason_and_an_approved_order(customer: Customer, reason: str, sentence: str) -> None:
    order = approved(customer, 10)
    if reason.strip():
        issue()

    with pytest.raises(OrdersRefused, match=sentence):
        return_to_draft([order], reason=reason, user=None, now=NOW)


def test_voiding_frees_exactly_its_entries_and_the_next_order_refers_to_it(system: TicketSystem) -> None:
    first, second = (CustomerFactory(system=system, customer_id=name) for name in ("A", "B"))
    ticket_of(first, 10, 20)
    ticket_of(second, 40)
    bill()
    issue()
    wrong = Order.objects.get(customer=first)

    void_order(wrong, reason="Wrong rate", user=None, now=LATER)
    freed = left()
    bill(now=LATER)

    new = Order.objects.get(customer=first, state="draft")
    assert [(reason, minutes) for _number, reason, minutes in freed] == [("not_drafted", Decimal(30))]
    assert (new.number, new.correction_of, new.recorded_minutes) == ("TK-2026-10-A-2", wrong, Decimal(30))
    assert Allocation.objects.filter(position__order=wrong, live=True).count() == 0
    assert Allocation.objects.filter(position__order=wrong).count() == 2
    wrong.refresh_from_db()
    assert (wrong.state, wrong.void_reason, wrong.document_number) == ("void", "Wrong rate", "2026-00001")
    assert_every_minute_stands_once(OCTOBER)


def test_correction_can_be_corrected_again(customer: Customer) -> None:
    ticket_of(customer, 10)
    for _ in range(3):
        bill(now=LATER)
        issue(now=LATER)
        void_order(Order.objects.exclude(state="void").get(), reason="again", user=None, now=LATER)
    bill(now=LATER)

    chain = list(Order.objects.order_by("pk").values_list("number", "correction_of__number"))

    base = "TK-2026-10-K1001"
    assert chain == [(base, None), (f"{base}-2", base), (f"{base}-3", f"{base}-2"), (f"{base}-4", f"{base}-3")]


@pytest.mark.parametrize(
    ("reason", "issued", "sentence"),
    [
        ("wrong", False, "cannot be voided: it is not issued"),
        ("  ", True, "Say why the order is voided"),
        ("x" * 2001, True, "longer than 2000 characters"),
    ],
)
def test_void_is_refused(customer: Customer, reason: str, issued: bool, sentence: str) -> None:
    order = approved(customer, 10)
    if issued:
        issue_orders([order], user=None, now=NOW)
    before = ledger()

    with pytest.raises(OrdersRefused, match=sentence):
        void_order(order, reason=reason, user=None, now=NOW)

    assert ledger() == before


def test_voiding_twice_is_refused(customer: Customer) -> None:
    order = approved(customer, 10)
    issue()
    void_order(order, reason="wrong", user=None, now=NOW)

    with pytest.raises(OrdersRefused, match="cannot be voided"):
        void_order(order, reason="wrong", user=None, now=NOW)


def test_run_leaves_a_closed_month_as_it_is(customer: Customer) -> None:
    ticket_of(customer, 10)
    bill()
    issue()
    close_month(OCTOBER, user=None, now=NOW)
    ticket_of(CustomerFactory(system=customer.system, customer_id="late"), 30)
    before = ledger()

    run = bill(now=LATER)

    assert (ledger(), run.state, run.complete) == (before, Job.State.FAILED, False)
    assert run.problems[0].startswith("2026-10 was closed on 2026-12-02. No order was changed.")
    assert [reason for _number, reason, _minutes in left()] == ["month_closed"]


def test_month_is_open_again_with_a_reason(customer: Customer) -> None:
    close_month(OCTOBER, user=None, now=NOW)

    row = reopen_month(OCTOBER, reason="Late booking", user=None, now=LATER)

    assert (row.reopened_at, row.reason) == (LATER, "Late booking")
    ticket_of(customer, 10)
    assert bill(now=LATER).orders_new == 1
    assert close_month(OCTOBER.previous, user=None, now=LATER) == close_month(OCTOBER.previous, user=None, now=LATER)


def test_month_with_open_orders_is_not_closed(customer: Customer) -> None:
    ticket_of(customer, 10)
    bill()

    with pytest.raises(OrdersRefused, match="1 order of 2026-10 is not issued yet"):
        close_month(OCTOBER, user=None, now=NOW)


def test_month_is_not_closed_while_time_of_a_void_order_is_free(customer: Customer) -> None:
    ticket_of(customer, 10, 5)
    bill()
    (order,) = issue()
    void_order(order, reason="wrong", user=None, now=NOW)

    with pytest.raises(OrdersRefused, match="15 minutes of 2026-10 can be billed and stand in no order"):
        close_month(OCTOBER, user=None, now=NOW)

    bill(now=LATER)
    issue(now=LATER)
    assert close_month(OCTOBER, user=None, now=LATER).reopened_at is None


def test_month_is_not_closed_under_a_run(customer: Customer) -> None:
    run = bill()
    type(run).objects.update(state=Job.State.RUNNING, complete=False)

    with pytest.raises(OrdersRefused, match="A run for 2026-10 is on its way"):
        close_month(OCTOBER, user=None, now=NOW)


@pytest.mark.parametrize(("closed", "reason", "sentence"), [(False, "why", "is not closed"), (True, " ", "Say why")])
def test_reopening_is_refused(db: None, closed: bool, reason: str, sentence: str) -> None:
    if closed:
        close_month(OCTOBER, user=None, now=NOW)

    with pytest.raises(OrdersRefused, match=sentence):
        reopen_month(OCTOBER, reason=reason, user=None, now=NOW)
