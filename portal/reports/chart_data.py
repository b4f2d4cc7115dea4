"""What the charts show: time by month and standing, by queue and by customer, and how old unbilled time is."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from django.db.models import Q, Sum
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from billing.claims import stored_minutes
from billing.standing import Standing
from common.charts import Category, Chart, Kind, fold
from common.charts import Unit as ChartUnit
from common.months import Month
from common.spans import END_DAY, FIRST_DAY, Span
from common.templatetags import formats
from common.templatetags.formats import month_label
from portal.reports.choice import Unit, span_label
from portal.reports.data_state import month_ranges
from portal.reports.links import GroupParameters, Links
from portal.reports.selection import Narrowing, select_entries
from portal.reports.span_text import span_text
from portal.reports.sums import GROUP_FIELDS, By, Group, Label, labels_of
from tickets.models import AnyUser

MONTHS = 12
MOST_QUEUES, MOST_CUSTOMERS = 15, 10
AGES = (30, 60, 90)  # days up to which time is in each group; the last group has no end
NOT_READ = "*"
Minutes = Mapping[Group, Decimal]
Days = Mapping[date, Mapping[Standing, Decimal]]
"""Minutes of each day with time, by how they stand with billing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whose time is drawn, and where a bar leads to: ``parameters`` are those of the address.

    ``unread`` are months of which nothing was ever read, at least from one ticket system.
    """

    span: Span
    user: AnyUser
    today: date
    narrowing: Narrowing
    unit: Unit
    parameters: Mapping[str, str]
    unread: Collection[Month] = ()

    @property
    def links(self) -> Links:
        return Links("reports:entries", self.parameters)

    @property
    def months(self) -> list[Month]:
        """Those of the first chart; the last is the span's, or the one that runs now where the span is everything."""
        last = Month.of(self.today if self.span.is_everything else self.span.last_day)
        return [last.shift(places) for places in range(1 - MONTHS, 1)]

    @property
    def chart_unit(self) -> ChartUnit:
        match self.unit:
            case Unit.MINUTES:
                return ChartUnit(name=_("minutes"), show=formats.minutes)
            case Unit.HHMM:
                return ChartUnit(name=_("hours"), show=formats.hhmm, size=Decimal(60))
            case Unit.HOURS:
                return ChartUnit(name=_("hours"), show=formats.hours, size=Decimal(60))


def charts_of(subject: Subject) -> list[Chart]:
    """The four charts; the number of queries does not depend on what they show."""
    queues, customers = _minutes_of_groups(subject)
    days = _minutes_of_days(subject)
    return [
        _by_month(subject, days),
        _by_queue(subject, queues),
        _by_customer(subject, customers),
        _by_age(subject, days),
    ]


def _minutes_of_groups(subject: Subject) -> tuple[Minutes, Minutes]:
    """By queue and by customer, from one pass over the entries."""
    entries = select_entries(subject.span, user=subject.user, narrowing=subject.narrowing, standing=False)
    queues: defaultdict[Group, Decimal] = defaultdict(Decimal)
    customers: defaultdict[Group, Decimal] = defaultdict(Decimal)
    pairs = entries.order_by().values_list(GROUP_FIELDS[By.QUEUE], GROUP_FIELDS[By.CUSTOMER])
    for queue, customer, minutes in pairs.annotate(total=Sum("minutes")):
        queues[queue] += stored_minutes(minutes)
        customers[customer] += stored_minutes(minutes)
    return queues, customers


def _minutes_of_days(subject: Subject) -> Days:
    """Of all days and standings, from one pass: unbilled time may be older than the months that are drawn.

    By day in SQL: cutting a date to its month would call a function of Python for each row in SQLite.
    """
    narrowing = replace(subject.narrowing, standing=None)
    entries = select_entries(Span.everything(), user=subject.user, narrowing=narrowing)
    by_standing = {standing.value: Sum("minutes", filter=Q(standing=standing)) for standing in Standing}
    days: Iterable[Mapping[str, Any]] = entries.order_by().values("local_day").annotate(**by_standing)
    return {row["local_day"]: {standing: stored_minutes(row[standing.value]) for standing in Standing} for row in days}


def _by_month(subject: Subject, days: Days) -> Chart:
    months, links, only = subject.months, subject.links, subject.narrowing.standing
    sums = {(month, standing): Decimal(0) for month in months for standing in Standing}
    for day, minutes in days.items():
        if months[0].first_day <= day < months[-1].end_day:
            for standing in [only] if only else Standing:
                sums[Month.of(day), standing] += minutes[standing]
    sentence = _("The %(count)d months up to %(month)s, by how their time stands with billing.")
    return Chart(
        key="month",
        title=_("Time by month"),
        description=sentence % {"count": MONTHS, "month": month_label(months[-1])} + _not_read(subject),
        heading=_("Month"),
        kind=Kind.STANDING,
        unit=subject.chart_unit,
        series=tuple(str(standing.label) for standing in Standing),
        categories=tuple(
            Category(
                label=_month_name(month, subject),
                short=date_format(month.first_day, "M") + (NOT_READ if month in subject.unread else ""),
                group=f"{month.year:04}",
                values=tuple(sums[month, standing] for standing in Standing),
                urls=tuple(links.to(period=str(month), standing=standing.value) for standing in Standing),
            )
            for month in months
        ),
    )


