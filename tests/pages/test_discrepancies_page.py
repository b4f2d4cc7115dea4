"""The page of what disagrees with approved orders, its files, and where it is announced."""

import io
import json
import re
import zipfile

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from billing.discrepancies import count_discrepancies
from billing.models import Order
from billing.orders import approve_orders
from tests.billing.scenes import book
from tests.commands import run_command
from tests.factories.tickets import CustomerFactory
from tests.pages.world import MARK, MARKED_MINUTES, NOW, World
from tickets.models import SyncRun, Ticket, TimeEntry

PAGE = "/orders/discrepancies/"


@pytest.fixture
def changed(world: World) -> World:
    """Both orders approved; then one's 30 minutes vanish and 5 come late, and the other's ticket changes hands."""
    approve_orders(Order.objects.all(), user=None, now=NOW)
    world.ticket.entries.update(gone_at=NOW)
    book(world.ticket, 5)
    Ticket.objects.filter(pk=world.foreign_ticket.pk).update(customer=CustomerFactory(system=world.system))
    return world


def words(client: Client, path: str = PAGE) -> str:
    html = client.get(path).content.decode()
    return " ".join(re.sub(r"<[^>]+>", " ", html[html.index("<main") : html.index("</main>")]).split())


def test_page_lists_what_disagrees_with_totals(changed: World) -> None:
    text = words(changed.clients["billing"])

    assert "vanished" in text
    assert "booked late" in text
    assert "The time entry stands in no order: it came too late for this one." in text
    assert "of another customer" in text
    assert "Total -7,944 -7,944.00 EUR" in text
    assert "As the ticket systems were read last: 2026-12-02 09:00." in text


def test_page_leads_to_order_and_ticket(changed: World) -> None:
    html = changed.clients["billing"].get(PAGE).content.decode()

    assert f'href="/orders/{changed.order.pk}/"' in html
    assert f'href="/tickets/{changed.ticket.pk}/"' in html


def test_all_months_are_shown_unless_one_is_chosen(changed: World) -> None:
    client = changed.clients["billing"]

    assert "3 rows" in words(client)
    assert "3 rows" in words(client, f"{PAGE}?period=2026-10")
    assert "Nothing disagrees" in words(client, f"{PAGE}?period=2026-09")


def test_page_of_one_order_shows_its_own_ones(changed: World) -> None:
    client = changed.clients["billing"]

    text = words(client, f"{PAGE}?order={changed.order.pk}")

    assert f"Only those of order {changed.order.number}." in text
    assert "2 rows" in text
    assert MARK not in text


@pytest.mark.parametrize("order", ["x", "-1", "99999", "9" * 30, "%00", "²"])
def test_order_that_is_not_there_counts_as_not_said(changed: World, order: str) -> None:
    assert "3 rows" in words(changed.clients["billing"], f"{PAGE}?order={order}")


@pytest.mark.parametrize(
    "sort", ["order", "ticket", "booked", "kind", "agent", "customer", "minutes_at_stake", "money_at_stake"]
)
def test_every_column_sorts(changed: World, sort: str) -> None:
    client = changed.clients["billing"]

    assert {client.get(f"{PAGE}?sort={sign}{sort}").status_code for sign in ("", "-")} == {200}


def test_file_tells_where_the_time_stands_now(changed: World) -> None:
    lines = changed.clients["stranger"].get(f"{PAGE}?export=csv").content.decode().splitlines()

    assert lines[0].lstrip("\ufeff").split(",") == [
        "Order",
        "Customer",
        "Ticket",
        "Booked",
        "Agent",
        "Time units",
        "What has happened",
        "In words",
        "Ticket now",
        "Customer now",
        "Minutes billed",
        "Minutes now",
        "Minutes at stake",
        "Amount at stake",
    ]
    assert lines[1].startswith(f"{changed.foreign_order.number},{changed.foreign},{changed.foreign_ticket.number},")
    assert ",of another customer," in lines[1]
    assert lines[1].endswith("7919,0,-7919,-7919.00")
    assert lines[2].startswith("Total EUR,")


def test_sheet_opens(changed: World) -> None:
    content = changed.clients["billing"].get(f"{PAGE}?export=xlsx").content

    with zipfile.ZipFile(io.BytesIO(content)) as book_file:
        assert "xl/worksheets/sheet1.xml" in book_file.namelist()


def test_empty_page_says_that_nothing_disagrees_and_as_of_when(world: World) -> None:
    text = words(world.clients["billing"])

    assert "Nothing disagrees" in text
    assert "As the ticket systems were read last: 2026-12-02 09:00." in text


def test_empty_page_without_a_reading_says_so(world: World) -> None:
    SyncRun.objects.all().delete()

    assert "No ticket system has been read yet." in words(world.clients["billing"])


def test_manager_without_customers_is_told_so(world: World) -> None:
    world.customer.account_managers.clear()

    assert "No customers are assigned to you" in words(world.clients["manager"])


