"""Drafts that their agreements approve: by the scheduler, over complete data, and nothing more than that."""

import pytest
from django.contrib.auth.models import User
from pytest_django import DjangoAssertNumQueries

from billing.models import BillingRun, Order, OrderEvent
from billing.orders import return_to_draft
from billing.runs import run_billing
from common.jobs import Job
from tests.billing.scenes import NOW, OCTOBER, bill, read_completely, ticket_of
from tests.billing.schedules import queue, scheduled
from tests.factories.billing import AgreementFactory
from tests.factories.tickets import CustomerFactory, TicketSystemFactory
from tests.unguarded import without_guards
from tickets.models import Customer, SyncRun, TicketSystem

SCHEDULED_QUERIES = 64


@pytest.fixture
def trusting(system: TicketSystem) -> Customer:
    """A customer whose agreement approves by itself."""
    customer: Customer = CustomerFactory(system=system, customer_id="T")
    AgreementFactory(customer=customer, approves_itself=True)
    ticket_of(customer, 10)
    return customer


def states() -> dict[str, str]:
    return dict(Order.objects.values_list("customer__customer_id", "state"))


def test_scheduled_run_approves_where_the_agreement_says_so(trusting: Customer, customer: Customer) -> None:
    ticket_of(customer, 10)

    run = scheduled()

    order = Order.objects.get(customer=trusting)
    assert states() == {"T": "approved", "K1001": "draft"}
    assert (order.approved_by, order.approved_at, order.document_number) == (None, NOW, None)
    event = order.events.get(kind=OrderEvent.Kind.APPROVED)
    assert (event.user, event.text) == (None, "By the scheduler, as the agreement says.")
    assert (run.starts.get().orders_approved, run.complete, run.problems) == (1, True, [])


def test_run_of_a_person_or_a_command_approves_nothing(trusting: Customer) -> None:
    bill()

    assert states() == {"T": "draft"}


def test_scheduled_run_over_incomplete_data_approves_and_issues_nothing(trusting: Customer) -> None:
    SyncRun.objects.update(complete=False, state=Job.State.PARTLY, error="Gaps.")

    run = scheduled()

    assert states() == {"T": "draft"}
    assert (run.state, run.starts.get().orders_approved) == (Job.State.PARTLY, 0)
    assert not Order.objects.get().complete


def test_four_eyes_leave_the_draft_to_a_person_and_say_so(trusting: Customer) -> None:
    trusting.agreements.update(needs_second_person=True)

    run = scheduled()

    assert states() == {"T": "draft"}
    assert (run.complete, run.problems) == (
        True,
        [
            "Order TK-2026-10-T is not approved by itself: its agreement asks for four eyes. Approve it by hand.",
        ],
    )


def test_draft_that_a_person_returned_is_left_to_people(trusting: Customer, django_user_model: type[User]) -> None:
    scheduled()
    user = django_user_model.objects.create_user("clara")
    return_to_draft(Order.objects.all(), reason="Wrong rate", user=user, now=NOW)
    with without_guards():
        BillingRun.objects.all().delete()

    run = scheduled()

    assert states() == {"T": "draft"}
    assert run.problems == [
        "Order TK-2026-10-T is not approved by itself: a person has worked on it. Approve it by hand."
    ]


def test_refusal_of_one_order_does_not_hold_up_the_others(
    trusting: Customer, system: TicketSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = CustomerFactory(system=system, customer_id="U")
    AgreementFactory(customer=second, approves_itself=True)
    stale = ticket_of(second, 10)
    monkeypatch.setattr("billing.orders._stale", lambda orders: set(orders) & set(stale_orders()))

    def stale_orders() -> list[int]:
        return list(Order.objects.filter(positions__ticket=stale).values_list("pk", flat=True))

    run = scheduled()

    assert states() == {"T": "approved", "U": "draft"}
    assert run.problems == [
        "The mirror has changed since order TK-2026-10-U was drafted. Start the run again, then approve the orders."
    ]
    assert (run.complete, run.starts.get().orders_approved) == (True, 1)


def test_failed_customer_does_not_hold_up_the_approval_of_others(trusting: Customer, system: TicketSystem) -> None:
    bad = CustomerFactory(system=system, customer_id="X")
    AgreementFactory(customer=bad, position_text="{nummer}", approves_itself=True)
    ticket_of(bad, 10)

    run = scheduled()

    assert (run.state, states()) == (Job.State.PARTLY, {"T": "approved"})


def test_order_that_left_draft_before_is_no_business_of_the_run(trusting: Customer) -> None:
    scheduled()
    with without_guards():
        BillingRun.objects.all().delete()

    run = scheduled()

    assert (run.complete, run.problems, run.starts.get().orders_approved) == (True, [], 0)


@pytest.mark.parametrize("others", [1, 3])
def test_queries_do_not_grow_with_the_drafts(
    db: None, others: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    system = TicketSystemFactory()
    read_completely(system)
    for _index in range(others):
        customer = CustomerFactory(system=system)
        AgreementFactory(customer=customer, approves_itself=True)
        ticket_of(customer, 10)
    run = queue()

    with django_assert_num_queries(SCHEDULED_QUERIES):
        run_billing(run, clock=lambda: NOW)

    assert Order.objects.filter(state=Order.State.APPROVED, month=OCTOBER.first_day).count() == others
