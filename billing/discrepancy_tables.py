"""The list of what disagrees with orders that have left draft."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import django_tables2 as tables
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.discrepancy_kinds import Discrepancy
from billing.settlement_models import Kind
from billing.tables import ONE_LINE, WORDS, badge
from common.money import plain
from common.tables import MinutesColumn, MoneyColumn, NumberColumn, Table

SYMBOLS = {
    Kind.GONE: "x-circle",
    Kind.MOVED_CUSTOMER: "arrow-repeat",
    Kind.CHANGED: "pencil-square",
    Kind.MOVED_TICKET: "arrow-repeat",
    Kind.LATE: "clock",
    Kind.NEGATIVE_LATE: "clock",
}
TWO_LINES = '<span class="nowrap">{}</span><div class="muted">{}</div>'


class DiscrepancyTable(Table):
    """One row an entry and kind. Files have a column for each thing, and tell where the entry stands by now."""

    caption = gettext_lazy("Discrepancies after billing")
    totals_fields = ("minutes_at_stake", "money_at_stake")
    currency_field = "currency"

    select = tables.Column(
        verbose_name=gettext_lazy("Choose"),
        footer="",
        empty_values=(),
        orderable=False,
        exclude_from_export=True,
        attrs={"cell": {"class": "select"}},
    )
    order = tables.Column(
        verbose_name=gettext_lazy("Order"), accessor="order__number", footer=gettext_lazy("Total"), attrs=WORDS
    )
    customer = tables.Column(verbose_name=gettext_lazy("Customer"), visible=False)
    ticket = tables.Column(verbose_name=gettext_lazy("Ticket"), accessor="ticket__number", attrs=ONE_LINE)
    booked = tables.Column(verbose_name=gettext_lazy("Booked"), accessor="entry__booked_local", attrs=WORDS)
    agent = tables.Column(verbose_name=gettext_lazy("Agent"), accessor="entry__agent", visible=False)
    units = NumberColumn(verbose_name=gettext_lazy("Time units"), accessor="entry__units", visible=False)
    kind = tables.Column(verbose_name=gettext_lazy("What has happened"), attrs={"td": {"class": "text"}})
    sentence = tables.Column(verbose_name=gettext_lazy("In words"), visible=False)
    ticket_now = tables.Column(
        verbose_name=gettext_lazy("Ticket now"), accessor="ticket_now__number", default="", visible=False
    )
    customer_now = tables.Column(verbose_name=gettext_lazy("Customer now"), default="", visible=False)
    minutes_billed = MinutesColumn(verbose_name=gettext_lazy("Minutes billed"))
    minutes_now = MinutesColumn(verbose_name=gettext_lazy("Minutes now"))
    minutes_at_stake = MinutesColumn(verbose_name=gettext_lazy("Minutes at stake"))
    money_at_stake = MoneyColumn(verbose_name=gettext_lazy("Amount at stake"), default="")

    def __init__(self, data: Sequence[Discrepancy], *, can_settle: bool) -> None:
        super().__init__(data, exclude=[] if can_settle else ["select"])
        self.can_settle = can_settle
        self.has_choice = can_settle and any(row.choices for row in data)

    def render_select(self, record: Discrepancy) -> SafeString:
        if not record.choices:
            return SafeString("")
        label = _("Choose %(kind)s, ticket %(number)s, %(booked)s") % {
            "kind": record.kind.label,
            "number": record.ticket.number,
            "booked": record.entry.booked_local,
        }
        return format_html(
            '<input class="form-check-input" type="checkbox" name="discrepancy" value="{}" form="selection" '
            'aria-label="{}" data-select data-cents="{}" data-currency="{}">',
            record.key,
            label,
            plain((record.money_at_stake or Decimal(0)).scaleb(2)),
            record.currency,
        )

    def render_order(self, record: Discrepancy) -> SafeString:
        link = format_html('<a href="{}">{}</a>', record.order.get_absolute_url(), record.order.number)
        return format_html(TWO_LINES, link, record.customer)

    def value_order(self, record: Discrepancy) -> str:
        return record.order.number

    def render_ticket(self, record: Discrepancy) -> Any:
        """Whoever may not open the ticket any more sees its number all the same: the order shows it, too."""
        if not record.opens_ticket:
            return record.ticket.number
        return format_html('<a href="{}">{}</a>', record.ticket.get_absolute_url(), record.ticket.number)

    def value_ticket(self, record: Discrepancy) -> str:
        return record.ticket.number

    def render_booked(self, record: Discrepancy) -> SafeString:
        return format_html(TWO_LINES, record.entry.booked_local, record.entry.agent)

    def value_booked(self, record: Discrepancy) -> str:
        return record.entry.booked_local

    def render_kind(self, record: Discrepancy) -> SafeString:
        told = format_html("{} {}", badge("state-warn", SYMBOLS[record.kind], record.kind.label), record.sentence)
        if not self.can_settle or (record.choices and record.kind != Kind.MOVED_CUSTOMER):
            return told
        if not record.choices:
            return format_html("{} {}", told, _("The order is not issued yet: issue it, or return it to draft."))
        way = reverse("billing:void", args=[record.order.pk])
        return format_html('{} <a href="{}">{}</a>', told, way, _("Void the order and draft anew"))

    def value_kind(self, record: Discrepancy) -> str:
        return str(record.kind.label)
