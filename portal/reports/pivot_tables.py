"""The table of a pivot: as many columns as it has, each number with a link to its rows."""

from functools import cached_property

import django_tables2 as tables
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from common.spans import Span
from common.tables import Total
from portal.reports.columns import DurationColumn, ReportBase
from portal.reports.filters import Question
from portal.reports.links import UNKNOWN_QUEUE, Links
from portal.reports.pivots import Heading, Pivot, PivotKind, PivotRow
from portal.reports.span_text import parse_span, span_text

ROWS = {PivotKind.AGENT_DAY: "agent", PivotKind.CUSTOMER_MONTH: "customer", PivotKind.QUEUE_AGENT: "queue"}
NAMES = {
    PivotKind.AGENT_DAY: gettext_lazy("Agent"),
    PivotKind.CUSTOMER_MONTH: gettext_lazy("Customer"),
    PivotKind.QUEUE_AGENT: gettext_lazy("Queue"),
}
KEYS = {PivotKind.AGENT_DAY: gettext_lazy("Login"), PivotKind.CUSTOMER_MONTH: gettext_lazy("CustomerID")}


class CellColumn(DurationColumn):
    """The minutes of one column of the pivot; ``parameters`` lead to its rows."""

    def __init__(self, name: str, place: int, parameters: dict[str, str]) -> None:
        super().__init__(verbose_name=name, accessor=f"cells__{place}", orderable=False, default="")
        self.parameters = parameters


class PivotTable(ReportBase):
    """One row each of the pivot's; columns are named ``c0``, ``c1`` and so on."""

    key = tables.Column(accessor="heading__key", attrs={"td": {"class": "nowrap"}})
    label = tables.Column(accessor="heading__label", attrs={"td": {"class": "break short"}})
    system = tables.Column(accessor="heading__system", verbose_name=gettext_lazy("Ticket system"))
    total = DurationColumn(verbose_name=gettext_lazy("Total"))

    def __init__(self, pivot: Pivot, question: Question) -> None:
        self.pivot, self.unit = pivot, question.unit
        self.caption = pivot.kind.label
        self._entries = Links("reports:entries", question.parameters)
        several = len(question.form.systems) > 1
        cells = [
            (f"c{place}", CellColumn(_name(heading, pivot, question), place, _of_column(heading, pivot, question)))
            for place, heading in enumerate(pivot.columns)
        ]
        self.totals_fields = (*(name for name, _column in cells), "total")
        queues = pivot.kind == PivotKind.QUEUE_AGENT
        hidden = ([] if several and not queues else ["system"]) + (["key"] if queues else [])
        names = [name for name, _column in cells]
        super().__init__(
            pivot.rows, exclude=hidden, extra_columns=cells, sequence=("label", "key", "system", *names, "total")
        )
        self.columns["label"].column.verbose_name = NAMES[pivot.kind]
        if not queues:
            self.columns["key"].column.verbose_name = KEYS[pivot.kind]
            self.columns.hide("key")

    def has_footer(self) -> bool:
        return bool(self.rows)

    @cached_property
    def totals(self) -> list[Total]:
        sums = {f"c{place}": minutes for place, minutes in enumerate(self.pivot.column_totals)}
        return [Total("", sums | {"total": self.pivot.total})]

    def link_of(self, column: str, record: PivotRow | None) -> str:
        cell = self.columns[column].column
        of_column = cell.parameters if isinstance(cell, CellColumn) else {}
        return self._entries.to(**(self._of_row(record) | of_column))

    def _of_row(self, record: PivotRow | None) -> dict[str, str]:
        return {} if record is None else {ROWS[self.pivot.kind]: record.heading.value or UNKNOWN_QUEUE}

    def render_label(self, record: PivotRow) -> SafeString:
        return format_html('<a href="{}">{}</a>', self._entries.to(**self._of_row(record)), record.heading.label)

    def value_label(self, record: PivotRow) -> str:
        return record.heading.label


def _name(heading: Heading, pivot: Pivot, question: Question) -> str:
    """Files name days and months in ISO form."""
    if pivot.kind != PivotKind.QUEUE_AGENT:
        return heading.key if question.is_file else heading.label
    several = len(question.form.systems) > 1
    return f"{heading.label} ({heading.system})" if several else heading.label


def _of_column(heading: Heading, pivot: Pivot, question: Question) -> dict[str, str]:
    """What a link narrows down to: the agent, the day, or as much of the month as lies in the span."""
    match pivot.kind:
        case PivotKind.QUEUE_AGENT:
            return {"agent": heading.value}
        case PivotKind.AGENT_DAY:
            return {"period": f"{heading.value}..{heading.value}"}
        case PivotKind.CUSTOMER_MONTH:
            return {"period": span_text(_within(parse_span(heading.value), question.choice.span))}


def _within(part: Span, whole: Span) -> Span:
    return Span(max(part.first_day, whole.first_day), min(part.end_day, whole.end_day))
