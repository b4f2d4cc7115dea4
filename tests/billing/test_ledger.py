from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from unittest.mock import patch

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

from billing import ledger as ledger_module
from billing.claims import Gathering, claim_free_entries, tickets_of
from billing.ledger import plan_month
from billing.models import Agreement, Allocation, Order, OrderEvent, OrderPosition
from billing.numbers import clean, order_numbers
from billing.orders import approve_orders
from billing.plans import Change
from billing.terms import EntryTerms
from common.jobs import Job
from common.months import Month
from tests.billing.scenes import (
    NOVEMBER,
    NOW,
    OCTOBER,
    SEPTEMBER,
    assert_every_minute_stands_once,
    assert_totals_are_what_was_claimed,
    bill,
    billed,
    book,
    ledger,
    left,
    read_completely,
    ticket_of,
)
from tests.factories.billing import AgreementFactory
from tests.factories.tickets import CustomerFactory, TicketClosingFactory, TicketSystemFactory
from tickets.models import Customer, Ticket, TicketSystem

LATER = NOW + timedelta(hours=1)


@pytest.fixture(autouse=True)
def sums_agree(db: None) -> Iterator[None]:
    yield
    assert_totals_are_what_was_claimed()


def test_order_has_one_position_for_each_closed_ticket(customer: Customer) -> None:
    first = ticket_of(customer, 20, 25, number="2026100310000281", title="Beamer")
    second = ticket_of(customer, 30, number="2026100410000282", title="Drucker")

    run = bill()

    order = Order.objects.get()
    assert (run.state, run.complete, run.orders_new) == (Job.State.DONE, True, 1)
    assert (order.number, order.state, order.complete) == ("TK-2026-10-K1001", Order.State.DRAFT, True)
    assert (order.recorded_minutes, order.billable_minutes, order.net_amount) == (75, 75, 75)
    assert list(order.positions.values_list("position", "ticket", "recorded_minutes", "amount", "text")) == [
        (1, first.pk, 45, 45, "Nummer: 2026100310000281 Titel: Beamer Erfasste Zeit: 45 min"),
        (2, second.pk, 30, 30, "Nummer: 2026100410000282 Titel: Drucker Erfasste Zeit: 30 min"),
    ]
    assert [event.kind for event in order.events.all()] == [OrderEvent.Kind.DRAFTED]
    assert set(Allocation.objects.values_list("entry__ticket", "position__ticket")) == {
        (first.pk, first.pk),
        (second.pk, second.pk),
    }


def test_position_is_rounded_by_the_default_agreement_where_there_is_no_own_one(system: TicketSystem) -> None:
    ticket_of(CustomerFactory(system=system), 20)
    default = Agreement.objects.get(is_default=True)

    bill()

    position = OrderPosition.objects.get()
    assert (position.recorded_minutes, position.billable_minutes) == (20, 30)
    assert (position.quantity, position.unit_price, position.amount) == (
        Decimal("0.5"),
        default.hourly_rate,
        Decimal("47.5"),
    )
    assert position.rule["hourly_rate"] == "95"


def test_default_agreement_gives_nobody_its_erp_number(system: TicketSystem) -> None:
    Agreement.objects.filter(is_default=True).update(erp_customer_number="999")
    ticket_of(CustomerFactory(system=system, customer_id="K7"), 20)

    bill()

    assert Order.objects.get().erp_customer_number == "K7"


def test_run_twice_changes_no_row(customer: Customer) -> None:
    ticket_of(customer, 20, "0.1", "0.2")
    ticket_of(customer, -5)
    bill()
    before = ledger()

    run = bill(now=LATER)

    assert ledger() == before
    assert (run.orders_new, run.orders_changed, run.orders_unchanged) == (0, 0, 1)


def test_new_time_changes_the_draft_and_keeps_its_number(customer: Customer) -> None:
    ticket = ticket_of(customer, 20)
    bill()
    old = Order.objects.get()
    book(ticket, 10)

    run = bill(now=LATER)

    order = Order.objects.get()
    assert (run.orders_changed, order.pk, order.number) == (1, old.pk, old.number)
    assert (order.created_at, order.changed_at) == (NOW, LATER)
    assert (order.recorded_minutes, order.net_amount) == (30, 30)
    assert [(event.kind, event.text) for event in order.events.all()] == [
        (OrderEvent.Kind.DRAFTED, "20.00 EUR"),
        (OrderEvent.Kind.CHANGED, "20.00 → 30.00 EUR"),
    ]


