"""One agent's month as time accounting tells it, and the tickets that it names anew or otherwise than the mirror."""

from collections.abc import Collection
from dataclasses import replace

from django.utils.translation import gettext as _

from common.months import Month
from common.progress import OnStep
from generic_interface.client import Client
from generic_interface.records import AccountedTime
from tickets.models import Agent, TicketSystem
from tickets.queries import NamedTicket, tickets_by_number
from tickets.reading import counted
from tickets.snapshot import MonthSnapshot, SyncStopped, Window

COMPARED_LETTERS = 250
"""Of a title; what is longer may have been cut."""


class LoginNeeded(SyncStopped):
    """Time accounting is asked for by login, and none is known of this agent."""


def login_of(agent: Agent) -> str:
    """What time accounting is asked for. Raises ``LoginNeeded``."""
    if not agent.login:
        raise LoginNeeded(
            _(
                "No login is known of agent %(agent)s, so the ticket system cannot be asked for the booked time. Enter "
                "the login."
            )
            % {"agent": agent}
        )
    return agent.login


def read_window(client: Client, *, system: TicketSystem, agent: Agent, month: Month, on_step: OnStep) -> MonthSnapshot:
    """Read the time that the agent booked in the month, which is one of ``system.zone``.

    A ticket whose TicketID is not known is searched by its number, and one whose title or customer has changed is read
    again. What the ticket system does not show of them is ``unseen``, and their time is known all the same.
    Raises ``InterfaceError`` when anything could not be read and ``LoginNeeded``.
    """
    login = login_of(agent)
    on_step(_("Reading the time of agent %(login)s") % {"login": login}, 0, 0)
    lines = client.accounted_time(login, start=month.start(system.zone), end=month.end(system.zone))
    snapshot = MonthSnapshot(month=month, windows=(Window(login, month),), accounted=lines, of_agent=True)
    named = {line.ticket_number: line for line in lines}
    known = tickets_by_number(system, named)
    unknown = [number for number in named if number not in known]
    changed = {number: known[number].ticket_id for number in known if _differs(known[number], named[number])}
    return _read_tickets(client, snapshot, unknown, changed, system=system, on_step=on_step)


def _differs(known: NamedTicket, line: AccountedTime) -> bool:
    same_customer = known.customer_id == line.customer_id or not (known.customer_id or line.customer_id.strip())
    return not same_customer or known.title[:COMPARED_LETTERS] != line.title[:COMPARED_LETTERS]


def _read_tickets(
    client: Client,
    snapshot: MonthSnapshot,
    unknown: Collection[str],
    changed: dict[str, str],
    *,
    system: TicketSystem,
    on_step: OnStep,
) -> MonthSnapshot:
    """``unknown`` are numbers; ``changed`` has TicketIDs by number."""
    ids = [*client.find_tickets(sorted(unknown)), *changed.values()] if unknown else [*changed.values()]
    if not ids:
        return replace(snapshot, unseen=frozenset(unknown))
    batch = client.get_tickets(
        ids, with_articles=system.reads_articles, on_progress=counted(on_step, _("Reading tickets"))
    )
    asked = {*unknown, *changed}
    tickets = tuple(ticket for ticket in batch.tickets if ticket.number in asked)
    return replace(snapshot, tickets=tickets, unseen=frozenset(asked - {ticket.number for ticket in tickets}))
