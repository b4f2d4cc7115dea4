"""F15 to F18, F21, F26, F27: what changes upstream before and after billing, from the socket to the order."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from billing.models import Allocation, BillingRun, Order
from billing.orders import approve_orders
from billing.queries import Reason, left_out
from billing.runs import run_billing, start_run
from common.months import Month
from generic_interface.simulator.administration import delete_article
from generic_interface.simulator.data import build_month
from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.model import Customer as UpstreamCustomer
from generic_interface.simulator.model import CustomerUser
from generic_interface.simulator.server import start_simulator
from tests.billing.scenes import OCTOBER, assert_every_minute_stands_once, billed, ledger
from tests.factories.tickets import connected
from tickets.models import Customer

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
NOVEMBER = OCTOBER.next


@pytest.fixture
def data() -> DataSet:
    """No tickets yet; the customers K0001 and K0002."""
    return build_month(tickets=0, customers=2)


@pytest.fixture(autouse=True)
def helpdesk(data: DataSet, db: None) -> Iterator[None]:
    with start_simulator(data) as running:
        connected(running, name="Helpdesk")
        yield


def october(day: int, hour: int = 8) -> datetime:
    return datetime(2026, 10, day, hour)


def closed_ticket(data: DataSet, *units: int, customer: str | None = "K0001") -> str:
    """A ticket of October with these bookings, closed on the tenth."""
    ticket = data.create(title="Drucker", customer=customer, at=october(1))
    for hour, amount in enumerate(units, start=9):
        data.book(ticket, amount, at=october(2, hour))
    data.close(ticket, at=october(10))
    return ticket


def bill(month: Month = OCTOBER, *, day: int = 2) -> BillingRun:
    """Read and draft, on this day after the month."""
    now = datetime(month.next.year, month.next.month, day, 8, tzinfo=UTC)
    return run_billing(start_run(month=month, now=now), clock=lambda: now)


def approve() -> list[list[dict[str, Any]]]:
    """Approve all drafts; returns the ledger."""
    approve_orders(Order.objects.filter(state=Order.State.DRAFT), user=None, now=datetime(2026, 11, 2, 9, tzinfo=UTC))
    return ledger()


def reasons(month: Month = OCTOBER) -> dict[Reason, Decimal]:
    return {row.reason: row.minutes for row in left_out(month)}


def test_f15_ticket_closed_in_two_months_is_billed_once_by_entry(data: DataSet) -> None:
    """The closing selects, the entries are billed: both orders together are what was worked."""
    ticket = closed_ticket(data, 30)
    bill()
    approve()
    data.reopen(ticket, at=datetime(2026, 11, 5))
    data.book(ticket, 45, at=datetime(2026, 11, 6))
    data.close(ticket, at=datetime(2026, 11, 7))

    run = bill(NOVEMBER)

    number = data.ticket(ticket).number
    assert run.complete
    assert [billed(month) for month in (OCTOBER, NOVEMBER)] == [{"K0001": {number: 30}}, {"K0001": {number: 45}}]


def test_f16_ticket_reopened_after_it_was_billed_leaves_the_order_as_it_is(data: DataSet) -> None:
    """Issued orders never change; an open ticket waits with its new time."""
    ticket, _other = closed_ticket(data, 30), closed_ticket(data, 15)
    bill()
    approved = approve()
    data.reopen(ticket, at=datetime(2026, 11, 1, 10))
    data.book(ticket, 45, at=datetime(2026, 11, 1, 11))

    runs = [bill(day=3), bill(NOVEMBER)]

    assert [run.complete for run in runs] == [True, True]
    assert ledger() == approved
    assert reasons(NOVEMBER) == {Reason.OPEN: 45, Reason.BILLED_ELSEWHERE: 30}


def test_f17_ticket_moved_to_another_customer_before_billing_is_billed_to_that_one(data: DataSet) -> None:
    """The customer is the one of the last reading; a draft follows."""
    ticket = closed_ticket(data, 30)
    bill()
    before = billed()
    data.change_customer(ticket, "K0002", at=datetime(2026, 11, 1, 10))

    run = bill(day=3)

    number = data.ticket(ticket).number
    assert run.complete
    assert (before, billed()) == ({"K0001": {number: 30}}, {"K0002": {number: 30}})


def test_f18_ticket_moved_to_another_customer_after_billing_is_not_billed_twice(data: DataSet) -> None:
    """The order stays with the old customer and the time with that order; the new customer gets none of it."""
    ticket = closed_ticket(data, 30)
    bill()
    approved = approve()
    data.change_customer(ticket, "K0002", at=datetime(2026, 11, 1, 10))

    run = bill(day=3)

    assert run.complete
    assert ledger() == approved
    [row] = left_out(OCTOBER, Customer.objects.get(customer_id="K0002"))
    assert (row.reason, row.minutes, row.order) == (Reason.BILLED_ELSEWHERE, 30, Order.objects.get())
    assert Allocation.objects.filter(live=True).count() == 1


def test_f21_time_deleted_after_billing_is_told_and_the_order_stays(data: DataSet) -> None:
    """What an approved order holds and the ticket system shows no more is a sentence for a person."""
    closed_ticket(data, 300, 10)
    bill()
    approved = approve()
    delete_article(data, data.entries()[1].article_id)

    run = bill(day=3)

    assert (run.complete, len(run.problems)) == (True, 1)
    assert run.problems[0].startswith("1 time entry of approved orders is no longer so in the ticket system")
    assert ledger() == approved
    assert reasons() == {Reason.GONE: -10}


def test_f26_customer_with_a_new_number_keeps_every_minute(data: DataSet) -> None:
    """A number that is changed upstream between reading and billing moves the tickets; none is billed twice."""
    tickets = [closed_ticket(data, 30), closed_ticket(data, 45)]
    bill()
    data.customers = {**data.customers, "N9001": UpstreamCustomer(number="N9001", name="as before")}
    data.customer_users = {**data.customer_users, "n": CustomerUser(login="n", customer_number="N9001")}
    for ticket in tickets:
        data.change_customer(ticket, "N9001", at=datetime(2026, 11, 1, 10))

    run = bill(day=3)

    assert run.complete
    assert billed() == {"N9001": {data.ticket(ticket).number: data.minutes_of(ticket) for ticket in tickets}}
    assert_every_minute_stands_once(OCTOBER)


@pytest.mark.parametrize("number", [None, "", "   "])
def test_f27_ticket_without_customer_number_is_billed_to_nobody_and_named(data: DataSet, number: str | None) -> None:
    """Its minutes stand in the list of what was left out, with what to do about it."""
    data.ticket(closed_ticket(data, 30, customer=None)).customer_number = number

    run = bill()

    assert run.complete
    assert Order.objects.count() == 0
    assert [(row.reason, row.minutes) for row in left_out(OCTOBER)] == [(Reason.NO_CUSTOMER, 30)]


def test_f27_number_that_the_portal_has_never_seen_is_a_customer_of_its_own(data: DataSet) -> None:
    """An unknown number is no reason to lose time: the customer appears with the first reading."""
    ticket = data.ticket(closed_ticket(data, 30))
    ticket.customer_number = "unknown-4711"

    run = bill()

    assert (run.complete, billed()) == (True, {"unknown-4711": {ticket.number: 30}})