def test_entry_replaced_by_an_equal_one_is_claimed_anew(customer: Customer) -> None:
    ticket = ticket_of(customer, 20)
    bill()
    ticket.entries.update(gone_at=NOW)
    fresh = book(ticket, 20, at="2026-10-06 10:00:00")

    run = bill(now=LATER)

    assert run.orders_changed == 1
    assert [claim.entry for claim in Allocation.objects.all()] == [fresh]


def test_changed_agreement_changes_the_draft(customer: Customer) -> None:
    ticket_of(customer, 20)
    bill()
    Agreement.objects.filter(customer=customer).update(hourly_rate=120, erp_customer_number="10001")

    bill(now=LATER)

    order = Order.objects.get()
    assert (order.net_amount, order.erp_customer_number, order.number) == (40, "10001", "TK-2026-10-K1001")


def test_changed_title_changes_the_draft(customer: Customer) -> None:
    ticket_of(customer, 20)
    bill()
    Ticket.objects.update(title="Other")

    run = bill(now=LATER)

    assert (run.orders_changed, OrderPosition.objects.get().text.split()[3]) == (1, "Other")


def test_gone_time_empties_and_deletes_the_draft(customer: Customer) -> None:
    ticket = ticket_of(customer, 20)
    bill()
    ticket.entries.update(gone_at=NOW)

    run = bill(now=LATER)

    assert (run.orders_changed, run.complete) == (1, True)
    assert ledger() == [[], [], [], [], []]


def test_negative_sum_makes_a_negative_position_and_zero_makes_none(customer: Customer) -> None:
    ticket_of(customer, 15, -30, number="1")
    ticket_of(customer, 15, -15, number="2")
    ticket_of(customer, number="3")

    bill()

    assert billed() == {"K1001": {"1": Decimal(-15)}}
    assert left() == [("2", "cancelled_out", 0), ("3", "no_time", 0)]


def test_time_after_the_end_of_the_month_waits(customer: Customer) -> None:
    ticket = ticket_of(customer, number="1")
    book(ticket, 1, at="2026-10-31 23:59:59")
    book(ticket, 2, at="2026-11-01 00:00:00")
    book(ticket, 4, at="2026-08-01 00:00:00")

    bill()

    assert billed() == {"K1001": {"1": Decimal(5)}}
    assert left() == [("1", "booked_later", 2)]


def test_counting_states_of_the_agreement_replace_the_closed_state_types(customer: Customer) -> None:
    Agreement.objects.filter(customer=customer).update(counting_states=["billed"])
    ticket_of(customer, 10, number="1", state="billed", state_type="pending auto")
    ticket_of(customer, 20, number="2")

    bill()

    assert billed() == {"K1001": {"1": Decimal(10)}}
    assert left() == [("2", "state_not_counting", 20)]


def test_customer_that_is_not_billed_gets_no_order_and_loses_the_draft(customer: Customer) -> None:
    ticket_of(customer, 10, number="1")
    bill()
    Agreement.objects.filter(customer=customer).update(billed=False)

    bill(now=LATER)

    assert Order.objects.count() == 0
    assert left() == [("1", "not_billed", 10)]


def test_approved_order_never_changes_and_its_later_time_is_left_out(customer: Customer) -> None:
    ticket = ticket_of(customer, 10, number="1")
    bill()
    approve_orders(Order.objects.all(), user=None, now=NOW)
    before = ledger()
    book(ticket, 5)

    run = bill(now=LATER)

    assert ledger() == before
    assert (run.complete, run.orders_unchanged) == (True, 1)
    assert left() == [("1", "order_closed", 5)]


def test_ticket_reopened_and_closed_again_is_billed_by_entry_in_three_months(system: TicketSystem) -> None:
    customer = CustomerFactory(system=system, customer_id="K1")
    ticket = ticket_of(customer, closed=SEPTEMBER, number="1")
    book(ticket, 10, at="2026-09-10 10:00:00")
    book(ticket, 20, at="2026-10-10 10:00:00")
    book(ticket, 40, at="2026-11-10 10:00:00")
    for month in (OCTOBER, NOVEMBER):
        TicketClosingFactory(ticket=ticket, month=month.first_day)

    for month in (SEPTEMBER, OCTOBER, NOVEMBER):
        bill(month)

    assert [billed(month) for month in (SEPTEMBER, OCTOBER, NOVEMBER)] == [
        {"K1": {"1": Decimal(minutes)}} for minutes in (10, 20, 40)
    ]
    assert left(OCTOBER) == [("1", "billed_elsewhere", 10), ("1", "billed_elsewhere", 40)]
    for month in (SEPTEMBER, OCTOBER, NOVEMBER):
        assert_every_minute_stands_once(month)


