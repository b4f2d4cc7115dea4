"""The registered systems in a browser: from the start page to a conflict, on a phone and in the dark."""

from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Page, expect

from registration.models import RegisteredSystem
from tests.factories.registered_systems import STATES, SystemFactory, note, support
from tests.factories.tickets import CustomerFactory
from tests.pages.browser.conftest import OpenPage
from tests.pages.world import HOSTILE
from tickets.models import TicketSystem

pytestmark = [pytest.mark.browser, pytest.mark.slow]
AGO = {"active": 1, "due": 8, "overdue": 10, "grace": 20, "expired": 60}


@pytest.fixture
def systems(system: TicketSystem) -> dict[str, RegisteredSystem]:
    """One in each state by the real clock, which the browser shares."""
    now = timezone.now()
    found: dict[str, RegisteredSystem] = {}
    for state in STATES:
        last = now - timedelta(days=AGO.get(state, 3))
        due = now - timedelta(hours=1) if state == "due" else last + timedelta(days=7)
        found[state] = SystemFactory(
            **({state: True} if state in ("conflict", "retired", "deregistered") else {}),
            fqdn=f"otrs-{state}.kunde-mit-langem-namen.example.org",
            account__customer=CustomerFactory(system=system, name="Königsbau und Söhne AG"),
            account__otrs_id=f"{state}@kunde.example.org",
            os_version="debian 12.11",
            database_version="MariaDB 10.11.19",
            perl_version="5.36.0",
            reported_description="Haupt-Ticketsystem Größe " + HOSTILE,
            last_ok_at=last,
            next_due_at=due,
        )
    conflict = found["conflict"]
    RegisteredSystem.objects.filter(pk=conflict.pk).update(conflict_at=now - timedelta(hours=3))
    note(conflict, "registered", at=now - timedelta(days=300), address="192.0.2.10")
    for week in range(30):
        note(conflict, at=now - timedelta(days=7 * (30 - week)), address="192.0.2.10")
    differs = {"fqdn": [conflict.fqdn, "test.kunde.example.org"], "os_version": ["debian 12.11", "debian 13"]}
    note(conflict, "conflict", at=now - timedelta(hours=3), address="203.0.113.5", facts=differs)
    support(
        conflict,
        [
            {"Label": "Database Size", "Value": "0.038 GB", "Status": "1", "DisplayPath": "Database"},
            {"Label": "Outdated Tables", "Value": "", "Status": "2", "DisplayPath": "Database"},
            {"Label": "System Load", "Value": "3.80", "Status": "3", "DisplayPath": "Operating System"},
            {"Label": "Perl Modules", "Value": "o Apache::DBI......ok\n" * 3, "Status": 4, "DisplayPath": HOSTILE},
        ],
    )
    return found


def violations(page: Page) -> list[str]:
    return [each["id"] for each in Axe().run(page, options={"preload": False}).response["violations"]]


def test_way_from_the_start_page_to_the_conflict_and_its_end(
    open_page: OpenPage, systems: dict[str, RegisteredSystem]
) -> None:
    page = open_page()
    page.get_by_role("link", name="Registrations that need attention").click()
    page.get_by_role("navigation", name="By state").get_by_role("link", name="conflict 1").click()
    page.get_by_role("link", name="otrs-conflict").click()
    expect(page.get_by_text("The other one called from 203.0.113.5")).to_be_visible()
    page.get_by_text("Show the support data").click()
    expect(page.get_by_role("cell", name="0.038 GB")).to_be_visible()
    page.get_by_text("Set type and description").click()
    page.get_by_label("Description").fill("vom Portal")
    page.get_by_role("button", name="Keep").click()
    expect(page.get_by_text("Kept. The system takes it over with its next update.")).to_be_visible()

    page.get_by_role("link", name="Retire").click()
    page.get_by_role("button", name="Retire this registration").click()

    expect(page.get_by_text("Its next update is refused.")).to_be_visible()
    assert RegisteredSystem.objects.get(pk=systems["conflict"].pk).state == "retired"


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (360, "light"), (360, "dark")])
def test_pages_are_accessible_and_fit(
    open_page: OpenPage, systems: dict[str, RegisteredSystem], width: int, scheme: str
) -> None:
    page = open_page(width=width, scheme=scheme)
    conflict = systems["conflict"].get_absolute_url()

    for path in ("/registration/", conflict, f"{conflict}retire/", systems["expired"].get_absolute_url()):
        page.goto(path)
        for summary in page.locator("details.explain > summary").all():
            summary.click()

        assert violations(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
