"""The report: sums by agent, customer, queue and ticket, each number with the way to its rows."""

from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from billing.models import Agreement
from billing.tables import LeftOutTable
from common.months import Month
from portal.reports.columns import CountColumn
from tests.billing.scenes import book, read_completely, ticket_of
from tests.factories.tickets import AgentFactory, CustomerFactory, TicketFactory, TicketSystemFactory, TimeEntryFactory
from tests.pages.parts import Parts, table_of
from tests.pages.world import NOW, World
from tickets.models import Customer, SyncRun, Ticket, TimeEntry

OCTOBER = "period=2026-10&unit=minutes"


@pytest.fixture
def client(world: World) -> Client:
    return world.clients["billing"]


def page(client: Client, query: str) -> str:
    response = client.get(f"/reports/?{query}")
    assert response.status_code == 200
    return response.content.decode()


def table(client: Client, query: str) -> Parts:
    return table_of(page(client, query))


def total_of_rows(client: Client, address: str) -> tuple[str, str]:
    """Row count and minutes of the page of entries behind an address."""
    html = client.get(address).content.decode()
    return str(len(table_of(html).rows)), dict(zip_head(table_of(html)))["Minutes"]


def zip_head(parts: Parts) -> list[tuple[str, str]]:
    return list(zip([cell.text for cell in parts.head], parts.totals, strict=True))


def test_customers_are_shown_with_their_sums_and_the_month_before(world: World, client: Client) -> None:
    book(world.ticket, 12, at="2026-09-30 10:00:00")

    found = table(client, "by=customer&period=2026-10")

    assert [cell.text for cell in found.head] == [
        "Customer",
        "Entries",
        "Minutes",
        "Billed",
        "Unbilled",
        "Not billable",
        "Blocked",
        "September 2026",
        "Difference",
    ]
    assert found.texts == [
        ["Zebra GmbH Zebra-ID", "2", "15,826", "7,919", "7,907", "0", "0", "0", "+15,826"],
        ["Königsbau AG K1001", "2", "75", "30", "45", "0", "0", "12", "+63"],
    ]
    assert found.totals == ["Total", "4", "15,901", "7,949", "7,952", "0", "0", "12", "+15,889"]


def test_time_without_customer_is_blocked_and_time_of_whom_nobody_bills_is_not_billable(
    world: World, client: Client
) -> None:
    book(ticket_of(None, system=world.system, closed=None), 7)
    Agreement.objects.filter(customer=world.customer).update(billed=False)

    found = table(client, "by=customer&period=2026-10")

    assert found.texts[1][2:7] == ["75", "30", "0", "45", "0"]
    assert found.texts[2][:7] == ["no customer", "1", "7", "0", "0", "0", "7"]


@pytest.mark.parametrize(("by", "names"), [("agent", 3), ("queue", 2), ("ticket", 4)])
def test_every_view_adds_up_to_the_same(world: World, client: Client, by: str, names: int) -> None:
    found = table(client, f"by={by}&period=2026-10")

    assert len({row[0] for row in found.texts}) == names
    assert dict(zip_head(found))["Minutes"] == "15,901"


def test_ticket_is_named_by_number_and_title(world: World, client: Client) -> None:
    found = table(client, "by=ticket&period=2026-10")

    assert [cell.text for cell in found.head][:3] == ["Ticket", "Title", "Entries"]
    assert found.texts[0][:4] == ["Zebra-1", "Zebra title", "1", "7,919"]
    assert found.rows[0][0].links == [f"/tickets/{world.foreign_ticket.pk}/"]


@pytest.mark.parametrize(
    ("by", "row", "column", "rows", "minutes"),
    [
        ("customer", "Königsbau AG K1001", "Entries", "2", "75"),
        ("customer", "Königsbau AG K1001", "Billed", "1", "30"),
        ("customer", "Königsbau AG K1001", "Unbilled", "1", "45"),
        ("customer", "Königsbau AG K1001", "September 2026", "1", "12"),
        ("customer", "no customer", "Blocked", "1", "7"),
        ("customer", "Total", "Minutes", "5", "15,908"),
        ("customer", "Total", "Unbilled", "2", "7,952"),
        ("customer", "Total", "September 2026", "1", "12"),
        ("agent", "Zebra agent Zebra.agent", "Minutes", "2", "15,826"),
        ("queue", "Zebra queue", "Unbilled", "1", "7,907"),
        ("queue", "queue not known", "Entries", "3", "82"),
        ("ticket", "Zebra-1", "Billed", "1", "7,919"),
    ],
)
def test_number_leads_to_its_rows(
    world: World, client: Client, by: str, row: str, column: str, rows: str, minutes: str
) -> None:
    book(ticket_of(None, system=world.system, closed=None), 7)
    book(world.ticket, 12, at="2026-09-30 10:00:00")

    address = table(client, f"by={by}&period=2026-10").link(row, column)

    assert address.startswith("/reports/entries/?")
    assert total_of_rows(client, address) == (rows, minutes)


