"""The reading half of a sync: everything that one ticket system says about a month, in memory, nothing written."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from common.months import Month
from common.progress import OnStep
from generic_interface.client import Client
from generic_interface.clock import MOST_DRIFT, clock_drift
from generic_interface.records import AccountedTime, TicketBatch, TicketRecord
from tickets.models import TicketSystem
from tickets.snapshot import Known, MonthSnapshot, SyncStopped, Window


def read_month(
    client: Client,
    *,
    system: TicketSystem,
    month: Month,
    known: Known,
    now: datetime,
    on_step: OnStep,
    accept_losses: bool = False,
) -> MonthSnapshot:
    """Read what the month needs: its closed tickets, their time and, with agents as source, all time of each agent.

    Months are those of ``system.zone``. ``accept_losses`` says that a person has confirmed that known closings are
    gone. Raises ``InterfaceError`` when anything could not be read and ``SyncStopped`` when an answer is not credible.
    """
    source, by_ticket = system.time_source, system.time_source != TicketSystem.TimeSource.AGENTS
    on_step(_("Searching for closed tickets"), 0, 0)
    closed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    if month.start(system.zone) < now:
        closed = _search_closed(client, system=system, month=month, known=known, accept_losses=accept_losses)
        if source == TicketSystem.TimeSource.HISTORY or not closed:  # what was closed was changed: see findings
            changed = _search_changed(client, system=system, month=month, now=now, closed=closed)
    missing = (known.closed | known.booked if by_ticket else known.closed) - {*closed, *changed}
    batch = _read_tickets(client, [*closed, *changed, *sorted(missing)], system=system, on_step=on_step)
    snapshot = MonthSnapshot(
        month=month,
        closed=closed,
        tickets=batch.tickets,
        unreadable=frozenset(batch.unreadable) - missing,
        vanished=frozenset(batch.unreadable) & missing,
    )
    if by_ticket:
        snapshot = _read_histories(client, snapshot, batch.tickets, on_step=on_step)
    if source != TicketSystem.TimeSource.HISTORY:
        snapshot = _read_agents(client, snapshot, system=system, known=known, now=now, on_step=on_step)
    return snapshot


def read_more(
    client: Client, snapshot: MonthSnapshot, ids: Iterable[str], *, system: TicketSystem, on_step: OnStep
) -> MonthSnapshot:
    """The snapshot with further mirrored tickets, for time that may have moved here from them or may be gone.

    Their histories come along where these are a source of time. A ticket that was read before is read anew.
    """
    batch = client.get_tickets(
        sorted(ids),
        with_articles=system.reads_articles,
        on_progress=counted(on_step, _("Reading tickets that time was on")),
    )
    again = {ticket.ticket_id for ticket in batch.tickets}
    snapshot = replace(
        snapshot,
        tickets=tuple(ticket for ticket in snapshot.tickets if ticket.ticket_id not in again) + batch.tickets,
        vanished=snapshot.vanished | frozenset(batch.unreadable),
    )
    if system.time_source == TicketSystem.TimeSource.AGENTS:
        return snapshot
    return _read_histories(client, snapshot, batch.tickets, on_step=on_step)


def _search_closed(
    client: Client, *, system: TicketSystem, month: Month, known: Known, accept_losses: bool
) -> tuple[str, ...]:
    """An empty answer may mean that nothing was closed, or that the question was not understood: it is asked again."""
    for _attempt in range(2):
        found = client.search_closed_tickets(
            start=month.start(system.zone), end=month.end(system.zone), state_types=system.closed_state_types
        )
        if found:
            return found
    if not client.any_ticket_visible():
        raise SyncStopped(
            _(
                "The ticket system shows no ticket at all to the portal's agent %(login)s. "
                "Give the agent read rights (ro) on the groups of all queues that are billed. Nothing was changed."
            )
            % {"login": system.reads_as}
        )
    if known.closed and not accept_losses:
        raise SyncStopped(
            ngettext(
                "The ticket system finds no ticket closed in %(month)s, but %(count)d is known from an earlier sync. "
                "Nothing was changed. Check the state types that count as closed and the agent's rights; "
                "if the ticket is really gone, run the sync again and accept losses.",
                "The ticket system finds no ticket closed in %(month)s, but %(count)d are known from an earlier sync. "
                "Nothing was changed. Check the state types that count as closed and the agent's rights; "
                "if the tickets are really gone, run the sync again and accept losses.",
                len(known.closed),
            )
            % {"month": month, "count": len(known.closed)}
        )
    return ()


def _search_changed(
    client: Client, *, system: TicketSystem, month: Month, now: datetime, closed: tuple[str, ...]
) -> tuple[str, ...]:
    """A booking is a change, so this finds the open tickets with time. A closing is one too: both searches must fit.

    What changes while the month is being read is found as well.
    """
    for _attempt in range(2):
        changed = client.search_changed_tickets(start=month.start(system.zone), end=now + timedelta(days=1))
        if changed or not closed:
            return changed
    raise SyncStopped(
        _(
            "The ticket system contradicts itself: tickets were closed in %(month)s, but none was changed since. "
            "Check that its clock and zone are those of the portal (%(zone)s). Nothing was changed."
        )
        % {"month": month, "zone": system.time_zone}
    )


def _read_tickets(client: Client, ids: Iterable[str], *, system: TicketSystem, on_step: OnStep) -> TicketBatch:
    """With a wrong zone the month would end too early or too late, so what the tickets tell of the clock is looked at.

    The portal's own clock is asked and not the sync's moment: only the time around the call can be compared.
    """
    asked = timezone.now()
    batch = client.get_tickets(
        list(dict.fromkeys(ids)),
        with_articles=system.reads_articles,
        on_progress=counted(on_step, _("Reading tickets")),
    )
    drift = clock_drift(batch.tickets, asked=asked, answered=timezone.now())
    if drift is not None and abs(drift) > MOST_DRIFT:
        raise SyncStopped(
            _(
                "The ticket system's clock, taken as %(zone)s, and the portal's differ by %(minutes)d minutes. Set the "
                "zone to the ticket system's OTRSTimeZone, and let both clocks be set by NTP. Nothing was changed."
            )
            % {"zone": system.time_zone, "minutes": round(abs(drift) / timedelta(minutes=1))}
        )
    return batch


def _read_histories(
    client: Client, snapshot: MonthSnapshot, tickets: Iterable[TicketRecord], *, on_step: OnStep
) -> MonthSnapshot:
    ids = [ticket.ticket_id for ticket in tickets]
    batch = client.get_histories(ids, on_progress=counted(on_step, _("Reading the time of tickets")))
    return replace(
        snapshot,
        histories=snapshot.histories + batch.histories,
        unreadable=snapshot.unreadable | frozenset(batch.unreadable),
    )


def _read_agents(
    client: Client, snapshot: MonthSnapshot, *, system: TicketSystem, known: Known, now: datetime, on_step: OnStep
) -> MonthSnapshot:
    """With both sources the month alone; with agents alone from the months read back until now, because the total of a
    ticket counts what was booked after the month as well.
    """
    logins = _logins(known.logins, snapshot.tickets)
    if not logins:
        raise SyncStopped(
            _(
                "No agent of this ticket system is known, so nobody can be asked for booked time. "
                "Add the logins of all agents who book time. Nothing was changed."
            )
        )
    agents_only = system.time_source == TicketSystem.TimeSource.AGENTS
    months = _agent_months(snapshot.month, system=system, now=now) if agents_only else [snapshot.month]
    windows = [Window(login, month) for login in logins for month in months]
    accounted: list[AccountedTime] = []
    for done, window in enumerate(windows):
        on_step(_("Reading the time of agent %(login)s") % {"login": window.login}, done, len(windows))
        accounted += client.accounted_time(
            window.login, start=window.month.start(system.zone), end=window.month.end(system.zone)
        )
    snapshot = replace(snapshot, windows=tuple(windows), accounted=tuple(accounted))
    if agents_only and not accounted:
        _refuse_silence(snapshot, system=system, first=months[0])
    return snapshot


def _agent_months(month: Month, *, system: TicketSystem, now: datetime) -> list[Month]:
    months = [system.looked_back_to(month.first_day)]
    last = max(month, Month.of(now.astimezone(system.zone)))
    while months[-1] < last:
        months.append(months[-1].next)
    return months


def _logins(known: Iterable[str], tickets: Iterable[TicketRecord]) -> list[str]:
    """Everybody once: upstream ``B.Schmidt`` and ``b.schmidt`` are one agent. The spelling of TicketGet wins."""
    spelling = {login.casefold(): login for login in known}
    for ticket in tickets:
        for login in (ticket.owner_login, ticket.responsible_login):
            if login:
                spelling[login.casefold()] = login
    return sorted(spelling.values())


def _refuse_silence(snapshot: MonthSnapshot, *, system: TicketSystem, first: Month) -> None:
    """Nobody booked anything, says time accounting; tickets created in that time must agree."""
    since = first.start(system.zone)
    counted = [ticket for ticket in snapshot.tickets if ticket.created >= since and ticket.time_units > 0]
    if counted:
        raise SyncStopped(
            _(
                "The ticket system shows no booked time for any agent, but ticket %(number)s alone has %(units)s "
                "units. Check the list of agents and the agent's right rw on the group timeaccounting_webservice. "
                "Nothing was changed."
            )
            % {"number": counted[0].number, "units": counted[0].time_units}
        )


def counted(on_step: OnStep, step: str) -> Callable[[int, int], object]:
    """Tells each step with its counts, as the client's batches give them."""

    def on_progress(done: int, total: int) -> None:
        on_step(
            _("%(step)s: %(done)d of %(total)d") % {"step": step, "done": done, "total": total},
            done,
            total,
        )

    return on_progress
