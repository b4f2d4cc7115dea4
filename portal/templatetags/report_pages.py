"""What the pages of the time reports say."""

from decimal import Decimal

from django import template

from portal.reports.choice import Unit
from portal.reports.columns import in_unit

register = template.Library()


@register.filter
def duration(minutes: Decimal, unit: Unit) -> str:
    """Minutes in the unit that the page shows."""
    return in_unit(minutes, unit)
