"""A ledger model: whatever is done in whatever order, every minute is billed once or stands in a list."""

import os
from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Sum
from hypothesis import seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test

from billing.adjusting import Field, Line, line_of
from billing.agreement_models import Agreement, FlatFee, PrepaidBlock, PrepaidMovement, RateRule
from billing.audit import audit_ledger
from billing.claims import claim_free_entries
from billing.closing import close_month, reopen_month
from billing.discrepancies import discrepancies
from billing.handover import Format, export_orders
from billing.issuing import issue_orders, void_order
from billing.models import Adjustment, Allocation, Order, OrderPosition
from billing.orders import OrdersRefused, approve_orders, return_to_draft
from billing.prepaid import move
from billing.reviewing import change_line, undo_change
from billing.runs import run_billing, start_run
from billing.settlement_models import Choice, Settlement
from billing.settling import settle, take_back
from billing.standing import Standing, with_standing
from common.jobs import Job
from common.months import Month
from tests.billing.machine import CUSTOMERS, MONTHS, NOBODY, LedgerMachine, months, picks
from tests.billing.plain_ledgers import CarefulLedger, CheckThenInsert, PlainWorld, SumThenMark, TicketTotals
from tests.billing.scenes import NOW, assert_every_minute_stands_once
from tests.factories.billing import AgreementFactory
from tests.factories.tickets import AgentFactory, CustomerFactory, SyncRunFactory, TicketSystemFactory
from tickets.models import Agent, Customer, Ticket, TicketClosing, TicketSystem, TimeEntry

RUNS = int(os.environ.get("LEDGER_MODEL_RUNS", "3"))  # of each of the six parts; 50 make 300 runs, for an hour of time
QUEUES = ("Support", "Support::Level 2")
QUEUES_OF_RULES = ("Support", "Support::*", "Support::Level 2")
VOLATILE = {"state", "voided_at", "voided_by_id", "void_reason", "live"}
TERMS: list[dict[str, Any]] = [
    {},
    {"counting": "booked"},
    {"period_months": 3},
    {"period_months": 3, "counting": "booked"},
    {"rounding_scope": "entry", "rounding_step": 15},
    {"rounding_scope": "day", "rounding_step": 6, "minimum_minutes": 10},
    {"rounding_scope": "order", "rounding_step": 30, "rounding_mode": "nearest"},
    {"included_minutes": 12, "overage_rate": 120},
    {"billed": False},
    {"valid_to": date(2026, 9, 30)},
]


CHANGES: list[dict[Field, Any]] = [
    {Field.MINUTES: Decimal(45)},
    {Field.PRICE: Decimal("77.5"), Field.DISCOUNT: Decimal(10)},
    {Field.TEXT: "As agreed"},
    {Field.INCLUSION: ""},
]
"""What persons say of lines; the empty inclusion leaves a line out."""


