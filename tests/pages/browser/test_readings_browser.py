"""What only a browser can tell of readings and of the list of agents: rows that move, files, contrast, width."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Page, expect

from common.jobs import Job
from common.months import Month
from tests.factories.tickets import AgentFactory, SyncRunFactory
from tests.pages.browser.conftest import OpenPage
from tickets.models import Agent, SyncRun, TicketSystem

pytestmark = [pytest.mark.browser, pytest.mark.slow]
FAULTY = "login;user_id;name;departed\nanna;3;Anna;no\nbert;x;Bert;perhaps\n"


@pytest.fixture
def readings(system: TicketSystem, month: Month) -> SyncRun:
    """One of each kind; returned is the one that runs."""
    TicketSystem.objects.update(time_source="both")
    now = timezone.now()
    ended = {"started_at": now, "finished_at": now, "problems": ["A sentence that says what is missing."]}
    earlier = month.previous.first_day
    SyncRunFactory(system=system, month=earlier, state=Job.State.PARTLY, **ended)
    SyncRunFactory(system=system, month=earlier, failed=True)
    agent = AgentFactory(system=system, login="a" * 60)
    SyncRunFactory(system=system, month=earlier, agent=agent, state=Job.State.DONE, complete=True, **ended)
    running: SyncRun = SyncRunFactory(
        system=system, month=month.first_day, state=Job.State.RUNNING, step="Reading tickets", progress_total=200
    )
    return running


def open_everything(page: Page) -> None:
    page.evaluate("document.querySelectorAll('main details').forEach((part) => { part.open = true })")


def violations(page: Page, *, of: str = "html") -> list[str]:
    page.wait_for_selector(of)
    return [
        violation["id"] for violation in Axe().run(page, context=of, options={"preload": False}).response["violations"]
    ]


def choose(page: Page, path: Path) -> None:
    page.goto("/admin/tickets/agent/import/")
    page.get_by_label("CSV file").set_input_files(path)
    with page.expect_navigation():
        page.get_by_role("button", name="Look at the file").click()


def test_row_moves_without_a_reload_and_ends_with_the_result(open_page: OpenPage, readings: SyncRun) -> None:
    page = open_page()
    page.goto("/tickets/readings/")
    page.evaluate("window.notReloaded = true")
    page.get_by_text("2 problems").click()

    SyncRun.objects.filter(pk=readings.pk).update(progress_done=150)
    expect(page.get_by_text("150 of 200")).to_be_visible()
    now = timezone.now()
    SyncRun.objects.filter(pk=readings.pk).update(
        state=Job.State.DONE, complete=True, started_at=now, finished_at=now, entries=4711
    )
    expect(page.get_by_role("cell", name="4,711")).to_be_visible()
    expect(page.locator("#readings-news")).to_contain_text("has ended.")

    assert (
        page.locator("main table").first.locator("tbody tr").count()
        == page.locator("main table").first.locator("tbody th[scope=row]").count()
    )
    assert page.get_by_text("The ticket system does not answer.").is_visible()
    assert page.locator("main template").count() == 0
    assert page.locator("[hx-get]").count() == 0
    assert page.evaluate("window.notReloaded") is True


def test_button_reads_the_month_from_the_simulator(open_page: OpenPage, tasks_at_once: None, month: Month) -> None:
    page = open_page()
    page.goto("/tickets/readings/")

    page.get_by_role("button", name="Read now").nth(1).click()
    expect(page.get_by_role("status").filter(has_text="is being read")).to_be_visible()

    run = SyncRun.objects.of_months().get()
    assert (Month.of(run.month), run.state, run.complete) == (month, Job.State.DONE, True)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(open_page: OpenPage, readings: SyncRun, scheme: str, tmp_path: Path) -> None:
    page, path = open_page(scheme=scheme), tmp_path / "agents.csv"

    page.goto("/tickets/readings/")
    open_everything(page)
    found = [violations(page)]
    for text in (FAULTY, "login;name\nanna;Anna\n"):
        path.write_text(text, encoding="utf-8")
        choose(page, path)
        found.append(violations(page, of="#content"))  # the frame is Django's

    assert found == [[], [], []]


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_no_page_is_wider_than_the_window(open_page: OpenPage, readings: SyncRun, width: int, tmp_path: Path) -> None:
    page, path = open_page(width=width), tmp_path / "agents.csv"
    path.write_text(FAULTY.replace("Bert;", f"{'Bert' * 30};"), encoding="utf-8")

    page.goto("/tickets/readings/")
    open_everything(page)
    widths = [page.evaluate("document.documentElement.scrollWidth")]
    choose(page, path)
    widths.append(page.evaluate("document.documentElement.scrollWidth"))

    assert max(widths) <= width


def test_file_is_chosen_looked_at_and_imported(open_page: OpenPage, system: TicketSystem, tmp_path: Path) -> None:
    page, path = open_page(), tmp_path / "agents.csv"
    path.write_text(FAULTY, encoding="utf-8")
    page.goto("/admin/tickets/agent/")
    page.get_by_role("link", name="Import from CSV").click()

    choose(page, path)
    expect(page.get_by_text("“perhaps” is neither yes nor no.")).to_be_visible()
    expect(page.get_by_role("button", name="Import", exact=True)).to_have_count(0)
    path.write_text(FAULTY.replace(";x;", ";4;").replace("perhaps", "yes"), encoding="utf-8")
    choose(page, path)
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("2 new, 0 changed, 0 unchanged.")).to_be_visible()

    assert list(Agent.objects.order_by("login").values_list("login", "user_id", "departed")) == [
        ("anna", 3, False),
        ("bert", 4, True),
    ]
