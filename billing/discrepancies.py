"""What came to disagree with orders after they had left draft. Derived from the facts each time, so never out of date.

Here stands every entry that is no longer what its order says, and every entry that came too late for an order of its
ticket. The orders themselves stay as they are.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from django.db.models import Count, FilteredRelation, Q, QuerySet, Value
from django.db.models.functions import Coalesce

from billing.differences import CHANGED, GONE, OF_OTHER_CUSTOMER, ON_OTHER_TICKET
from billing.discrepancy_kinds import BILLED_KINDS, Discrepancy, Kind
from billing.models import Adjustment, Allocation, Order, OrderPosition
from billing.pricing import Rule, price
from billing.terms import NO_RULE, entry_terms
from common.months import Month
from tickets.models import Agent, AnyUser, Customer, Ticket, TimeEntry, sees_all_customers

CLOSED = [Order.State.APPROVED.value, Order.State.ISSUED.value, Order.State.EXPORTED.value]
"""Of orders that bill what they hold; a void one has let go of it."""
IN_ORDER = [f"ticket__positions__order__{column}" for column in ("pk", "month", "customer")]


@dataclass(frozen=True, slots=True)
class _Asked:
    """Which orders; ``None`` for all."""

    month: Month | None
    customer: Customer | None
    user: AnyUser | None
    order: Order | None

    def orders(self) -> QuerySet[Order]:
        """Those that have left draft."""
        orders = Order.objects.filter(state__in=CLOSED).order_by()
        if self.user is not None:
            orders = orders.visible_to(self.user)
        if self.month is not None:
            orders = orders.filter(month=self.month.first_day)
        if self.customer is not None:
            orders = orders.filter(customer=self.customer)
        return orders if self.order is None else orders.filter(pk=self.order.pk)

    def entries(self) -> QuerySet[TimeEntry]:
        """Those that could have come too late for them."""
        entries = TimeEntry.objects.present()
        if self.user is not None:
            entries = entries.visible_to(self.user)
        if self.customer is not None:
            entries = entries.filter(ticket__customer=self.customer)
        return entries if self.order is None else entries.filter(ticket__in=self.order.positions.values("ticket"))


@dataclass(frozen=True)
class _Touched:
    """One entry beside the position that holds it, or that it came too late for."""

    entry: TimeEntry
    position: OrderPosition
    allocation: int | None = None
    billed: Decimal = Decimal(0)

    @cached_property
    def kinds(self) -> list[Kind]:
        """All that it has, as the conditions of ``BILLED_KINDS`` say it in SQL."""
        entry, position = self.entry, self.position
        if self.allocation is None:
            return [Kind.LATE if entry.minutes > 0 else Kind.NEGATIVE_LATE]
        found = {
            Kind.GONE: entry.gone_at is not None,
            Kind.MOVED_CUSTOMER: entry.ticket.customer_id != position.order.customer_id,
            Kind.CHANGED: entry.gone_at is None and entry.minutes != self.billed,
            Kind.MOVED_TICKET: entry.ticket_id != position.ticket_id,
        }
        return [kind for kind in BILLED_KINDS if found[kind]]

    @property
    def now(self) -> Decimal:
        is_lost = not {Kind.GONE, Kind.MOVED_CUSTOMER}.isdisjoint(self.kinds)
        return Decimal(0) if is_lost else self.entry.minutes

    @property
    def at_stake(self) -> Decimal:
        return self.now - self.billed


def discrepancies(
    month: Month | None = None,
    customer: Customer | None = None,
    user: AnyUser | None = None,
    order: Order | None = None,
) -> list[Discrepancy]:
    """Those in the orders of the month, of the customer and of what the user may see; by default, of all.

    The latest month first, then by order, position and time of booking.
    """
    asked = _Asked(month, customer, user, order)
    found = sorted(_billed_otherwise(asked) + _late(asked), key=_place)
    found.sort(key=lambda each: each.position.order.month, reverse=True)
    money, visible = _money_at_stake(found), _visible_to(user)
    return [
        Discrepancy(
            kind=kind,
            allocation=each.allocation,
            position=each.position,
            entry=each.entry,
            minutes_billed=each.billed,
            minutes_now=each.now,
            minutes_at_stake=each.at_stake if kind is each.kinds[0] else Decimal(0),
            money_at_stake=money.pop(each.position.pk, None),
            visible=visible,
        )
        for each in found
        for kind in each.kinds
    ]


def count_discrepancies(user: AnyUser | None = None, order: Order | None = None) -> int:
    """How many ``discrepancies`` would list. Three queries."""
    asked = _Asked(None, None, user, order)
    counts = {kind.value: Count("pk", filter=condition) for kind, condition in BILLED_KINDS.items()}
    held: dict[str, int] = _held_by(asked).aggregate(**counts)
    return sum(held.values()) + len(_late_positions(asked))


def _place(touched: _Touched) -> tuple[object, ...]:
    position, entry = touched.position, touched.entry
    return position.order.number, position.position, entry.booked_local, entry.pk


def _held_by(asked: _Asked) -> QuerySet[Allocation]:
    return Allocation.objects.filter(live=True, position__order__in=asked.orders().values("pk"))


def _billed_otherwise(asked: _Asked) -> list[_Touched]:
    """What the orders hold although the mirror says otherwise by now."""
    differing = _held_by(asked).filter(GONE | OF_OTHER_CUSTOMER | CHANGED | ON_OTHER_TICKET)
    rows = list(differing.select_related("entry"))
    positions = _positions(row.position_id for row in rows)
    _describe(row.entry for row in rows)
    return [_Touched(row.entry, positions[row.position_id], row.pk, row.minutes) for row in rows]


def _late(asked: _Asked) -> list[_Touched]:
    position_of = _late_positions(asked)
    positions = _positions(position_of.values())
    entries = TimeEntry.objects.in_bulk(position_of)
    _describe(entries.values())
    return [_Touched(entries[entry], positions[position]) for entry, position in position_of.items()]


def _positions(keys: Iterable[int]) -> dict[int, OrderPosition]:
    return OrderPosition.objects.select_related("order__customer", "ticket").in_bulk(set(keys))


def _describe(entries: Iterable[TimeEntry]) -> None:
    """Put ticket and agent to the entries. Not joined: where a whole customer has moved, thousands share them.

    Nor prefetched: Django asks SQLite for a foreign key by a chain of ORs, which ends at a thousand.
    """
    described = list(entries)
    tickets = Ticket.objects.select_related("customer").in_bulk({entry.ticket_id for entry in described})
    agents = Agent.objects.in_bulk({entry.agent_id for entry in described})
    for entry in described:
        entry.ticket, entry.agent = tickets[entry.ticket_id], agents[entry.agent_id]


def _late_positions(asked: _Asked) -> dict[int, int]:
    """Free entries booked before the end of the month of an order that bills their ticket, to its customer.

    By primary key, each with the position of the first such order of all, where that is one of those asked for. What a
    person has left out of an order is not late for it.
    """
    left_out = _left_out_by_persons()
    rate = entry_terms().rate() if left_out else Value(NO_RULE)
    rows = (
        asked.entries()
        .alias(claim=FilteredRelation("allocations", condition=Q(allocations__live=True)))
        .filter(claim__isnull=True, ticket__positions__order__state__in=CLOSED)
        .exclude(minutes=0)
        .annotate(rate=rate)
        .order_by("ticket__positions__order__month")
        .values_list("pk", "local_day", "ticket__customer", "ticket__positions", *IN_ORDER, "ticket", "rate")
    )
    first: dict[int, tuple[int, Month, int]] = {}
    for entry, day, customer, position, order, first_day, billed, *line in rows:
        # Asked here and not in SQL: the planner of PostgreSQL misjudges the one, and SQLite cannot add a month.
        month = Month.of(first_day)
        if customer == billed and day < month.end_day and (order, *line) not in left_out:
            first.setdefault(entry, (position, month, order))
    return {
        entry: position
        for entry, (position, month, order) in first.items()
        if asked.month in (None, month) and (asked.order is None or asked.order.pk == order)
    }


def _left_out_by_persons() -> set[tuple[int, ...]]:
    """Order, ticket and rate of the lines that persons have left out, by primary keys; few."""
    exclusions = Adjustment.objects.filter(field=Adjustment.Field.INCLUSION, ticket__isnull=False)
    lines = exclusions.order_by().values_list("order", "ticket", Coalesce("rate_rule", NO_RULE))
    return set(lines.filter(order__state__in=CLOSED))


def _money_at_stake(touched: Iterable[_Touched]) -> dict[int, Decimal]:
    """By position."""
    minutes: defaultdict[int, Decimal] = defaultdict(Decimal)
    positions = {each.position.pk: each.position for each in touched}
    for each in touched:
        minutes[each.position.pk] += each.at_stake
    return {
        pk: price(position.recorded_minutes + minutes[pk], Rule.from_json(position.rule)).amount - position.amount
        for pk, position in positions.items()
    }


def _visible_to(user: AnyUser | None) -> frozenset[int] | None:
    if user is None or sees_all_customers(user):
        return None
    return frozenset(Customer.objects.visible_to(user).values_list("pk", flat=True))
