"""Take a picture of every page of the demo into ``docs/screenshots``: wide and light, wide and dark, 360 px.

Called by ``make screenshots``, which sets the environment of a demo in a folder of its own. Needs Chromium.
``make screenshots ARGS="--only billing:order --only start"`` takes those pages alone, ``--only tour``
the pictures that change the demo's data, which come last.
"""

import argparse
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import django
import requests

django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.utils import timezone  # noqa: E402
from PIL import Image  # noqa: E402
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright  # noqa: E402

from portal.demo import remember  # noqa: E402
from scripts.pictured import pictured, signed_out  # noqa: E402
from scripts.tour import walk  # noqa: E402

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "screenshots"
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
COLOURS = 128
TALLEST = 2400
"""Pixels; what a page has below is more of the same rows."""
TOUR = "tour"
SHOWN_FOLDER = [str(settings.VAR_DIR), "/opt/portal/var"]
"""The folder of whoever takes the pictures, and what they show in its place."""
START_SECONDS = 240
PAGE_MILLISECONDS = 90_000


@dataclass(frozen=True, slots=True)
class Look:
    name: str
    width: int
    scheme: str


LOOKS = (Look("light", 1280, "light"), Look("dark", 1280, "dark"), Look("360px", 360, "light"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def served() -> Iterator[str]:
    """The portal with the demo's data, at the address that is yielded."""
    port = free_port()
    server = subprocess.Popen([sys.executable, "manage.py", "up", "--port", str(port)])
    try:
        _wait_for(f"http://127.0.0.1:{port}/readyz")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=30)


def _wait_for(address: str) -> None:
    """Until the worker has shown itself, too."""
    give_up = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up:
        try:
            requests.get(address, timeout=START_SECONDS).raise_for_status()
        except requests.RequestException:
            time.sleep(1)
        else:
            return
    raise SystemExit(f"The portal was not ready within {START_SECONDS} s.")


def sign_in(page: Page, name: str, password: str) -> None:
    page.goto("/accounts/login/")
    page.fill("[name=login]", name)
    page.fill("[name=password]", password)
    page.click("main button")
    page.wait_for_url("**/")


def shoot(page: Page, path: str, target: Path) -> int:
    """Returns the status; there is no picture of a page that did not answer with what it should show."""
    response = page.goto(path)
    status = response.status if response else 0
    if response is not None and response.request.redirected_from is not None:
        status = 302  # led away from what should be pictured
    if status != 200:
        return status
    page.wait_for_load_state("networkidle")
    for said in page.get_by_text(str(settings.VAR_DIR)).all():
        said.evaluate("(part, folders) => part.textContent = part.textContent.replace(...folders)", SHOWN_FOLDER)
    take(page, target)
    return status


def take(page: Page, target: Path) -> None:
    width = page.viewport_size["width"] if page.viewport_size else 1280
    height = min(TALLEST, page.evaluate("document.documentElement.scrollHeight"))
    data = page.screenshot(full_page=True, clip={"x": 0, "y": 0, "width": width, "height": height})
    Image.open(BytesIO(data)).convert("RGB").quantize(COLOURS).save(target, optimize=True)


def shoot_all(page: Page, addresses: dict[str, str], look: Look) -> list[str]:
    """Returns what could not be pictured."""
    targets = {name: FOLDER / f"{name.replace(':', '-')}-{look.name}.png" for name in addresses}
    statuses = {name: shoot(page, path, targets[name]) for name, path in addresses.items()}
    return [f"{addresses[name]} answered {status}." for name, status in statuses.items() if status != 200]


def context(browser: Browser, look: Look, url: str) -> BrowserContext:
    opened = browser.new_context(
        base_url=url,
        viewport={"width": look.width, "height": 800},
        color_scheme="dark" if look.scheme == "dark" else "light",
        reduced_motion="reduce",
        locale="en-GB",
    )
    opened.set_default_timeout(PAGE_MILLISECONDS)
    return opened


def chosen(addresses: dict[str, str], only: list[str]) -> dict[str, str]:
    """All of them where none is named."""
    return {name: path for name, path in addresses.items() if not only or name in only}


def arguments() -> list[str]:
    """Names of the pages to take; none: all."""
    parser = argparse.ArgumentParser(prog="make screenshots", description="Take pictures of the pages of the demo.")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="a page, such as billing:order")
    given: list[str] = parser.parse_args().only
    return given


def main() -> int:
    only = arguments()
    FOLDER.mkdir(parents=True, exist_ok=True)
    call_command("demo", no_serve=True, exports=settings.VAR_DIR / "exports")
    memory = remember(settings.VAR_DIR, now=timezone.now())
    passwords = memory.passwords
    visited, pages = chosen(signed_out(), only), chosen(pictured(now=timezone.now()), only)
    if unknown := set(only) - visited.keys() - pages.keys() - {TOUR}:
        raise SystemExit(f"No such page: {', '.join(sorted(unknown))}.")
    missing: list[str] = []
    with served() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for look in LOOKS:
            visitor = context(browser, look, url).new_page()
            failed = shoot_all(visitor, visited, look)
            sign_in(visitor, "admin", passwords["admin"])
            failed += shoot_all(visitor, pages, look)
            print("\n".join([f"{look.name}: {len(visited) + len(pages) - len(failed)} pages", *failed]), flush=True)
            missing += failed
        if not only or TOUR in only:
            guide = context(browser, LOOKS[0], url).new_page()
            sign_in(guide, "billing", passwords["billing"])
            walk(guide, memory.month, lambda name: take(guide, FOLDER / f"{name}.png"))
        browser.close()
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
