"""The page of charts: pictures, their figures, and where both lead to."""

import re

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.billing.scenes import book, ticket_of
from tests.factories.tickets import AgentFactory, CustomerFactory, TimeEntryFactory
from tests.pages.pages import inline_parts
from tests.pages.world import HOSTILE, World

KEYS = ["month", "queue", "customer", "age"]


@pytest.fixture
def client(world: World) -> Client:
    return world.clients["billing"]


def page(client: Client, query: str = "") -> str:
    response = client.get(f"/reports/charts/{query}")
    assert response.status_code == 200
    return response.content.decode()


def charts(html: str) -> dict[str, str]:
    """The part of the page that holds each chart, by its key."""
    parts = re.split(r'<section class="panel chart" aria-labelledby="chart-(\w+)">', html)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def figures(part: str) -> list[list[str]]:
    """The rows of a chart's table."""
    rows = re.findall(r"<tr>(.*?)</tr>", part, re.DOTALL)
    return [
        [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL)]
        for row in rows
    ]


def test_page_holds_four_charts_each_with_its_figures(client: Client) -> None:
    found = charts(page(client, "?period=2026-10&unit=minutes"))

    assert list(found) == KEYS
    for key, part in found.items():
        assert f'aria-labelledby="chart-{key}-title chart-{key}-desc"' in part
        assert part.count('role="img"') == part.count("<table") == 1
    assert figures(found["month"])[-2:] == [
        ["October 2026", "7,949", "7,952", "0", "0", "15,901"],
        ["Total", "7,949", "7,952", "0", "0", "15,901"],
    ]
    assert figures(found["customer"]) == [
        ["Customer", "minutes"],
        ["Zebra GmbH (Zebra-ID)", "15,826"],
        ["Königsbau AG (K1001)", "75"],
        ["Total", "15,901"],
    ]


def test_hours_are_shown_where_no_unit_is_chosen(client: Client) -> None:
    html = page(client)

    assert figures(charts(html)["customer"])[1:3] == [
        ["Zebra GmbH (Zebra-ID)", "263:46"],
        ["Königsbau AG (K1001)", "1:15"],
    ]
    assert re.search(r'<a href="[^"]*unit=hhmm[^"]*" aria-current="true">Hours', html)


def test_bar_and_figure_lead_to_the_same_entries(world: World, client: Client) -> None:
    part = charts(page(client, "?period=2026-10&unit=minutes"))["customer"]

    links = re.findall(r'<a href="([^"]+)"', part)
    own = next(link for link in links if f"customer={world.customer.pk}" in link).replace("&amp;", "&")
    entries = client.get(own).content.decode()

    assert len(links) == 2 * len(set(links)) == 4
    assert "2 rows" in entries
    assert world.ticket.number in entries


def test_picture_has_no_stop_of_the_keyboard(client: Client) -> None:
    html = page(client)

    overlays = re.findall(r'<svg class="chart-links"(.*?)</svg>', html, re.DOTALL)
    assert len(overlays) == 4
    assert all('aria-hidden="true"' in overlay for overlay in overlays)
    links = re.findall(r"<a [^>]*>", "".join(overlays))
    assert links
    assert all('tabindex="-1"' in link for link in links)


def test_filters_narrow_the_charts(world: World, client: Client) -> None:
    found = charts(page(client, f"?period=2026-10&unit=minutes&customer={world.customer.pk}"))

    assert figures(found["customer"])[-1] == ["Total", "75"]
    assert figures(found["age"])[-1] == ["Total", "45"]


def test_names_from_the_ticket_system_stay_text(world: World, client: Client) -> None:
    TimeEntryFactory(ticket=world.ticket, queue=HOSTILE)
    world.customer.name = f"{HOSTILE} AG"
    world.customer.save()

    html = page(client, "?period=2026-10")

    assert "<svg onload" not in html
    assert "&lt;svg onload=alert(1)&gt;" in charts(html)["queue"]
    assert "&lt;svg onload=alert(1)&gt;" in charts(html)["customer"]
    assert inline_parts(html) == []


def test_filter_that_cannot_be_read_shows_no_chart_and_says_why(client: Client) -> None:
    html = page(client, "?period=2026-10&customer=999999")

    assert charts(html) == {}
    assert "This is none of those that you may choose. Nothing is shown." in html


def test_period_that_cannot_be_read_says_so_and_shows_the_previous_month(client: Client) -> None:
    html = page(client, "?period=soon")

    assert "“soon” is not a period." in html
    assert "The 12 months up to October 2026" in html


def test_month_without_time_says_so_in_each_chart(client: Client) -> None:
    found = charts(page(client, "?period=2024-05"))

    empty = {key for key, part in found.items() if "There is no time to show." in part}
    assert empty == {"month", "queue", "customer"}


def test_months_that_were_never_read_are_marked(client: Client) -> None:
    part = charts(page(client, "?period=2026-10&unit=minutes"))["month"]

    rows = [label for label, *_minutes in figures(part)[1:-1]]
    assert "September 2026 (never read)" in rows
    assert "October 2026" in rows
    assert "* Never read from at least one ticket system: 2025-11 to 2026-09." in part


def test_manager_sees_the_own_customers_only(world: World) -> None:
    html = page(world.clients["manager"], "?period=2026-10&unit=minutes")

    assert figures(charts(html)["customer"])[1:] == [["Königsbau AG (K1001)", "75"], ["Total", "75"]]


def test_foreign_customer_in_the_address_is_not_there(world: World) -> None:
    html = page(world.clients["manager"], f"?period=2026-10&customer={world.foreign.pk}")

    assert charts(html) == {}


def test_whoever_has_no_customers_is_told_so(world: World) -> None:
    world.customer.account_managers.clear()

    html = page(world.clients["manager"])

    assert charts(html) == {}
    assert "No customers are assigned to you" in html


def test_query_count_does_not_depend_on_what_is_shown(
    world: World, client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(QUERIES):
        page(client, "?period=2026-10")
    for number in range(12):
        ticket = ticket_of(CustomerFactory(system=world.system), number, closed=None)
        book(ticket, 5, at=f"2026-{number % 9 + 1:02}-03 10:00:00")
        TimeEntryFactory(ticket=ticket, queue=f"Q{number}", agent=AgentFactory(system=world.system))

    with django_assert_num_queries(QUERIES):
        page(client, "?period=2026-10")


# seven for the charts; session, rights, choices of the filters, state of the data, saved views and frame of the page
QUERIES = 22