class Portal:
    """The product's own services over its own tables; what the ticket system does is written into the mirror."""

    def __init__(self, system: TicketSystem, customers: list[Customer], agents: list[Agent], user: User) -> None:
        self.system, self.customers, self.agents, self.user = system, customers, agents, user
        self.now, self.booked, self.steps, self.checked_at = NOW, 0, 0, NOW
        self.frozen: dict[int, list[dict[str, Any]]] = {}
        for month in MONTHS:
            self.read(month, complete=True)

    # --- In the ticket system

    def open_ticket(self, customer: int) -> None:
        number = Ticket.objects.count() + 1
        Ticket.objects.create(
            system=self.system,
            customer=self._customer(customer),
            ticket_id=str(number),
            number=f"20260801{number:08}",
            title=f"Ticket {number}",
            state="open",
            state_type="open",
            queue=QUEUES[number % 2],
            read_at=self.now,
        )

    def book(self, ticket: int, minutes: str, month: Month) -> None:
        self.booked += 1
        local = datetime(month.year, month.month, 1 + self.booked % 28, 10)
        TimeEntry.objects.create(
            system=self.system,
            agent=self.agents[self.booked % len(self.agents)],
            ticket=self._ticket(ticket),
            booked_local=f"{local:%Y-%m-%d %H:%M:%S}",
            booked_at=local.replace(tzinfo=self.system.zone),
            local_day=local.date(),
            units=Decimal(minutes),
            minutes=Decimal(minutes),
            running_number=self.booked,
            source=TimeEntry.Source.HISTORY,
        )

    def close(self, ticket: int, month: Month) -> None:
        closed = self._ticket(ticket)
        Ticket.objects.filter(pk=closed.pk).update(state="closed successful", state_type="closed")
        TicketClosing.objects.get_or_create(ticket=closed, month=month.first_day)

    def reopen(self, ticket: int) -> None:
        Ticket.objects.filter(pk=self._ticket(ticket).pk).update(state="open", state_type="open")

    def remove(self, entry: int) -> None:
        entries = TimeEntry.objects.order_by("pk")
        TimeEntry.objects.filter(pk=entries[entry % entries.count()].pk).update(gone_at=self.now)

    def merge(self, into: int, ticket: int) -> None:
        main, away = self._ticket(into), self._ticket(ticket)
        TimeEntry.objects.filter(ticket=away).update(ticket=main)

    def give(self, ticket: int, customer: int) -> None:
        Ticket.objects.filter(pk=self._ticket(ticket).pk).update(customer=self._customer(customer))

    # --- In the portal

    def read(self, month: Month, *, complete: bool) -> None:
        self._pass_time()
        state = Job.State.DONE if complete else Job.State.PARTLY
        SyncRunFactory(
            system=self.system,
            month=month.first_day,
            state=state,
            complete=complete,
            started_at=self.now,
            finished_at=self.now,
        )

    def bill(self, month: Month, meanwhile: str, customer: int = NOBODY) -> None:
        """A second run waits at the customers' locks, so it comes after the first one."""
        self._pass_time()
        waiting = [meanwhile]

        def interrupted(*args: Any) -> None:
            self._happen(waiting.pop() if waiting else "", month)
            claim_free_entries(*args)

        with patch("billing.ledger.claim_free_entries", interrupted):
            self._run(month, customer)
        if meanwhile == "run":
            self._run(month, customer)

    def _run(self, month: Month, customer: int) -> None:
        run = start_run(month=month, customer=self._customer(customer), reads_first=False, now=self.now)
        run_billing(run, clock=lambda: self.now)
        assert run.failures == []

    def _happen(self, meanwhile: str, month: Month) -> None:
        match meanwhile:
            case "book":
                self.book(0, "20", month)
            case "move":
                self.merge(0, 1)
            case "remove":
                self.remove(0)

    def approve(self) -> None:
        for order in Order.objects.filter(state=Order.State.DRAFT):
            self._try(approve_orders, [order])

    def issue(self) -> None:
        self.approve()
        for order in Order.objects.filter(state=Order.State.APPROVED):
            self._try(issue_orders, [order])

    def void(self, order: int) -> None:
        self._pass_time()
        issued = Order.objects.filter(state__in=[Order.State.ISSUED, Order.State.EXPORTED]).order_by("pk")
        if count := issued.count():
            void_order(issued[order % count], reason="wrong", user=None, now=self.now)

    def change_a_line(self, line: int, values: dict[Field, Any]) -> None:
        """A person changes a line of a draft or leaves it out."""
        found = OrderPosition.objects.filter(order__state=Order.State.DRAFT).order_by("order", "position")
        shown = [(row.order, key) for row in found.select_related("order") if (key := line_of(row)) is not None]
        if shown:
            order, key = shown[line % len(shown)]
            self._try(change_line, order, key, values, user=self.user, reason="agreed")

    def undo_a_change(self, number: int) -> None:
        changes = list(Adjustment.objects.filter(order__state=Order.State.DRAFT).order_by("pk"))
        if changes:
            change = changes[number % len(changes)]
            key = Line(change.ticket_id, change.rate_rule_id, change.flat_fee_id)
            self._try(undo_change, change.order, key, Field(change.field), user=self.user)

    def settle(self, number: int, choice: int) -> None:
        """One discrepancy by one of the choices that it offers."""
        rows = [row for row in discrepancies() if row.choices]
        if rows:
            row = rows[number % len(rows)]
            self._try(settle, [row], choice=list(row.choices)[choice % len(row.choices)], reason="agreed")

    def take_back(self, number: int) -> None:
        found = list(Settlement.objects.filter(live=True).order_by("pk"))
        if found:
            self._try(take_back, [found[number % len(found)].pk], reason="a mistake")

    def return_to_draft(self) -> None:
        self._try(return_to_draft, Order.objects.filter(state=Order.State.APPROVED), reason="look again")

    def export(self, month: Month) -> None:
        try:
            export_orders(month=month, format=Format.KIVITENDO, now=self.now)
        except OrdersRefused:
            return

    def close_books(self, month: Month) -> None:
        self._try(close_month, month)

    def open_books(self, month: Month) -> None:
        self._try(reopen_month, month, reason="something came late")

    def agree(self, customer: int, month: Month, terms: dict[str, Any]) -> None:
        """From this month on; an agreement that orders refer to stays, with other terms."""
        self._pass_time()
        values: dict[str, Any] = {
            "hourly_rate": 60,
            "rounding_step": 0,
            "counting": "closed",
            "period_months": 1,
            "billed": True,
        }
        values |= {"rounding_scope": "ticket", "rounding_mode": "up", "minimum_minutes": 0, "included_minutes": 0}
        values |= {"overage_rate": None, "valid_to": None} | terms
        begins = month.first_day
        if values["valid_to"] is not None and values["valid_to"] <= begins:
            return
        Agreement.objects.update_or_create(customer=self._customer(customer), valid_from=begins, defaults=values)

    def make_rule(self, queue: str, agent: int | None, *, billable: bool, rate: int | None) -> None:
        """For all customers; one of the kind that is there already gets other terms."""
        self._pass_time()
        kind: dict[str, Any] = {
            "queue": queue,
            "agent": None if agent is None else self.agents[agent],
            "agreement": None,
        }
        reason = "" if billable else "warranty"
        RateRule.objects.update_or_create(
            **kind, defaults={"billable": billable, "hourly_rate": rate, "reason": reason}
        )

    def prepay(self, customer: int, minutes: int) -> None:
        self._pass_time()
        block = PrepaidBlock.objects.create(customer=self.customers[customer], name="Block", starts=date(2026, 8, 1))
        move(block, kind=PrepaidMovement.Kind.GRANTED, minutes=Decimal(minutes), reason="", user=None, now=self.now)

    def repeat(self, customer: int) -> None:
        """A recurring line for the customer, if there is an agreement of its own."""
        agreement = Agreement.objects.filter(customer=self.customers[customer]).first()
        if agreement is not None:
            FlatFee.objects.create(agreement=agreement, text="Wartung", article_number="W", unit="Stck", unit_price=100)

    def _try(self, service: Any, *args: Any, user: User | None = None, **options: Any) -> None:
        """What is asked for out of turn may be refused, and then changes nothing."""
        self._pass_time()
        try:
            service(*args, user=user, now=self.now, **options)
        except OrdersRefused:
            return

    # --- What must hold

    def check(self) -> None:
        """Promise 1 and one month after each step; all of it where the portal did something, and every fifth time."""
        self.steps += 1
        self._check_standings()
        is_quiet = self.now == self.checked_at and self.steps % 5
        for month in [MONTHS[self.steps % len(MONTHS)]] if is_quiet else MONTHS:
            assert_every_minute_stands_once(month)
        if not is_quiet:
            self._check_ledger()
        self.checked_at = self.now

    def _check_ledger(self) -> None:
        assert audit_ledger().breaches == ()
        before, self.frozen = self.frozen, frozen_orders()
        assert {pk: self.frozen[pk] for pk in before} == before

    def _check_standings(self) -> None:
        """Promise 1, each entry's standing worked out anew in Python."""
        agreements = list(Agreement.objects.order_by("valid_from"))
        rules = list(RateRule.objects.all())
        billed = set(Allocation.objects.filter(live=True).values_list("entry", flat=True))
        unbilled = Settlement.objects.filter(live=True, choice=Choice.NOT_BILLABLE)
        settled = {row.entry_id: (row.minutes_now, row.facts) for row in unbilled}
        expected: defaultdict[tuple[Any, ...], Decimal] = defaultdict(Decimal)
        for entry in TimeEntry.objects.present().select_related("ticket"):
            standing = Standing.BILLED if entry.pk in billed else standing_of(entry, agreements, rules)
            as_settled = settled.get(entry.pk) == (entry.minutes, facts_of(entry))
            if as_settled and standing == Standing.UNBILLED:
                standing = Standing.NOT_BILLABLE
            expected[entry.ticket.customer_id, entry.local_day.month, standing.value] += entry.minutes
        rows: Any = with_standing(TimeEntry.objects.present()).order_by()
        sums = rows.values_list("ticket__customer", "local_day__month", "standing").annotate(total=Sum("minutes"))
        assert {tuple(row[:3]): row[3] for row in sums} == dict(expected)

    def _pass_time(self) -> None:
        self.now += timedelta(minutes=1)

    def _customer(self, customer: int) -> Customer | None:
        return None if customer == NOBODY else self.customers[customer]

    def _ticket(self, number: int) -> Ticket:
        return Ticket.objects.order_by("pk")[number % Ticket.objects.count()]


