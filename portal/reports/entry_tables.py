"""The rows behind a number: single time entries."""

from functools import cached_property
from typing import Any

import django_tables2 as tables
from django.db.models import Prefetch, QuerySet, Value
from django.db.models.functions import Coalesce, Lower, NullIf
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from billing.models import Allocation, Order
from billing.standing import Standing
from billing.tables import badge
from common.paging import PagedData
from common.tables import HoursColumn, NumberColumn, Total
from portal.reports.columns import DurationColumn, ReportBase
from portal.reports.filters import Question
from portal.reports.sums import count_and_minutes, split
from tickets.models import TimeEntry

ONE_LINE = {"td": {"class": "nowrap"}}
WORD = {"td": {"class": "word"}}
WORDS = {"td": {"class": "break short"}}
TEXT = {"td": {"class": "break"}}
STANDINGS = {
    Standing.BILLED: ("state-good", "check-circle"),
    Standing.UNBILLED: ("state-info", "clock"),
    Standing.NOT_BILLABLE: ("", "info-circle"),
    Standing.BLOCKED: ("state-warn", "exclamation-triangle"),
}


def with_orders(entries: QuerySet[TimeEntry], question: Question) -> QuerySet[TimeEntry]:
    """The entries with all that the table shows; ``claims`` holds the live one if its order may be seen."""
    visible = Order.objects.visible_to(question.user)
    claims = Allocation.objects.filter(live=True, position__order__in=visible).select_related("position__order")
    return entries.select_related("system", "agent", "ticket__customer").prefetch_related(
        Prefetch("allocations", queryset=claims, to_attr="claims")
    )


class EntryData(PagedData):
    """Entries whose number is known with their sum: counting them is another walk over all of them.

    Only those of a page are looked up among the claims; those of a file come with all that it holds.
    """

    def __init__(self, entries: QuerySet[TimeEntry], *, count: int, question: Question) -> None:
        super().__init__(entries)
        self._length, self._question = count, question

    def in_full(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows if self._question.is_file else with_orders(split(rows), self._question)


class EntryTable(ReportBase):
    """One row an entry, as the ticket system sent it, with how it stands with billing."""

    caption = gettext_lazy("Time entries")
    totals_fields = ("minutes", "hours")

    booked_local = tables.Column(verbose_name=gettext_lazy("Booked"), attrs=ONE_LINE)
    agent = tables.Column(verbose_name=gettext_lazy("Agent"), attrs=WORDS)
    number = tables.Column(
        accessor="ticket__number",
        verbose_name=gettext_lazy("Ticket"),
        linkify=("tickets:ticket", [tables.A("ticket_id")]),
    )
    title = tables.Column(accessor="ticket__title", verbose_name=gettext_lazy("Title"), attrs=TEXT)
    customer = tables.Column(
        accessor="ticket__customer",
        order_by=("ticket__customer__customer_id",),
        verbose_name=gettext_lazy("Customer"),
        default="–",
        attrs=WORDS,
    )
    queue = tables.Column(verbose_name=gettext_lazy("Queue"), attrs=WORD)
    system = tables.Column(verbose_name=gettext_lazy("Ticket system"), order_by=("system__name",))
    units = NumberColumn(verbose_name=gettext_lazy("Time units"))
    minutes = DurationColumn()
    hours = HoursColumn(verbose_name=gettext_lazy("Hours"), accessor="minutes", visible=False)
    standing = tables.Column(verbose_name=gettext_lazy("Billing"))
    order = tables.Column(verbose_name=gettext_lazy("Order position"), empty_values=(), visible=False)

    def __init__(self, question: Question) -> None:
        self.unit = question.unit
        plain = question.entries(standing=False)
        count, self._minutes = count_and_minutes(plain)
        entries = with_orders(question.entries(), question) if question.is_file else plain
        super().__init__(
            EntryData(entries, count=count, question=question),
            exclude=["system"] if len(question.form.systems) < 2 else [],
        )
        self.columns["minutes"].column.verbose_name = question.unit.label

    def order_agent(self, entries: QuerySet[TimeEntry], is_descending: bool) -> tuple[QuerySet[TimeEntry], bool]:
        """By what is shown: the name, or the login where there is none."""
        name = Lower(Coalesce(NullIf("agent__name", Value("")), "agent__login"))
        return entries.order_by(name.desc() if is_descending else name.asc()), True

    def order_standing(self, entries: QuerySet[TimeEntry], is_descending: bool) -> tuple[QuerySet[TimeEntry], bool]:
        return split(entries).order_by("-standing" if is_descending else "standing"), True

    def has_footer(self) -> bool:
        return bool(self.rows)

    @cached_property
    def totals(self) -> list[Total]:
        return [Total("", {"minutes": self._minutes, "hours": self._minutes})]

    def render_standing(self, value: str, record: Any) -> SafeString:
        """With the order position below it."""
        standing = Standing(value)
        state = badge(*STANDINGS[standing], standing.label)
        links = [(claim.position.order.get_absolute_url(), claim.position) for claim in record.claims]
        return format_html("{}{}", state, format_html_join("", '<a class="below" href="{}">{}</a>', links))

    def value_standing(self, value: str) -> str:
        return str(Standing(value).label)

    def value_order(self, record: Any) -> str:
        return next((str(claim.position) for claim in record.claims), "")
