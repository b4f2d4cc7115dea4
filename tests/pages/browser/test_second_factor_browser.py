"""The second factor in a real browser: set up and signed in with, on narrow and dark screens; axe finds nothing."""

import re
import time

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from pytest_django import Settings

from tests.pages.browser.conftest import OpenPage
from tests.pages.world import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def code(secret: str, *, steps: int = 0) -> str:
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps)))


def faults(page: Page) -> list[str]:
    wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    found = [f"{page.url}: {fault['id']}" for fault in Axe().run(page).response["violations"]]
    return found + ([f"{page.url}: too wide"] if wide else [])


@pytest.mark.parametrize(("width", "scheme", "language"), [(1280, "light", "en-GB"), (360, "dark", "de-DE")])
def test_second_factor_is_set_up_and_signed_in_with(
    open_page: OpenPage, settings: Settings, width: int, scheme: str, language: str
) -> None:
    page = open_page(width=width, scheme=scheme, language=language)
    settings.SECOND_FACTOR_REQUIRED_FOR = ["administrator"]
    found = []

    page.goto("/orders/")
    page.wait_for_url("**/accounts/second-factor/set-up/")
    found += faults(page)
    assert page.locator("img.qr-code").evaluate("image => image.complete && image.naturalWidth > 100")
    secret = page.locator("main code").inner_text()
    page.fill("[name=code]", code(secret))
    page.click("main form button")
    page.wait_for_url("**/accounts/second-factor/recovery/")
    found += faults(page)
    expect(page.locator(".recovery-codes li")).to_have_count(10)
    for path in ("/accounts/second-factor/", "/accounts/sessions/", "/accounts/second-factor/switch-off/"):
        page.goto(path)
        found += faults(page)
    page.locator(".site-header details.menu > summary").click()
    page.locator(".menu-body button").click()
    page.wait_for_url("**/accounts/login/**")
    page.fill("[name=login]", "dora")
    page.fill("[name=password]", PASSWORD)
    page.click("main form button[type=submit]")
    page.wait_for_url("**/accounts/second-factor/code/")
    found += faults(page)
    page.fill("[name=code]", code(secret, steps=1))
    page.locator("main form button").first.click()
    page.wait_for_url(re.compile(r":\d+/$"))

    expect(page.locator(".site-nav a").first).to_be_visible()
    assert found == []
