"""From recorded minutes to an amount: pure functions, so that a customer can re-compute every line.

Whatever is multiplied was rounded before: amount = quantity x unit price, both as the order shows them.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal, InvalidOperation
from typing import Protocol, Self

from django.utils.translation import gettext as _

from common.money import EXACT, plain, quantize, round_money
from common.months import Month

PLACES = 5  # of quantity and unit price, in the database as in the ERP
MODES = ("up", "nearest", "down")


class Terms(Protocol):
    """What pricing needs of an agreement."""

    hourly_rate: Decimal
    currency: str
    article_number: str
    unit: str
    minutes_per_unit: Decimal
    rounding_step: int
    rounding_mode: str


@dataclass(frozen=True, slots=True)
class Rule:
    """The terms that gave a price, frozen. Rates in ``currency`` per hour, ``rounding_step`` in minutes (0: exact)."""

    hourly_rate: Decimal
    currency: str
    article_number: str
    unit: str
    minutes_per_unit: Decimal
    rounding_step: int
    rounding_mode: str

    def __post_init__(self) -> None:
        if not (self.hourly_rate.is_finite() and self.hourly_rate >= 0):
            raise ValueError(f"The hourly rate {self.hourly_rate} is not zero or more.")
        if not (self.minutes_per_unit.is_finite() and self.minutes_per_unit > 0):
            raise ValueError(f"A unit of {self.minutes_per_unit} minutes cannot be billed.")
        if self.rounding_step < 0 or self.rounding_mode not in MODES:
            raise ValueError(f"There is no rounding “{self.rounding_mode}” to {self.rounding_step} minutes.")

    @classmethod
    def from_agreement(cls, agreement: Terms) -> Self:
        return cls(
            hourly_rate=Decimal(agreement.hourly_rate),
            currency=agreement.currency,
            article_number=agreement.article_number,
            unit=agreement.unit,
            minutes_per_unit=Decimal(agreement.minutes_per_unit),
            rounding_step=int(agreement.rounding_step),
            rounding_mode=str(agreement.rounding_mode),
        )

    def as_json(self) -> dict[str, str]:
        """All values as strings, decimals in plain form; ``from_json`` gives an equal rule."""
        return {
            name: plain(value) if isinstance(value, Decimal) else str(value) for name, value in asdict(self).items()
        }

    @classmethod
    def from_json(cls, data: Mapping[str, str]) -> Self:
        """Read what ``as_json`` wrote; ``ValueError`` where it is not that."""
        try:
            return cls(
                hourly_rate=Decimal(data["hourly_rate"]),
                currency=data["currency"],
                article_number=data["article_number"],
                unit=data["unit"],
                minutes_per_unit=Decimal(data["minutes_per_unit"]),
                rounding_step=int(data["rounding_step"]),
                rounding_mode=data["rounding_mode"],
            )
        except (KeyError, InvalidOperation) as error:
            raise ValueError(f"The stored rule of a position cannot be read: {error!r}.") from error


@dataclass(frozen=True, slots=True)
class Price:
    """What one position costs. Quantity and unit price have at most 5 decimals, the amount has cents."""

    billable_minutes: Decimal
    quantity: Decimal
    unit_price: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Step:
    """One line of an explanation. ``formula`` holds numbers and signs in reading order and may be empty."""

    label: str
    formula: tuple[Decimal | str, ...]
    result: Decimal
    unit: str


def round_minutes(minutes: Decimal, *, step: int, mode: str) -> Decimal:
    """Minutes as a multiple of ``step`` (0: unchanged); exact multiples stay, half goes up.

    Symmetrical: the sign is kept and the size is rounded, so that a correction undoes exactly what it corrects.
    """
    if step == 0:
        return minutes
    whole, rest = EXACT.divmod(abs(minutes), Decimal(step))
    goes_up = {"up": rest > 0, "nearest": 2 * rest >= step, "down": False}[mode]
    size = EXACT.multiply(whole + goes_up, Decimal(step))
    return -size if minutes < 0 else size


def price(recorded_minutes: Decimal, rule: Rule) -> Price:
    """Round the minutes, then quantity and unit price; the amount is made of the rounded ones."""
    billable = round_minutes(recorded_minutes, step=rule.rounding_step, mode=rule.rounding_mode)
    quantity = quantize(EXACT.divide(billable, rule.minutes_per_unit), PLACES)
    unit_price = quantize(EXACT.divide(EXACT.multiply(rule.hourly_rate, rule.minutes_per_unit), Decimal(60)), PLACES)
    return Price(billable, quantity, unit_price, round_money(EXACT.multiply(quantity, unit_price)))


def explain(recorded_minutes: Decimal, rule: Rule) -> list[Step]:
    """The way from the recorded minutes to the amount, in the active language, for the page."""
    result = price(recorded_minutes, rule)
    recorded, billable, quantity, unit_price, per_unit, rate = (
        Decimal(plain(number))
        for number in (
            recorded_minutes,
            result.billable_minutes,
            result.quantity,
            result.unit_price,
            rule.minutes_per_unit,
            rule.hourly_rate,
        )
    )
    return [
        Step(_("Recorded time"), (), recorded, "min"),
        Step(_rounding_label(rule), (recorded,), billable, "min"),
        Step(_("Quantity"), (billable, "÷", per_unit), quantity, rule.unit),
        Step(_("Unit price"), (rate, "×", per_unit, "÷", Decimal(60)), unit_price, f"{rule.currency}/{rule.unit}"),
        Step(_("Amount"), (quantity, "×", unit_price), result.amount, rule.currency),
    ]


def rounding_in_words(rule: Rule) -> str:
    """What the rule does to the time of a ticket, in a sentence of the active language."""
    if rule.rounding_step == 0:
        return _("The time of each ticket is billed exactly.")
    sentences = {
        "up": _("The time of each ticket is rounded up to a multiple of %(step)s minutes."),
        "nearest": _("The time of each ticket is rounded to the nearest multiple of %(step)s minutes."),
        "down": _("The time of each ticket is rounded down to a multiple of %(step)s minutes."),
    }
    return sentences[rule.rounding_mode] % {"step": rule.rounding_step}


def _rounding_label(rule: Rule) -> str:
    if rule.rounding_step == 0:
        return _("Not rounded")
    labels = {
        "up": _("Rounded up to a multiple of %(step)s minutes"),
        "nearest": _("Rounded to the nearest multiple of %(step)s minutes"),
        "down": _("Rounded down to a multiple of %(step)s minutes"),
    }
    return labels[rule.rounding_mode] % {"step": rule.rounding_step}


class TemplateError(ValueError):
    """A text template names something that there is not; the message says what and what there is."""


PLACEHOLDERS = ("number", "title", "minutes", "queue", "service", "customer_user", "month")
TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
# Control characters, line and paragraph separators, and marks that turn the direction of the text.
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


def one_line(text: str) -> str:
    """The text with line breaks and control characters as blanks."""
    return UNPRINTABLE.sub(" ", text).strip()


def check_template(template: str) -> None:
    """Raise ``TemplateError`` where ``position_text`` would."""
    _fill(template, dict.fromkeys(PLACEHOLDERS, ""))


def position_text(
    template: str,
    *,
    number: str,
    title: str,
    minutes: Decimal,
    queue: str,
    service: str,
    customer_user: str,
    month: Month,
) -> str:
    """The text of a position. ``minutes`` are the recorded ones; ``{{`` and ``}}`` stand for braces.

    Values are put in as they are: a title that looks like a placeholder stays what it is.
    """
    values = {
        "number": number,
        "title": title,
        "minutes": plain(minutes),
        "queue": queue,
        "service": service,
        "customer_user": customer_user,
        "month": str(month),
    }
    return _fill(template, {name: one_line(value) for name, value in values.items()})


def _fill(template: str, values: Mapping[str, str]) -> str:
    def replacement(match: re.Match[str]) -> str:
        token, name = match[0], match[1]
        if token in ("{{", "}}"):
            return token[0]
        if name is None:
            raise TemplateError(_("There is a single brace in the text; write {{ or }} for a brace."))
        if name not in values:
            known = ", ".join(f"{{{placeholder}}}" for placeholder in PLACEHOLDERS)
            raise TemplateError(
                _("There is no placeholder {%(name)s}; there are %(known)s.") % {"name": name[:40], "known": known}
            )
        return values[name]

    return TOKEN.sub(replacement, template)
