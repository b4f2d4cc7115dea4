"""Settling discrepancies, choice by choice: what is carried out, what comes back, what is refused, and twice."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from billing.agreement_models import Agreement, PrepaidBlock, PrepaidMovement
from billing.audit import audit_ledger
from billing.closing import close_month
from billing.discrepancies import count_discrepancies, discrepancies
from billing.issuing import issue_orders, void_order
from billing.models import Allocation, Order, OrderPosition
from billing.orders import OrdersRefused, approve_orders, return_to_draft
from billing.settlement_models import Choice, Settlement, SettlementLine
from billing.settling import settle, take_back
from billing.standing import Standing, with_standing
from common.months import Month
from tests.billing.scenes import (
    NOVEMBER,
    NOW,
    OCTOBER,
    assert_every_minute_stands_once,
    assert_totals_are_what_was_claimed,
    bill,
    billed,
    book,
    issue,
    ledger,
    left,
    read_completely,
    ticket_of,
)
from tests.factories.billing import AgreementFactory
from tests.factories.tickets import CustomerFactory, TicketClosingFactory, TicketFactory
from tickets.models import Customer, Ticket, TicketSystem, TimeEntry

DECEMBER = Month(2026, 12)
REASON = "Agreed on the phone."


@pytest.fixture(autouse=True)
def november(system: TicketSystem) -> None:
    """November was read to its end as well."""
    read_completely(system, NOVEMBER)


@pytest.fixture
def ticket(customer: Customer) -> Ticket:
    """60 and 30 minutes, issued with October's order."""
    ticket = ticket_of(customer, 60, 30, number="1")
    bill()
    issue()
    return ticket


def settle_all(choice: Choice, **options: Any) -> list[Settlement]:
    return settle(discrepancies(**options), choice=choice, reason=REASON, user=None, now=NOW)


def open_ones(**options: Any) -> list[tuple[str, Decimal, Decimal, Decimal]]:
    """Kind, minutes billed, minutes now, minutes at stake."""
    rows = discrepancies(**options)
    assert len(rows) == count_discrepancies()
    return [(row.kind.value, row.minutes_billed, row.minutes_now, row.minutes_at_stake) for row in rows]


def lines(month: Month = NOVEMBER, **fields: Any) -> list[tuple[str, Decimal, Decimal, Decimal]]:
    """Kind, recorded minutes, billable minutes and amount of the positions of the month's orders that stand."""
    rows = OrderPosition.objects.filter(order__month=month.first_day, **fields).exclude(order__state=Order.State.VOID)
    return [
        (row.kind, row.recorded_minutes, row.billable_minutes, row.amount) for row in rows.order_by("order", "position")
    ]


def assert_sound() -> None:
    for month in (OCTOBER, NOVEMBER, DECEMBER):
        assert_every_minute_stands_once(month)
    assert_totals_are_what_was_claimed()
    assert audit_ledger().breaches == ()


def change(ticket: Ticket, units: int, minutes: int | str) -> TimeEntry:
    """The entry with these units has other minutes now."""
    entry = ticket.entries.get(units=units)
    entry.minutes = Decimal(minutes)
    entry.save()
    return entry


def vanish(ticket: Ticket, units: int) -> None:
    ticket.entries.filter(units=units).update(gone_at=NOW)


def test_late_time_joins_the_next_order_although_its_ticket_is_not_closed_again(ticket: Ticket) -> None:
    book(ticket, 20)
    assert open_ones() == [("late", 0, 20, 20)]

    (settlement,) = settle_all(Choice.NEXT_ORDER)

    assert open_ones() == []
    assert left() == [("1", "waits", 20)]
    assert (settlement.money_at_stake, settlement.currency, settlement.reason) == (20, "EUR", REASON)
    run = bill(NOVEMBER)
    assert (run.state, run.orders_new) == ("done", 1)
    assert lines() == [("time", 20, 20, 20)]
    assert_sound()
    before = ledger()
    assert bill(NOVEMBER).orders_changed == 0
    assert ledger() == before
    assert len(issue()) == 1
    assert open_ones() == []
    assert_sound()


