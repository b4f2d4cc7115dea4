"""The pictures of ``docs/tour.md`` that come from pressing buttons: all orders of the demo are approved and issued."""

from collections.abc import Callable

from playwright.sync_api import Page

STEPS = (
    ("Approve the chosen ones", "tour-approve"),
    ("Issue the chosen ones", "tour-issue"),
)
LAST = "tour-issued"


def walk(page: Page, month: str, picture: Callable[[str], None]) -> None:
    """``page`` is that of somebody who may bill; ``picture`` takes one of what it shows, under the given name."""
    page.goto(f"/orders/?period={month}")
    for button, name in STEPS:
        page.get_by_label("All on this page").check()
        page.get_by_role("button", name=button).click()
        page.wait_for_load_state("networkidle")
        picture(name)
        page.locator("main button.btn-primary").click()
        page.wait_for_url("**/orders/?*")
    page.wait_for_load_state("networkidle")
    picture(LAST)