def standing_of(entry: TimeEntry, agreements: list[Agreement], rules: list[RateRule]) -> Standing:
    """How an entry stands that no order holds; the rules here are those for all customers, by queue and agent."""
    if entry.ticket.customer_id is None:
        return Standing.BLOCKED
    begun = [each for each in agreements if each.valid_from <= entry.local_day]
    own = [each for each in begun if each.customer_id == entry.ticket.customer_id]
    in_force = own or [each for each in begun if each.is_default]
    if not in_force or not in_force[-1].billed:
        return Standing.NOT_BILLABLE
    met = [each for each in rules if is_for(each.queue, entry.ticket.queue) and each.agent_id in (None, entry.agent_id)]
    best = max(met, key=lambda each: (-each.queue.count("*"), each.agent_id is not None), default=None)
    return Standing.UNBILLED if best is None or best.billable else Standing.NOT_BILLABLE


def facts_of(entry: TimeEntry) -> str:
    """What a settlement of late time rests on, as it stands now."""
    return f"{entry.minutes.normalize():f} on {entry.ticket_id} of {entry.ticket.customer_id or 0}"


def is_for(named: str, queue: str) -> bool:
    """Whether a rule for this queue, or for a branch of queues, is for time in that queue."""
    if named.endswith("::*"):
        return queue.split("::")[: named.count("::")] == named.split("::")[:-1]
    return named == queue


