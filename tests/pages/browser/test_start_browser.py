"""The start page and the help in a browser: by keyboard, on a phone and in the dark."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect

from portal import views
from tests.billing.scenes import ticket_of
from tests.factories.tickets import CustomerFactory, SyncRunFactory
from tests.pages.browser.conftest import OpenPage
from tickets.models import TicketSystem

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def waiting(system: TicketSystem) -> None:
    """A reading that failed, and time that was left out."""
    SyncRunFactory(system=system, failed=True)
    ticket_of(CustomerFactory(system=system, name="Königsbau"), 30, closed=None)


def without_session(route: Route) -> None:
    """The request is sent as if the session had ended meanwhile; so is every later one."""
    route.request.frame.page.context.clear_cookies()
    route.continue_(headers={})


def violations(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {[node['html'][:200] for node in each['nodes'][:3]]}" for each in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_on_counting_opens_and_closes_by_keyboard(
    open_page: OpenPage, waiting: None, scheme: str, tmp_path: Path
) -> None:
    page = open_page(width=360, scheme=scheme)
    page.goto("/")
    button = page.get_by_role("button", name="How is this counted?").first
    text = page.locator(f"#{button.get_attribute('popovertarget')}")
    expect(text).to_be_hidden()

    button.focus()
    page.keyboard.press("Enter")
    expect(text).to_be_visible()
    page.screenshot(path=tmp_path / f"counted-{scheme}.png")
    found = violations(page)
    page.keyboard.press("Escape")

    expect(text).to_be_hidden()
    expect(button).to_be_focused()
    assert found == []
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_document_is_accessible_and_fits(open_page: OpenPage, scheme: str, tmp_path: Path) -> None:
    page = open_page(width=360, scheme=scheme)
    page.goto("/help/billing-rules/#scheduled-runs")
    page.screenshot(path=tmp_path / f"help-{scheme}.png")

    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_start_page_of_a_large_portal_gets_the_rest_without_being_loaded_again(
    open_page: OpenPage, waiting: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "is_large", lambda: True)
    page = open_page()
    loads: list[str] = []
    page.on("request", lambda request: loads.append(request.url) if request.is_navigation_request() else None)

    page.goto("/")
    expect(page.locator("#work")).to_contain_text("Oldest unbilled time")
    page.wait_for_load_state("networkidle")

    assert len(loads) == 1
    expect(page.locator("#work[hx-get]")).to_have_count(0)


def test_start_page_of_a_large_portal_says_that_the_session_has_ended(
    open_page: OpenPage, waiting: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "is_large", lambda: True)
    page = open_page()
    page.route("**/work-list/**", without_session)

    page.goto("/")

    page.wait_for_url("**/accounts/login/**")
