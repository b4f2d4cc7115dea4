"""Another number of minutes per time unit: what is not billed is counted anew, what is billed stays."""

import logging
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.discrepancies import count_discrepancies
from billing.issuing import issue_orders, void_order
from billing.ledger import Writing, bill_customers
from billing.models import Agreement, Order, OrderPosition
from billing.numbers import order_numbers
from billing.orders import OrdersRefused, approve_orders
from billing.units import ConversionPlan, PlanOutdated, UnitsRefused, convert_units, plan_conversion
from common.jobs import Job
from generic_interface.simulator.data import build_month
from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.server import start_simulator
from tests.at_once import at_once
from tests.billing.scenes import (
    NOVEMBER,
    NOW,
    OCTOBER,
    assert_every_minute_stands_once,
    assert_totals_are_what_was_claimed,
    bill,
    billed,
    book,
    ledger,
    read_completely,
    ticket_of,
)
from tests.commands import run_command
from tests.factories.tickets import (
    CustomerFactory,
    TicketFactory,
    TicketSystemFactory,
    TimeEntryFactory,
    connected,
)
from tests.tickets.support import dump_mirror, sync
from tickets.models import Customer, TicketSystem, TimeEntry
from tickets.sync import SyncBusy

SIX = Decimal(6)


def convert(system: TicketSystem, minutes_per_unit: Decimal = SIX, **options: Any) -> ConversionPlan:
    """Look and do it."""
    expected = plan_conversion(system, minutes_per_unit).fingerprint
    return convert_units(
        system=system, minutes_per_unit=minutes_per_unit, **{"user": None, "expected": expected} | options
    )


def minutes() -> list[Decimal]:
    return list(TimeEntry.objects.order_by("pk").values_list("minutes", flat=True))


def stored(system: TicketSystem) -> Decimal:
    return TicketSystem.objects.values_list("minutes_per_unit", flat=True).get(pk=system.pk)


@pytest.fixture
def mixed(customer: Customer) -> TicketSystem:
    """10 minutes approved in October, 20 and 2.5 in a draft of November, 40 in no order, 7 gone, another system's 5."""
    ticket_of(customer, 10, number="1")
    bill()
    approve_orders(Order.objects.all(), user=None, now=NOW)
    ticket_of(customer, 20, "2.5", number="2", closed=NOVEMBER)
    bill(NOVEMBER)
    open_ticket = ticket_of(customer, 40, closed=None)
    TimeEntryFactory(ticket=open_ticket, units=7, gone=True)
    TimeEntryFactory(units=5)
    return customer.system


def test_preview_counts_what_would_change_and_changes_nothing(mixed: TicketSystem) -> None:
    before = dump_mirror(), ledger()

    plan = plan_conversion(mixed, SIX)

    assert (plan.entries_to_convert, plan.minutes_before, plan.minutes_after) == (4, Decimal("69.5"), 417)
    assert (plan.entries_billed_kept, plan.minutes_kept) == (1, 10)
    assert (plan.minutes_per_unit_before, plan.minutes_per_unit, plan.is_needed) == (1, 6, True)
    assert (plan.drafts_touched, plan.months) == (1, (NOVEMBER,))
    assert plan.next_step == "1 draft holds time that is counted anew. Run billing again for 2026-11."
    assert (dump_mirror(), ledger()) == before


def test_what_is_not_billed_is_counted_anew_and_what_is_billed_stays(mixed: TicketSystem) -> None:
    before = ledger()

    plan = convert(mixed)

    assert minutes() == [10, 120, 15, 240, 42, 5]
    assert (stored(mixed), mixed.minutes_per_unit, plan.entries_to_convert) == (6, 6, 4)
    assert ledger() == before
    assert count_discrepancies() == 0


def test_second_conversion_changes_nothing(mixed: TicketSystem) -> None:
    convert(mixed)
    before = dump_mirror()

    plan = convert(mixed)

    assert dump_mirror() == before
    assert (plan.is_needed, plan.entries_to_convert, plan.next_step) == (False, 0, "")


def test_way_there_and_back_gives_the_minutes_as_they_were(mixed: TicketSystem) -> None:
    before = dump_mirror()
    convert(mixed, Decimal("7.55"))

    convert(mixed, Decimal(1))

    assert dump_mirror() == before


def test_drafts_are_priced_anew_by_the_next_run_and_approved_orders_are_not(mixed: TicketSystem) -> None:
    approved = Order.objects.filter(month=OCTOBER.first_day)
    before = list(approved.values()), list(OrderPosition.objects.filter(order__in=approved).values())
    convert(mixed)
    draft = Order.objects.get(month=NOVEMBER.first_day)
    Order.objects.filter(pk=draft.pk).update(complete=True)
    with pytest.raises(OrdersRefused):
        approve_orders([draft], user=None, now=NOW)

    bill()
    run = bill(NOVEMBER)

    assert run.orders_changed == 1
    assert billed(NOVEMBER) == {"K1001": {"2": 135}}
    assert (list(approved.values()), list(OrderPosition.objects.filter(order__in=approved).values())) == before
    assert_totals_are_what_was_claimed()
    for month in (OCTOBER, NOVEMBER):
        assert_every_minute_stands_once(month)


