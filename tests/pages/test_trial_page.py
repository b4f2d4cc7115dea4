"""The try-out of an agreement on a real ticket."""

from decimal import Decimal

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from billing.agreement_models import Agreement, RateRule
from billing.trying import try_out
from tests.billing.scenes import OCTOBER, bill, book, ledger, ticket_of
from tests.factories.tickets import CustomerFactory
from tests.pages.world import World
from tickets.models import Ticket

PATH = "/orders/try-out/?period=2026-10&ticket="


@pytest.fixture
def client(world: World) -> Client:
    return world.clients["billing"]


@pytest.fixture
def ticket(world: World) -> Ticket:
    owner = CustomerFactory(system=world.system, customer_id="TRY", name="Try & Co")
    Agreement.objects.create(customer=owner, hourly_rate=60, rounding_step=15)
    return ticket_of(owner, 20, 25, number="4711", queue="Raw")


def test_ticket_is_priced_step_by_step_as_billing_does_it(client: Client, ticket: Ticket) -> None:
    before = ledger()

    html = client.get(PATH + "4711").content.decode()

    assert "Rounded up to a multiple of 15 minutes" in html
    assert "45.00" in html
    assert "Try &amp; Co" in html
    assert ledger() == before


@pytest.mark.parametrize("scope", Agreement.RoundingScope.values)
def test_trial_agrees_with_the_order(ticket: Ticket, scope: str) -> None:
    Agreement.objects.update(rounding_scope=scope)
    book(ticket, 7, at="2026-10-07 08:00:00")
    agreement = Agreement.objects.get(customer=ticket.customer)

    trial = try_out(ticket, agreement, OCTOBER)
    bill()

    (position,) = ticket.positions.all()
    (line,) = trial.lines
    assert (line.billable_minutes, line.amount) == (position.billable_minutes, position.amount)


def test_rule_without_billing_says_why(client: Client, ticket: Ticket) -> None:
    RateRule.objects.create(queue="Raw", billable=False, reason="Our own mistakes")

    html = client.get(PATH + "4711").content.decode()

    assert "A rate rule says that this time is not billed. (Our own mistakes)" in html
    assert try_out(ticket, Agreement.objects.get(customer=ticket.customer), OCTOBER).net_amount == Decimal(0)


@pytest.mark.parametrize("number", ["0815", "<script>", "x" * 300, "\0081\0"])
def test_unknown_number_gets_a_sentence(client: Client, number: str) -> None:
    response = client.get("/orders/try-out/", {"ticket": number, "period": "2026-10"})

    assert response.status_code == 200
    assert "No ticket with this number has a customer and is known to you." in response.content.decode()
    assert "<script>" not in response.content.decode().partition("<main")[2]


def test_ticket_of_somebody_elses_customer_is_unknown(world: World, ticket: Ticket) -> None:
    html = world.clients["manager"].get(PATH + "4711").content.decode()

    assert "No ticket with this number" in html
    assert "Try &amp; Co" not in html


def test_customer_without_agreement_gets_a_sentence(client: Client, ticket: Ticket) -> None:
    other = CustomerFactory(system=ticket.system)
    ticket_of(other, 5, number="4712")
    Agreement.objects.filter(is_default=True).delete()

    assert "There is no agreement in this month" in client.get(PATH + "4712").content.decode()


def test_ticket_without_time_says_so(client: Client, world: World) -> None:
    ticket_of(CustomerFactory(system=world.system), number="4713")

    assert "No time is booked on the ticket." in client.get(PATH + "4713").content.decode()


def test_queries_do_not_grow_with_the_entries(
    client: Client, ticket: Ticket, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client.get(PATH + "4711")
    for _each in range(2):
        with django_assert_num_queries(14):
            client.get(PATH + "4711")
        book(ticket, 5)
