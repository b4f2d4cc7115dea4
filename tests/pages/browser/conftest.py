"""A real browser on a real server. Chromium is the system's own; CHROMIUM names it where it is elsewhere."""

import os
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from billing.models import Agreement
from common.months import Month
from generic_interface.simulator.data import build_data_set
from generic_interface.simulator.server import RunningSimulator, start_simulator
from portal.celery import app
from portal.roles import ADMINISTRATOR
from tests.pages.world import PASSWORD, account
from tickets.models import TicketSystem

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
OpenPage = Callable[..., Page]
expect.set_options(timeout=30_000)  # a busy machine is no fault of the page


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists() and os.environ.get("CI") != "true":
        pytest.skip(f"{CHROMIUM} is not there; set CHROMIUM to a Chromium or Chrome")
    # The driver keeps an event loop in this thread; the database is asked from this thread all the same.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(scope="session")
def month() -> Month:
    """The previous month by the real clock, which the browser shares."""
    return Month.of(timezone.localdate()).previous


@pytest.fixture(scope="session")
def simulator(month: Month) -> Iterator[RunningSimulator]:
    with start_simulator(build_data_set((month.year, month.month))) as running:
        yield running


@pytest.fixture
def system(transactional_db: None, simulator: RunningSimulator) -> TicketSystem:
    """The simulator, connected; nothing is read yet. What migrations put into the database is there."""
    Agreement.objects.get_or_create(is_default=True, defaults={"hourly_rate": Decimal(95)})
    account("dora", ADMINISTRATOR, is_staff=True)
    return TicketSystem.objects.create(
        name="Helpdesk", base_url=simulator.base_url, login=simulator.login, password=simulator.password
    )


@pytest.fixture
def tasks_at_once() -> Iterator[None]:
    """Background work is done in the request that starts it."""
    app.conf.task_always_eager = True
    yield
    app.conf.task_always_eager = False


@pytest.fixture
def complaints() -> list[str]:
    """What the consoles of the browsers have said that should not be said; a test takes out what it expects."""
    return []


@pytest.fixture
def open_page(
    browser: Browser, live_server: LiveServer, system: TicketSystem, complaints: list[str]
) -> Iterator[OpenPage]:
    """Opens a browser of its own for each call and signs in; what its console complains about fails the test."""
    contexts: list[BrowserContext] = []

    def open_one(*, width: int = 1280, scheme: str = "light", language: str = "en-GB") -> Page:
        context = browser.new_context(
            base_url=live_server.url,
            color_scheme="dark" if scheme == "dark" else "light",
            viewport={"width": width, "height": 800},
            locale=language,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto("/")
        page.fill("[name=login]", "dora")
        page.fill("[name=password]", PASSWORD)
        page.click("main form button[type=submit]")
        page.wait_for_url(f"{live_server.url}/")  # the sign-in page's own address ends with a slash, too
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert complaints == []
