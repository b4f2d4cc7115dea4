"""How much a first visit loads."""

import gzip
import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders

from tests.pages.world import World

MOST = 150_000
"""Bytes, compressed."""
PATHS = ["/", "/tickets/?period=all", "/orders/", "/reports/charts/?period=2026-10"]


def assets_of(html: str) -> set[str]:
    """The names of the static files that the page loads."""
    return set(re.findall(r'(?:href|src)="/static/([^"#?]+)', html))


@pytest.mark.parametrize("path", PATHS)
def test_first_visit_loads_little(world: World, path: str) -> None:
    html = world.clients["admin"].get(path).content
    names = assets_of(html.decode())

    contents = [html, *(Path(str(finders.find(name))).read_bytes() for name in names)]

    assert {"portal.css", "vendor/bootstrap/bootstrap.min.css", "portal.js"} <= names
    assert sum(len(gzip.compress(content)) for content in contents) < MOST
