"""The main job by mouse, and what only a browser can tell: script, policy, contrast, width."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Page, expect

from billing.models import BillingRun, Order
from billing.runs import run_billing, start_run
from common.jobs import Job
from common.months import Month
from tests.pages.browser.conftest import OpenPage
from tickets.models import Ticket, TicketSystem

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def billed(system: TicketSystem, month: Month) -> BillingRun:
    return run_billing(start_run(month=month, now=timezone.now()))


def paths(month: Month) -> list[str]:
    """Every page with something on it."""
    ticket, order, run = Ticket.objects.latest("pk"), Order.objects.latest("pk"), BillingRun.objects.get()
    return [
        "/",
        f"/tickets/?period={month}",
        "/tickets/?period=all&q=nothing-like-this",
        "/tickets/?period=soon",
        ticket.get_absolute_url(),
        "/orders/",
        order.get_absolute_url(),
        "/orders/left-out/",
        "/orders/runs/",
        run.get_absolute_url(),
        "/api-tokens/",
        "/audit/",
        "/accounts/password/change/",
        "/accounts/logout/",
    ]


def test_button_leads_to_the_run_to_the_orders_to_approval_and_file(
    open_page: OpenPage, tasks_at_once: None, month: Month
) -> None:
    page = open_page()

    page.get_by_role("link", name="Orders", exact=True).click()
    page.get_by_role("button", name="Get closed tickets for previous month").click()
    expect(page.get_by_text("The run is done, from complete data.")).to_be_visible()
    page.get_by_role("link", name="To the orders").click()
    page.get_by_role("link", name=re.compile("^TK-")).first.click()
    page.get_by_text("How was this computed?").first.click()
    expect(page.get_by_text("Unit price:").first).to_be_visible()
    page.get_by_role("navigation", name="Where you are").get_by_role("link", name="Orders").click()
    page.get_by_label("All on this page").check()
    expect(page.locator("[data-selected-count]")).to_have_text("8")
    chosen = page.locator("[data-selected-sum]").inner_text()
    page.get_by_role("button", name="Approve the chosen ones").click()
    expect(page.locator("main")).to_contain_text("8")
    page.get_by_role("button", name="Approve 8 orders").click()
    expect(page.get_by_role("status").filter(has_text="8 orders approved.")).to_be_visible()
    page.get_by_label("All on this page").check()
    page.get_by_role("button", name="Issue the chosen ones").click()
    page.get_by_role("button", name="Issue 8 orders").click()
    expect(page.get_by_role("status").filter(has_text="8 orders issued:")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="kivitendo CSV").click()

    assert re.fullmatch(r"[\d,]+\.\d\d EUR", chosen)
    assert download.value.suggested_filename == f"kivitendo-{month}.csv"
    assert set(Order.objects.values_list("state", flat=True)) == {"exported"}


MOST_CLICKS = 12
COUNT_CLICKS = (
    "addEventListener('click', () => { sessionStorage.clicks = Number(sessionStorage.clicks ?? 0) + 1 }, true)"
)


def test_order_is_issued_and_handed_over_within_twelve_clicks_from_the_start_page(
    open_page: OpenPage, tasks_at_once: None, month: Month
) -> None:
    page = open_page()
    page.add_init_script(COUNT_CLICKS)
    page.goto("/")

    page.get_by_role("link", name="Orders", exact=True).click()
    page.get_by_role("button", name="Get closed tickets for previous month").click()
    expect(page.get_by_text("The run is done, from complete data.")).to_be_visible()
    page.get_by_role("link", name="To the orders").click()
    page.get_by_label("All on this page").check()
    page.get_by_role("button", name="Approve the chosen ones").click()
    page.get_by_role("button", name="Approve 8 orders").click()
    page.get_by_label("All on this page").check()
    page.get_by_role("button", name="Issue the chosen ones").click()
    page.get_by_role("button", name="Issue 8 orders").click()
    with page.expect_download():
        page.get_by_role("button", name="kivitendo CSV").click()

    assert set(Order.objects.values_list("state", flat=True)) == {"exported"}
    assert page.evaluate("Number(sessionStorage.clicks)") <= MOST_CLICKS


def test_progress_moves_without_a_reload_and_ends_with_the_result(open_page: OpenPage, billed: BillingRun) -> None:
    moving = {"complete": False, "state": Job.State.RUNNING, "progress_total": 200, "started_at": timezone.now()}
    BillingRun.objects.update(**moving, step="Reading tickets", progress_done=20)
    page = open_page()
    page.goto(billed.get_absolute_url())
    page.evaluate("window.notReloaded = true")

    expect(page.get_by_text("20 of 200")).to_be_visible()
    BillingRun.objects.update(step="Writing orders", progress_done=150)
    expect(page.get_by_text("150 of 200")).to_be_visible()
    BillingRun.objects.update(state=Job.State.DONE, complete=True)
    expect(page.get_by_text("The run is done, from complete data.")).to_be_visible()
    expect(page.locator("#run-news")).to_have_text("The run has ended.")

    assert page.evaluate("window.notReloaded") is True


def test_session_that_ends_while_a_run_is_watched_leads_to_the_sign_in_page(
    open_page: OpenPage, billed: BillingRun
) -> None:
    BillingRun.objects.update(complete=False, state=Job.State.RUNNING)
    page = open_page()
    page.goto(billed.get_absolute_url())

    page.context.clear_cookies()

    page.wait_for_url(f"**/accounts/login/?next={billed.get_absolute_url()}")


def test_pressing_twice_sends_once(open_page: OpenPage, billed: BillingRun) -> None:
    page = open_page()
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.goto(Order.objects.filter(state="draft").latest("pk").get_absolute_url())

    page.get_by_role("button", name="Approve this order").dblclick()
    expect(page.get_by_role("button", name="Approve 1 order")).to_be_visible()

    assert len(sent) == 1


def test_pages_work_without_script(open_page: OpenPage, billed: BillingRun) -> None:
    page = open_page()
    page.context.route("**/*.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
    page.goto("/orders/")

    page.get_by_role("checkbox").nth(0).check()
    page.get_by_role("button", name="Approve the chosen ones").click()

    expect(page.get_by_role("button", name="Approve 1 order")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(open_page: OpenPage, billed: BillingRun, month: Month, scheme: str) -> None:
    page = open_page(scheme=scheme)
    axe, found = Axe(), {}

    for path in paths(month):
        page.goto(path)
        open_everything(page)
        found[path] = [violation["id"] for violation in axe.run(page).response["violations"]]
    page.goto("/orders/")
    page.get_by_role("checkbox").nth(1).check()
    page.get_by_role("button", name="Approve the chosen ones").click()
    found["approve"] = [violation["id"] for violation in axe.run(page).response["violations"]]
    page.context.clear_cookies()
    page.goto("/accounts/login/")
    found["login"] = [violation["id"] for violation in axe.run(page).response["violations"]]

    assert {path: violations for path, violations in found.items() if violations} == {}
    assert page.evaluate("document.documentElement.dataset.bsTheme") == scheme


def open_everything(page: Page) -> None:
    page.evaluate("document.querySelectorAll('main details').forEach((part) => { part.open = true })")


@pytest.mark.parametrize("language", ["de-DE", "en-GB"])
@pytest.mark.parametrize("width", [360, 768, 1280])
def test_no_page_scrolls_sideways(
    open_page: OpenPage, billed: BillingRun, month: Month, width: int, language: str
) -> None:
    page = open_page(width=width, language=language)
    wide = []

    for path in paths(month):
        page.goto(path)
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            wide.append(path)

    assert wide == []


@pytest.mark.parametrize("language", ["de-DE", "en-GB"])
def test_head_of_a_narrow_page_is_one_line_above_the_navigation(open_page: OpenPage, language: str) -> None:
    page = open_page(width=360, language=language)

    parts = page.locator(".site-header .bar > *:not(nav)")
    bottoms = parts.evaluate_all("parts => parts.map(part => part.getBoundingClientRect().bottom)")
    navigation = page.locator(".site-nav").evaluate("part => part.getBoundingClientRect().top")

    assert navigation < 60
    assert max(bottoms) <= navigation


def test_narrow_tables_break_no_number(open_page: OpenPage, billed: BillingRun, month: Month) -> None:
    page = open_page(width=360)
    page.goto(f"/tickets/?period={month}")

    lines = page.locator("td:first-child a").evaluate_all("links => links.map(link => link.getClientRects().length)")

    assert set(lines) == {1}


def test_nothing_is_fetched_from_another_host(open_page: OpenPage, billed: BillingRun, month: Month) -> None:
    page = open_page()
    asked: set[str] = set()
    page.on("request", lambda request: asked.add(re.sub(r"^(\w+://[^/]+).*", r"\1", request.url)))

    for path in paths(month):
        page.goto(path)

    assert len(asked) == 1


def test_skip_link_is_the_first_stop_and_leads_to_the_content(open_page: OpenPage) -> None:
    page = open_page()

    page.keyboard.press("Tab")
    first = page.evaluate("document.activeElement.className")
    page.keyboard.press("Enter")

    assert first == "skip-link"
    assert page.evaluate("document.activeElement.id") == "main"


def test_menu_closes_on_escape_and_gives_the_focus_back(open_page: OpenPage) -> None:
    page = open_page()
    summary = page.locator(".site-header details.menu > summary")

    summary.click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    page.keyboard.press("Escape")

    expect(page.get_by_role("button", name="Sign out")).to_be_hidden()
    expect(summary).to_be_focused()


def test_sign_out_ends_the_session(open_page: OpenPage) -> None:
    page = open_page()

    page.locator(".site-header details.menu > summary").click()
    page.get_by_role("button", name="Sign out").click()

    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
