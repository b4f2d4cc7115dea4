"""How a position was computed, for a person: the steps, and the rounding in words."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from django.contrib.auth.base_user import AbstractBaseUser
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from billing.pricing import Rule
from common.money import plain


@dataclass(frozen=True, slots=True)
class Step:
    """One line of an explanation. ``formula`` holds numbers and signs in reading order and may be empty."""

    label: str
    formula: tuple[Decimal | str, ...]
    result: Decimal
    unit: str


class Priced(Protocol):
    """What is explained of a position."""

    @property
    def recorded_minutes(self) -> Decimal: ...

    @property
    def billable_minutes(self) -> Decimal: ...

    @property
    def included_minutes(self) -> Decimal: ...

    @property
    def prepaid_minutes(self) -> Decimal: ...

    @property
    def quantity(self) -> Decimal: ...

    @property
    def unit(self) -> str: ...

    @property
    def unit_price(self) -> Decimal: ...

    @property
    def discount(self) -> Decimal: ...

    @property
    def amount(self) -> Decimal: ...


class Changed(Protocol):
    """What a person has changed of the position."""

    @property
    def user(self) -> AbstractBaseUser: ...

    at: datetime
    reason: str
    original_number: Decimal | None


Changes = Mapping[str, Changed]
"""By field: ``minutes``, ``price``, ``discount``."""


def explain(position: Priced, rule: Rule, changes: Changes | None = None) -> list[Step]:
    """The way from the recorded minutes to the amount, in the active language, for the page."""
    own = changes or {}
    recorded, billable, included, prepaid, quantity, price, discount, amount, per_unit, rate = (
        Decimal(plain(number))
        for number in (
            position.recorded_minutes,
            position.billable_minutes,
            position.included_minutes,
            position.prepaid_minutes,
            position.quantity,
            position.unit_price,
            position.discount,
            position.amount,
            rule.minutes_per_unit,
            rule.hourly_rate,
        )
    )
    charged = billable - included - prepaid
    steps = [
        Step(_("Recorded time"), (), recorded, "min"),
        *_with_change(Step(_rounding_label(rule), (recorded,), billable, "min"), own.get("minutes")),
    ]
    if charged != billable:
        covered: tuple[Decimal | str, ...] = ("−", included) * bool(included) + ("−", prepaid) * bool(prepaid)
        steps.append(Step(_("Less included and prepaid time"), (billable, *covered), charged, "min"))
    steps.append(Step(_("Quantity"), (charged, "÷", per_unit), quantity, position.unit))
    of_unit = f"{rule.currency}/{position.unit}"
    computed = Step(_("Unit price"), (rate, "×", per_unit, "÷", Decimal(60)), price, of_unit)
    steps += _with_change(computed, own.get("price"))
    return steps + _to_amount(quantity, price, discount, amount, rule.currency, own.get("discount"))


def explain_recurring(position: Priced, currency: str, changes: Changes) -> list[Step]:
    """The same for a recurring line, which has no minutes."""
    numbers = (position.quantity, position.unit_price, position.discount, position.amount)
    quantity, price, discount, amount = (Decimal(plain(number)) for number in numbers)
    steps = [Step(_("Quantity"), (), quantity, position.unit)]
    steps += _with_change(Step(_("Unit price"), (), price, f"{currency}/{position.unit}"), changes.get("price"))
    return steps + _to_amount(quantity, price, discount, amount, currency, changes.get("discount"))


def _with_change(step: Step, change: Changed | None) -> list[Step]:
    """The step, to what is computed, and where a person has changed that, a second one to what they said."""
    if change is None or change.original_number is None:
        return [step]
    original = Decimal(plain(change.original_number))
    return [replace(step, result=original), Step(capfirst(by_whom(change)), (original,), step.result, step.unit)]


def _to_amount(
    quantity: Decimal, price: Decimal, discount: Decimal, amount: Decimal, currency: str, change: Changed | None
) -> list[Step]:
    less = ("−", discount, "%") if discount else ()
    last = Step(_("Amount"), (quantity, "×", price, *less), amount, currency)
    if change is None:
        return [last]
    return [Step(f"{_('Discount')}, {by_whom(change)}", (), discount, "%"), last]


def by_whom(change: Changed) -> str:
    """Who changed it, when, and why."""
    when = date_format(timezone.localtime(change.at), "SHORT_DATETIME_FORMAT")
    text = _("changed by %(user)s, %(when)s (%(reason)s)")
    return text % {"user": change.user.get_username(), "when": when, "reason": change.reason}


def rounding_in_words(rule: Rule) -> str:
    """What the rule does to time, in a sentence of the active language."""
    if rule.rounding_step == 0 and not rule.minimum_minutes:
        return _("The time of each ticket is billed exactly.")
    values = {"step": rule.rounding_step, "minimum": plain(rule.minimum_minutes), "what": _what(rule)}
    sentences = {
        "up": _("%(what)s is rounded up to a multiple of %(step)s minutes."),
        "nearest": _("%(what)s is rounded to the nearest multiple of %(step)s minutes."),
        "down": _("%(what)s is rounded down to a multiple of %(step)s minutes."),
    }
    parts = [sentences[rule.rounding_mode]] if rule.rounding_step else []
    parts += [_("%(what)s counts at least %(minimum)s minutes.")] if rule.minimum_minutes else []
    return " ".join(part % values for part in parts)


def _what(rule: Rule) -> str:
    return {
        "entry": _("Each time entry"),
        "ticket": _("The time of each ticket"),
        "day": _("The time of each ticket and day"),
        "order": _("The time of the whole order"),
    }[rule.rounding_scope]


def _rounding_label(rule: Rule) -> str:
    if rule.rounding_scope == "order" or not (rule.rounding_step or rule.minimum_minutes):
        return _("Not rounded")
    if rule.rounding_scope != "ticket" or rule.minimum_minutes:
        return rounding_in_words(rule).rstrip(".")
    labels = {
        "up": _("Rounded up to a multiple of %(step)s minutes"),
        "nearest": _("Rounded to the nearest multiple of %(step)s minutes"),
        "down": _("Rounded down to a multiple of %(step)s minutes"),
    }
    return labels[rule.rounding_mode] % {"step": rule.rounding_step}
