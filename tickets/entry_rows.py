"""Time entries of the mirror: loading what a reading concerns, and writing what it changed."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from decimal import Decimal

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from common.months import Month
from tickets.bulk import batches, insert_rows, update_rows
from tickets.matching import Key, Plan, Row, Wanted, missing_keys
from tickets.models import TicketSystem, TimeEntry
from tickets.snapshot import SyncStopped

MOST_MINUTES = Decimal(10) ** 10
"""The column ends here."""
COLUMNS = (
    "system_id",
    "agent_id",
    "ticket_id",
    "booked_local",
    "booked_at",
    "local_day",
    "units",
    "minutes",
    "running_number",
    "queue",
    "source",
    "gone_at",
)


def load_rows(
    system: TicketSystem, wanted: Iterable[Wanted], *, tickets: AbstractSet[int], windows: Mapping[int, set[Month]]
) -> list[Row]:
    """Every row, gone or not, on the tickets, in the agents' windows, and equal to a booking that is not there yet."""
    entries = TimeEntry.objects.filter(system=system)
    rows: dict[int, Row] = {}
    for batch in batches(sorted(tickets)):
        rows |= _rows(entries.filter(ticket__in=batch))
    months = {month for months in windows.values() for month in months}
    if months:
        first, end = min(months).first_day, max(months).end_day
        rows |= _rows(entries.filter(agent__in=list(windows), local_day__gte=first, local_day__lt=end))
    missing = missing_keys(wanted, rows.values())
    agents = {key.agent for key in missing}
    for seconds in batches(sorted({key.booked_local for key in missing})):
        equals = _rows(entries.filter(agent__in=agents, booked_local__in=seconds))
        rows |= {pk: row for pk, row in equals.items() if row.key in missing}
    return list(rows.values())


def _rows(entries: QuerySet[TimeEntry]) -> dict[int, Row]:
    columns = entries.order_by().values_list(
        "pk", "agent_id", "booked_local", "units", "ticket_id", "running_number", "queue", "gone_at"
    )
    return {
        pk: Row(pk, Key(agent, booked_local, units), ticket, number, queue, gone_at is None)
        for pk, agent, booked_local, units, ticket, number, queue, gone_at in columns
    }


def write_entries(system: TicketSystem, plan: Plan, *, now: datetime) -> None:
    """Carry out the plan in bulk statements. To be called inside a transaction."""
    insert_rows(TimeEntry, COLUMNS, (_values(system, booking, number) for booking, number in plan.inserted))
    changed = ((row.pk, booking.ticket, row.queue or booking.queue, None) for row, booking in plan.changed)
    update_rows(TimeEntry, ["ticket_id", "queue", "gone_at"], changed)
    for batch in batches(row.pk for row in plan.gone):
        TimeEntry.objects.filter(pk__in=batch).update(gone_at=now)


def _values(system: TicketSystem, booking: Wanted, running_number: int) -> tuple[object, ...]:
    """Those of ``COLUMNS``."""
    key = booking.key
    local = datetime.fromisoformat(key.booked_local)
    minutes = key.units * system.minutes_per_unit
    if abs(minutes) >= MOST_MINUTES:
        raise SyncStopped(
            _("A booking of %(units)s units at %(booked)s is too large to be true. Nothing was changed.")
            % {"units": key.units, "booked": key.booked_local}
        )
    return (
        system.pk,
        key.agent,
        booking.ticket,
        key.booked_local,
        booked_at(local, system),
        local.date(),
        key.units,
        minutes,
        running_number,
        booking.queue,
        booking.source,
        None,
    )


def booked_at(local: datetime, system: TicketSystem) -> datetime:
    """UTC. Of an hour that comes twice the first is taken; an hour that spring leaves out is read past the gap."""
    return local.replace(tzinfo=system.zone).astimezone(UTC)
