"""What the pages say about billing: how a position was computed and why time of a ticket was left out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django import template
from django.template import Context
from django.template.defaultfilters import linebreaksbr
from django.utils.safestring import SafeString

from audit.wording import shown_text
from billing.agreement_models import FlatFee
from billing.explanations import Step, by_whom, explain, explain_recurring
from billing.models import Adjustment, Export, OrderEvent, OrderPosition
from billing.pricing import Rule
from billing.queries import Reason, left_out
from billing.rule_words import days_in_words
from billing.stored_files import name_of_format
from common.months import Month
from common.templatetags.formats import number
from tickets.models import Ticket

register = template.Library()


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyNot:
    month: Month
    minutes: Decimal
    text: str


@register.filter
def days(fee: FlatFee) -> str:
    """From when until when a recurring line holds; empty: always."""
    return days_in_words(fee.valid_from, fee.valid_to)


@register.filter
def format_name(export: Export) -> str:
    """The format of a stored file in words."""
    return name_of_format(export)


@register.filter
def event_text(event: OrderEvent) -> str:
    """What happened to an order, with amounts in the form of the language; what persons have typed as it is."""
    return shown_text(f"order.{event.kind}", event.text)


@register.simple_tag
def explanation(position: OrderPosition, changes: Mapping[str, Adjustment], currency: str) -> list[Step]:
    """The steps from the recorded minutes to the amount, by the rule that was frozen with the position.

    ``changes`` are those that persons have made, by field.
    """
    if not position.rule or position.kind == OrderPosition.Kind.CREDIT:
        return explain_recurring(position, currency, changes)
    return explain(position, Rule.from_json(position.rule), changes)


@register.filter
def of_field(value: Decimal | str, field: str) -> SafeString | str:
    """The value of a line's field, with its unit."""
    if isinstance(value, str):
        return linebreaksbr(value, autoescape=True)
    units = {Adjustment.Field.MINUTES.value: " min", Adjustment.Field.DISCOUNT.value: " %"}
    return f"{number(value, 2 if field == Adjustment.Field.PRICE else 0)}{units.get(field, '')}"


@register.filter
def changed_by(change: Adjustment) -> str:
    """Who changed it, when, and why."""
    return by_whom(change)


@register.filter
def in_words(formula: tuple[Decimal | str, ...]) -> str:
    """A formula with its numbers in the form of the language."""
    return " ".join(number(part) if isinstance(part, Decimal) else part for part in formula)


@register.filter
def result(step: Step, currency: str) -> str:
    """What a step comes to, with its unit; amounts with at least their cents."""
    return f"{number(step.result, 2 if currency in step.unit else 0)} {step.unit}"


@register.filter
def full_number(value: Decimal) -> str:
    """All digits that count: quantities and unit prices have up to five decimals."""
    return number(value)


@register.filter
def price(value: Decimal) -> str:
    """At least cents, and all digits that count."""
    return number(value, 2)


@register.simple_tag(takes_context=True)
def left_out_reasons(context: Context, ticket: Ticket) -> list[WhyNot]:
    """Why time of the ticket stands in no order of the month in which it was closed last (or booked on last)."""
    day = _last_day(ticket)
    if day is None:
        return []
    month = Month.of(day)
    rows = left_out(month, customer=ticket.customer, user=context["request"].user)
    return [
        WhyNot(month=month, minutes=row.minutes, text=row.sentence)
        for row in rows
        if row.ticket == ticket and row.reason != Reason.BILLED_ELSEWHERE
    ]


def _last_day(ticket: Ticket) -> date | None:
    closings = [closing.month for closing in ticket.closings.all()]
    if closings:
        return max(closings)
    entry = ticket.entries.present().order_by("local_day").last()
    return entry.local_day if entry else None
