"""What a sync found missing or contradictory, in sentences."""

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from common.months import Month
from generic_interface.records import TicketRecord
from tickets.agents import AgentBook
from tickets.matching import Combined, Plan, Wanted
from tickets.models import TicketSystem
from tickets.snapshot import MonthSnapshot
from tickets.ticket_rows import TicketBook
from tickets.vanished_findings import find_vanished, ticket_name
from tickets.window_findings import only_named, silent_logins, stays, unseen_tickets


@dataclass(frozen=True, slots=True)
class Findings:
    """``gaps`` say what may be missing, so the month is not complete; ``notes`` are worth knowing and no more."""

    gaps: tuple[str, ...]
    notes: tuple[str, ...]


def find(
    system: TicketSystem,
    snapshot: MonthSnapshot,
    combined: Combined,
    plan: Plan,
    *,
    agents: AgentBook,
    tickets: TicketBook,
    windows: Mapping[int, AbstractSet[Month]],
    accept_losses: bool,
) -> Findings:
    """Everything a person should know about a reading; ``windows`` are the months read of each agent."""
    numbers = tickets.numbers

    def shown(bookings: Iterable[Wanted], sentence: str) -> Iterator[str]:
        for booking in bookings:
            yield sentence % {
                "agent": agents.names[booking.key.agent],
                "booked": booking.key.booked_local,
                "units": booking.key.units,
                "number": numbers[booking.ticket],
            }

    lower, outside, higher = _compare_totals(system, snapshot, plan, tickets)
    kept, vanished = find_vanished(system, snapshot, plan, tickets, numbers, accept_losses=accept_losses)
    staying, elsewhere = (combined.elsewhere, []) if snapshot.of_agent else ([], combined.elsewhere)
    gaps = [
        *_unreadable(snapshot, tickets, numbers),
        *_not_found(system, snapshot),
        *kept,
        *lower,
        *shown(combined.only_history, _only_history()),
        *shown(combined.only_accounting, _only_accounting()),
        *shown(staying, stays()),
        *_not_asked(snapshot, agents, windows),
        *_taken(plan),
    ]
    notes = [
        *vanished,
        *higher,
        *outside,
        *shown(elsewhere, _elsewhere()),
        *unseen_tickets(snapshot),
        *only_named(_never_shown(snapshot, tickets)),
        *silent_logins(snapshot, was_shown=agents.was_shown),
        *_shortened(tickets),
    ]
    return Findings(gaps=tuple(gaps), notes=tuple(notes))


def _never_shown(snapshot: MonthSnapshot, tickets: TicketBook) -> set[str]:
    """Numbers in time accounting without a TicketID; the reading of one agent's month has searched for them."""
    if snapshot.of_agent:
        return set()
    shown = set(tickets.by_id.values())
    return {line.ticket_number for line in snapshot.accounted if tickets.by_number[line.ticket_number] not in shown}


def _only_history() -> str:
    return _(
        "%(agent)s booked %(units)s units at %(booked)s on ticket %(number)s according to the ticket's history; "
        "the agent's time accounting does not show it."
    )


def _only_accounting() -> str:
    return _(
        "%(agent)s booked %(units)s units at %(booked)s on ticket %(number)s according to the agent's time accounting; "
        "the ticket's history does not show it."
    )


def _elsewhere() -> str:
    return _(
        "%(agent)s, %(booked)s, %(units)s units: the ticket's history and the time accounting name different tickets; "
        "it is kept on ticket %(number)s, which the time accounting names."
    )


def _unreadable(snapshot: MonthSnapshot, tickets: TicketBook, numbers: Mapping[int, str]) -> list[str]:
    return [
        _("Ticket %(ticket)s cannot be read: it was deleted or the portal's agent may not see it or its history.")
        % {"ticket": ticket_name(ticket_id, tickets, numbers)}
        for ticket_id in sorted(snapshot.unreadable)
    ]


