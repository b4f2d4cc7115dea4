"""The entries behind a number, and the pivots."""

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from billing.models import Order
from tests.billing.scenes import NOVEMBER, bill, book, ticket_of
from tests.factories.tickets import AgentFactory, CustomerFactory, TicketSystemFactory, TimeEntryFactory
from tests.pages.parts import Parts, table_of
from tests.pages.world import NOW, World
from tickets.models import Ticket


@pytest.fixture
def client(world: World) -> Client:
    return world.clients["billing"]


def page(client: Client, path: str) -> str:
    response = client.get(f"/reports/{path}")
    assert response.status_code == 200
    return response.content.decode()


def table(client: Client, path: str) -> Parts:
    return table_of(page(client, path))


def test_entries_are_shown_as_the_ticket_system_sent_them(world: World, client: Client) -> None:
    world.system.time_zone = "Asia/Tokyo"
    world.system.save()

    found = table(client, f"entries/?period=2026-10&customer={world.customer.pk}&standing=billed")

    assert [cell.text for cell in found.head] == [
        "Booked",
        "Agent",
        "Ticket",
        "Title",
        "Customer",
        "Queue",
        "Time units",
        "Minutes",
        "Billing",
    ]
    assert found.texts[0][0] == "2026-10-05 10:00:00"
    assert found.texts[0][2:] == [
        world.ticket.number,
        world.ticket.title,
        "K1001 Königsbau AG",
        "—",
        "30",
        "30",
        f"billed {world.order.number}/1",
    ]
    assert found.rows[0][-1].links == [f"/orders/{world.order.pk}/"]
    assert found.totals == ["Total", "", "", "", "", "", "", "30", ""]


def test_units_are_those_that_were_sent(world: World, client: Client) -> None:
    system = TicketSystemFactory(minutes_per_unit=15)
    book(ticket_of(CustomerFactory(system=system), closed=None), "1.5")

    found = table(client, f"entries/?period=2026-10&system={system.pk}")

    assert found.texts[0][7:9] == ["1.5", "22.5"]


def test_order_of_another_customer_is_not_named(world: World) -> None:
    Ticket.objects.filter(pk=world.foreign_ticket.pk).update(customer=world.customer)

    found = table(world.clients["manager"], "entries/?period=2026-10&standing=billed&sort=-minutes")

    assert found.texts[0][-2:] == ["7,919", "billed"]
    assert found.rows[0][-1].links == []


def test_totals_of_the_entries_are_those_of_all_pages(world: World, client: Client) -> None:
    for _number in range(30):
        book(world.ticket, "0.25", at="2026-08-03 10:00:00")

    html = page(client, "entries/?period=2026-08&page=2")

    assert "30 rows" in html
    assert (len(table_of(html).rows), table_of(html).totals[7]) == (5, "7.5")


@pytest.mark.parametrize(
    ("column", "place"),
    [("booked_local", 0), ("agent", 1), ("number", 2), ("title", 3), ("customer", 4), ("minutes", 7), ("standing", 8)],
)
def test_entries_are_sorted_both_ways(world: World, client: Client, column: str, place: int) -> None:
    agent = AgentFactory(system=world.system, name="A")
    first = ticket_of(CustomerFactory(system=world.system, customer_id="A"), closed=None, number="10000", title="A")
    TimeEntryFactory(ticket=first, agent=agent, units=1, booked_local="2026-10-01 00:00:00")

    upwards = [row[place] for row in table(client, f"entries/?period=2026-10&sort={column}").texts]
    downwards = [row[place] for row in table(client, f"entries/?period=2026-10&sort=-{column}").texts]

    assert upwards == sorted(upwards, key=in_order)
    assert downwards == sorted(downwards, key=in_order, reverse=True)
    assert upwards[0] != downwards[0]


def in_order(text: str) -> tuple[int, str]:
    """Minutes by size, words without regard to case, states without the order below them."""
    minutes = text.replace(",", "")
    return (int(minutes), "") if minutes.isdigit() and len(minutes) < 5 else (0, text.partition(" TK-")[0].casefold())


