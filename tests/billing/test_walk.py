"""Random walks over a living ticket system: after every step the ledger keeps its promises."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.db.models import Count

from billing.adjusting import Field, Line
from billing.audit import audit_ledger
from billing.claims import customers_holding_others_time
from billing.issuing import issue_orders, void_order
from billing.models import Allocation, BillingRun, Order, OrderPosition
from billing.orders import OrdersRefused, approve_orders, return_to_draft
from billing.reviewing import change_line, undo_change
from billing.runs import run_billing, start_run
from common.months import Month
from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.model import Ticket as UpstreamTicket
from generic_interface.simulator.people import AGENTS, CUSTOMER_USERS, CUSTOMERS, QUEUES
from generic_interface.simulator.server import start_simulator
from tests.billing.scenes import assert_every_minute_stands_once, assert_totals_are_what_was_claimed, ledger
from tests.factories.tickets import connected
from tickets.models import Customer, TicketSystem, TimeEntry
from tickets.sync import sync_month

MONTHS = tuple(Month(2026, number) for number in (8, 9, 10))
CUSTOMER_IDS = tuple(customer.number for customer in CUSTOMERS[:4])
WALK = timedelta(days=100)  # from August into November, whatever the number of steps


MAY_CHANGE = {"state", "voided_at", "voided_by_id", "void_reason", "live"}


def issued() -> dict[int, list[dict[str, Any]]]:
    """Everything that issued orders consist of, by primary key, but what voiding writes."""
    return {
        order.pk: [
            {name: value for name, value in row.items() if name not in MAY_CHANGE}
            for rows in (
                Order.objects.filter(pk=order.pk),
                OrderPosition.objects.filter(order=order).order_by("pk"),
                Allocation.objects.filter(position__order=order).order_by("pk"),
            )
            for row in rows.values()
        ]
        for order in Order.objects.filter(document_number__isnull=False)
    }


def reviewed(order: Order) -> list[object]:
    """What a run over an unchanged draft leaves as it is; whether its data are complete, a run may find out."""
    rows = (order.positions, order.adjustments, order.events)
    head = Order.objects.filter(pk=order.pk).values("changed_at", "net_amount", "recorded_minutes")
    return [*head, *(row for manager in rows for row in manager.order_by("pk").values())]


class Walk:
    """People work in the ticket system while the portal reads, bills, approves, issues and voids; ``done`` counts."""

    def __init__(self, data: DataSet, system: TicketSystem, seed: int) -> None:
        self.data, self.system, self.random = data, system, random.Random(seed)
        self.now, self.done = datetime(2026, 8, 1, 8), Counter[str]()
        self.issued: dict[int, list[dict[str, Any]]] = {}
        self.drawn: list[tuple[Month, Customer]] = []
        self.pen, self.person = random.Random(seed), User.objects.create_user("clara")

    def clock(self) -> datetime:
        return self.now.replace(tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)

    def go(self, steps: int, *, look_every: int = 1) -> None:
        upstream: list[Callable[[], None]] = [self.create, self.close, self.reopen, self.merge, self.delete, self.give]
        portal: list[Callable[[], None]] = [
            self.sync,
            self.bill,
            self.bill,
            self.approve,
            self.approve,
            self.go_on,
            self.go_on,
        ]
        weights = [4, 6, 2, 1, 2, 2]
        self.create()
        for step in range(1, steps + 1):
            self.now += timedelta(seconds=int(WALK.total_seconds() / steps * self.random.uniform(0.2, 1.8)))
            self.book()
            for act in self.random.choices(upstream, weights, k=2):
                self.now += timedelta(seconds=1)
                act()
            self.now += timedelta(seconds=1)
            self.random.choice(portal)()
            self.draw()
            if step % look_every == 0:
                self.check()

    def draw(self) -> None:
        """Which month of each customer is looked at; drawn at every step, so that looking changes no walk."""
        self.drawn = [(self.random.choice(MONTHS), customer) for customer in Customer.objects.all()]

    def check(self) -> None:
        for month in MONTHS:
            assert_every_minute_stands_once(month)
        for month, customer in self.drawn:
            assert_every_minute_stands_once(month, customer)
        assert_totals_are_what_was_claimed()
        held = Allocation.objects.filter(live=True).order_by().values("entry").annotate(times=Count("pk"))
        assert not held.filter(times__gt=1).exists()
        before, self.issued = self.issued, issued()
        assert {pk: self.issued[pk] for pk in before} == before

    def tickets(self) -> list[UpstreamTicket]:
        return [ticket for ticket in self.data.tickets.values() if ticket.state.name != "merged"]

    def pick(self) -> str:
        return self.random.choice(self.tickets()).ticket_id

    def create(self) -> None:
        self.data.create(title="A printer", customer=self.random.choice([*CUSTOMER_IDS, None]), at=self.now)

    def book(self) -> None:
        self.data.book(self.pick(), self.random.choice(["5", "10", "7.25", "0.01", "-5"]), at=self.now)

    def close(self) -> None:
        self.data.close(self.pick(), at=self.now)

    def reopen(self) -> None:
        self.data.reopen(self.pick(), at=self.now)

    def give(self) -> None:
        self.data.change_customer(self.pick(), self.random.choice(CUSTOMER_IDS), at=self.now)

    def merge(self) -> None:
        main, away = self.pick(), self.pick()
        if main != away:
            self.data.merge(main, away, at=self.now)
            self.done["merged"] += 1

    def delete(self) -> None:
        if len(self.tickets()) > 4:
            self.data.delete(self.pick())
            self.done["deleted"] += 1

    def month(self) -> Month:
        """Mostly one that is over, so that much is known completely and can be approved."""
        over = [month for month in MONTHS if month.end_day <= self.now.date()]
        return self.random.choice([*over, *over, Month.of(min(self.now.date(), MONTHS[-1].first_day))])

    def sync(self) -> None:
        self.read(self.month())

    def read(self, month: Month) -> None:
        run = sync_month(system=self.system, month=month, clock=self.clock, accept_losses=True)
        assert run.error == ""
        self.now += timedelta(seconds=1)

    def bill(self) -> None:
        customer = self.random.choice([None, None, *Customer.objects.order_by("pk")])
        month = self.month()
        self.read(month)
        run = self.bill_once(month, customer, reads_first=self.random.random() < 0.5)
        before = ledger()
        self.now += timedelta(seconds=1)
        again = self.bill_once(month, customer, reads_first=False)
        assert (ledger(), again.state, again.orders_changed) == (before, run.state, 0)
        self.done[f"bill {run.state}"] += 1
        self.done["told of gone time"] += run.complete and bool(run.problems)
        for order in Order.objects.filter(state=Order.State.DRAFT, month=month.first_day).order_by("pk"):
            self.review(order)

    def review(self, order: Order) -> None:
        """A line of the draft is changed or left out, or one that was is as computed again; the next run keeps it."""
        self.now += timedelta(seconds=1)
        changes, positions = list(order.adjustments.order_by("pk")), list(order.positions.order_by("pk"))
        try:
            if changes and self.pen.random() < 0.3:
                change = self.pen.choice(changes)
                undo_change(order, Line.of(change), Field(change.field), user=self.person, now=self.clock())
                self.done["undone"] += 1
            elif positions:
                line = Line.of(self.pen.choice(positions))
                discount: dict[Field, Decimal | str] = {Field.DISCOUNT: Decimal(self.pen.randint(0, 100))}
                left_out: dict[Field, Decimal | str] = {Field.INCLUSION: ""}
                values: dict[Field, Decimal | str] = self.pen.choice([discount, left_out, {Field.MINUTES: Decimal(0)}])
                change_line(order, line, values, reason="agreed", user=self.person, now=self.clock())
                self.done["changed"] += 1
            else:
                return
        except OrdersRefused:
            self.done["not changed"] += 1
            return
        month = Month.of(order.month)
        if not customers_holding_others_time(month, order.customer):  # else it gets more time in the next run
            before = reviewed(order)
            self.bill_once(month, order.customer, reads_first=False)
            assert reviewed(order) == before

    def bill_once(self, month: Month, customer: Customer | None, *, reads_first: bool) -> BillingRun:
        run = start_run(month=month, customer=customer, reads_first=reads_first, now=self.clock())
        return run_billing(run, clock=self.clock)

    def approve(self) -> None:
        for order in Order.objects.filter(state=Order.State.DRAFT):
            try:
                approve_orders([order], user=None, now=self.clock())
                self.done["approved"] += 1
            except OrdersRefused:
                self.done["refused"] += 1

    def go_on(self) -> None:
        """Each approved order is issued or returned to draft, and one in four of the issued ones is voided."""
        for order in Order.objects.filter(state=Order.State.APPROVED):
            try:
                if self.random.random() < 0.7:
                    issue_orders([order], user=None, now=self.clock())
                    self.done["issued"] += 1
                else:
                    return_to_draft([order], reason="wrong", user=None, now=self.clock())
            except OrdersRefused:
                self.done["not issued"] += 1
        for order in Order.objects.filter(state=Order.State.ISSUED):
            if self.random.random() < 0.25:
                void_order(order, reason="wrong", user=None, now=self.clock())
                self.done["void"] += 1

    def settle(self) -> None:
        """In the end every month is known completely and the mirror holds what the ticket system holds."""
        self.now = datetime(2026, 12, 1, 8)
        for month in (*MONTHS, Month(2026, 11)):
            self.read(month)
        for month in MONTHS:
            run = self.bill_once(month, None, reads_first=True)
            assert run.error == ""
        self.draw()
        self.check()
        assert audit_ledger().breaches == ()
        mirrored = sum(TimeEntry.objects.present().values_list("minutes", flat=True), Decimal(0))
        assert mirrored == sum((entry.units for entry in self.data.entries()), Decimal(0))


@pytest.fixture
def walk(request: pytest.FixtureRequest, db: None) -> Iterator[Walk]:
    data = DataSet(
        agents=AGENTS,
        queues=QUEUES,
        customers=CUSTOMERS,
        customer_users=CUSTOMER_USERS,
        now=datetime(2026, 8, 1, 6),
        months=tuple((month.year, month.month) for month in MONTHS),
    )
    with start_simulator(data) as running:
        yield Walk(data, connected(running, name="Helpdesk"), seed=request.param)


@pytest.mark.slow
@pytest.mark.parametrize("walk", [3], indirect=True)
def test_short_walk_keeps_every_promise(walk: Walk) -> None:
    walk.go(30)
    walk.settle()

    assert min(walk.done[name] for name in ("merged", "deleted", "bill done", "approved", "issued", "changed")) > 0


@pytest.mark.slow
@pytest.mark.parametrize(("walk", "rare"), [(13, "void"), (15, "told of gone time")], indirect=["walk"])
def test_long_walk_keeps_every_promise(walk: Walk, rare: str) -> None:
    walk.go(90, look_every=3)
    walk.settle()

    names = ("merged", "deleted", "approved", "refused", "issued", "void", "changed", rare)
    assert [name for name in names if not walk.done[name]] == []
