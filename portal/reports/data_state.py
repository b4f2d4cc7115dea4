"""How far the data of a report can be trusted: which readings they rest on, and what is missing.

The sentences are for everyone who sees reports; they name ticket systems and months, nothing of a customer.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import F, OuterRef, Q, Subquery, Window
from django.db.models.functions import RowNumber
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from common.months import Month
from common.spans import Span
from tickets.models import SyncRun, TicketSystem, TimeEntry
from tickets.sync import is_final

Readings = Mapping[tuple[int, Month], SyncRun]


@dataclass(frozen=True, slots=True)
class DataState:
    """``as_of``: when the oldest of the readings began that the span rests on; ``None`` where nothing was read.

    ``complete``: every month of the span was read to its end, after it was over, from every ticket system.
    ``unread``: months that have begun and were never read, at least from one of them.
    """

    as_of: datetime | None
    complete: bool
    problems: tuple[str, ...]
    unread: frozenset[Month] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """The months that one ticket system must have been read for; ``today`` is the day in its zone."""

    system: TicketSystem
    today: date
    months: tuple[Month, ...]


def state_of(span: Span, *, now: datetime | None = None) -> DataState:
    """What is known of the span, in two queries.

    An active ticket system is asked for every month of the span; of everything, for the months from its first entry
    to its last, and to the month before this one at least. One that is not active is asked for the months from its
    first entry in the span to its last.
    """
    now = now or timezone.now()
    asked = [_asked(system, span, now) for system in _systems(span)]
    readings = _readings(asked)
    problems = [problem for each in asked for problem in _problems(each, readings)]
    if not any(each.system.active for each in asked):
        problems.insert(0, _("There is no active ticket system."))
    begun = [run.started_at for run in readings.values() if run.started_at is not None]
    unread = frozenset(
        month
        for each in asked
        for month in each.months
        if month.first_day <= each.today and (each.system.pk, month) not in readings
    )
    return DataState(as_of=min(begun, default=None), complete=not problems, problems=tuple(problems), unread=unread)


def _systems(span: Span) -> list[TicketSystem]:
    """The active ones and those with time in the span, each with ``first_entry`` and ``last_entry``, days of it."""
    entries = TimeEntry.objects.present().filter(
        system=OuterRef("pk"), local_day__gte=span.first_day, local_day__lt=span.end_day
    )
    days = entries.values("local_day")
    systems = TicketSystem.objects.only("name", "time_zone", "active").annotate(
        first_entry=Subquery(days.order_by("local_day")[:1]), last_entry=Subquery(days.order_by("-local_day")[:1])
    )
    return list(systems.filter(Q(active=True) | Q(first_entry__isnull=False)).order_by("name"))


def _asked(system: TicketSystem, span: Span, now: datetime) -> _Asked:
    first: date | None = system.first_entry  # type: ignore[attr-defined]  # annotated
    last: date | None = system.last_entry  # type: ignore[attr-defined]  # annotated
    today = now.astimezone(system.zone).date()
    if system.active and span.is_everything:
        over = Month.of(today).previous.first_day
        first, last = first or over, max(last or over, over)
    elif system.active:
        first, last = span.first_day, span.last_day
    months = Span(first, last + timedelta(days=1)).months if first and last else ()
    return _Asked(system=system, today=today, months=months)


def _readings(asked: Collection[_Asked]) -> Readings:
    """The readings that the mirror's content comes from, by system and month, as ``last_written_sync`` finds them."""
    wanted = {(each.system.pk, month): each.system for each in asked for month in each.months}
    if not wanted:
        return {}
    months = [month for _system, month in wanted]
    latest = Window(
        RowNumber(), partition_by=[F("system"), F("month")], order_by=[F("finished_at").desc(), F("pk").desc()]
    )
    runs = (
        SyncRun.objects.of_months()
        .written()
        .filter(system__in={system for system, _month in wanted})
        .filter(month__gte=min(months).first_day, month__lte=max(months).first_day)
        .only("system_id", "month", "complete", "started_at")
        .alias(place=latest)
        .filter(place=1)
        .order_by()
    )
    readings = {(run.system_id, Month.of(run.month)): run for run in runs}
    for key in readings.keys() & wanted.keys():
        readings[key].system = wanted[key]
    return {key: run for key, run in readings.items() if key in wanted}


def _problems(asked: _Asked, readings: Readings) -> list[str]:
    """One sentence for each thing that is missing, with all the months that miss it."""
    months: defaultdict[str, list[Month]] = defaultdict(list)
    for month in asked.months:
        sentence = _sentence(asked, month, readings.get((asked.system.pk, month)))
        if sentence:
            months[sentence].append(month)
    return [
        sentence
        % {
            "system": asked.system.name,
            "months": month_ranges(found),
            "time": _time_of(asked, readings.get((asked.system.pk, found[-1]))),
        }
        for sentence, found in months.items()
    ]


def _sentence(asked: _Asked, month: Month, run: SyncRun | None) -> str:
    """Why the month is not complete, with places for ``system``, ``months`` and ``time``; empty where it is."""
    if run is None and asked.today < month.first_day:
        return _("%(months)s has not begun yet, so “%(system)s” could not be read for it.")
    if run is None:
        return _("“%(system)s” has never been read for %(months)s.")
    if not run.complete:
        return _("“%(system)s” could not be read completely for %(months)s.")
    if is_final(run):
        return ""
    if asked.today >= month.end_day:
        return _("“%(system)s” was not read again since %(months)s was over.")
    return _("“%(system)s” was read at %(time)s; %(months)s still runs.")


def _time_of(asked: _Asked, run: SyncRun | None) -> str:
    """When the reading began, by the ticket system's own clock."""
    if run is None or run.started_at is None:
        return ""
    return date_format(timezone.localtime(run.started_at, asked.system.zone), "SHORT_DATETIME_FORMAT")


def month_ranges(months: Sequence[Month]) -> str:
    """``2026-01 to 2026-03, 2026-05`` for months in ascending order."""
    ranges: list[list[Month]] = []
    for month in months:
        if ranges and ranges[-1][-1].next == month:
            ranges[-1].append(month)
        else:
            ranges.append([month])
    words = _("%(first)s to %(last)s")
    return ", ".join(
        str(found[0]) if len(found) == 1 else words % {"first": found[0], "last": found[-1]} for found in ranges
    )
