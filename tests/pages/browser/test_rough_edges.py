"""Double clicks, the back button, sessions that end, names that nobody expects."""

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone
from playwright.sync_api import Page, expect

from billing.models import BillingRun, Order, OrderEvent
from billing.runs import run_billing, start_run
from common.months import Month
from tests.pages.browser.conftest import OpenPage
from tests.pages.world import PASSWORD
from tickets.models import Agent, Customer, Ticket, TicketSystem

pytestmark = [pytest.mark.browser, pytest.mark.slow]
NAMES = {
    "long": "Donaudampfschifffahrtsgesellschaft" * 5 + " GmbH",
    "right to left": "شركة الاختبار \u202eevil\u202c ١٢٣",
    "emoji": "👩‍👩‍👧‍👦" * 20 + " 🏳️‍🌈",
    "zero width": "A\u200b" * 60 + "\u2028\ufeff",
}


@pytest.fixture
def order(system: TicketSystem, month: Month) -> Order:
    """The draft with the most lines."""
    run_billing(start_run(month=month, now=timezone.now()))
    return max(Order.objects.all(), key=lambda order: (order.positions.count(), order.pk))


def sign_in_again(page: Page) -> None:
    page.fill("[name=login]", "dora")
    page.fill("[name=password]", PASSWORD)
    page.click("main form button[type=submit]")


@pytest.mark.parametrize("script", [True, False])
def test_input_is_back_after_the_session_has_ended_in_the_middle(
    open_page: OpenPage, order: Order, script: bool
) -> None:
    page = open_page()
    if not script:
        page.context.route("**/*.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
    page.goto(order.get_absolute_url())
    page.get_by_role("link", name="Change position 1", exact=True).click()
    page.get_by_label("Minutes to bill").fill("7")
    page.get_by_label("Reason").fill("Agreed by phone for an hour")
    Session.objects.all().delete()

    page.get_by_role("button", name="Change the line").click()
    sign_in_again(page)
    expect(page.get_by_role("heading", name="What you had entered")).to_be_visible()
    expect(page.locator(".kept")).to_contain_text("Agreed by phone for an hour")
    if script:
        page.get_by_role("link", name="Back to the form").click()
        expect(page.get_by_text("What you had entered is back in the form.")).to_be_visible()
        expect(page.get_by_label("Reason")).to_have_value("Agreed by phone for an hour")
        page.get_by_role("button", name="Change the line").click()
    else:
        page.get_by_role("button", name="Send it again").click()

    expect(page.get_by_role("status").filter(has_text="The line was changed.")).to_be_visible()
    assert order.adjustments.get().number == 7


def test_form_that_stood_open_over_night_gives_its_input_back(
    open_page: OpenPage, order: Order, complaints: list[str]
) -> None:
    page = open_page()
    page.goto(order.get_absolute_url())
    page.get_by_label("Comment").fill("Written last night")
    page.context.clear_cookies(name="csrftoken")
    other = page.context.new_page()
    other.goto("/preferences/")
    other.close()

    with page.expect_response(lambda response: response.status == 403):
        page.get_by_role("button", name="Add the comment").click()
    expect(page.get_by_role("heading", name="The form has expired")).to_be_visible()
    page.get_by_role("button", name="Send it again").click()

    expect(page.locator("#history")).to_contain_text("Written last night")
    assert complaints.pop().endswith("403 (Forbidden)")


def test_every_button_of_the_main_job_pressed_twice_acts_once(
    open_page: OpenPage, tasks_at_once: None, system: TicketSystem, month: Month
) -> None:
    page, sent = open_page(), []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.goto("/orders/")

    page.get_by_role("button", name="Get closed tickets for previous month").dblclick()
    expect(page.get_by_text("The run is done, from complete data.")).to_be_visible()
    page.goto(Order.objects.latest("pk").get_absolute_url())
    for button in ("Approve this order", "Approve 1 order"):
        page.get_by_role("button", name=button).dblclick()
    expect(page.get_by_role("status").filter(has_text="1 order approved.")).to_be_visible()
    page.goto(Order.objects.latest("pk").get_absolute_url())
    page.get_by_label("Comment").fill("Once")
    page.get_by_role("button", name="Add the comment").dblclick()
    expect(page.locator("#history")).to_contain_text("Once")

    assert len(sent) == 4
    assert BillingRun.objects.count() == 1
    assert OrderEvent.objects.filter(kind=OrderEvent.Kind.APPROVED).count() == 1
    assert OrderEvent.objects.filter(kind=OrderEvent.Kind.COMMENTED).count() == 1


def test_page_that_the_back_button_shows_acts_no_second_time(open_page: OpenPage, order: Order) -> None:
    page = open_page()
    page.goto(order.get_absolute_url())
    page.get_by_role("button", name="Approve this order").click()
    page.get_by_role("button", name="Approve 1 order").click()
    expect(page.get_by_role("status").filter(has_text="1 order approved.")).to_be_visible()

    page.goto(order.get_absolute_url())
    page.get_by_label("Comment").fill("Only once")
    page.get_by_role("button", name="Add the comment").click()
    expect(page.locator("#history")).to_contain_text("Only once")
    page.go_back()
    page.get_by_label("Comment").fill("Only once")
    page.get_by_role("button", name="Add the comment").click()
    expect(page.locator("#history")).to_contain_text("Only once")

    assert OrderEvent.objects.filter(kind=OrderEvent.Kind.APPROVED).count() == 1
    assert OrderEvent.objects.filter(kind=OrderEvent.Kind.COMMENTED).count() == 1


@pytest.mark.parametrize("width", [360, 1280])
def test_names_that_nobody_expects_break_no_page(open_page: OpenPage, order: Order, width: int) -> None:
    page, broken = open_page(width=width), []

    for kind, name in NAMES.items():
        Customer.objects.update(name=name[:200])
        Ticket.objects.update(title=name[:200], queue=name[:200])
        Agent.objects.update(name=name[:200])
        paths = ["/", "/tickets/?period=all", Ticket.objects.latest("pk").get_absolute_url(), "/orders/"]
        paths += [order.get_absolute_url(), f"/search/?q={name[:2]}", "/orders/agreements/", "/reports/?by=agent"]
        for path in [*paths, "/reports/?by=customer"]:
            page.goto(path)
            if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
                broken.append((kind, path))

    assert broken == []


def test_name_that_runs_the_other_way_leaves_what_stands_beside_it_in_place(open_page: OpenPage, order: Order) -> None:
    Customer.objects.update(name="\u202eABC")
    page = open_page()
    page.goto("/search/?q=ABC")

    isolated = page.locator("main .hits bdi").evaluate_all("all => all.map(each => getComputedStyle(each).unicodeBidi)")

    assert isolated
    assert set(isolated) == {"isolate"}
