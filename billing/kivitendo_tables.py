"""The lists of the pages about kivitendo: matched customers, and what became of the orders there."""

from decimal import Decimal
from typing import Any

import django_tables2 as tables
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from billing.erp_findings import is_fine, sentence_of
from billing.erp_models import ErpFinding
from billing.kivitendo_matching import AT_FAULT, Match, Pair
from billing.tables import ONE_LINE, WORDS, badge
from common.paging import PagedData
from common.tables import DateTimeColumn, MoneyColumn, NumberColumn, Table
from common.templatetags.formats import month_label, number

TEXT = {"td": {"class": "text"}}


def match_badge(match: Match) -> SafeString:
    if match in AT_FAULT:
        return badge("state-bad", "x-circle", match.label)
    if match == Match.MATCHED:
        return badge("state-good", "check-circle", match.label)
    return badge("state-warn" if match == Match.LOCKED else "", "info-circle", match.label)


class PairTable(Table):
    """One row a ticket customer, then one for each customer that only kivitendo has."""

    caption = gettext_lazy("Customers of the ticket systems and of kivitendo")

    customer = tables.Column(verbose_name=gettext_lazy("Ticket customer"), default="–", attrs=WORDS)
    number = tables.Column(verbose_name=gettext_lazy("Number in kivitendo"), attrs=WORDS)
    match = tables.Column(verbose_name=gettext_lazy("Match"))
    names = tables.Column(verbose_name=gettext_lazy("Name in kivitendo"), default="–", attrs=WORDS)
    contacts = tables.Column(verbose_name=gettext_lazy("Contacts"), default="", visible=False)
    sentence = tables.Column(verbose_name=gettext_lazy("In words"), default="", attrs=TEXT)

    def render_match(self, record: Pair) -> SafeString:
        return match_badge(record.match)

    def value_match(self, record: Pair) -> str:
        return str(record.match.label)


class ThereColumn(NumberColumn):
    """An amount as kivitendo has it: all digits that count, cents at least, for less than a cent makes it differ."""

    def show(self, value: Decimal) -> str:
        return number(value, 2)


class FindingTable(Table):
    """One row an order that was looked for in kivitendo, those that are not as they should be first."""

    caption = gettext_lazy("Orders in kivitendo")

    order = tables.Column(verbose_name=gettext_lazy("Order"), accessor="order__number", attrs=ONE_LINE)
    customer = tables.Column(
        verbose_name=gettext_lazy("Customer"),
        accessor="order__customer",
        order_by=("order__customer__customer_id",),
        attrs=WORDS,
    )
    month = tables.Column(verbose_name=gettext_lazy("Month"), accessor="order__month", attrs=ONE_LINE)
    order_state = tables.Column(verbose_name=gettext_lazy("State"), accessor="order__state")
    state = tables.Column(verbose_name=gettext_lazy("In kivitendo"))
    net_here = MoneyColumn(
        verbose_name=gettext_lazy("Net amount"), accessor="order__net_amount", currency="order__currency"
    )
    net_amount = ThereColumn(verbose_name=gettext_lazy("Net amount there"), default="–")
    customer_number = tables.Column(
        verbose_name=gettext_lazy("Customer number there"), default="–", attrs=WORDS, visible=False
    )
    sentence = tables.Column(
        verbose_name=gettext_lazy("In words"), empty_values=(), orderable=False, accessor="pk", attrs=TEXT
    )
    looked_at = DateTimeColumn(verbose_name=gettext_lazy("Looked at"))

    def __init__(self, data: Any) -> None:
        super().__init__(PagedData(data))

    def render_order(self, record: ErpFinding) -> SafeString:
        return format_html('<a href="{}">{}</a>', record.order.get_absolute_url(), record.order.number)

    def value_order(self, record: ErpFinding) -> str:
        return record.order.number

    def render_month(self, record: ErpFinding) -> str:
        return month_label(record.order.month)

    def value_month(self, record: ErpFinding) -> str:
        return f"{record.order.month:%Y-%m}"

    def render_order_state(self, record: ErpFinding) -> str:
        return record.order.get_state_display()

    def render_state(self, record: ErpFinding) -> SafeString:
        if is_fine(record):
            return badge("state-good", "check-circle", record.get_state_display())
        return badge("state-bad", "x-circle", record.get_state_display())

    def value_state(self, record: ErpFinding) -> str:
        return record.get_state_display()

    def render_sentence(self, record: ErpFinding) -> str:
        return sentence_of(record)
