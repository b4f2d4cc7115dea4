"""What account managers read of agreements: rates, rules in words, what is included and prepaid, and what is left."""

from datetime import date
from decimal import Decimal

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from billing.agreement_models import Agreement, FlatFee, PrepaidBlock, PrepaidMovement, RateRule
from billing.prepaid import move
from tests.billing.scenes import bill, ticket_of
from tests.factories.billing import AgreementFactory
from tests.factories.tickets import AgentFactory, CustomerFactory
from tests.pages.parts import table_of
from tests.pages.world import MARK, NOW, World
from tickets.models import Customer

LIST_QUERIES = 13
PAGE_QUERIES = 17


@pytest.fixture
def client(world: World) -> Client:
    """The account manager of the first customer."""
    return world.clients["manager"]


def flat(client: Client, path: str) -> str:
    return " ".join(client.get(path).content.decode().split())


def path_of(customer: Customer) -> str:
    return f"/orders/agreements/{customer.pk}/?period=2026-10"


def prepay(customer: Customer, minutes: int, name: str = "Paid before") -> PrepaidBlock:
    block = PrepaidBlock.objects.create(customer=customer, name=name, starts=date(2026, 1, 1), expires="2026-12-31")
    move(block, kind=PrepaidMovement.Kind.GRANTED, minutes=Decimal(minutes), reason="", user=None, now=NOW)
    return block


def test_list_holds_the_own_customers_with_what_is_left(world: World, client: Client) -> None:
    Agreement.objects.filter(customer=world.customer).update(included_minutes=20)
    prepay(world.customer, 600)
    bill(now=NOW)

    table = table_of(client.get("/orders/agreements/?period=2026-10").content.decode())

    assert table.texts == [
        [
            "K1001 Königsbau AG",
            "own agreement",
            "60.00 EUR",
            "The time of each ticket is billed exactly.",
            "20",
            "0",
            "590",
        ]
    ]
    assert table.rows[0][0].links == [path_of(world.customer).split("?")[0]]


def test_page_shows_the_agreement_in_force_rules_lines_and_prepaid_time(world: World, client: Client) -> None:
    own = Agreement.objects.get(customer=world.customer)
    Agreement.objects.filter(pk=own.pk).update(included_minutes=20, overage_rate=80, rounding_step=15)
    RateRule.objects.create(agreement=own, queue="Nights::*", hourly_rate=120, article_number="NIGHT")
    RateRule.objects.create(queue="Internal", billable=False, reason="Our own mistakes")
    FlatFee.objects.create(agreement=own, text="Maintenance", article_number="M", unit="pcs", unit_price=50)
    prepay(world.customer, 600)
    bill(now=NOW)

    html = flat(client, path_of(world.customer))

    for text in (
        "The time of each ticket is rounded up to a multiple of 15 minutes.",
        "Billed are: tickets closed in the period.",
        "Time in queue “Nights” and those below it costs 120.00 EUR an hour, article NIGHT.",
        "Time in queue “Internal” is not billed (Our own mistakes).",
        "Maintenance",
        "50.00 EUR",
        "Prepaid block: Paid before",
        "2026-12-31",
        "can be used",
    ):
        assert text in html
    assert '<dt>Included minutes</dt><dd class="strong">20 min</dd>' in html
    assert '<dt>Of these used</dt><dd class="strong">20 min</dd>' in html
    assert '<dt>Of these left</dt><dd class="strong">0 min</dd>' in html
    assert "<dt>Hourly rate above</dt><dd>80.00 EUR</dd>" in html
    assert '<dt>Prepaid minutes left</dt><dd class="strong">590 min</dd>' in html
    assert f'<a href="/orders/{world.order.pk}/">{world.order.number}</a>' in html


def test_history_says_which_agreement_is_in_force_and_until_when(world: World, client: Client) -> None:
    AgreementFactory(customer=world.customer, hourly_rate=75, valid_from=date(2026, 10, 1))
    AgreementFactory(customer=world.customer, hourly_rate=99, valid_from=date(2027, 1, 1), valid_to=date(2027, 3, 31))

    html = flat(client, path_of(world.customer)).split("Agreements of this customer")[1]

    assert html.index("2027-01-01 – 2027-03-31") < html.index("2026-10-01 – 2026-12-31")
    assert html.index("in force") > html.index("2026-10-01 – 2026-12-31")
    assert "from the beginning – 2026-09-30" in html
    assert html.count("in force") == 1


def test_ended_agreement_says_that_nothing_is_billed(world: World, client: Client) -> None:
    Agreement.objects.filter(customer=world.customer).update(valid_to=date(2026, 8, 31))

    assert "agreement has ended: nothing is billed" in flat(client, path_of(world.customer))
    assert "own agreement, ended" in flat(client, "/orders/agreements/?period=2026-10")


