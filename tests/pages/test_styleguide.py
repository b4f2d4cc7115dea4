"""The style guide: for development alone, and every component on it."""

import re

import pytest
from django.conf import settings as portal_settings
from django.test import Client
from pytest_django import Settings

from tests.pages.world import World

INCLUDES = portal_settings.BASE_DIR / "templates" / "common"


@pytest.fixture
def client(world: World) -> Client:
    return world.clients["manager"]


def test_style_guide_is_not_there_in_production(client: Client) -> None:
    assert client.get("/styleguide/").status_code == 404


@pytest.mark.parametrize("language", ["en", "de"])
def test_style_guide_shows_every_state(client: Client, settings: Settings, language: str) -> None:
    settings.DEBUG = True

    html = client.get("/styleguide/", headers={"accept-language": language}).content.decode()

    for name in ("note-good", "note-warn", "note-bad", "state-good", "state-warn", "state-bad", "state-info"):
        assert f"{name}" in html, name
    for name in ("btn-primary", "pagination", "chips", "facts", "swatch-bad-bg", "field-error", "toasts", "<progress"):
        assert name in html, name
    assert html.count('class="empty"') == 4
    assert html.count("data-close") == 3


def test_every_kind_of_emptiness_has_a_symbol_of_its_own(client: Client, settings: Settings) -> None:
    settings.DEBUG = True

    html = client.get("/styleguide/").content.decode()

    boxes = re.findall(r'class="empty">.*?#([a-z-]+)"', html, re.DOTALL)
    assert boxes == ["inbox", "search", "arrow-repeat", "lock"]
