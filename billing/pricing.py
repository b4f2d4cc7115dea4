"""From recorded minutes to an amount: pure functions, so that a customer can re-compute every line.

Whatever is multiplied was rounded before: amount = quantity x unit price less discount, as the order shows them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Protocol, Self

from django.utils.translation import gettext as _

from common.money import EXACT, plain, quantize, round_money
from common.months import Month

PLACES = 5  # of quantity and unit price, in the database as in the ERP
MODES = ("up", "nearest", "down")
SCOPES = ("entry", "ticket", "day", "order")


class Terms(Protocol):
    """What pricing needs of an agreement."""

    hourly_rate: Decimal
    overage_rate: Decimal | None
    included_minutes: Decimal
    currency: str
    article_number: str
    unit: str
    minutes_per_unit: Decimal
    rounding_step: int
    rounding_mode: str
    rounding_scope: str
    minimum_minutes: Decimal


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
    rounding_scope: str = "ticket"
    minimum_minutes: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        if not (self.hourly_rate.is_finite() and self.hourly_rate >= 0):
            raise ValueError(f"The hourly rate {self.hourly_rate} is not zero or more.")
        if not (self.minutes_per_unit.is_finite() and self.minutes_per_unit > 0):
            raise ValueError(f"A unit of {self.minutes_per_unit} minutes cannot be billed.")
        if self.rounding_step < 0 or self.rounding_mode not in MODES or self.rounding_scope not in SCOPES:
            raise ValueError(
                f"There is no rounding “{self.rounding_mode}” to {self.rounding_step} minutes by {self.rounding_scope}."
            )
        if not (self.minimum_minutes.is_finite() and self.minimum_minutes >= 0):
            raise ValueError(f"A minimum of {self.minimum_minutes} minutes cannot be billed.")

    @classmethod
    def from_agreement(cls, agreement: Terms) -> Self:
        """Included minutes cost nothing, so what is above them alone has a rate."""
        above = agreement.overage_rate if agreement.included_minutes else None
        return cls(
            hourly_rate=Decimal(agreement.hourly_rate if above is None else above),
            currency=agreement.currency,
            article_number=agreement.article_number,
            unit=agreement.unit,
            minutes_per_unit=Decimal(agreement.minutes_per_unit),
            rounding_step=int(agreement.rounding_step),
            rounding_mode=str(agreement.rounding_mode),
            rounding_scope=str(agreement.rounding_scope),
            minimum_minutes=Decimal(agreement.minimum_minutes),
        )

    def with_rate(self, hourly_rate: Decimal | None, article_number: str) -> Self:
        """The same with the rate and article of a rate rule, as far as it names them."""
        return replace(
            self,
            hourly_rate=self.hourly_rate if hourly_rate is None else Decimal(hourly_rate),
            article_number=article_number or self.article_number,
        )

    def as_json(self) -> dict[str, str]:
        """All values as strings, decimals in plain form; ``from_json`` gives an equal rule."""
        values = ((field.name, getattr(self, field.name)) for field in fields(self))
        return {name: plain(value) if isinstance(value, Decimal) else str(value) for name, value in values}

    @classmethod
    def from_json(cls, data: Mapping[str, str]) -> Self:
        """Read what ``as_json`` wrote, today or before there were scopes; ``ValueError`` where it is not that."""
        try:
            return cls(
                hourly_rate=Decimal(data["hourly_rate"]),
                currency=data["currency"],
                article_number=data["article_number"],
                unit=data["unit"],
                minutes_per_unit=Decimal(data["minutes_per_unit"]),
                rounding_step=int(data["rounding_step"]),
                rounding_mode=data["rounding_mode"],
                rounding_scope=data.get("rounding_scope", "ticket"),
                minimum_minutes=Decimal(data.get("minimum_minutes", "0")),
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


Parts = Sequence[tuple[Decimal, int]]
"""Minutes of what is rounded on its own, and how many there are of them: entries, days, or the ticket as a whole."""


def billable_minutes(parts: Parts, rule: Rule) -> Decimal:
    """Minutes to bill, every part rounded and at least the minimum; where the order is rounded, nothing is here."""
    if rule.rounding_scope == "order":
        return sum((EXACT.multiply(minutes, Decimal(count)) for minutes, count in parts), Decimal(0))
    rounded = (EXACT.multiply(_rounded(minutes, rule), Decimal(count)) for minutes, count in parts)
    return sum(rounded, Decimal(0))


def rounding_of_order(minutes: Decimal, rule: Rule) -> Decimal:
    """What rounding adds to the billable minutes of an order, or takes off them; 0 unless the order is rounded."""
    return _rounded(minutes, rule) - minutes if rule.rounding_scope == "order" else Decimal(0)


def _rounded(minutes: Decimal, rule: Rule) -> Decimal:
    """Symmetrical as ``round_minutes`` is; what is nothing has no minimum."""
    rounded = round_minutes(minutes, step=rule.rounding_step, mode=rule.rounding_mode)
    size = max(abs(rounded), rule.minimum_minutes) if minutes else Decimal(0)
    return -size if minutes < 0 else size


def unit_price(rule: Rule) -> Decimal:
    """For one unit, at most 5 decimals."""
    return quantize(EXACT.divide(EXACT.multiply(rule.hourly_rate, rule.minutes_per_unit), Decimal(60)), PLACES)


def quantity(minutes: Decimal, rule: Rule) -> Decimal:
    """Units, at most 5 decimals."""
    return quantize(EXACT.divide(minutes, rule.minutes_per_unit), PLACES)


def amount(units: Decimal, price_of_unit: Decimal, discount: Decimal = Decimal(0)) -> Decimal:
    """Units times price less the discount (in percent), rounded once, half away from zero, to cents."""
    return round_money(EXACT.multiply(EXACT.multiply(units, price_of_unit), (Decimal(100) - discount).scaleb(-2)))


def price(recorded_minutes: Decimal, rule: Rule) -> Price:
    """Round the minutes as one part, then quantity and unit price; the amount is made of the rounded ones."""
    billable = billable_minutes([(recorded_minutes, 1)], rule)
    units, price_of_unit = quantity(billable, rule), unit_price(rule)
    return Price(billable, units, price_of_unit, amount(units, price_of_unit))


class TemplateError(ValueError):
    """A text template names something that there is not; the message says what and what there is."""


PLACEHOLDERS = ("number", "title", "minutes", "queue", "service", "customer_user", "month")
TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
# Control characters, line and paragraph separators, and marks that turn the direction of the text.
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


def one_line(text: str) -> str:
    """The text with line breaks and control characters as blanks."""
    return (text if text.isprintable() else UNPRINTABLE.sub(" ", text)).strip()


def check_template(template: str) -> None:
    """Raise ``TemplateError`` where ``position_text`` would."""
    _parts(template)


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
    return "".join(one_line(values[part]) if is_name else part for part, is_name in _parts(template))


@lru_cache(maxsize=500)
def _parts(template: str) -> tuple[tuple[str, bool], ...]:
    """The template taken apart, each part with whether it is the name of a placeholder."""
    parts: list[tuple[str, bool]] = []
    end = 0
    for match in TOKEN.finditer(template):
        parts.append((template[end : match.start()], False))
        parts.append(_token(match[0], match[1]))
        end = match.end()
    return (*parts, (template[end:], False))


def _token(token: str, name: str | None) -> tuple[str, bool]:
    if token in ("{{", "}}"):
        return token[0], False
    if name is None:
        raise TemplateError(_("There is a single brace in the text; write {{ or }} for a brace."))
    if name not in PLACEHOLDERS:
        known = ", ".join(f"{{{placeholder}}}" for placeholder in PLACEHOLDERS)
        raise TemplateError(
            _("There is no placeholder {%(name)s}; there are %(known)s.") % {"name": name[:40], "known": known}
        )
    return name, True