def test_quarter_counts_what_its_order_includes(world: World) -> None:
    owner = CustomerFactory(system=world.system, customer_id="Q")
    AgreementFactory(customer=owner, period_months=3, included_minutes=100)

    html = flat(world.clients["billing"], path_of(owner))

    assert "<dt>In the period</dt><dd>October 2026 – December 2026</dd>" in html
    assert '<dt>Of these left</dt><dd class="strong">100 min</dd>' in html


def test_customer_without_any_agreement_gets_a_sentence(world: World, client: Client) -> None:
    world.customer.agreements.update(valid_from=date(2027, 1, 1))
    Agreement.objects.filter(is_default=True).update(valid_from=date(2027, 1, 1))

    assert "There is no agreement in this month" in flat(client, path_of(world.customer))
    assert "none" in flat(client, "/orders/agreements/?period=2026-10")


def test_stranger_finds_neither_page_nor_line(world: World, client: Client) -> None:
    assert client.get(path_of(world.foreign)).status_code == 404
    assert MARK not in flat(client, "/orders/agreements/")
    assert world.clients["stranger"].get(path_of(world.customer)).status_code == 404


def test_user_without_customers_is_told_so(world: World, client: Client) -> None:
    world.customer.account_managers.clear()

    assert "No customers are assigned to you" in flat(client, "/orders/agreements/")


def test_search_narrows_the_list_down(world: World) -> None:
    client = world.clients["billing"]

    assert "Zebra GmbH" not in flat(client, "/orders/agreements/?customer=königs")
    assert "Nothing matches" in flat(client, "/orders/agreements/?customer=nobody")


def test_portal_without_customers_says_where_they_come_from(db: None, admin_client: Client) -> None:
    assert "Customers come with the first reading" in flat(admin_client, "/orders/agreements/")


def test_list_is_a_file_too(world: World, client: Client) -> None:
    text = client.get("/orders/agreements/?period=2026-10&export=csv").content.decode()

    assert "K1001 Königsbau AG,own agreement,60.00,The time of each ticket is billed exactly.,,,0" in text


def test_orders_tickets_and_the_navigation_lead_there(world: World, client: Client) -> None:
    address = f"/orders/agreements/{world.customer.pk}/"

    assert f'href="{address}?period=2026-10"' in flat(client, f"/orders/{world.order.pk}/")
    assert f'href="{address}"' in flat(client, f"/tickets/{world.ticket.pk}/")
    assert 'href="/orders/agreements/"' in flat(client, "/")


@pytest.mark.parametrize("customers", [1, 3])
def test_list_costs_no_more_for_more_customers(
    world: World, customers: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(customers):
        owner = CustomerFactory(system=world.system, customer_id=f"many-{number}")
        AgreementFactory(customer=owner, included_minutes=10)
        prepay(owner, 10)
        owner.account_managers.add(world.clients["stranger"].session["_auth_user_id"])
        ticket_of(owner, 5)
    bill(now=NOW)

    with django_assert_num_queries(LIST_QUERIES):
        html = world.clients["stranger"].get("/orders/agreements/?period=2026-10&customer=many").content.decode()

    assert len(table_of(html).rows) == customers


@pytest.mark.parametrize("rows", [1, 3])
def test_page_costs_no_more_for_more_rules_lines_and_blocks(
    world: World, client: Client, rows: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    own = Agreement.objects.get(customer=world.customer)
    for number in range(rows):
        agent = AgentFactory(system=world.system)
        RateRule.objects.create(agreement=own, queue=f"Q{number}", agent=agent, hourly_rate=1)
        FlatFee.objects.create(agreement=own, text="M", article_number="M", unit="pcs", unit_price=5)
        prepay(world.customer, 10, name=f"Block {number}")
        AgreementFactory(customer=world.customer, valid_from=date(2027 + number, 1, 1))
    bill(now=NOW)

    with django_assert_num_queries(PAGE_QUERIES):
        client.get(path_of(world.customer))


def test_try_out_shows_what_is_left_of_the_included_minutes(world: World, client: Client) -> None:
    Agreement.objects.filter(customer=world.customer).update(included_minutes=50)
    bill(now=NOW)

    html = flat(client, f"/orders/try-out/?period=2026-10&ticket={world.ticket.number}")

    assert "<dt>Included minutes</dt><dd>50 min, of these left: <strong>20 min</strong></dd>" in html


def test_page_of_a_customer_who_pays_by_the_default_agreement(world: World) -> None:
    customer = CustomerFactory(system=world.system, name="Without an own agreement")

    html = flat(world.clients["admin"], path_of(customer))

    assert "default agreement" in html