def test_entry_of_another_months_draft_is_not_taken_from_it(customer: Customer) -> None:
    ticket = ticket_of(customer, 10)
    bill()
    TicketClosingFactory(ticket=ticket, month=NOVEMBER.first_day)

    bill(NOVEMBER)

    assert billed(NOVEMBER) == {}
    assert_every_minute_stands_once(NOVEMBER)


def test_ticket_given_to_another_customer_moves_to_that_draft_in_one_run(system: TicketSystem) -> None:
    first, second = CustomerFactory(system=system, customer_id="A"), CustomerFactory(system=system, customer_id="B")
    there, back = ticket_of(first, 10, number="1"), ticket_of(second, 20, number="2")
    bill()
    Ticket.objects.filter(pk=there.pk).update(customer=second)
    Ticket.objects.filter(pk=back.pk).update(customer=first)

    bill(now=LATER)

    assert billed() == {"A": {"2": Decimal(20)}, "B": {"1": Decimal(10)}}
    before = ledger()
    assert bill(now=LATER).orders_unchanged == 2
    assert ledger() == before


def test_run_for_one_customer_leaves_the_others_alone(system: TicketSystem) -> None:
    first, second = CustomerFactory(system=system, customer_id="A"), CustomerFactory(system=system, customer_id="B")
    moved = ticket_of(first, 10, number="1")
    bill()
    approve_orders(Order.objects.all(), user=None, now=NOW)
    ticket_of(first, 5, number="3")
    ticket_of(second, 20, number="2")
    Ticket.objects.filter(pk=moved.pk).update(customer=second)

    bill(customer=second, now=LATER)

    assert billed() == {"A": {"1": Decimal(10)}, "B": {"2": Decimal(20)}}
    assert left(customer=second) == [("1", "billed_elsewhere", 10)]
    assert_every_minute_stands_once(OCTOBER)
    assert_every_minute_stands_once(OCTOBER, first)
    assert_every_minute_stands_once(OCTOBER, second)


def test_run_for_one_customer_makes_the_drafts_let_go_that_it_waits_for(system: TicketSystem) -> None:
    """C's ticket stands in B's draft, B's in A's, and D's in C's, which nobody asked about."""
    a, b, c, d = [CustomerFactory(system=system, customer_id=name) for name in "ABCD"]
    of_a, of_b, of_c = [ticket_of(owner, 10, number=number) for owner, number in ((a, "1"), (b, "2"), (c, "3"))]
    ticket_of(d, 10, number="4")
    bill()
    for ticket, owner in ((of_a, b), (of_b, c), (of_c, d)):
        Ticket.objects.filter(pk=ticket.pk).update(customer=owner)

    run = bill(customer=c, now=LATER)

    assert run.complete
    assert billed() == {"B": {"1": 10}, "C": {"2": 10}, "D": {"4": 10}}
    assert (run.orders_new, run.orders_changed) == (1, 2)
    before = ledger()
    bill(customer=c, now=LATER)
    assert ledger() == before


def test_bad_template_fails_its_customer_alone_and_the_retry_bills_just_that_one(system: TicketSystem) -> None:
    bad, good = (
        CustomerFactory(system=system, customer_id="A", name="Bad"),
        CustomerFactory(system=system, customer_id="B"),
    )
    agreement = AgreementFactory(customer=bad, position_text="{nummer}")
    ticket_of(bad, 10, number="1")
    ticket_of(good, 20, number="2")

    run = bill()

    assert (run.state, run.complete, run.orders_new) == (Job.State.PARTLY, False, 1)
    assert [(failure["customer"], failure["customer_id"]) for failure in run.failures] == [("Bad", "A")]
    assert "{nummer}" in run.failures[0]["error"]
    assert run.error == "1 customer could not be billed; the others were."
    assert billed() == {"B": {"2": Decimal(20)}}
    assert left() == [("1", "not_drafted", 10)]
    assert Order.objects.get().complete

    Agreement.objects.filter(pk=agreement.pk).update(position_text="{number}")
    run = bill(now=LATER)

    assert (run.state, run.failures, run.orders_new, run.orders_unchanged) == (Job.State.DONE, [], 1, 1)


def test_unusable_terms_fail_with_a_sentence(customer: Customer) -> None:
    ticket_of(customer, 10)
    Agreement.objects.filter(customer=customer).update(rounding_mode="sideways")

    run = bill()

    assert run.state == Job.State.FAILED
    assert run.failures[0]["error"] == "There is no rounding “sideways” to 0 minutes by ticket."


