"""Columns whose numbers lead to their rows."""

from decimal import Decimal
from typing import Any

from django.utils.html import format_html

from common.tables import NumberColumn, Table
from common.templatetags import formats
from portal.reports.choice import Unit

SHOWN = {Unit.MINUTES: formats.minutes, Unit.HHMM: formats.hhmm, Unit.HOURS: formats.hours}


def in_unit(minutes: Decimal, unit: Unit) -> str:
    """Minutes as the page shows them."""
    return SHOWN[unit](minutes)


class ReportBase(Table):
    """A table of minutes in the chosen unit; ``link_of`` says where the number of a column leads to."""

    unit: Unit = Unit.MINUTES

    def link_of(self, column: str, record: Any) -> str:
        """Address of the rows behind the number; of the total where the record is ``None``. Empty: no link."""
        return ""


class CountColumn(NumberColumn):
    """A number with a link to what it counts. Zero leads nowhere."""

    def text(self, value: Decimal, unit: Unit) -> str:
        return formats.number(Decimal(value))

    def render(self, value: Decimal, record: Any, table: ReportBase, bound_column: Any) -> str:  # type: ignore[override]  # called by parameter name
        return self._linked(value, table, bound_column.name, record)

    def render_footer(self, bound_column: Any, table: Table) -> str:
        name = bound_column.name
        if not isinstance(table, ReportBase) or name not in table.totals_fields:
            return ""
        total = sum((total.sums[name] for total in table.totals), Decimal(0))
        return self._linked(total, table, name, None)

    def show_page_total(self, name: str, table: Table) -> str:
        """No link: the address of the rows behind it knows no pages."""
        total = sum((total.sums[name] for total in table.page_totals), Decimal(0))
        return self.text(total, table.unit) if isinstance(table, ReportBase) else self.show(total)

    def _linked(self, value: Decimal, table: ReportBase, name: str, record: Any) -> str:
        text = self.text(value, table.unit)
        address = table.link_of(name, record) if value else ""
        return format_html('<a href="{}">{}</a>', address, text) if address else text


class DurationColumn(CountColumn):
    """Minutes in the unit of the page; files hold minutes."""

    def text(self, value: Decimal, unit: Unit) -> str:
        return in_unit(Decimal(value), unit)


class ChangeColumn(DurationColumn):
    """A difference in minutes, with its sign."""

    def text(self, value: Decimal, unit: Unit) -> str:
        text = super().text(value, unit)
        return f"+{text}" if value > 0 else text
