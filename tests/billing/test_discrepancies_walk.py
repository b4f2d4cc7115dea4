"""Random walks over a living ticket system: after every step the discrepancies are those that plain loops find."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

import pytest
from django.db.models import QuerySet

from billing.audit import audit_ledger
from billing.discrepancies import count_discrepancies, discrepancies
from billing.discrepancy_kinds import Discrepancy
from billing.issuing import issue_orders, void_order
from billing.models import Allocation, Order, OrderPosition
from billing.orders import OrdersRefused, return_to_draft
from billing.settlement_models import Settlement, SettlementLine
from billing.settling import settle, take_back
from common.months import Month
from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.people import AGENTS, CUSTOMER_USERS, CUSTOMERS, QUEUES
from generic_interface.simulator.server import start_simulator
from tests.billing.test_walk import MONTHS, Walk
from tests.factories.tickets import connected
from tickets.models import TimeEntry

Named = tuple[str, int | None, int]
"""Kind, allocation and entry."""


def billed_otherwise(claim: Allocation) -> list[str]:
    entry, position = claim.entry, claim.position
    found = {
        "gone": entry.gone_at is not None,
        "changed": entry.gone_at is None and entry.minutes != claim.minutes,
        "moved_ticket": entry.ticket_id != position.ticket_id,
        "moved_customer": entry.ticket.customer_id != position.order.customer_id,
    }
    return [kind for kind, is_so in found.items() if is_so]


def came_late(entry: TimeEntry, positions: QuerySet[OrderPosition]) -> bool:
    months = positions.filter(ticket=entry.ticket, order__customer=entry.ticket.customer)
    return any(entry.local_day < Month.of(month).end_day for month in months.values_list("order__month", flat=True))


def counted_by_hand() -> tuple[set[Named], Decimal]:
    """All discrepancies, and the minutes that the orders would hold now less those that they do."""
    found: set[Named] = set()
    at_stake = Decimal(0)
    closed = OrderPosition.objects.exclude(order__state__in=[Order.State.DRAFT, Order.State.VOID])
    for claim in Allocation.objects.filter(live=True, position__in=closed).select_related("entry__ticket"):
        kinds = billed_otherwise(claim)
        found |= {(kind, claim.pk, claim.entry_id) for kind in kinds}
        is_lost = {"gone", "moved_customer"} & set(kinds)
        at_stake += (0 if is_lost else claim.entry.minutes) - claim.minutes
    for entry in TimeEntry.objects.present().exclude(allocations__live=True).select_related("ticket"):
        if entry.minutes and came_late(entry, closed):
            found.add(("late" if entry.minutes > 0 else "negative_late", None, entry.pk))
            at_stake += entry.minutes
    return found, at_stake


class Watched(Walk):
    def check(self) -> None:
        super().check()
        rows = discrepancies()
        named = [(row.kind.value, row.allocation, row.entry.pk) for row in rows]
        expected, at_stake = counted_by_hand()
        assert len(named) == len(expected) == count_discrepancies()
        assert set(named) == expected
        assert sum((row.minutes_at_stake for row in rows), Decimal(0)) == at_stake
        assert sum(len(discrepancies(order=order)) for order in Order.objects.all()) == len(rows)
        assert sum(len(discrepancies(month)) for month in MONTHS) == len(rows)
        self.done.update(row.kind.value for row in rows)


@pytest.fixture
def walk(request: pytest.FixtureRequest, db: None) -> Iterator[Watched]:
    data = DataSet(
        agents=AGENTS,
        queues=QUEUES,
        customers=CUSTOMERS,
        customer_users=CUSTOMER_USERS,
        now=datetime(2026, 8, 1, 6),
        months=tuple((month.year, month.month) for month in MONTHS),
    )
    with start_simulator(data) as running:
        yield Watched(data, connected(running, name="Helpdesk"), seed=request.param)


@pytest.mark.slow
@pytest.mark.parametrize("walk", [31], indirect=True)
def test_discrepancies_of_a_short_walk_are_those_counted_by_hand(walk: Watched) -> None:
    walk.go(30)
    walk.settle()

    assert walk.done["gone"] + walk.done["moved_customer"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("walk", [13, 17], indirect=True)
def test_discrepancies_of_a_long_walk_are_those_counted_by_hand(walk: Watched) -> None:
    walk.go(90, look_every=3)
    walk.settle()

    assert walk.done["gone"] > 0


class Settling(Walk):
    """People settle what they find, one way or another, and take some of it back."""

    def go_on(self) -> None:
        """Bill, approve and issue what can be, void little of it, and settle most of what disagrees."""
        self.bill()
        self.approve()
        for order in Order.objects.filter(state=Order.State.APPROVED):
            try:
                issue_orders([order], user=None, now=self.clock())
            except OrdersRefused:
                return_to_draft([order], reason="wrong", user=None, now=self.clock())
        for order in Order.objects.filter(state=Order.State.ISSUED):
            if self.random.random() < 0.05:
                self.void(order)
        for row in discrepancies():
            if row.choices and self.random.random() < 0.7:
                self.settle_one(row)
        for settlement in Settlement.objects.filter(live=True):
            if self.random.random() < 0.1:
                self.take_one_back(settlement)

    def void(self, order: Order) -> None:
        try:
            void_order(order, reason="wrong", user=None, now=self.clock())
            self.done["void"] += 1
        except OrdersRefused:
            self.done["not void"] += 1

    def settle_one(self, row: Discrepancy) -> None:
        choice = self.random.choice(row.choices)
        try:
            settle([row], choice=choice, reason="because", user=None, now=self.clock())
            self.done[f"settled {choice}"] += 1
        except OrdersRefused:
            self.done["not settled"] += 1

    def take_one_back(self, settlement: Settlement) -> None:
        try:
            take_back([settlement.pk], reason="wrong", user=None, now=self.clock())
            self.done["taken back"] += 1
        except OrdersRefused:
            self.done["not taken back"] += 1

    def check(self) -> None:
        super().check()
        assert audit_ledger().breaches == ()
        assert len(discrepancies()) == count_discrepancies()
        self.compare_what_is_owed()

    def compare_what_is_owed(self) -> None:
        """Where nothing is open and nothing was accepted, orders hold, with corrections, what the mirror has."""
        open_positions = {row.position.pk for row in discrepancies()}
        accepted = set(Settlement.objects.filter(live=True, choice="accept").values_list("position", flat=True))
        closed = OrderPosition.objects.filter(kind="time", order__state__in=["issued", "exported"])
        for position in closed.exclude(pk__in=open_positions | accepted):
            lines = SettlementLine.objects.filter(live=True, settlement__position=position)
            lines = lines.exclude(position__order__state=Order.State.DRAFT)
            billed, now = position.recorded_minutes, Decimal(0)
            billed += sum((line.settlement.minutes_at_stake for line in lines), Decimal(0))
            waits = Settlement.objects.filter(live=True, position=position, choice__in=["credit", "next_order"])
            if waits.filter(allocation__isnull=False).exclude(lines__in=lines).exists():
                continue
            for claim in position.allocations.select_related("entry"):
                now += Decimal(0) if claim.entry.gone_at else claim.entry.minutes
            assert billed == now
            self.done["compared"] += 1


@pytest.fixture
def settling(request: pytest.FixtureRequest, db: None) -> Iterator[Settling]:
    data = DataSet(
        agents=AGENTS,
        queues=QUEUES,
        customers=CUSTOMERS,
        customer_users=CUSTOMER_USERS,
        now=datetime(2026, 8, 1, 6),
        months=tuple((month.year, month.month) for month in MONTHS),
    )
    with start_simulator(data) as running:
        yield Settling(data, connected(running, name="Helpdesk"), seed=request.param)


@pytest.mark.slow
@pytest.mark.parametrize("settling", [31], indirect=True)
def test_short_walk_with_settlements_keeps_every_promise(settling: Settling) -> None:
    settling.go(30)
    settling.settle()

    assert settling.done["compared"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("settling", range(41, 43), indirect=True)
def test_long_walk_with_settlements_keeps_every_promise(settling: Settling) -> None:
    settling.go(90, look_every=3)
    settling.settle()

    assert sum(count for what, count in settling.done.items() if what.startswith("settled ")) > 0
