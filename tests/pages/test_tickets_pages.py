"""The list of tickets and the page of one."""

import re
from decimal import Decimal

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.billing.scenes import NOVEMBER, bill, book, ticket_of
from tests.factories.tickets import CustomerFactory, TicketSystemFactory
from tests.pages.world import NOW, World
from tickets.listing import time_of
from tickets.models import SyncRun, Ticket, TicketSystem


@pytest.fixture
def client(world: World) -> Client:
    return world.clients["billing"]


def page(client: Client, query: str) -> str:
    return client.get(f"/tickets/{query}").content.decode()


def numbers(html: str) -> list[str]:
    """The ticket numbers of the table, in its order."""
    return re.findall(r'<td class="nowrap"><a href="/tickets/\d+/">([^<]+)</a>', html)


def test_list_shows_the_tickets_closed_in_the_month(world: World, client: Client) -> None:
    assert set(numbers(page(client, "?period=2026-10"))) == {world.ticket.number, world.foreign_ticket.number}
    assert numbers(page(client, "?period=2026-08")) == []
    assert len(numbers(page(client, "?period=all"))) == 4


def test_minutes_of_the_month_stand_beside_those_of_the_whole_life(world: World, client: Client) -> None:
    book(world.ticket, 12, at="2026-11-02 10:00:00")

    html = page(client, f"?period=2026-10&customer={world.customer.customer_id}")

    assert re.findall(r'<span title="(\d:\d\d)">(\d+)</span>', html) == 2 * [("0:30", "30"), ("0:42", "42")]


def test_totals_are_those_of_the_filtered_set_not_of_the_page(world: World, client: Client) -> None:
    for _number in range(30):
        ticket_of(world.customer, 10, "0.25")

    html = page(client, f"?period=2026-10&customer={world.customer.customer_id}&page=2")

    footer = html[html.index("<tfoot>") :]
    assert "31 rows" in html
    assert footer.count('<span title="5:38">337.5</span>') == 2


def test_gone_entries_do_not_count(world: World, client: Client) -> None:
    entry = book(world.ticket, 500)
    entry.gone_at = NOW
    entry.save()

    assert "530" not in page(client, "?period=2026-10")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=svg onload", True),
        ("q=SVG", True),
        ("q=Drucker", False),
        ("customer=k1001", True),
        ("customer=königsbau", True),
        ("customer=K10", False),
        ("queue=Support", True),
        ("state=closed successful", True),
        ("billed=yes", True),
        ("billed=no", False),
        ("billed=partly", False),
    ],
)
def test_filter_finds(world: World, client: Client, query: str, found: bool) -> None:
    assert (world.ticket.number in numbers(page(client, f"?period=2026-10&{query}"))) is found


def test_ticket_with_time_after_its_order_is_partly_billed(world: World, client: Client) -> None:
    book(world.ticket, 5, at="2026-11-02 10:00:00")

    assert numbers(page(client, "?period=2026-10&billed=partly")) == [world.ticket.number]


def test_exact_number_leads_to_its_ticket_whatever_the_period(world: World, client: Client) -> None:
    response = client.get(f"/tickets/?period=2020-01&q={world.ticket.number}")

    assert (response.status_code, response["Location"]) == (302, f"/tickets/{world.ticket.pk}/")


def test_number_that_two_systems_have_is_listed(world: World, client: Client) -> None:
    ticket_of(CustomerFactory(system=TicketSystemFactory()), 5, number=world.ticket.number)

    assert numbers(page(client, f"?period=2026-10&q={world.ticket.number}")) == 2 * [world.ticket.number]


@pytest.mark.parametrize("column", ["number", "title", "customer", "queue", "state", "closed_at", "minutes"])
def test_list_is_sorted_both_ways(world: World, client: Client, column: str) -> None:
    ticket_of(CustomerFactory(system=world.system, customer_id="AAA"), 1, number="1", title="!", queue="A", state="A")
    Ticket.objects.filter(number="1").update(closed_at="2026-10-01T00:00Z")

    upwards = numbers(page(client, f"?period=2026-10&sort={column}"))
    downwards = numbers(page(client, f"?period=2026-10&sort=-{column}"))

    assert upwards[0] == "1"
    assert downwards[-1] == "1"


def test_sums_of_all_months_are_not_sorted_by(client: Client) -> None:
    assert "?period=all&amp;sort=minutes" not in page(client, "?period=all")
    assert "?period=2026-10&amp;sort=minutes" in page(client, "?period=2026-10")
    assert numbers(page(client, "?period=all&sort=-minutes")) == numbers(page(client, "?period=all"))


def test_sorted_column_says_so(client: Client) -> None:
    assert 'aria-sort="descending"' in page(client, "?sort=-number")
    assert 'href="?sort=number"' in page(client, "?sort=-number")


def test_pages_hold_every_ticket_once_though_all_are_equal_in_the_order(world: World, client: Client) -> None:
    for _number in range(60):
        ticket_of(world.customer, 10)

    found = [number for nr in (1, 2, 3) for number in numbers(page(client, f"?period=2026-10&sort=title&page={nr}"))]

    assert len(found) == len(set(found)) == 62


