"""The main job without a mouse, with the single keys and with Tab alone; where the focus is can always be seen."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from billing.models import BillingRun, Order
from billing.runs import run_billing, start_run
from common.months import Month
from tests.pages.browser.conftest import OpenPage
from tests.pages.world import PASSWORD
from tickets.models import Ticket, TicketSystem

pytestmark = [pytest.mark.browser, pytest.mark.slow]
MOST_TABS = 120
START, ORDERS = re.compile(r":\d+/$"), re.compile(r":\d+/orders/$")
SEEN = """() => {
  const active = document.activeElement;
  if (!active || active === document.body) return false;
  const style = getComputedStyle(active);
  return (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none";
}"""


@pytest.fixture
def billed(system: TicketSystem, month: Month) -> BillingRun:
    return run_billing(start_run(month=month, now=timezone.now()))


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until the target has the focus; on the way the focus is always somewhere and can be seen."""
    expect(target).to_be_visible()
    for _press in range(MOST_TABS):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body"):
            continue  # around the end of the page
        assert page.evaluate(SEEN), page.evaluate("document.activeElement.outerHTML")
        if target.evaluate("target => target === document.activeElement"):
            return
    pytest.fail(f"not reached with Tab: {target}")


def enter(page: Page, target: Locator, key: str = "Enter") -> None:
    tab_to(page, target)
    page.keyboard.press(key)


def sign_in(open_page: OpenPage) -> Page:
    page = open_page()
    page.context.clear_cookies()
    page.goto("/orders/")
    tab_to(page, page.locator("[name=login]"))
    page.keyboard.type("dora")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(ORDERS)
    return page


def palette(page: Page, text: str) -> None:
    """Open it, type, and take the first that is offered."""
    page.keyboard.press("Control+k")
    expect(page.locator("#palette-input")).to_be_focused()
    page.keyboard.type(text)
    expect(page.locator("#palette [role=option][aria-selected=true]")).to_contain_text(re.compile(text, re.IGNORECASE))
    page.keyboard.press("Enter")


def test_main_job_with_single_keys(open_page: OpenPage, tasks_at_once: None, month: Month) -> None:
    page = sign_in(open_page)

    page.keyboard.type("gs")
    page.wait_for_url(START)
    page.keyboard.type("go")
    page.wait_for_url(ORDERS)
    palette(page, "closed tickets")
    expect(page.get_by_text("The run is done, from complete data.")).to_be_visible()
    page.keyboard.type("go")
    page.wait_for_url(ORDERS)
    page.keyboard.press("j")
    assert page.evaluate(SEEN)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/orders/\d+/$"))
    page.keyboard.type("je")
    page.wait_for_url(re.compile(r"/lines/"))
    page.go_back()
    page.keyboard.press("a")
    expect(page.get_by_role("heading", name="Approve orders")).to_be_visible()
    page.keyboard.press("a")
    expect(page.get_by_role("status").filter(has_text="1 order approved.")).to_be_visible()
    page.keyboard.type("jxjjjjjjj")
    page.keyboard.press("Shift+X")
    expect(page.locator("[data-selected-count]")).to_have_text("8")
    page.keyboard.press("a")
    expect(page.get_by_role("heading", name="Approve orders")).to_be_visible()
    page.keyboard.press("a")
    expect(page.get_by_role("status").filter(has_text="7 orders approved.")).to_be_visible()
    page.keyboard.type("jxjjjjjjj")
    page.keyboard.press("Shift+X")
    page.keyboard.press("i")
    expect(page.get_by_role("heading", name="Issue orders")).to_be_visible()
    page.keyboard.press("i")
    expect(page.get_by_role("status").filter(has_text="8 orders issued:")).to_be_visible()
    with page.expect_download() as download:
        palette(page, "kivitendo CSV")

    assert download.value.suggested_filename == f"kivitendo-{month}.csv"
    assert set(Order.objects.values_list("state", flat=True)) == {"exported"}


def test_main_job_with_tab_alone(open_page: OpenPage, tasks_at_once: None, month: Month) -> None:
    page = sign_in(open_page)

    enter(page, page.locator(".brand"))
    page.wait_for_url(START)
    enter(page, page.get_by_role("navigation", name="Main").get_by_role("link", name="Orders", exact=True))
    page.wait_for_url(ORDERS)
    enter(page, page.get_by_role("button", name="Get closed tickets for previous month"), "Space")
    expect(page.get_by_text("The run is done, from complete data.")).to_be_visible()
    enter(page, page.get_by_role("link", name="To the orders"))
    enter(page, page.locator("main tbody a").first)
    page.wait_for_url(re.compile(r"/orders/\d+/$"))
    enter(page, page.locator("main tbody summary").first)
    enter(page, page.get_by_role("navigation", name="Where you are").get_by_role("link", name="Orders"))
    enter(page, page.get_by_label("All on this page"), "Space")
    expect(page.locator("[data-selected-count]")).to_have_text("8")
    enter(page, page.get_by_role("button", name="Approve the chosen ones"))
    enter(page, page.get_by_role("button", name="Approve 8 orders"))
    expect(page.get_by_role("status").filter(has_text="8 orders approved.")).to_be_visible()
    enter(page, page.get_by_label("All on this page"), "Space")
    enter(page, page.get_by_role("button", name="Issue the chosen ones"))
    enter(page, page.get_by_role("button", name="Issue 8 orders"))
    expect(page.get_by_role("status").filter(has_text="8 orders issued:")).to_be_visible()
    with page.expect_download() as download:
        enter(page, page.get_by_role("button", name="kivitendo CSV"))

    assert download.value.suggested_filename == f"kivitendo-{month}.csv"
    assert set(Order.objects.values_list("state", flat=True)) == {"exported"}


def test_keys_are_silent_while_somebody_types_and_when_switched_off(open_page: OpenPage, billed: BillingRun) -> None:
    page = open_page()
    page.goto("/orders/")

    page.locator("main .filters input[type=text]").first.focus()
    page.keyboard.type("go?jx")
    typed = page.evaluate("document.activeElement.value")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.type("gs")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keys")).to_be_hidden()
    page.evaluate(
        "document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'j', isComposing: true, bubbles: true }))"
    )
    page.keyboard.press("Alt+j")
    in_a_row = page.evaluate("document.activeElement.matches('tr')")
    page.goto("/preferences/")
    page.get_by_label("Keyboard shortcuts").uncheck()
    page.get_by_role("button", name="Keep the preferences").click()
    page.goto("/orders/")
    page.keyboard.type("j?gs")
    still = page.evaluate("[document.activeElement.tagName, document.querySelectorAll('dialog[open]').length]")
    page.keyboard.press("Control+k")
    expect(page.locator("#palette-input")).to_be_focused()

    assert (typed, in_a_row, still) == ("go?jx", False, ["BODY", 0])
    assert page.url.endswith("/orders/")


def test_palette_finds_pages_actions_and_tickets_and_gives_the_focus_back(
    open_page: OpenPage, billed: BillingRun
) -> None:
    page, ticket = open_page(), Ticket.objects.latest("pk")
    page.goto("/orders/")
    opener = page.locator("[data-palette]")

    opener.focus()
    page.keyboard.press("Space")
    expect(page.locator("#palette-input")).to_be_focused()
    violations = [violation["id"] for violation in Axe().run(page).response["violations"]]
    page.keyboard.press("ArrowUp")
    last = page.locator("#palette [role=option][aria-selected=true]")
    expect(last).to_have_count(1)
    assert last.get_attribute("id") == page.locator("#palette-input").get_attribute("aria-activedescendant")
    page.keyboard.press("Escape")
    expect(opener).to_be_focused()
    page.keyboard.press("Control+k")
    page.keyboard.type(ticket.number)
    option = page.locator(f"#palette [data-href='{ticket.get_absolute_url()}']")
    expect(option).to_be_visible()
    expect(page.locator("[data-palette-status]")).to_have_text(re.compile(r"result"))
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{ticket.get_absolute_url()}")

    assert violations == []


def test_exact_number_and_enter_lead_there_even_before_the_suggestions(open_page: OpenPage, billed: BillingRun) -> None:
    page, ticket = open_page(), Ticket.objects.latest("pk")

    page.keyboard.press("/")
    page.keyboard.type(ticket.number)
    page.keyboard.press("Enter")

    page.wait_for_url(f"**{ticket.get_absolute_url()}")


def test_search_works_without_script(open_page: OpenPage, billed: BillingRun) -> None:
    page, ticket = open_page(), Ticket.objects.latest("pk")
    page.context.route("**/*.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
    page.goto("/")

    page.locator("[data-palette]").click()
    page.get_by_label("Number, title, name").fill(ticket.number)
    page.keyboard.press("Enter")

    page.wait_for_url(f"**{ticket.get_absolute_url()}")


def test_focus_is_on_the_sorted_column_and_the_turned_page_again(open_page: OpenPage, billed: BillingRun) -> None:
    page = open_page()
    page.goto("/orders/?period=all")

    enter(page, page.locator("thead a").nth(1))
    page.wait_for_url("**sort=**")

    expect(page.locator("thead a").nth(1)).to_be_focused()


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_search_and_preferences_pass_axe_and_stay_within_the_page(
    open_page: OpenPage, billed: BillingRun, width: int, scheme: str
) -> None:
    page = open_page(width=width, scheme=scheme)
    found, wide = {}, []

    for path in ("/search/", "/search/?q=TK", "/search/?q=nothing-like-this", "/preferences/", "/kept/"):
        page.goto(path)
        found[path] = [violation["id"] for violation in Axe().run(page).response["violations"]]
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            wide.append(path)
    page.keyboard.press("?")
    found["?"] = [violation["id"] for violation in Axe().run(page).response["violations"]]

    assert ({path: ids for path, ids in found.items() if ids}, wide) == ({}, [])
