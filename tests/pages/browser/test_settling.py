"""Settling discrepancies in a real browser: by mouse and keyboard, axe, narrow."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Page, expect

from billing.issuing import issue_orders
from billing.models import Allocation, Order
from billing.orders import approve_orders
from billing.runs import run_billing, start_run
from billing.settlement_models import Settlement
from common.months import Month
from tests.pages.browser.conftest import OpenPage
from tests.pages.browser.test_browser import open_everything
from tickets.models import TicketSystem, TimeEntry

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PAGE = "/orders/discrepancies/"


@pytest.fixture
def inbox(system: TicketSystem, month: Month) -> None:
    """An issued month of which three entries have vanished."""
    run_billing(start_run(month=month, now=timezone.now()))
    approve_orders(Order.objects.all(), user=None, now=timezone.now())
    issue_orders(Order.objects.all(), user=None, now=timezone.now())
    held = Allocation.objects.filter(minutes__gt=0).order_by("pk")
    TimeEntry.objects.filter(pk__in=list(held.values_list("entry", flat=True)[:3])).update(gone_at=timezone.now())


def choose_first(page: Page) -> None:
    page.goto(PAGE)
    page.locator("input[name=discrepancy]").first.check()
    page.get_by_label("What to do").select_option("accept")
    page.get_by_label("Reason").fill("Agreed on the phone.")
    page.get_by_role("button", name="Show what will happen").click()


def test_one_discrepancy_is_settled_and_taken_back(open_page: OpenPage, inbox: None) -> None:
    page = open_page()
    choose_first(page)
    expect(page.get_by_text("Nothing is billed or given back")).to_be_visible()

    page.get_by_role("button", name="Settle 1 discrepancy").click()

    expect(page.get_by_text("1 discrepancy settled.")).to_be_visible()
    assert Settlement.objects.get().reason == "Agreed on the phone."
    expect(page.locator("input[name=discrepancy]")).to_have_count(2)
    page.goto(f"{PAGE}?shown=settled")
    page.get_by_role("link", name="Take it back").click()
    page.get_by_label("Reason").fill("A mistake.")
    page.get_by_role("button", name="Take the settlement back").click()
    expect(page.locator("input[name=discrepancy]")).to_have_count(3)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_pages_are_accessible_and_do_not_scroll_sideways(
    open_page: OpenPage, inbox: None, width: int, scheme: str
) -> None:
    page, axe, found = open_page(width=width, scheme=scheme), Axe(), dict[str, list[str]]()

    def look(name: str) -> None:
        open_everything(page)
        found[name] = [violation["id"] for violation in axe.run(page).response["violations"]]
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            found[name].append("wide")
        page.keyboard.press("Escape")

    page.goto(PAGE)
    look("inbox")
    choose_first(page)
    look("confirmation")
    page.get_by_role("button", name="Settle 1 discrepancy").click()
    page.goto(f"{PAGE}?shown=settled")
    look("settled")
    page.get_by_role("link", name="Take it back").click()
    look("take back")

    assert {name: faults for name, faults in found.items() if faults} == {}