def test_late_time_on_a_billed_ticket_is_counted_anew(customer: Customer) -> None:
    ticket = ticket_of(customer, 10)
    bill()
    approve_orders(Order.objects.all(), user=None, now=NOW)
    book(ticket, 5)

    convert(customer.system)

    assert minutes() == [10, 30]


def test_entry_whose_order_has_let_go_of_it_is_counted_anew(mixed: TicketSystem) -> None:
    (order,) = issue_orders(Order.objects.filter(month=OCTOBER.first_day), user=None, now=NOW)
    void_order(order, reason="wrong", user=None, now=NOW)

    assert plan_conversion(mixed, SIX).entries_billed_kept == 0


def test_system_without_entries_only_gets_the_setting(system: TicketSystem) -> None:
    plan = convert(system)

    assert (plan.is_needed, plan.entries_to_convert, stored(system)) == (True, 0, 6)


@pytest.mark.parametrize("change", ["book", "approve", "convert"])
def test_conversion_of_what_nobody_has_looked_at_is_refused(mixed: TicketSystem, change: str) -> None:
    expected = plan_conversion(mixed, SIX).fingerprint
    match change:
        case "book":
            book(TimeEntry.objects.first().ticket, 1)  # type: ignore[union-attr]  # there are some
        case "approve":
            Order.objects.update(state=Order.State.APPROVED, complete=True, approved_at=NOW)
        case "convert":
            convert(mixed)
    before = dump_mirror()

    with pytest.raises(PlanOutdated) as refusal:
        convert_units(system=mixed, minutes_per_unit=SIX, user=None, expected=expected)

    assert "Nothing was changed" in str(refusal.value)
    assert dump_mirror() == before


@pytest.mark.parametrize("value", ["0", "-1", "0.001", "1000000", "1.005", "NaN", "Infinity"])
def test_number_that_cannot_be_is_refused(mixed: TicketSystem, value: str) -> None:
    with pytest.raises(UnitsRefused):
        plan_conversion(mixed, Decimal(value))


def test_minutes_that_the_column_cannot_hold_are_refused(mixed: TicketSystem) -> None:
    TimeEntryFactory(ticket=TicketFactory(system=mixed), units=Decimal("-20000.5"))

    with pytest.raises(UnitsRefused) as refusal:
        convert(mixed, Decimal("999999.99"))

    assert str(refusal.value) == "A booking of -20,000.5 time units would have more minutes than the portal can hold."
    assert stored(mixed) == 1


def test_conversion_stands_in_the_log(mixed: TicketSystem, caplog: pytest.LogCaptureFixture) -> None:
    user = get_user_model()._default_manager.create(username="dora")

    with caplog.at_level(logging.INFO, logger="billing.units"):
        convert(mixed, user=user)

    assert caplog.messages[0] == (
        "Helpdesk: 6.00 minutes per time unit instead of 1.00, by dora; counted anew: 4 entries, 417 minutes instead "
        "of 69.5; billed and kept: 1 entries, 10 minutes"
    )


@given(
    units=st.lists(st.decimals("-9999", "9999", places=2), min_size=1, max_size=20, unique=True),
    minutes_per_unit=st.decimals("0.01", "999999.99", places=2),
)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_minutes_are_exactly_units_times_minutes_per_unit(
    system: TicketSystem, units: list[Decimal], minutes_per_unit: Decimal
) -> None:
    """As Python reads them, and as SQL compares them: SQLite would multiply in binary."""
    TimeEntry.objects.all().delete()
    ticket = TicketFactory(system=system)
    for each in units:
        book(ticket, str(each))

    convert(system, minutes_per_unit)

    assert minutes() == [each * minutes_per_unit for each in units]
    found = [TimeEntry.objects.filter(units=each, minutes=each * minutes_per_unit).count() for each in units]
    assert found == [1] * len(units)


@pytest.mark.parametrize("entries", [1, 30])
def test_statements_do_not_grow_with_the_entries(customer: Customer, entries: int) -> None:
    ticket_of(customer, *range(1, entries + 1))
    bill()
    plan = plan_conversion(customer.system, SIX)

    with CaptureQueriesContext(connection) as queries:
        convert_units(system=customer.system, minutes_per_unit=SIX, user=None, expected=plan.fingerprint)

    assert len(queries) == 13


@pytest.fixture
def reading(db: None) -> Iterator[tuple[DataSet, TicketSystem]]:
    """October of six closed tickets, read."""
    data = build_month(tickets=6, customers=3, entries_per_ticket=2)
    with start_simulator(data) as running:
        system = connected(running)
        sync(system)
        yield data, system


