"""What came to disagree with orders after they had left draft. Derived from the facts each time, so never out of date.

Here stands every entry that is no longer what its order says, and every entry that came too late for an order of its
ticket, unless somebody has settled it and the facts are the same. The orders themselves stay as they are.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import FilteredRelation, Q, QuerySet, Value
from django.db.models.functions import Coalesce

from billing.credits import amount_of, billed_minutes, worth
from billing.differences import CHANGED, GONE, OF_OTHER_CUSTOMER, ON_OTHER_TICKET
from billing.discrepancy_kinds import Discrepancy
from billing.models import Adjustment, Allocation, Order, OrderPosition
from billing.settlement_models import Kind
from billing.settlements import InForce, corrected_claims, facts_of, in_force
from billing.terms import NO_RULE, entry_terms
from common.months import Month
from tickets.models import Agent, AnyUser, Customer, Ticket, TimeEntry, sees_all_customers

CLOSED = [Order.State.APPROVED.value, Order.State.ISSUED.value, Order.State.EXPORTED.value]
"""Of orders that bill what they hold; a void one has let go of it."""
NOTHING_SETTLED = InForce(frozenset(), {})
IN_ORDER = [f"ticket__positions__order__{column}" for column in ("pk", "month", "customer")]


@dataclass(frozen=True, slots=True)
class _Asked:
    """Which orders; ``None`` for all."""

    month: Month | None
    customer: Customer | None
    user: AnyUser | None
    order_keys: frozenset[int] | None

    def orders(self) -> QuerySet[Order]:
        """Those that have left draft."""
        orders = Order.objects.filter(state__in=CLOSED).order_by()
        if self.user is not None:
            orders = orders.visible_to(self.user)
        if self.month is not None:
            orders = orders.filter(month=self.month.first_day)
        if self.customer is not None:
            orders = orders.filter(customer=self.customer)
        return orders if self.order_keys is None else orders.filter(pk__in=self.order_keys)

    def entries(self) -> QuerySet[TimeEntry]:
        """Those that could have come too late for them."""
        entries = TimeEntry.objects.present()
        if self.user is not None:
            entries = entries.visible_to(self.user)
        if self.customer is not None:
            entries = entries.filter(ticket__customer=self.customer)
        if self.order_keys is None:
            return entries
        return entries.filter(ticket__in=OrderPosition.objects.filter(order__in=self.order_keys).values("ticket"))


@dataclass(frozen=True, slots=True)
class _Touched:
    """One entry beside the position that holds it, or that it came too late for; all but minutes by primary key."""

    entry: int
    minutes: Decimal
    ticket: int
    customer: int | None
    position: int
    billed_ticket: int | None
    billed_customer: int
    allocation: int | None = None
    held: Decimal = Decimal(0)
    is_gone: bool = False


@dataclass(frozen=True, slots=True)
class _Open:
    """What of it nobody has settled; without ``kinds`` nothing is."""

    touched: _Touched
    billed: Decimal
    now: Decimal
    kinds: dict[Kind, str]
    """Each with its facts."""
    carrier: Kind | None
    """The kind that carries the minutes at stake, be it settled."""

    @property
    def at_stake(self) -> Decimal:
        return self.now - self.billed if self.carrier in self.kinds else Decimal(0)


def _what_is_open(each: _Touched, settled: InForce) -> _Open:
    billed = each.held + settled.credited.get(each.allocation or 0, Decimal(0))

    def is_settled(kind: Kind) -> bool:
        return settled.settles(kind, facts[kind], allocation=each.allocation, entry=each.entry)

    facts = {
        kind: facts_of(kind, billed=billed, minutes=each.minutes, ticket=each.ticket, customer=each.customer)
        for kind in Kind
    }
    # Where somebody has decided that the time stays with the customer who paid, its minutes count as before.
    of_other = each.customer != each.billed_customer and not is_settled(Kind.MOVED_CUSTOMER)
    now = Decimal(0) if each.is_gone or of_other else each.minutes
    kinds = _kinds(each, billed, now, of_other=of_other)
    open_kinds = {kind: facts[kind] for kind in kinds if not is_settled(kind)}
    return _Open(each, billed, now, open_kinds, kinds[0] if kinds else None)


def _kinds(each: _Touched, billed: Decimal, now: Decimal, *, of_other: bool) -> list[Kind]:
    """All that it has, the first one carries its minutes at stake."""
    if each.allocation is None:
        return [Kind.LATE if each.minutes > 0 else Kind.NEGATIVE_LATE]
    is_corrected = billed != each.held and billed == now
    found = {
        Kind.GONE: each.is_gone and not is_corrected,
        Kind.MOVED_CUSTOMER: of_other,
        Kind.CHANGED: not each.is_gone and each.minutes != billed,
        Kind.MOVED_TICKET: each.ticket != each.billed_ticket,
    }
    return [kind for kind, is_so in found.items() if is_so]


def discrepancies(
    month: Month | None = None,
    customer: Customer | None = None,
    user: AnyUser | None = None,
    order: Order | None = None,
    orders: Collection[int] | None = None,
) -> list[Discrepancy]:
    """Those in the orders of the month, of the customer and of what the user may see; by default, of all.

    ``order`` or ``orders`` (primary keys) narrow it down further.

    The latest month first, then by order, position and time of booking.
    """
    keys = orders if order is None else [order.pk]
    asked = _Asked(month, customer, user, None if keys is None else frozenset(keys))
    found = [each for each in _open(asked) if each.kinds]
    positions = _positions({each.touched.position for each in found})
    entries = _entries({each.touched.entry for each in found})
    found.sort(key=lambda each: _place(positions[each.touched.position], entries[each.touched.entry]))
    found.sort(key=lambda each: positions[each.touched.position].order.month, reverse=True)
    money, visible = _money_at_stake(found, positions, entries), _visible_to(user)
    return [
        Discrepancy(
            kind=kind,
            allocation=each.touched.allocation,
            facts=facts,
            position=positions[each.touched.position],
            entry=entries[each.touched.entry],
            minutes_billed=each.billed,
            minutes_now=each.now,
            minutes_at_stake=each.at_stake if kind is each.carrier else Decimal(0),
            money_at_stake=money.pop(each.touched.position, None),
            visible=visible,
        )
        for each in found
        for kind, facts in each.kinds.items()
    ]


def count_discrepancies(user: AnyUser | None = None, order: Order | None = None) -> int:
    """How many ``discrepancies`` would list. Three queries."""
    keys = None if order is None else frozenset([order.pk])
    return sum(len(each.kinds) for each in _open(_Asked(None, None, user, keys)))


def _open(asked: _Asked) -> list[_Open]:
    touched = _billed_otherwise(asked) + _late(asked)
    settled = in_force(asked.orders()) if touched else NOTHING_SETTLED
    return [_what_is_open(each, settled) for each in touched]


def _place(position: OrderPosition, entry: TimeEntry) -> tuple[object, ...]:
    return position.order.number, position.position, entry.booked_local, entry.pk


def _held_by(asked: _Asked) -> QuerySet[Allocation]:
    return Allocation.objects.filter(live=True, position__order__in=asked.orders().values("pk"))


def _billed_otherwise(asked: _Asked) -> list[_Touched]:
    """What the orders hold although the mirror says otherwise by now, or did when it was corrected."""
    corrected = Q(pk__in=corrected_claims().values("allocation"))
    differing = _held_by(asked).filter(GONE | OF_OTHER_CUSTOMER | CHANGED | ON_OTHER_TICKET | corrected)
    columns = ("entry__minutes", "entry__ticket", "entry__ticket__customer", "entry__gone_at")
    billed = ("position__ticket", "position__order__customer")
    rows: Any = differing.values_list("pk", "minutes", "entry", "position", *columns, *billed)
    return [
        _Touched(entry, minutes, ticket, customer, position, of_ticket, of_customer, claim, held, gone_at is not None)
        for claim, held, entry, position, minutes, ticket, customer, gone_at, of_ticket, of_customer in rows
    ]


def _positions(keys: Iterable[int]) -> dict[int, OrderPosition]:
    return OrderPosition.objects.select_related("order__customer", "ticket").in_bulk(set(keys))


def _entries(keys: Iterable[int]) -> dict[int, TimeEntry]:
    """With ticket and agent. Not joined: where a whole customer has moved, thousands share them.

    Nor prefetched: Django asks SQLite for a foreign key by a chain of ORs, which ends at a thousand.
    """
    entries = TimeEntry.objects.in_bulk(set(keys))
    tickets = Ticket.objects.select_related("customer").in_bulk({entry.ticket_id for entry in entries.values()})
    agents = Agent.objects.in_bulk({entry.agent_id for entry in entries.values()})
    for entry in entries.values():
        entry.ticket, entry.agent = tickets[entry.ticket_id], agents[entry.agent_id]
    return entries


def _late(asked: _Asked) -> list[_Touched]:
    """Free entries booked before the end of the month of an order that bills their ticket, to its customer.

    Each with the position of the first such order of all, where that is one of those asked for. What a person has left
    out of an order is not late for it.
    """
    left_out = _left_out_by_persons()
    rate = entry_terms().rate() if left_out else Value(NO_RULE)
    rows = (
        asked.entries()
        .alias(claim=FilteredRelation("allocations", condition=Q(allocations__live=True)))
        .filter(
            claim__isnull=True,
            ticket__positions__kind=OrderPosition.Kind.TIME,
            ticket__positions__order__state__in=CLOSED,
        )
        .exclude(minutes=0)
        .annotate(rate=rate)
        .order_by("ticket__positions__order__month", "ticket__positions")
        .values_list("pk", "minutes", "ticket", "local_day", "ticket__customer", "ticket__positions", *IN_ORDER, "rate")
    )
    first: dict[int, tuple[_Touched, Month, int]] = {}
    for entry, minutes, ticket, day, customer, position, order, first_day, billed, its_rate in rows:
        # Asked here and not in SQL: the planner of PostgreSQL misjudges the one, and SQLite cannot add a month.
        month = Month.of(first_day)
        if customer == billed and day < month.end_day and (order, ticket, its_rate) not in left_out:
            touched = _Touched(entry, minutes, ticket, customer, position, ticket, billed)
            first.setdefault(entry, (touched, month, order))
    return [
        touched
        for touched, month, order in first.values()
        if asked.month in (None, month) and (asked.order_keys is None or order in asked.order_keys)
    ]


def _left_out_by_persons() -> set[tuple[int, ...]]:
    """Order, ticket and rate of the lines that persons have left out, by primary keys; few."""
    exclusions = Adjustment.objects.filter(field=Adjustment.Field.INCLUSION, ticket__isnull=False)
    lines = exclusions.order_by().values_list("order", "ticket", Coalesce("rate_rule", NO_RULE))
    return set(lines.filter(order__state__in=CLOSED))


def _money_at_stake(
    found: Iterable[_Open], positions: Mapping[int, OrderPosition], entries: Mapping[int, TimeEntry]
) -> dict[int, Decimal]:
    """By position: all that is open of it comes to so much."""
    billed = billed_minutes(positions)
    after = {position: dict(billed.get(position, {})) for position in positions}
    for each in found:
        if each.carrier in each.kinds:
            entry = entries[each.touched.entry]
            after[each.touched.position][entry.pk] = entry.local_day, each.now
    return {
        pk: amount_of(position, (worth(position, after[pk]) - worth(position, billed.get(pk, {}))).quantity)
        for pk, position in positions.items()
    }


def _visible_to(user: AnyUser | None) -> frozenset[int] | None:
    if user is None or sees_all_customers(user):
        return None
    return frozenset(Customer.objects.visible_to(user).values_list("pk", flat=True))