def test_late_time_joins_the_position_of_its_ticket_where_that_is_closed_again(ticket: Ticket) -> None:
    book(ticket, 20)
    settle_all(Choice.NEXT_ORDER)
    TicketClosingFactory(ticket=ticket, month=NOVEMBER.first_day)
    book(ticket, 5, at="2026-11-03 10:00:00")

    bill(NOVEMBER)

    assert lines() == [("time", 25, 25, 25)]
    assert_sound()


def test_other_time_of_the_ticket_does_not_come_along(ticket: Ticket) -> None:
    book(ticket, 20)
    settle_all(Choice.NEXT_ORDER)
    book(ticket, 7, at="2026-11-03 10:00:00")
    Ticket.objects.update(state="open", state_type="open")

    bill(NOVEMBER)
    issue()

    assert lines() == [("time", 20, 20, 20)]
    assert ("1", "open", 7) in left(NOVEMBER)
    assert_sound()


def test_negative_correction_nets_against_its_ticket_and_is_not_cut_at_zero(ticket: Ticket) -> None:
    other = ticket_of(ticket.customer, 50, closed=NOVEMBER, number="2")
    book(ticket, -80)
    assert open_ones() == [("negative_late", 0, -80, -80)]

    settle_all(Choice.NEXT_ORDER)
    TicketClosingFactory(ticket=ticket, month=NOVEMBER.first_day)
    book(ticket, 10, at="2026-11-03 10:00:00")
    bill(NOVEMBER)

    assert lines() == [("time", -70, -70, -70), ("time", 50, 50, 50)]
    assert Order.objects.get(month=NOVEMBER.first_day).net_amount == -20
    assert other.number in billed(NOVEMBER)["K1001"]
    assert_sound()


def test_late_time_that_changes_after_it_was_settled_is_open_again(ticket: Ticket) -> None:
    entry = book(ticket, 20)
    settle_all(Choice.NEXT_ORDER)

    TimeEntry.objects.filter(pk=entry.pk).update(minutes=Decimal(25))
    bill(NOVEMBER)

    assert open_ones() == [("late", 0, 25, 25)]
    assert lines() == []
    TimeEntry.objects.filter(pk=entry.pk).update(minutes=Decimal(20))
    assert open_ones() == []


def test_draft_whose_settlement_was_taken_back_is_not_approved(ticket: Ticket) -> None:
    book(ticket, 20)
    (settlement,) = settle_all(Choice.NEXT_ORDER)
    bill(NOVEMBER)

    take_back([settlement.pk], reason="A mistake.", user=None, now=NOW)

    with pytest.raises(OrdersRefused, match="The mirror has changed"):
        issue()
    bill(NOVEMBER)
    assert (lines(), open_ones()) == ([], [("late", 0, 20, 20)])
    settlement.refresh_from_db()
    assert (settlement.live, settlement.ended_at, settlement.end_reason) == (False, NOW, "A mistake.")


def test_settlement_of_billed_time_is_not_taken_back(ticket: Ticket) -> None:
    book(ticket, 20)
    (settlement,) = settle_all(Choice.NEXT_ORDER)
    bill(NOVEMBER)
    (order,) = issue()

    with pytest.raises(OrdersRefused, match=f"Order {order.number} rests on the settlement"):
        take_back([settlement.pk], reason="A mistake.", user=None, now=NOW)

    void_order(order, reason="wrong", user=None, now=NOW)
    assert open_ones() == []
    bill(NOVEMBER)
    assert lines() == [("time", 20, 20, 20)]
    assert_sound()


