"""The writing half of a sync: the mirror comes to say what was read, in one transaction and in bulk statements."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from generic_interface.records import AccountedTime, Booking
from tickets.agents import AgentBook, learn_agents
from tickets.bulk import batches
from tickets.entry_rows import load_rows, write_entries
from tickets.findings import Findings, find
from tickets.losses import refuse_losses, refuse_silence
from tickets.matching import Combined, Key, Plan, Row, Wanted, combine, reconcile
from tickets.models import Ticket, TicketSystem, TimeEntry
from tickets.scope import Scope, scope_of
from tickets.snapshot import MonthSnapshot, SyncStopped, local_text
from tickets.ticket_rows import YEARS, TicketBook, write_closings, write_tickets


class MoreTicketsNeeded(Exception):
    """Time may have come from these tickets by a merge, or would be gone from them on the word of time accounting
    alone; they must be read before anything is written.
    """

    def __init__(self, ticket_ids: frozenset[str]) -> None:
        super().__init__(f"Tickets {', '.join(sorted(ticket_ids))} must be read as well.")
        self.ticket_ids = ticket_ids


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Counts of entries; ``matched`` were shown by both sources of time."""

    inserted: int
    moved: int
    gone: int
    matched: int
    findings: Findings


def write_month(
    system: TicketSystem, snapshot: MonthSnapshot, *, now: datetime, accept_losses: bool = False
) -> Outcome:
    """Bring the mirror to what the reading of a month says, closings included; see ``_write_time``."""
    outcome, tickets = _write_time(system, snapshot, now=now, accept_losses=accept_losses)
    write_closings(system, snapshot, tickets=tickets, complete=not outcome.findings.gaps)
    return outcome


def write_window(
    system: TicketSystem, snapshot: MonthSnapshot, *, now: datetime, accept_losses: bool = False
) -> Outcome:
    """Bring the mirror to what the reading of one agent's month says, and nothing else; see ``_write_time``."""
    outcome, _tickets = _write_time(system, snapshot, now=now, accept_losses=accept_losses)
    return outcome


def _write_time(
    system: TicketSystem, snapshot: MonthSnapshot, *, now: datetime, accept_losses: bool
) -> tuple[Outcome, TicketBook]:
    """Agents, tickets and time entries. To be called inside a transaction that has locked the system and is rolled
    back on any error.

    No entry is gone or moved on the word of time accounting alone where its ticket can be asked: first its history,
    where histories are a source of time, else its own total. An entry that the history still shows stays, and so do
    those of a ticket whose total says more than is left; both leave a gap. What counts where the ticket is not shown
    any more says ``scope_of``.

    Raises ``MoreTicketsNeeded`` and, when what was read must not be believed without a person (an agent's known time
    is answered with nothing, or too much time has vanished at once, and ``accept_losses`` does not allow it),
    ``SyncStopped``.
    """
    agents = learn_agents(system, snapshot, now=now)
    tickets = write_tickets(system, snapshot, agents=agents, now=now)
    scope = scope_of(system, snapshot, agents=agents, tickets=tickets, accept_losses=accept_losses)
    combined = _combine(snapshot, scope=scope, agents=agents, tickets=tickets)
    rows = load_rows(
        system, combined.wanted, tickets=scope.tickets | scope.covered | scope.vanished, windows=scope.windows
    )
    plan = reconcile(combined.wanted, rows, standing=scope.standing)
    if not accept_losses:
        refuse_silence(snapshot, plan, scope=scope, agents=agents)
    plan = _confirmed(plan, combined.wanted, rows, scope=scope)
    totals = {tickets.by_id[ticket.ticket_id]: ticket.time_units for ticket in snapshot.tickets}
    plan.keep(totals, uncertain=lambda row, booking: _only_accounted(booking) and row.ticket not in scope.covered)
    if not accept_losses:
        refuse_losses(system, plan, rows, scope=scope)
    write_entries(system, plan, now=now)
    findings = find(
        system,
        snapshot,
        combined,
        plan,
        agents=agents,
        tickets=tickets,
        windows=scope.windows,
        accept_losses=accept_losses,
    )
    counts = {"inserted": len(plan.inserted), "moved": plan.moved, "gone": len(plan.gone)}
    return Outcome(**counts, matched=combined.matched, findings=findings), tickets


def _only_accounted(booking: Wanted) -> bool:
    return booking.source == TimeEntry.Source.AGENT


def _combine(snapshot: MonthSnapshot, *, scope: Scope, agents: AgentBook, tickets: TicketBook) -> Combined:
    number_of = {ticket.ticket_id: ticket.number for ticket in snapshot.tickets}
    history = [
        Wanted(
            _key(agents.by_user_id[booking.creator_id], booking),
            tickets.by_id[booking.ticket_id],
            tickets.fit_queue(booking.queue, number_of[ticket.ticket_id]),
            TimeEntry.Source.HISTORY,
        )
        for ticket in snapshot.histories
        for booking in ticket.bookings
    ]
    accounted = [
        Wanted(
            _key(agents.of_login(line.login), line),
            tickets.by_number[line.ticket_number],
            tickets.fit_queue(line.queue, line.ticket_number),
            TimeEntry.Source.AGENT,
        )
        for line in snapshot.accounted
    ]
    return combine(
        history,
        accounted,
        compared=lambda booking: scope.in_window(booking.key),
        read_tickets=scope.covered,
        history_is_newer=snapshot.of_agent,
    )


def _key(agent: int, booking: Booking | AccountedTime) -> Key:
    text = local_text(booking.booked_local)
    if booking.booked_local.year not in YEARS:
        raise SyncStopped(
            _("The ticket system sent a booking dated %(booked)s. Nothing was changed.") % {"booked": text}
        )
    return Key(agent, text, booking.units)


def _confirmed(plan: Plan, wanted: Iterable[Wanted], rows: Iterable[Row], *, scope: Scope) -> Plan:
    """The plan once all tickets have been asked that it takes time from."""
    suspects = plan.suspects - scope.asked
    ids: dict[int, str | None] = {}
    for batch in batches(sorted(suspects | scope.doubted(plan))):
        ids |= Ticket.objects.filter(pk__in=batch).values_list("pk", "ticket_id")
    readable = frozenset(ticket_id for ticket_id in ids.values() if ticket_id is not None)
    if readable:
        raise MoreTicketsNeeded(readable)
    if not plan.suspects:
        return plan
    # Only time accounting has ever named these tickets; without a TicketID nobody can read them.
    return reconcile(wanted, rows, standing=scope.without(plan.suspects).standing)