def test_manager_finds_no_byte_of_another_customer(changed: World) -> None:
    changed.ticket.entries.update(ticket=changed.foreign_ticket)
    Ticket.objects.filter(pk=changed.foreign_ticket.pk).update(customer=changed.foreign)
    client = changed.clients["manager"]

    pages = [client.get(f"{PAGE}{query}").content.decode() for query in ("", "?export=csv", "?period=2026-10")]

    assert "The time entry stands on another ticket by now." in pages[0]
    for page in pages:
        assert [mark for mark in (MARK, *map(str, MARKED_MINUTES)) if mark in page] == []


def test_foreign_order_cannot_be_asked_for(changed: World) -> None:
    text = words(changed.clients["manager"], f"{PAGE}?order={changed.foreign_order.pk}")

    assert "2 rows" in text
    assert MARK not in text


def test_order_tells_how_many_it_has_and_leads_there(changed: World) -> None:
    html = changed.clients["billing"].get(f"/orders/{changed.order.pk}/").content.decode()

    assert "2 discrepancies after billing" in html
    assert f'href="{PAGE}?order={changed.order.pk}"' in html


def test_order_without_any_says_nothing(world: World) -> None:
    assert "after billing" not in words(world.clients["billing"], f"/orders/{world.order.pk}/")


@pytest.mark.parametrize(("role", "count"), [("billing", 3), ("manager", 2)])
def test_start_page_counts_those_that_the_user_may_see(changed: World, role: str, count: int) -> None:
    assert f"{count} Late entries and discrepancies after billing" in words(changed.clients[role], "/")


def test_start_page_is_silent_without_any(world: World) -> None:
    assert "after billing" not in words(world.clients["billing"], "/")


def test_query_count_does_not_depend_on_the_discrepancies(
    changed: World, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = changed.clients["billing"]
    with CaptureQueriesContext(connection) as queries:
        client.get(PAGE)
    for _number in range(5):
        book(changed.ticket, 3)

    with django_assert_num_queries(len(queries)):
        client.get(PAGE)


def test_command_says_by_exit_code_whether_something_disagrees(world: World) -> None:
    none = run_command("discrepancies")
    approve_orders(Order.objects.all(), user=None, now=NOW)
    world.ticket.entries.update(gone_at=NOW)
    some = run_command("discrepancies", "--period", "2026-10", "--customer", "K1001")
    elsewhere = run_command("discrepancies", "--period", "2026-09")

    assert none[0] == elsewhere[0] == 0
    assert none[1].startswith("Nothing disagrees with the approved orders. As the ticket systems were read last:")
    assert some[0] == 1
    assert world.order.number in some[1]
    assert re.search(r"\nTotal +-30 +-30\.00 +EUR\n", some[1])


def test_command_speaks_json(changed: World) -> None:
    code, out, err = run_command("discrepancies", "--json", "--customer", "K1001")

    document = json.loads(out)
    entry = TimeEntry.objects.get(ticket=changed.ticket, gone_at__isnull=False)
    assert (code, err) == (1, "")
    assert document["totals"] == [{"currency": "EUR", "minutes_at_stake": "-25", "money_at_stake": "-25.00"}]
    assert document["discrepancies"][0] == {
        "key": f"{entry.allocations.get().pk}-gone",
        "kind": "gone",
        "allocation": entry.allocations.get().pk,
        "order": changed.order.number,
        "month": "2026-10",
        "position": 1,
        "customer_id": "K1001",
        "customer_now": "K1001",
        "ticket": changed.ticket.number,
        "ticket_now": changed.ticket.number,
        "agent": str(entry.agent),
        "booked": entry.booked_local,
        "units": "30",
        "minutes_billed": "30",
        "minutes_now": "0",
        "minutes_at_stake": "-30",
        "money_at_stake": "-25.00",
        "currency": "EUR",
        "sentence": "The time entry is gone from the ticket system.",
        "choices": [],
    }
    assert document["discrepancies"][1]["money_at_stake"] is None


@pytest.mark.parametrize("wrong", [("--period", "October"), ("--customer", "nobody")])
def test_command_refuses_wrong_use(world: World, wrong: tuple[str, str]) -> None:
    assert run_command("discrepancies", *wrong)[0] == 2


@pytest.mark.parametrize(("role", "name"), [("manager", "anna"), ("stranger", "bernd"), ("billing", "clara")])
def test_page_lists_as_many_as_are_counted(changed: World, role: str, name: str) -> None:
    count = count_discrepancies(user=User.objects.get(username=name))

    assert f"{count} row" in words(changed.clients[role])


def test_order_without_discrepancies_says_so(world: World) -> None:
    html = world.clients["billing"].get(f"/orders/discrepancies/?order={world.order.pk}").content.decode()

    assert "All time of the order stands in the ticket system as it was billed" in html
