"""The lists of orders, of runs and of what was left out."""

from typing import Any

import django_tables2 as tables
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.models import BillingRun, Order
from billing.queries import LeftOut
from billing.selection import Step
from common.money import plain
from common.paging import PagedData
from common.tables import DateTimeColumn, MinutesColumn, MoneyColumn, NumberColumn, Table
from common.templatetags.formats import month_label
from common.templatetags.pages import icon

WORDS = {"td": {"class": "break"}}
ONE_LINE = {"td": {"class": "nowrap"}}
ORDER_STATES = {
    Order.State.DRAFT: ("", "pencil-square"),
    Order.State.APPROVED: ("state-info", "check-circle"),
    Order.State.ISSUED: ("state-good", "receipt"),
    Order.State.EXPORTED: ("state-good", "box-arrow-up-right"),
    Order.State.VOID: ("", "x-circle"),
}
JOB_STATES = {
    BillingRun.State.QUEUED: ("", "clock"),
    BillingRun.State.RUNNING: ("state-info", "arrow-repeat"),
    BillingRun.State.DONE: ("state-good", "check-circle"),
    BillingRun.State.PARTLY: ("state-warn", "exclamation-triangle"),
    BillingRun.State.FAILED: ("state-bad", "x-circle"),
}


def badge(css_class: str, symbol: str, text: object) -> SafeString:
    """A state as a word with a symbol; its colour only repeats what the word says."""
    return format_html('<span class="state {}">{}{}</span>', css_class, icon(symbol), text)


class ShowsMonthAndState:
    """What orders and runs show alike; each has states of its own."""

    def render_month(self, record: Order | BillingRun) -> str:
        return month_label(record.month)

    def value_month(self, record: Order | BillingRun) -> str:
        return f"{record.month:%Y-%m}"

    def value_state(self, record: Order | BillingRun) -> str:
        return record.get_state_display()

    def render_complete(self, record: Order | BillingRun) -> SafeString:
        if record.complete:
            return badge("state-good", "check-circle", _("complete"))
        return badge("state-warn", "exclamation-triangle", _("not complete"))

    def value_complete(self, record: Order | BillingRun) -> str:
        return _("complete") if record.complete else _("not complete")


class OrderTable(ShowsMonthAndState, Table):
    """One row an order, with a box to choose it where it can be approved or issued."""

    caption = gettext_lazy("Orders")
    totals_fields = ("recorded_minutes", "billable_minutes", "net_amount")
    currency_field = "currency"

    select = tables.Column(
        verbose_name=gettext_lazy("Choose"),
        footer="",
        empty_values=(),
        orderable=False,
        exclude_from_export=True,
        attrs={"cell": {"class": "select"}},
    )
    number = tables.Column(
        verbose_name=gettext_lazy("Order"), linkify=True, footer=gettext_lazy("Total"), attrs=ONE_LINE
    )
    document_number = tables.Column(verbose_name=gettext_lazy("Document number"), default="–", attrs=ONE_LINE)
    customer = tables.Column(verbose_name=gettext_lazy("Customer"), order_by=("customer__customer_id",), attrs=WORDS)
    month = tables.Column(verbose_name=gettext_lazy("Month"), attrs=ONE_LINE)
    state = tables.Column(verbose_name=gettext_lazy("State"))
    complete = tables.Column(verbose_name=gettext_lazy("Data"))
    recorded_minutes = MinutesColumn(verbose_name=gettext_lazy("Recorded minutes"))
    billable_minutes = MinutesColumn(verbose_name=gettext_lazy("Billable minutes"))
    net_amount = MoneyColumn(verbose_name=gettext_lazy("Net amount"))

    def __init__(self, data: Any, *, can_choose: bool, one_month: bool) -> None:
        hidden = ([] if can_choose else ["select"]) + (["month"] if one_month else [])
        super().__init__(PagedData(data), exclude=hidden)

    def has_footer(self) -> bool:
        return bool(self.rows)

    def render_select(self, record: Order) -> SafeString:
        if not any(step.takes(record) for step in Step):
            return SafeString("")
        return format_html(
            '<input class="form-check-input" type="checkbox" name="order" value="{}" form="selection" aria-label="{}" '
            'data-select data-cents="{}" data-currency="{}">',
            record.pk,
            _("Choose %(number)s") % {"number": record.number},
            plain(record.net_amount.scaleb(2)),
            record.currency,
        )

    def render_state(self, record: Order) -> SafeString:
        return badge(*ORDER_STATES[Order.State(record.state)], record.get_state_display())


class LeftOutTable(Table):
    """Time that stands in no order of the month, ticket by ticket, with the reason."""

    caption = gettext_lazy("Left out of the orders")
    totals_fields = ("minutes",)

    number = tables.Column(verbose_name=gettext_lazy("Ticket"), accessor="ticket__number", attrs=ONE_LINE)
    title = tables.Column(
        verbose_name=gettext_lazy("Title"), accessor="ticket__title", attrs={"td": {"class": "title"}}
    )
    customer = tables.Column(
        verbose_name=gettext_lazy("Customer"), accessor="ticket__customer", default="–", attrs=WORDS
    )
    reason = tables.Column(verbose_name=gettext_lazy("Reason"), accessor="sentence", attrs={"td": {"class": "text"}})
    entries = NumberColumn(verbose_name=gettext_lazy("Entries"))
    minutes = MinutesColumn(verbose_name=gettext_lazy("Minutes"))

    def render_number(self, record: LeftOut) -> SafeString:
        return format_html('<a href="{}">{}</a>', record.ticket.get_absolute_url(), record.ticket.number)

    def value_number(self, record: LeftOut) -> str:
        return record.ticket.number


class RunTable(ShowsMonthAndState, Table):
    """The billing runs, the latest month first."""

    caption = gettext_lazy("Billing runs")

    month = tables.Column(verbose_name=gettext_lazy("Month"), linkify=True, attrs=ONE_LINE)
    customer = tables.Column(verbose_name=gettext_lazy("Customer"), default=gettext_lazy("all"), attrs=WORDS)
    state = tables.Column(verbose_name=gettext_lazy("State"))
    complete = tables.Column(verbose_name=gettext_lazy("Data"))
    started_at = DateTimeColumn(verbose_name=gettext_lazy("Started"))
    finished_at = DateTimeColumn(verbose_name=gettext_lazy("Finished"))
    orders_new = NumberColumn(verbose_name=gettext_lazy("New orders"))
    orders_changed = NumberColumn(verbose_name=gettext_lazy("Changed"))
    orders_unchanged = NumberColumn(verbose_name=gettext_lazy("Unchanged"))
    failures = NumberColumn(verbose_name=gettext_lazy("Failures"), orderable=False)

    def render_state(self, record: BillingRun) -> SafeString:
        return badge(*JOB_STATES[BillingRun.State(record.state)], record.get_state_display())

    def render_failures(self, record: BillingRun) -> str:
        return str(len(record.failures))

    def value_failures(self, record: BillingRun) -> int:
        return len(record.failures)