def test_query_count_of_entries_does_not_depend_on_their_number(
    world: World, client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for month, count in (("2026-08", 1), ("2026-06", 30)):
        for _number in range(count):
            ticket = ticket_of(CustomerFactory(system=world.system))
            book(ticket, 5, at=f"{month}-05 10:00:00")
    bill(now=NOW)
    bill(NOVEMBER, now=NOW)

    for month in ("2026-08", "2026-06"):
        with django_assert_num_queries(21):
            client.get(f"/reports/entries/?period={month}")


def test_agents_are_shown_by_day(world: World, client: Client) -> None:
    TimeEntryFactory(
        ticket=world.ticket,
        agent=AgentFactory(system=world.system, name="Ada"),
        units=8,
        booked_local="2026-10-31 23:00:00",
    )

    found = table(client, "pivot/?kind=agent_day&period=2026-10")

    assert [cell.text for cell in found.head] == ["Agent", *map(str, range(1, 32)), "Total"]
    row = next(row for row in found.texts if row[0] == "Ada")
    assert (row[31], row[32], set(row[1:31])) == ("8", "8", {""})
    assert (found.totals[5], found.totals[31], found.totals[32]) == ("15,901", "8", "15,909")


@pytest.mark.parametrize(
    ("query", "row", "column", "minutes"),
    [
        ("kind=agent_day&period=2026-10", "Zebra agent", "5", "15,826"),
        ("kind=agent_day&period=2026-10", "Total", "5", "15,901"),
        ("kind=agent_day&period=2026-10", "Zebra agent", "Total", "15,826"),
        ("kind=agent_day&period=2026-10&standing=billed", "Zebra agent", "5", "7,919"),
        ("kind=customer_month&period=2026-Q4", "Königsbau AG", "October 2026", "75"),
        ("kind=customer_month&period=2026-10-05..2026-11-05", "Königsbau AG", "October 2026", "75"),
        ("kind=customer_month&period=2026-10-06..2026-11-05", "Königsbau AG", "October 2026", "12"),
        ("kind=queue_agent&period=2026-10", "Zebra queue", "Zebra agent", "15,826"),
        ("kind=queue_agent&period=2026-10", "queue not known", "Total", "87"),
    ],
)
def test_cell_leads_to_its_rows(world: World, client: Client, query: str, row: str, column: str, minutes: str) -> None:
    if minutes in ("12", "87"):
        book(world.ticket, 12, at="2026-10-20 10:00:00")
    found = table(client, f"pivot/?{query}")

    address = found.link(row, column)

    entries = table_of(client.get(address).content.decode())
    assert (address.startswith("/reports/entries/?"), entries.totals[7]) == (True, minutes)


def test_pivot_shows_the_chosen_unit(world: World, client: Client) -> None:
    found = table(client, "pivot/?kind=customer_month&period=2026-10&unit=hhmm")

    assert [row[:3] for row in found.texts] == [["Königsbau AG", "1:15", "1:15"], ["Zebra GmbH", "263:46", "263:46"]]


def test_pivot_that_would_be_too_wide_says_so(world: World, client: Client) -> None:
    html = page(client, "pivot/?kind=agent_day&period=2026")

    assert "A table by day shows up to 62 days; these are 365." in html
    assert table_of(html).rows == []


def test_agents_of_the_same_name_are_told_apart(world: World, client: Client) -> None:
    second = TicketSystemFactory(name="Second")
    ticket = ticket_of(CustomerFactory(system=second), closed=None)
    TimeEntryFactory(ticket=ticket, agent=AgentFactory(system=second, name="Zebra agent", login="a"))

    found = table(client, "pivot/?kind=queue_agent&period=2026-10")

    assert {"Zebra agent (Helpdesk)", "Zebra agent (Second)"} <= {cell.text for cell in found.head}


def test_pivot_without_rows_says_why(world: World, client: Client) -> None:
    assert "In October 2026 no time passes the filters." in page(client, "pivot/?period=2026-10&standing=blocked")


def test_manager_sees_cells_of_own_customers_only(world: World) -> None:
    totals = [
        table(world.clients["manager"], f"pivot/?kind={kind}&period=2026-10").totals[-1]
        for kind in ("agent_day", "customer_month", "queue_agent")
    ]

    assert totals == ["75", "75", "75"]
    assert Order.objects.count() == 2


def test_query_count_of_a_pivot_does_not_depend_on_its_rows(
    world: World, client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for month, count in (("2026-08", 1), ("2026-06", 30)):
        for number in range(count):
            ticket = ticket_of(CustomerFactory(system=world.system), closed=None)
            TimeEntryFactory(ticket=ticket, queue=f"Queue {number}", booked_local=f"{month}-05 10:00:00")

    for month in ("2026-08", "2026-06"):
        for kind in ("agent_day", "customer_month"):
            with django_assert_num_queries(17):
                client.get(f"/reports/pivot/?kind={kind}&period={month}")
