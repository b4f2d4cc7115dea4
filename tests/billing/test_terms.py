"""Dated agreements, rate rules, rounding, periods, recurring lines and prepaid time, from bookings to the order."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from billing.agreement_models import Agreement, FlatFee, PrepaidBlock, PrepaidMovement, RateRule
from billing.agreements import agreements_in_force, has_ended, period_of
from billing.audit import audit_ledger
from billing.issuing import void_order
from billing.ledger import plan_month
from billing.models import Allocation, Order, OrderPosition
from billing.orders import OrdersRefused, approve_orders
from billing.prepaid import MovementRefused, is_usable, move
from billing.pricing import MODES, SCOPES, Rule, billable_minutes, rounding_of_order
from common.months import Month
from tests.billing.scenes import (
    NOVEMBER,
    NOW,
    OCTOBER,
    SEPTEMBER,
    assert_every_minute_stands_once,
    bill,
    book,
    issue,
    ledger,
    left,
    read_completely,
    ticket_of,
)
from tests.factories.tickets import AgentFactory, CustomerFactory, TicketClosingFactory
from tickets.models import Customer

DECEMBER = Month(2026, 12)
minutes = st.decimals(-(10**4), 10**4, places=4)
steps = st.sampled_from([0, 1, 5, 6, 10, 15, 30, 60])


def rule(**changes: Any) -> Rule:
    return Rule(**(BASE | changes))


BASE: dict[str, Any] = {
    "hourly_rate": Decimal(60),
    "currency": "EUR",
    "article_number": "SUP-STD",
    "unit": "Std",
    "minutes_per_unit": Decimal(60),
    "rounding_step": 15,
    "rounding_mode": "up",
}


def agree(customer: Customer, **terms: Any) -> Agreement:
    """The customer's own agreement: 60.00 an hour, exact."""
    usual: dict[str, Any] = {"hourly_rate": 60, "rounding_step": 0}
    agreement, _created = Agreement.objects.update_or_create(
        customer=customer, valid_from=terms.pop("valid_from", date(2000, 1, 1)), defaults=usual | terms
    )
    return agreement


def lines(month: Month = OCTOBER) -> list[tuple[str, str, str, str]]:
    """Kind, recorded and billable minutes and amount of each position, in their order."""
    found = OrderPosition.objects.filter(order__month=month.first_day).exclude(order__state="void")
    return [
        (row.kind, f"{row.recorded_minutes:.0f}", f"{row.billable_minutes:.0f}", f"{row.amount}")
        for row in found.order_by("order", "position")
    ]


# --- Rounding ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "minimum", "parts", "billable"),
    [
        ("ticket", 0, [(50, 1)], 60),
        ("ticket", 90, [(50, 1)], 90),
        ("ticket", 90, [(0, 1)], 0),
        ("ticket", 20, [(-3, 1)], -20),
        ("entry", 0, [(10, 3), (15, 2)], 75),
        ("entry", 20, [(10, 3)], 60),
        ("day", 0, [(20, 1), (31, 1)], 75),
        ("order", 30, [(20, 1), (31, 1)], 51),
    ],
)
def test_each_part_is_rounded_on_its_own(scope: str, minimum: int, parts: list[tuple[int, int]], billable: int) -> None:
    terms = rule(rounding_scope=scope, minimum_minutes=Decimal(minimum))

    assert billable_minutes([(Decimal(number), count) for number, count in parts], terms) == billable


@given(st.lists(st.tuples(minutes, st.integers(1, 9)), max_size=8), steps, st.sampled_from(MODES))
def test_exact_multiples_stay_and_order_does_not_matter(parts: list[tuple[Decimal, int]], step: int, mode: str) -> None:
    for scope in SCOPES:
        terms = rule(rounding_scope=scope, rounding_step=step, rounding_mode=mode)
        exact = [(number * step, count) for number, count in parts]

        assert billable_minutes(parts, terms) == billable_minutes(parts[::-1], terms)
        if step and scope != "order":
            whole = [(number.to_integral_value() * step, count) for number, count in parts]
            assert billable_minutes(whole, terms) == sum((number * count for number, count in whole), Decimal(0))
        assert step == 0 or len(exact) == len(parts)