def test_time_that_is_not_to_be_billed_stands_as_not_billable_with_the_reason(ticket: Ticket) -> None:
    entry = book(ticket, 20)

    settle_all(Choice.NOT_BILLABLE)

    assert open_ones() == []
    assert with_standing(TimeEntry.objects.filter(pk=entry.pk)).get().standing == Standing.NOT_BILLABLE  # type: ignore[attr-defined]
    assert left() == [("1", "settled", 20)]
    TicketClosingFactory(ticket=ticket, month=NOVEMBER.first_day)
    bill(NOVEMBER)
    assert lines() == []
    assert_sound()
    close_month(NOVEMBER, user=None, now=NOW)


def test_time_that_was_not_to_be_billed_is_billable_with_other_minutes(ticket: Ticket) -> None:
    entry = book(ticket, 20)
    settle_all(Choice.NOT_BILLABLE)

    TimeEntry.objects.filter(pk=entry.pk).update(minutes=Decimal(21))

    assert open_ones() == [("late", 0, 21, 21)]
    assert with_standing(TimeEntry.objects.filter(pk=entry.pk)).get().standing == Standing.UNBILLED  # type: ignore[attr-defined]


def test_supplement_is_drafted_at_once_with_exactly_these_entries(ticket: Ticket) -> None:
    book(ticket, 20)
    one_more = book(ticket, 5, at="2026-10-06 10:00:00")
    chosen = [row for row in discrepancies() if row.minutes_now == 20]

    (settlement,) = settle(chosen, choice=Choice.SUPPLEMENT, reason=REASON, user=None, now=NOW)

    order = Order.objects.get(supplement=1)
    assert (order.number, settlement.supplement_number) == ("TK-2026-10-K1001-S1", order.number)
    assert (order.state, order.complete, order.net_amount, order.recorded_minutes) == ("draft", True, 20, 20)
    assert [event.kind for event in order.events.all()] == ["drafted"]
    assert open_ones() == [("late", 0, 5, 5)]
    before = ledger()
    bill()
    assert ledger() == before
    assert_sound()
    settle_all(Choice.SUPPLEMENT)
    assert [row.number for row in Order.objects.filter(supplement__gt=0).order_by("pk")] == [
        "TK-2026-10-K1001-S1",
        "TK-2026-10-K1001-S2",
    ]
    assert one_more.allocations.get().position.order.supplement == 2
    approve_orders(Order.objects.filter(state="draft"), user=None, now=NOW)
    issue_orders(Order.objects.filter(state="approved"), user=None, now=NOW)
    assert_sound()
    assert open_ones() == []


def test_supplement_of_time_that_is_not_billed_any_more_is_refused(ticket: Ticket) -> None:
    book(ticket, 20)
    seen = discrepancies()
    Agreement.objects.filter(customer=ticket.customer).update(billed=False)
    with pytest.raises(OrdersRefused, match="says that some of this time is not billed"):
        settle(seen, choice=Choice.SUPPLEMENT, reason=REASON, user=None, now=NOW)
    Agreement.objects.filter(customer=ticket.customer).update(billed=True, valid_to="2026-09-30")

    with pytest.raises(OrdersRefused, match="bills nothing of this time"):
        settle(seen, choice=Choice.SUPPLEMENT, reason=REASON, user=None, now=NOW)

    assert not Order.objects.filter(supplement=1).exists()


def test_void_supplement_gives_its_time_back_and_its_number_is_not_given_again(ticket: Ticket) -> None:
    book(ticket, 20)
    settle_all(Choice.SUPPLEMENT)
    (order,) = issue()

    void_order(order, reason="wrong", user=None, now=NOW)

    assert open_ones() == [("late", 0, 20, 20)]
    assert Settlement.objects.get().end_reason == "wrong"
    settle_all(Choice.SUPPLEMENT)
    assert Order.objects.get(state="draft").number == "TK-2026-10-K1001-S2"
    bill()
    assert Order.objects.get(state="draft").correction_of is None
    assert_sound()


