"""Data that a person should look at, in numbers and row by row, from what the mirror holds for a span of days.

Only what can be known is asked for: that a booking came long after its ticket's last change says nothing, for example,
as merging moves bookings to other tickets and a ticket is read again only when something else changes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import Count, Q, QuerySet, Sum

from common.durations import PLACES
from common.money import quantize
from tickets import quality_checks as checks
from tickets.models import Agent, Customer, SyncRun, TicketSystem, TimeEntry
from tickets.quality_checks import LONGEST_MINUTES, Check, Kind, Scope, checks_for, counted
from tickets.quality_closings import tickets_of

OPEN_STATE_TYPES = frozenset({"new", "open", "pending reminder", "pending auto"})
PLAIN = (checks.LONG, checks.NEGATIVE, checks.ZERO, checks.FUTURE)
GROUP_FIELDS = {Kind.CUSTOMERS: "ticket__customer", Kind.AGENTS: "agent"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """``minutes`` are at stake: the sum of the entries found, or of all entries of the tickets found.

    ``is_possible``: whether the check could find anything, as far as that depends on the set-up.
    """

    check: Check
    count: int
    minutes: Decimal
    is_possible: bool

    @property
    def counted(self) -> str:
        """``12 tickets``."""
        return counted(self.check.kind, self.count)


class Total(NamedTuple):
    rows: int
    minutes: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """An agent or a customer with the entries found."""

    record: Agent | Customer
    entries: int
    minutes: Decimal

    @property
    def name(self) -> str:
        return str(self.record)

    @property
    def key(self) -> str:
        """As the ticket system knows it."""
        if isinstance(self.record, Customer):
            return self.record.customer_id
        return self.record.login or f"UserID {self.record.user_id}"


def find_all(scope: Scope) -> list[Finding]:
    """Every check's count and minutes, in at most one query for each check and two for bulk closing."""
    offered = checks_for(scope.user)
    found = _totals_of_plain_checks(scope)
    for check in offered:
        if check.kind == Kind.TICKETS:
            found[check.key] = _total_of_tickets(check, scope)
        elif check.key not in found:
            found[check.key] = _total_of_entries(check, scope)
    has_internal = any(system.internal_queues for system in scope.systems)
    return [
        Finding(
            check=check,
            count=found[check.key].rows,
            minutes=found[check.key].minutes,
            is_possible=has_internal or check is not checks.INTERNAL_QUEUES,
        )
        for check in offered
    ]


def entries_of(check: Check, scope: Scope) -> QuerySet[TimeEntry]:
    """The entries found, the latest first."""
    return _entries(scope).filter(_condition(check, scope)).order_by("-booked_local")


def groups_of(check: Check, scope: Scope) -> list[Group]:
    """The agents or customers found, those with the most minutes first."""
    field = GROUP_FIELDS[check.kind]
    rows = entries_of(check, scope).order_by().values_list(field).annotate(entries=Count("pk"), total=Sum("minutes"))
    sums = {key: (entries, _stored(total)) for key, entries, total in rows}
    model = Agent if check.kind == Kind.AGENTS else Customer
    records = model._base_manager.filter(pk__in=sums).select_related("system")
    groups = [Group(record=row, entries=sums[row.pk][0], minutes=sums[row.pk][1]) for row in records]
    return sorted(groups, key=lambda group: (-group.minutes, group.record.pk))


def systems_not_read(scope: Scope) -> list[str]:
    """Active ticket systems of which a month of the span was never read in full; nothing is said of everything."""
    if scope.span.is_everything:
        return []
    months = scope.span.months
    firsts = [month.first_day for month in months]
    read = SyncRun.objects.of_months().filter(complete=True, month__in=firsts).order_by()
    pairs = set(read.values_list("system", "month").distinct())
    return [each.name for each in scope.systems if each.active and any((each.pk, day) not in pairs for day in firsts)]


def _totals_of_plain_checks(scope: Scope) -> dict[str, Total]:
    """Of the checks that ask nothing but the entries: one pass for all of them."""
    sums: dict[str, Any] = {}
    for place, check in enumerate(PLAIN):
        sums[f"rows_{place}"] = Count("pk", filter=_condition(check, scope))
        sums[f"total_{place}"] = Sum("minutes", filter=_condition(check, scope))
    found = _entries(scope).order_by().aggregate(**sums)
    totals = [Total(found[f"rows_{place}"], _stored(found[f"total_{place}"])) for place in range(len(PLAIN))]
    return {check.key: total for check, total in zip(PLAIN, totals, strict=True)}


def _total_of_entries(check: Check, scope: Scope) -> Total:
    """Each check by itself: what it asks of tickets and agents is rare, and the database begins there."""
    group = GROUP_FIELDS.get(check.kind)
    found = (
        entries_of(check, scope)
        .order_by()
        .aggregate(rows=Count(group or "pk", distinct=bool(group)), total=Sum("minutes"))
    )
    return Total(found["rows"], _stored(found["total"]))


def _total_of_tickets(check: Check, scope: Scope) -> Total:
    """The sum has not the annotation's own name: Django would then leave the annotation out."""
    found = tickets_of(check, scope).order_by().aggregate(rows=Count("pk"), total=Sum("minutes"))
    return Total(found["rows"], _stored(found["total"]))


def _entries(scope: Scope) -> QuerySet[TimeEntry]:
    """With the systems, as the index on days begins with them."""
    entries = TimeEntry.objects.visible_to(scope.user).present()
    if scope.span.is_everything:
        return entries
    systems = [system.pk for system in scope.systems]
    return entries.filter(system__in=systems, local_day__gte=scope.span.first_day, local_day__lt=scope.span.end_day)


def _condition(check: Check, scope: Scope) -> Q:
    """Which entries the check is about."""
    conditions = {
        checks.WITHOUT_CUSTOMER.key: Q(ticket__customer__isnull=True),
        checks.UNNAMED_CUSTOMERS.key: Q(ticket__customer__name=""),
        checks.NUMBER_ONLY.key: Q(ticket__ticket_id__isnull=True),
        checks.INTERNAL_QUEUES.key: _on_internal_queues(scope.systems),
        checks.OPEN_TICKETS.key: _on_open_tickets(scope.systems),
        checks.LONG.key: Q(minutes__gt=LONGEST_MINUTES),
        checks.NEGATIVE.key: Q(minutes__lt=0),
        checks.ZERO.key: Q(minutes=0),
        checks.FUTURE.key: Q(booked_at__gt=scope.now),
        checks.WITHOUT_LOGIN.key: Q(agent__login__isnull=True),
        checks.WITHOUT_USER_ID.key: Q(agent__user_id__isnull=True),
    }
    return conditions[check.key]


def _on_internal_queues(systems: Iterable[TicketSystem]) -> Q:
    """By the queue at the time of booking; where it is not known, by the ticket's queue of now."""
    found = Q(pk__in=[])
    for system in systems:
        if system.internal_queues:
            booked = Q(queue__in=system.internal_queues)
            found |= Q(system=system) & (booked | Q(queue="", ticket__queue__in=system.internal_queues))
    return found


def _on_open_tickets(systems: Iterable[TicketSystem]) -> Q:
    found = Q(pk__in=[])
    for system in systems:
        found |= Q(system=system, ticket__state_type__in=OPEN_STATE_TYPES - set(system.closed_state_types))
    return found


def _stored(total: Decimal | None) -> Decimal:
    """As exactly as the column holds minutes; SQLite adds in binary."""
    return quantize(total or Decimal(0), PLACES)