def _not_found(system: TicketSystem, snapshot: MonthSnapshot) -> list[str]:
    """An empty or short answer of the search, seen by the tickets that were read for another reason."""
    if snapshot.of_agent:
        return []
    start, end, found = snapshot.month.start(system.zone), snapshot.month.end(system.zone), set(snapshot.closed)
    return [
        _(
            "Ticket %(number)s says that it was closed in %(month)s, but the search for closed tickets did not find "
            "it. Run the sync again."
        )
        % {"number": ticket.number, "month": snapshot.month}
        for ticket in snapshot.tickets
        if ticket.ticket_id not in found
        and ticket.state_type in system.closed_state_types
        and ticket.closed is not None
        and start <= ticket.closed < end
    ]


def _shortened(tickets: TicketBook) -> list[str]:
    return [
        _("Ticket %(number)s: a text was too long and was cut.") % {"number": number}
        for number in dict.fromkeys(tickets.shortened)
    ]


def _compare_totals(
    system: TicketSystem, snapshot: MonthSnapshot, plan: Plan, tickets: TicketBook
) -> tuple[list[str], list[str], list[str]]:
    """Entries against the ticket's own sum, which knows no date: too few, perhaps too few, too many.

    Where agents tell the time, it was read for some months only. Of a ticket that was not closed in the month and was
    created earlier or changed later, the rest may have been booked outside of them. What is to be billed must be known
    in full, and what is kept of a contradiction must be named. The reading of one agent's month says nothing of other
    agents' time, so there only tickets count whose history was read, or that contradict it.
    """
    lower, outside, higher = [], [], []
    by_ticket = system.time_source != TicketSystem.TimeSource.AGENTS
    with_history = {history.ticket_id for history in snapshot.histories}
    months = [window.month for window in snapshot.windows] or [snapshot.month]
    since, end = min(months).start(system.zone), max(months).end(system.zone)
    complete = {*snapshot.closed, *with_history}
    kept = {row.ticket for row in plan.kept}
    for ticket in snapshot.tickets:
        key = tickets.by_id[ticket.ticket_id]
        units = plan.units.get(key, Decimal(0))
        if units == ticket.time_units or (by_ticket and ticket.ticket_id not in with_history):
            continue
        if snapshot.of_agent and ticket.ticket_id not in with_history and key not in kept:
            continue
        if units > ticket.time_units:
            higher.append(_differs(ticket, units))
        elif ticket.ticket_id in complete or key in kept or (ticket.created >= since and ticket.changed < end):
            lower.append(_differs(ticket, units) if by_ticket else f"{_differs(ticket, units)} {_read_further()}")
        else:
            outside.append(_differs(ticket, units))
    return lower, outside, higher


def _differs(ticket: TicketRecord, units: Decimal) -> str:
    return _("Ticket %(number)s: its bookings add up to %(units)s units, the ticket itself says %(total)s.") % {
        "number": ticket.number,
        "units": units,
        "total": ticket.time_units,
    }


def _read_further() -> str:
    return _("Raise the months read back of the ticket system, or add the agent whose time is missing.")


def _not_asked(snapshot: MonthSnapshot, agents: AgentBook, windows: Mapping[int, AbstractSet[Month]]) -> list[str]:
    """With both sources: who booked in the month without the portal knowing a login to ask for."""
    if snapshot.of_agent or not snapshot.windows:
        return []
    creators = {
        agents.by_user_id[booking.creator_id]
        for history in snapshot.histories
        for booking in history.bookings
        if Month.of(booking.booked_local) == snapshot.month
    }
    return [
        _(
            "%(agent)s booked time in %(month)s, but no login is known, so time on other tickets cannot be read. "
            "Add the agent's login."
        )
        % {"agent": agents.names[agent], "month": snapshot.month}
        for agent in sorted(creators - windows.keys())
    ]


def _taken(plan: Plan) -> list[str]:
    return [
        _(
            "%(units)s units booked at %(booked)s were taken for moved here from a ticket that cannot be read. "
            "Look whether they were booked twice."
        )
        % {"units": row.key.units, "booked": row.key.booked_local}
        for row in plan.taken
    ]