def test_missing_default_agreement_fails_with_a_sentence(system: TicketSystem) -> None:
    ticket_of(CustomerFactory(system=system), 10, number="1")
    Agreement.objects.all().delete()

    run = bill()

    assert run.failures[0]["error"] == "There is no default agreement. Create one, then start the run again."
    assert left() == [("1", "not_drafted", 10)]


def test_customer_id_too_long_for_the_erp_fails_with_a_sentence(system: TicketSystem) -> None:
    ticket_of(CustomerFactory(system=system, customer_id=101 * "x"), 10)

    run = bill()

    assert run.failures[0]["error"].startswith("The CustomerID has more than 100 characters.")


def test_amount_that_no_column_holds_fails_its_customer_alone(system: TicketSystem) -> None:
    rich, other = CustomerFactory(system=system, customer_id="A"), CustomerFactory(system=system, customer_id="B")
    AgreementFactory(customer=rich, hourly_rate=Decimal("9999999999"))
    ticket_of(rich, 90000000)
    ticket_of(other, 20, number="2")

    run = bill()

    assert [failure["customer_id"] for failure in run.failures] == ["A"]
    assert run.failures[0]["error"].startswith("The number 14999999998500000 is too big for an order.")
    assert billed() == {"B": {"2": Decimal(20)}}


def test_refusal_of_the_database_fails_its_customer_alone(system: TicketSystem) -> None:
    unlucky, other = CustomerFactory(system=system, customer_id="A"), CustomerFactory(system=system, customer_id="B")
    ticket_of(unlucky, 10, number="1")
    ticket_of(other, 20, number="2")

    def refuse(orders: list[int], month: Month, terms: EntryTerms) -> None:
        claim_free_entries(orders, month, terms)
        if Order.objects.filter(pk__in=orders, customer=unlucky).exists():
            raise OperationalError("deadlock detected\nDETAIL: two processes")

    with patch.object(ledger_module, "claim_free_entries", refuse):
        run = bill()

    assert [failure["customer_id"] for failure in run.failures] == ["A"]
    assert run.failures[0]["error"].startswith("The database refused the order (OperationalError: deadlock detected). ")
    assert billed() == {"B": {"2": Decimal(20)}}


def test_time_that_moves_between_counting_and_claiming_is_counted_again(customer: Customer) -> None:
    ticket = ticket_of(customer, 10, number="1")
    seen: list[int] = []

    def sync_in_between(orders: list[int], month: Month, terms: EntryTerms) -> None:
        if not seen:
            seen.append(1)
            book(ticket, 5)
        claim_free_entries(orders, month, terms)

    with patch.object(ledger_module, "claim_free_entries", sync_in_between):
        run = bill()

    assert run.state == Job.State.DONE
    assert billed() == {"K1001": {"1": Decimal(10)}}  # the booking was rolled back with the try


def test_ticket_closed_between_two_statements_waits_for_the_next_run(customer: Customer) -> None:
    ticket_of(customer, 10)
    seen: list[int] = []

    def closed_meanwhile(group: Gathering, month: Month) -> QuerySet[Ticket]:
        seen.append(1)
        return tickets_of(group, month).none() if len(seen) == 1 else tickets_of(group, month)

    with patch.object(ledger_module, "tickets_of", closed_meanwhile):
        bill()
        assert not Order.objects.exists()
        bill()

    assert billed() == {"K1001": {Ticket.objects.get().number: 10}}


def test_customer_whose_time_never_stands_still_fails_alone(system: TicketSystem) -> None:
    restless, calm = CustomerFactory(system=system, customer_id="A"), CustomerFactory(system=system, customer_id="B")
    ticket = ticket_of(restless, 10, number="1")
    ticket_of(calm, 20, number="2")

    def sync_in_between(orders: list[int], month: Month, terms: EntryTerms) -> None:
        if Order.objects.filter(pk__in=orders, customer=restless).exists():
            book(ticket, 5)
        claim_free_entries(orders, month, terms)

    with patch.object(ledger_module, "claim_free_entries", sync_in_between):
        run = bill()

    assert run.state == Job.State.PARTLY
    assert run.failures[0]["error"].startswith("Its time kept changing while it was billed.")
    assert billed() == {"B": {"2": Decimal(20)}}