def test_draft_supplement_goes_with_its_settlements(ticket: Ticket) -> None:
    book(ticket, 20)
    book(ticket, 5)
    settlements = settle_all(Choice.SUPPLEMENT)

    take_back([settlements[0].pk], reason="A mistake.", user=None, now=NOW)

    assert not Order.objects.filter(supplement=1).exists()
    assert [row[0] for row in open_ones()] == ["late", "late"]
    assert not Settlement.objects.filter(live=True).exists()
    assert_sound()


def test_supplement_is_priced_by_the_agreement_of_its_month_with_what_is_left_of_it(system: TicketSystem) -> None:
    customer = CustomerFactory(system=system, customer_id="Q")
    AgreementFactory(customer=customer, included_minutes=100, overage_rate=Decimal(120))
    block = PrepaidBlock.objects.create(customer=customer, name="Ten", starts=OCTOBER.first_day, balance=4)
    PrepaidMovement.objects.create(block=block, kind="granted", minutes=4, at=NOW, user=None)
    ticket = ticket_of(customer, 90)
    bill()
    issue()
    AgreementFactory(customer=customer, valid_from=NOVEMBER.first_day, hourly_rate=Decimal(600))
    book(ticket, 20)

    settle_all(Choice.SUPPLEMENT)

    line = OrderPosition.objects.get(order__supplement=1)
    assert (line.included_minutes, line.prepaid_minutes, line.quantity, line.amount) == (10, 4, Decimal("0.1"), 12)
    block.refresh_from_db()
    assert block.balance == 0
    assert_sound()
    take_back([Settlement.objects.get().pk], reason="A mistake.", user=None, now=NOW)
    block.refresh_from_db()
    assert block.balance == 4
    assert_sound()


def test_supplement_of_less_than_nothing_is_refused(ticket: Ticket) -> None:
    book(ticket, -20)
    before = ledger()

    with pytest.raises(OrdersRefused, match="would come to less than nothing"):
        settle_all(Choice.SUPPLEMENT)

    assert (ledger(), Settlement.objects.count()) == (before, 0)


def test_supplement_of_a_closed_month_is_refused(ticket: Ticket) -> None:
    close_month(OCTOBER, user=None, now=NOW)
    book(ticket, 20)

    with pytest.raises(OrdersRefused, match="2026-10 was closed on"):
        settle_all(Choice.SUPPLEMENT)

    assert not Settlement.objects.exists()


def test_vanished_time_is_credited_once_with_the_next_order(ticket: Ticket) -> None:
    document = Order.objects.get().document_number
    vanish(ticket, 60)
    assert open_ones() == [("gone", 60, 0, -60)]

    (settlement,) = settle_all(Choice.CREDIT)

    assert open_ones() == []
    assert (settlement.money_at_stake, settlement.minutes_at_stake, settlement.facts) == (-60, -60, "60>0")
    bill(NOVEMBER)
    assert lines() == [("credit", 0, -60, -60)]
    position = OrderPosition.objects.get(kind="credit")
    assert position.text == f"Korrektur zu {document} (TK-2026-10-K1001), Position 1, Ticket 1: 0 min statt 60 min"
    assert_sound()
    before = ledger()
    bill(NOVEMBER)
    bill(DECEMBER)
    assert ledger() == before
    (order,) = issue()
    bill(DECEMBER)
    assert (lines(DECEMBER), open_ones()) == ([], [])
    assert SettlementLine.objects.get().position.order == order
    assert_sound()


def test_credit_of_a_void_order_is_carried_out_anew(ticket: Ticket) -> None:
    vanish(ticket, 60)
    settle_all(Choice.CREDIT)
    bill(NOVEMBER)
    (order,) = issue()

    void_order(order, reason="wrong", user=None, now=NOW)
    bill(NOVEMBER)

    assert lines() == [("credit", 0, -60, -60)]
    assert Order.objects.get(state="draft").correction_of == order
    assert SettlementLine.objects.filter(live=True).count() == 1
    assert_sound()


