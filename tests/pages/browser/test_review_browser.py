"""Changing a line of a draft by mouse, without script, in the dark and on a narrow screen."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Page, expect

from billing.models import Adjustment, Order
from billing.runs import run_billing, start_run
from common.months import Month
from tests.pages.browser.conftest import OpenPage
from tickets.models import TicketSystem

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def order(system: TicketSystem, month: Month) -> Order:
    """The draft with the most lines."""
    run_billing(start_run(month=month, now=timezone.now()))
    return max(Order.objects.all(), key=lambda order: (order.positions.count(), order.pk))


def change_first_line(page: Page, order: Order, **fields: str) -> None:
    page.goto(order.get_absolute_url())
    page.get_by_role("link", name="Change position 1", exact=True).click()
    for label, value in fields.items():
        page.get_by_label(label.replace("_", " ")).fill(value)
    page.get_by_label("Reason").fill("Agreed by phone")


def test_line_is_changed_left_out_and_put_back(open_page: OpenPage, order: Order) -> None:
    page, before = open_page(), order.net_amount

    change_first_line(page, order, Minutes_to_bill="7", Discount_in_percent="10")
    page.get_by_role("button", name="Change the line").click()
    expect(page.get_by_role("status").filter(has_text="The line was changed.")).to_be_visible()
    expect(page.locator("tbody tr").first).to_contain_text("changed, computed")
    page.get_by_text("How was this computed?").first.click()
    expect(page.get_by_text("Changed by dora").first).to_be_visible()
    change_first_line(page, order)
    page.get_by_label("Stands in the order").uncheck()
    page.get_by_role("button", name="Change the line").click()
    expect(page.get_by_role("heading", name="Left out of this order by a person")).to_be_visible()
    page.get_by_role("button", name="Put back").click()
    page.get_by_role("link", name="Change position 1", exact=True).click()
    page.get_by_role("button", name="Undo: minutes to bill").click()
    page.get_by_role("link", name="Change position 1", exact=True).click()
    page.get_by_role("button", name="Undo: discount in percent").click()
    expect(page.get_by_role("status").filter(has_text="Undone")).to_be_visible()

    order.refresh_from_db()
    assert (order.net_amount, Adjustment.objects.count()) == (before, 0)


def test_line_is_changed_and_commented_without_script(open_page: OpenPage, order: Order) -> None:
    page = open_page()
    page.context.route("**/*.js", lambda route: route.fulfill(body="", content_type="text/javascript"))

    change_first_line(page, order, Unit_price="80.5")
    page.get_by_role("button", name="Change the line").click()
    page.get_by_label("Comment").fill("Please look at position 1")
    page.get_by_role("button", name="Add the comment").click()
    page.get_by_label("Ticket number").fill("nothing-like-this")
    page.get_by_role("button", name="Tell me").click()

    expect(page.get_by_text("There is no ticket “nothing-like-this” here")).to_be_visible()
    expect(page.get_by_text("Please look at position 1")).to_be_visible()
    assert Adjustment.objects.get().number == 80.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(open_page: OpenPage, order: Order, scheme: str) -> None:
    page = open_page(scheme=scheme)
    change_first_line(page, order, Minutes_to_bill="7", Discount_in_percent="10", Unit_price="80.5", Text="Mine")
    page.get_by_role("button", name="Change the line").click()
    page.goto(f"{order.get_absolute_url()}?ticket=nothing")
    page.get_by_role("link", name="Change position 2", exact=True).click()
    page.get_by_label("Stands in the order").uncheck()
    page.get_by_label("Reason").fill("Goodwill")
    page.get_by_role("button", name="Change the line").click()
    line = page.get_by_role("link", name="Change position 1", exact=True).get_attribute("href")
    found, wide = {}, []

    for path in (
        order.get_absolute_url(),
        str(line),
        f"{order.get_absolute_url()}?ticket=nothing",
        "/orders/left-out/",
    ):
        page.set_viewport_size({"width": 1280, "height": 800})
        page.goto(path)
        page.evaluate("document.querySelectorAll('main details').forEach((part) => { part.open = true })")
        found[path] = [violation["id"] for violation in Axe().run(page).response["violations"]]
        page.set_viewport_size({"width": 360, "height": 800})
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            wide.append(path)

    assert ({path: ids for path, ids in found.items() if ids}, wide) == ({}, [])
