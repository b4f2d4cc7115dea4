"""What a reading was complete for: what it did not show there is gone, what it did not show elsewhere is not known."""

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Self

from common.months import Month
from tickets.agents import AgentBook
from tickets.matching import Key, Plan, Row, Standing
from tickets.models import TicketSystem
from tickets.snapshot import MonthSnapshot
from tickets.ticket_rows import TicketBook


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Tickets and agents by key of the mirror.

    ``tickets`` were shown; of the ``covered`` ones all time is known; ``unreadable`` ones were asked for in vain, the
    ``vanished`` ones among them; ``held`` are vanished ones whose time stays until a person says otherwise;
    ``windows`` are the months for which an agent's time accounting was read; ``asked`` are the tickets that have been
    asked for their time already, as far as they can be.
    """

    tickets: frozenset[int]
    covered: frozenset[int]
    unreadable: frozenset[int]
    vanished: frozenset[int]
    held: frozenset[int]
    asked: frozenset[int]
    windows: dict[int, set[Month]]

    def standing(self, row: Row) -> Standing:
        if row.ticket in self.covered:
            return Standing.COVERED
        if row.ticket not in self.held and self.in_window(row.key):
            return Standing.COVERED
        return Standing.UNKNOWN if row.ticket in self.unreadable else Standing.ELSEWHERE

    def in_window(self, key: Key) -> bool:
        months = self.windows.get(key.agent)
        return months is not None and month_of(key) in months

    def doubted(self, plan: Plan) -> set[int]:
        """Tickets whose time would be gone or moved on the word of time accounting alone."""
        moved = {row.ticket for row, booking in plan.changed if row.moves_to(booking)}
        return (moved | {row.ticket for row in plan.gone}) - self.asked

    def without(self, tickets: set[int]) -> Self:
        """The same where these tickets cannot be read either."""
        return replace(self, unreadable=self.unreadable | tickets)


def month_of(key: Key) -> Month:
    return Month(int(key.booked_local[:4]), int(key.booked_local[5:7]))


def scope_of(
    system: TicketSystem, snapshot: MonthSnapshot, *, agents: AgentBook, tickets: TicketBook, accept_losses: bool
) -> Scope:
    """A vanished ticket may be deleted or hidden, so its time is gone only if something else says so too.

    Where histories are the only source of time, that is a person (``accept_losses``). Where agents are asked, their
    time accounting shows the time of hidden tickets as well and confirms a deletion, for the months that were read of
    them; for the rest of the ticket's time it takes a person again, or the reading of those months.
    """
    source = system.time_source
    covered = {history.ticket_id for history in snapshot.histories}
    if accept_losses and source != TicketSystem.TimeSource.AGENTS:
        covered |= snapshot.vanished
    holds = source == TicketSystem.TimeSource.HISTORY and not accept_losses
    by_total = snapshot.tickets if source == TicketSystem.TimeSource.AGENTS else ()
    in_vain = snapshot.unreadable | snapshot.vanished
    windows: defaultdict[int, set[Month]] = defaultdict(set)
    for window in snapshot.windows:
        windows[agents.of_login(window.login)].add(window.month)
    unreadable = frozenset(tickets.by_id[each] for each in in_vain if each in tickets.by_id)
    vanished = frozenset(tickets.by_id[each] for each in snapshot.vanished)
    known = frozenset(tickets.by_id[each] for each in covered)
    return Scope(
        tickets=frozenset(tickets.by_id[ticket.ticket_id] for ticket in snapshot.tickets),
        covered=known,
        unreadable=unreadable,
        vanished=vanished,
        held=vanished if holds else frozenset(),
        asked=known | unreadable | {tickets.by_id[ticket.ticket_id] for ticket in by_total},
        windows=dict(windows),
    )
