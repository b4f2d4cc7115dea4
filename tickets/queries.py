"""Questions to the mirror that several places ask."""

from decimal import Decimal
from typing import NamedTuple

from common.months import Month
from tickets.models import Agent, Ticket, TicketClosing, TicketSystem, TimeEntry
from tickets.snapshot import Known


class MonthTotals(NamedTuple):
    """``tickets`` counts those closed in the month, the rest is about present entries booked in it."""

    tickets: int
    entries: int
    minutes: Decimal


def known_before(system: TicketSystem, month: Month) -> Known:
    """What a reading of the month should come across again."""
    logins = Agent.objects.filter(system=system, login__isnull=False).values_list("login", flat=True)
    readable = Ticket.objects.filter(system=system, ticket_id__isnull=False)
    closed = readable.closed_in(month).values_list("ticket_id", flat=True)
    entries = TimeEntry.objects.filter(system=system).present().booked_in(month)
    booked = readable.filter(pk__in=entries.values("ticket")).values_list("ticket_id", flat=True)
    return Known(
        logins=tuple(login for login in logins if login),
        closed=frozenset(ident for ident in closed if ident),
        booked=frozenset(ident for ident in booked if ident),
    )


def month_totals(system: TicketSystem, month: Month) -> MonthTotals:
    """Summed here and not in SQL: SQLite would add the minutes as floats."""
    closings = TicketClosing.objects.filter(ticket__system=system, month=month.first_day)
    minutes = list(TimeEntry.objects.filter(system=system).present().booked_in(month).values_list("minutes", flat=True))
    return MonthTotals(tickets=closings.count(), entries=len(minutes), minutes=sum(minutes, Decimal(0)))
