"""32 processes that start the same run in the same moment, and eight that issue: one set of orders, nothing twice."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction

from billing.audit import audit_ledger
from billing.issuing import issue_orders
from billing.models import Agreement, Allocation, BillingRun, Order
from billing.orders import OrdersRefused, approve_orders
from billing.runs import RunBusy, run_billing, start_run
from common.months import Month
from tests.billing.scenes import NOW, assert_every_minute_stands_once, bill, book, read_completely, ticket_of
from tests.factories.tickets import CustomerFactory, TicketSystemFactory, TimeEntryFactory
from tests.processes import Crew, crew_of
from tickets.models import Customer, Ticket, TicketSystem, TimeEntry

pytestmark = [pytest.mark.postgresql, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
WORKERS, ISSUERS, ROUNDS = 32, 8, 20
FIRST = Month(2025, 1)
MONTHS = [FIRST.shift(places) for places in range(ROUNDS)]


@pytest.fixture
def system(db: None) -> TicketSystem:
    """Of which every month was read to its end; the default agreement of the migrations was flushed away."""
    Agreement.objects.get_or_create(is_default=True, defaults={"hourly_rate": 95})
    system: TicketSystem = TicketSystemFactory()
    for month in MONTHS:
        read_completely(system, month)
    return system


@pytest.fixture
def customers(system: TicketSystem) -> list[Customer]:
    return [CustomerFactory(system=system) for _ in range(4)]


@pytest.fixture
def crew(system: TicketSystem) -> Iterator[Crew]:
    with crew_of(WORKERS) as crew:
        yield crew


@pytest.fixture
def issuers(system: TicketSystem) -> Iterator[Crew]:
    with crew_of(ISSUERS) as crew:
        yield crew


def work_up(customers: list[Customer], month: Month) -> None:
    """Two tickets of each customer, closed in the month, with two entries each."""
    for customer in customers:
        for _ in range(2):
            ticket = ticket_of(customer, closed=month)
            book(ticket, 10, at=f"{month}-05 10:00:00")
            book(ticket, 5, at=f"{month}-06 10:00:00")


def start_and_work(number: int, month: Month) -> str:
    try:
        run = start_run(month=month, reads_first=False, now=NOW)
        return str(run_billing(run, clock=lambda: NOW).state)
    except RunBusy:
        return "busy"


def sync_or_work(number: int, month: Month) -> str:
    """The first process books, moves and removes time as a sync would; all others start the run."""
    if number:
        return start_and_work(number, month)
    tickets = list(Ticket.objects.closed_in(month).order_by("pk"))
    for ticket, other in zip(tickets, tickets[1:] + tickets[:1], strict=True):
        with transaction.atomic():
            first, last = ticket.entries.filter(minutes__gte=5).order_by("pk")[:2]
            at = f"{month}-07 10:00:00"
            TimeEntryFactory(ticket=ticket, agent=first.agent, units=1, booked_local=at, running_number=ticket.pk)
            TimeEntry.objects.filter(pk=first.pk).update(ticket=other)
            TimeEntry.objects.filter(pk=last.pk).update(gone_at=NOW)
    Ticket.objects.filter(pk=tickets[0].pk).update(customer=tickets[-1].customer)
    return "synced"


def assert_billed_once(month: Month) -> None:
    """One order for each customer; every present entry of the month in one position, and no other."""
    orders = Order.objects.filter(month=month.first_day)
    assert BillingRun.objects.filter(month=month.first_day).count() == 1
    assert set(Counter(orders.values_list("customer", flat=True)).values()) <= {1}
    held = list(Allocation.objects.filter(position__order__in=orders).values_list("entry", flat=True))
    present = TimeEntry.objects.present().filter(local_day__range=(month.first_day, month.end_day))
    assert sorted(held) == sorted(present.values_list("pk", flat=True))
    assert_every_minute_stands_once(month)


def test_32_processes_that_start_the_run_draft_one_set_of_orders(crew: Crew, customers: list[Customer]) -> None:
    for month in MONTHS:
        work_up(customers, month)

        states = Counter(crew(start_and_work, month))

        assert states["done"] >= 1
        assert states["done"] + states["busy"] == WORKERS
        assert Order.objects.filter(month=month.first_day).count() == len(customers)
        assert_billed_once(month)
    assert Allocation.objects.count() == TimeEntry.objects.count() == ROUNDS * 16
    assert audit_ledger().breaches == ()


def test_32_processes_that_bill_an_empty_month_draft_nothing(crew: Crew) -> None:
    for month in MONTHS:
        states = Counter(crew(start_and_work, month))

        assert states["done"] >= 1
        assert states["done"] + states["busy"] == WORKERS
        assert BillingRun.objects.filter(month=month.first_day).count() == 1
    assert not Order.objects.exists()


def test_32_processes_lose_nothing_while_time_is_synced(crew: Crew, customers: list[Customer]) -> None:
    for month in MONTHS:
        work_up(customers, month)

        states = Counter(crew(sync_or_work, month))
        run = bill(month, now=NOW + timedelta(hours=1))

        assert states["synced"] == 1
        assert sum(states[name] for name in ("done", "partly", "failed", "busy")) == WORKERS - 1
        assert run.complete
        assert_billed_once(month)
    assert sum(Order.objects.values_list("recorded_minutes", flat=True), Decimal(0)) == sum(
        TimeEntry.objects.present().values_list("minutes", flat=True), Decimal(0)
    )
    assert audit_ledger().breaches == ()


def issue_one_by_one(number: int) -> str:
    """Every process tries every order, each from another end."""
    issued = 0
    orders = list(Order.objects.filter(state=Order.State.APPROVED).order_by("pk"))
    start = number * len(orders) // ISSUERS
    for order in orders[start:] + orders[:start]:
        try:
            issue_orders([order], user=None, now=NOW)
            issued += 1
        except OrdersRefused:
            continue
    return str(issued)


def test_eight_processes_that_issue_give_every_number_once(issuers: Crew, customers: list[Customer]) -> None:
    for count, month in enumerate(MONTHS, start=1):
        work_up(customers, month)
        bill(month)
        approve_orders(Order.objects.filter(state=Order.State.DRAFT), user=None, now=NOW)

        issued = sum(int(each) for each in issuers(issue_one_by_one))

        assert issued == len(customers)
        numbers = Order.objects.order_by("document_number").values_list("document_number", flat=True)
        assert list(numbers) == [f"2026-{number:05}" for number in range(1, count * len(customers) + 1)]
    assert audit_ledger().breaches == ()
