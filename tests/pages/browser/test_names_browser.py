"""Names of 200 characters, with emoji and letters from right to left, on every list: the page keeps its width."""

import pytest

from tests.pages.browser.conftest import OpenPage
from tests.pages.lists import LISTS, List

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.mark.parametrize("which", [each for each in LISTS if not each.needs_kivitendo], ids=str)
def test_page_is_no_wider_than_the_window(open_page: OpenPage, which: List) -> None:
    which.fill(3)
    page = open_page()
    page.goto(which.address())
    wide = page.evaluate("document.documentElement.scrollWidth")

    page.set_viewport_size({"width": 360, "height": 800})

    assert (wide, page.evaluate("document.documentElement.scrollWidth")) == (1280, 360)
