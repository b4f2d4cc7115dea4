"""The time reports in a browser: by mouse, in the dark, on a narrow screen, for axe."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from billing.runs import run_billing, start_run
from common.months import Month
from tests.factories.tickets import CustomerFactory, TicketFactory, TicketSystemFactory, TimeEntryFactory
from tests.pages.browser.conftest import OpenPage
from tickets.models import Agent, TicketSystem, TimeEntry

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def booked(system: TicketSystem, month: Month) -> None:
    """A billed month, a second ticket system, and an agent who is the one that signs in."""
    run_billing(start_run(month=month, now=timezone.now()))
    second = TicketSystemFactory(name="Second ticket system")
    customer = CustomerFactory(system=second, name="A customer with a rather long name GmbH & Co. KG")
    TimeEntryFactory(ticket=TicketFactory(system=second, customer=customer), booked_local=f"{month}-12 10:00:00")
    busiest = TimeEntry.objects.filter(system=system, local_day__gte=month.first_day).values("agent")[:1]
    Agent.objects.filter(pk__in=busiest).update(account=User.objects.get(username="dora"))


def paths(month: Month) -> list[str]:
    return [
        f"/reports/?by=agent&period={month}",
        f"/reports/?by=customer&period={month}&unit=hours",
        f"/reports/?by=ticket&period={month}&unit=hhmm&standing=billed",
        "/reports/?by=queue&from=2026-02-31&to=x&agent=99",
        f"/reports/entries/?period={month}",
        f"/reports/pivot/?kind=agent_day&period={month}",
        f"/reports/pivot/?kind=customer_month&period={month.year}",
        f"/reports/pivot/?kind=queue_agent&period={month}&unit=hours",
        "/reports/pivot/?kind=agent_day&period=2020",
        f"/reports/mine/?period={month}",
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(open_page: OpenPage, booked: None, month: Month, scheme: str) -> None:
    page = open_page(scheme=scheme)
    axe, found = Axe(), {}

    for path in paths(month):
        page.goto(path)
        page.evaluate("document.querySelectorAll('main details').forEach((part) => { part.open = true })")
        found[path] = [violation["id"] for violation in axe.run(page).response["violations"]]

    assert {path: violations for path, violations in found.items() if violations} == {}


@pytest.mark.parametrize("language", ["de-DE", "en-GB"])
@pytest.mark.parametrize("width", [360, 768, 1280])
def test_no_report_scrolls_sideways(open_page: OpenPage, booked: None, month: Month, width: int, language: str) -> None:
    page = open_page(width=width, language=language)
    wide = []

    for path in paths(month):
        page.goto(path)
        page.evaluate("document.querySelectorAll('main details').forEach((part) => { part.open = true })")
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            wide.append(path)

    assert wide == []


def test_number_leads_to_its_rows_by_mouse(open_page: OpenPage, booked: None, month: Month) -> None:
    page = open_page()

    page.get_by_role("link", name="Time", exact=True).click()
    page.get_by_role("navigation", name="Views").get_by_role("link", name="Customer", exact=True).click()
    row = page.get_by_role("row", name=re.compile("^10001"))
    unbilled = row.get_by_role("link").nth(4)
    minutes = unbilled.inner_text()
    unbilled.click()

    expect(page.get_by_role("heading", level=1)).to_contain_text("Time entries")
    expect(page.get_by_role("list", name="Active filters").get_by_role("link", name="Customer: 10001")).to_be_visible()
    expect(page.locator("tfoot")).to_contain_text(minutes)


def test_days_are_chosen_by_typing_and_filters_are_saved(open_page: OpenPage, booked: None, month: Month) -> None:
    page = open_page()
    page.goto(f"/reports/?by=queue&period={month}")

    page.locator(".period summary").click()
    page.get_by_label("From", exact=True).fill(f"1.{month.month}.{month.year}")
    page.get_by_label("To", exact=True).fill(f"{month}-05")
    page.get_by_label("To", exact=True).press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"{month}-01 to {month}-05")
    page.get_by_label("Billing").select_option("billed")
    page.get_by_role("button", name="Filter").click()
    page.locator(".saved > summary").click()
    page.get_by_label("Save what is shown now as").fill("Billed by queue")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("The filter “Billed by queue” is saved.")
    page.locator(".saved > summary").click()
    page.get_by_role("button", name="Open the page with it").click()
    expect(page.get_by_role("status")).to_contain_text("The page now opens with “Billed by queue”.")
    page.get_by_role("link", name="Time", exact=True).click()

    expect(page.get_by_role("heading", level=1)).to_contain_text("Time by queue: ")
    expect(page.get_by_label("Billing")).to_have_value("billed")


@pytest.mark.parametrize("width", [360, 1280])
def test_names_and_header_of_a_pivot_stay_in_sight(open_page: OpenPage, booked: None, month: Month, width: int) -> None:
    page = open_page(width=width)
    page.goto(f"/reports/pivot/?kind=agent_day&period={month}")
    region = page.get_by_role("region", name="Agents by day")
    region.evaluate("region => { region.style.maxHeight = '12rem'; region.scrollTo(400, 80) }")

    edges = region.evaluate("""region => {
        const box = region.getBoundingClientRect(), place = (part) => part.getBoundingClientRect();
        return [
            region.scrollLeft,
            place(region.querySelector("tbody tr:last-child > :first-child")).left - box.left,
            place(region.querySelector("thead th:nth-child(9)")).top - box.top,
            box.bottom - place(region.querySelector("tfoot td:first-child")).bottom,
        ].map(Math.round)
    }""")

    assert edges[0] == 400
    assert all(abs(edge) <= 20 for edge in edges[1:])


def test_menus_of_a_narrow_report_lie_on_the_screen(open_page: OpenPage, booked: None, month: Month) -> None:
    page = open_page(width=360)
    page.goto(f"/reports/?by=agent&period={month}")

    for summary in page.locator("main details.menu > summary").all():
        summary.click()
        assert inside(page), summary.inner_text()
        page.keyboard.press("Escape")


def inside(page: Page) -> bool:
    """Whether the open menu lies between the edges of the screen."""
    edges: list[float] = page.locator("main details[open] > .menu-body").evaluate(
        "body => [body.getBoundingClientRect().left, innerWidth - body.getBoundingClientRect().right]"
    )
    return min(edges) >= 0


@pytest.mark.parametrize("path", ["/reports/", "/reports/entries/", "/tickets/"])
def test_filters_are_folded_away_on_a_narrow_screen_only(open_page: OpenPage, booked: None, path: str) -> None:
    narrow, wide = open_page(width=360), open_page(width=1280)
    for page in (narrow, wide):
        page.goto(path)
    filters, switch = narrow.locator("form.filters"), narrow.get_by_label("Show the filters")

    expect(wide.locator("form.filters")).to_be_visible()
    expect(wide.get_by_label("Show the filters")).to_be_hidden()
    expect(filters).to_be_hidden()
    switch.focus()
    narrow.keyboard.press("Space")
    expect(filters).to_be_visible()
    box = switch.bounding_box()
    assert box is not None
    assert box["height"] >= 24


def test_filter_that_cannot_be_answered_is_not_folded_away(open_page: OpenPage, booked: None) -> None:
    page = open_page(width=360)

    page.goto("/reports/?agent=99999")

    expect(page.locator("form.filters")).to_be_visible()
    expect(page.get_by_text("This is none of those that you may choose.")).to_be_visible()
