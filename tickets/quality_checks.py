"""The checks of the data quality page: what each one is called, why it matters and what to do about it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from common.spans import Span
from common.templatetags.formats import number
from tickets.models import AnyUser, TicketSystem, sees_all_customers

LONGEST_MINUTES = 480  # of one entry; a working day
BULK = 10  # tickets of one ticket system that were closed in the same minute


class Kind(Enum):
    """What a check counts and lists."""

    TICKETS = "tickets"
    ENTRIES = "entries"
    CUSTOMERS = "customers"
    AGENTS = "agents"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """``key`` stands in the address. ``needs_all``: only who sees all customers can be told, so nobody else is."""

    key: str
    title: Promise
    why: Promise
    kind: Kind
    needs_all: bool = False


WITHOUT_TIME = Check(
    key="closed-without-time",
    title=_("Closed tickets without time"),
    why=_(
        "Work may have been done that nobody wrote down, and no order will hold it. Ask the owner; time that is "
        "booked now is read with the next sync."
    ),
    kind=Kind.TICKETS,
)
BULK_CLOSED = Check(
    key="bulk-closed",
    title=_("Tickets closed in bulk"),
    why=_(
        "At least ten tickets of one ticket system were last closed in the same minute. A bulk action asks for no "
        "time, so look whether these tickets have all of theirs."
    ),
    kind=Kind.TICKETS,
)
WITHOUT_CUSTOMER = Check(
    key="without-customer",
    title=_("Time on tickets without customer"),
    why=_("Nobody can be billed for it. Give the ticket its customer in the ticket system."),
    kind=Kind.ENTRIES,
    needs_all=True,
)
UNNAMED_CUSTOMERS = Check(
    key="unnamed-customers",
    title=_("Customers that nobody has named here"),
    why=_(
        "The CustomerID came with a ticket, and the interface tells no names. It may be a new customer or a typing "
        "error: name it in the set-up and assign an account manager, or correct the ticket."
    ),
    kind=Kind.CUSTOMERS,
)
NUMBER_ONLY = Check(
    key="number-only",
    title=_("Time on tickets that only time accounting named"),
    why=_(
        "Of these tickets only number, title and CustomerID are known, not whether they are closed, so they come "
        "into no order. Give the portal's agent the right to read them, or have them merged or deleted."
    ),
    kind=Kind.ENTRIES,
)
INTERNAL_QUEUES = Check(
    key="internal-queues",
    title=_("Time on internal queues"),
    why=_(
        "Time there is not meant for a customer and would still be billed. Move the ticket, or take the queue off "
        "the internal ones, which stand at each ticket system in the set-up."
    ),
    kind=Kind.ENTRIES,
)
OPEN_TICKETS = Check(
    key="open-tickets",
    title=_("Time on tickets that are still open"),
    why=_(
        "It is billed only once the ticket is closed. Look whether the work is done; the state is the one that was "
        "read last."
    ),
    kind=Kind.ENTRIES,
)
LONG = Check(
    key="long-entries",
    title=_("Entries of more than 8 hours"),
    why=_("Longer than a working day: often a typing error, or several days in one. Ask whoever booked it."),
    kind=Kind.ENTRIES,
)
NEGATIVE = Check(
    key="negative-entries",
    title=_("Negative entries"),
    why=_(
        "They take back time that was booked before. Look whether the ticket's entries together make what was worked."
    ),
    kind=Kind.ENTRIES,
)
ZERO = Check(
    key="zero-entries",
    title=_("Entries of zero minutes"),
    why=_("They bill nothing; the time may have been forgotten when the ticket was answered. Ask whoever booked it."),
    kind=Kind.ENTRIES,
)
FUTURE = Check(
    key="future-entries",
    title=_("Entries booked in the future"),
    why=_(
        "The ticket system notes when time is booked, so this cannot be. The time zone set at the ticket system here, "
        "or the clock over there, is wrong, and time may stand in the wrong month."
    ),
    kind=Kind.ENTRIES,
)
WITHOUT_LOGIN = Check(
    key="agents-without-login",
    title=_("Agents known by UserID only"),
    why=_(
        "No ticket has shown their login yet, so their name is not known and their time accounting cannot be asked "
        "for. Enter the login at the agent in the set-up."
    ),
    kind=Kind.AGENTS,
)
WITHOUT_USER_ID = Check(
    key="agents-without-user-id",
    title=_("Agents known by login only"),
    why=_(
        "Histories of tickets name agents by UserID, so their bookings there cannot be recognised. Enter the UserID "
        "at the agent in the set-up."
    ),
    kind=Kind.AGENTS,
)

CHECKS = (
    WITHOUT_TIME,
    BULK_CLOSED,
    WITHOUT_CUSTOMER,
    UNNAMED_CUSTOMERS,
    NUMBER_ONLY,
    INTERNAL_QUEUES,
    OPEN_TICKETS,
    LONG,
    NEGATIVE,
    ZERO,
    FUTURE,
    WITHOUT_LOGIN,
    WITHOUT_USER_ID,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What is looked at: ``span`` in days of each ticket system's own zone, as far as the user may see it."""

    span: Span
    user: AnyUser
    now: datetime
    systems: tuple[TicketSystem, ...]


def scope_of(span: Span, *, user: AnyUser, now: datetime) -> Scope:
    return Scope(span=span, user=user, now=now, systems=tuple(TicketSystem.objects.all()))


def checks_for(user: AnyUser) -> list[Check]:
    """Those whose findings the user may see at all."""
    return [check for check in CHECKS if not check.needs_all or sees_all_customers(user)]


def counted(kind: Kind, count: int) -> str:
    """``12 tickets``."""
    texts = {
        Kind.TICKETS: ngettext("%(count)s ticket", "%(count)s tickets", count),
        Kind.ENTRIES: ngettext("%(count)s entry", "%(count)s entries", count),
        Kind.CUSTOMERS: ngettext("%(count)s customer", "%(count)s customers", count),
        Kind.AGENTS: ngettext("%(count)s agent", "%(count)s agents", count),
    }
    return texts[kind] % {"count": number(Decimal(count))}
