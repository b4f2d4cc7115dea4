"""Who is away in a month, by what the ticket systems were last told."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from common.months import Month
from outofoffice.models import KnownAbsence
from tickets.models import TicketSystem

WEEKEND = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    day: date
    is_weekend: bool
    is_today: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One agent; ``away`` says for each day of the month whether it belongs to the absence."""

    absence: KnownAbsence
    away: tuple[bool, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    system: TicketSystem
    month: Month
    days: tuple[Day, ...]
    lines: tuple[Line, ...]


def month_calendar(*, system: TicketSystem, month: Month, today: date) -> Calendar:
    """One query: the absences of the system that reach into the month, the earliest first."""
    absences = KnownAbsence.objects.filter(
        agent__system=system, enabled=True, start__lt=month.end_day, end__gte=month.first_day
    )
    days = tuple(_days(month))
    return Calendar(
        system=system,
        month=month,
        days=tuple(Day(day=day, is_weekend=day.weekday() >= WEEKEND, is_today=day == today) for day in days),
        lines=tuple(
            Line(absence=absence, away=tuple(absence.start <= day <= absence.end for day in days))
            for absence in absences.select_related("agent", "row").order_by("start", "agent__name", "agent__login")
        ),
    )


def _days(month: Month) -> Iterator[date]:
    day = month.first_day
    while day < month.end_day:
        yield day
        day += timedelta(days=1)
