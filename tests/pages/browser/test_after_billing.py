"""Pages that show what has changed after billing, and that change the units: axe, narrow, dark, by mouse."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Page, expect

from billing.models import Allocation, Order
from billing.orders import approve_orders
from billing.runs import run_billing, start_run
from common.months import Month
from tests.pages.browser.conftest import OpenPage
from tests.pages.browser.test_browser import open_everything
from tickets.models import Customer, Ticket, TicketSystem, TimeEntry

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def changed(system: TicketSystem, month: Month) -> Order:
    """An approved month of which a part has vanished and a ticket has changed hands; returns one such order."""
    run_billing(start_run(month=month, now=timezone.now()))
    approve_orders(Order.objects.all(), user=None, now=timezone.now())
    held = Allocation.objects.order_by("pk")
    TimeEntry.objects.filter(pk__in=held.values("entry")[:30]).update(gone_at=timezone.now())
    moved, order = held[40].entry.ticket, held[40].position.order
    Ticket.objects.filter(pk=moved.pk).update(customer=Customer.objects.exclude(pk=order.customer_id)[0])
    return order


def look(page: Page, system: TicketSystem) -> None:
    page.goto(f"/set-up/units/{system.pk}/")
    page.get_by_label("Minutes per time unit from now on").fill("6")
    page.get_by_role("button", name="Show what would change").click()


def paths(order: Order, system: TicketSystem) -> list[str]:
    return [
        "/",
        "/orders/discrepancies/",
        "/orders/discrepancies/?period=2020-01",
        f"/orders/discrepancies/?order={order.pk}",
        order.get_absolute_url(),
        f"/set-up/units/{system.pk}/",
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(open_page: OpenPage, changed: Order, system: TicketSystem, scheme: str) -> None:
    page = open_page(scheme=scheme)
    axe, found = Axe(), {}

    for path in paths(changed, system):
        page.goto(path)
        open_everything(page)
        found[path] = [violation["id"] for violation in axe.run(page).response["violations"]]
    look(page, system)
    found["preview"] = [violation["id"] for violation in axe.run(page).response["violations"]]

    assert {path: violations for path, violations in found.items() if violations} == {}


@pytest.mark.parametrize("width", [360, 1280])
def test_no_page_scrolls_sideways(open_page: OpenPage, changed: Order, system: TicketSystem, width: int) -> None:
    page = open_page(width=width)
    wide = []

    for path in paths(changed, system):
        page.goto(path)
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            wide.append(path)
    look(page, system)

    assert wide == []
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_reload_after_the_conversion_converts_nothing_again(
    open_page: OpenPage, changed: Order, system: TicketSystem
) -> None:
    page = open_page()
    look(page, system)
    page.get_by_role("button", name="Count anew").click()
    expect(page.get_by_text("6 min per time unit from now on")).to_be_visible()

    page.reload()

    expect(page.get_by_text("Helpdesk: 6 min per time unit")).to_be_visible()
    expect(page.get_by_text("from now on;")).to_have_count(0)
    system.refresh_from_db()
    assert system.minutes_per_unit == 6
