"""Small mirrors to bill: tickets with time in a few words, and the ledger as plain values to compare."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.db.models import Q, Sum

from billing.issuing import issue_orders
from billing.models import Adjustment, Allocation, BillingRun, Order, OrderEvent, OrderPosition
from billing.orders import approve_orders
from billing.queries import left_out
from billing.runs import run_billing, start_run
from common.jobs import Job
from common.months import Month
from common.progress import OnStep
from tests.factories.tickets import SyncRunFactory, TicketClosingFactory, TicketFactory, TimeEntryFactory
from tickets.models import Customer, Ticket, TicketSystem, TimeEntry

SEPTEMBER, OCTOBER, NOVEMBER = Month(2026, 9), Month(2026, 10), Month(2026, 11)
NOW = datetime(2026, 12, 2, 8, tzinfo=UTC)
DAY = "2026-10-05 10:00:00"
LEDGER = (Order, OrderPosition, Allocation, OrderEvent, Adjustment)


def ticket_of(customer: Customer | None, *units: int | str, closed: Month | None = OCTOBER, **fields: Any) -> Ticket:
    """A ticket, closed in the month unless it is ``None``, with one entry of each number of minutes on October 5."""
    if customer is not None:
        fields["system"] = customer.system
    ticket: Ticket = TicketFactory(customer=customer, **({"closed": closed is not None} | fields))
    if closed is not None:
        TicketClosingFactory(ticket=ticket, month=closed.first_day)
    for amount in units:
        book(ticket, amount)
    return ticket


def book(ticket: Ticket, units: int | str, at: str = DAY) -> TimeEntry:
    entry: TimeEntry = TimeEntryFactory(ticket=ticket, units=Decimal(units), booked_local=at)
    return entry


def read_completely(system: TicketSystem, month: Month = OCTOBER) -> None:
    """The mirror holds the month of this system to its end."""
    started = month.end(system.zone)
    SyncRunFactory(
        system=system, month=month.first_day, state=Job.State.DONE, complete=True, started_at=started, finished_at=NOW
    )


def bill(month: Month = OCTOBER, customer: Customer | None = None, now: datetime = NOW, **options: Any) -> BillingRun:
    """A run over the mirror as it stands."""
    run = start_run(month=month, customer=customer, reads_first=False, now=now)
    return run_billing(run, clock=lambda: now, **options)


def issue(now: datetime = NOW) -> list[Order]:
    """Approve every draft and issue everything that is approved."""
    if drafts := Order.objects.filter(state=Order.State.DRAFT):
        approve_orders(drafts, user=None, now=now)
    return issue_orders(Order.objects.filter(state=Order.State.APPROVED), user=None, now=now)


def ledger() -> list[list[dict[str, Any]]]:
    """Every row of the ledger with all its columns."""
    return [[dict(row) for row in model._base_manager.order_by("pk").values()] for model in LEDGER]


def billed(month: Month = OCTOBER) -> dict[str, dict[str, Decimal]]:
    """Recorded minutes of the month by CustomerID and ticket number."""
    found: dict[str, dict[str, Decimal]] = {}
    rows = OrderPosition.objects.filter(order__month=month.first_day).exclude(order__state=Order.State.VOID)
    for row in rows.select_related("order__customer", "ticket"):
        if row.ticket is not None:
            found.setdefault(row.order.customer.customer_id, {})[row.ticket.number] = row.recorded_minutes
    return found


def left(month: Month = OCTOBER, **options: Any) -> list[tuple[str, str, Decimal]]:
    """Ticket number, reason and minutes of what was left out."""
    return [(row.ticket.number, row.reason.value, row.minutes) for row in left_out(month, **options)]


def assert_every_minute_stands_once(month: Month, customer: Customer | None = None) -> None:
    """Orders + left out = what is mirrored for the month's tickets, summed another way than the product does."""
    orders = Order.objects.not_void().filter(month=month.first_day)
    if customer is not None:
        orders = orders.filter(customer=customer)
    billed = Allocation.objects.filter(position__order__in=orders, live=True).values_list("entry__ticket", flat=True)
    closed = Q(closings__month=month.first_day)
    booked = Q(
        entries__gone_at=None, entries__local_day__gte=month.first_day, entries__local_day__lt=month.next.first_day
    )
    tickets = Ticket.objects.filter(closed | booked)
    if customer is not None:
        tickets = tickets.filter(customer=customer)
    entries = TimeEntry.objects.filter(ticket__in={*tickets.values_list("pk", flat=True), *billed}, gone_at=None)
    mirrored = sum(entries.values_list("minutes", flat=True), Decimal(0))
    in_orders = sum(orders.values_list("recorded_minutes", flat=True), Decimal(0))
    elsewhere = sum((row.minutes for row in left_out(month, customer)), Decimal(0))
    assert in_orders + elsewhere == mirrored


def assert_totals_are_what_was_claimed() -> None:
    """Every position holds the minutes it shows, every order is the sum of its positions."""
    timed = OrderPosition.objects.filter(kind=OrderPosition.Kind.TIME)
    for position in timed.annotate(held=Sum("allocations__minutes")):
        assert position.recorded_minutes == position.held.quantize(Decimal("0.0001"))
    for order in Order.objects.prefetch_related("positions"):
        lines = order.positions.all()
        sums = [
            sum(getattr(line, name) for line in lines) for name in ("recorded_minutes", "billable_minutes", "amount")
        ]
        assert [order.recorded_minutes, order.billable_minutes, order.net_amount] == sums


class Interrupted(SystemExit):
    """The worker is killed here."""


def killing(step: int) -> OnStep:
    """A progress callback that kills the worker at its n-th report."""
    seen: list[str] = []

    def on_progress(text: str, done: int, total: int) -> None:
        seen.append(text)
        if len(seen) == step:
            raise Interrupted

    return on_progress


def killing_at(step: str) -> OnStep:
    """A progress callback that kills the worker when it reports this step."""

    def on_progress(text: str, done: int, total: int) -> None:
        if text == step:
            raise Interrupted

    return on_progress