@given(minutes, steps, st.sampled_from(MODES))
def test_rounding_of_the_order_leads_to_a_multiple(total: Decimal, step: int, mode: str) -> None:
    terms = rule(rounding_scope="order", rounding_step=step, rounding_mode=mode)

    rounded = total + rounding_of_order(total, terms)

    assert rounded == total if step == 0 else rounded % step == 0
    assert abs(rounded - total) < max(step, 1)


def test_each_entry_is_rounded_where_the_agreement_says_so(customer: Customer) -> None:
    agree(customer, rounding_step=15, rounding_scope="entry")
    ticket_of(customer, 5, 5, 20)

    bill()

    assert lines() == [("time", "30", "60", "60.00")]


def test_each_day_is_rounded_where_the_agreement_says_so(customer: Customer) -> None:
    agree(customer, rounding_step=15, rounding_scope="day")
    ticket = ticket_of(customer, 5, 5)
    book(ticket, 7, at="2026-10-06 00:00:00")

    bill()

    assert lines() == [("time", "17", "30", "30.00")]


def test_whole_order_is_rounded_by_a_line_of_its_own(customer: Customer) -> None:
    agree(customer, rounding_step=60, rounding_scope="order")
    ticket_of(customer, 50)
    ticket_of(customer, 25)

    bill()

    assert lines() == [
        ("time", "50", "50", "50.00"),
        ("time", "25", "25", "25.00"),
        ("rounding", "0", "45", "45.00"),
    ]
    assert Order.objects.get().net_amount == 120
    assert audit_ledger().breaches == ()
    assert_every_minute_stands_once(OCTOBER)


def test_exact_order_gets_no_line_for_rounding(customer: Customer) -> None:
    agree(customer, rounding_step=60, rounding_scope="order")
    ticket_of(customer, 60)

    bill()

    assert lines() == [("time", "60", "60", "60.00")]


# --- Dated agreements -------------------------------------------------------------------------------------------------


def test_agreement_that_began_last_is_in_force(customer: Customer) -> None:
    first, second = agree(customer, hourly_rate=60), agree(customer, valid_from=date(2026, 11, 1), hourly_rate=90)

    assert agreements_in_force(OCTOBER)[customer.pk] == first
    assert agreements_in_force(NOVEMBER)[customer.pk] == second


def test_each_month_is_billed_by_the_agreement_of_that_month(customer: Customer) -> None:
    agree(customer, hourly_rate=60)
    agree(customer, valid_from=date(2026, 11, 1), hourly_rate=90, erp_customer_number="90000")
    ticket_of(customer, 60)
    late = ticket_of(customer, closed=NOVEMBER)
    book(late, 60, at="2026-11-05 10:00:00")
    read_completely(customer.system, NOVEMBER)

    bill()
    bill(NOVEMBER)

    assert lines() == [("time", "60", "60", "60.00")]
    assert lines(NOVEMBER) == [("time", "60", "60", "90.00")]
    assert set(Order.objects.values_list("number", flat=True)) == {"TK-2026-10-K1001", "TK-2026-11-90000"}


def test_ended_agreement_bills_nothing_and_says_so(customer: Customer) -> None:
    agree(customer, valid_to=date(2026, 9, 30))
    ticket_of(customer, 10, number="1")

    bill()

    assert (lines(), left()) == ([], [("1", "agreement_ended", 10)])


@pytest.mark.parametrize(
    ("valid_to", "month", "ended"),
    [(None, OCTOBER, False), (date(2026, 9, 30), OCTOBER, True), (date(2026, 10, 1), OCTOBER, False)],
)
def test_agreement_ends_with_its_last_day(valid_to: date | None, month: Month, ended: bool) -> None:
    assert has_ended(Agreement(valid_to=valid_to), month) is ended


