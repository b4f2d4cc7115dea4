"""Typed answers of the Generic Interface.

Two habits of the interface shape these records (see ``docs/connect-your-ticket-system.md``):

* Dates are local time of the ticket system's zone, without offset. A *booking* keeps that naive local
  time (``booked_local``), because it is part of the booking's identity; in the autumn night two bookings
  an hour apart carry the same text. All other dates are aware, converted with the zone of the connection.
* Time units are ``Decimal`` read from the text of the answer, with two decimals. What a unit is worth in
  minutes is not known here.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketRecord:
    """One ticket as TicketGet tells it (with ``Extended=1``)."""

    ticket_id: str
    number: str
    title: str
    state: str
    state_type: str
    queue: str
    type: str
    service: str
    sla: str
    priority: str
    owner_login: str
    owner_id: int
    responsible_login: str
    responsible_id: int
    customer_id: str
    """CustomerID; empty when the ticket has none."""
    customer_user: str
    created: datetime
    changed: datetime
    closed: datetime | None
    """The last closing; stays filled when the ticket is open again."""
    time_units: Decimal
    """Sum of all bookings ever, of all agents."""
    article_units: Decimal | None = None
    """Sum over the articles that the ticket has now; ``None`` when they were not asked for."""
    age: timedelta | None = None
    """Since ``created``, by the ticket system's own clock when it answered; never negative. See ``clock``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """One line of booked time in a ticket's history. The interface sends no id for it."""

    ticket_id: str
    creator_id: int
    """Numeric UserID of the agent who booked."""
    booked_local: datetime
    """Naive local time of the ticket system."""
    units: Decimal
    queue: str | None
    """Queue at that time, where the history tells it."""
    article_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChange:
    """One StateUpdate (or the NewTicket line, then ``old_state`` is empty)."""

    at: datetime
    old_state: str
    new_state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketHistory:
    """What TicketHistoryGet tells about one ticket, in the order of the server."""

    ticket_id: str
    bookings: tuple[Booking, ...]
    state_changes: tuple[StateChange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountedTime:
    """One line of TimeAccountingGet. Number, title and customer are those of today, the queue that of the booking."""

    login: str
    booked_local: datetime
    units: Decimal
    ticket_number: str
    title: str
    customer_id: str
    queue: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketBatch:
    """``unreadable`` names the ids that the ticket system refuses to show (deleted, forbidden or unknown)."""

    tickets: tuple[TicketRecord, ...]
    unreadable: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryBatch:
    histories: tuple[TicketHistory, ...]
    unreadable: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenTicket:
    """Where something was written; without an article ``article_id`` is ``None``."""

    ticket_id: str
    number: str
    article_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleRecord:
    """One article of a ticket; of a mail the ticket system has prefixed the subject and appended a signature."""

    article_id: str
    subject: str
    body: str
    time_units: Decimal
    """Sum of the bookings on it, possibly made later."""
    created: datetime

    def holds(self, marker: str) -> bool:
        return marker in self.subject or marker in self.body


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundTicket:
    ticket_id: str
    number: str