def test_file_holds_the_whole_filtered_set_in_the_order_of_the_page(world: World, client: Client) -> None:
    for number in range(40):
        ticket_of(world.customer, 10, number=f"{number:03}")

    response = client.get("/tickets/?period=2026-10&customer=K1001&sort=-number&page=2&export=csv")

    lines = response.content.decode().splitlines()
    assert response["Content-Disposition"] == 'attachment; filename="tickets_2026-10.csv"'
    assert len(lines) == 1 + 41 + 1
    assert lines[1].startswith(world.ticket.number)
    assert lines[2].startswith("039,")
    assert lines[-1].startswith("Total")


def test_query_count_does_not_depend_on_the_number_of_rows(
    world: World, client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    ticket_of(CustomerFactory(system=world.system, customer_id="one"), 5)
    three = CustomerFactory(system=world.system, customer_id="three")
    for _number in range(3):
        ticket_of(three, 5)

    for customer in ("one", "three"):
        with django_assert_num_queries(LIST_QUERIES):
            client.get(f"/tickets/?period=2026-10&customer={customer}")


# session, user, rights, exact number, zones, choices, count, keys, rows, totals, own agent, systems, age of the data
LIST_QUERIES = 14


def test_very_long_list_goes_without_totals_and_says_so(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tickets.tables.MOST_TICKETS_SUMMED", 1)

    html = page(client, "?period=all")

    assert "Too many tickets for totals" in html
    assert "<tfoot>" not in html


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("?period=2026-10&q=nothing", "Tickets are there, but none passes the filters."),
        ("?period=2026-09", "The tickets of September 2026 were not yet read in full."),
    ],
)
def test_empty_list_says_why(client: Client, query: str, sentence: str) -> None:
    assert sentence in page(client, query)


def test_month_that_was_read_and_is_empty_says_so(world: World, client: Client) -> None:
    SyncRun.objects.update(month="2026-09-01")

    assert "No ticket was closed in this period." in page(client, "?period=2026-09")


def test_ticket_page_shows_entries_their_sum_and_their_order(world: World, client: Client) -> None:
    Ticket.objects.update(time_units=Decimal(30))

    html = client.get(f"/tickets/{world.ticket.pk}/").content.decode()

    assert "2026-10-05 10:00:00" in html
    assert f'<a class="nowrap" href="/orders/{world.order.pk}/">{world.order.number}</a>' in html
    assert "own total is 30 min, too." in html
    assert f"http://127.0.0.1:9/otrs/index.pl?TicketID={world.ticket.ticket_id}" in html


def test_ticket_page_shows_a_difference_to_the_ticket_systems_total(world: World, client: Client) -> None:
    Ticket.objects.update(time_units=Decimal("42.5"))

    html = client.get(f"/tickets/{world.ticket.pk}/").content.decode()

    assert "total is 42.5 min, the entries above make 30 min: a difference of 12.5 min" in html


def test_ticket_page_marks_an_entry_that_is_gone_and_does_not_sum_it(world: World, client: Client) -> None:
    entry = book(world.ticket, 500)
    entry.gone_at = NOW
    entry.save()

    html = client.get(f"/tickets/{world.ticket.pk}/").content.decode()

    assert "gone from the ticket system" in html
    assert not re.search(r"\b530\b", html)


def test_ticket_page_says_why_time_stands_in_no_order(world: World, client: Client) -> None:
    open_ticket = Ticket.objects.get(title="Still open")

    html = client.get(f"/tickets/{open_ticket.pk}/").content.decode()

    assert "Not in the order of October 2026 (45 min): The ticket was not closed in this month" in html


def test_ticket_without_anything_has_a_page(world: World, client: Client) -> None:
    bare = ticket_of(None, closed=None, system=world.system, time_units=None, created_at=None, title="")

    html = client.get(f"/tickets/{bare.pk}/").content.decode()

    assert "No time was recorded" in html
    assert "own total is not known" in html


def test_times_of_a_ticket_are_those_of_its_systems_clock(world: World, client: Client) -> None:
    world.system.time_zone = "Asia/Tokyo"
    world.system.save()

    assert "2026-10-01 17:00" in client.get(f"/tickets/{world.ticket.pk}/").content.decode()


def test_query_count_of_a_ticket_does_not_depend_on_its_entries(
    world: World, client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    one = ticket_of(world.customer, 5)
    three = ticket_of(world.customer, 5, 6, 7)
    bill(NOVEMBER, now=NOW)

    for ticket in (one, three):
        with django_assert_num_queries(TICKET_QUERIES):
            client.get(f"/tickets/{ticket.pk}/")


TICKET_QUERIES = 22


def test_total_of_a_ticket_agrees_after_the_minutes_per_unit_have_changed(world: World) -> None:
    """The entry was billed with one minute a unit; since then a unit is six minutes."""
    ticket = ticket_of(world.customer, 10, time_units=Decimal(10))
    TicketSystem.objects.update(minutes_per_unit=6)

    time = time_of(Ticket.objects.select_related("system").get(pk=ticket.pk))

    assert (time.minutes, time.upstream_minutes, time.difference) == (10, 10, 0)
