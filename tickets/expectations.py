"""What an administrator knows of the ticket system and the portal should see: queues, and one booking's hour."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from generic_interface.client import Client
from generic_interface.errors import IncompleteAnswer, NoPermission
from generic_interface.records import TicketHistory
from tickets.check_results import Check, ask, ask_plainly
from tickets.models import Ticket, TicketSystem

AS_EXPECTED = timedelta(minutes=2)
"""People read a clock in minutes."""
MOST_QUEUES = 100
"""Each is a search of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """``queues`` by their whole names, besides those of the mirrored tickets.

    ``booked_at`` is the aware moment at which somebody booked time on the ticket ``number``; without both no booking is
    looked for.
    """

    queues: tuple[str, ...] = ()
    number: str = ""
    booked_at: datetime | None = None


def expectation_checks(client: Client, system: TicketSystem, expected: Expected) -> Iterator[Check]:
    """One check for each question that there is something to ask about."""
    if queues := _queues(system, expected):
        yield ask_plainly(_("Queues"), lambda: _see_queues(client, queues))
    if expected.number and expected.booked_at is not None:
        yield _booking(client, expected.number, expected.booked_at)


def _queues(system: TicketSystem, expected: Expected) -> tuple[str, ...]:
    mirrored = Ticket.objects.filter(system=system).exclude(queue="").order_by("queue")
    names = (*expected.queues, *mirrored.values_list("queue", flat=True).distinct()[:MOST_QUEUES])
    return tuple(dict.fromkeys(names))[:MOST_QUEUES]


def _see_queues(client: Client, queues: tuple[str, ...]) -> str:
    """Raises ``NoPermission``: a queue that may not be read is answered like one that does not exist."""
    unseen = [queue for queue in queues if not client.any_ticket_visible(queue=queue)]
    if unseen:
        raise NoPermission(
            _(
                "No ticket is seen in %(queues)s. Either the queue is empty, it has another name, or the agent may not "
                "read it: its time would then be missing without a word."
            )
            % {"queues": ", ".join(_("“%(name)s”") % {"name": queue} for queue in unseen)}
        )
    return _("Tickets are seen in each of %(count)d queues.") % {"count": len(queues)}


def _booking(client: Client, number: str, expected: datetime) -> Check:
    check, found = ask(_("Booking"), lambda: _nearest_booking(client, number, expected), None)
    if found is None or abs(found - expected) <= AS_EXPECTED:
        return check
    return Check(
        operation=_("Booking"),
        works=False,
        text=_("The booking nearest to %(expected)s on ticket %(number)s is seen at %(found)s.")
        % {"expected": _clock_time(expected), "found": _clock_time(found), "number": number},
        fix=_(
            "If it is the same booking, set the zone to the ticket system's OTRSTimeZone: a wrong one moves bookings "
            "into other months."
        ),
    )


def _nearest_booking(client: Client, number: str, expected: datetime) -> tuple[str, datetime]:
    tickets = client.find_tickets([number])
    if not tickets:
        raise NoPermission(_("The ticket %(number)s is not found.") % {"number": number})
    moments = [moment for history in client.get_histories(tickets).histories for moment in _moments(history, client)]
    if not moments:
        raise IncompleteAnswer(_("There is no booking on ticket %(number)s.") % {"number": number})
    nearest = min(moments, key=lambda moment: abs(moment - expected))
    return _("A booking on ticket %(number)s is seen at %(found)s, as expected.") % {
        "number": number,
        "found": _clock_time(nearest),
    }, nearest


def _moments(history: TicketHistory, client: Client) -> Iterator[datetime]:
    """Of an hour that comes twice the first is meant."""
    return (booking.booked_local.replace(tzinfo=client.zone) for booking in history.bookings)


def _clock_time(moment: datetime) -> str:
    """In the portal's zone, which is that of the people who look at it."""
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M:%S}"
