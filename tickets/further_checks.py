"""Checks of what a sync can do without: the session and its clock, the limit of a search, and what writes."""

import secrets
from collections.abc import Iterator
from datetime import date, datetime
from functools import partial

from django.utils.translation import gettext as _

from generic_interface.absences import Absence, AddressedBy
from generic_interface.client import Client
from generic_interface.clock import MOST_DRIFT
from generic_interface.search import DEFAULT_LIMIT
from tickets.check_results import Check, ask, ask_plainly
from tickets.models import TicketSystem

MORE_THAN_DEFAULT = DEFAULT_LIMIT + 1


def session_check(client: Client, *, now: datetime) -> Check:
    """Besides the session's life this compares the clocks, whatever the zone: its start is told in seconds."""
    check, started = ask("SessionGet", lambda: _session(client), None)
    if started is None or abs(started - now) <= MOST_DRIFT:
        return Check(operation=check.operation, works=check.works, text=check.text, fix=check.fix, needed=False)
    return Check(
        operation="SessionGet",
        works=False,
        text=_("By the ticket system's clock the session began %(minutes)d minutes from now; it is off by that much.")
        % {"minutes": round((started - now).total_seconds() / 60)},
        fix=_("Let the clocks of the ticket system and of the portal be set by NTP."),
    )


def _session(client: Client) -> tuple[str, datetime]:
    started = client.session_started()
    return _(
        "The session holds, and both clocks agree. It ends after two hours; the portal then logs in again."
    ), started


def limit_check(client: Client) -> Check:
    """Whether a search heeds the limit that the portal sends; a lower one of its own is found and worked around."""
    return ask_plainly(_("Search limit"), lambda: _limit(client), needed=False)


def _limit(client: Client) -> str:
    found = client.count_tickets(limit=MORE_THAN_DEFAULT)
    if found > DEFAULT_LIMIT:
        return _("A search brings more than its default of %(limit)d tickets when asked to.") % {"limit": DEFAULT_LIMIT}
    if found == DEFAULT_LIMIT:
        return _(
            "A search brings exactly %(limit)d tickets, whatever it is asked for. Months are split until they are "
            "complete."
        ) % {"limit": DEFAULT_LIMIT}
    return _("There are only %(count)d tickets to see, too few to tell the limit of a search.") % {"count": found}


def writing_checks(client: Client, system: TicketSystem, *, today: date) -> Iterator[Check]:
    """What writes is asked for nothing: no ticket, and the absence of an agent that nobody has."""
    yield ask_plainly("OutOfOffice", lambda: _absence(client, today), needed=False)
    for operation in ("TicketCreate", "TicketUpdate"):
        if not system.goes_over_rpc(operation):  # there nothing can be asked for without being done
            yield ask_plainly(operation, partial(_probe, client, operation), needed=False)


def _probe(client: Client, operation: str) -> str:
    client.probe(operation)
    return _("The operation answers. Nothing was written: it was asked without a ticket.")


def _absence(client: Client, today: date) -> str:
    """The ticket system ignores rows for agents that it does not know; only the rights are looked at."""
    nobody = f"portal-check-{secrets.token_hex(8)}"
    client.set_out_of_office([Absence(user=nobody, start=today, end=today, enabled=False)], by=AddressedBy.LOGIN)
    return _("The agent may upload absences. Nothing was changed: the row sent names an agent that does not exist.")