def test_name_leads_to_its_tickets(world: World, client: Client) -> None:
    address = table(client, "by=customer&period=2026-10&standing=unbilled").rows[1][0].links[0]

    found = table_of(client.get(address).content.decode())

    assert [row[1:3] for row in found.texts] == [["Still open", "1"]]


def test_zero_leads_nowhere(world: World, client: Client) -> None:
    found = table(client, "by=customer&period=2026-10")

    assert [cell.links for cell in found.rows[0][5:8]] == [[], [], []]


def test_total_of_the_month_before_counts_what_has_no_row_and_says_so(world: World, client: Client) -> None:
    gone = CustomerFactory(system=world.system, customer_id="gone")
    book(ticket_of(gone, closed=None), 20, at="2026-09-30 10:00:00")

    html = page(client, "by=customer&period=2026-10")

    assert dict(zip_head(table_of(html)))["September 2026"] == "20"
    assert "Of the total of September 2026, 20 were booked where nothing is booked now." in html


def test_everything_has_nothing_before_it(world: World, client: Client) -> None:
    found = table(client, "by=agent&period=all")

    assert [cell.text for cell in found.head][-1] == "Blocked"
    assert dict(zip_head(found))["Minutes"] == "15,901"


@pytest.mark.parametrize(
    ("unit", "head", "shown"),
    [("minutes", "Minutes", "75"), ("hhmm", "Hours (h:mm)", "1:15"), ("hours", "Hours (decimal)", "1.25")],
)
def test_time_is_shown_in_the_chosen_unit(world: World, client: Client, unit: str, head: str, shown: str) -> None:
    found = table(client, f"by=customer&period=2026-10&unit={unit}&customer={world.customer.pk}")

    assert dict(zip_head(found))[head] == shown
    assert found.texts[0][-1] == f"+{shown}"


@pytest.mark.parametrize("by", ["agent", "customer", "queue", "ticket"])
@pytest.mark.parametrize(
    ("column", "place"), [("label", 0), ("entries", -8), ("minutes", -7), ("unbilled_minutes", -5)]
)
def test_lines_are_sorted_both_ways(world: World, client: Client, by: str, column: str, place: int) -> None:
    other = CustomerFactory(system=world.system, customer_id="A", name="A")
    made = ticket_of(other, closed=None, title="A")
    agent = AgentFactory(system=world.system, name="a", login="a")
    TimeEntryFactory(ticket=made, agent=agent, queue="A", units=5000)
    place += by == "ticket" and column == "label"

    upwards = [row[place] for row in table(client, f"by={by}&period=2026-10&sort={column}").texts]
    downwards = [row[place] for row in table(client, f"by={by}&period=2026-10&sort=-{column}").texts]

    assert upwards == downwards[::-1] == sorted(upwards, key=in_order)


def in_order(text: str) -> tuple[Decimal, str]:
    """Numbers by size, names without regard to case."""
    number = text.replace(",", "")
    return (Decimal(number), "") if number.isdigit() else (Decimal(0), text.casefold())


def test_tickets_are_sorted_and_cut_by_the_database(world: World, client: Client) -> None:
    for number in range(60):
        ticket_of(world.customer, 10, number=f"{number:03}")

    pages = [table(client, f"by=ticket&period=2026-10&sort=-key&page={nr}") for nr in (1, 2, 3)]

    numbers = [row[0] for found in pages for row in found.texts]
    assert [len(found.rows) for found in pages] == [25, 25, 14]
    assert [number for number in numbers if len(number) == 3] == [f"{number:03}" for number in reversed(range(60))]
    assert {dict(zip_head(found))["Entries"] for found in pages} == {"64"}


def test_tickets_are_compared_with_the_month_before(world: World, client: Client) -> None:
    book(world.ticket, "0.25", at="2026-09-30 10:00:00")

    found = table(client, f"by=ticket&period=2026-10&ticket={world.ticket.number}")

    assert found.texts[0][-2:] == ["0.25", "+29.75"]
    assert found.totals[-2:] == ["0.25", "+29.75"]