def test_time_that_comes_back_before_it_was_credited_needs_no_credit(ticket: Ticket) -> None:
    vanish(ticket, 60)
    settle_all(Choice.CREDIT)
    bill(NOVEMBER)
    ticket.entries.update(gone_at=None)

    with pytest.raises(OrdersRefused, match="The mirror has changed"):
        issue()
    bill(NOVEMBER)

    assert (lines(), open_ones()) == ([], [])
    assert_sound()


def test_time_that_comes_back_after_it_was_credited_is_owed_again(ticket: Ticket) -> None:
    vanish(ticket, 60)
    settle_all(Choice.CREDIT)
    bill(NOVEMBER)
    issue()
    ticket.entries.update(gone_at=None)
    assert open_ones() == [("changed", 0, 60, 60)]

    settle_all(Choice.NEXT_ORDER)
    bill(DECEMBER)

    assert lines(DECEMBER) == [("credit", 0, 60, 60)]
    assert open_ones() == []
    assert_sound()


def test_fewer_minutes_are_credited_step_by_step(ticket: Ticket) -> None:
    change(ticket, 60, 45)
    settle_all(Choice.CREDIT)
    bill(NOVEMBER)
    issue()

    change(ticket, 60, 40)
    assert open_ones() == [("changed", 45, 40, -5)]
    settle_all(Choice.CREDIT)
    bill(DECEMBER)

    assert (lines(), lines(DECEMBER)) == ([("credit", 0, -15, -15)], [("credit", 0, -5, -5)])
    assert_sound()


def test_minutes_that_change_before_they_were_credited_are_open_with_all_of_their_difference(ticket: Ticket) -> None:
    change(ticket, 60, 45)
    settle_all(Choice.CREDIT)
    change(ticket, 60, 40)

    assert open_ones() == [("changed", 60, 40, -20)]

    settle_all(Choice.CREDIT)
    bill(NOVEMBER)
    assert lines() == [("credit", 0, -20, -20)]
    assert_sound()


def test_more_minutes_are_billed_with_the_next_order(ticket: Ticket) -> None:
    change(ticket, 30, "40.5")

    settle_all(Choice.NEXT_ORDER)
    bill(NOVEMBER)

    assert lines() == [("credit", 0, Decimal("10.5"), Decimal("10.5"))]
    assert_sound()


def test_correction_is_rounded_for_the_whole_position_by_its_frozen_rule(system: TicketSystem) -> None:
    """Quarters up at 60 EUR an hour, then ten times that: 50 and 15 minutes were 75, without the 15 they are 60."""
    customer = CustomerFactory(system=system, customer_id="Q")
    AgreementFactory(customer=customer, rounding_step=15)
    ticket = ticket_of(customer, 50, 15)
    bill()
    issue()
    AgreementFactory(customer=customer, valid_from=NOVEMBER.first_day, hourly_rate=Decimal(600))
    vanish(ticket, 15)
    change(ticket, 50, 46)

    settlements = settle_all(Choice.CREDIT)
    bill(NOVEMBER)

    assert [row.money_at_stake for row in settlements] == [-15, 0]
    assert lines() == [("credit", 0, -15, -15)]
    assert OrderPosition.objects.get(kind="credit").quantity == Decimal("-0.25")
    assert_sound()


@pytest.mark.parametrize(("scope", "amount"), [("ticket", -15), ("entry", -30), ("day", -30), ("order", -25)])
def test_every_scope_of_rounding_is_corrected_by_its_own_parts(system: TicketSystem, scope: str, amount: int) -> None:
    customer = CustomerFactory(system=system, customer_id="Q")
    AgreementFactory(customer=customer, rounding_step=15, rounding_scope=scope)
    ticket = ticket_of(customer, 20, 15)
    book(ticket, 25, at="2026-10-06 10:00:00")
    bill()
    issue()

    vanish(ticket, 25)
    settle_all(Choice.CREDIT)
    bill(NOVEMBER)

    assert [row[3] for row in lines(kind="credit")] == [amount]
    assert_sound()


