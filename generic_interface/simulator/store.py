"""The tickets of the stand-in ticket system and the truth that tests compare with.

One time unit is one minute. Nothing happens after ``now``, which moves forward with the changes.
``data_set.DataSet`` adds everything that alters tickets.
"""

import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal

from generic_interface.simulator.model import (
    Agent,
    Article,
    Customer,
    CustomerUser,
    Entry,
    Queue,
    SentMail,
    Ticket,
)
from generic_interface.simulator.months import Month, end_of, first_second

DYNAMIC_FIELDS = (
    "Abrechenbar",
    "Auftragsnummer",
    "Leistungsart",
    "ProcessManagementActivityID",
    "ProcessManagementProcessID",
)


class UnknownName(LookupError):
    """A test asked the data set for something that it does not hold."""


class TicketStore:
    """``special`` names the tickets that show one particular case; ``months`` are those that the data cover."""

    def __init__(
        self,
        *,
        agents: Iterable[Agent],
        queues: Iterable[Queue],
        customers: Iterable[Customer],
        customer_users: Iterable[CustomerUser],
        now: datetime,
        months: tuple[Month, ...] = (),
    ) -> None:
        self.agents: dict[str, Agent] = {agent.login: agent for agent in agents}
        self.queues: Mapping[str, Queue] = {queue.name: queue for queue in queues}
        self.customers: Mapping[str, Customer] = {customer.number: customer for customer in customers}
        self.customer_users: Mapping[str, CustomerUser] = {user.login: user for user in customer_users}
        self.tickets: dict[str, Ticket] = {}
        self.special: dict[str, str] = {}
        self.preferences: dict[int, dict[str, str]] = {}
        """Of agents by UserID, as far as an operation writes them."""
        self.mails: list[SentMail] = []
        """What ArticleSend put into the queue."""
        self.mail_keys: set[str] = set()
        """Names of the PGP and S/MIME keys that the system holds."""
        self.months = months
        self.now = now
        self.next_ticket_id = 1001
        self.next_article_id = 2001
        self.numbers_of_day: Counter[date] = Counter()
        self.lock = threading.RLock()

    def ticket(self, ticket_id: str) -> Ticket:
        if ticket_id not in self.tickets:
            raise UnknownName(f"The data set holds no ticket {ticket_id}.")
        return self.tickets[ticket_id]

    def ticket_by_number(self, number: str) -> Ticket:
        for ticket in self.tickets.values():
            if ticket.number == number:
                return ticket
        raise UnknownName(f"The data set holds no ticket with the number {number}.")

    def article(self, ticket_id: str, article_id: int) -> Article:
        for article in self.ticket(ticket_id).articles:
            if article.article_id == article_id:
                return article
        raise UnknownName(f"The ticket {ticket_id} holds no article {article_id}.")

    def agent_by_id(self, user_id: int) -> Agent:
        for agent in self.agents.values():
            if agent.user_id == user_id:
                return agent
        raise UnknownName(f"The data set holds no agent {user_id}.")

    def queue_by_id(self, queue_id: int) -> Queue:
        for queue in self.queues.values():
            if queue.queue_id == queue_id:
                return queue
        raise UnknownName(f"The data set holds no queue {queue_id}.")

    def customer_user_of(self, customer_number: str) -> CustomerUser:
        """The first customer user of a customer."""
        for user in self.customer_users.values():
            if user.customer_number == customer_number:
                return user
        raise UnknownName(f"The data set holds no user of the customer {customer_number}.")

    def newest_first(self) -> list[Ticket]:
        """All tickets in the order in which a search without SortBy gives them."""
        return sorted(self.tickets.values(), key=lambda ticket: (ticket.created, int(ticket.ticket_id)), reverse=True)

    # The truth, for tests.

    def minutes_of(self, ticket_id: str) -> Decimal:
        """Everything ever booked on the ticket, by all agents."""
        return self.ticket(ticket_id).units()

    def entries_of(self, ticket_id: str) -> tuple[Entry, ...]:
        return tuple(sorted(self.ticket(ticket_id).entries, key=lambda entry: entry.booked))

    def entries(self) -> tuple[Entry, ...]:
        """All bookings, by time and ticket; equal ones appear as often as they were booked."""
        every = (entry for ticket in self.tickets.values() for entry in ticket.entries)
        return tuple(sorted(every, key=lambda entry: (entry.booked, int(entry.ticket_id))))

    def entries_booked_in(self, month: Month) -> tuple[Entry, ...]:
        """Bookings from 00:00:00 of the first to 23:59:59 of the last day."""
        return tuple(entry for entry in self.entries() if first_second(month) <= entry.booked < end_of(month))

    def minutes_booked_in(self, month: Month) -> Decimal:
        return sum((entry.units for entry in self.entries_booked_in(month)), Decimal(0))

    def closed_in(self, month: Month) -> tuple[str, ...]:
        """Ids of the tickets closed at some time in the month and closed now (what StateType closed finds)."""
        return tuple(
            ticket.ticket_id
            for ticket in self.newest_first()
            if ticket.state.state_type == "closed"
            and any(first_second(month) <= moment < end_of(month) for moment in ticket.close_times())
        )

    def minutes_to_bill(self, month: Month) -> Decimal:
        """Minutes on the tickets closed in the month, booked in any month up to its end."""
        entries = (entry for ticket_id in self.closed_in(month) for entry in self.entries_of(ticket_id))
        return sum((entry.units for entry in entries if entry.booked < end_of(month)), Decimal(0))
