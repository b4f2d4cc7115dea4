"""What an order should look like, worked out without writing anything."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from itertools import chain
from typing import Any, Self

from django.db.models import DecimalField, Model
from django.utils.translation import gettext as _

from billing.adjusting import Adjusted, adjust
from billing.agreement_models import Agreement, FlatFee, RateRule
from billing.agreements import has_ended, period_of
from billing.claims import LineKey, Time
from billing.covering import cover
from billing.credits import CreditLine
from billing.models import Order, OrderPosition
from billing.pricing import (
    Rule,
    amount,
    billable_minutes,
    position_text,
    quantity,
    rounding_of_order,
    unit_price,
)
from billing.review_models import Adjustment
from billing.terms import NO_RULE
from common.money import plain
from common.months import Month
from tickets.models import Customer, Ticket

HEADER = ("agreement_id", "period_start", "erp_customer_number", "currency", "tax_rate")
TOTALS = ("recorded_minutes", "billable_minutes", "net_amount")
LINE = (  # every column of a position but its key and its order; the rule stands last
    "position",
    "kind",
    "ticket_id",
    "rate_rule_id",
    "flat_fee_id",
    "text",
    "recorded_minutes",
    "billable_minutes",
    "included_minutes",
    "prepaid_minutes",
    "quantity",
    "unit",
    "unit_price",
    "discount",
    "amount",
    "article_number",
    "rule",
)


def _bounds(model: type[Model]) -> dict[str, Decimal]:
    """The first size, by column, that a number column does not hold any more."""
    columns = (column for column in model._meta.get_fields() if isinstance(column, DecimalField))
    return {column.name: Decimal(10) ** (column.max_digits - column.decimal_places) for column in columns}


LINE_BOUNDS, ORDER_BOUNDS = _bounds(OrderPosition), _bounds(Order)


class NotBillable(ValueError):
    """This customer cannot be billed; the text tells a person why and what to do."""


class Change(Enum):
    """What a run does to a customer's order of the month."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    EMPTIED = "emptied"  # nothing is left in the draft, it goes
    CLOSED = "closed"  # approved, issued or exported: never touched


@dataclass(slots=True)
class OrderPlan:
    """One customer's order as it should be. ``order`` and ``positions`` are not saved yet where they are new."""

    customer: Customer
    change: Change
    order: Order
    positions: list[OrderPosition] = field(default_factory=list)
    times: Mapping[LineKey, Time] = field(default_factory=dict)
    """Billable time by ticket and rate; more than the positions hold."""
    uses: dict[int, Decimal] = field(default_factory=dict)
    """Minutes that the order takes from prepaid blocks, by primary key."""
    corrections: Sequence[CreditLine] = ()
    """Those of its positions that correct earlier orders."""
    net_before: Decimal = Decimal(0)
    adjusted: Adjusted = field(default_factory=Adjusted)
    """What became of the changes that persons made to the draft."""

    @property
    def time_positions(self) -> list[OrderPosition]:
        """Those that hold time entries."""
        return [position for position in self.positions if position.kind == OrderPosition.Kind.TIME]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything known about one customer and month when the order is planned."""

    customer: Customer
    agreement: Agreement | None
    month: Month
    number: str
    order: Order | None
    """The one that stands; a void one does not."""
    corrects: Order | None = None
    """The latest void order that nothing has replaced yet."""
    tickets: Sequence[Ticket]
    """Those whose time the order bills."""
    settled: Collection[int] = ()
    """Those of them, by primary key, whose state is not asked: somebody has decided that their late time is billed."""
    times: Mapping[LineKey, Time]
    """Billable time by ticket and rate."""
    rules: Mapping[int, RateRule] = field(default_factory=dict)
    flat_fees: Sequence[FlatFee] = ()
    """Those of the agreement that are valid in the period."""
    corrections: Sequence[CreditLine] = ()
    """What has to correct earlier orders."""
    carried: Collection[int] = ()
    """Settlements that the draft carries out."""
    prepaid: Mapping[int, Decimal] = field(default_factory=dict)
    """Minutes that the order may take from prepaid blocks, by primary key, the first one first."""
    uses: Mapping[int, Decimal] = field(default_factory=dict)
    """Minutes that the draft takes from them."""
    lines: Sequence[OrderPosition] = ()
    """Positions of the draft."""
    claims: Mapping[int, Time] = field(default_factory=dict)
    """Claimed time by position."""
    adjustments: Sequence[Adjustment] = ()
    """What persons have changed of the draft."""
    commented: bool = False
    """Whether persons have written into its history."""


def counts(ticket: Ticket, agreement: Agreement, closed_state_types: Sequence[str]) -> bool:
    """Whether the ticket's present state is one that is billed."""
    if agreement.counting == Agreement.Counting.BOOKED:
        return True
    if agreement.counting_states:
        return ticket.state in agreement.counting_states
    return ticket.state_type in closed_state_types


