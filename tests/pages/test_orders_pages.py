"""The list of orders, the page of one, approval, export, and what was left out."""

import re
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from billing.models import Agreement, BillingRun, Export, Order, OrderEvent
from tests.billing.scenes import bill, book, ticket_of
from tests.factories.billing import AgreementFactory
from tests.factories.tickets import CustomerFactory
from tests.pages.world import NOW, World

LIST_QUERIES = 18
ORDER_QUERIES = 16
FINGERPRINT = re.compile(r'name="seen" value="([0-9a-f]{64})"')


@pytest.fixture
def client(world: World) -> Client:
    return world.clients["billing"]


def page(client: Client, path: str) -> str:
    return client.get(path).content.decode()


def look(client: Client, *orders: Order, step: str = "approve") -> str:
    """The page that shows what would be approved or issued."""
    return client.post(f"/orders/{step}/", {"order": [order.pk for order in orders]}).content.decode()


def confirm(client: Client, html: str, step: str = "approve") -> Any:
    """Press the button of that page."""
    keys, seen = re.search(r'name="order" value="([\d,]+)"', html), FINGERPRINT.search(html)
    assert keys
    assert seen
    return client.post(f"/orders/{step}/", {"order": keys[1], "seen": seen[1]})


def said(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def download(client: Client, month: str = "2026-10") -> Any:
    """Press the button for the file on the page of the month's orders."""
    seen = re.search(r'name="seen" value="([\d-]+)"', page(client, f"/orders/?period={month}"))
    return client.post("/orders/export/", {"period": month} | ({"seen": seen[1]} if seen else {}))


def announced(client: Client) -> str:
    found = re.search(r'id="file-to-come">([^<]+)<', page(client, "/orders/"))
    assert found
    return found[1]


def states() -> set[str]:
    return set(Order.objects.values_list("state", flat=True))


def approve_all(client: Client) -> None:
    confirm(client, look(client, *Order.objects.filter(state="draft")))


def issue_all(client: Client) -> None:
    approve_all(client)
    approved = Order.objects.filter(state="approved")
    confirm(client, look(client, *approved, step="issue"), step="issue")


def test_button_for_the_previous_month_says_exactly_what_it_does(client: Client) -> None:
    assert re.search(r"<button[^>]*>Get closed tickets for previous month</button>", page(client, "/orders/"))


def test_button_names_any_other_month(client: Client) -> None:
    assert "Get closed tickets for September 2026" in page(client, "/orders/?period=2026-09")


def test_list_shows_state_minutes_amount_and_completeness(world: World, client: Client) -> None:
    html = page(client, "/orders/?customer=K1001")

    assert world.order.number in html
    assert "draft" in html
    assert "30.00 EUR" in html
    assert "complete" in html


def test_totals_are_kept_apart_by_currency(world: World, client: Client) -> None:
    swiss = CustomerFactory(system=world.system, customer_id="CH")
    AgreementFactory(customer=swiss, currency="CHF")
    ticket_of(swiss, 10)
    bill(now=NOW)

    html = page(client, "/orders/")

    assert "10.00 CHF + 7,949.00 EUR" in html[html.index("<tfoot>") :]


@pytest.mark.parametrize(
    ("query", "count"), [("state=draft", 2), ("state=approved", 0), ("complete=yes", 2), ("complete=no", 0)]
)
def test_filter_finds(client: Client, query: str, count: int) -> None:
    assert page(client, f"/orders/?{query}").count("data-select ") == count


def test_query_count_does_not_depend_on_the_number_of_rows(
    world: World, client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for name in ("one", "three x", "three y", "three z"):
        ticket_of(CustomerFactory(system=world.system, name=name), 5)
    bill(now=NOW)

    for name in ("one", "three"):
        with django_assert_num_queries(LIST_QUERIES):
            client.get(f"/orders/?customer={name}")


def test_export_of_the_table_keeps_the_filters(client: Client) -> None:
    text = client.get("/orders/?customer=K1001&export=csv").content.decode()

    assert "K1001 Königsbau AG" in text
    assert "Zebra" not in text


def test_month_without_a_run_says_so(client: Client) -> None:
    assert "No run has drafted orders for this period." in page(client, "/orders/?period=2026-08")


def test_filter_without_hits_says_so(client: Client) -> None:
    assert "Orders are there, but none passes the filters." in page(client, "/orders/?customer=nobody")


def test_run_that_found_nothing_says_so(world: World, client: Client) -> None:
    BillingRun.objects.update(month="2026-09-01", complete=False, state="partly")

    assert "The run found no closed ticket with time." in page(client, "/orders/?period=2026-09")


def test_run_that_failed_tells_why_to_those_who_may_know(world: World) -> None:
    BillingRun.objects.update(month="2026-09-01", complete=False, state="failed", error="The system is down.")

    assert "The system is down." in page(world.clients["billing"], "/orders/?period=2026-09")
    assert "The system is down." not in page(world.clients["manager"], "/orders/?period=2026-09")


def test_active_run_takes_the_place_of_the_button(world: World, client: Client) -> None:
    BillingRun.objects.update(complete=False, state="running")

    html = page(client, "/orders/")

    assert "Get closed tickets" not in html
    assert f'href="/orders/runs/{world.run.pk}/"' in html


def test_list_of_a_month_whose_run_is_on_its_way_says_so(client: Client) -> None:
    BillingRun.objects.update(month="2026-09-01", complete=False, state="queued")

    assert "The orders appear here when it has written them." in page(client, "/orders/?period=2026-09")


def test_order_page_explains_each_amount(world: World, client: Client) -> None:
    html = page(client, f"/orders/{world.order.pk}/")
    words = " ".join(re.sub(r"<[^>]+>", " ", html).split())

    assert "Quantity: 30 ÷ 60 = 0.5 Std" in words
    assert "Unit price: 60 × 60 ÷ 60 = 60.00 EUR/Std" in words
    assert "Amount: 0.5 × 60 = 30.00 EUR" in words
    assert "2026-10-05 10:00:00" in words
    assert "drafted" in words


def test_order_page_shows_a_rounding_as_a_step_not_as_an_equation(world: World, client: Client) -> None:
    ticket_of(world.customer, 36)
    Agreement.objects.filter(customer=world.customer).update(rounding_step=15, rounding_mode="up")
    bill(now=NOW)

    html = page(client, f"/orders/{world.order.pk}/")

    assert "Rounded up to a multiple of 15 minutes: 36 → <strong>45 min</strong>" in html


def test_order_page_counts_its_queries(
    world: World, client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    large = CustomerFactory(system=world.system)
    for _number in range(3):
        ticket_of(large, 5, 6)
    bill(now=NOW)

    for order in (world.order, Order.objects.get(customer=large)):
        with django_assert_num_queries(ORDER_QUERIES):
            client.get(f"/orders/{order.pk}/")


def test_long_order_comes_in_pages_and_its_total_is_of_all(world: World, client: Client) -> None:
    large = CustomerFactory(system=world.system, customer_id="large")
    AgreementFactory(customer=large)
    for _number in range(51):
        ticket_of(large, 10)
    bill(now=NOW)

    html = page(client, f"/orders/{Order.objects.get(customer=large).pk}/?page=2")

    assert html.count("How was this computed?") == 1
    assert "Total of 51 positions" in html
    assert "510.00 EUR" in html


def test_incomplete_order_says_why_and_cannot_be_approved(world: World, client: Client) -> None:
    Order.objects.update(complete=False)
    BillingRun.objects.update(complete=False, state="partly", problems=["Helpdesk did not answer."])

    html = page(client, f"/orders/{world.order.pk}/")
    look(client, world.order)

    assert "Helpdesk did not answer." in html
    assert "Approve this order" not in html
    assert "None of the chosen orders is a draft" in look(client, world.order)
    assert states() == {"draft"}


def test_approval_shows_count_and_sum_before_anything_happens(world: World, client: Client) -> None:
    html = look(client, world.order, world.foreign_order)

    assert "7,949.00 EUR" in html
    assert "Approve 2 orders" in html
    assert states() == {"draft"}


def test_confirmed_orders_are_approved(world: World, client: Client) -> None:
    response = confirm(client, look(client, world.order, world.foreign_order))

    assert response["Location"] == "/orders/?period=2026-10"
    assert said(response) == ["2 orders approved."]
    assert states() == {"approved"}


@pytest.mark.parametrize("language", ["de", "en"])
def test_order_with_a_large_key_is_approved_from_its_own_page(world: World, client: Client, language: str) -> None:
    order = Order.objects.get(pk=world.order.pk)
    order.pk, order.number, order.customer = 1_234_567, "large", CustomerFactory(system=world.system)
    order.save(force_insert=True)

    html = client.get("/orders/1234567/", headers={"accept-language": language}).content.decode()

    assert re.findall(r'name="order"\s+value="([^"]*)"', html) == ["1234567"]


def test_confirming_twice_acts_once(world: World, client: Client) -> None:
    html = look(client, world.order)

    confirm(client, html)
    again = confirm(client, html)

    assert OrderEvent.objects.filter(kind="approved").count() == 1
    assert "These are approved already" in again.content.decode()


def test_order_that_changed_meanwhile_is_shown_again_instead_of_approved(world: World, client: Client) -> None:
    html = look(client, world.order)
    book(world.ticket, 15)
    bill(now=NOW.replace(minute=5))

    response = confirm(client, html)

    assert "These orders have changed since you looked at them." in response.content.decode()
    assert states() == {"draft"}
    confirm(client, response.content.decode())
    assert Order.objects.get(pk=world.order.pk).state == "approved"


def test_refusal_of_the_ledger_is_shown(world: World, client: Client) -> None:
    html = look(client, world.order)
    world.ticket.entries.update(minutes=31)

    response = confirm(client, html)

    changed = f"The mirror has changed since order {world.order.number} was drafted."
    assert said(response) == [f"{changed} Start the run again, then approve the orders."]
    assert states() == {"draft"}


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ([], "Choose at least one order."),
        (["x"], "The choice of orders could not be read."),
        (["1,,2"], "The choice of orders could not be read."),
        (["-1"], "The choice of orders could not be read."),
        (["9" * 30], "The choice of orders could not be read."),
        (["1," * 6000], "Too many orders at once."),
    ],
)
def test_choice_that_cannot_be_read_is_refused(client: Client, keys: list[str], sentence: str) -> None:
    response = client.post("/orders/approve/", {"order": keys})

    assert response["Location"] == "/orders/"
    assert said(response) == [sentence]


def test_unknown_orders_are_no_orders(client: Client) -> None:
    response = client.post("/orders/approve/", {"order": ["999999", str(2**63)]})

    assert "Nothing to approve" in response.content.decode()


def test_drafts_are_exported_as_a_preview(client: Client) -> None:
    before = announced(client)

    response = download(client)

    assert before == "The kivitendo file is a preview: 2 orders are not issued yet. It hands nothing over."
    assert response["Content-Disposition"] == 'attachment; filename="kivitendo-2026-10-draft.csv"'
    assert response["X-Content-Type-Options"] == "nosniff"
    assert said(response) == []
    assert states() == {"draft"}


def test_button_tells_that_orders_which_are_not_issued_make_a_preview(client: Client) -> None:
    approve_all(client)
    before = page(client, "/orders/")
    confirm(client, look(client, *Order.objects.all(), step="issue"), step="issue")

    assert "kivitendo CSV (preview)" in before
    assert "kivitendo CSV (preview)" not in page(client, "/orders/")


def test_issued_orders_are_exported_once(client: Client) -> None:
    issue_all(client)

    before, first = announced(client), download(client)
    between, second = announced(client), download(client)

    assert before == "The kivitendo file hands 2 orders over and marks them as exported."
    assert between == (
        "The kivitendo file is the one that was handed over before: "
        "kivitendo-2026-10.csv (2026-11-20 10:00). Do not import it twice."
    )
    assert first.content == second.content
    assert Export.objects.count() == 1
    assert states() == {"exported"}


def test_orders_that_came_later_make_a_file_of_their_own(world: World, client: Client) -> None:
    issue_all(client)
    download(client)
    ticket_of(CustomerFactory(system=world.system), 10)
    bill(now=NOW)
    issue_all(client)

    before, response = announced(client), download(client)

    assert before == (
        "The kivitendo file hands 1 order over and marks it as exported. "
        "Handed over before and not in it: what is in kivitendo-2026-10.csv (2026-11-20 10:00)."
    )
    assert response["Content-Disposition"] == 'attachment; filename="kivitendo-2026-10-2.csv"'
    assert announced(client) == (
        "All orders were handed over before: kivitendo-2026-10-2.csv (2026-11-20 10:00), "
        "kivitendo-2026-10.csv (2026-11-20 10:00). There is no new kivitendo file."
    )


def test_file_that_would_not_be_the_announced_one_is_not_made(client: Client) -> None:
    issue_all(client)
    seen = {"period": "2026-10", "seen": "0-2-0"}
    client.post("/orders/export/", seen)

    response = client.post("/orders/export/", seen)

    assert response["Location"] == "/orders/?period=2026-10"
    assert said(response)[-1] == "The orders have changed since you looked at them. No file was made; look again."
    assert Export.objects.count() == 1


def test_month_without_orders_is_not_exported(client: Client) -> None:
    response = client.post("/orders/export/", {"period": "2026-08"})

    assert response["Location"] == "/orders/?period=2026-08"
    assert said(response) == ["There is no order for 2026-08. Start a billing run first."]


def test_export_of_no_month_is_a_bad_request(client: Client) -> None:
    assert client.post("/orders/export/", {"period": "soon"}).status_code == 400


@pytest.mark.parametrize("path", ["/orders/approve/", "/orders/export/", "/orders/runs/start/"])
def test_what_acts_is_not_to_be_had_by_get(client: Client, path: str) -> None:
    assert client.get(path).status_code == 405


def test_left_out_list_names_reason_and_minutes(client: Client) -> None:
    html = page(client, "/orders/left-out/")

    assert "Still open" in html
    assert "The ticket was not closed in this month, or is open again." in html
    assert '<span title="0:45">45</span>' in html


def test_left_out_list_is_a_file_too(world: World) -> None:
    lines = world.clients["manager"].get("/orders/left-out/?export=csv").content.decode().splitlines()

    assert len(lines) == 3
    assert lines[1].endswith('or is open again.",1,45')


def test_left_out_list_without_rows_says_so(client: Client) -> None:
    assert "Nothing was left out" in page(client, "/orders/left-out/?period=2026-08")


def test_left_out_list_is_sorted(client: Client) -> None:
    html = page(client, "/orders/left-out/?sort=minutes")

    assert html.index("Still open") < html.index("Zebra title")


def test_all_orders_that_pass_the_filters_are_chosen_from_every_page(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("billing.views.MOST_PER_PAGE", 1)
    html = client.get("/orders/?period=2026-10").content.decode()

    both = client.post("/orders/approve/", {"all": "period=2026-10"}).context["selection"]
    one = client.post("/orders/approve/", {"all": "period=2026-10&q=K1001"}).context["selection"]
    none = client.post("/orders/issue/", {"all": "period=2026-10"}).content.decode()

    assert 'name="all"' in html
    assert 'value="period=2026-10"' in html
    assert len(both.orders) == 2
    assert one.orders == [world.order]
    assert "Nothing to issue" in none


def test_all_that_cannot_be_read_are_none(client: Client) -> None:
    for text in ("period=soon&q=%00", "x" * 1900, "period=2026-10&state=nothing"):
        assert client.post("/orders/approve/", {"all": text}).status_code == 200, text
    assert said(client.post("/orders/approve/", {"all": "x" * 3000}))


def test_more_than_can_be_taken_at_once_are_refused(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("billing.choice_filters.MOST_ORDERS", 1)
    monkeypatch.setattr("billing.step_views.MOST_ORDERS", 1)

    assert said(client.post("/orders/approve/", {"all": "period=2026-10"})) == ["Too many orders at once."]


def test_history_shows_amounts_in_the_form_of_the_language(world: World, client: Client) -> None:
    OrderEvent.objects.create(order=world.order, kind="changed", at=NOW, text="20.00 → 1047.50 EUR")

    german = client.get(f"/orders/{world.order.pk}/", headers={"accept-language": "de"}).content.decode()

    assert "<div>20,00 → 1.047,50 EUR</div>" in german
    assert "<div>20.00 → 1,047.50 EUR</div>" in page(client, f"/orders/{world.order.pk}/")
