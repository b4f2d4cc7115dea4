"""Settlements in force: what they settle, and which time they let into orders or keep out of them.

A settlement of late time is about the entry as it was: with the same minutes, on the same ticket, of the same customer.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from billing.models import Order
from billing.settlement_models import LATE_KINDS, Choice, Kind, Settlement, SettlementLine
from common.money import plain
from common.months import Month

CORRECTING = (Choice.CREDIT, Choice.NEXT_ORDER)
"""Of an entry that stands in an order: a later order gets a line with the difference."""


def facts_of(
    kind: Kind, *, billed: Decimal, minutes: Decimal, ticket: int | None = None, customer: int | None = None
) -> str:
    """What a settlement rests on, in one text: another text, and the discrepancy is open again.

    ``minutes``, ``ticket`` and ``customer`` (by primary key) are those of the entry now, ``billed`` what orders hold.
    """
    match kind:
        case Kind.GONE:
            return f"{plain(billed)}>0"
        case Kind.CHANGED:
            return f"{plain(billed)}>{plain(minutes)}"
        case Kind.MOVED_CUSTOMER:
            return f"customer {customer or 0}"
        case Kind.MOVED_TICKET:
            return f"ticket {ticket}"
    return f"{plain(minutes)} on {ticket} of {customer}"


@dataclass(frozen=True, slots=True)
class Correction:
    """A settlement that a line of a later order carries out, beside what has become of its entry."""

    settlement: int
    allocation: int
    entry: int
    position: int
    local_day: date
    held: Decimal
    """What the claim holds, for good."""
    now: Decimal
    """What the entry has now; nothing where it is gone."""
    minutes_billed: Decimal
    minutes_now: Decimal
    minutes: Decimal
    currency: str
    is_carried_out: bool
    """Its line stands in an order that has left draft."""


CORRECTION = (
    "pk",
    "allocation",
    "entry",
    "position",
    "entry__local_day",
    "allocation__minutes",
    "minutes_billed",
    "minutes_now",
    "minutes_at_stake",
    "currency",
    "carried_out",
    "entry__minutes",
    "entry__gone_at",
)


def corrections(settlements: QuerySet[Settlement]) -> list[Correction]:
    """Those that count: carried out, or waiting for their line while the facts are the same. One query.

    Once the facts agree again, or are others, what waits is no longer about anything.
    """
    carried_out = SettlementLine.objects.filter(settlement=OuterRef("pk"), live=True).exclude(
        position__order__state=Order.State.DRAFT
    )
    asked = settlements.filter(live=True, allocation__live=True, choice__in=CORRECTING).order_by("pk")
    rows: Any = asked.annotate(carried_out=Exists(carried_out)).values_list(*CORRECTION)
    found = [_correction(*row) for row in rows]
    billed: defaultdict[int, Decimal] = defaultdict(Decimal)
    for each in found:
        billed[each.allocation] += each.minutes if each.is_carried_out else Decimal(0)
    return [
        each
        for each in found
        if each.is_carried_out
        or (each.minutes_billed, each.minutes_now) == (each.held + billed[each.allocation], each.now)
    ]


def _correction(
    settlement: int,
    allocation: int,
    entry: int,
    position: int,
    local_day: date,
    held: Decimal,
    *values: Any,
) -> Correction:
    minutes_billed, minutes_now, minutes, currency, is_carried_out, entry_minutes, gone_at = values
    return Correction(
        settlement=settlement,
        allocation=allocation,
        entry=entry,
        position=position,
        local_day=local_day,
        held=held,
        now=_now(entry_minutes, gone_at),
        minutes_billed=minutes_billed,
        minutes_now=minutes_now,
        minutes=minutes,
        currency=currency,
        is_carried_out=is_carried_out,
    )


def _now(minutes: Decimal, gone_at: datetime | None) -> Decimal:
    return minutes if gone_at is None else Decimal(0)


@dataclass(frozen=True, slots=True)
class InForce:
    """The settlements of some orders, to be asked entry by entry."""

    facts: frozenset[tuple[int | None, int, str, str]]
    credited: Mapping[int, Decimal]
    """Minutes by which later lines correct a claim, by its primary key."""

    def settles(self, kind: Kind, facts: str, *, allocation: int | None, entry: int) -> bool:
        """Whether somebody has decided about this discrepancy with these facts."""
        return (allocation, entry, _name(kind), facts) in self.facts


def in_force(orders: QuerySet[Order]) -> InForce:
    """Of the discrepancies of these orders; two queries."""
    of_orders = Settlement.objects.filter(position__order__in=orders.values("pk"))
    asked = Settlement.objects.filter(live=True).filter(Q(pk__in=of_orders.values("pk")) | Q(allocation=None))
    rows = asked.order_by().values_list("allocation", "entry", "kind", "facts")
    credited: defaultdict[int, Decimal] = defaultdict(Decimal)
    for each in corrections(of_orders):
        credited[each.allocation] += each.minutes
    return InForce(
        frozenset((allocation, entry, _name(Kind(kind)), facts) for allocation, entry, kind, facts in rows),
        dict(credited),
    )


def _name(kind: Kind) -> str:
    """Late time is told by its entry and facts alone."""
    return "" if kind in LATE_KINDS else kind.value


def corrected_claims() -> QuerySet[Settlement]:
    """Claims that a settlement corrects, as a subquery of primary keys."""
    return Settlement.objects.filter(live=True, choice__in=CORRECTING, allocation__isnull=False).order_by()


def customers_to_correct(month: Month) -> QuerySet[Settlement, Any]:
    """Customers with an order before the month that a later one has to correct, as a subquery of primary keys."""
    waiting = corrected_claims().filter(allocation__live=True, position__order__month__lt=month.first_day)
    return waiting.exclude(lines__live=True).values("position__order__customer")


def not_billable_entries() -> QuerySet[Settlement, Any]:
    """Late entries that somebody has decided not to bill, as a subquery of primary keys."""
    return _late_as_they_were().filter(choice=Choice.NOT_BILLABLE).values("entry")


def entries_for_next_order(month: Month | None = None) -> QuerySet[Settlement, Any]:
    """Late entries that join the customer's order of the month (of any), as a subquery of primary keys.

    They came too late for an order of an earlier month; their tickets need not be closed again.
    """
    waiting = _late_as_they_were().filter(choice=Choice.NEXT_ORDER)
    if month is not None:
        waiting = waiting.filter(position__order__month__lt=month.first_day)
    return waiting.values("entry")


def _late_as_they_were() -> QuerySet[Settlement]:
    return Settlement.objects.filter(
        live=True,
        allocation__isnull=True,
        minutes_now=F("entry__minutes"),
        entry__gone_at__isnull=True,
        position__ticket=F("entry__ticket"),
        position__order__customer=F("entry__ticket__customer"),
    ).order_by()


def lets_in() -> Q:
    """Claims whose entry a settlement has let into the order, with the minutes that it holds."""
    of_entry = Settlement.objects.filter(
        live=True, allocation__isnull=True, entry=OuterRef("entry"), minutes_now=OuterRef("minutes")
    )
    to_later = of_entry.filter(choice=Choice.NEXT_ORDER, position__order__month__lt=OuterRef("position__order__month"))
    to_supplement = of_entry.filter(choice=Choice.SUPPLEMENT, supplement_number=OuterRef("position__order__number"))
    return Q(Exists(to_later)) | Q(Exists(to_supplement))


def reasons_of_not_billable(tickets: Iterable[int]) -> dict[int, str]:
    """Why late time of these tickets is not billed, in the words of who decided so, by ticket."""
    found: defaultdict[int, list[str]] = defaultdict(list)
    rows = _late_as_they_were().filter(choice=Choice.NOT_BILLABLE, entry__ticket__in=list(tickets)).order_by("at", "pk")
    values: Any = rows.values_list("entry__ticket", "reason")
    for ticket, reason in values:
        if reason not in found[ticket]:
            found[ticket].append(reason)
    return {ticket: "; ".join(reasons) for ticket, reasons in found.items()}