@pytest.mark.parametrize(
    "terms",
    [{"valid_from": date(2026, 10, 2)}, {"valid_to": date(1999, 12, 31)}, {"period_months": 2}],
)
def test_agreement_that_cannot_be_is_refused_by_the_database(customer: Customer, terms: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        agree(customer, **terms)


def test_two_agreements_never_begin_together(customer: Customer) -> None:
    agree(customer)

    with pytest.raises(IntegrityError), transaction.atomic():
        Agreement.objects.create(customer=customer, hourly_rate=1)


def test_time_of_days_without_billing_stays_out_for_good(customer: Customer) -> None:
    agree(customer, billed=False)
    agree(customer, valid_from=date(2026, 10, 1))
    ticket = ticket_of(customer, 10, number="1")
    book(ticket, 7, at="2026-09-30 23:59:59")

    bill()

    assert lines() == [("time", "10", "10", "10.00")]
    assert left() == [("1", "not_billed", 7)]
    assert audit_ledger().minutes == {"billed": 10, "unbilled": 0, "not_billable": 7, "blocked": 0}


# --- Rate rules -------------------------------------------------------------------------------------------------------


def test_position_for_each_rate_of_a_ticket(customer: Customer) -> None:
    own = agree(customer)
    night = AgentFactory(system=customer.system)
    RateRule.objects.create(agreement=own, agent=night, hourly_rate=120, article_number="NIGHT")
    ticket = ticket_of(customer, 60)
    entry = book(ticket, 30)
    type(entry).objects.filter(pk=entry.pk).update(agent=night)

    bill()

    assert lines() == [("time", "60", "60", "60.00"), ("time", "30", "30", "60.00")]
    assert list(OrderPosition.objects.values_list("article_number", flat=True)) == ["SUP-STD", "NIGHT"]
    assert Allocation.objects.get(entry=entry).position.article_number == "NIGHT"
    assert_every_minute_stands_once(OCTOBER)
    before = ledger()
    bill()
    assert ledger() == before


@pytest.mark.parametrize(
    ("rules", "amount"),
    [
        ([{"queue": "Raw", "hourly_rate": 10}, {"service": "VPN", "hourly_rate": 20}], "20.00"),
        ([{"queue": "Raw", "hourly_rate": 10}, {"queue": "Raw", "type": "Incident", "hourly_rate": 20}], "20.00"),
        ([{"type": "Incident", "hourly_rate": 10}, {"queue": "Raw", "hourly_rate": 20}], "20.00"),
        ([{"service": "VPN", "queue": "Raw", "hourly_rate": 10}, {"own": True, "hourly_rate": 20}], "20.00"),
        ([{"queue": "Other", "hourly_rate": 10}], "60.00"),
        ([{"queue": "Raw", "hourly_rate": 10, "valid_to": date(2026, 10, 4)}], "60.00"),
        ([{"queue": "Raw", "hourly_rate": 10, "valid_from": date(2026, 10, 6)}], "60.00"),
        ([{"queue": "Raw", "hourly_rate": 10, "valid_to": date(2026, 10, 5)}], "10.00"),
        (
            [{"queue": "Raw", "hourly_rate": 10}, {"queue": "Raw", "hourly_rate": 20, "valid_from": date(2026, 10, 5)}],
            "20.00",
        ),
        ([{"queue": "Raw", "article_number": "A"}], "60.00"),
    ],
)
def test_most_specific_rule_of_the_day_wins(customer: Customer, rules: list[dict[str, Any]], amount: str) -> None:
    own = agree(customer)
    for conditions in rules:
        values = dict(conditions)
        RateRule.objects.create(agreement=own if values.pop("own", False) else None, **values)
    ticket_of(customer, 60, queue="Raw", service="VPN", type="Incident")

    bill()

    assert lines() == [("time", "60", "60", amount)]


@pytest.mark.parametrize(
    ("named", "queue", "amount"),
    [
        ("Support", "Support", "30.00"),
        ("Support", "Support::Level 2", "60.00"),
        ("Support::*", "Support", "30.00"),
        ("Support::*", "Support::Level 2", "30.00"),
        ("Support::*", "Support::Level 2::Night", "30.00"),
        ("Support::*", "Supporters", "60.00"),
        ("Support::*", "Supporters::Level 2", "60.00"),
        ("Support::*", "support::level 2", "60.00"),
        ("Support::Level_2::*", "Support::Level 2", "60.00"),
        ("Support::%::*", "Support::Level 2::Night", "60.00"),
        ("Support::Level 2::*", "Support::Level 2::Night", "30.00"),
        ("Support::Level 2::*", "Support", "60.00"),
    ],
)
def test_rule_with_sub_queues_is_for_the_queue_and_all_below_it(
    customer: Customer, named: str, queue: str, amount: str
) -> None:
    agree(customer)
    RateRule.objects.create(queue=named, hourly_rate=30)
    ticket_of(customer, 60, queue=queue)

    bill()

    assert [line[3] for line in lines()] == [amount]


def test_one_queue_comes_before_a_branch_and_a_deep_branch_before_a_high_one(customer: Customer) -> None:
    agree(customer)
    for named, rate in (("A::B::C", 1), ("A::B::*", 2), ("A::*", 3), ("A", 4)):
        RateRule.objects.create(queue=named, hourly_rate=rate)
    for queue in ("A::B::C", "A::B", "A::D", "A"):
        ticket_of(customer, 60, queue=queue)

    bill()

    assert sorted(line[3] for line in lines()) == ["1.00", "2.00", "3.00", "4.00"]
    assert audit_ledger().breaches == ()


def test_rule_of_the_default_agreement_holds_for_who_has_no_own(customer: Customer) -> None:
    usual = Agreement.objects.get(is_default=True)
    Agreement.objects.update(rounding_step=0)
    RateRule.objects.create(agreement=usual, queue="Raw", hourly_rate=30)
    agree(customer)
    later = CustomerFactory(system=customer.system)
    agree(later, valid_from=date(2026, 11, 1))
    others = CustomerFactory(system=customer.system)
    for owner in (customer, later, others):
        ticket_of(owner, 60, queue="Raw")

    bill()

    amounts = dict(Order.objects.values_list("customer", "net_amount"))
    assert amounts == {customer.pk: 60, later.pk: 30, others.pk: 30}


def test_rule_without_billing_keeps_time_out_with_its_reason(customer: Customer) -> None:
    agree(customer)
    RateRule.objects.create(queue="Internal", billable=False, reason="Our own mistakes")
    ticket_of(customer, 10, number="1", queue="Internal")
    ticket_of(customer, 20, number="2")

    bill()

    assert lines() == [("time", "20", "20", "20.00")]
    assert left() == [("1", "not_billed_by_rule", 10)]
    assert audit_ledger().minutes == {"billed": 20, "unbilled": 0, "not_billable": 10, "blocked": 0}
    assert_every_minute_stands_once(OCTOBER)


def test_changed_rule_changes_the_draft_and_no_issued_order(customer: Customer) -> None:
    agree(customer)
    changed = RateRule.objects.create(queue="Raw", hourly_rate=30)
    ticket_of(customer, 60, queue="Raw")
    bill()
    RateRule.objects.update(hourly_rate=45)
    bill()
    assert lines() == [("time", "60", "60", "45.00")]
    issue()

    RateRule.objects.update(hourly_rate=90)
    bill()

    assert lines() == [("time", "60", "60", "45.00")]
    assert OrderPosition.objects.get().rule["hourly_rate"] == "45"
    assert OrderPosition.objects.get().rate_rule == changed


def test_rules_take_no_query_per_row(customer: Customer) -> None:
    agree(customer)
    counts = []
    for number in (1, 3):
        for _each in range(number):
            RateRule.objects.create(queue=f"Q{RateRule.objects.count()}", hourly_rate=1)
            ticket_of(customer, 10)
        with CaptureQueriesContext(connection) as queries:
            plan_month(OCTOBER)
        counts.append(len(queries))

    assert counts[0] == counts[1]


# --- What counts, and when --------------------------------------------------------------------------------------------


def test_everything_booked_is_billed_where_the_agreement_says_so(customer: Customer) -> None:
    agree(customer, counting="booked")
    still_open = ticket_of(customer, 10, closed=None, number="1")
    book(still_open, 5, at="2026-11-01 00:00:00")

    bill()

    assert lines() == [("time", "10", "10", "10.00")]
    assert left() == [("1", "booked_later", 5)]
    read_completely(customer.system)
    issue()
    bill(NOVEMBER)
    assert lines(NOVEMBER) == [("time", "5", "5", "5.00")]
    assert_every_minute_stands_once(OCTOBER)
    assert_every_minute_stands_once(NOVEMBER)


def test_quarter_of_everything_booked_waits_for_its_last_month(customer: Customer) -> None:
    agree(customer, counting="booked", period_months=3)
    ticket_of(customer, 10, closed=None, number="1")

    bill()

    assert (lines(), left()) == ([], [("1", "period_open", 10)])
    assert_every_minute_stands_once(OCTOBER)


def test_quarter_waits_for_its_last_month(customer: Customer) -> None:
    agree(customer, period_months=3)
    ticket_of(customer, 10, number="1")
    for month in (NOVEMBER, DECEMBER):
        book(ticket_of(customer, closed=month), 20, at=f"{month}-05 10:00:00")
        read_completely(customer.system, month)
    bill()
    assert (lines(), left()) == ([], [("1", "period_open", 10)])

    bill(NOVEMBER)
    bill(DECEMBER)

    assert lines(DECEMBER) == [("time", "10", "10", "10.00"), *[("time", "20", "20", "20.00")] * 2]
    order = Order.objects.get()
    assert (order.period_start, order.month) == (date(2026, 10, 1), date(2026, 12, 1))
    for month in (OCTOBER, NOVEMBER, DECEMBER):
        assert_every_minute_stands_once(month)
    approve_orders([order], user=None, now=NOW)
    before = ledger()
    bill(DECEMBER)
    assert ledger() == before


def test_default_agreement_by_the_quarter_is_for_those_without_an_own(customer: Customer) -> None:
    agree(customer)
    Agreement.objects.filter(is_default=True).update(period_months=3, rounding_step=0, hourly_rate=60)
    ticket_of(CustomerFactory(system=customer.system), 10, number="1")
    ticket_of(customer, 20, number="2")

    bill()

    assert (lines(), left()) == ([("time", "20", "20", "20.00")], [("1", "period_open", 10)])
    bill(DECEMBER)
    assert lines(DECEMBER) == [("time", "10", "10", "10.00")]
    assert_every_minute_stands_once(DECEMBER)


def test_ticket_of_a_quarter_that_is_not_closed_in_it_any_more_stops_the_approval(customer: Customer) -> None:
    agree(customer, period_months=3)
    ticket = ticket_of(customer, 10)
    read_completely(customer.system, DECEMBER)
    bill(DECEMBER)
    ticket.closings.all().delete()

    with pytest.raises(OrdersRefused, match="The mirror has changed"):
        approve_orders(Order.objects.all(), user=None, now=NOW)


@pytest.mark.parametrize(
    ("months", "month", "begins", "ends_here"),
    [
        (1, OCTOBER, date(2026, 10, 1), True),
        (3, OCTOBER, date(2026, 10, 1), False),
        (3, DECEMBER, date(2026, 10, 1), True),
        (3, SEPTEMBER, date(2026, 7, 1), True),
        (3, Month(2026, 1), date(2026, 1, 1), False),
    ],
)
def test_period_of_a_month(months: int, month: Month, begins: date, ends_here: bool) -> None:
    assert period_of(Agreement(period_months=months), month) == (begins, ends_here)


# --- Recurring lines --------------------------------------------------------------------------------------------------


def flat(agreement: Agreement, **changes: Any) -> FlatFee:
    values: dict[str, Any] = {"text": "Maintenance", "article_number": "FLAT", "unit": "Stck", "unit_price": 250}
    return FlatFee.objects.create(agreement=agreement, **(values | changes))


def test_recurring_line_stands_in_every_order_also_without_time(customer: Customer) -> None:
    flat(agree(customer), quantity=2)

    bill()
    bill(NOVEMBER)

    assert lines() == [("flat", "0", "0", "500.00")] == lines(NOVEMBER)
    before = ledger()
    bill()
    assert ledger() == before
    assert audit_ledger().breaches == ()


def test_recurring_line_comes_before_the_tickets_and_keeps_its_days(customer: Customer) -> None:
    own = agree(customer)
    flat(own, valid_to=date(2026, 10, 31))
    flat(own, valid_from=date(2026, 11, 1), unit_price=260)
    ticket_of(customer, 60)

    bill()
    bill(NOVEMBER)

    assert lines() == [("flat", "0", "0", "250.00"), ("time", "60", "60", "60.00")]
    assert lines(NOVEMBER) == [("flat", "0", "0", "260.00")]


def test_recurring_line_of_a_quarter_stands_in_it_once(customer: Customer) -> None:
    flat(agree(customer, period_months=3))

    for month in (OCTOBER, NOVEMBER, DECEMBER):
        bill(month)

    assert lines(OCTOBER) == lines(NOVEMBER) == []
    assert lines(DECEMBER) == [("flat", "0", "0", "250.00")]


# --- Included and prepaid time ----------------------------------------------------------------------------------------


def test_included_minutes_cost_nothing_and_the_rest_has_its_own_rate(customer: Customer) -> None:
    agree(customer, included_minutes=90, overage_rate=120)
    ticket_of(customer, 60, number="1")
    ticket_of(customer, 60, number="2")

    bill()

    assert lines() == [("time", "60", "60", "0.00"), ("time", "60", "60", "60.00")]
    assert [f"{row.included_minutes:.0f}" for row in OrderPosition.objects.all()] == ["60", "30"]
    assert audit_ledger().breaches == ()


def block(customer: Customer, starts: date, granted: int, **changes: Any) -> PrepaidBlock:
    created = PrepaidBlock.objects.create(customer=customer, name=f"Block {starts}", starts=starts, **changes)
    move(created, kind=PrepaidMovement.Kind.GRANTED, minutes=Decimal(granted), reason="", user=None, now=NOW)
    return created


def balances() -> list[str]:
    return [f"{item.balance:.0f}" for item in PrepaidBlock.objects.order_by("starts", "pk")]


def test_prepaid_blocks_are_used_by_their_start(customer: Customer) -> None:
    agree(customer)
    block(customer, date(2026, 9, 1), 100)
    block(customer, date(2026, 1, 1), 50)
    ticket_of(customer, 60, number="1")
    ticket_of(customer, 30, number="2")

    bill()

    assert balances() == ["0", "60"]
    assert lines() == [("time", "60", "60", "0.00"), ("time", "30", "30", "0.00")]
    assert audit_ledger().breaches == ()


def test_draft_that_changes_gives_back_what_it_does_not_use_any_more(customer: Customer) -> None:
    agree(customer)
    block(customer, date(2026, 1, 1), 100)
    ticket = ticket_of(customer, 60)
    bill()
    before = ledger(), PrepaidMovement.objects.count()
    bill()
    assert (ledger(), PrepaidMovement.objects.count()) == before

    book(ticket, 20)
    bill()
    assert balances() == ["20"]
    ticket.entries.update(gone_at=NOW)
    bill()

    assert (balances(), Order.objects.count()) == (["100"], 0)
    kinds = list(PrepaidMovement.objects.values_list("kind", "minutes"))
    assert kinds == [("granted", 100), ("used", -60), ("used", -20), ("released", 80)]


def test_void_order_gives_back_what_it_used_and_the_next_one_takes_it(customer: Customer) -> None:
    agree(customer)
    block(customer, date(2026, 1, 1), 100)
    ticket_of(customer, 60)
    bill()
    (order,) = issue()

    void_order(order, reason="wrong", user=None, now=NOW)
    assert balances() == ["100"]
    bill()

    assert balances() == ["40"]
    assert audit_ledger().breaches == ()


def test_two_months_never_use_the_same_minutes(customer: Customer) -> None:
    agree(customer)
    block(customer, date(2026, 1, 1), 70)
    ticket_of(customer, 60)
    book(ticket_of(customer, closed=NOVEMBER), 60, at="2026-11-05 10:00:00")

    bill()
    bill(NOVEMBER)

    assert balances() == ["0"]
    assert lines(NOVEMBER) == [("time", "60", "60", "50.00")]


@pytest.mark.parametrize(
    ("starts", "expires", "carry_over", "usable"),
    [
        (date(2026, 11, 1), None, 0, False),
        (date(2026, 10, 31), None, 0, True),
        (date(2026, 1, 1), date(2026, 9, 30), 0, False),
        (date(2026, 1, 1), date(2026, 10, 1), 0, True),
        (date(2026, 1, 1), date(2026, 9, 30), 1, True),
        (date(2026, 1, 1), date(2026, 8, 31), 1, False),
    ],
)
def test_block_is_usable_from_its_start_to_its_end_with_carry_over(
    starts: date, expires: date | None, carry_over: int, usable: bool
) -> None:
    block = PrepaidBlock(starts=starts, expires=expires, carry_over_months=carry_over)

    assert is_usable(block, OCTOBER) is usable


def test_expired_block_is_not_used(customer: Customer) -> None:
    agree(customer)
    block(customer, date(2026, 1, 1), 100, expires=date(2026, 9, 30))
    ticket_of(customer, 60)

    bill()

    assert (balances(), lines()) == (["100"], [("time", "60", "60", "60.00")])


@pytest.mark.parametrize(
    ("kind", "minutes", "reason", "sentence"),
    [
        ("granted", 0, "", "Enter the minutes"),
        ("granted", -5, "", "Enter the minutes"),
        ("adjusted", 5, " ", "Say why"),
        ("adjusted", -101, "counted twice", "only 100"),
    ],
)
def test_movement_that_cannot_be_is_refused(
    customer: Customer, kind: str, minutes: int, reason: str, sentence: str
) -> None:
    owned = block(customer, date(2026, 1, 1), 100)

    with pytest.raises(MovementRefused, match=sentence):
        move(owned, kind=PrepaidMovement.Kind(kind), minutes=Decimal(minutes), reason=reason, user=None, now=NOW)

    assert balances() == ["100"]


@pytest.mark.parametrize("change", ["update", "delete"])
def test_movements_are_never_changed(customer: Customer, change: str) -> None:
    block(customer, date(2026, 1, 1), 100)
    movements = PrepaidMovement.objects.all()

    with pytest.raises(IntegrityError), transaction.atomic():
        movements.update(minutes=5) if change == "update" else movements.delete()


def test_audit_finds_a_block_that_does_not_add_up(customer: Customer) -> None:
    block(customer, date(2026, 1, 1), 100)
    PrepaidBlock.objects.update(balance=90)

    assert [(breach.check, breach.examples) for breach in audit_ledger().breaches] == [
        ("prepaid", ("Block 2026-01-01: 90 min",))
    ]


def test_reopened_ticket_counts_in_both_months_only_once(customer: Customer) -> None:
    agree(customer, rounding_step=15, rounding_scope="entry")
    ticket = ticket_of(customer, 5)
    TicketClosingFactory(ticket=ticket, month=NOVEMBER.first_day)
    bill()
    issue()
    book(ticket, 5, at="2026-11-03 09:00:00")
    read_completely(customer.system, NOVEMBER)

    bill(NOVEMBER)

    assert lines(NOVEMBER) == [("time", "5", "15", "15.00")]
    assert_every_minute_stands_once(NOVEMBER)


def test_void_order_is_replaced_where_there_is_a_rate_rule(customer: Customer) -> None:
    """Found by the ledger model: the claims of the new order went to the void order's position as well."""
    RateRule.objects.create(queue="Elsewhere", hourly_rate=90)
    ticket_of(customer, 10)
    bill()
    void_order(issue()[0], reason="wrong", user=None, now=NOW)

    run = bill()

    assert (run.failures, lines()) == ([], [("time", "10", "10", "10.00")])
    assert audit_ledger().breaches == ()
