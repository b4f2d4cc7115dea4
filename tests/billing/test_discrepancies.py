"""What disagrees with approved orders: over a living ticket system first, then case by case."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.discrepancies import count_discrepancies, discrepancies
from billing.discrepancy_kinds import Discrepancy
from billing.issuing import void_order
from billing.models import Allocation, Order
from billing.orders import approve_orders
from billing.runs import run_billing, start_run
from billing.settlement_models import Kind
from generic_interface.simulator.data import build_month
from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.server import start_simulator
from tests.billing.scenes import (
    DAY,
    NOVEMBER,
    NOW,
    OCTOBER,
    SEPTEMBER,
    assert_every_minute_stands_once,
    bill,
    book,
    issue,
    ledger,
    ticket_of,
)
from tests.factories.billing import AgreementFactory
from tests.factories.tickets import CustomerFactory, TicketClosingFactory, TicketFactory, connected
from tests.tickets.support import sync
from tickets.models import Customer, Ticket, TicketSystem, TimeEntry

AFTER = datetime(2026, 11, 2, 8, tzinfo=UTC)
LATER = AFTER + timedelta(hours=1)
IN_OCTOBER = datetime(2026, 10, 30, 17, 3)


def billed() -> None:
    """October is billed and every order of it approved."""
    bill()
    approve_orders(Order.objects.filter(state=Order.State.DRAFT), user=None, now=NOW)


def found(**options: Any) -> list[tuple[str, str, Decimal, Decimal]]:
    """Kind, ticket billed, minutes billed, minutes at stake."""
    rows = discrepancies(**options)
    return [(row.kind.value, row.ticket.number, row.minutes_billed, row.minutes_at_stake) for row in rows]


def money(**options: Any) -> list[Decimal | None]:
    return [row.money_at_stake for row in discrepancies(**options)]


@pytest.fixture(params=["history", "both"])
def scene(request: pytest.FixtureRequest, db: None) -> Iterator[tuple[DataSet, TicketSystem]]:
    """October of twelve closed tickets of four customers, read, billed and approved."""
    data = build_month(tickets=12, customers=4, entries_per_ticket=2)
    with start_simulator(data) as running:
        system = connected(running, time_source=request.param)
        run = run_billing(start_run(month=OCTOBER, now=AFTER), clock=lambda: AFTER)
        assert (run.complete, run.orders_new) == (True, 4)
        approve_orders(Order.objects.all(), user=None, now=AFTER)
        yield data, system


def in_words(row: Discrepancy) -> tuple[str, str, str, str, Decimal, Decimal]:
    entry = row.entry
    return row.kind, row.customer.customer_id, row.ticket.number, entry.booked_local, entry.units, row.minutes_at_stake


def read_again(system: TicketSystem) -> None:
    """Twice: what the second reading makes of it is the same."""
    for hours in (1, 2):
        run = sync(system, clock=lambda hours=hours: AFTER + timedelta(hours=hours), accept_losses=True)
        assert run.error == ""


def test_every_change_that_touches_billed_time_is_listed_once(scene: tuple[DataSet, TicketSystem]) -> None:
    data, system = scene
    before, tickets = ledger(), data.closed_in((2026, 10))
    entries = {ticket: [(str(each.booked), each.units) for each in data.entries_of(ticket)] for ticket in tickets}
    name = {ticket: (data.ticket(ticket).customer_number, data.ticket(ticket).number) for ticket in tickets}
    merged, deleted, given, late, renamed, main, into = (*tickets[:5], tickets[8], tickets[10])
    wrong, booked_again = tickets[5], tickets[7]
    data.merge(main, merged)  # both of one customer
    data.merge(into, wrong)  # of two customers
    data.delete(deleted)
    data.change_customer(given, "K0004")
    data.book(late, 20, at=IN_OCTOBER)
    data.book(late, 7, at=datetime(2026, 11, 1, 10))
    data.book(late, -5, at=IN_OCTOBER)
    data.rename(renamed, "Another title")
    twin = data.entries_of(booked_again)[0]
    data.book(booked_again, twin.units, at=twin.booked, agent=data.agent_by_id(twin.user_id).login)

    read_again(system)

    rows = [in_words(row) for row in discrepancies()]
    expected = [(Kind.MOVED_TICKET, *name[merged], *each, Decimal(0)) for each in entries[merged]]
    expected += [(Kind.GONE, *name[deleted], *each, -each[1]) for each in entries[deleted]]
    expected += [(Kind.MOVED_CUSTOMER, *name[given], *each, -each[1]) for each in entries[given]]
    expected += [(Kind.MOVED_CUSTOMER, *name[wrong], *each, -each[1]) for each in entries[wrong]]
    expected += [(Kind.MOVED_TICKET, *name[wrong], *each, Decimal(0)) for each in entries[wrong]]
    expected += [
        (Kind.LATE, *name[late], str(IN_OCTOBER), Decimal(20), Decimal(20)),
        (Kind.NEGATIVE_LATE, *name[late], str(IN_OCTOBER), Decimal(-5), Decimal(-5)),
        (Kind.LATE, *name[booked_again], str(twin.booked), twin.units, twin.units),
    ]
    assert sorted(rows) == sorted(expected)
    assert count_discrepancies() == len(expected)
    assert ledger() == before
    assert_every_minute_stands_once(OCTOBER)


def test_nothing_disagrees_while_nothing_changes(scene: tuple[DataSet, TicketSystem]) -> None:
    data, system = scene
    for ticket in data.closed_in((2026, 10)):
        data.rename(ticket, "Another title")
        data.move(ticket, next(name for name in data.queues if name != data.ticket(ticket).queue.name))
        data.reopen(ticket)
        data.book(ticket, 10, at=datetime(2026, 11, 1, 10))

    read_again(system)

    assert (discrepancies(), count_discrepancies()) == ([], 0)


def test_vanished_time_is_at_stake_with_a_minus(customer: Customer) -> None:
    ticket = ticket_of(customer, 60, 20, number="1")
    billed()
    ticket.entries.filter(units=60).update(gone_at=NOW)

    row = discrepancies()[0]

    assert found() == [("gone", "1", 60, -60)]
    assert (row.minutes_now, row.money_at_stake, row.order) == (0, Decimal("-60.00"), Order.objects.get())
    assert (row.sentence, row.currency) == ("The time entry is gone from the ticket system.", "EUR")
    assert row.allocation == Allocation.objects.get(entry=row.entry).pk


def test_time_that_comes_back_is_no_discrepancy_any_more(customer: Customer) -> None:
    ticket = ticket_of(customer, 60)
    billed()
    ticket.entries.update(gone_at=NOW)
    ticket.entries.update(gone_at=None)

    assert (found(), count_discrepancies()) == ([], 0)


def test_changed_minutes_are_at_stake_with_their_difference(customer: Customer) -> None:
    ticket = ticket_of(customer, 60, number="1")
    billed()
    ticket.entries.update(minutes=Decimal("75.25"))

    assert found() == [("changed", "1", 60, Decimal("15.25"))]
    assert money() == [Decimal("15.25")]
    assert discrepancies()[0].sentence == "The time entry has other minutes than it was billed with."


def test_merge_within_a_customer_moves_no_money(customer: Customer) -> None:
    ticket = ticket_of(customer, 60, number="1")
    billed()
    ticket.entries.update(ticket=TicketFactory(system=customer.system, customer=customer, number="2"))

    row = discrepancies()[0]

    assert found() == [("moved_ticket", "1", 60, 0)]
    assert (row.minutes_now, row.money_at_stake) == (60, 0)
    assert row.sentence == "The time entry stands on ticket 2 by now."


def test_time_of_another_customer_is_all_at_stake(customer: Customer) -> None:
    ticket = ticket_of(customer, 60, 30, number="1")
    billed()
    other = CustomerFactory(system=customer.system, customer_id="B", name="Berg KG")
    Ticket.objects.filter(pk=ticket.pk).update(customer=other)

    rows = discrepancies()

    assert found() == [("moved_customer", "1", 60, -60), ("moved_customer", "1", 30, -30)]
    assert money() == [Decimal("-90.00"), None]
    assert (rows[0].customer, rows[0].customer_now) == (customer, other)
    assert rows[0].sentence == "The ticket of the time entry belongs to B Berg KG by now."


def test_time_of_a_ticket_without_customer_is_all_at_stake(customer: Customer) -> None:
    ticket = ticket_of(customer, 60, number="1")
    billed()
    Ticket.objects.filter(pk=ticket.pk).update(customer=None)

    assert found() == [("moved_customer", "1", 60, -60)]
    assert discrepancies()[0].sentence == "The ticket of the time entry has no customer any more."
    assert count_discrepancies() == 1


def test_entry_with_several_kinds_counts_its_minutes_once(customer: Customer) -> None:
    ticket = ticket_of(customer, 60, number="1")
    billed()
    other = TicketFactory(system=customer.system, customer=CustomerFactory(system=customer.system))
    ticket.entries.update(ticket=other, gone_at=NOW, minutes=Decimal(61))

    assert found() == [("gone", "1", 60, -60), ("moved_customer", "1", 60, 0), ("moved_ticket", "1", 60, 0)]
    assert money() == [Decimal("-60.00"), None, None]
    assert count_discrepancies() == 3


def test_entry_moved_and_changed_is_at_stake_with_its_new_minutes(customer: Customer) -> None:
    ticket = ticket_of(customer, 60, number="1")
    billed()
    other = TicketFactory(system=customer.system, customer=customer)
    ticket.entries.update(ticket=other, minutes=Decimal(70))

    assert found() == [("changed", "1", 60, 10), ("moved_ticket", "1", 60, 0)]


@pytest.mark.parametrize(
    ("units", "kind", "text"),
    [
        (20, "late", "The time entry stands in no order: it came too late for this one."),
        (-5, "negative_late", "The correction stands in no order: it came too late for this one."),
    ],
)
def test_time_booked_before_the_end_that_came_after_the_order_is_late(
    customer: Customer, units: int, kind: str, text: str
) -> None:
    ticket = ticket_of(customer, 60, number="1")
    billed()
    entry = book(ticket, units, at="2026-10-31 23:59:59")

    row = discrepancies()[0]

    assert found() == [(kind, "1", 0, units)]
    assert (row.entry, row.allocation, row.minutes_now, row.money_at_stake) == (entry, None, units, units)
    assert row.sentence == text
    assert count_discrepancies() == 1


def test_what_is_no_late_booking(customer: Customer) -> None:
    ticket, other = ticket_of(customer, 60), ticket_of(customer, closed=None)
    billed()
    book(ticket, 10, at="2026-11-01 00:00:00")
    book(ticket, 0)
    book(other, 10)
    book(ticket, 10)
    TimeEntry.objects.order_by("pk").filter(pk=TimeEntry.objects.latest("pk").pk).update(gone_at=NOW)

    assert (found(), count_discrepancies()) == ([], 0)


def test_late_time_counts_against_the_first_order_it_came_too_late_for(customer: Customer) -> None:
    ticket = ticket_of(customer, closed=SEPTEMBER, number="1")
    TicketClosingFactory(ticket=ticket, month=OCTOBER.first_day)
    book(ticket, 10, at="2026-09-05 10:00:00")
    book(ticket, 20)
    bill(SEPTEMBER)
    bill()
    Order.objects.update(state=Order.State.APPROVED, complete=True, approved_at=NOW)
    book(ticket, 5, at="2026-09-06 10:00:00")
    book(ticket, 7)
    september, october = Order.objects.order_by("month")

    assert [(row.order, row.minutes_at_stake) for row in discrepancies()] == [(october, 7), (september, 5)]
    assert found(order=september) == found(month=SEPTEMBER) == [("late", "1", 0, 5)]
    assert found(order=october) == found(month=OCTOBER) == [("late", "1", 0, 7)]
    assert [count_discrepancies(order=order) for order in (september, october)] == [1, 1]


def test_late_time_that_the_next_order_bills_is_no_discrepancy_any_more(customer: Customer) -> None:
    ticket = ticket_of(customer, 60)
    billed()
    book(ticket, 20)
    TicketClosingFactory(ticket=ticket, month=NOVEMBER.first_day)
    assert count_discrepancies() == 1

    bill(NOVEMBER)

    assert (found(), count_discrepancies()) == ([], 0)


def test_late_time_on_a_ticket_of_another_customer_is_none_of_the_order(customer: Customer) -> None:
    ticket = ticket_of(customer, 60, number="1")
    billed()
    Ticket.objects.filter(pk=ticket.pk).update(customer=CustomerFactory(system=customer.system))
    book(Ticket.objects.get(pk=ticket.pk), 20)

    assert [row[0] for row in found()] == ["moved_customer"]


def test_amount_at_stake_is_rounded_for_the_whole_position(system: TicketSystem) -> None:
    """60 EUR an hour, quarters up: 20 minutes cost 30 EUR, 31 cost 45. Neither of the late ones alone gets there."""
    customer = CustomerFactory(system=system)
    AgreementFactory(customer=customer, rounding_step=15)
    ticket = ticket_of(customer, 20)
    billed()
    book(ticket, 6)
    book(ticket, 5)

    assert money() == [Decimal("15.00"), None]
    assert sum(row.minutes_at_stake for row in discrepancies()) == 11


def test_amount_at_stake_follows_the_rule_of_the_position_and_not_the_agreement(customer: Customer) -> None:
    ticket = ticket_of(customer, 60)
    billed()
    customer.agreements.update(hourly_rate=Decimal(600))
    book(ticket, 10)

    assert money() == [Decimal("10.00")]


def test_drafts_have_no_discrepancies(customer: Customer) -> None:
    ticket = ticket_of(customer, 60)
    bill()
    ticket.entries.update(gone_at=NOW)
    book(ticket, 5)

    assert (found(), count_discrepancies()) == ([], 0)


def test_exported_orders_have_discrepancies_as_well(customer: Customer) -> None:
    ticket = ticket_of(customer, 60, number="1")
    billed()
    issue()
    Order.objects.update(state=Order.State.EXPORTED)
    ticket.entries.update(gone_at=NOW)

    assert found() == [("gone", "1", 60, -60)]


def test_void_order_has_no_discrepancies(customer: Customer) -> None:
    ticket = ticket_of(customer, 60, 5, number="1")
    billed()
    (order,) = issue()
    void_order(order, reason="wrong", user=None, now=NOW)
    ticket.entries.filter(units=5).update(gone_at=NOW)

    assert found() == []


def test_list_is_narrowed_down_to_month_customer_and_order(system: TicketSystem) -> None:
    first, second = CustomerFactory(system=system), CustomerFactory(system=system)
    for number, customer in enumerate((first, second)):
        ticket_of(customer, 10, number=str(number))
    billed()
    TimeEntry.objects.update(gone_at=NOW)

    assert [row[1] for row in found(customer=first)] == ["0"]
    assert [row[1] for row in found(order=Order.objects.get(customer=second))] == ["1"]
    assert (len(found(month=OCTOBER)), found(month=SEPTEMBER)) == (2, [])


def test_manager_sees_own_orders_and_no_foreign_name(system: TicketSystem) -> None:
    mine, theirs = CustomerFactory(system=system), CustomerFactory(system=system, customer_id="Z", name="Zebra")
    manager = get_user_model()._default_manager.create(username="manager")
    mine.account_managers.add(manager)
    given, merged, _foreign = (
        ticket_of(customer, 10, number=number) for number, customer in (("1", mine), ("2", mine), ("3", theirs))
    )
    billed()
    Ticket.objects.filter(pk=given.pk).update(customer=theirs)
    merged.entries.update(ticket=TicketFactory(system=system, customer=theirs, number="Z-1"))
    theirs.tickets.get(number="3").entries.update(gone_at=NOW)

    rows = discrepancies(user=manager)

    assert [(row.kind.value, row.ticket.number, row.opens_ticket, row.sentence) for row in rows] == [
        ("moved_customer", "1", False, "The ticket of the time entry belongs to another customer by now."),
        ("moved_customer", "2", True, "The ticket of the time entry belongs to another customer by now."),
        ("moved_ticket", "2", True, "The time entry stands on another ticket by now."),
    ]
    assert [(row.customer_now, row.ticket_now) for row in rows] == [(None, given), (None, None), (None, None)]
    assert count_discrepancies(user=manager) == 3


def test_stranger_sees_nothing_and_who_sees_all_customers_everything(customer: Customer) -> None:
    users = get_user_model()._default_manager
    stranger, admin = users.create(username="stranger"), users.create(username="admin", is_superuser=True)
    ticket = ticket_of(customer, 60)
    billed()
    ticket.entries.update(gone_at=NOW)
    book(ticket, 5)

    assert (discrepancies(user=stranger), count_discrepancies(user=stranger)) == ([], 0)
    assert [len(discrepancies(user=admin)), count_discrepancies(user=admin)] == [2, 2]


@pytest.mark.parametrize("customers", [1, 4])
def test_queries_do_not_grow_with_the_discrepancies(system: TicketSystem, customers: int) -> None:
    tickets = [ticket_of(CustomerFactory(system=system), 10, 20) for _ in range(customers)]
    billed()
    TimeEntry.objects.update(gone_at=NOW)
    for ticket in tickets:
        book(ticket, 5, at=DAY)

    with CaptureQueriesContext(connection) as queries:
        rows = discrepancies()
        texts = [f"{row.sentence} {row.order} {row.customer} {row.ticket} {row.entry.agent}" for row in rows]

    assert (len(queries), len(texts)) == (11, 3 * customers)
