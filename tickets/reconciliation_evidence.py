"""What the mirror holds about tickets whose totals disagree, and the likely cause of each difference."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from common.durations import minutes_from_units
from common.months import Month
from common.spans import Span
from tickets.bulk import batches
from tickets.models import Ticket, TicketSystem, TimeEntry
from tickets.reading_state import SystemReadings
from tickets.reconciliation_causes import Cause, Clue, EntryRow, Evidence, likely_cause

MERGED = "merged"  # the state type of a ticket that was merged into another


@dataclass(frozen=True, slots=True)
class Totals:
    """A ticket with its system, and the sum of its present entries in time units."""

    ticket: Ticket
    entries_units: Decimal

    @property
    def agree(self) -> bool:
        """Of a ticket whose own total is known: whether the others say the same, as far as they were read."""
        own = self.ticket.time_units
        return self.entries_units == own and self.ticket.article_units in (None, own)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A ticket whose totals disagree, in time units, and why that most likely is."""

    ticket: Ticket
    entries_units: Decimal
    ticket_units: Decimal
    article_units: Decimal | None
    cause: Cause
    sentence: str

    @property
    def difference_units(self) -> Decimal:
        """The ticket's own total less the sum of its entries."""
        return self.ticket_units - self.entries_units

    @property
    def difference_minutes(self) -> Decimal:
        return minutes_from_units(self.difference_units, self.ticket.system.minutes_per_unit)


def explain(differing: Sequence[Totals], readings: Mapping[int, SystemReadings]) -> list[Difference]:
    """In the same order; ``readings`` by primary key of the system."""
    entries = _entries_of(each.ticket for each in differing)
    asked = {pk: each.months_of_agents() for pk, each in readings.items()}
    return [
        _difference(each, _clue(each, entries[each.ticket.pk], readings, asked[each.ticket.system_id]))
        for each in differing
    ]


def _difference(totals: Totals, clue: Clue) -> Difference:
    return Difference(
        ticket=totals.ticket,
        entries_units=totals.entries_units,
        ticket_units=totals.ticket.time_units or Decimal(0),
        article_units=totals.ticket.article_units,
        cause=clue.cause,
        sentence=clue.sentence,
    )


def _clue(
    totals: Totals, entries: Sequence[EntryRow], readings: Mapping[int, SystemReadings], asked: frozenset[Month]
) -> Clue:
    ticket, own = totals.ticket, totals.ticket.time_units or Decimal(0)
    of_system = readings[ticket.system_id]
    return likely_cause(
        Evidence(
            difference=own - totals.entries_units,
            article_difference=Decimal(0) if ticket.article_units is None else own - ticket.article_units,
            is_merged=ticket.state_type == MERGED,
            created_at=ticket.created_at,
            read_since=of_system.since(ticket.read_at),
            read_at=ticket.read_at,
            entries=entries,
            moved_later=of_system.moved_after(ticket.read_at),
            by_agents=ticket.system.time_source == TicketSystem.TimeSource.AGENTS,
            unread_months=[month for month in _life(ticket) if month not in asked],
        )
    )


def _life(ticket: Ticket) -> tuple[Month, ...]:
    """The months in which time can have been booked on the ticket: a booking is a change."""
    if ticket.created_at is None:
        return ()
    zone = ticket.system.zone
    first = Month.of(ticket.created_at.astimezone(zone))
    last = Month.of((ticket.changed_at or ticket.read_at).astimezone(zone))
    return Span.of_months(first, max(first, last)).months


def _entries_of(tickets: Iterable[Ticket]) -> Mapping[int, list[EntryRow]]:
    found: defaultdict[int, list[EntryRow]] = defaultdict(list)
    for batch in batches(ticket.pk for ticket in tickets):
        rows = TimeEntry.objects.filter(ticket__in=batch).order_by()
        columns = rows.values_list("ticket_id", "units", "booked_at", "queue", "gone_at", "agent__login")
        for ticket, units, booked_at, queue, gone_at, login in columns:
            found[ticket].append(EntryRow(units, booked_at, queue, gone_at, has_login=login is not None))
    return found
