"""The writing half of a sync: the mirror comes to say what was read, in one transaction and in bulk statements."""

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from common.months import Month
from generic_interface.records import AccountedTime, Booking
from tickets.agents import AgentBook, learn_agents
from tickets.bulk import batches
from tickets.entry_rows import load_rows, write_entries
from tickets.findings import Findings, find
from tickets.matching import Combined, Key, Plan, Row, Standing, Wanted, combine, reconcile
from tickets.models import Ticket, TicketSystem, TimeEntry
from tickets.snapshot import MonthSnapshot, SyncStopped, local_text
from tickets.ticket_rows import YEARS, TicketBook, write_closings, write_tickets

MOST_VANISHED_MINUTES = Decimal(600)
MOST_VANISHED_SHARE = Decimal("0.2")
SMALL_LOSS_MINUTES = Decimal(60)
"""A share says little about little time: one deleted booking may be all that is known."""


class MoreTicketsNeeded(Exception):
    """Time may have come from these tickets by a merge; they must be read before anything is written."""

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
    """Bring the mirror to what the snapshot says. To be called inside a transaction that has locked the system and
    is rolled back on any error.

    Raises ``MoreTicketsNeeded`` and, when what was read must not be believed without a person (too much time has
    vanished at once and ``accept_losses`` does not allow it), ``SyncStopped``.
    """
    agents = learn_agents(system, snapshot, now=now)
    tickets = write_tickets(system, snapshot, agents=agents, now=now)
    scope = _scope(system, snapshot, agents=agents, tickets=tickets, accept_losses=accept_losses)
    combined = _combine(snapshot, scope=scope, agents=agents, tickets=tickets)
    asked = scope.tickets | scope.covered | scope.vanished
    rows = load_rows(system, combined.wanted, tickets=asked, windows=scope.windows)
    plan = _plan(combined.wanted, rows, scope=scope)
    plan.keep({tickets.by_id[ticket.ticket_id]: ticket.time_units for ticket in snapshot.tickets})
    if not accept_losses:
        _refuse_losses(system, snapshot, plan, rows, scope=scope, agents=agents)
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
    write_closings(system, snapshot, tickets=tickets, complete=not findings.gaps)
    return Outcome(
        inserted=len(plan.inserted),
        moved=plan.moved,
        gone=len(plan.gone),
        matched=combined.matched,
        findings=findings,
    )


@dataclass(frozen=True, slots=True)
class Scope:
    """What the reading was complete for. Tickets and agents by key of the mirror.

    ``tickets`` were shown; of the ``covered`` ones all time is known; ``unreadable`` ones were asked for in vain, the
    ``vanished`` ones among them; ``windows`` are the months for which an agent's time accounting was read.
    """

    tickets: frozenset[int]
    covered: frozenset[int]
    unreadable: frozenset[int]
    vanished: frozenset[int]
    windows: dict[int, set[Month]]

    def standing(self, row: Row) -> Standing:
        if row.ticket in self.covered or self.in_window(row.key):
            return Standing.COVERED
        return Standing.UNKNOWN if row.ticket in self.unreadable else Standing.ELSEWHERE

    def in_window(self, key: Key) -> bool:
        months = self.windows.get(key.agent)
        return months is not None and month_of(key) in months


def month_of(key: Key) -> Month:
    return Month(int(key.booked_local[:4]), int(key.booked_local[5:7]))


def _scope(
    system: TicketSystem, snapshot: MonthSnapshot, *, agents: AgentBook, tickets: TicketBook, accept_losses: bool
) -> Scope:
    """A vanished ticket may be deleted or hidden, so its time is not known to be gone unless a person says so."""
    covered = {history.ticket_id for history in snapshot.histories}
    if accept_losses and system.time_source != TicketSystem.TimeSource.AGENTS:
        covered |= snapshot.vanished
    asked_in_vain = snapshot.unreadable | snapshot.vanished
    windows: defaultdict[int, set[Month]] = defaultdict(set)
    for window in snapshot.windows:
        windows[agents.of_login(window.login)].add(window.month)
    return Scope(
        tickets=frozenset(tickets.by_id[ticket.ticket_id] for ticket in snapshot.tickets),
        covered=frozenset(tickets.by_id[ticket_id] for ticket_id in covered),
        unreadable=frozenset(tickets.by_id[each] for each in asked_in_vain if each in tickets.by_id),
        vanished=frozenset(tickets.by_id[each] for each in snapshot.vanished),
        windows=dict(windows),
    )


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
        history, accounted, compared=lambda booking: scope.in_window(booking.key), read_tickets=scope.covered
    )


def _key(agent: int, booking: Booking | AccountedTime) -> Key:
    text = local_text(booking.booked_local)
    if booking.booked_local.year not in YEARS:
        raise SyncStopped(
            _("The ticket system sent a booking dated %(booked)s. Nothing was changed.") % {"booked": text}
        )
    return Key(agent, text, booking.units)


def _plan(wanted: list[Wanted], rows: list[Row], *, scope: Scope) -> Plan:
    plan = reconcile(wanted, rows, standing=scope.standing)
    if not plan.suspects:
        return plan
    suspects: dict[int, str | None] = {}
    for batch in batches(plan.suspects):
        suspects |= Ticket.objects.filter(pk__in=batch).values_list("pk", "ticket_id")
    readable = frozenset(ticket_id for ticket_id in suspects.values() if ticket_id is not None)
    if readable:
        raise MoreTicketsNeeded(readable)
    # Only time accounting has ever named these tickets; without a TicketID nobody can read them.
    return reconcile(wanted, rows, standing=replace(scope, unreadable=scope.unreadable | suspects.keys()).standing)


def _refuse_losses(
    system: TicketSystem, snapshot: MonthSnapshot, plan: Plan, rows: list[Row], *, scope: Scope, agents: AgentBook
) -> None:
    """An empty answer never deletes, and much time that vanishes at once is more likely a fault than a deletion."""
    spoken = {(agents.of_login(line.login), Month.of(line.booked_local)) for line in snapshot.accounted}
    for row in plan.gone + plan.kept:
        if scope.in_window(row.key) and (row.key.agent, month_of(row.key)) not in spoken:
            raise SyncStopped(
                _(
                    "The ticket system shows no time of agent %(agent)s in %(month)s any more, but the portal knows "
                    "some. Nothing was changed. Check that the login still exists; if the time is really gone, run the "
                    "sync again and accept losses."
                )
                % {"agent": agents.names[row.key.agent], "month": month_of(row.key)}
            )
    known = sum(
        (abs(row.key.units) for row in rows if row.live and scope.standing(row) is Standing.COVERED), Decimal(0)
    )
    lost = sum((abs(row.key.units) for row in plan.gone), Decimal(0))
    minutes = lost * system.minutes_per_unit
    if minutes > MOST_VANISHED_MINUTES or (lost > known * MOST_VANISHED_SHARE and minutes > SMALL_LOSS_MINUTES):
        raise SyncStopped(
            _(
                "%(lost)s of %(known)s known time units would be gone at once. Nothing was changed. If the ticket "
                "system was not restored from a backup and the agent's rights are as before, run the sync again and "
                "accept losses."
            )
            % {"lost": lost, "known": known}
        )
