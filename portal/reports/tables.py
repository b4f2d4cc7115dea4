"""The table of a report: one line a group, sums split by how the minutes stand with billing."""

from decimal import Decimal
from typing import Any

import django_tables2 as tables
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_tables2.data import TableQuerysetData

from common.tables import HoursColumn, Total
from portal.reports.choice import span_label
from portal.reports.columns import ChangeColumn, CountColumn, DurationColumn, ReportBase, in_unit
from portal.reports.filters import Question
from portal.reports.lines import Line, Report, TicketLines
from portal.reports.links import GroupParameters, Links
from portal.reports.sums import STANDING_FIELDS, SUM_FIELDS, By

ONE_LINE = {"td": {"class": "nowrap"}}
WORDS = {"td": {"class": "break"}}
CAPTIONS = {
    By.AGENT: gettext_lazy("Time by agent"),
    By.CUSTOMER: gettext_lazy("Time by customer"),
    By.QUEUE: gettext_lazy("Time by queue"),
    By.TICKET: gettext_lazy("Time by ticket"),
}
KEYS = {
    By.AGENT: gettext_lazy("Login"),
    By.CUSTOMER: gettext_lazy("CustomerID"),
    By.QUEUE: "",
    By.TICKET: gettext_lazy("Ticket"),
}
LABELS = {
    By.AGENT: gettext_lazy("Agent"),
    By.CUSTOMER: gettext_lazy("Customer"),
    By.QUEUE: gettext_lazy("Queue"),
    By.TICKET: gettext_lazy("Title"),
}
FILE_NAMES = {
    "billed_minutes": gettext_lazy("Billed minutes"),
    "unbilled_minutes": gettext_lazy("Unbilled minutes"),
    "not_billable_minutes": gettext_lazy("Not billable minutes"),
    "blocked_minutes": gettext_lazy("Blocked minutes"),
    "before": gettext_lazy("Minutes of the period before"),
    "change": gettext_lazy("Difference in minutes"),
}


class TicketData(TableQuerysetData):
    """What the library asks for rows; no queryset whose order it could read."""

    ordering = None


class ReportTable(ReportBase):
    """Every number leads to the entries behind it, every name to its tickets."""

    totals_fields = (*SUM_FIELDS, "hours", "before", "change")

    key = tables.Column(attrs=ONE_LINE)
    label = tables.Column(order_by="folded", attrs=WORDS)
    system = tables.Column(verbose_name=gettext_lazy("Ticket system"))
    entries = CountColumn(verbose_name=gettext_lazy("Entries"))
    minutes = DurationColumn()
    hours = HoursColumn(verbose_name=gettext_lazy("Hours"), accessor="minutes", visible=False)
    billed_minutes = DurationColumn(verbose_name=gettext_lazy("Billed"))
    unbilled_minutes = DurationColumn(verbose_name=gettext_lazy("Unbilled"))
    not_billable_minutes = DurationColumn(verbose_name=gettext_lazy("Not billable"))
    blocked_minutes = DurationColumn(verbose_name=gettext_lazy("Blocked"))
    before = DurationColumn()
    change = ChangeColumn(verbose_name=gettext_lazy("Difference"))

    def __init__(self, report: Report, question: Question) -> None:
        self.by, self.unit, self.report = report.by, question.unit, report
        self.caption = CAPTIONS[report.by]
        self._group = GroupParameters(report.by)
        self._entries = Links("reports:entries", question.parameters)
        self._tickets = Links("reports:report", question.parameters | {"by": By.TICKET.value})
        self._previous = question.choice.previous
        self._before = span_label(question.choice.before) if question.choice.before else ""
        is_long = isinstance(report.lines, TicketLines)
        super().__init__(
            TicketData(report.lines) if is_long else report.lines,  # type: ignore[no-untyped-call]
            exclude=_left_out(report, question),
            sequence=("key", "label", "...") if report.by == By.TICKET else ("label", "key", "..."),
            order_by="-minutes",
        )
        self._name_columns(question)
        for name in {"before", "change"} & {column.name for column in self.columns if is_long}:
            self.columns[name].column.orderable = False  # not known before the lines are cut
        if report.by in (By.AGENT, By.CUSTOMER):
            self.columns.hide("key")  # stands below the name

    def _name_columns(self, question: Question) -> None:
        names: dict[str, Any] = {"key": KEYS[self.by], "label": LABELS[self.by]}
        names |= {"minutes": question.unit.label, "before": self._before}
        if question.is_file:
            names |= FILE_NAMES
        for column in self.columns.all():
            column.column.verbose_name = names.get(column.name, column.column.verbose_name)

    def has_footer(self) -> bool:
        return bool(self.rows)

    @cached_property
    def totals(self) -> list[Total]:
        """Those of all entries that pass the filters."""
        sums, before = self.report.sums, self.report.before or Decimal(0)
        found = {name: Decimal(getattr(sums, name)) for name in SUM_FIELDS}
        others = {"hours": sums.minutes, "before": before, "change": sums.minutes - before}
        return [Total("", found | others)]

    @property
    def note(self) -> str:
        """Why the minutes of the span before do not add up to their total; empty where they do."""
        rowless = self.report.rowless
        text = _("Of the total of %(period)s, %(time)s were booked where nothing is booked now.")
        return text % {"period": self._before, "time": in_unit(rowless, self.unit)} if rowless else ""

    def link_of(self, column: str, record: Line | None) -> str:
        wanted = self._parameters(record)
        if column in STANDING_FIELDS:
            wanted["standing"] = STANDING_FIELDS[column].value
        if column == "before":
            wanted["period"] = self._previous
        return "" if column == "change" else self._entries.to(**wanted)

    def _parameters(self, record: Line | None) -> dict[str, str]:
        if record is None:
            return {}
        return self._group.of(group=record.group, key=record.key, system=record.system)

    def render_label(self, record: Line) -> SafeString | str:
        if self.by == By.TICKET:
            return record.label
        name = format_html('<a href="{}">{}</a>', self._tickets.to(**self._parameters(record)), record.label)
        if record.key in ("", record.label):
            return name
        return format_html('{}<span class="below">{}</span>', name, record.key)

    def render_key(self, record: Line) -> SafeString | str:
        if self.by != By.TICKET:
            return record.key
        return format_html('<a href="{}">{}</a>', reverse("tickets:ticket", args=[record.group]), record.key)

    def value_key(self, record: Line) -> str:
        return record.key

    def value_label(self, record: Line) -> str:
        return record.label


def _left_out(report: Report, question: Question) -> list[str]:
    """Columns that would say nothing."""
    hidden = [] if report.by != By.QUEUE else ["key", "system"]
    if len(question.form.systems) < 2:
        hidden.append("system")
    return hidden if report.before is not None else [*hidden, "before", "change"]