def frozen_orders() -> dict[int, list[dict[str, Any]]]:
    """Everything that issued orders consist of, by primary key, but what voiding and handing over write."""
    found: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    issued = Order.objects.filter(document_number__isnull=False)
    claims = Allocation.objects.annotate(order_id=F("position__order"))
    tables: list[tuple[str, Any]] = [
        ("id", issued),
        ("order_id", OrderPosition.objects.filter(order__in=issued)),
        ("order_id", claims.filter(position__order__in=issued)),
    ]
    for owner, rows in tables:
        for row in rows.order_by("pk").values():
            found[row[owner]].append({name: value for name, value in row.items() if name not in VOLATILE})
    return found


class PortalMachine(LedgerMachine):
    """The machine with all that only the portal can: steps between, terms that change, books that are closed."""

    system: TicketSystem
    customers: list[Customer]
    agents: list[Agent]
    user: User

    def __init__(self) -> None:
        super().__init__()
        self.before = transaction.savepoint()

    def teardown(self) -> None:
        transaction.savepoint_rollback(self.before)

    def make_world(self) -> Portal:
        self.portal = Portal(self.system, self.customers, self.agents, self.user)
        return self.portal

    @rule(month=months, complete=st.booleans())
    def read(self, month: Month, complete: bool) -> None:
        self.portal.read(month, complete=complete)

    @rule(month=months, customer=st.integers(0, CUSTOMERS - 1))
    def bill_one(self, month: Month, customer: int) -> None:
        self.portal.bill(month, "", customer)

    @rule(undo=st.booleans())
    def approve(self, undo: bool) -> None:
        self.portal.approve()
        if undo:
            self.portal.return_to_draft()

    @rule(line=picks, values=st.sampled_from(CHANGES))
    def change_a_line(self, line: int, values: dict[Field, Any]) -> None:
        self.portal.change_a_line(line, values)

    @rule(month=months, line=picks)
    def leave_out_and_issue(self, month: Month, line: int) -> None:
        self.portal.bill(month, "")
        self.portal.change_a_line(line, {Field.INCLUSION: ""})
        self.portal.issue()

    @rule(number=picks)
    def undo_a_change(self, number: int) -> None:
        self.portal.undo_a_change(number)

    @rule(number=picks, choice=picks)
    def settle(self, number: int, choice: int) -> None:
        self.portal.settle(number, choice)

    @rule(entry=picks, number=picks, choice=picks, month=months)
    def lose_and_settle(self, entry: int, number: int, choice: int, month: Month) -> None:
        self.portal.remove(entry)
        self.portal.settle(number, choice)
        self.portal.bill(month, "")

    @rule(number=picks)
    def take_back(self, number: int) -> None:
        self.portal.take_back(number)

    @rule(month=months)
    def export(self, month: Month) -> None:
        self.portal.export(month)

    @rule(month=months, again=st.booleans())
    def close_books(self, month: Month, again: bool) -> None:
        self.portal.close_books(month)
        if again:
            self.portal.open_books(month)

    @rule(customer=st.integers(0, CUSTOMERS - 1), month=months, terms=st.sampled_from(TERMS))
    def agree(self, customer: int, month: Month, terms: dict[str, Any]) -> None:
        self.portal.agree(customer, month, terms)

    @rule(queue=st.sampled_from(QUEUES_OF_RULES), agent=st.sampled_from([None, 0]), billable=st.booleans())
    def make_rule(self, queue: str, agent: int | None, billable: bool) -> None:
        self.portal.make_rule(queue, agent, billable=billable, rate=90 if billable else None)

    @rule(customer=st.integers(0, CUSTOMERS - 1), minutes=st.sampled_from([15, 60]))
    def prepay(self, customer: int, minutes: int) -> None:
        self.portal.prepay(customer, minutes)

    @rule(customer=st.integers(0, CUSTOMERS - 1))
    def repeat(self, customer: int) -> None:
        self.portal.repeat(customer)


