"""A note, a new ticket and what an order asked for, in a browser; the ticket system is the stand-in."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import expect

from billing.issuing import issue_orders
from billing.models import Agreement, Order
from billing.orders import approve_orders
from billing.runs import run_billing, start_run
from common.months import Month
from generic_interface.simulator.server import RunningSimulator
from tests.pages.browser.conftest import OpenPage
from tickets.models import Ticket, TicketSystem

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.usefixtures("tasks_at_once")]


@pytest.fixture
def order(system: TicketSystem, month: Month) -> Order:
    """Issued; its notes and its signed mail wait. The stand-in holds no key."""
    run_billing(start_run(month=month, now=timezone.now()))
    drafts = Order.objects.filter(customer__customer_id="10001")
    agreement = Agreement.objects.get(is_default=True)
    agreement.pk, agreement.is_default, agreement.customer = None, False, drafts[0].customer
    agreement.note_on_issue = agreement.mail_statement = True
    agreement.statement_to, agreement.statement_queue, agreement.message_language = "a@kunde.test", "Support", "en"
    agreement.statement_sign, agreement.statement_sign_key = "smime", "3b630c80"
    agreement.save()
    drafts.update(agreement=agreement)
    approve_orders(drafts, user=None, now=timezone.now())
    return issue_orders(Order.objects.filter(state="approved"), user=None, now=timezone.now())[0]


def test_note_is_written_though_the_button_is_pressed_twice(
    open_page: OpenPage, order: Order, simulator: RunningSimulator
) -> None:
    ticket = Ticket.objects.filter(customer=order.customer)[0]
    page = open_page()
    page.goto(ticket.get_absolute_url())
    page.get_by_role("link", name="Add a note").click()
    page.get_by_label("Subject").fill("Called back")
    page.get_by_label("Text").fill("She wants it on Monday.")

    page.get_by_role("button", name="Write it into the ticket system").dblclick()

    expect(page.get_by_role("heading", name="Called back")).to_be_visible()
    page.reload()
    expect(page.locator(".state").filter(has_text="written")).to_be_visible()
    articles = simulator.system.data.ticket(str(ticket.ticket_id)).articles  # type: ignore[attr-defined]
    assert [article.subject for article in articles].count("Called back") == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_order_says_what_is_known_and_axe_finds_nothing(open_page: OpenPage, order: Order, scheme: str) -> None:
    page = open_page(scheme=scheme)
    page.goto(order.get_absolute_url())
    expect(page.get_by_role("heading", name="In the ticket system")).to_be_visible()
    found, wide = {}, []

    page.goto("/tickets/new/")
    page.get_by_label("Customer").select_option(str(order.customer_id))
    page.get_by_role("button", name="Go on").click()
    form = page.url
    page.get_by_label("Subject").fill("New printer")
    page.get_by_label("Text").fill("For the second floor.")
    page.get_by_role("button", name="Write it into the ticket system").click()
    expect(page.get_by_role("heading", name="New printer")).to_be_visible()
    for path in (order.get_absolute_url(), form, page.url):
        page.set_viewport_size({"width": 1280, "height": 800})
        page.goto(path)
        found[path] = [violation["id"] for violation in Axe().run(page).response["violations"]]
        page.set_viewport_size({"width": 360, "height": 800})
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            wide.append(path)

    page.goto(order.get_absolute_url())
    expect(page.get_by_text("stored, but not mailed")).to_be_visible()
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    assert ({path: ids for path, ids in found.items() if ids}, wide) == ({}, [])