def test_what_rounding_makes_nothing_of_is_not_credited_but_accepted(system: TicketSystem) -> None:
    customer = CustomerFactory(system=system, customer_id="Q")
    AgreementFactory(customer=customer, rounding_step=15)
    ticket = ticket_of(customer, 60)
    bill()
    issue()
    change(ticket, 60, 50)

    with pytest.raises(OrdersRefused, match="Rounding makes nothing of the difference"):
        settle_all(Choice.CREDIT)

    settle_all(Choice.ACCEPT)
    assert open_ones() == []
    assert_sound()


def test_what_was_included_is_not_given_back_in_money(system: TicketSystem) -> None:
    customer = CustomerFactory(system=system, customer_id="Q")
    AgreementFactory(customer=customer, included_minutes=50)
    ticket = ticket_of(customer, 60, 30)
    bill()
    issue()
    ticket.entries.update(gone_at=NOW)

    settlements = settle_all(Choice.CREDIT)

    assert sum(row.money_at_stake for row in settlements) == -40


def test_accepted_difference_stays_accepted_while_the_facts_are_the_same(ticket: Ticket) -> None:
    change(ticket, 60, 45)
    settle_all(Choice.ACCEPT)
    assert open_ones() == []

    change(ticket, 60, 60)
    assert open_ones() == []
    change(ticket, 60, 44)
    assert open_ones() == [("changed", 60, 44, -16)]
    change(ticket, 60, 45)
    assert open_ones() == []
    bill(NOVEMBER)
    assert lines() == []


def test_time_that_stays_with_the_customer_who_paid_counts_as_before(ticket: Ticket) -> None:
    other = CustomerFactory(system=ticket.system)
    Ticket.objects.filter(pk=ticket.pk).update(customer=other)
    assert [row[0] for row in open_ones()] == ["moved_customer"] * 2

    settle_all(Choice.ACCEPT)

    assert open_ones() == []
    change(ticket, 60, 45)
    assert open_ones() == [("changed", 60, 45, -15)]
    Ticket.objects.filter(pk=ticket.pk).update(customer=CustomerFactory(system=ticket.system))
    assert [row[0] for row in open_ones()] == ["moved_customer", "changed", "moved_customer"]


def test_merge_is_accepted_and_comes_back_with_another_ticket(ticket: Ticket) -> None:
    for number in ("2", "3"):
        into = TicketFactory(system=ticket.system, customer=ticket.customer, number=number)
        TimeEntry.objects.update(ticket=into)
        assert [row[0] for row in open_ones()] == ["moved_ticket"] * 2

        settle_all(Choice.ACCEPT)

        assert open_ones() == []


def test_minutes_at_stake_stay_with_the_kind_that_was_settled(ticket: Ticket) -> None:
    into = TicketFactory(system=ticket.system, customer=ticket.customer)
    ticket.entries.filter(units=60).update(ticket=into, gone_at=NOW)
    rows = discrepancies()
    assert [(row.kind.value, row.minutes_at_stake) for row in rows] == [("gone", -60), ("moved_ticket", 0)]

    settle(rows[:1], choice=Choice.ACCEPT, reason=REASON, user=None, now=NOW)

    assert open_ones() == [("moved_ticket", 60, 0, 0)]


@pytest.mark.parametrize(
    ("make", "choice"),
    [
        ("late", Choice.CREDIT),
        ("late", Choice.ACCEPT),
        ("gone", Choice.NEXT_ORDER),
        ("gone", Choice.SUPPLEMENT),
        ("gone", Choice.NOT_BILLABLE),
        ("more", Choice.CREDIT),
        ("more", Choice.SUPPLEMENT),
    ],
)
def test_choice_that_makes_no_sense_is_refused(ticket: Ticket, make: str, choice: Choice) -> None:
    if make == "late":
        book(ticket, 20)
    elif make == "gone":
        vanish(ticket, 60)
    else:
        change(ticket, 60, 70)

    with pytest.raises(OrdersRefused, match="cannot settle"):
        settle_all(choice)

    assert not Settlement.objects.exists()


