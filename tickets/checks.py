"""Asking a ticket system one question per operation, so that a person sees what works and what to do about the rest."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from common.fields import DecryptionError
from common.months import Month
from generic_interface.client import Client
from generic_interface.clock import MOST_DRIFT, clock_drift
from generic_interface.errors import InterfaceError, NoPermission
from generic_interface.records import TicketRecord
from tickets.check_results import Check, ask, fix_of
from tickets.connect import open_client
from tickets.credentials import note_check
from tickets.expectations import Expected, expectation_checks
from tickets.further_checks import limit_check, session_check, writing_checks
from tickets.models import Agent, TicketSystem
from tickets.rpc_checks import login_check_name, makes_session, rpc_checks, rpc_fix

LOOK_BACK = (timedelta(days=1), timedelta(days=31), timedelta(days=366))
AHEAD = timedelta(days=1)
"""With a wrong zone the latest changes lie in the future."""
SAMPLE = 20
Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Shown:
    """Tickets that were read; ``drift`` is how far the ticket system's clock is ahead by them, ``None`` if untold."""

    tickets: tuple[TicketRecord, ...] = ()
    drift: timedelta | None = None


def check_connection(
    system_id: int,
    *,
    expected: Expected | None = None,
    clock: Clock = timezone.now,
    make_client: Callable[[TicketSystem], Client] = open_client,
) -> list[Check]:
    """One check per operation, in the order in which a sync uses them; those that cannot be made are left out.

    Notes when the connection was found to work.
    """
    try:
        system = TicketSystem.objects.get(pk=system_id)
    except DecryptionError as error:
        return [Check(operation=_("Settings"), works=False, text=str(error), fix=fix_of(error))]
    checks = check_as_entered(system, expected=expected, clock=clock, make_client=make_client)
    note_check(system_id, checks, now=clock())
    return checks


def check_as_entered(
    system: TicketSystem,
    *,
    expected: Expected | None = None,
    clock: Clock = timezone.now,
    make_client: Callable[[TicketSystem], Client] = open_client,
) -> list[Check]:
    """The same for a system with values that are not saved; one that is not stored at all has the key 0."""
    try:
        with make_client(system) as client:
            return list(_checks(client, system, expected or Expected(), clock=clock))
    except (InterfaceError, DecryptionError) as error:
        return [Check(operation=_("Settings"), works=False, text=str(error), fix=fix_of(error))]


def _checks(client: Client, system: TicketSystem, expected: Expected, *, clock: Clock) -> Iterator[Check]:
    now = clock()
    check, _unused = ask(login_check_name(system), lambda: _log_in(client), "")
    if not check.works and system.goes_over_rpc("TicketSearch"):
        check = replace(check, fix=rpc_fix())
    yield check
    if not check.works:
        return
    if makes_session(system):
        yield session_check(client, now=now)
    none: tuple[str, ...] = ()
    check, ids = ask("TicketSearch", lambda: _search(client, now=now), none)
    yield check
    yield limit_check(client)
    if ids:
        check, shown = ask("TicketGet", lambda: _get(client, ids, clock=clock), Shown())
        yield check
        check, _unused = ask("TicketHistoryGet", lambda: _histories(client, ids), "")
        yield replace(check, needed=system.time_source != TicketSystem.TimeSource.AGENTS)
        if shown.tickets:
            yield _clock_check(system, shown, now=now)
    check, _unused = ask("TimeAccountingGet", lambda: _time(client, system, now=now), "")
    yield replace(check, needed=system.time_source != TicketSystem.TimeSource.HISTORY)
    yield from writing_checks(client, system, today=now.astimezone(system.zone).date())
    yield from rpc_checks(system)
    yield from expectation_checks(client, system, expected)


def _log_in(client: Client) -> tuple[str, str]:
    client.check_login()
    return _("The login works."), ""


def _search(client: Client, *, now: datetime) -> tuple[str, tuple[str, ...]]:
    """Some tickets changed of late. Raises ``NoPermission`` when the agent sees no ticket at all."""
    for back in LOOK_BACK:
        if ids := client.search_changed_tickets(start=now - back, end=now + AHEAD):
            return _("The search works and finds tickets changed of late."), ids[:SAMPLE]
    if not client.any_ticket_visible():
        raise NoPermission(_("The search finds no ticket at all."))
    return _("The search works; no ticket was changed in the last year."), ()


def _get(client: Client, ids: tuple[str, ...], *, clock: Clock) -> tuple[str, Shown]:
    asked = clock()
    tickets = client.get_tickets(ids).tickets
    if not tickets:
        raise NoPermission(_("The search finds tickets, but none of them is shown."))
    drift = clock_drift(tickets, asked=asked, answered=clock())
    return _("Tickets read: %(count)d.") % {"count": len(tickets)}, Shown(tickets, drift)


def _histories(client: Client, ids: tuple[str, ...]) -> tuple[str, str]:
    return _("Histories read: %(count)d.") % {"count": len(client.get_histories(ids).histories)}, ""


def _time(client: Client, system: TicketSystem, *, now: datetime) -> tuple[str, str]:
    """An agent who booked nothing is answered like one that does not exist, so only refusals are telling."""
    month, login = Month.of(now.astimezone(system.zone)), _login_toask(system)
    rows = client.accounted_time(login, start=month.start(system.zone), end=month.end(system.zone))
    names = {"login": login, "month": month, "count": len(rows)}
    return _("Entries of %(login)s in %(month)s read: %(count)d.") % names, ""


def _login_toask(system: TicketSystem) -> str:
    agent = Agent.objects.filter(system=system, login__isnull=False).first()
    return agent.login if agent is not None and agent.login is not None else system.login


def _clock_check(system: TicketSystem, shown: Shown, *, now: datetime) -> Check:
    """The interface never tells its zone. The age of the tickets does, or a change that lies in the future."""
    newest = max(ticket.changed for ticket in shown.tickets)
    names = {"newest": newest.astimezone(system.zone).strftime("%Y-%m-%d %H:%M:%S"), "zone": system.time_zone}
    if shown.drift is not None and abs(shown.drift) > MOST_DRIFT:
        wrong = _drift_sentence(system, shown.drift)
    elif newest > now + MOST_DRIFT:
        wrong = _("Taken as %(zone)s, a ticket was last changed at %(newest)s, which has not come yet.") % names
    else:
        text = _("Taken as %(zone)s, the newest ticket read was last changed at %(newest)s.") % names
        if shown.drift is not None:
            text = _("The ticket system's clock and zone fit.") + " " + text
        return Check(operation=_("Time zone"), works=True, text=text)
    fix = _("Set the zone to the ticket system's OTRSTimeZone, and let both clocks be set by NTP.")
    return Check(operation=_("Time zone"), works=False, text=wrong, fix=fix)


def _drift_sentence(system: TicketSystem, drift: timedelta) -> str:
    names = {"minutes": round(abs(drift) / timedelta(minutes=1)), "zone": system.time_zone}
    if drift > timedelta():
        return _("Taken as %(zone)s, the ticket system's clock is %(minutes)d minutes ahead of the portal's.") % names
    return _("Taken as %(zone)s, the ticket system's clock is %(minutes)d minutes behind the portal's.") % names