def test_entry_taken_before_the_claim_is_not_claimed_twice(customer: Customer) -> None:
    ticket_of(customer, 10)
    stolen: list[int] = []

    def steal(orders: list[int], month: Month, terms: EntryTerms) -> None:
        if not stolen:
            stolen.extend(orders)
            return
        claim_free_entries(orders, month, terms)

    with patch.object(ledger_module, "claim_free_entries", steal):
        run = bill()

    assert (run.state, Allocation.objects.count()) == (Job.State.DONE, 1)


def test_database_lets_an_entry_stand_in_one_live_position_only(customer: Customer) -> None:
    ticket = ticket_of(customer, 10)
    other = ticket_of(customer, 20)
    bill()
    entry = ticket.entries.get()

    with pytest.raises(IntegrityError, match="entry"), transaction.atomic():
        Allocation.objects.create(entry=entry, position=other.positions.get(), minutes=10)

    Allocation.objects.create(entry=entry, position=other.positions.get(), minutes=0, live=False).delete()


def test_database_lets_no_second_order_of_a_customer_and_month_in(customer: Customer) -> None:
    ticket_of(customer, 10)
    bill()
    twin = Order.objects.get()
    twin.pk, twin.number = None, "other"

    with pytest.raises(IntegrityError), transaction.atomic():
        twin.save(force_insert=True)


def test_database_lets_no_incomplete_order_out_of_draft(customer: Customer) -> None:
    ticket_of(customer, 10)
    bill()
    Order.objects.update(complete=False)

    with pytest.raises(IntegrityError), transaction.atomic():
        Order.objects.update(state=Order.State.APPROVED, approved_at=NOW)


def test_incomplete_draft_becomes_complete_without_being_changed(system: TicketSystem) -> None:
    ticket_of(CustomerFactory(system=system), 10)
    system.sync_runs.all().delete()
    bill()
    doubted = Order.objects.get()
    read_completely(system)

    run = bill(now=LATER)

    order = Order.objects.get()
    assert (doubted.complete, order.complete) == (False, True)
    assert (run.orders_unchanged, order.changed_at, order.events.count()) == (1, NOW, 1)


def test_numbers_that_come_out_alike_get_the_later_customers_key(db: None) -> None:
    first = CustomerFactory(customer_id="A 1")
    second = CustomerFactory(customer_id="A-1")
    third = CustomerFactory(customer_id="日本")

    numbers = order_numbers(OCTOBER)

    assert numbers == {
        first.pk: "TK-2026-10-A-1",
        second.pk: f"TK-2026-10-A-1-{second.pk}",
        third.pk: f"TK-2026-10-{third.pk}",
    }


@pytest.mark.parametrize(
    ("name", "number"),
    [("A(1)+B", "A-1-B"), ("Müller & Söhne", "Muller-Sohne"), ("../../x", "x"), (200 * "x", 80 * "x")],
)
def test_number_has_a_sane_charset(name: str, number: str) -> None:
    assert clean(name) == number


def test_same_customer_id_in_two_systems_gives_two_orders(system: TicketSystem) -> None:
    other = TicketSystemFactory()
    read_completely(other)
    for number, place in enumerate((system, other)):
        ticket_of(CustomerFactory(system=place, customer_id="K1"), 10, number=str(number))

    run = bill()

    assert (run.orders_new, run.complete) == (2, True)
    assert Order.objects.filter(number="TK-2026-10-K1").count() == 1


def test_plan_is_what_the_run_then_does_and_writes_nothing(customer: Customer) -> None:
    ticket_of(customer, 10, number="1")
    before = ledger()

    plan = plan_month(OCTOBER)

    assert ledger() == before
    assert [(item.change, item.order.number, item.order.net_amount) for item in plan.orders] == [
        (Change.NEW, "TK-2026-10-K1001", 10)
    ]
    bill()
    assert [item.change for item in plan_month(OCTOBER, customer).orders] == [Change.UNCHANGED]


def test_chunks_make_the_same_orders_as_one_transaction(system: TicketSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    for index in range(5):
        ticket_of(CustomerFactory(system=system), 10, number=str(index))
    monkeypatch.setattr(ledger_module, "CHUNK", 2)

    run = bill()

    assert (run.orders_new, run.progress_done, run.progress_total) == (5, 5, 5)


@pytest.mark.parametrize("customers", [1, 3])
def test_queries_of_a_run_do_not_grow_with_the_customers(system: TicketSystem, customers: int) -> None:
    for index in range(customers):
        customer = CustomerFactory(system=system)
        for ticket in range(2):
            ticket_of(customer, 10, 5, number=f"{index}{ticket}")

    with CaptureQueriesContext(connection) as first:
        bill()
    with CaptureQueriesContext(connection) as second:
        bill()

    assert (len(first), len(second)) == (60, 56)