def line_key(position: OrderPosition) -> LineKey:
    """Of a position that holds time."""
    if position.ticket_id is None:
        raise ValueError(f"Position {position.position} bills no ticket.")
    return position.ticket_id, position.rate_rule_id or NO_RULE


def plan_order(facts: Facts) -> OrderPlan | None:
    """The order as it should be, ``None`` for no order; raises ``ValueError`` with a sentence."""
    order = facts.order
    if order is not None and order.state != Order.State.DRAFT:
        return OrderPlan(facts.customer, Change.CLOSED, order)
    agreement = facts.agreement
    if agreement is None:
        raise NotBillable(_("There is no default agreement. Create one, then start the run again."))
    begins, ends_here = period_of(agreement, facts.month)
    computed: list[OrderPosition] = []
    corrections: list[CreditLine] = []
    if agreement.billed and ends_here and not has_ended(agreement, facts.month):
        computed = _computed(agreement, facts)
        corrections = [line for line in facts.corrections if line.currency == agreement.currency]
    adjusted = adjust(computed, facts.adjustments)
    positions = [*adjusted.lines, *_rounding_position(adjusted.lines, agreement)]
    positions = _numbered(positions + [line.position for line in corrections])
    if not positions and (order is None or not (facts.adjustments or facts.commented)):
        return OrderPlan(facts.customer, Change.EMPTIED, order) if order else None
    uses = price_positions(positions, agreement, facts.prepaid)
    values = _header(facts.customer, agreement) | {"period_start": begins} | totals(positions)
    _check_sizes(values, positions)
    plan = OrderPlan(facts.customer, Change.CHANGED, order or Order(), positions, facts.times, uses)
    plan.corrections = corrections
    if order is None:
        values |= {"number": facts.number, "correction_of": facts.corrects}
        plan.order = Order(customer=facts.customer, month=facts.month.first_day, **values)
        plan.change = Change.NEW
        return plan
    carries = {settlement for line in corrections for settlement in line.settlements}
    same = _stands(order, values, positions, facts) and uses == facts.uses and carries == set(facts.carried)
    if same and not adjusted.sentences:
        plan.change = Change.UNCHANGED
        return plan
    plan.net_before, plan.adjusted = order.net_amount, adjusted
    for name, value in values.items():
        setattr(order, name, value)
    return plan


@dataclass(frozen=True, slots=True)
class _Rate:
    """What the positions of one order have in common that bill time at one rate; reckoned once for all of them."""

    special: RateRule | None
    rule: Rule
    unit_price: Decimal
    document: dict[str, str]

    @classmethod
    def of(cls, agreement: Agreement, special: RateRule | None) -> Self:
        rule = Rule.from_agreement(agreement)
        if special is not None:
            rule = rule.with_rate(special.hourly_rate, special.article_number)
        return cls(special, rule, unit_price(rule), rule.as_json())


def _computed(agreement: Agreement, facts: Facts) -> list[OrderPosition]:
    """Recurring lines, then the time of each ticket by rate."""
    billed = _billed_time(agreement, facts)
    rates = {key: _Rate.of(agreement, facts.rules.get(key)) for key in {rate for _ticket, (_pk, rate) in billed}}
    lines = [_time_position(ticket, key, agreement, rates[key[1]], facts) for ticket, key in billed]
    return [_flat_position(fee) for fee in facts.flat_fees] + lines


def _numbered(lines: list[OrderPosition]) -> list[OrderPosition]:
    for place, line in enumerate(lines, start=1):
        line.position = place
    return lines


def _billed_time(agreement: Agreement, facts: Facts) -> list[tuple[Ticket, LineKey]]:
    """What becomes a position, by ticket number; of one ticket the agreement's own rate first."""
    types = facts.customer.system.closed_state_types
    tickets = {
        ticket.pk: ticket for ticket in facts.tickets if ticket.pk in facts.settled or counts(ticket, agreement, types)
    }
    keys = [key for key, time in facts.times.items() if key[0] in tickets and time.minutes]
    return [(tickets[key[0]], key) for key in sorted(keys, key=lambda key: (tickets[key[0]].number, *key))]


def _time_position(ticket: Ticket, key: LineKey, agreement: Agreement, rate: _Rate, facts: Facts) -> OrderPosition:
    time = facts.times[key]
    text = position_text(
        agreement.position_text,
        number=ticket.number,
        title=ticket.title,
        minutes=time.minutes,
        queue=ticket.queue,
        service=ticket.service,
        customer_user=ticket.customer_user,
        month=facts.month,
    )
    return OrderPosition(
        kind=OrderPosition.Kind.TIME,
        ticket=ticket,
        rate_rule=rate.special,
        text=text,
        recorded_minutes=time.minutes,
        billable_minutes=billable_minutes(time.parts, rate.rule),
        unit_price=rate.unit_price,
        article_number=rate.rule.article_number,
        unit=rate.rule.unit,
        rule=rate.document,
    )


