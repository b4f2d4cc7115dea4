"""Tickets whose totals disagree, and tickets that could not be compared."""

from typing import Any

import django_tables2 as tables
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from common.tables import MinutesColumn, NumberColumn, Table
from tickets.reconciliation import NoTotal, Reconciliation
from tickets.reconciliation_evidence import Difference

ONE_LINE = {"td": {"class": "nowrap"}}
WORDS = {"td": {"class": "break"}}
TEXT = {"td": {"class": "text"}}


class OfTickets(Table):
    """What both tables begin with."""

    number = tables.Column(verbose_name=gettext_lazy("Ticket"), accessor="ticket__number", attrs=ONE_LINE)
    customer = tables.Column(
        verbose_name=gettext_lazy("Customer"),
        accessor="ticket__customer",
        order_by=("ticket__customer__customer_id",),
        default="–",
        attrs=WORDS,
    )
    system = tables.Column(verbose_name=gettext_lazy("Ticket system"), accessor="ticket__system__name", attrs=WORDS)
    entries_units = NumberColumn(verbose_name=gettext_lazy("Units of the entries"))

    def __init__(self, data: Any, *, result: Reconciliation, hidden: tuple[str, ...] = ()) -> None:
        tickets = [each.ticket for each in result.differences] + [each.ticket for each in result.uncompared]
        several = len({ticket.system_id for ticket in tickets}) > 1
        super().__init__(data, exclude=hidden if several else (*hidden, "system"))

    def render_number(self, record: Difference | NoTotal) -> SafeString:
        return format_html('<a href="{}">{}</a>', record.ticket.get_absolute_url(), record.ticket.number)

    def value_number(self, record: Difference | NoTotal) -> str:
        return record.ticket.number


class DifferenceTable(OfTickets):
    """One row a ticket: what each place says in time units, and the likely cause."""

    caption = gettext_lazy("Tickets whose totals disagree")

    ticket_units = NumberColumn(verbose_name=gettext_lazy("Units of the ticket"))
    article_units = NumberColumn(verbose_name=gettext_lazy("Units of its articles"), default="–")
    difference_units = NumberColumn(verbose_name=gettext_lazy("Ticket less entries, units"))
    difference_minutes = MinutesColumn(verbose_name=gettext_lazy("Ticket less entries, minutes"))
    cause = tables.Column(verbose_name=gettext_lazy("Likely cause"), accessor="cause__label", attrs=WORDS)
    sentence = tables.Column(verbose_name=gettext_lazy("What is known"), orderable=False, attrs=TEXT)

    def __init__(self, result: Reconciliation) -> None:
        hidden = () if result.with_articles else ("article_units",)
        super().__init__(result.differences, result=result, hidden=hidden)


class NotComparedTable(OfTickets):
    """One row a ticket whose own total is not known."""

    caption = gettext_lazy("Tickets that could not be compared")

    reason = tables.Column(verbose_name=gettext_lazy("Reason"), accessor="reason__label", attrs=TEXT)

    def __init__(self, result: Reconciliation) -> None:
        super().__init__(result.uncompared, result=result)
