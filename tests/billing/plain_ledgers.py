"""Ledgers as small as they can be: a careful one, and three that look right and are not."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from common.months import Month
from tests.billing.machine import NOBODY


@dataclass(slots=True, eq=False)
class PlainTicket:
    customer: int
    is_closed: bool = False
    closings: set[Month] = field(default_factory=set)


@dataclass(slots=True, eq=False)
class PlainEntry:
    ticket: PlainTicket
    minutes: Decimal
    month: Month
    is_gone: bool = False


@dataclass(slots=True, eq=False)
class PlainOrder:
    """``minutes`` is what is billed, ``entries`` what the ledger has marked as billed by it."""

    month: Month
    minutes: Decimal
    entries: list[PlainEntry]
    is_void: bool = False


class PlainWorld:
    """The ticket system in memory. Orders are issued at once; ``draft`` makes one of a ledger's kind."""

    def __init__(self) -> None:
        self.tickets: list[PlainTicket] = []
        self.entries: list[PlainEntry] = []
        self.orders: list[PlainOrder] = []

    def open_ticket(self, customer: int) -> None:
        self.tickets.append(PlainTicket(customer))

    def book(self, ticket: int, minutes: str, month: Month) -> None:
        self.entries.append(PlainEntry(self._ticket(ticket), Decimal(minutes), month))

    def close(self, ticket: int, month: Month) -> None:
        closed = self._ticket(ticket)
        closed.is_closed = True
        closed.closings.add(month)

    def reopen(self, ticket: int) -> None:
        self._ticket(ticket).is_closed = False

    def remove(self, entry: int) -> None:
        self.entries[entry % len(self.entries)].is_gone = True

    def merge(self, into: int, ticket: int) -> None:
        main, away = self._ticket(into), self._ticket(ticket)
        for entry in self.entries:
            if entry.ticket is away:
                entry.ticket = main

    def give(self, ticket: int, customer: int) -> None:
        self._ticket(ticket).customer = customer

    def issue(self) -> None:
        """Orders are issued as they are drafted."""

    def void(self, order: int) -> None:
        if self.orders:
            self.orders[order % len(self.orders)].is_void = True

    def bill(self, month: Month, meanwhile: str) -> None:
        self.orders += self.draft(month, meanwhile)

    def draft(self, month: Month, meanwhile: str) -> list[PlainOrder]:
        raise NotImplementedError

    def check(self) -> None:
        """Each entry is marked by one order that stands, and an order bills what it has marked."""
        standing = [order for order in self.orders if not order.is_void]
        marked = Counter(entry for order in standing for entry in order.entries)
        assert set(marked.values()) <= {1}
        for order in standing:
            assert order.minutes == total(order.entries)
        left = total(entry for entry in self.entries if not entry.is_gone and entry not in marked)
        vanished = total(entry for entry in marked if entry.is_gone)
        mirrored = total(entry for entry in self.entries if not entry.is_gone)
        assert sum((order.minutes for order in standing), Decimal(0)) + left - vanished == mirrored

    def happen(self, meanwhile: str, month: Month) -> None:
        """What somebody else does between two steps of a run."""
        match meanwhile:
            case "book":
                self.book(0, "20", month)
            case "move":
                self.merge(0, 1)
            case "remove":
                self.remove(0)
            case "run":
                self.bill(month, "")

    def free(self, month: Month) -> list[PlainEntry]:
        """What can be billed and no order that stands has marked."""
        marked = {entry for order in self.orders if not order.is_void for entry in order.entries}
        return [entry for entry in self.billable(month) if entry not in marked]

    def billable(self, month: Month) -> list[PlainEntry]:
        return [
            entry
            for entry in self.entries
            if not entry.is_gone and entry.month <= month and self._is_billed(entry.ticket, month)
        ]

    def _is_billed(self, ticket: PlainTicket, month: Month) -> bool:
        return ticket.is_closed and month in ticket.closings and ticket.customer != NOBODY

    def _ticket(self, number: int) -> PlainTicket:
        return self.tickets[number % len(self.tickets)]


def total(entries: Iterable[PlainEntry]) -> Decimal:
    return sum((entry.minutes for entry in entries), Decimal(0))


class CarefulLedger(PlainWorld):
    """Marks first, then sums what it has marked; a mark that is there already is not set again."""

    def draft(self, month: Month, meanwhile: str) -> list[PlainOrder]:
        self.happen(meanwhile, month)
        entries = self.free(month)
        return [PlainOrder(month, total(entries), entries)]


class SumThenMark(PlainWorld):
    """Sums what is free, then marks what is free; the second time it may be something else."""

    def draft(self, month: Month, meanwhile: str) -> list[PlainOrder]:
        minutes = total(self.free(month))
        self.happen(meanwhile, month)
        return [PlainOrder(month, minutes, self.free(month))]


class TicketTotals(PlainWorld):
    """Bills the total of each ticket once a month; one that is closed again in a later month is billed anew."""

    def draft(self, month: Month, meanwhile: str) -> list[PlainOrder]:
        self.happen(meanwhile, month)
        orders = [order for order in self.orders if order.month == month and not order.is_void]
        billed = {entry.ticket for order in orders for entry in order.entries}
        entries = [entry for entry in self.billable(month) if entry.ticket not in billed]
        return [PlainOrder(month, total(entries), entries)]


class CheckThenInsert(PlainWorld):
    """Looks which entries are free, then marks them without looking again."""

    def draft(self, month: Month, meanwhile: str) -> list[PlainOrder]:
        entries = self.free(month)
        self.happen(meanwhile, month)
        return [PlainOrder(month, total(entries), entries)]