def assert_counted_with(minutes_per_unit: Decimal) -> None:
    found = TimeEntry.objects.values_list("units", "minutes")
    assert {each for _units, each in found} == {units * minutes_per_unit for units, _minutes in found}


def test_sync_that_began_before_writes_with_the_new_minutes_per_unit(reading: tuple[DataSet, TicketSystem]) -> None:
    data, system = reading
    data.book(data.closed_in((2026, 10))[0], 33, at=datetime(2026, 10, 20, 9))

    def convert_before_writing(step: str, done: int, total: int) -> None:
        if step == "Writing":
            convert(TicketSystem.objects.get(pk=system.pk))

    run = sync(system, on_progress=convert_before_writing)

    assert (run.state, run.entries_new) == (Job.State.DONE, 1)
    assert run.minutes == 6 * data.minutes_booked_in((2026, 10))
    assert_counted_with(SIX)
    assert sync(system).entries_new == 0


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_round", range(3))
def test_syncs_and_conversions_at_once_leave_one_way_of_counting(_round: int) -> None:
    data = build_month(tickets=20, customers=3, entries_per_ticket=2)
    with start_simulator(data) as running:
        pk = connected(running).pk

        def work(number: int) -> None:
            system = TicketSystem.objects.get(pk=pk)
            try:
                if number % 2:
                    convert(system, Decimal(number))
                else:
                    sync(system)
            except (PlanOutdated, SyncBusy):
                pass

        at_once(work, workers=4)
        sync(TicketSystem.objects.get(pk=pk))

    assert TimeEntry.objects.count() == 40
    assert_counted_with(stored(TicketSystem.objects.get(pk=pk)))


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_nothing_is_drafted_or_approved_while_units_are_converted() -> None:
    """Else an order could be approved with minutes that the conversion is about to change."""
    Agreement.objects.get_or_create(is_default=True, defaults={"hourly_rate": 95})
    system = TicketSystemFactory()
    read_completely(system)
    ticket_of(CustomerFactory(system=system), 10, 20)
    bill()
    drafts = list(Order.objects.all())

    def approve(number: int) -> str:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '200ms'")
            try:
                approve_orders(drafts, user=None, now=NOW)
            except (OperationalError, OrdersRefused) as refusal:
                return type(refusal).__name__
        return "approved"

    def draft(number: int) -> list[str]:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '200ms'")
        writing = Writing(month=OCTOBER, numbers=order_numbers(OCTOBER), complete=True, user=None, now=NOW)
        return [failure.error for failure in bill_customers([drafts[0].customer_id], writing).failures]

    with transaction.atomic():
        convert(system)
        (approval,) = at_once(approve, workers=1)
        (failures,) = at_once(draft, workers=1)

    assert approval == "OperationalError"
    assert ["lock timeout" in failure for failure in failures] == [True]
    assert approve(0) == "OrdersRefused"


def test_command_previews_converts_and_finds_nothing_to_do_afterwards(mixed: TicketSystem) -> None:
    preview = run_command("convert_units", "Helpdesk", "--minutes-per-unit", "6", "--dry-run")
    untouched = stored(mixed)
    done = run_command("convert_units", "Helpdesk", "--minutes-per-unit", "6")
    again = run_command("convert_units", "Helpdesk", "--minutes-per-unit", "6")

    lines = [
        "Helpdesk: 6 minutes per time unit instead of 1.",
        "Counted anew: 4 entries, 417 minutes instead of 69.5.",
        "Billed and left as they are: 1 entries, 10 minutes.",
        "1 draft holds time that is counted anew. Run billing again for 2026-11.",
    ]
    assert preview == (0, "\n".join([*lines, "Nothing was changed.\n"]), "")
    assert done == (0, "\n".join(lines) + "\n", "")
    assert (untouched, stored(mixed), again[0]) == (1, 6, 0)
    assert "Counted anew: 0 entries, 0 minutes instead of 0." in again[1]


def test_command_speaks_json(mixed: TicketSystem) -> None:
    _code, out, err = run_command("convert_units", "Helpdesk", "--minutes-per-unit", "6", "--json")

    assert err == ""
    assert '"done": true' in out
    assert '"months": [\n    "2026-11"\n  ]' in out


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("Elsewhere", "6", "There is no ticket system “Elsewhere”."),
        ("Helpdesk", "0", "A time unit stands for at least 0.01"),
    ],
)
def test_command_refuses_wrong_use(mixed: TicketSystem, name: str, value: str, sentence: str) -> None:
    code, _out, err = run_command("convert_units", name, "--minutes-per-unit", value)

    assert (code, sentence in err, stored(mixed)) == (2, True, 1)


def test_command_wants_a_number(mixed: TicketSystem) -> None:
    _code, _out, err = run_command("convert_units", "Helpdesk", "--minutes-per-unit", "six")

    assert "“six” is not a number." in err
