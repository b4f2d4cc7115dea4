"""The pages about kivitendo in a real browser: axe, narrow, dark, and the way from reading to the look."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import expect
from pytest_django import Settings

from billing.issuing import issue_orders
from billing.kivitendo_copy import refresh_copy
from billing.models import Export, Order
from billing.orders import approve_orders
from billing.runs import run_billing, start_run
from common.months import Month
from tests.billing.fake_kivitendo import FakeKivitendo, contact, customer, installed
from tests.pages.browser.conftest import OpenPage
from tests.pages.browser.test_browser import open_everything

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PATHS = ["/orders/kivitendo/", "/orders/kivitendo/orders/", "/orders/kivitendo/?q=nothing-of-that"]


@pytest.fixture
def erp(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> FakeKivitendo:
    return installed(settings, monkeypatch)


@pytest.fixture
def order(system: object, month: Month, erp: FakeKivitendo) -> Order:
    """A month of drafts. kivitendo has each customer in another way, and one order too often."""
    run_billing(start_run(month=month, now=timezone.now()))
    numbers = sorted(Order.objects.values_list("erp_customer_number", flat=True))
    erp.customers = [customer(place, number, name="Müller & Söhne") for place, number in enumerate(numbers)]
    erp.customers += [customer(100, numbers[0], name="Müller & Söhne, Zweigstelle"), customer(101, "NUR-DORT")]
    erp.customers[1] = customer(1, numbers[1], obsolete=True)
    erp.customers[2] = customer(2, numbers[2], locked=True)
    erp.customers[3] = customer(3, numbers[3].lower() + " ")
    erp.contacts = [contact(1, 0), contact(2, 5)]
    refresh_copy(now=timezone.now())
    order: Order = Order.objects.order_by("number")[0]
    return order


def hand_over(erp: FakeKivitendo) -> None:
    """Every order marked as exported, as the page would do it with a kivitendo that knows all of them."""
    now = timezone.now()
    approve_orders(Order.objects.all(), user=None, now=now)
    issue_orders(Order.objects.all(), user=None, now=now)
    Order.objects.update(state=Order.State.EXPORTED)
    for place, order in enumerate(Order.objects.order_by("number")):
        if place != 1:
            erp.has(order.number, str(order.net_amount + (place == 2)), of=order.erp_customer_number)
        if place == 0:
            erp.has(order.number, str(order.net_amount), of=order.erp_customer_number)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_pages_are_accessible_and_fit(
    open_page: OpenPage, order: Order, erp: FakeKivitendo, month: Month, scheme: str, width: int
) -> None:
    page = open_page(scheme=scheme, width=width)
    axe, found, wide = Axe(), {}, []

    def visit(path: str) -> None:
        page.goto(path)
        open_everything(page)
        found[path] = [violation["id"] for violation in axe.run(page).response["violations"]]
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            wide.append(path)

    visit(f"/orders/?period={month}")
    hand_over(erp)
    page.goto("/orders/kivitendo/")
    page.get_by_role("button", name="Look for the orders in kivitendo").click()
    for path in [*PATHS, order.get_absolute_url()]:
        visit(path)

    assert {path: violations for path, violations in found.items() if violations} == {}
    assert wide == []


def test_way_from_the_refusal_to_the_file(open_page: OpenPage, order: Order, erp: FakeKivitendo, month: Month) -> None:
    approve_orders(Order.objects.all(), user=None, now=timezone.now())
    issue_orders(Order.objects.all(), user=None, now=timezone.now())
    page = open_page()
    page.goto(f"/orders/?period={month}")
    expect(page.get_by_text("so no file is made until this is settled")).to_be_visible()
    page.get_by_role("button", name="kivitendo CSV").click()
    expect(page.get_by_role("alert").get_by_text("No file was written.")).to_be_visible()

    numbers = Order.objects.values_list("erp_customer_number", flat=True)
    erp.customers = [customer(place, number) for place, number in enumerate(numbers)]
    page.get_by_role("link", name="Customers in kivitendo").click()
    page.get_by_role("button", name="Read kivitendo now").click()
    expect(page.get_by_text("kivitendo was read:")).to_be_visible()
    page.goto(f"/orders/?period={month}")
    with page.expect_download():
        page.get_by_role("button", name="kivitendo CSV").click()

    assert Export.objects.count() == 1