def test_ticket_of_two_systems_is_told_apart(world: World, client: Client) -> None:
    twin = TicketFactory(system=TicketSystemFactory(name="Second"), number=world.ticket.number)
    book(twin, 11)

    found = table(client, "by=ticket&period=2026-10&sort=minutes")

    assert [row[2] for row in found.texts][:2] == ["Second", "Helpdesk"]
    assert [total_of_rows(client, row[4].links[0]) for row in found.rows[:2]] == [("1", "11"), ("1", "30")]


def test_gone_entries_do_not_count(world: World, client: Client) -> None:
    TimeEntry.objects.filter(ticket=world.ticket).update(gone_at=NOW)

    assert dict(zip_head(table(client, "by=queue&period=2026-10")))["Minutes"] == "15,871"


def test_heading_names_period_and_zone(world: World, client: Client) -> None:
    html = page(client, "by=agent&from=2026-10-01&to=15.10.2026")

    assert "<h1>Time by agent: 2026-10-01 to 2026-10-15 (Europe/Berlin)</h1>" in html


def test_age_of_complete_data_is_told(world: World, client: Client) -> None:
    html = page(client, "by=agent&period=2026-10")

    assert "As of" in html
    assert "The numbers may still change." not in html


def test_missing_readings_are_told(world: World, client: Client) -> None:
    SyncRun.objects.update(complete=False)

    html = page(client, "by=agent&period=2026-10")

    assert "The numbers may still change." in html
    assert "“Helpdesk” could not be read completely for 2026-10." in html


def test_report_without_rows_says_why(world: World, client: Client) -> None:
    read_completely(world.system)
    Ticket.objects.update(state="open")

    assert "No time was booked in January 2026." not in page(client, "period=2026-01")
    assert "The time of January 2026 was not yet read from any ticket system." in page(client, "period=2026-01")
    assert "In October 2026 no time passes the filters." in page(client, "period=2026-10&standing=blocked")


def test_month_that_was_read_and_is_empty_says_so(world: World, client: Client) -> None:
    SyncRun.objects.update(month="2026-08-01")

    assert "No time was booked in August 2026." in page(client, "period=2026-08")


def test_person_without_customers_is_told_so(world: World) -> None:
    Customer.objects.get(pk=world.customer.pk).account_managers.clear()

    for path in ("", "entries/", "pivot/"):
        html = world.clients["manager"].get(f"/reports/{path}?period=2026-10").content.decode()
        assert "No customers are assigned to you" in html, path


@pytest.mark.parametrize("by", ["agent", "customer", "queue", "ticket"])
def test_manager_sees_the_sums_of_own_customers_only(world: World, by: str) -> None:
    found = table(world.clients["manager"], f"by={by}&period=2026-10")

    assert dict(zip_head(found))["Minutes"] == "75"
    assert sum(Decimal(row[[cell.text for cell in found.head].index("Minutes")]) for row in found.texts) == 75


@pytest.mark.parametrize("by", ["agent", "customer", "queue", "ticket"])
def test_query_count_does_not_depend_on_the_number_of_rows(
    world: World, client: Client, django_assert_num_queries: DjangoAssertNumQueries, by: str
) -> None:
    month = {"one": ("2026-08-05 10:00:00", 1), "thirty": ("2026-06-05 10:00:00", 30)}
    for at, count in month.values():
        for number in range(count):
            customer = CustomerFactory(system=world.system)
            ticket = ticket_of(customer, closed=None)
            TimeEntryFactory(ticket=ticket, queue=f"Queue {number}", booked_local=at)

    for period in ("2026-08", "2026-06"):
        with django_assert_num_queries(QUERIES[by]):
            client.get(f"/reports/?by={by}&period={period}")


# Queues need no names; tickets are counted, cut, summed up, and looked up in the month before.
QUERIES = {"agent": 23, "customer": 23, "queue": 22, "ticket": 30}


def test_comparison_with_a_month_that_was_not_read_says_so(world: World, client: Client) -> None:
    unread = client.get("/reports/?by=agent&period=2026-10").content.decode()
    read_completely(world.system, Month(2026, 9))

    assert "September 2026 was not read in full, so its minutes and the difference may be wrong." in unread
    assert "was not read in full" not in client.get("/reports/?by=agent&period=2026-10").content.decode()


def test_number_column_has_no_total_in_a_table_that_is_no_report() -> None:
    assert CountColumn().render_footer(SimpleNamespace(name="entries"), LeftOutTable([])) == ""
