"""Sentences on tickets that an earlier sync has mirrored and that are no longer there."""

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal

from django.utils.translation import gettext as _

from common.money import plain
from tickets.matching import Plan
from tickets.models import TicketSystem
from tickets.snapshot import MonthSnapshot
from tickets.ticket_rows import TicketBook


def find_vanished(
    system: TicketSystem,
    snapshot: MonthSnapshot,
    plan: Plan,
    tickets: TicketBook,
    numbers: Mapping[int, str],
    *,
    accept_losses: bool,
) -> tuple[list[str], list[str]]:
    """Gaps and notes. Time that is kept is a gap: it may have to go."""
    kept, notes = [], []
    lost: defaultdict[int, Decimal] = defaultdict(Decimal)
    for row in plan.gone:
        lost[row.ticket] += row.key.units
    for ticket_id in sorted(snapshot.vanished):
        ticket = tickets.by_id[ticket_id]
        values = {"ticket": ticket_name(ticket_id, tickets, numbers)}
        if ticket in plan.units and not accept_losses:
            minutes = plain(plan.units[ticket] * system.minutes_per_unit)
            kept.append(_not_shown_but_kept() % {**values, "minutes": minutes})
        elif ticket not in lost:
            notes.append(_not_shown() % values)
        if ticket in lost:
            minutes = plain(lost[ticket] * system.minutes_per_unit)
            notes.append(_not_shown_and_gone() % {**values, "minutes": minutes})
    return kept, notes


def _not_shown() -> str:
    return _(
        "Ticket %(ticket)s, known from an earlier sync, is neither found nor shown any more: it was deleted, or "
        "the portal's agent lost the right to read it."
    )


def _not_shown_but_kept() -> str:
    return _(
        "Ticket %(ticket)s, known from an earlier sync, is neither found nor shown any more. Its %(minutes)s minutes "
        "are kept. Give the portal's agent the right to read it; if it was deleted, run the sync again and accept "
        "losses."
    )


def _not_shown_and_gone() -> str:
    return _(
        "Ticket %(ticket)s, known from an earlier sync, is neither found nor shown any more; %(minutes)s minutes of it "
        "are marked as gone."
    )


def ticket_name(ticket_id: str, tickets: TicketBook, numbers: Mapping[int, str]) -> str:
    """The ticket's number if it is known."""
    number = numbers.get(tickets.by_id.get(ticket_id, 0))
    return number or _("with TicketID %(ticket_id)s") % {"ticket_id": ticket_id}
