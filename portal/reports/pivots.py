"""Minutes in two directions at once: agents by day, customers by month, queues by agent."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Case, F, IntegerField, Max, Min, QuerySet, Sum, TextChoices, Value, When
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.claims import stored_minutes
from common.months import Month
from common.spans import Span
from common.templatetags.formats import month_label
from portal.reports.selection import NONE
from portal.reports.sums import By, Group, Label, labels_of
from tickets.models import TimeEntry

MOST_DAYS, MOST_MONTHS, MOST_AGENTS = 62, 36, 60  # columns that a person still reads
Cells = Mapping[tuple[Group, str], Decimal]
"""Minutes by group of the row and value of the column's heading."""


class PivotKind(TextChoices):
    AGENT_DAY = "agent_day", gettext_lazy("Agents by day")
    CUSTOMER_MONTH = "customer_month", gettext_lazy("Customers by month")
    QUEUE_AGENT = "queue_agent", gettext_lazy("Queues by agent")


class PivotTooWide(Exception):
    """The table would have more columns than a person reads; the text says how to make it narrower."""


@dataclass(frozen=True, slots=True)
class Heading:
    """``value`` is what a link narrows down to: primary key or ``none``, queue, day or month in ISO form."""

    key: str
    label: str
    value: str
    system: str = ""


@dataclass(frozen=True, slots=True)
class PivotRow:
    """One cell for each column, ``None`` where nothing was booked."""

    heading: Heading
    cells: tuple[Decimal | None, ...]
    total: Decimal


@dataclass(frozen=True, slots=True)
class Pivot:
    """All rows, none cut off, by key and ticket system. Every day and month of the span is a column, booked or not."""

    kind: PivotKind
    columns: tuple[Heading, ...]
    rows: tuple[PivotRow, ...]
    column_totals: tuple[Decimal, ...]
    total: Decimal


def pivot(kind: PivotKind, entries: QuerySet[TimeEntry], span: Span) -> Pivot:
    """Minutes of the entries, which come from ``selection`` for the same span. Raises ``PivotTooWide``.

    Of the span that holds everything, what lies between the first and the last entry is shown.
    """
    if kind == PivotKind.QUEUE_AGENT:
        return _queues_by_agent(entries)
    if span.is_everything:
        bounds = entries.order_by().aggregate(first=Min("local_day"), last=Max("local_day"))
        if bounds["first"] is None:
            return _table(kind, {}, {}, ())
        span = Span(bounds["first"], bounds["last"] + timedelta(days=1))
    return _agents_by_day(entries, span) if kind == PivotKind.AGENT_DAY else _customers_by_month(entries, span)


def _agents_by_day(entries: QuerySet[TimeEntry], span: Span) -> Pivot:
    if span.days > MOST_DAYS:
        raise PivotTooWide(
            _("A table by day shows up to %(most)d days; these are %(days)d. Choose a shorter time, or show months.")
            % {"most": MOST_DAYS, "days": span.days}
        )
    rows = entries.order_by().values_list("agent_id", "local_day").annotate(total=Sum("minutes"))
    cells = {(agent, day.isoformat()): stored_minutes(minutes) for agent, day, minutes in rows}
    days = [span.first_day + timedelta(days=count) for count in range(span.days)]
    columns = tuple(_day_heading(day, days) for day in days)
    return _table(PivotKind.AGENT_DAY, _row_headings(By.AGENT, cells), cells, columns)


def _customers_by_month(entries: QuerySet[TimeEntry], span: Span) -> Pivot:
    """The month is told by its borders: cutting a date would call a function of Python for each row in SQLite."""
    count = _count_of_months(span)
    if count > MOST_MONTHS:
        raise PivotTooWide(
            _("A table by month shows up to %(most)d months; these are %(months)d. Choose a shorter time.")
            % {"most": MOST_MONTHS, "months": count}
        )
    months = span.months
    borders = [When(local_day__lt=month.end_day, then=Value(place)) for place, month in enumerate(months)]
    rows = (
        entries.order_by()
        .annotate(place=Case(*borders, output_field=IntegerField()))
        .values_list(F("ticket__customer_id"), "place")
        .annotate(total=Sum("minutes"))
    )
    cells = {(customer, str(months[place])): stored_minutes(minutes) for customer, place, minutes in rows}
    columns = tuple(Heading(str(month), month_label(month), str(month)) for month in months)
    return _table(PivotKind.CUSTOMER_MONTH, _row_headings(By.CUSTOMER, cells), cells, columns)


def _queues_by_agent(entries: QuerySet[TimeEntry]) -> Pivot:
    rows = entries.order_by().values_list("queue", "agent_id").annotate(total=Sum("minutes"))
    cells = {(queue, str(agent)): stored_minutes(minutes) for queue, agent, minutes in rows}
    agents = {int(agent) for _queue, agent in cells}
    if len(agents) > MOST_AGENTS:
        raise PivotTooWide(
            _("A table by agent shows up to %(most)d agents; these are %(agents)d. Choose one customer or queue.")
            % {"most": MOST_AGENTS, "agents": len(agents)}
        )
    columns = sorted(_headings(By.AGENT, agents).values(), key=_place)
    return _table(PivotKind.QUEUE_AGENT, _row_headings(By.QUEUE, cells), cells, tuple(columns))


def _count_of_months(span: Span) -> int:
    last = span.last_day
    return 12 * (last.year - span.first_day.year) + last.month - span.first_day.month + 1


def _day_heading(day: date, days: list[date]) -> Heading:
    within_month = Month.of(days[0]) == Month.of(days[-1])
    label = str(day.day) if within_month else date_format(day, "SHORT_DATE_FORMAT")
    return Heading(day.isoformat(), label, day.isoformat())


def _row_headings(by: By, cells: Cells) -> dict[Group, Heading]:
    return _headings(by, {row for row, _column in cells})


def _headings(by: By, groups: Iterable[Group]) -> dict[Group, Heading]:
    asked = set(groups)
    return {group: _heading(group, label) for group, label in labels_of(by, asked).items() if group in asked}


def _heading(group: Group, label: Label) -> Heading:
    return Heading(label.key, label.label, NONE if group is None else str(group), label.system)


def _place(heading: Heading) -> tuple[str, str]:
    return heading.key, heading.system


def _table(kind: PivotKind, headings: Mapping[Group, Heading], cells: Cells, columns: tuple[Heading, ...]) -> Pivot:
    of_row: defaultdict[Group, Decimal] = defaultdict(Decimal)
    of_column: defaultdict[str, Decimal] = defaultdict(Decimal)
    for (group, column), minutes in cells.items():
        of_row[group] += minutes
        of_column[column] += minutes
    in_order = sorted(headings, key=lambda group: _place(headings[group]))
    return Pivot(
        kind=kind,
        columns=columns,
        rows=tuple(
            PivotRow(
                heading=headings[group],
                cells=tuple(cells.get((group, column.value)) for column in columns),
                total=of_row[group],
            )
            for group in in_order
        ),
        column_totals=tuple(of_column[column.value] for column in columns),
        total=sum(of_row.values(), Decimal(0)),
    )
