"""Closed tickets that a person should look at: those without time, and those that were closed in bulk."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BigIntegerField, Count, Exists, Func, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.sql.compiler import SQLCompiler

from tickets.models import Ticket, TicketClosing, TimeEntry
from tickets.quality_checks import BULK, WITHOUT_TIME, Check, Scope

Together = Mapping[tuple[int, int], int]
"""Number of tickets by primary key of the system and minute, see ``minute_of``."""
GONE_STATE_TYPES = frozenset({"merged", "removed"})  # their time went elsewhere with them


class MinuteOfTime(Func):
    """Whole minutes since 1970; Django's own truncation calls a function of Python for each row in SQLite."""

    output_field = BigIntegerField()
    template = "FLOOR(EXTRACT(EPOCH FROM %(expressions)s) / 60)::bigint"

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> tuple[str, Any]:
        return self.as_sql(
            compiler, connection, template="CAST(strftime('%%%%s', %(expressions)s) AS INTEGER) / 60", **context
        )


def tickets_of(check: Check, scope: Scope, *, together: Together | None = None) -> QuerySet[Any]:
    """The tickets found, each with the ``minutes`` of all its present entries, the latest closed first.

    ``together`` are the minutes of bulk closing where they were read already.
    """
    entries = TimeEntry.objects.present().filter(ticket=OuterRef("pk")).order_by()
    total = entries.values("ticket").annotate(total=Sum("minutes")).values("total")
    found = _closed_without_time(scope) if check is WITHOUT_TIME else _bulk_closed(scope, together)
    return found.annotate(minutes=Subquery(total)).order_by("-closed_at")


def closed_together(scope: Scope) -> Together:
    """How many tickets were closed in each minute of bulk closing."""
    minutes = _last_closed_in_span(scope).order_by().values_list("system", "closing_minute")
    counted: QuerySet[Any, Any] = minutes.annotate(together=Count("pk")).filter(together__gte=BULK)
    return {(system, minute): together for system, minute, together in counted}


def minute_of(moment: datetime) -> int:
    """Whole minutes since 1970. Zones differ by whole minutes, so these are the minutes of every clock."""
    return int(moment.timestamp() // 60)


def _closed_now(scope: Scope) -> QuerySet[Ticket]:
    """Tickets whose state counts as closed, as far as the user may see them."""
    found = Q(pk__in=[])
    for system in scope.systems:
        found |= Q(system=system, state_type__in=set(system.closed_state_types) - GONE_STATE_TYPES)
    return Ticket.objects.visible_to(scope.user).filter(found)


def _closed_without_time(scope: Scope) -> QuerySet[Ticket]:
    """Closed in a month of the span; no entry is there and the ticket system's own total says nothing else."""
    closings = TicketClosing.objects.filter(
        month__gte=scope.span.first_day.replace(day=1), month__lt=scope.span.end_day
    )
    entries = TimeEntry.objects.present().filter(ticket=OuterRef("pk"))
    closed = _closed_now(scope).filter(pk__in=closings.order_by().values("ticket"))
    return closed.filter(~Exists(entries), ~Q(time_units__gt=0))


def _last_closed_in_span(scope: Scope) -> QuerySet[Any]:
    """Each ticket with the ``closing_minute`` of its last closing."""
    tickets = _closed_now(scope).filter(closed_at__isnull=False)
    if not scope.span.is_everything:
        tickets = tickets.filter(_closed_at_in(scope))
    return tickets.annotate(closing_minute=MinuteOfTime("closed_at"))


def _closed_at_in(scope: Scope) -> Q:
    """A coarse range for the index, then the exact borders by each system's clock."""
    first, end = (datetime.combine(day, time(), UTC) for day in (scope.span.first_day, scope.span.end_day))
    exact = Q(pk__in=[])
    for zone, systems in _by_zone(scope).items():
        borders = {"closed_at__gte": first.replace(tzinfo=zone), "closed_at__lt": end.replace(tzinfo=zone)}
        exact |= Q(system__in=systems, **borders)
    return Q(closed_at__gte=first - timedelta(days=1), closed_at__lt=end + timedelta(days=1)) & exact


def _by_zone(scope: Scope) -> dict[ZoneInfo, list[int]]:
    zones: defaultdict[ZoneInfo, list[int]] = defaultdict(list)
    for system in scope.systems:
        zones[system.zone].append(system.pk)
    return zones


def _bulk_closed(scope: Scope, together: Together | None) -> QuerySet[Any]:
    """The minutes are read first: as a part of the same statement, PostgreSQL takes them for far too many."""
    minutes: defaultdict[int, list[int]] = defaultdict(list)
    for system, minute in closed_together(scope) if together is None else together:
        minutes[system].append(minute)
    found = Q(pk__in=[])
    for system, of_system in minutes.items():
        found |= Q(system=system, closing_minute__in=of_system)
    return _last_closed_in_span(scope).filter(found)