def test_order_that_is_not_issued_is_put_right_by_a_run(customer: Customer) -> None:
    ticket = ticket_of(customer, 60)
    bill()
    approve_orders(Order.objects.all(), user=None, now=NOW)
    vanish(ticket, 60)

    with pytest.raises(OrdersRefused, match="is not issued yet: return it to draft"):
        settle_all(Choice.ACCEPT)


@pytest.mark.parametrize(("reason", "sentence"), [("  ", "Say why"), ("x" * 2001, "longer than 2000 characters")])
def test_reason_is_needed(ticket: Ticket, reason: str, sentence: str) -> None:
    vanish(ticket, 60)

    with pytest.raises(OrdersRefused, match=sentence):
        settle(discrepancies(), choice=Choice.ACCEPT, reason=reason, user=None, now=NOW)


def test_nothing_chosen_is_refused(ticket: Ticket) -> None:
    with pytest.raises(OrdersRefused, match="Choose at least one discrepancy"):
        settle([], choice=Choice.ACCEPT, reason=REASON, user=None, now=NOW)


def test_what_has_changed_since_it_was_looked_at_is_not_settled(ticket: Ticket) -> None:
    change(ticket, 60, 45)
    seen = discrepancies()
    change(ticket, 60, 40)

    with pytest.raises(OrdersRefused, match="has changed since you looked"):
        settle(seen, choice=Choice.CREDIT, reason=REASON, user=None, now=NOW)

    assert not Settlement.objects.exists()


def test_settled_twice_is_settled_once(ticket: Ticket) -> None:
    vanish(ticket, 60)
    seen = discrepancies()
    settle(seen, choice=Choice.CREDIT, reason=REASON, user=None, now=NOW)

    with pytest.raises(OrdersRefused, match="is settled or gone by now"):
        settle(seen, choice=Choice.CREDIT, reason=REASON, user=None, now=NOW)

    assert Settlement.objects.count() == 1


def test_taken_back_twice_is_taken_back_once(ticket: Ticket) -> None:
    vanish(ticket, 60)
    (settlement,) = settle_all(Choice.ACCEPT)
    take_back([settlement.pk], reason="A mistake.", user=None, now=NOW)

    with pytest.raises(OrdersRefused, match="is taken back already"):
        take_back([settlement.pk], reason="Another.", user=None, now=NOW)

    assert open_ones() == [("gone", 60, 0, -60)]
    assert Settlement.objects.get().end_reason == "A mistake."
    settle_all(Choice.CREDIT)
    assert Settlement.objects.count() == 2


def test_credit_that_stands_in_a_draft_is_taken_back_and_leaves_it(ticket: Ticket) -> None:
    vanish(ticket, 60)
    (settlement,) = settle_all(Choice.CREDIT)
    bill(NOVEMBER)

    take_back([settlement.pk], reason="A mistake.", user=None, now=NOW)

    with pytest.raises(OrdersRefused, match="The mirror has changed"):
        issue()
    bill(NOVEMBER)
    assert (lines(), [row[0] for row in open_ones()]) == ([], ["gone"])


def test_credit_that_was_approved_is_taken_back_after_the_draft_is_one_again(ticket: Ticket) -> None:
    vanish(ticket, 60)
    (settlement,) = settle_all(Choice.CREDIT)
    bill(NOVEMBER)
    approve_orders(Order.objects.filter(state="draft"), user=None, now=NOW)

    with pytest.raises(OrdersRefused, match="rests on the settlement"):
        take_back([settlement.pk], reason="A mistake.", user=None, now=NOW)

    return_to_draft(Order.objects.filter(state="approved"), reason="wrong", user=None, now=NOW)
    take_back([settlement.pk], reason="A mistake.", user=None, now=NOW)


