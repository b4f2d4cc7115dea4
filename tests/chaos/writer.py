"""People at work in the ticket system while the portal reads and bills; and the reckoning of what they have done."""

import random
from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal

from common.months import Month
from generic_interface.simulator.administration import delete_article
from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.model import Customer, CustomerUser
from generic_interface.simulator.months import end_of, first_second
from generic_interface.simulator.people import AGENTS, QUEUES

AGENTS_AT_WORK = ("anna.mueller", "b.schmidt", "c.weber")
SHARE_DELETED = 0.02


def build(customers: int, month: Month) -> DataSet:
    numbers = [f"K{number:03}" for number in range(1, customers + 1)]
    return DataSet(
        agents=AGENTS,
        queues=QUEUES,
        customers=[Customer(number=number, name=f"Kunde {number}") for number in numbers],
        customer_users=[CustomerUser(login=number.lower(), customer_number=number) for number in numbers],
        now=first_second((month.year, month.month)),
    )


class Writer:
    """Books, closes, opens again, merges and moves tickets of one month, each act some minutes after the one before."""

    def __init__(self, data: DataSet, month: Month, dice: random.Random) -> None:
        self.data, self.month, self.dice = data, month, dice
        self.tickets: list[str] = []
        self.acts = 0
        self.moment = first_second((month.year, month.month)) + timedelta(hours=8)

    def begin(self) -> None:
        """Two closed tickets for each customer."""
        for number in self.data.customers:
            for _ticket in range(2):
                ticket = self._create(number)
                self._book(ticket)
                self.data.close(ticket, at=self._next())

    def act(self) -> None:
        """One thing, by the dice; most often somebody books time."""
        self.acts += 1
        ticket = self.dice.choice(self.tickets)
        acts = (self._book,) * 8 + (self._close,) * 5 + (self._new,) * 3 + (self._reopen, self._merge, self._move)
        self.dice.choice(acts)(ticket)
        if self.dice.random() < SHARE_DELETED:
            self._delete()

    def _next(self) -> datetime:
        self.moment += timedelta(minutes=self.dice.randint(1, 9), seconds=self.dice.randint(0, 59))
        if self.moment >= end_of((self.month.year, self.month.month)):
            raise RuntimeError("The month is over for the writer; give it fewer acts a round.")
        return self.moment

    def _create(self, customer: str) -> str:
        ticket = self.data.create(title="Under faults", customer=customer, at=self._next())
        self.tickets.append(ticket)
        return ticket

    def _new(self, _ticket: str) -> None:
        ticket = self._create(self.dice.choice(sorted(self.data.customers)))
        self._book(ticket)
        self._close(ticket)

    def _book(self, ticket: str) -> None:
        agent = self.dice.choice(AGENTS_AT_WORK)
        self.data.book(ticket, self.dice.randint(1, 60), at=self._next(), agent=agent)

    def _close(self, ticket: str) -> None:
        if self._is_open(ticket):
            self.data.close(ticket, at=self._next())

    def _reopen(self, ticket: str) -> None:
        if self.data.ticket(ticket).state.state_type == "closed":
            self.data.reopen(ticket, at=self._next())

    def _merge(self, ticket: str) -> None:
        other = self.dice.choice(self.tickets)
        if other != ticket:
            self.data.merge(ticket, other, at=self._next())
            self.tickets.remove(other)

    def _move(self, ticket: str) -> None:
        self.data.change_customer(ticket, self.dice.choice(sorted(self.data.customers)), at=self._next())

    def _delete(self) -> None:
        booked = [entry for ticket in self.tickets for entry in self.data.ticket(ticket).entries]
        delete_article(self.data, self.dice.choice(booked).article_id)

    def _is_open(self, ticket: str) -> bool:
        return self.data.ticket(ticket).state.state_type not in ("closed", "merged")


Minutes = dict[str, dict[str, Decimal]]


def reckoning(data: DataSet, month: Month) -> Minutes:
    """What the orders of the month have to hold, by CustomerID and ticket number, from the ticket system alone.

    A ticket counts when it is closed now and was closed in the month, with all that was booked on it until its end.
    """
    key = (month.year, month.month)
    found: defaultdict[str, dict[str, Decimal]] = defaultdict(dict)
    with data.lock:
        for ticket_id in data.closed_in(key):
            ticket = data.ticket(ticket_id)
            entries = [entry.units for entry in ticket.entries if entry.booked < end_of(key)]
            if entries and ticket.customer_number is not None:
                found[ticket.customer_number][ticket.number] = sum(entries, Decimal(0))
    return dict(found)
