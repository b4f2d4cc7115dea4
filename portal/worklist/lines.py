"""One line of the work list: a number, and the list whose rows it counts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.http import urlencode

from common.money import round_money
from common.templatetags.formats import money


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """So many orders that come to so much; one for each currency."""

    count: int
    net: Decimal
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """``count`` is the number of rows that the list at ``url`` shows to the same user.

    ``key`` names the text that says how it is counted, see ``portal.help.counted``. Without ``needs_you`` it is to be
    known and nothing more.
    """

    key: str
    title: str
    url: str
    count: int
    details: tuple[str, ...] = ()
    needs_you: bool = True


def page(name: str, **parameters: object) -> str:
    """The address of a list, narrowed down; parameters without a value are left out."""
    given = {key: str(value) for key, value in parameters.items() if value is not None}
    return reverse(name) + (f"?{urlencode(given)}" if given else "")


def sums_in_words(sums: Iterable[tuple[Decimal, str]]) -> str:
    """``7,949.00 EUR + 10.00 CHF``: currencies are never added up."""
    return " + ".join(money(net, currency) for net, currency in sums)


def amount_of(row: Mapping[str, Any]) -> Amount:
    """Of a row with ``n``, ``net`` and ``currency``."""
    return Amount(count=row["n"], net=round_money(row["net"] or Decimal(0)), currency=row["currency"])
