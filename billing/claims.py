"""Which time an order may hold, and the claims that put it there: the statements beneath the ledger.

An entry is free when no live allocation holds it. Claims are written by one INSERT ... SELECT, and the unique index
decides which entries are still free. What was counted before and what was claimed can differ; the ledger compares.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Count, Exists, F, FilteredRelation, OuterRef, Q, QuerySet, Sum, Value
from django.db.models.functions import Coalesce

from billing.agreement_models import Agreement
from billing.agreements import Agreements, agreement_of, has_ended, period_of
from billing.models import Allocation, Order, OrderPosition
from billing.settlements import customers_to_correct, entries_for_next_order, not_billable_entries
from billing.terms import NO_RULE, EntryTerms
from common.durations import PLACES
from common.money import quantize
from common.months import Month
from tickets.models import Customer, Ticket, TicketClosing, TimeEntry

CLAIM_COLUMNS = ("entry_id", "position_id", "minutes", "live")
GRAINS = {"entry": ("minutes",), "day": ("local_day",), "ticket": (), "order": ()}
"""What time is grouped by, beside ticket and rate, so that each part can be rounded on its own."""

LineKey = tuple[int, int]
"""Primary keys of ticket and rate rule (``NO_RULE`` for the agreement's own rate): what one position bills."""


@dataclass(frozen=True, slots=True)
class Time:
    """Sum of entries. ``held``: how many of them the line's position in the draft already holds, unchanged.

    ``parts`` are the minutes of what is rounded on its own, with how often they occur.
    """

    minutes: Decimal
    entries: int
    held: int = 0
    parts: tuple[tuple[Decimal, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Gathering:
    """Customers whose time is gathered alike: which tickets count, from when on, and what is rounded."""

    counting: str
    begins: date
    """First day of the period that ends with the month."""
    rounding_scope: str
    customers: tuple[int, ...]


def stored_minutes(total: Decimal | None) -> Decimal:
    """A sum of minutes as exactly as the column holds them; SQLite adds in binary and leaves a trace behind."""
    return quantize(total or Decimal(0), PLACES)


def gatherings(customers: Collection[int], month: Month, agreements: Agreements) -> list[Gathering]:
    """How the time of these customers is gathered; in none is whose period goes on, or whose agreement has ended."""
    alike: defaultdict[tuple[str, date, str], list[int]] = defaultdict(list)
    for customer in customers:
        agreement = agreement_of(agreements, customer)
        if agreement is None or has_ended(agreement, month):
            continue
        begins, ends_here = period_of(agreement, month)
        if ends_here:
            alike[agreement.counting, begins, agreement.rounding_scope].append(customer)
    return [Gathering(*key, customers=tuple(alike[key])) for key in sorted(alike)]


def customers_to_bill(month: Month, agreements: Agreements, customer: Customer | None = None) -> list[int]:
    """Customers with something to bill in the month or a draft of it, by primary key, the order of locking."""
    asked = Customer.objects.all() if customer is None else Customer.objects.filter(pk=customer.pk)
    closed = Ticket.objects.closed_in(month).filter(customer=OuterRef("pk"))
    drafts = Order.objects.filter(month=month.first_day, supplement=0, state=Order.State.DRAFT, customer=OuterRef("pk"))
    found = set(asked.filter(Exists(closed) | Exists(drafts)).order_by().values_list("pk", flat=True))
    found |= set(asked.filter(_has_settled_time(month)).order_by().values_list("pk", flat=True))
    found |= set(asked.filter(agreements__flat_fees__isnull=False).order_by().values_list("pk", flat=True))
    if any(not _is_usual(agreement) for agreement in agreements.values()):
        for group in gatherings(list(asked.order_by().values_list("pk", flat=True)), month, agreements):
            if group.counting == Agreement.Counting.BOOKED or group.begins != month.first_day:
                free = billable_entries(group, month).order_by().values("ticket__customer")
                found |= set(asked.filter(pk__in=free).order_by().values_list("pk", flat=True))
    return sorted(found)


def _has_settled_time(month: Month) -> Q:
    """Customers of whom somebody has decided that their next order bills late time, or corrects an earlier one."""
    late = TimeEntry.objects.filter(pk__in=entries_for_next_order(month))
    corrected = customers_to_correct(month)
    return Q(pk__in=late.values("ticket__customer")) | Q(pk__in=corrected)


def _is_usual(agreement: Agreement) -> bool:
    return agreement.counting == Agreement.Counting.CLOSED and agreement.period_months == 1


def customers_holding_others_time(month: Month, customer: Customer | None = None) -> list[int]:
    """Customers whose draft holds time of a ticket that belongs to somebody else by now. They must let go first.

    With ``customer``: only those that this customer's order waits for, and those that they wait for themselves.
    """
    held = Allocation.objects.filter(
        live=True,
        position__order__month=month.first_day,
        position__order__supplement=0,
        position__order__state=Order.State.DRAFT,
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


def tickets_of(group: Gathering, month: Month) -> QuerySet[Ticket]:
    """The tickets whose time these customers' orders bill, as far as it is bookings that decide."""
    tickets = Ticket.objects.filter(customer__in=group.customers)
    if group.counting == Agreement.Counting.BOOKED:
        return tickets.filter(pk__in=billable_entries(group, month).order_by().values("ticket"))
    if group.begins == month.first_day:
        return tickets.closed_in(month)
    return tickets.filter(_closed_in_period(group, month))


def _closed_in_period(group: Gathering, month: Month) -> Exists:
    closings = TicketClosing.objects.filter(ticket=OuterRef("pk"), month__range=(group.begins, month.first_day))
    return Exists(closings)


def tickets_let_in(group: Gathering, month: Month) -> QuerySet[Ticket]:
    """Further tickets: not closed in the period, but with late time that somebody has decided to bill in it."""
    tickets = Ticket.objects.filter(customer__in=group.customers)
    if group.counting == Agreement.Counting.BOOKED:
        return tickets.none()
    let_in = TimeEntry.objects.filter(pk__in=entries_for_next_order(month))
    return tickets.filter(pk__in=let_in.values("ticket")).exclude(_closed_in_period(group, month))


def billable_entries(group: Gathering, month: Month) -> QuerySet[TimeEntry]:
    """Entries that these customers' orders may hold: free, or held by their own draft of the month.

    Whether the ticket's state counts is not asked here, nor whether rules say that they are not billed. ``claim`` is
    the live allocation, if there is one.
    """
    own_draft = Q(
        claim__position__order__customer=F("ticket__customer"),
        claim__position__order__month=month.first_day,
        claim__position__order__supplement=0,
        claim__position__order__state=Order.State.DRAFT,
    )
    entries = booked_before_end(month).filter(ticket__customer__in=group.customers)
    let_in = entries_for_next_order(month)
    if group.counting == Agreement.Counting.CLOSED and (group.begins != month.first_day or let_in.exists()):
        closings = TicketClosing.objects.filter(month__range=(group.begins, month.first_day))
        entries = entries.filter(Q(ticket__in=closings.values("ticket")) | Q(pk__in=let_in))
    elif group.counting == Agreement.Counting.CLOSED:
        entries = entries.filter(ticket__closings__month=month.first_day)
    return entries.alias(claim=FilteredRelation("allocations", condition=Q(allocations__live=True))).filter(
        Q(claim__isnull=True) | own_draft
    )


def with_rates(entries: QuerySet[TimeEntry], terms: EntryTerms) -> Any:
    """The entries that are billed, each with ``rate``, the primary key of its rule or ``NO_RULE``."""
    priced = entries.annotate(rate=terms.rate()).exclude(pk__in=not_billable_entries())
    return priced.exclude(terms.not_billed_by_agreement()).exclude(terms.not_billed_by_rule())


def billable_times(group: Gathering, month: Month, terms: EntryTerms) -> dict[LineKey, Time]:
    """Time by ticket and rate that these customers' orders may hold."""
    unchanged = Q(claim__position__ticket=F("ticket"), claim__minutes=F("minutes"), claimed_rate=F("rate"))
    rows = (
        with_rates(billable_entries(group, month), terms)
        .alias(claimed_rate=Coalesce("claim__position__rate_rule", NO_RULE))
        .order_by()
        .values("ticket_id", "rate", *GRAINS[group.rounding_scope])
        .annotate(total=Sum("minutes"), entries=Count("pk"), held=Count("pk", filter=unchanged))
    )
    found: dict[LineKey, Time] = {}
    for row in rows:
        part = _time_of(row, group.rounding_scope)
        key = row["ticket_id"], row["rate"]
        found[key] = _together(found[key], part) if key in found else part
    return found


def _time_of(row: Mapping[str, Any], scope: str) -> Time:
    total = stored_minutes(row["total"])
    parts = (row["minutes"], row["entries"]) if scope == Agreement.RoundingScope.ENTRY else (total, 1)
    return Time(total, row["entries"], row["held"], (parts,))


def _together(one: Time, other: Time) -> Time:
    return Time(
        one.minutes + other.minutes, one.entries + other.entries, one.held + other.held, one.parts + other.parts
    )


def claim_free_entries(orders: Collection[int], month: Month, terms: EntryTerms) -> None:
    """Claim every free entry of the tickets and rates in these orders' positions, in one statement.

    Of tickets that were not closed in the period only the late entries that somebody has decided to bill.

    What is taken is skipped by ON CONFLICT. A NOT EXISTS in its place made PostgreSQL, while it took the table for
    empty, read all new claims again for each entry; and of two workers at once, one would end with an error.
    """
    # In one call: each further one would join the positions once more, and a ticket may have one in a void order.
    line = Q(ticket__positions__order__in=orders, ticket__positions__kind=OrderPosition.Kind.TIME)
    if terms.rules:
        line &= Q(rate=Coalesce("ticket__positions__rate_rule", NO_RULE))
    entries = with_rates(booked_before_end(month), terms).filter(_let_in(month), line)
    wanted = entries.order_by().values_list("pk", "ticket__positions__pk", "minutes", Value(True))
    selection, parameters = wanted.query.sql_with_params()
    quote = connection.ops.quote_name
    table, columns = quote(Allocation._meta.db_table), ", ".join(map(quote, CLAIM_COLUMNS))
    with connection.cursor() as cursor:
        # Names are our own, values travel as parameters.
        cursor.execute(f"INSERT INTO {table} ({columns}) {selection} ON CONFLICT DO NOTHING", parameters)


def _let_in(month: Month) -> Q:
    """What may join an order that bills its ticket: all, as long as nobody has decided to bill late time of others."""
    let_in = entries_for_next_order(month)
    if not let_in.exists():
        return Q()
    begins = OuterRef("ticket__positions__order__period_start")
    closings = TicketClosing.objects.filter(ticket=OuterRef("ticket"), month__gte=begins, month__lte=month.first_day)
    booked = Q(ticket__positions__order__agreement__counting=Agreement.Counting.BOOKED)
    return booked | Q(Exists(closings)) | Q(pk__in=let_in)


def claimed_times(orders: Iterable[int]) -> dict[int, Time]:
    """What the positions of these orders hold, summed from their live claims, by position."""
    rows = (
        Allocation.objects.filter(position__order__in=orders, live=True)
        .order_by()
        .values("position_id")
        .annotate(total=Sum("minutes"), entries=Count("pk"))
    )
    return {row["position_id"]: Time(stored_minutes(row["total"]), row["entries"]) for row in rows}
