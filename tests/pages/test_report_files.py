"""Reports, entries and pivots as files: the columns of the page, real numbers, nothing that computes."""

import csv
import io

import pytest
from django.test import Client

from tests.billing.scenes import book, ticket_of
from tests.factories.tickets import CustomerFactory, TicketSystemFactory
from tests.pages.test_access import text_of
from tests.pages.world import HOSTILE, World
from tickets.models import Agent, Customer, TimeEntry


@pytest.fixture
def client(world: World) -> Client:
    return world.clients["billing"]


def rows(client: Client, path: str, delimiter: str = ",") -> list[list[str]]:
    response = client.get(f"/reports/{path}")
    assert response.status_code == 200
    return list(csv.reader(io.StringIO(response.content.decode("utf-8-sig")), delimiter=delimiter))


def test_report_holds_minutes_and_hours_whatever_the_page_shows(world: World, client: Client) -> None:
    book(world.ticket, 12, at="2026-09-30 10:00:00")

    found = rows(client, "?by=customer&period=2026-10&unit=hhmm&export=csv")

    assert found == [
        [
            "Customer",
            "CustomerID",
            "Entries",
            "Minutes",
            "Hours",
            "Billed minutes",
            "Unbilled minutes",
            "Not billable minutes",
            "Blocked minutes",
            "Minutes of the period before",
            "Difference in minutes",
        ],
        ["Zebra GmbH", "Zebra-ID", "2", "15826", "263.77", "7919", "7907", "0", "0", "0", "15826"],
        ["Königsbau AG", "K1001", "2", "75", "1.25", "30", "45", "0", "0", "12", "63"],
        ["Total", "", "4", "15901", "265.02", "7949", "7952", "0", "0", "12", "15889"],
    ]


@pytest.mark.parametrize(
    ("by", "head"),
    [
        ("agent", ["Agent", "Login", "Entries"]),
        ("customer", ["Customer", "CustomerID", "Entries"]),
        ("queue", ["Queue", "Entries", "Minutes"]),
        ("ticket", ["Ticket", "Title", "Entries"]),
    ],
)
def test_file_names_its_columns(world: World, client: Client, by: str, head: list[str]) -> None:
    assert rows(client, f"?by={by}&period=2026-10&export=csv")[0][:3] == head


def test_file_names_the_ticket_systems_where_there_are_several(world: World, client: Client) -> None:
    TicketSystemFactory(name="Second")

    found = rows(client, "?by=agent&period=2026-10&export=csv")

    assert {row[2] for row in found[1:-1]} == {"Helpdesk"}


def test_german_file_has_decimal_commas(world: World, client: Client) -> None:
    book(world.ticket, "0.25")

    found = rows(client, f"?by=customer&period=2026-10&customer={world.customer.pk}&export=csv-german", ";")

    assert found[1][3:5] == ["75,25", "1,25"]


def test_report_by_ticket_holds_all_pages_in_the_order_of_the_page(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.reports.lines.CHUNK", 7)
    for number in range(30):
        book(ticket_of(world.customer, 10, number=f"{number:03}"), 1, at="2026-09-30 10:00:00")

    found = rows(client, f"?by=ticket&period=2026-10&customer={world.customer.pk}&sort=-key&page=2&export=csv")

    assert [row[0] for row in found[3:-1]] == [f"{number:03}" for number in reversed(range(30))]
    assert {tuple(row[3:5] + row[-2:]) for row in found[3:-1]} == {("10", "0.17", "1", "9")}
    assert found[-1][:4] == ["Total", "", "32", "375"]


def test_entries_hold_units_minutes_hours_and_the_order_position(world: World, client: Client) -> None:
    found = rows(client, f"entries/?period=2026-10&customer={world.customer.pk}&unit=hours&export=csv")

    assert found[0][6:] == ["Time units", "Minutes", "Hours", "Billing", "Order position"]
    assert [row[6:] for row in found[1:]] == [
        ["30", "30", "0.50", "billed", f"{world.order.number}/1"],
        ["45", "45", "0.75", "unbilled", ""],
        ["", "75", "1.25", "", ""],
    ]


def test_pivot_names_days_and_months_in_iso_form(world: World, client: Client) -> None:
    days = rows(client, "pivot/?kind=agent_day&period=2026-10-04..2026-10-06&export=csv")
    months = rows(client, "pivot/?kind=customer_month&period=2026-10&export=csv")

    assert days[0] == ["Agent", "Login", "2026-10-04", "2026-10-05", "2026-10-06", "Total"]
    assert ["Zebra agent", "Zebra.agent", "", "15826", "", "15826"] in days
    assert months == [
        ["Customer", "CustomerID", "2026-10", "Total"],
        ["Königsbau AG", "K1001", "75", "75"],
        ["Zebra GmbH", "Zebra-ID", "15826", "15826"],
        ["Total", "", "15901", "15901"],
    ]


def test_numbers_of_a_sheet_are_numbers(world: World, client: Client) -> None:
    sheet = text_of(client.get("/reports/?by=customer&period=2026-10&export=xlsx").content)

    assert "<v>15826</v>" in sheet
    assert "<v>263.77</v>" in sheet


def test_names_do_not_compute(world: World, client: Client) -> None:
    Customer.objects.update(name=HOSTILE)
    Agent.objects.update(name=HOSTILE)
    TimeEntry.objects.update(queue=HOSTILE)
    paths = [f"?by={by}" for by in ("agent", "customer", "queue")] + ["entries/?by=x", "pivot/?kind=queue_agent"]

    for path in paths:
        cells = [cell for row in rows(client, f"{path}&period=2026-10&export=csv") for cell in row]

        assert f"'{HOSTILE}" in cells, path
        assert [cell for cell in cells if cell.startswith("=")] == [], path


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("?by=agent&period=2026-10", "time_agent_2026-10.csv"),
        ("?period=2026-09-01..2026-10-15&by=ticket", "time_ticket_2026-09-01_2026-10-15.csv"),
        ("entries/?period=2026-Q4", "time-entries_2026-Q4.csv"),
        ("pivot/?kind=queue_agent&period=all", "time_queue_agent_all.csv"),
        ("mine/?period=2026-10", "my-month_2026-10.csv"),
    ],
)
def test_file_is_named_after_what_it_holds(world: World, client: Client, path: str, name: str) -> None:
    response = client.get(f"/reports/{path}&export=csv")

    assert response["Content-Disposition"] == f'attachment; filename="{name}"'


def test_unknown_kind_of_file_is_a_bad_request(world: World, client: Client) -> None:
    for path in ("", "entries/", "pivot/", "mine/"):
        response = client.get(f"/reports/{path}?export=pdf")

        assert response.status_code == 400, path
        assert "choose csv, csv-german or xlsx" in response.content.decode(), path


def test_pivot_that_would_be_too_wide_is_no_file(world: World, client: Client) -> None:
    response = client.get("/reports/pivot/?kind=agent_day&period=2026&export=csv")

    assert response.status_code == 400
    assert "A table by day shows up to 62 days; these are 365." in response.content.decode()


def test_manager_gets_files_of_own_customers_only(world: World) -> None:
    CustomerFactory(system=world.system)
    client = world.clients["manager"]

    report = rows(client, "?by=ticket&period=2026-10&export=csv")
    entries = rows(client, "entries/?period=2026-10&export=csv")

    assert (report[-1][3], entries[-1][7]) == ("75", "75")
