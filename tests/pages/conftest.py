from collections.abc import Iterator

import pytest
import time_machine
from pytest_django import Settings

from tests.billing.fake_kivitendo import FakeKivitendo, installed
from tests.pages.world import NOW, World, build


@pytest.fixture
def now() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def world(db: None, now: None) -> World:
    return build()


@pytest.fixture
def erp(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> FakeKivitendo:
    """A configured kivitendo that knows the first customer of the world."""
    return installed(settings, monkeypatch)
