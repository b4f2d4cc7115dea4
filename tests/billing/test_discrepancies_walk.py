"""Random walks over a living ticket system: after every step the discrepancies are those that plain loops find."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

import pytest
from django.db.models import QuerySet

from billing.discrepancies import count_discrepancies, discrepancies
from billing.models import Allocation, Order, OrderPosition
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


@pytest.mark.parametrize("walk", [31, 25], indirect=True)
def test_discrepancies_of_a_short_walk_are_those_counted_by_hand(walk: Watched) -> None:
    walk.go(30)
    walk.settle()

    assert walk.done["gone"] + walk.done["moved_customer"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("walk", range(11, 14), indirect=True)
def test_discrepancies_of_a_long_walk_are_those_counted_by_hand(walk: Watched) -> None:
    walk.go(90)
    walk.settle()

    assert walk.done["gone"] > 0
