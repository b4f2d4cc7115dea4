"""The pages about kivitendo: who matches, what became of the orders, and what the pages of the orders say of it."""

import csv
import io
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.template.loader import render_to_string
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from billing.erp_models import ErpFinding, KivitendoCustomer
from billing.issuing import issue_orders
from billing.kivitendo_copy import refresh_copy, the_copy
from billing.kivitendo_database import Unreachable
from billing.kivitendo_preflight import Preflight
from billing.models import Agreement, Order
from billing.orders import approve_orders
from tests.billing.fake_kivitendo import FakeKivitendo, contact, customer
from tests.factories.billing import AgreementFactory
from tests.factories.tickets import CustomerFactory
from tests.pages.world import HOSTILE, MARK, NOW, World

PAGE, ORDERS = "/orders/kivitendo/", "/orders/kivitendo/orders/"


@pytest.fixture
def client(world: World) -> Client:
    return world.clients["billing"]


def flat(response: Any) -> str:
    return " ".join(response.content.decode().split())


def sentences(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def rows(client: Client, address: str) -> list[dict[str, str]]:
    text = client.get(address).content.decode()
    return list(csv.DictReader(io.StringIO(text)))


def hand_over(client: Client) -> None:
    """Both orders of the world, approved, issued and exported."""
    drafts = Order.objects.filter(state=Order.State.DRAFT)
    approve_orders(drafts, user=None, now=NOW)
    issue_orders(Order.objects.filter(state=Order.State.APPROVED), user=None, now=NOW)
    seen = client.get("/orders/?period=2026-10").context["file"].seen
    assert client.post("/orders/export/", {"period": "2026-10", "seen": seen}).status_code == 200


@pytest.fixture
def known(world: World, erp: FakeKivitendo) -> FakeKivitendo:
    """kivitendo knows both customers and was read."""
    erp.customers = [customer(11, "K1001", name="Königsbau AG"), customer(12, f"{MARK}-ERP"), customer(13, "K9")]
    erp.contacts = [contact(21, 11, "Anna Müller", "anna@example.org")]
    refresh_copy(now=NOW)
    return erp


def test_pages_without_kivitendo_say_how_to_set_it_up(client: Client) -> None:
    for address in (PAGE, ORDERS):
        html = flat(client.get(address))

        assert "No kivitendo is set up" in html
        assert "KIVITENDO_DATABASE_URL" in html
        assert "/orders/kivitendo/refresh/" not in html
        assert "/orders/kivitendo/look/" not in html


def test_buttons_without_kivitendo_say_so(client: Client) -> None:
    for address in ("/orders/kivitendo/refresh/", "/orders/kivitendo/look/"):
        response = client.post(address, follow=True)

        assert "No kivitendo is set up: KIVITENDO_DATABASE_URL is empty." in flat(response)
    assert the_copy().error == ""


def test_page_before_the_first_reading_says_so(client: Client, erp: FakeKivitendo) -> None:
    html = flat(client.get(PAGE))

    assert "kivitendo has not been read yet" in html
    assert 'action="/orders/kivitendo/refresh/"' in html


def test_button_reads_kivitendo(client: Client, erp: FakeKivitendo) -> None:
    response = client.post("/orders/kivitendo/refresh/")

    assert response["Location"] == PAGE
    assert sentences(response) == ["kivitendo was read: 1 customers, 1 articles, 4 units."]
    assert KivitendoCustomer.objects.get().number == "K1001"


def test_failure_is_told_at_once_and_stays_on_the_page(client: Client, known: FakeKivitendo) -> None:
    known.failure = Unreachable("The server <is> down.")

    response = client.post("/orders/kivitendo/refresh/")

    assert sentences(response) == ["The server <is> down."]
    html = flat(client.get(PAGE))
    assert "The server &lt;is&gt; down." in html
    assert "the copy stays as it was" in html
    assert "Königsbau AG" in html


def test_customers_are_matched_by_the_number_of_the_agreement_else_the_customer_id(
    client: Client, known: FakeKivitendo
) -> None:
    assert rows(client, f"{PAGE}?export=csv") == [
        {
            "Ticket customer": "K1001 Königsbau AG",
            "Number in kivitendo": "K1001",
            "Match": "matched",
            "Name in kivitendo": "Königsbau AG Stuttgart",
            "Contacts": "Anna Müller <anna@example.org>",
            "In words": "",
        },
        {
            "Ticket customer": f"{MARK}-ID {MARK} GmbH",
            "Number in kivitendo": f"{MARK}-ERP",
            "Match": "matched",
            "Name in kivitendo": "Kunde 12 Stuttgart",
            "Contacts": "",
            "In words": "",
        },
        {
            "Ticket customer": "",
            "Number in kivitendo": "K9",
            "Match": "only in kivitendo",
            "Name in kivitendo": "Kunde 13 Stuttgart",
            "Contacts": "",
            "In words": "No billed ticket customer has this number.",
        },
    ]


@pytest.mark.parametrize(
    ("customers", "match", "words"),
    [
        ([customer(1, "K1001"), customer(2, "K1001")], "number not unique", "Kivitendo has 2 customers"),
        ([customer(1, "K1001", obsolete=True)], "obsolete in kivitendo", "Customer “K1001” is obsolete"),
        ([customer(1, "K1001", locked=True)], "locked for orders", "is locked for orders in kivitendo."),
        ([customer(1, "x")], "not in kivitendo", "kivitendo has no customer with the number “K1001”."),
        ([customer(1, " k1001")], "not in kivitendo", "It has “ k1001”, which is not the same to kivitendo."),
    ],
)
def test_what_does_not_match_says_why(
    client: Client, erp: FakeKivitendo, customers: list[Any], match: str, words: str
) -> None:
    erp.customers = customers
    refresh_copy(now=NOW)

    row = rows(client, f"{PAGE}?export=csv&q=Königsbau")[0]

    assert row["Match"] == match
    assert words.casefold() in row["In words"].casefold()


def test_list_is_narrowed_by_match_and_text(client: Client, known: FakeKivitendo) -> None:
    assert [row["Number in kivitendo"] for row in rows(client, f"{PAGE}?export=csv&match=only_there")] == ["K9"]
    assert [row["Number in kivitendo"] for row in rows(client, f"{PAGE}?export=csv&q=KÖNIGS")] == ["K1001"]
    assert "none passes the filters" in flat(client.get(f"{PAGE}?q=nothing-of-that"))
    assert client.get(f"{PAGE}?match=nonsense&q={'x' * 300}&sort=-customer&page=99").status_code == 200


@pytest.mark.parametrize("sort", ["customer", "-customer", "number", "match", "-names", "sentence"])
def test_list_can_be_sorted_by_each_column(client: Client, known: FakeKivitendo, sort: str) -> None:
    assert len(rows(client, f"{PAGE}?export=csv&sort={sort}")) == 3


def test_customers_that_are_not_billed_are_left_out(world: World, client: Client, known: FakeKivitendo) -> None:
    Agreement.objects.filter(customer=world.customer).update(billed=False)

    found = rows(client, f"{PAGE}?export=csv&q=K1001")

    assert [row["Match"] for row in found] == ["only in kivitendo"]


def test_default_agreement_decides_for_customers_without_one(
    world: World, client: Client, known: FakeKivitendo
) -> None:
    CustomerFactory(system=world.system, customer_id="K9")
    assert rows(client, f"{PAGE}?export=csv&q=K9")[0]["Match"] == "matched"

    Agreement.objects.filter(is_default=True).update(billed=False)

    assert rows(client, f"{PAGE}?export=csv&q=K9")[0]["Match"] == "only in kivitendo"


def test_view_that_lacks_customers_is_told(client: Client, erp: FakeKivitendo) -> None:
    erp.customers_source = "otrs_customer_contacts"
    refresh_copy(now=NOW)

    assert "leaves out customers without a contact" in flat(client.get(PAGE))


def test_hostile_names_are_escaped(client: Client, erp: FakeKivitendo) -> None:
    erp.customers = [customer(1, "K1001", name=HOSTILE), customer(2, HOSTILE)]
    erp.contacts = [contact(3, 1, HOSTILE, HOSTILE)]
    refresh_copy(now=NOW)

    assert "<svg onload" not in client.get(PAGE).content.decode()
    assert rows(client, f"{PAGE}?export=csv")[0]["Name in kivitendo"].startswith("'=1+1")
    assert client.get(f"{PAGE}?export=xlsx").content[:2] == b"PK"


def test_unknown_export_is_a_bad_request(client: Client, known: FakeKivitendo) -> None:
    assert client.get(f"{PAGE}?export=pdf").status_code == 400
    assert client.get(f"{ORDERS}?export=pdf").status_code == 400


def test_page_costs_the_same_for_more_customers(
    world: World, client: Client, known: FakeKivitendo, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(11):
        client.get(PAGE)
    with django_assert_num_queries(10):
        client.get(f"{PAGE}?export=csv")

    known.customers += [customer(30 + place, f"X{place}") for place in range(3)]
    known.contacts += [contact(40 + place, 30 + place) for place in range(3)]
    refresh_copy(now=NOW)
    for place in range(3):
        AgreementFactory(customer=CustomerFactory(system=world.system, customer_id=f"X{place}"))

    with django_assert_num_queries(11):
        client.get(PAGE)
    with django_assert_num_queries(10):
        client.get(f"{PAGE}?export=csv")


def test_orders_page_tells_what_keeps_the_file_from_being_made(
    world: World, client: Client, known: FakeKivitendo
) -> None:
    known.customers = [customer(11, "K1001")]
    refresh_copy(now=NOW)

    html = flat(client.get("/orders/?period=2026-10"))

    assert "The final file is refused until this is settled" in html
    assert f"kivitendo has no customer with the number “{MARK}-ERP”." in html
    assert "Never give such an order a recurring invoice in kivitendo" in html
    assert MARK not in flat(world.clients["manager"].get("/orders/?period=2026-10"))


def test_export_is_refused_with_the_sentences(client: Client, known: FakeKivitendo) -> None:
    drafts = Order.objects.filter(state=Order.State.DRAFT)
    approve_orders(drafts, user=None, now=NOW)
    issue_orders(Order.objects.filter(state=Order.State.APPROVED), user=None, now=NOW)
    known.articles = []
    refresh_copy(now=NOW)
    page = client.get("/orders/?period=2026-10")
    assert "so no file is made until this is settled" in flat(page)

    response = client.post("/orders/export/", {"period": "2026-10", "seen": page.context["file"].seen})

    (sentence,) = sentences(response)
    assert sentence.startswith("No file was written. Order TK-2026-10-K1001: kivitendo has no article")
    assert set(Order.objects.values_list("state", flat=True)) == {"issued"}


def test_long_lists_of_problems_and_notices_are_cut() -> None:
    against = Preflight([f"problem {place}." for place in range(25)], [f"notice {place}." for place in range(25)])

    text = " ".join(render_to_string("billing/preflight.html", {"against": against, "is_preview": False}).split())

    assert text.count("Shown are 20 of 25.") == 2
    assert ("problem 19." in text, "problem 20." in text, "notice 20." in text) == (True, False, False)


def test_look_shows_what_became_of_the_orders(world: World, client: Client, known: FakeKivitendo) -> None:
    hand_over(client)
    assert "No order was looked for yet" in flat(client.get(ORDERS))
    known.has(world.order.number, str(world.order.net_amount))

    response = client.post("/orders/kivitendo/look/", {"period": "2026-10"})

    assert response["Location"] == f"{ORDERS}?period=2026-10"
    assert sentences(response) == ["2 orders were looked for; not as they should be: 1."]
    found = rows(client, f"{ORDERS}?period=2026-10&export=csv")
    assert [(row["Order"], row["In kivitendo"]) for row in found] == [
        (world.foreign_order.number, "missing"),
        (world.order.number, "found"),
    ]
    assert "kivitendo has no order of this number." in flat(client.get(ORDERS))
    assert "No order was looked for yet" in flat(client.get(f"{ORDERS}?period=2026-09"))


def test_order_page_shows_the_finding_with_its_time(world: World, client: Client, known: FakeKivitendo) -> None:
    address = f"/orders/{world.order.pk}/"
    assert "In kivitendo" not in flat(client.get(address))
    hand_over(client)
    known.has(world.order.number, "0.01", of=MARK)
    client.post("/orders/kivitendo/look/", {"period": "all"})

    html = flat(client.get(address))
    assert "differs" in html
    assert "looked at 11/20/2026 10 a.m." in html or "looked at 20" in html
    assert f"The customer there is “{MARK}”" in html
    of_manager = flat(world.clients["manager"].get(address))
    assert "differs" in of_manager
    assert MARK not in of_manager

    known.orders.clear()
    known.has(world.order.number, str(world.order.net_amount))
    client.post("/orders/kivitendo/look/", {"period": "all"})
    assert "found" in flat(client.get(address))


def test_look_that_fails_or_names_no_month_says_so(client: Client, known: FakeKivitendo) -> None:
    known.failure = Unreachable("The server is down.")

    assert sentences(client.post("/orders/kivitendo/look/", {"period": "all"})) == ["The server is down."]
    assert client.post("/orders/kivitendo/look/", {"period": "nonsense"}).status_code == 400
    assert not ErpFinding.objects.exists()


def test_list_of_findings_costs_the_same_for_more_orders(
    client: Client, known: FakeKivitendo, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    hand_over(client)
    client.post("/orders/kivitendo/look/", {"period": "all"})
    ErpFinding.objects.last().delete()  # type: ignore[union-attr]

    with django_assert_num_queries(11):
        client.get(ORDERS)
    client.post("/orders/kivitendo/look/", {"period": "all"})
    with django_assert_num_queries(11):
        client.get(ORDERS)


@pytest.mark.parametrize(
    "sort", ["order", "-customer", "month", "order_state", "state", "net_here", "-net_amount", "looked_at", "sentence"]
)
def test_findings_can_be_sorted_by_each_column(client: Client, known: FakeKivitendo, sort: str) -> None:
    hand_over(client)
    client.post("/orders/kivitendo/look/", {"period": "all"})

    assert client.get(f"{ORDERS}?sort={sort}").status_code == 200


def test_page_says_what_is_set_up_but_no_password(client: Client, erp: FakeKivitendo, settings: Settings) -> None:
    settings.KIVITENDO_DATABASE_URL = "postgres://reader:never-shown@erp.example.org:5432/kivitendo"

    html = flat(client.get(PAGE))

    assert "erp.example.org:5432/kivitendo as reader. “Read kivitendo now” tries the connection." in html
    assert "never-shown" not in html


def test_address_that_cannot_be_read_is_not_shown(client: Client, erp: FakeKivitendo, settings: Settings) -> None:
    settings.KIVITENDO_DATABASE_URL = "postgres://["

    assert "Set in the environment" not in flat(client.get(PAGE))
