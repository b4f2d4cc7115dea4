"""How durations, amounts and months are shown: the formats of the active language, never more digits than stored."""

from datetime import date
from decimal import Decimal

from django import template
from django.utils.formats import date_format, number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

from common import durations
from common.money import plain, round_money
from common.months import Month

register = template.Library()


def number(value: Decimal, places: int = 0) -> str:
    """Localised, without needless zeros but with at least ``places`` decimals: German ``1.234,5``."""
    return number_format(plain(value, places))


@register.filter
def minutes(value: Decimal | None) -> str:
    """Minutes without needless zeros; empty for ``None``."""
    return "" if value is None else number(value)


@register.filter
def hhmm(value: Decimal | None) -> str:
    """Minutes as hours and minutes, ``1:15``; empty for ``None``."""
    return "" if value is None else durations.hhmm(value)


@register.filter
def hours(value: Decimal | None) -> str:
    """Minutes as decimal hours with two decimals; empty for ``None``."""
    return "" if value is None else number(durations.decimal_hours(value), 2)


@register.filter
def money(value: Decimal | None, currency: str = "") -> str:
    """Amount in cents with its currency behind, ``1.234,50 EUR``; empty for ``None``."""
    return "" if value is None else f"{number(round_money(value), 2)} {currency}".rstrip()


@register.filter
def unbroken(value: str) -> SafeString:
    """Kept on one line: browsers else break dates and numbers after a hyphen."""
    return format_html('<span class="nowrap">{}</span>', value)


@register.filter
def month_label(value: Month | date | None) -> str:
    """Month and year in words, ``Oktober 2026``; empty for ``None``."""
    if value is None:
        return ""
    return date_format(value.first_day if isinstance(value, Month) else value, "YEAR_MONTH_FORMAT")
