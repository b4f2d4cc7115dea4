"""An upload as a new user does it: drop a file, read the cells, send, mend what was bad, see who is away."""

import base64
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from generic_interface.simulator.server import RunningSimulator
from outofoffice.models import Upload
from tests.factories.tickets import AgentFactory
from tests.pages.browser.conftest import OpenPage
from tickets.models import TicketSystem

pytestmark = [pytest.mark.browser, pytest.mark.slow]
THREE_BAD = (
    "UserLogin;StartDate;EndDate;Enabled\n"
    "c.weber;21.12.2026;31.12.2026;ja\n"
    "anna.mueler;21.12.2026;31.12.2026;ja\n"
    "b.schmidt;31.12.2026;21.12.2026;ja\n"
    "e.jung;21.12.2026;30.02.2027;ja\n"
    "d.oeztuerk;;;nein\n"
)
DROP = """([zone, text]) => {
  const data = new DataTransfer();
  const bytes = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
  data.items.add(new File([bytes], "absences.csv", { type: "text/csv" }));
  for (const name of ["dragenter", "dragover", "drop"]) {
    zone.dispatchEvent(new DragEvent(name, { dataTransfer: data, bubbles: true, cancelable: true }));
  }
}"""


@pytest.fixture
def agents(system: TicketSystem) -> None:
    for login in ("anna.mueller", "b.schmidt", "c.weber", "d.oeztuerk", "e.jung"):
        AgentFactory(system=system, login=login)


def drop(page: Page, text: str) -> None:
    zone = page.locator(".drop-zone").element_handle()
    page.evaluate(DROP, [zone, base64.b64encode(text.encode()).decode()])


def violations(page: Page) -> list[str]:
    return [each["id"] for each in Axe().run(page, options={"preload": False}).response["violations"]]


def stored(simulator: RunningSimulator) -> dict[str, str]:
    """The switch of each agent in the ticket system."""
    data = simulator.system.data  # type: ignore[attr-defined]  # of the simulated system
    logins = {agent.user_id: agent.login for agent in data.agents.values()}
    return {logins[key]: values["OutOfOffice"] for key, values in data.preferences.items()}


def test_file_is_dropped_looked_at_sent_mended_and_seen_in_the_calendar(
    open_page: OpenPage, agents: None, tasks_at_once: None, simulator: RunningSimulator, tmp_path: Path
) -> None:
    simulator.system.data.preferences.clear()  # type: ignore[attr-defined]
    page = open_page()
    page.get_by_role("link", name="Out of office").click()
    drop(page, THREE_BAD)
    page.get_by_role("button", name="Check the file").click()

    expect(page.get_by_text("3 rows cannot be sent")).to_be_visible()
    expect(page.get_by_role("cell", name="anna.mueler No agent of this ticket system")).to_be_visible()
    expect(page.get_by_role("cell", name="21.12.2026 The end is before the start.")).to_be_visible()
    expect(page.get_by_role("cell", name="30.02.2027 “30.02.2027” does not exist in the calendar.")).to_be_visible()
    assert stored(simulator) == {}

    with page.expect_download() as refused:
        page.get_by_role("link", name="Download the 3 bad rows with their reasons").click()
    page.get_by_role("button", name="Send the 2 good rows").click()
    expect(page.get_by_text("Every good row was sent")).to_be_visible()
    assert stored(simulator) == {"c.weber": "1", "d.oeztuerk": "0"}

    mended = tmp_path / "mended.csv"
    text = refused.value.path().read_text(encoding="utf-8-sig")
    text = text.replace("anna.mueler", "anna.mueller").replace("31.12.2026,21.12.2026", "21.12.2026,31.12.2026")
    mended.write_text(text.replace("30.02.2027", "28.02.2027"), encoding="utf-8")
    page.goto("/out-of-office/")
    page.get_by_label("CSV file").set_input_files(mended)
    page.get_by_role("button", name="Check the file").click()
    page.get_by_role("button", name="Send 3 rows").click()
    expect(page.get_by_text("Every good row was sent")).to_be_visible()
    assert stored(simulator) == {
        "c.weber": "1",
        "d.oeztuerk": "0",
        "anna.mueller": "1",
        "b.schmidt": "1",
        "e.jung": "1",
    }

    page.goto("/out-of-office/calendar/?month=2026-12")
    expect(page.get_by_role("rowheader")).to_have_count(4)
    assert page.locator("td.away").count() == 4 * 11
    assert Upload.objects.count() == 2


def look(page: Page) -> Upload:
    page.goto("/out-of-office/")
    drop(page, THREE_BAD)
    page.get_by_role("button", name="Check the file").click()
    return Upload.objects.latest("pk")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(open_page: OpenPage, agents: None, tasks_at_once: None, scheme: str) -> None:
    page = open_page(scheme=scheme)
    page.goto("/out-of-office/")
    found = [violations(page)]
    drop(page, "no header\n")
    page.get_by_role("button", name="Check the file").click()
    expect(page.get_by_text("There is no header.")).to_be_visible()
    found.append(violations(page))
    look(page)
    found.append(violations(page))
    page.get_by_role("button", name="Send the 2 good rows").click()
    expect(page.get_by_text("Every good row was sent")).to_be_visible()
    found.append(violations(page))
    page.goto("/out-of-office/calendar/?month=2026-12")
    found.append(violations(page))

    assert found == [[], [], [], [], []]


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_no_page_is_wider_than_the_window(open_page: OpenPage, agents: None, tasks_at_once: None, width: int) -> None:
    page = open_page(width=width)
    widths = []
    for step in ("preview", "sent", "calendar", "index"):
        if step == "preview":
            look(page)
        elif step == "sent":
            page.get_by_role("button", name="Send the 2 good rows").click()
            expect(page.get_by_text("Every good row was sent")).to_be_visible()
        else:
            page.goto("/out-of-office/" + ("calendar/?month=2026-12" if step == "calendar" else ""))
        widths.append(page.evaluate("document.documentElement.scrollWidth"))

    assert max(widths) <= width
