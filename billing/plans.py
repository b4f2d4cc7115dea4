"""What an order should look like, worked out without writing anything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from itertools import chain
from typing import Any

from django.db.models import DecimalField, Model
from django.utils.translation import gettext as _

from billing.claims import Time
from billing.models import Agreement, Order, OrderPosition
from billing.pricing import Price, Rule, position_text, price
from common.money import plain
from common.months import Month
from tickets.models import Customer, Ticket

HEADER = ("agreement_id", "erp_customer_number", "currency", "tax_rate")
TOTALS = ("recorded_minutes", "billable_minutes", "net_amount")
LINE = (
    "position",
    "ticket_id",
    "text",
    "recorded_minutes",
    "billable_minutes",
    "quantity",
    "unit",
    "unit_price",
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
    times: dict[int, Time] = field(default_factory=dict)
    """Time by ticket, for the positions only."""
    net_before: Decimal = Decimal(0)


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
    """Closed in the month."""
    times: Mapping[int, Time]
    """Billable time by ticket."""
    lines: Sequence[OrderPosition] = ()
    """Positions of the draft."""
    claims: Mapping[int, Time] = field(default_factory=dict)
    """Claimed time by position."""


def counts(ticket: Ticket, agreement: Agreement, closed_state_types: Sequence[str]) -> bool:
    """Whether the ticket's present state is one that is billed."""
    if agreement.counting_states:
        return ticket.state in agreement.counting_states
    return ticket.state_type in closed_state_types


def plan_order(facts: Facts) -> OrderPlan | None:
    """The order as it should be, ``None`` for no order; raises ``ValueError`` with a sentence."""
    order = facts.order
    if order is not None and order.state != Order.State.DRAFT:
        return OrderPlan(facts.customer, Change.CLOSED, order)
    agreement = facts.agreement
    if agreement is None:
        raise NotBillable(_("There is no default agreement. Create one, then start the run again."))
    billed = [ticket for ticket in facts.tickets if _is_billed(ticket, facts, agreement)]
    if not billed:
        return OrderPlan(facts.customer, Change.EMPTIED, order) if order else None
    positions = _positions(billed, agreement, facts)
    times = {ticket.pk: facts.times[ticket.pk] for ticket in billed}
    values = _header(facts.customer, agreement) | _totals(positions)
    _check_sizes(values, positions)
    if order is None:
        values |= {"number": facts.number, "correction_of": facts.corrects}
        order = Order(customer=facts.customer, month=facts.month.first_day, **values)
        return OrderPlan(facts.customer, Change.NEW, order, positions, times)
    if _stands(order, values, positions, facts):
        return OrderPlan(facts.customer, Change.UNCHANGED, order, positions, times)
    net_before = order.net_amount
    for name, value in values.items():
        setattr(order, name, value)
    return OrderPlan(facts.customer, Change.CHANGED, order, positions, times, net_before)


def _is_billed(ticket: Ticket, facts: Facts, agreement: Agreement) -> bool:
    time = facts.times.get(ticket.pk)
    return bool(
        agreement.billed
        and time is not None
        and time.minutes
        and counts(ticket, agreement, facts.customer.system.closed_state_types)
    )


def _positions(tickets: Sequence[Ticket], agreement: Agreement, facts: Facts) -> list[OrderPosition]:
    rule = Rule.from_agreement(agreement)
    frozen = rule.as_json()
    ordered = sorted(tickets, key=lambda ticket: (ticket.number, ticket.pk))
    return [
        _position(place, ticket, price(facts.times[ticket.pk].minutes, rule), frozen, agreement, facts)
        for place, ticket in enumerate(ordered, start=1)
    ]


def _position(
    place: int, ticket: Ticket, priced: Price, frozen: Mapping[str, str], agreement: Agreement, facts: Facts
) -> OrderPosition:
    minutes = facts.times[ticket.pk].minutes
    text = position_text(
        agreement.position_text,
        number=ticket.number,
        title=ticket.title,
        minutes=minutes,
        queue=ticket.queue,
        service=ticket.service,
        customer_user=ticket.customer_user,
        month=facts.month,
    )
    return OrderPosition(
        position=place,
        ticket=ticket,
        text=text,
        recorded_minutes=minutes,
        billable_minutes=priced.billable_minutes,
        quantity=priced.quantity,
        unit=agreement.unit,
        unit_price=priced.unit_price,
        amount=priced.amount,
        article_number=agreement.article_number,
        rule=frozen,
    )


def _header(customer: Customer, agreement: Agreement) -> dict[str, Any]:
    own_number = "" if agreement.is_default else agreement.erp_customer_number
    erp_number = own_number or customer.customer_id
    longest = Order._meta.get_field("erp_customer_number").max_length
    if longest is not None and len(erp_number) > longest:
        raise NotBillable(
            _("The CustomerID has more than %(longest)d characters. Enter the ERP's customer number in an agreement.")
            % {"longest": longest}
        )
    values = (agreement.pk, erp_number, agreement.currency, agreement.tax_rate)
    return dict(zip(HEADER, values, strict=True))


def _totals(positions: Sequence[OrderPosition]) -> dict[str, Decimal]:
    return {
        "recorded_minutes": sum((line.recorded_minutes for line in positions), Decimal(0)),
        "billable_minutes": sum((line.billable_minutes for line in positions), Decimal(0)),
        "net_amount": sum((line.amount for line in positions), Decimal(0)),
    }


def _check_sizes(values: Mapping[str, Any], positions: Sequence[OrderPosition]) -> None:
    """SQLite would store a number that is too big, and fail to read it for ever after."""
    lines = ((getattr(line, name), bound) for line in positions for name, bound in LINE_BOUNDS.items())
    totals = ((values[name], bound) for name, bound in ORDER_BOUNDS.items())
    for value, bound in chain(lines, totals):
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
        time, claimed = facts.times[line.ticket_id], facts.claims.get(line.pk)
        if claimed is None or not time.entries == time.held == claimed.entries:
            return False
    return True


def _line(position: OrderPosition) -> tuple[Any, ...]:
    return tuple(getattr(position, name) for name in LINE)
