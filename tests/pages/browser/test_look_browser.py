"""What all lists share: the table in its own box, filters as chips, saved filters, notes, and the way back."""

import re
from itertools import pairwise

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from pytest_django import Settings

from portal.models import SavedFilter
from tests.pages.browser.conftest import OpenPage

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SIZES = [(360, "dark"), (1280, "light")]


def is_clean(page: Page) -> bool:
    return Axe().run(page).violations_count == 0


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), *SIZES, (1280, "dark")])
def test_style_guide_is_accessible_and_fits(open_page: OpenPage, settings: Settings, width: int, scheme: str) -> None:
    settings.DEBUG = True
    page = open_page(width=width, scheme=scheme)

    page.goto("/styleguide/")

    assert is_clean(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(("width", "scheme"), SIZES)
def test_names_and_totals_stay_in_sight(open_page: OpenPage, settings: Settings, width: int, scheme: str) -> None:
    settings.DEBUG = True
    page = open_page(width=width, scheme=scheme)
    page.goto("/styleguide/")
    box = page.get_by_role("region", name="Orders")

    box.evaluate("box => { box.style.maxHeight = '9rem'; box.scrollTo(0, 60) }")

    edges = box.evaluate(
        "box => [box, box.querySelector('thead th'), box.querySelector('tfoot')]"
        ".map(part => part.getBoundingClientRect()).map(rect => [rect.top, rect.bottom])"
    )
    (top, bottom), (head, _), (_, foot) = edges
    assert box.evaluate("box => box.scrollTop") > 0
    assert (abs(head - top) < 3, abs(foot - bottom) < 3) == (True, True)
    box.focus()
    expect(box).to_be_focused()


@pytest.mark.parametrize(("width", "scheme"), SIZES)
def test_filters_are_chips_saved_and_kept_on_the_way_back(open_page: OpenPage, width: int, scheme: str) -> None:
    page = open_page(width=width, scheme=scheme)
    page.goto("/orders/runs/?state=failed&complete=no")
    chips = page.get_by_role("list", name="Active filters")
    chips.get_by_role("link", name=re.compile("Data: not complete")).click()
    expect(page).to_have_url(re.compile(r"\?state=failed$"))

    page.get_by_text("Saved filters", exact=True).click()
    page.get_by_label("Save what is shown now as").fill("Failed ones")
    page.get_by_role("button", name="Save", exact=True).click()
    note = page.get_by_role("status").filter(has_text="The filter “Failed ones” is saved.")
    note.get_by_role("button", name="Close").click()
    expect(note).to_have_count(0)
    assert SavedFilter.objects.get().query == "state=failed"
    assert is_clean(page)

    page.goto("/orders/?period=2026-10&customer=zebra")
    page.goto("/orders/runs/?view=plain")
    page.get_by_role("navigation", name="Where you are").get_by_role("link", name="Orders").click()
    expect(page).to_have_url(re.compile(r"/orders/\?period=2026-10&customer=zebra$"))
    page.get_by_role("link", name="Clear all").click()
    expect(page.get_by_role("list", name="Active filters")).to_have_count(0)


@pytest.mark.parametrize(("width", "scheme"), SIZES)
def test_period_moves_by_a_month_and_keeps_the_filters(open_page: OpenPage, width: int, scheme: str) -> None:
    page = open_page(width=width, scheme=scheme)
    page.goto("/tickets/?period=2026-10&customer=zebra")

    page.get_by_role("link", name="Month before").click()

    expect(page.locator(".period summary")).to_contain_text("September 2026")
    expect(page).to_have_url(re.compile("customer=zebra"))
    assert is_clean(page)


@pytest.mark.parametrize(("width", "scheme"), SIZES)
def test_boxes_to_choose_stand_below_each_other_within_their_form(open_page: OpenPage, width: int, scheme: str) -> None:
    page = open_page(width=width, scheme=scheme)
    page.goto("/api-tokens/")

    group = page.get_by_role("group", name="May read")
    places = "parts => parts.map(part => part.getBoundingClientRect()).map(rect => [rect.top, rect.bottom])"
    boxes = group.locator("label").evaluate_all(places)
    below = page.get_by_label("Good for how many days").bounding_box()

    assert len(boxes) > 1
    assert all(upper[1] <= lower[0] for upper, lower in pairwise(boxes))
    assert below is not None
    assert boxes[-1][1] < below["y"]
    assert is_clean(page)