@pytest.fixture
def machine(db: None) -> type[PortalMachine]:
    """Its customers, agents and two agreements stay over all runs; what a run does is rolled back."""
    system = TicketSystemFactory(name="Helpdesk")
    customers = [CustomerFactory(system=system) for _ in range(CUSTOMERS)]
    AgreementFactory(customer=customers[0])
    agents = [AgentFactory(system=system) for _ in range(2)]
    user = User.objects.create_user("clara")
    return type("Machine", (PortalMachine,), {"system": system, "customers": customers, "agents": agents, "user": user})


def test_steps_of_the_model_reach_what_they_are_for(machine: type[PortalMachine]) -> None:
    """Else the machine would prove nothing about reviews and settlements."""
    august, september = MONTHS[:2]
    portal = machine().make_world()
    for _number in range(2):
        portal.open_ticket(0)
        portal.book(_number, "30", august)
        portal.book(_number, "10", august)
        portal.close(_number, august)
    portal.bill(august, "")
    for change in CHANGES:
        portal.change_a_line(0, change)
    changed = Adjustment.objects.count()
    portal.undo_a_change(0)
    kept = Adjustment.objects.count()
    portal.bill(august, "")
    portal.check()
    portal.issue()
    for entry in range(4):
        portal.remove(entry)
    portal.settle(0, 0)
    portal.take_back(0)
    portal.settle(0, 0)
    portal.bill(september, "")
    portal.check()

    assert (changed, kept) == (5, 4)
    assert Settlement.objects.filter(live=False).count() == 1
    assert OrderPosition.objects.filter(kind=OrderPosition.Kind.CREDIT).exists()


@pytest.mark.slow
def test_ledger_keeps_its_promises_over_a_few_runs(machine: type[PortalMachine]) -> None:
    run_state_machine_as_test(
        machine, settings=settings(max_examples=6, stateful_step_count=25, deadline=None, derandomize=True)
    )


@pytest.mark.slow
@pytest.mark.parametrize("part", range(6))
def test_ledger_keeps_its_promises_over_runs_of_40_steps(machine: type[PortalMachine], part: int) -> None:
    """In six parts, so that several processes can share them; each has other runs, the same ones every time."""
    runs = settings(max_examples=RUNS, stateful_step_count=40, deadline=None, database=None)
    run_state_machine_as_test(seed(part)(machine), settings=runs)


def machine_over(world: type[PlainWorld]) -> type[LedgerMachine]:
    return type(f"{world.__name__}Machine", (LedgerMachine,), {"make_world": lambda self: world()})


def test_careful_ledger_passes_the_same_model() -> None:
    run_state_machine_as_test(machine_over(CarefulLedger), settings=settings(max_examples=100, stateful_step_count=40))


@pytest.mark.parametrize("naive", [SumThenMark, TicketTotals, CheckThenInsert])
def test_naive_ledger_is_refuted_by_the_same_model(naive: type[PlainWorld]) -> None:
    once = settings(max_examples=300, stateful_step_count=40, database=None, report_multiple_bugs=False)

    with pytest.raises(AssertionError):
        run_state_machine_as_test(seed(1)(machine_over(naive)), settings=once)