def _rounding_position(lines: Sequence[OrderPosition], agreement: Agreement) -> list[OrderPosition]:
    """One line with what the order's time is rounded by, at the agreement's rate; none where there is nothing."""
    rule = Rule.from_agreement(agreement)
    total = sum((line.billable_minutes for line in lines), Decimal(0))
    extra = rounding_of_order(total, rule)
    if not extra:
        return []
    return [
        OrderPosition(
            kind=OrderPosition.Kind.ROUNDING,
            text=f"Rundung {plain(total)} min → {plain(total + extra)} min",
            recorded_minutes=Decimal(0),
            billable_minutes=extra,
            unit_price=unit_price(rule),
            article_number=rule.article_number,
            unit=rule.unit,
            rule=rule.as_json(),
        )
    ]


def _flat_position(fee: FlatFee) -> OrderPosition:
    return OrderPosition(
        kind=OrderPosition.Kind.FLAT,
        flat_fee=fee,
        text=fee.text,
        recorded_minutes=Decimal(0),
        billable_minutes=Decimal(0),
        quantity=fee.quantity,
        unit_price=fee.unit_price,
        article_number=fee.article_number,
        unit=fee.unit,
        rule={},
    )


def price_positions(
    positions: Sequence[OrderPosition], agreement: Agreement, prepaid: Mapping[int, Decimal]
) -> dict[int, Decimal]:
    """Set what is included and prepaid, the quantity and the amount of each, from billable minutes, price and discount.

    Returns the minutes taken from each prepaid block.
    """
    timed = [line for line in positions if line.kind in (OrderPosition.Kind.TIME, OrderPosition.Kind.ROUNDING)]
    covered = cover([line.billable_minutes for line in timed], Decimal(agreement.included_minutes), prepaid)
    for line, parts in zip(timed, covered.lines, strict=True):
        line.included_minutes, line.prepaid_minutes = parts
        line.quantity = quantity(line.billable_minutes - sum(parts), Rule.from_json(line.rule))
    for line in positions:
        line.amount = amount(line.quantity, line.unit_price, line.discount)
    return covered.uses


def _header(customer: Customer, agreement: Agreement) -> dict[str, Any]:
    own_number = "" if agreement.is_default else agreement.erp_customer_number
    erp_number = own_number or customer.customer_id
    longest = Order._meta.get_field("erp_customer_number").max_length
    if longest is not None and len(erp_number) > longest:
        raise NotBillable(
            _("The CustomerID has more than %(longest)d characters. Enter the ERP's customer number in an agreement.")
            % {"longest": longest}
        )
    return {
        "agreement_id": agreement.pk,
        "erp_customer_number": erp_number,
        "currency": agreement.currency,
        "tax_rate": agreement.tax_rate,
    }


def totals(positions: Sequence[OrderPosition]) -> dict[str, Decimal]:
    """Of an order with these positions: the sums of what they show."""
    return {
        "recorded_minutes": sum((line.recorded_minutes for line in positions), Decimal(0)),
        "billable_minutes": sum((line.billable_minutes for line in positions), Decimal(0)),
        "net_amount": sum((line.amount for line in positions), Decimal(0)),
    }


def _check_sizes(values: Mapping[str, Any], positions: Sequence[OrderPosition]) -> None:
    """SQLite would store a number that is too big, and fail to read it for ever after."""
    lines = ((getattr(line, name), bound) for line in positions for name, bound in LINE_BOUNDS.items())
    sums = ((values[name], bound) for name, bound in ORDER_BOUNDS.items())
    for value, bound in chain(lines, sums):
        if abs(value) >= bound:
            raise NotBillable(
                _("The number %(value)s is too big for an order. Correct the times or the agreement.")
                % {"value": plain(value)}
            )


def _stands(order: Order, values: Mapping[str, Any], positions: Sequence[OrderPosition], facts: Facts) -> bool:
    """Whether the draft already says all this, about exactly these entries."""
    if any(getattr(order, name) != value for name, value in values.items()):
        return False
    if [_line(line) for line in facts.lines] != [_line(line) for line in positions]:
        return False
    for line in facts.lines:
        if line.kind != OrderPosition.Kind.TIME:
            continue
        time, claimed = facts.times[line_key(line)], facts.claims.get(line.pk)
        if claimed is None or not time.entries == time.held == claimed.entries:
            return False
    return True


def _line(position: OrderPosition) -> tuple[Any, ...]:
    return tuple(getattr(position, name) for name in LINE)
