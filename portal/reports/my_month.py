"""What an agent has booked in a month, day by day, and on which working days nothing."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Count, Sum

from billing.claims import stored_minutes
from common.months import Month
from common.spans import Span
from portal.reports.selection import own_entries
from portal.reports.sums import By, labels_of
from tickets.models import Agent, AnyUser, Ticket

SATURDAY = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What was booked on one ticket on one day; ``ticket`` is its key where the agent may open its page."""

    day: date
    number: str
    title: str
    system: str
    entries: int
    minutes: Decimal
    ticket: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    day: date
    work: list[Work]

    @property
    def minutes(self) -> Decimal:
        return sum((work.minutes for work in self.work), Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class MyMonth:
    """``days`` are those with entries and the working days that are over and have none."""

    agents: list[Agent]
    days: list[Day]

    @property
    def work(self) -> list[Work]:
        return [work for day in self.days for work in day.work]

    @property
    def minutes(self) -> Decimal:
        return sum((day.minutes for day in self.days), Decimal(0))

    @property
    def entries(self) -> int:
        return sum(work.entries for work in self.work)

    @property
    def empty_days(self) -> int:
        return sum(not day.work for day in self.days)


def my_month(month: Month, *, user: AnyUser, now: datetime) -> MyMonth:
    """The month of the agents whose account is the user's; a day is over by the clock of the first one's system."""
    agents = list(Agent.objects.filter(account=user.pk).select_related("system"))
    if not agents:
        return MyMonth(agents=[], days=[])
    booked = _work(month, user)
    today = now.astimezone(agents[0].system.zone).date()
    missing = {day for day in _working_days(month) if day < today}
    days = sorted(booked.keys() | missing)
    return MyMonth(agents=agents, days=[Day(day=day, work=booked.get(day, [])) for day in days])


def _work(month: Month, user: AnyUser) -> dict[date, list[Work]]:
    entries = own_entries(Span.of_month(month), user=user)
    rows = list(
        entries.order_by("local_day", "ticket__number", "ticket_id")
        .values("local_day", "ticket_id")
        .annotate(count=Count("pk"), total=Sum("minutes"))
    )
    tickets = {row["ticket_id"] for row in rows}
    labels = labels_of(By.TICKET, tickets)
    visible = set(Ticket.objects.visible_to(user).filter(pk__in=tickets).values_list("pk", flat=True))
    work: defaultdict[date, list[Work]] = defaultdict(list)
    for row in rows:
        ticket, label = row["ticket_id"], labels[row["ticket_id"]]
        work[row["local_day"]].append(
            Work(
                day=row["local_day"],
                number=label.key,
                title=label.label,
                system=label.system,
                entries=row["count"],
                minutes=stored_minutes(row["total"]),
                ticket=ticket if ticket in visible else None,
            )
        )
    return work


def _working_days(month: Month) -> Iterator[date]:
    day = month.first_day
    while day < month.end_day:
        if day.weekday() < SATURDAY:
            yield day
        day += timedelta(days=1)
