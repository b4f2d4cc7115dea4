"""The list of tickets."""

from decimal import Decimal
from typing import Any

import django_tables2 as tables
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.paging import PagedData
from common.tables import DateTimeColumn, MinutesColumn, Table, Total
from tickets.listing import minutes_of
from tickets.models import Ticket
from tickets.periods import Period

TITLE = {"td": {"class": "title"}}
WORDS = {"td": {"class": "break"}}
FEW_WORDS = {"td": {"class": "break short"}}
ONE_LINE = {"td": {"class": "nowrap"}}
MOST_TICKETS_SUMMED = 20_000  # above, the sum would take longer than the page


class TicketTable(Table):
    """One row a ticket: ``minutes_in_period`` were booked in the month, ``minutes`` in the ticket's whole life."""

    caption = gettext_lazy("Tickets")

    number = tables.Column(verbose_name=gettext_lazy("Number"), linkify=True, attrs=ONE_LINE)
    title = tables.Column(verbose_name=gettext_lazy("Title"), attrs=TITLE)
    customer = tables.Column(verbose_name=gettext_lazy("Customer"), order_by=("customer__customer_id",), attrs=WORDS)
    queue = tables.Column(verbose_name=gettext_lazy("Queue"), attrs=FEW_WORDS)
    state = tables.Column(verbose_name=gettext_lazy("State"), attrs=FEW_WORDS)
    closed_at = DateTimeColumn(verbose_name=gettext_lazy("Last closed"))
    minutes_in_period = MinutesColumn(verbose_name=gettext_lazy("Minutes in the month"))
    minutes = MinutesColumn(verbose_name=gettext_lazy("Minutes in total"))
    billed = tables.Column(verbose_name=gettext_lazy("Billed"), empty_values=(), orderable=False)

    class Meta(Table.Meta):
        sequence = ("number", "title", "customer", "queue", "state", "closed_at", "...")

    def __init__(self, data: Any, *, period: Period) -> None:
        self.period = period
        self.totals_fields = ("minutes",) if period.everything else ("minutes_in_period", "minutes")
        super().__init__(PagedData(data), exclude=("minutes_in_period",) if period.everything else ())
        # To sort by a sum, every row's sum is needed: fine for a month, not for all of them.
        self.columns["minutes"].column.orderable = not period.everything

    def render_billed(self, record: Ticket) -> str:
        """Whether the ticket's present entries stand in order positions; needs ``has_billed`` and ``has_unbilled``."""
        billed, unbilled = getattr(record, "has_billed", False), getattr(record, "has_unbilled", False)
        if billed:
            return _("partly") if unbilled else _("yes")
        return _("no") if unbilled else _("no time")

    def value_billed(self, record: Ticket) -> str:
        return self.render_billed(record)

    def has_footer(self) -> bool:
        """Very long lists go without totals; the page says so."""
        return bool(self.rows) and self.is_summed

    @property
    def is_summed(self) -> bool:
        return len(self.rows) <= MOST_TICKETS_SUMMED

    @cached_property
    def totals(self) -> list[Total]:
        sums: dict[str, Decimal] = minutes_of(self.data.data, self.period)
        return [Total("", {name: sums[name] for name in self.totals_fields})]
