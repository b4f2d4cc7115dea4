"""A ledger that people work on in any order: one machine for the portal and for plain models of ledgers.

What the machine does is drawn by hypothesis; what it does it to is a ``World``. After every step the world proves that
each minute is billed once or stands in a list.
"""

from typing import Protocol

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from common.months import Month

MONTHS = (Month(2026, 8), Month(2026, 9), Month(2026, 10))
CUSTOMERS = 3
NOBODY = CUSTOMERS
"""In place of a customer's number: the ticket has none."""

picks = st.integers(0, 11)
"""Which of the things that there are, counted round and round."""
months = st.sampled_from(MONTHS)
owners = st.sampled_from([0, 0, 1, 1, 2, NOBODY])
minutes = st.sampled_from(["5", "10", "7.25", "20", "-5"])
meanwhile = st.sampled_from(["", "", "", "book", "move", "remove", "run"])


class World(Protocol):
    """Tickets and entries are picked by number, customers are 0, 1, 2 and ``NOBODY``."""

    def open_ticket(self, customer: int) -> None: ...

    def book(self, ticket: int, minutes: str, month: Month) -> None: ...

    def close(self, ticket: int, month: Month) -> None: ...

    def reopen(self, ticket: int) -> None: ...

    def remove(self, entry: int) -> None: ...

    def merge(self, into: int, ticket: int) -> None: ...

    def give(self, ticket: int, customer: int) -> None: ...

    def bill(self, month: Month, meanwhile: str) -> None:
        """``meanwhile``: what happens between counting and writing; ``run``: another run is started."""

    def issue(self) -> None: ...

    def void(self, order: int) -> None: ...

    def check(self) -> None:
        """Fails where a minute is billed twice or stands nowhere."""


class LedgerMachine(RuleBasedStateMachine):
    """Books, syncs, bills, issues, voids, merges, deletes and gives to other customers, in any order."""

    def make_world(self) -> World:
        raise NotImplementedError

    @initialize()
    def begin(self) -> None:
        self.world = self.make_world()
        for customer in (0, 1):
            self.world.open_ticket(customer)
            self.world.book(customer, "10", MONTHS[0])

    @rule(customer=owners)
    def open_ticket(self, customer: int) -> None:
        self.world.open_ticket(customer)

    @rule(ticket=picks, units=minutes, month=months)
    def book(self, ticket: int, units: str, month: Month) -> None:
        self.world.book(ticket, units, month)

    @rule(ticket=picks, units=minutes, month=months)
    def book_and_close(self, ticket: int, units: str, month: Month) -> None:
        self.world.book(ticket, units, month)
        self.world.close(ticket, month)

    @rule(ticket=picks)
    def reopen(self, ticket: int) -> None:
        self.world.reopen(ticket)

    @rule(entry=picks)
    def remove(self, entry: int) -> None:
        self.world.remove(entry)

    @rule(into=picks, ticket=picks)
    def merge(self, into: int, ticket: int) -> None:
        self.world.merge(into, ticket)

    @rule(ticket=picks, customer=owners)
    def give(self, ticket: int, customer: int) -> None:
        self.world.give(ticket, customer)

    @rule(month=months, meanwhile=meanwhile)
    def bill(self, month: Month, meanwhile: str) -> None:
        self.world.bill(month, meanwhile)

    @rule(month=months)
    def bill_and_issue(self, month: Month) -> None:
        self.world.bill(month, "")
        self.world.issue()

    @rule(order=picks)
    def void(self, order: int) -> None:
        self.world.void(order)

    @rule(order=picks, month=months)
    def correct(self, order: int, month: Month) -> None:
        self.world.void(order)
        self.world.bill(month, "")
        self.world.issue()

    @invariant()
    def every_minute_stands_once(self) -> None:
        self.world.check()
