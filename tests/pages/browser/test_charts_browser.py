"""What only a browser can tell of the charts and the data quality page: contrast, width, where a bar leads to."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Page, expect

from billing.models import BillingRun
from billing.runs import run_billing, start_run
from common.months import Month
from tests.pages.browser.conftest import OpenPage
from tickets.models import TicketSystem

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def billed(system: TicketSystem, month: Month) -> BillingRun:
    return run_billing(start_run(month=month, now=timezone.now()))


def paths(month: Month) -> list[str]:
    return [
        f"/reports/charts/?period={month}",
        "/reports/charts/?period=all&unit=minutes",
        f"/tickets/quality/?period={month}",
        "/tickets/quality/bulk-closed/?period=all",
        "/tickets/quality/unnamed-customers/?period=all",
        "/tickets/quality/zero-entries/?period=2020-01",
    ]


def open_everything(page: Page) -> None:
    page.evaluate("document.querySelectorAll('main details').forEach((part) => { part.open = true })")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(open_page: OpenPage, billed: BillingRun, month: Month, scheme: str) -> None:
    page = open_page(scheme=scheme)
    axe, found = Axe(), {}

    for path in paths(month):
        page.goto(path)
        open_everything(page)
        found[path] = [violation["id"] for violation in axe.run(page).response["violations"]]

    assert {path: violations for path, violations in found.items() if violations} == {}


@pytest.mark.parametrize("language", ["de-DE", "en-GB"])
@pytest.mark.parametrize("width", [360, 1280])
def test_no_page_scrolls_sideways(
    open_page: OpenPage, billed: BillingRun, month: Month, width: int, language: str
) -> None:
    page = open_page(width=width, language=language)
    wide = []

    for path in paths(month):
        page.goto(path)
        open_everything(page)
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            wide.append(path)

    assert wide == []


def test_bar_leads_to_its_entries(open_page: OpenPage, billed: BillingRun, month: Month) -> None:
    page = open_page()
    page.goto(f"/reports/charts/?period={month}")

    bar = page.locator("section", has=page.get_by_role("heading", name="Time by queue")).locator(".chart-target").first
    said = bar.locator("title").text_content() or ""
    bar.click()

    expect(page).to_have_url(re.compile(r"/reports/entries/\?.*queue="))
    assert said.split(":")[0] in page.locator("tbody").inner_text()


def test_charts_take_no_stop_of_the_keyboard(open_page: OpenPage, billed: BillingRun, month: Month) -> None:
    page = open_page()
    page.goto(f"/reports/charts/?period={month}")
    page.locator(".chart summary").first.focus()

    page.keyboard.press("Tab")

    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"


@pytest.mark.parametrize("width", [360, 1280])
def test_words_of_a_chart_can_be_read(open_page: OpenPage, billed: BillingRun, month: Month, width: int) -> None:
    page = open_page(width=width)
    page.goto(f"/reports/charts/?period={month}")

    heights = page.locator(".chart-word").evaluate_all(
        "words => words.map(word => word.getBoundingClientRect().height)"
    )
    sizes = page.locator(".chart-picture").evaluate_all(
        "charts => charts.map(chart => [chart.getBoundingClientRect().width, chart.viewBox.baseVal.width])"
    )

    assert min(heights) >= 10
    assert all(width <= drawn * 1.25 for width, drawn in sizes)
