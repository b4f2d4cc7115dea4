"""What orders hold although the ticket system shows it otherwise by now: the one place that says when that is so.

Each condition is about an ``Allocation``. Whether the order is still a draft, which the next run puts right, is asked
by the caller.
"""

from decimal import Decimal

from django.db.models import Case, Count, DecimalField, Exists, F, OuterRef, Q, QuerySet, Sum, Value, When
from django.utils.translation import ngettext

from billing.claims import stored_minutes
from billing.models import Allocation, Order
from billing.settlement_models import Kind, Settlement
from common.money import plain
from common.months import Month
from tickets.models import Customer, TicketClosing

GONE = Q(entry__gone_at__isnull=False)
CHANGED = Q(entry__gone_at__isnull=True) & ~Q(entry__minutes=F("minutes"))
"""Has other minutes than it was billed with; what is gone has none."""
ON_OTHER_TICKET = ~Q(entry__ticket=F("position__ticket"))
OF_OTHER_CUSTOMER = ~Q(entry__ticket__customer=F("position__order__customer"))
"""The ticket belongs to somebody else than the order, or to nobody."""

MINUTES = DecimalField(max_digits=14, decimal_places=4)
MIRRORED = Case(When(entry__gone_at__isnull=True, then=F("entry__minutes")), default=Value(Decimal(0)))
SURPLUS = Sum(MIRRORED - F("minutes"), output_field=MINUTES)
"""What is mirrored less what was billed; negative where time has gone."""


def no_longer_so() -> QuerySet[Allocation]:
    """Claims whose entry is gone from the ticket system, or has other minutes than it was billed with."""
    return Allocation.objects.filter(GONE | CHANGED, live=True)


def unsettled() -> QuerySet[Allocation]:
    """Of those the ones in orders that have left draft about which nobody has decided, as they are now."""
    settled = Settlement.objects.filter(
        allocation=OuterRef("pk"), live=True, kind__in=(Kind.GONE, Kind.CHANGED), minutes_now=OuterRef("now")
    )
    held = no_longer_so().exclude(position__order__state=Order.State.DRAFT)
    return held.alias(now=MIRRORED).exclude(Exists(settled))


def approved_but_gone(month: Month, customer: Customer | None = None) -> list[str]:
    """A sentence when approved orders hold what the ticket system no longer shows: a person has to settle it.

    Looks at the orders of the month and, in other months' orders, at the tickets closed in this one.
    """
    closed = TicketClosing.objects.filter(month=month.first_day)
    held = unsettled().filter(Q(position__order__month=month.first_day) | Q(entry__ticket__in=closed.values("ticket")))
    if customer is not None:
        held = held.filter(position__order__customer=customer)
    number = "position__order__number"
    found = held.order_by(number).values_list(number).annotate(surplus=SURPLUS, entries=Count("pk"))
    orders = [f"{number} ({plain(stored_minutes(surplus))} min)" for number, surplus, _entries in found]
    entries = sum(row[2] for row in found)
    text = ngettext(
        "%(count)d time entry of approved orders is no longer so in the ticket system: %(orders)s. "
        "The orders stay as they are; settle the discrepancies.",
        "%(count)d time entries of approved orders are no longer so in the ticket system: %(orders)s. "
        "The orders stay as they are; settle the discrepancies.",
        entries,
    )
    return [text % {"count": entries, "orders": ", ".join(orders)}] if orders else []