def test_order_that_a_later_one_corrects_is_not_voided(ticket: Ticket) -> None:
    (first,) = Order.objects.all()
    vanish(ticket, 60)
    settle_all(Choice.CREDIT)
    bill(NOVEMBER)
    (second,) = issue()

    with pytest.raises(OrdersRefused, match=f"Order {second.number} corrects time of this one"):
        void_order(first, reason="wrong", user=None, now=NOW)

    void_order(second, reason="wrong", user=None, now=NOW)
    void_order(first, reason="wrong", user=None, now=NOW)
    assert not Settlement.objects.filter(live=True).exists()
    bill()
    bill(NOVEMBER)
    assert (lines(OCTOBER), lines()) == ([("time", 30, 30, 30)], [])
    assert_sound()


def test_order_that_a_draft_corrects_is_voided_and_the_draft_lets_go(ticket: Ticket) -> None:
    (first,) = Order.objects.all()
    vanish(ticket, 60)
    settle_all(Choice.CREDIT)
    bill(NOVEMBER)

    void_order(first, reason="wrong", user=None, now=NOW)

    with pytest.raises(OrdersRefused, match="The mirror has changed"):
        approve_orders(Order.objects.filter(month=NOVEMBER.first_day), user=None, now=NOW)
    bill(NOVEMBER)
    bill()
    assert (lines(), lines(OCTOBER)) == ([], [("time", 30, 30, 30)])
    assert_sound()


def test_credit_in_another_currency_waits(ticket: Ticket) -> None:
    vanish(ticket, 60)
    settle_all(Choice.CREDIT)
    AgreementFactory(customer=ticket.customer, valid_from=NOVEMBER.first_day, currency="CHF")

    bill(NOVEMBER)

    assert lines() == []


def test_database_lets_nothing_of_a_settlement_change_and_one_be_in_force(ticket: Ticket) -> None:
    vanish(ticket, 60)
    (settlement,) = settle_all(Choice.CREDIT)
    bill(NOVEMBER)
    issue()
    line, claim = SettlementLine.objects.get(), Allocation.objects.get(entry=settlement.entry)
    twin = {"live": True, "facts": settlement.facts, "kind": "gone", "allocation": claim, "entry": claim.entry}
    numbers = dict.fromkeys(("minutes_billed", "minutes_now", "minutes_at_stake", "money_at_stake"), Decimal(0))
    twin |= numbers | {"position": claim.position, "currency": "EUR", "choice": "accept", "reason": "x", "at": NOW}
    for refused in (
        lambda: Settlement.objects.filter(pk=settlement.pk).update(reason="Another"),
        lambda: Settlement.objects.filter(pk=settlement.pk).update(minutes_at_stake=1),
        lambda: Settlement.objects.filter(pk=settlement.pk).update(live=False),
        lambda: Settlement.objects.filter(pk=settlement.pk).delete(),
        lambda: Settlement.objects.create(**twin),
        lambda: SettlementLine.objects.filter(pk=line.pk).update(live=False),
        lambda: SettlementLine.objects.filter(pk=line.pk).delete(),
        lambda: SettlementLine.objects.create(settlement=settlement, position=claim.position),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            refused()

    take_back_refused = Settlement.objects.get(pk=settlement.pk)
    assert (take_back_refused.reason, take_back_refused.live) == (REASON, True)


def test_ended_settlement_is_not_revived(ticket: Ticket) -> None:
    vanish(ticket, 60)
    (settlement,) = settle_all(Choice.ACCEPT)
    take_back([settlement.pk], reason="A mistake.", user=None, now=NOW)

    with pytest.raises(IntegrityError), transaction.atomic():
        Settlement.objects.filter(pk=settlement.pk).update(live=True, ended_at=None, end_reason="")