def _month_name(month: Month, subject: Subject) -> str:
    name = month_label(month)
    return _("%(month)s (never read)") % {"month": name} if month in subject.unread else name


def _not_read(subject: Subject) -> str:
    """A sentence to be added; empty where all months were read."""
    months = [month for month in subject.months if month in subject.unread]
    if not months:
        return ""
    sentence = _("%(mark)s Never read from at least one ticket system: %(months)s.")
    return " " + sentence % {"mark": NOT_READ, "months": month_ranges(months)}


def _by_queue(subject: Subject, minutes: Minutes) -> Chart:
    sentence = _("%(period)s; where more than %(most)d queues have time, the largest are shown.")
    return Chart(
        key="queue",
        title=_("Time by queue"),
        description=sentence % {"period": span_label(subject.span), "most": MOST_QUEUES},
        heading=_("Queue"),
        kind=Kind.LYING,
        unit=subject.chart_unit,
        series=(_("Time"),),
        categories=_largest(By.QUEUE, subject, minutes, most=MOST_QUEUES, rest=_("All other queues")),
    )


def _by_customer(subject: Subject, minutes: Minutes) -> Chart:
    sentence = _("%(period)s: the %(most)d customers with the most time.")
    return Chart(
        key="customer",
        title=_("Customers with the most time"),
        description=sentence % {"period": span_label(subject.span), "most": MOST_CUSTOMERS},
        heading=_("Customer"),
        kind=Kind.LYING,
        unit=subject.chart_unit,
        series=(_("Time"),),
        categories=_largest(By.CUSTOMER, subject, minutes, most=MOST_CUSTOMERS, rest=_("All other customers")),
    )


def _by_age(subject: Subject, days: Days) -> Chart:
    sentence = _(
        "All unbilled time that passes the filters, whatever the period: days since it was booked, as of %(day)s. Time "
        "that is not billable and time without a customer are not in it."
    )
    return Chart(
        key="age",
        title=_("Age of unbilled time"),
        description=sentence % {"day": date_format(subject.today, "SHORT_DATE_FORMAT")},
        heading=_("Age"),
        kind=Kind.LYING,
        unit=subject.chart_unit,
        series=(_("Time"),),
        categories=tuple(_ages(subject, days)),
    )


def _largest(by: By, subject: Subject, minutes: Minutes, *, most: int, rest: str) -> tuple[Category, ...]:
    """Only groups that are shown by name are looked up."""
    groups = sorted(minutes, key=lambda group: (-minutes[group], str(group)))
    labels = labels_of(by, groups[: most + 1])
    names, links, parameters = _names(labels.values()), subject.links, GroupParameters(by)
    shown = []
    for group in groups[: most + 1]:
        label = labels[group]
        url = links.to(**parameters.of(group=group, key=label.key, system=label.system))
        shown.append(Category(label=names[label], values=(minutes[group],), urls=(url,)))
    others = [Category(label="", values=(minutes[group],)) for group in groups[most + 1 :]]
    return fold([*shown, *others], most=most, rest=rest)


def _names(labels: Iterable[Label]) -> dict[Label, str]:
    """What people call each one, with its key; the ticket system is added where two would be called the same."""
    found = {
        label: f"{label.label} ({label.key})" if label.key not in ("", label.label) else label.label for label in labels
    }
    names = list(found.values())
    return {label: f"{name}, {label.system}" if names.count(name) > 1 else name for label, name in found.items()}


def _ages(subject: Subject, days: Days) -> Iterable[Category]:
    unbilled = {day: minutes[Standing.UNBILLED] for day, minutes in days.items() if minutes[Standing.UNBILLED]}
    starts = [subject.today - timedelta(days=days) for days in AGES]
    for label, first, end in zip(_age_labels(), [*starts, FIRST_DAY], [END_DAY, *starts], strict=True):
        found = {day: minutes for day, minutes in unbilled.items() if first <= day < end}
        minutes = sum(found.values(), Decimal(0))
        yield Category(label=label, values=(minutes,), urls=(_unbilled_url(subject, found) if minutes else "",))


def _unbilled_url(subject: Subject, days: Collection[date]) -> str:
    """From the first to the last of the days."""
    span = Span(min(days), max(days) + timedelta(days=1))
    return subject.links.to(period=span_text(span), standing=Standing.UNBILLED.value)


def _age_labels() -> list[str]:
    between = _("%(first)d to %(last)d days")
    return [
        _("Up to %(days)d days") % {"days": AGES[0]},
        *(between % {"first": low + 1, "last": high} for low, high in pairwise(AGES)),
        _("More than %(days)d days") % {"days": AGES[-1]},
    ]
