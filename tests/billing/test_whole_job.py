"""The main job over real sockets: sync, orders, hand-over, against the data set's own truth."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from unittest.mock import patch
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.db.models import QuerySet

from billing.discrepancies import discrepancies
from billing.handover import Format, export_orders
from billing.issuing import issue_orders
from billing.kivitendo import read_orders
from billing.management.commands import bill as bill_command
from billing.models import Allocation, BillingRun, Order, OrderPosition
from billing.orders import OrdersRefused, approve_orders
from billing.queries import Reason, left_out
from billing.runs import run_billing, start_run
from common.jobs import LEASE, Job
from common.months import Month
from common.progress import OnStep
from generic_interface.simulator.data import build_data_set, build_month
from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.faults import FaultKind, FaultPlan
from generic_interface.simulator.people import AGENTS, CUSTOMER_USERS, CUSTOMERS, MASS_CUSTOMER, QUEUES
from generic_interface.simulator.recorded import start_recorded_system
from generic_interface.simulator.server import RunningSimulator, start_simulator
from tests.billing.scenes import (
    OCTOBER,
    SEPTEMBER,
    Interrupted,
    assert_every_minute_stands_once,
    assert_totals_are_what_was_claimed,
    billed,
    killing,
    killing_at,
    ledger,
)
from tests.commands import run_command
from tests.factories.tickets import connected
from tests.tickets.support import hasty_client
from tickets.models import SyncRun, TicketSystem, TimeEntry
from tickets.sync import sync_month

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
RECORDING = Path(__file__).parent.parent / "recordings" / "month-2026-09"
NOW = datetime(2026, 11, 2, 8, tzinfo=UTC)
AUGUST = SEPTEMBER.previous
OPERATIONS = ("SessionCreate", "TicketSearch", "TicketGet", "TicketHistoryGet")


def run_month(month: Month = OCTOBER, now: datetime = NOW, on_progress: OnStep | None = None) -> BillingRun:
    return run_billing(start_run(month=month, now=now), clock=lambda: now, on_progress=on_progress)


@pytest.fixture
def data() -> DataSet:
    return build_data_set((2026, 10))


@pytest.fixture
def simulator(data: DataSet) -> Iterator[RunningSimulator]:
    with start_simulator(data) as running:
        connected(running, name="Helpdesk")
        yield running


def minutes_in_orders(month: Month) -> Decimal:
    return sum(Order.objects.filter(month=month.first_day).values_list("recorded_minutes", flat=True), Decimal(0))


def truth(data: DataSet, month: Month) -> Decimal:
    """All that was ever booked on the tickets closed in the month or with time booked in it."""
    key = (month.year, month.month)
    tickets = set(data.closed_in(key)) | {entry.ticket_id for entry in data.entries_booked_in(key)}
    return sum((data.minutes_of(ticket) for ticket in tickets), Decimal(0))


def test_three_months_bill_every_minute_of_the_data_set_once(simulator: RunningSimulator, data: DataSet) -> None:
    months = (AUGUST, SEPTEMBER, OCTOBER)
    runs = [run_month(month) for month in months]
    before = ledger()

    assert [(run.state, run.complete, run.problems) for run in runs] == 3 * [(Job.State.DONE, True, [])]
    for month in months:
        left = sum((row.minutes for row in left_out(month)), Decimal(0))
        assert minutes_in_orders(month) + left == truth(data, month)
        assert_every_minute_stands_once(month)
    assert_totals_are_what_was_claimed()
    assert len(billed()[MASS_CUSTOMER]) > 500
    mass = [ticket for ticket in data.closed_in((2026, 10)) if data.ticket(ticket).customer_number == MASS_CUSTOMER]
    assert len(billed()[MASS_CUSTOMER]) == sum(bool(data.minutes_of(ticket)) for ticket in mass)
    assert sum(billed()[MASS_CUSTOMER].values()) == sum(data.minutes_of(ticket) for ticket in mass)
    for month in months:
        run_month(month, now=NOW + LEASE)
    assert ledger() == before


def test_reopened_tickets_are_billed_by_entry_in_each_month(simulator: RunningSimulator, data: DataSet) -> None:
    for month in (AUGUST, SEPTEMBER, OCTOBER):
        run_month(month)

    held = Allocation.objects.filter(live=True).values_list("entry__ticket__number", "minutes")
    reopened = [data.ticket(ticket) for name, ticket in data.special.items() if name.startswith("reopened")]
    assert reopened
    for ticket in reopened:
        total = sum((minutes for number, minutes in held if number == ticket.number), Decimal(0))
        rest = {row.reason: row.minutes for row in left_out(OCTOBER) if row.ticket.number == ticket.number}
        rest.pop(Reason.BILLED_ELSEWHERE, None)
        assert total + sum(rest.values(), Decimal(0)) == ticket.units()


def test_killed_run_ends_like_an_undisturbed_one(simulator: RunningSimulator) -> None:
    """Once while reading, once when the orders are written but the run is not closed."""
    run = start_run(month=OCTOBER, now=NOW)
    with pytest.raises(Interrupted):
        run_billing(run, clock=lambda: NOW, on_progress=killing(3))
    with pytest.raises(Interrupted):
        run_billing(BillingRun.objects.get(), clock=lambda: NOW + 2 * LEASE, on_progress=killing_at("Orders written"))

    run = run_billing(BillingRun.objects.get(), clock=lambda: NOW + 4 * LEASE)

    resumed = billed()
    assert (run.state, run.complete, run.attempts) == (Job.State.DONE, True, 3)
    Allocation.objects.all().delete()
    OrderPosition.objects.all().delete()
    Order.objects.all().delete()
    run_month(now=NOW + 5 * LEASE)
    assert billed() == resumed


def test_late_booking_reopening_and_moving_between_two_runs(simulator: RunningSimulator, data: DataSet) -> None:
    run_month(AUGUST)
    run_month(SEPTEMBER)
    run_month()
    approve_orders(Order.objects.filter(month=SEPTEMBER.first_day), user=None, now=NOW)
    september = billed(SEPTEMBER)
    moved, late = data.closed_in((2026, 10))[:2]
    data.change_customer(moved, "0042")
    data.book(late, 77, at=datetime(2026, 10, 31, 23, 59, 59))

    run = run_month(now=NOW + LEASE)

    assert run.complete
    assert billed(SEPTEMBER) == september
    assert data.ticket(moved).number in billed()["0042"]
    assert_every_minute_stands_once(OCTOBER)
    assert minutes_in_orders(OCTOBER) + sum(row.minutes for row in left_out(OCTOBER)) == truth(data, OCTOBER)
    assert_totals_are_what_was_claimed()


def test_recorded_month_runs_from_sync_to_csv() -> None:
    with start_recorded_system(RECORDING) as running:
        system = connected(running, time_source=TicketSystem.TimeSource.BOTH)
        run = run_month(SEPTEMBER, now=datetime(2026, 9, 30, 22, tzinfo=UTC))

    closed = system.tickets.closed_in(SEPTEMBER).count()
    september = TimeEntry.objects.present().booked_in(SEPTEMBER)
    assert (run.state, run.complete, run.problems) == (Job.State.DONE, True, [])
    assert (closed, september.count(), sum(entry.minutes for entry in september)) == (168, 503, Decimal("20505.21"))
    assert_every_minute_stands_once(SEPTEMBER)
    assert_totals_are_what_was_claimed()
    explained = {row.ticket.pk for row in left_out(SEPTEMBER)}
    in_orders = set(Allocation.objects.filter(live=True).values_list("entry", flat=True))
    assert [entry for entry in september if entry.pk not in in_orders and entry.ticket_id not in explained] == []
    assert set(system.tickets.closed_in(SEPTEMBER).values_list("pk", flat=True)) <= explained | set(
        OrderPosition.objects.values_list("ticket", flat=True)
    )

    approve_orders(Order.objects.all(), user=None, now=NOW)
    result = export_orders(month=SEPTEMBER, format=Format.KIVITENDO, now=NOW)

    handed_over = read_orders(result.content)
    assert {order.number: order.net_amount for order in handed_over} == dict(
        Order.objects.values_list("number", "net_amount")
    )
    assert sum(len(order.positions) for order in handed_over) == OrderPosition.objects.count()


@pytest.mark.parametrize("kind", FaultKind)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_faulty_ticket_system_never_makes_a_complete_run(operation: str, kind: FaultKind) -> None:
    plan = FaultPlan([f"{operation}:{kind}"], drip_seconds=0.05, huge_bytes=70 * 1024 * 1024)
    with start_simulator(build_month(tickets=6, customers=3, entries_per_ticket=2), faults=plan) as running:
        connected(running, name="Helpdesk")
        run = run_billing(start_run(month=OCTOBER, now=NOW), clock=lambda: NOW, make_client=hasty_client)

    assert (run.complete, run.state in {Job.State.PARTLY, Job.State.FAILED}) == (False, True)
    assert len(run.problems) == 1
    assert run.error == run.problems[0]
    assert run.error.startswith("“Helpdesk” could not be read completely for 2026-10: ")
    assert not Order.objects.filter(complete=True).exists()
    with pytest.raises(OrdersRefused):
        approve_orders(Order.objects.all(), user=None, now=NOW)
    assert_totals_are_what_was_claimed()


def test_password_that_cannot_be_decrypted_stops_its_own_system_only(simulator: RunningSimulator) -> None:
    locked = connected(simulator, name="Locked")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE tickets_ticketsystem SET password = 'garbage' WHERE id = %s", [locked.pk])

    run = run_month()

    assert (run.state, run.complete, len(run.problems)) == (Job.State.PARTLY, False, 1)
    assert run.problems[0].startswith(
        "“Locked” could not be read completely for 2026-10: A stored password cannot be decrypted"
    )
    systems = Order.objects.values_list("customer__system__name", "complete").distinct().order_by()
    assert list(systems) == [("Helpdesk", False)]
    assert minutes_in_orders(OCTOBER) > 0
    assert SyncRun.objects.get(system=locked).state == Job.State.FAILED


def test_bill_interrupted_while_it_reads_can_be_started_again_at_once(simulator: RunningSimulator) -> None:
    def interrupting(text: str, done: int, total: int) -> None:
        if text == "Helpdesk: Writing":
            raise KeyboardInterrupt

    with patch.object(bill_command, "ProgressBar") as bar, time_machine.travel(NOW, tick=False):
        bar.return_value.__enter__.return_value = interrupting
        code, _out, _err = run_command("bill", "2026-10")

    run = run_month(now=NOW + timedelta(seconds=5))

    assert code == 1
    assert (run.state, run.complete, run.problems) == (Job.State.DONE, True, [])


def work_of_three_months() -> DataSet:
    return DataSet(
        agents=AGENTS,
        queues=QUEUES,
        customers=CUSTOMERS,
        customer_users=CUSTOMER_USERS,
        now=datetime(2026, 8, 1, 6),
        months=((2026, 8), (2026, 9), (2026, 10)),
    )


def work_on(data: DataSet, ticket: str, units: str, at: datetime, *, closed: bool = True) -> None:
    data.book(ticket, units, at=at)
    if closed:
        data.close(ticket, at=at + timedelta(minutes=1))


def bill_and_issue(month: Month) -> None:
    """As people do it on the second day of the next month: read, draft, approve, issue, hand over."""
    now = month.end(ZoneInfo("Europe/Berlin")) + timedelta(days=1)
    run = run_month(month, now=now)
    assert (run.state, run.complete) == (Job.State.DONE, True)
    if drafts := Order.objects.filter(state=Order.State.DRAFT):
        issue_orders(approve_orders(drafts, user=None, now=now), user=None, now=now)
        export_orders(month=month, format=Format.KIVITENDO, now=now)


def test_three_months_of_changes_leave_every_minute_issued_once_or_in_a_list() -> None:
    """Late bookings, reopened tickets, a merge, a customer change and a deletion between the months' orders."""
    data = work_of_three_months()
    one, two = CUSTOMERS[0].number, CUSTOMERS[1].number
    with start_simulator(data) as running:
        system = connected(running, name="Helpdesk")
        first = datetime(2026, 8, 3, 10)
        late, again, given, gone, away, main, still_open = (
            data.create(title=f"Ticket {place}", customer=customer, at=first)
            for place, customer in enumerate((one, one, one, two, two, two, one))
        )
        nobody = data.create(title="Ticket of nobody", customer=None, at=first)
        for place, ticket in enumerate((late, again, given, gone, away, nobody)):
            work_on(data, ticket, f"{10 + place}", first + timedelta(hours=place))
        work_on(data, main, "20", first + timedelta(hours=9), closed=False)
        work_on(data, still_open, "21", first + timedelta(hours=10), closed=False)
        bill_and_issue(AUGUST)

        data.book(late, "31", at=datetime(2026, 8, 30, 12))  # typed in after the order was issued
        data.reopen(again, at=datetime(2026, 9, 2, 8))
        work_on(data, again, "32.25", datetime(2026, 9, 3, 8))
        data.merge(main, away, at=datetime(2026, 9, 4, 8))
        work_on(data, main, "-3", datetime(2026, 9, 5, 8))
        data.change_customer(given, two, at=datetime(2026, 9, 6, 8))
        data.reopen(given, at=datetime(2026, 9, 7, 8))
        work_on(data, given, "34", datetime(2026, 9, 8, 8))
        run_month(AUGUST, now=datetime(2026, 9, 20, 8, tzinfo=UTC))
        bill_and_issue(SEPTEMBER)

        data.delete(gone)
        data.reopen(late, at=datetime(2026, 10, 5, 8))
        work_on(data, late, "41", datetime(2026, 10, 6, 8))
        data.book(still_open, "42", at=datetime(2026, 10, 7, 8))
        read_again = datetime(2026, 10, 20, 8, tzinfo=UTC)
        sync_month(system=system, month=AUGUST, clock=lambda: read_again, accept_losses=True)
        bill_and_issue(OCTOBER)

    months = (AUGUST, SEPTEMBER, OCTOBER)
    mirrored = TimeEntry.objects.present()
    held = Allocation.objects.filter(live=True, entry__gone_at=None)
    issued = Order.objects.exclude(document_number=None)
    assert sum((entry.units for entry in data.entries()), Decimal(0)) == total_of(mirrored)
    assert set(held.values_list("position__order", flat=True)) == set(issued.values_list("pk", flat=True))
    listed = {(row.ticket.pk, row.reason) for month in months for row in left_out(month)}
    unbilled = mirrored.exclude(pk__in=held.values("entry"))
    assert {entry.ticket_id for entry in unbilled} <= {ticket for ticket, _reason in listed}
    assert {reason for _ticket, reason in listed} >= {Reason.NO_CUSTOMER, Reason.OPEN, Reason.BILLED_ELSEWHERE}
    assert total_of(unbilled) == 21 + 42 + 15  # open all the time, and of nobody
    assert [row.kind.value for row in discrepancies() if row.minutes_at_stake] == ["gone", "moved_customer"]
    for month in months:
        assert_every_minute_stands_once(month)
    code, out, _err = run_command("audit_ledger", "--json")
    assert (code, json.loads(out)["breaches"]) == (0, [])


def total_of(entries: QuerySet[TimeEntry]) -> Decimal:
    return sum(entries.values_list("minutes", flat=True), Decimal(0))
