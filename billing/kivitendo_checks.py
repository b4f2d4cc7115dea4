"""Orders as kivitendo takes them, and what must not be handed to it. Pure: no database, no models.

kivitendo's import forgives what must not be forgiven: a number over the limit rolls back a hundred orders, a wrong
position is left out and the rest is saved, an order number is taken twice. So doubts are settled here.
"""

import datetime
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, auto

from django.utils.translation import gettext as _

from common.money import EXACT, quantize, round_money

LIMIT = Decimal(10) ** 10  # of numbers in numeric(15,5)
PLACES = 5
TEXT_LIMIT = 100_000  # characters; Python's reader refuses cells from 131,072 on
CURRENCY = re.compile("[A-Z]{3}")
LINE_BREAK = re.compile("[\t\r\n]")
UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")  # a NUL would cut the text there
TAG = re.compile(r"</?(?:b|strong|i|em|u|ul|ol|li|sub|sup|s|strike|br|p|div)(?: ?/)?>")


@dataclass(frozen=True, slots=True)
class KivitendoPosition:
    """``discount`` in percent, ``unit_price`` for one ``unit``; ``long_description`` is limited HTML."""

    article_number: str
    description: str
    long_description: str
    quantity: Decimal
    unit: str
    unit_price: Decimal
    discount: Decimal
    ticket_number: str
    amount: Decimal
    request_date: datetime.date


@dataclass(frozen=True, slots=True)
class KivitendoOrder:
    """``request_date`` is the last day of the period, ``tax_rate`` in percent; ``notes`` is limited HTML."""

    number: str
    customer_number: str
    date: datetime.date
    request_date: datetime.date
    description: str
    currency: str
    notes: str
    internal_notes: str
    tax_rate: Decimal
    positions: tuple[KivitendoPosition, ...]

    @property
    def net_amount(self) -> Decimal:
        return sum((position.amount for position in self.positions), Decimal(0))

    @property
    def gross_amount(self) -> Decimal:
        """With the tax on the sum, rounded once, as kivitendo does it."""
        return self.net_amount + round_money(self.net_amount * self.tax_rate / 100)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why no file is written; ``order_number`` is empty where it concerns the whole file."""

    order_number: str
    text: str


class Kind(Enum):
    """What a text must be."""

    KEY = auto()  # looked up exactly: present, one line, without blanks around
    LINE = auto()
    TEXT = auto()
    HTML = auto()


def line_total(quantity: Decimal, unit_price: Decimal, discount: Decimal) -> Decimal:
    """Net amount of a position as kivitendo computes it; ``discount`` in percent."""
    factor = EXACT.divide(EXACT.subtract(Decimal(100), discount), Decimal(100))
    return round_money(EXACT.multiply(EXACT.multiply(unit_price, factor), quantity))


def check_orders(orders: Sequence[KivitendoOrder]) -> list[Problem]:
    """What kivitendo would refuse or, worse, accept. An empty list means that the file can be written."""
    if not orders:
        return [Problem("", _("There is no order to write."))]
    problems = [
        Problem(number, _("The order number occurs %(count)s times in the file.") % {"count": count})
        for number, count in Counter(order.number for order in orders).items()
        if count > 1
    ]
    return problems + [Problem(order.number, text) for order in orders for text in order_faults(order)]


def order_faults(order: KivitendoOrder) -> Iterator[str]:
    """One sentence for each fault of the order itself and of its positions."""
    if not order.positions:
        yield _("The order has no position.")
    yield from _text_faults(Kind.KEY, _("order number"), order.number)
    yield from _text_faults(Kind.KEY, _("customer number"), order.customer_number)
    yield from _text_faults(Kind.LINE, _("description"), order.description)
    yield from _text_faults(Kind.TEXT, _("internal notes"), order.internal_notes)
    yield from _text_faults(Kind.HTML, _("notes"), order.notes)
    if not CURRENCY.fullmatch(order.currency):
        yield _("The currency must be three capital letters.")
    faults = [
        _("Position %(number)s: %(fault)s") % {"number": number, "fault": fault}
        for number, position in enumerate(order.positions, start=1)
        for fault in _position_faults(position)
    ]
    yield from faults
    if not _is_percentage(order.tax_rate):
        yield _("The tax rate must be between 0 and 100 percent.")
    elif not faults and abs(order.gross_amount) >= LIMIT:
        yield _("The sum of the order is too big.")


def _position_faults(position: KivitendoPosition) -> Iterator[str]:
    yield from _text_faults(Kind.KEY, _("article number"), position.article_number)
    yield from _text_faults(Kind.KEY, _("unit"), position.unit)
    yield from _text_faults(Kind.KEY, _("description"), position.description)
    yield from _text_faults(Kind.HTML, _("long description"), position.long_description)
    yield from _text_faults(Kind.LINE, _("ticket number"), position.ticket_number)
    faults = [
        *_number_faults(_("quantity"), position.quantity),
        *_number_faults(_("unit price"), position.unit_price),
        *_number_faults(_("discount"), position.discount),
    ]
    yield from faults
    if not faults:
        yield from _amount_faults(position)


def _amount_faults(position: KivitendoPosition) -> Iterator[str]:
    if not _is_percentage(position.discount):
        yield _("The discount must be between 0 and 100 percent.")
    expected = line_total(position.quantity, position.unit_price, position.discount)
    if position.amount != expected:
        yield _("The amount is %(amount)s, but quantity times price gives %(expected)s.") % {
            "amount": position.amount,
            "expected": expected,
        }


def _text_faults(kind: Kind, name: str, text: str) -> Iterator[str]:
    if UNWRITABLE.search(text):
        yield _("The field “%(name)s” has a character that cannot be written.") % {"name": name}
    if len(text) > TEXT_LIMIT:
        yield _("The field “%(name)s” is too long.") % {"name": name}
    if kind in (Kind.KEY, Kind.LINE) and LINE_BREAK.search(text):
        yield _("The field “%(name)s” has a line break or tab.") % {"name": name}
    if kind is Kind.KEY and not text.strip():
        yield _("The field “%(name)s” is empty.") % {"name": name}
    elif kind is Kind.KEY and text != text.strip():
        yield _("The field “%(name)s” has blanks around its text.") % {"name": name}
    if kind is Kind.HTML and re.search("[<>]", TAG.sub("", text)):
        yield _("The field “%(name)s” holds HTML that kivitendo does not show.") % {"name": name}


def _number_faults(name: str, value: Decimal) -> Iterator[str]:
    if not value.is_finite():
        yield _("The field “%(name)s” is not a number.") % {"name": name}
    elif abs(value) >= LIMIT:
        yield _("The field “%(name)s” is too big.") % {"name": name}
    elif value != quantize(value, PLACES):
        yield _("The field “%(name)s” has more than 5 decimals.") % {"name": name}


def _is_percentage(value: Decimal) -> bool:
    return value.is_finite() and 0 <= value <= 100
