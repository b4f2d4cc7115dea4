"""Questions to the mirror that several places ask."""

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from common.months import Month
from tickets.bulk import batches
from tickets.models import (
    Agent,
    AnyUser,
    Customer,
    Ticket,
    TicketClosing,
    TicketSystem,
    TimeEntry,
    sees_all_customers,
)
from tickets.snapshot import Known


class MonthTotals(NamedTuple):
    """``tickets`` counts those closed in the month, the rest is about present entries booked in it.

    Of one agent ``tickets`` counts those with such entries.
    """

    tickets: int
    entries: int
    minutes: Decimal


class NamedTicket(NamedTuple):
    """A mirrored ticket as time accounting names it; without a customer ``customer_id`` is empty."""

    ticket_id: str
    title: str
    customer_id: str


def has_no_customers(user: AnyUser) -> bool:
    """Whether nothing is shown to the user because no customer is assigned; who sees all is never asked about."""
    return not sees_all_customers(user) and not Customer.objects.visible_to(user).exists()


def lock_system(system: int) -> None:
    """For the rest of the transaction nobody else plans, starts, claims or writes a sync of this ticket system.

    No column is read but the key: a password that cannot be decrypted is the sync's business, not the lock's.
    """
    list(TicketSystem.objects.select_for_update(no_key=True).filter(pk=system).values_list("pk"))


def tickets_by_number(system: TicketSystem, numbers: Iterable[str]) -> dict[str, NamedTicket]:
    """The mirrored tickets with these numbers, as far as their TicketIDs are known."""
    found: dict[str, NamedTicket] = {}
    for batch in batches(sorted(set(numbers))):
        rows = Ticket.objects.filter(system=system, number__in=batch, ticket_id__isnull=False).order_by("pk")
        for number, ticket_id, title, customer in rows.values_list(
            "number", "ticket_id", "title", "customer__customer_id"
        ):
            found[number] = NamedTicket(ticket_id or "", title, customer or "")
    return found


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


def agent_totals(agent: int, month: Month) -> MonthTotals:
    """The same of one agent, by key."""
    entries = TimeEntry.objects.filter(agent=agent).present().booked_in(month).values_list("ticket", "minutes")
    rows = list(entries)
    minutes = sum((minutes for _ticket, minutes in rows), Decimal(0))
    return MonthTotals(tickets=len({ticket for ticket, _minutes in rows}), entries=len(rows), minutes=minutes)
