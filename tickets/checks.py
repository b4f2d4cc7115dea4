"""Asking a ticket system one question per operation, so that a person sees what works and what to do about the rest."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from django.utils import timezone
from django.utils.translation import gettext as _

from common.fields import DecryptionError
from common.months import Month
from generic_interface.client import Client
from generic_interface.clock import MOST_DRIFT, clock_drift
from generic_interface.errors import (
    ApplicationError,
    AuthenticationFailed,
    BadAnswer,
    InterfaceError,
    NoPermission,
    Unreachable,
)
from generic_interface.records import TicketRecord
from tickets.connect import open_client
from tickets.models import Agent, TicketSystem

LOOK_BACK = (timedelta(days=1), timedelta(days=31), timedelta(days=366))
AHEAD = timedelta(days=1)
"""With a wrong zone the latest changes lie in the future."""
SAMPLE = 20
Clock = Callable[[], datetime]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """``operation`` is that of the interface, or what else was looked at. Without ``needed`` a failure does no harm."""

    operation: str
    works: bool
    text: str
    fix: str = ""
    needed: bool = True


@dataclass(frozen=True, slots=True)
class Shown:
    """Tickets that were read; ``drift`` is how far the ticket system's clock is ahead by them, ``None`` if untold."""

    tickets: tuple[TicketRecord, ...] = ()
    drift: timedelta | None = None


def check_connection(
    system_id: int,
    *,
    clock: Clock = timezone.now,
    make_client: Callable[[TicketSystem], Client] = open_client,
) -> list[Check]:
    """One check per operation, in the order in which a sync uses them; those that cannot be made are left out."""
    try:
        system = TicketSystem.objects.get(pk=system_id)
        with make_client(system) as client:
            return list(_checks(client, system, clock=clock))
    except (InterfaceError, DecryptionError) as error:
        return [Check(operation=_("Settings"), works=False, text=str(error), fix=_fix(error))]


def _checks(client: Client, system: TicketSystem, *, clock: Clock) -> Iterator[Check]:
    now = clock()
    by_session = system.authentication == TicketSystem.Authentication.SESSION
    check, _unused = _ask("SessionCreate" if by_session else _("Login"), lambda: _log_in(client), "")
    yield check
    if not check.works:
        return
    none: tuple[str, ...] = ()
    check, ids = _ask("TicketSearch", lambda: _search(client, now=now), none)
    yield check
    if ids:
        check, shown = _ask("TicketGet", lambda: _get(client, ids, clock=clock), Shown())
        yield check
        check, _unused = _ask("TicketHistoryGet", lambda: _histories(client, ids), "")
        yield replace(check, needed=system.time_source != TicketSystem.TimeSource.AGENTS)
        if shown.tickets:
            yield _clock_check(system, shown, now=now)
    check, _unused = _ask("TimeAccountingGet", lambda: _time(client, system, now=now), "")
    yield replace(check, needed=system.time_source != TicketSystem.TimeSource.HISTORY)


def _ask(operation: str, question: Callable[[], tuple[str, T]], nothing: T) -> tuple[Check, T]:
    """The check and what the question found, ``nothing`` where it was not answered."""
    try:
        text, found = question()
        return Check(operation=operation, works=True, text=text), found
    except InterfaceError as error:
        return Check(operation=operation, works=False, text=str(error), fix=_fix(error)), nothing


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
    month, login = Month.of(now.astimezone(system.zone)), _login_to_ask(system)
    rows = client.accounted_time(login, start=month.start(system.zone), end=month.end(system.zone))
    names = {"login": login, "month": month, "count": len(rows)}
    return _("Entries of %(login)s in %(month)s read: %(count)d.") % names, ""


def _login_to_ask(system: TicketSystem) -> str:
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


def _fix(error: InterfaceError | DecryptionError) -> str:
    match error:
        case AuthenticationFailed():
            return _("Check login and password, and that the agent is valid in the ticket system.")
        case NoPermission():
            return _(
                "Give the agent ro on the groups of all queues that are billed, and rw on the group "
                "timeaccounting_webservice for TimeAccountingGet."
            )
        case Unreachable():
            return _(
                "Check the base URL, the firewall, and that the web service exists and is valid: a web service that "
                "does not exist closes the connection without an answer."
            )
        case BadAnswer():
            return _(
                "Check the base URL (it ends before /nph-genericinterface.pl), the preset and the routes, and that no "
                "proxy or login page answers instead."
            )
        case ApplicationError():
            return _("Import the web service of the chosen preset again; this operation is configured differently.")
    return _("Correct the settings of this ticket system.")
