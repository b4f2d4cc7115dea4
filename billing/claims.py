"""Which time an order may hold, and the claims that put it there: the statements beneath the ledger.

An entry is free when no live allocation holds it. Claims are written by one INSERT ... SELECT, and the unique index
decides which entries are still free. What was counted before and what was claimed can differ; the ledger compares.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.db import connection
from django.db.models import Count, Exists, F, FilteredRelation, OuterRef, Q, QuerySet, Sum, Value

from billing.models import Allocation, Order
from common.durations import PLACES
from common.money import quantize
from common.months import Month
from tickets.models import Customer, Ticket, TimeEntry

CLAIM_COLUMNS = ("entry_id", "position_id", "minutes", "live")


@dataclass(frozen=True, slots=True)
class Time:
    """Sum of entries. ``held``: how many of them the ticket's position in the draft already holds, unchanged."""

    minutes: Decimal
    entries: int
    held: int = 0


def stored_minutes(total: Decimal | None) -> Decimal:
    """A sum of minutes as exactly as the column holds them; SQLite adds in binary and leaves a trace behind."""
    return quantize(total or Decimal(0), PLACES)


def customers_to_bill(month: Month, customer: Customer | None = None) -> list[int]:
    """Customers with a ticket closed in the month or a draft of it, by primary key, the order of locking."""
    closed = Ticket.objects.closed_in(month).filter(customer=OuterRef("pk"))
    drafts = Order.objects.filter(month=month.first_day, state=Order.State.DRAFT, customer=OuterRef("pk"))
    found = Customer.objects.filter(Exists(closed) | Exists(drafts))
    if customer is not None:
        found = found.filter(pk=customer.pk)
    return list(found.order_by("pk").values_list("pk", flat=True))


def customers_holding_others_time(month: Month, customer: Customer | None = None) -> list[int]:
    """Customers whose draft holds time of a ticket that belongs to somebody else by now. They must let go first.

    With ``customer``: only those that this customer's order waits for, and those that they wait for themselves.
    """
    held = Allocation.objects.filter(
        live=True, position__order__month=month.first_day, position__order__state=Order.State.DRAFT
    )
    moved = held.exclude(entry__ticket__customer=F("position__order__customer"))
    pairs = set(moved.order_by().values_list("position__order__customer__pk", "entry__ticket__customer__pk"))
    if customer is None:
        return sorted({holder for holder, _owner in pairs})
    holders: set[int] = set()
    waiting = {customer.pk}
    while waiting:
        waiting = {holder for holder, owner in pairs if owner in waiting} - holders
        holders |= waiting
    return sorted(holders)


def booked_before_end(month: Month) -> QuerySet[TimeEntry]:
    """Present entries booked before the month ended, in the ticket system's zone."""
    return TimeEntry.objects.present().filter(local_day__lt=month.end_day)


def billable_entries(customers: Collection[int], month: Month) -> QuerySet[TimeEntry]:
    """Entries that these customers' orders may hold: free, or held by their own draft of the month.

    Whether the ticket's state counts is not asked here. ``claim`` is the live allocation, if there is one.
    """
    own_draft = Q(
        claim__position__order__customer=F("ticket__customer"),
        claim__position__order__month=month.first_day,
        claim__position__order__state=Order.State.DRAFT,
    )
    return (
        booked_before_end(month)
        .filter(ticket__customer__in=customers, ticket__closings__month=month.first_day)
        .alias(claim=FilteredRelation("allocations", condition=Q(allocations__live=True)))
        .filter(Q(claim__isnull=True) | own_draft)
    )


def billable_times(customers: Collection[int], month: Month) -> dict[int, Time]:
    """Time by ticket that these customers' orders may hold."""
    unchanged = Q(claim__position__ticket=F("ticket"), claim__minutes=F("minutes"))
    rows = (
        billable_entries(customers, month)
        .order_by()
        .values("ticket_id")
        .annotate(total=Sum("minutes"), entries=Count("pk"), held=Count("pk", filter=unchanged))
    )
    return {row["ticket_id"]: Time(stored_minutes(row["total"]), row["entries"], row["held"]) for row in rows}


def claim_free_entries(orders: Collection[int], month: Month) -> None:
    """Claim every free entry of the tickets in these orders' positions, in one statement.

    What is taken is skipped by ON CONFLICT. A NOT EXISTS in its place made PostgreSQL, while it took the table for
    empty, read all new claims again for each entry; and of two workers at once, one would end with an error.
    """
    wanted = (
        booked_before_end(month)
        .filter(ticket__positions__order__in=orders)
        .order_by()
        .values_list("pk", "ticket__positions__pk", "minutes", Value(True))
    )
    selection, parameters = wanted.query.sql_with_params()
    quote = connection.ops.quote_name
    table, columns = quote(Allocation._meta.db_table), ", ".join(map(quote, CLAIM_COLUMNS))
    with connection.cursor() as cursor:
        # Names are our own, values travel as parameters.
        cursor.execute(f"INSERT INTO {table} ({columns}) {selection} ON CONFLICT DO NOTHING", parameters)


def claimed_times(orders: Iterable[int]) -> dict[int, Time]:
    """What the positions of these orders hold, summed from their live claims, by position."""
    rows = (
        Allocation.objects.filter(position__order__in=orders, live=True)
        .order_by()
        .values("position_id")
        .annotate(total=Sum("minutes"), entries=Count("pk"))
    )
    return {row["position_id"]: Time(stored_minutes(row["total"]), row["entries"]) for row in rows}
