"""The page that compares three totals, and the third total on the page of a ticket."""

import re
from decimal import Decimal

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.billing.scenes import ticket_of
from tests.factories.tickets import CustomerFactory, SyncRunFactory, TicketSystemFactory
from tests.pages.world import MARK, World
from tickets.models import SyncRun, Ticket

PATH = "/tickets/reconciliation/"


@pytest.fixture
def client(world: World) -> Client:
    return world.clients["billing"]


@pytest.fixture
def agreeing(world: World) -> None:
    """Every ticket of the world says the same total as its entries."""
    for ticket in Ticket.objects.all():
        own = sum((entry.units for entry in ticket.entries.all()), Decimal(0))
        Ticket.objects.filter(pk=ticket.pk).update(time_units=own)


def page(client: Client, query: str = "?period=2026-10") -> str:
    return client.get(f"{PATH}{query}").content.decode()


def numbers(html: str) -> list[str]:
    return re.findall(r'<td class="nowrap"><a href="/tickets/\d+/">([^<]+)</a>', html)


def test_month_that_agrees_says_so_in_one_sentence(client: Client, agreeing: None) -> None:
    html = page(client)

    assert "All 4 tickets agree: the entries of each add up to its own total." in html
    assert "note-good" in html
    assert "<table" not in html


def test_ticket_that_disagrees_stands_with_its_totals_and_the_likely_cause(
    world: World, client: Client, agreeing: None
) -> None:
    Ticket.objects.filter(pk=world.ticket.pk).update(time_units=Decimal("17.5"), article_units=Decimal(1))

    html = page(client)

    assert numbers(html) == [world.ticket.number]
    assert re.findall(r'class="[^"]*number[^"]*"[^>]*>(?:<span title="[^"]*">)?(-?[\d.]+)', html)[:5] == [
        "30", "17.5", "1", "-12.5", "-12.5",
    ]  # fmt: skip
    assert "time was deleted" in html
    assert "3 of 4 tickets agree. Of 1 ticket the time of its articles was compared as well. 1 ticket disagrees" in html
    assert "note-warn" in html


def test_articles_that_nobody_read_have_no_column(world: World, client: Client, agreeing: None) -> None:
    Ticket.objects.filter(pk=world.ticket.pk).update(time_units=Decimal("17.5"))

    assert "Units of its articles" not in page(client)


def test_several_ticket_systems_are_told_apart(world: World, client: Client) -> None:
    assert '<th scope="col">\n            \n              Ticket system' not in page(client)
    ticket_of(CustomerFactory(system=TicketSystemFactory(name="Second desk")), 5)

    html = page(client)

    assert "Second desk</td>" in html
    assert "“Second desk” has never been read for 2026-10." in html


def test_tickets_that_were_not_compared_have_a_list_of_their_own(world: World, client: Client, agreeing: None) -> None:
    Ticket.objects.filter(pk=world.ticket.pk).update(time_units=None)

    html = page(client, "?period=2026-10&show=not-compared")

    assert numbers(html) == [world.ticket.number]
    assert "The ticket itself was never read." in html
    assert "1 ticket could not be compared" in page(client)
    assert numbers(page(client)) == []


def test_list_of_what_was_not_compared_may_be_empty(client: Client, agreeing: None) -> None:
    assert "The own total of every ticket is known." in page(client, "?period=2026-10&show=not-compared")


def test_table_can_be_downloaded(world: World, client: Client, agreeing: None) -> None:
    Ticket.objects.filter(pk=world.ticket.pk).update(time_units=Decimal("17.5"))

    response = client.get(f"{PATH}?period=2026-10&export=csv")
    other = client.get(f"{PATH}?period=2026-10&show=not-compared&export=csv")

    assert response["Content-Disposition"] == 'attachment; filename="differences_2026-10.csv"'
    row = next(line for line in response.content.decode().splitlines() if line.startswith(world.ticket.number))
    assert ",30,17.5,-12.5,-12.5,time was deleted," in row
    assert other["Content-Disposition"] == 'attachment; filename="not-compared_2026-10.csv"'


def test_account_manager_finds_own_tickets_alone(world: World) -> None:
    html = page(world.clients["manager"])

    assert len(numbers(html)) == 2
    assert MARK not in html
    assert MARK in page(world.clients["stranger"])


def test_findings_of_the_readings_are_for_those_who_see_all_customers(world: World, client: Client) -> None:
    problems = [f"Ticket {number} is odd." for number in range(60)]
    SyncRun.objects.update(problems=problems)

    html = page(client)

    assert "Ticket 49 is odd." in html
    assert "Ticket 50 is odd." not in html
    assert "The first 50 of 60; each reading shows all of its own." in html
    assert "is odd" not in page(world.clients["manager"])


def test_month_that_was_not_read_is_not_called_good(client: Client) -> None:
    html = page(client, "?period=2026-08")

    assert "The tickets of August 2026 were not yet read in full." in html
    assert "note-good" not in html


@pytest.mark.parametrize("count", [1, 12])
def test_query_count_does_not_depend_on_the_number_of_rows(
    world: World, client: Client, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    SyncRunFactory(system=world.system, complete_run=True, month="2026-09-01")
    for _index in range(count):
        ticket_of(world.customer, 10)

    # frame: session, user, zones, rights (2), own agent, systems, age of the data
    with django_assert_num_queries(QUERIES):
        client.get(f"{PATH}?period=2026-10")


QUERIES = 14


def test_ticket_page_shows_the_total_of_the_articles(world: World, client: Client, agreeing: None) -> None:
    def shown() -> str:
        return client.get(f"/tickets/{world.ticket.pk}/").content.decode()

    assert "articles count" not in shown()
    Ticket.objects.filter(pk=world.ticket.pk).update(article_units=Decimal(30))
    assert "articles count 30 min, as the ticket itself does." in shown()
    Ticket.objects.filter(pk=world.ticket.pk).update(article_units=Decimal("27.5"))
    assert "articles count 27.5 min, the ticket itself 30 min: a difference of 2.5 min." in shown()
    Ticket.objects.filter(pk=world.ticket.pk).update(time_units=None)
    assert "articles count" not in shown()
