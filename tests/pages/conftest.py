from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from itertools import groupby

import pytest
import time_machine
from django.db import transaction
from django.test import Client
from pytest_django import DjangoDbBlocker, Settings

from tests.billing.fake_kivitendo import FakeKivitendo, installed
from tests.pages.world import NOW, World, build


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Within each module the tests without a world come first: those with one share its rows from then on.

    Nothing else moves: tests that empty the tables come last, behind all that need what migrations have written.
    """
    modules = [list(found) for _path, found in groupby(items, key=lambda item: item.path)]
    items[:] = [item for module in modules for item in sorted(module, key=_has_world)]


def _has_world(item: pytest.Item) -> bool:
    return "world" in getattr(item, "fixturenames", ())


@pytest.fixture
def now() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture(scope="module")
def built_world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """Written once for each module; each test then works in a transaction of its own inside this one."""
    with django_db_blocker.unblock(), transaction.atomic():
        with time_machine.travel(NOW, tick=False):
            built = build()
        with django_db_blocker.block():
            yield built
        transaction.set_rollback(True)


@pytest.fixture
def world(built_world: World, db: None, now: None) -> World:
    """Objects that no other test has in hand; the sessions are the built ones."""
    copied = deepcopy(replace(built_world, clients={}))
    copied.clients = {name: _same_session(client) for name, client in built_world.clients.items()}
    return copied


def _same_session(client: Client) -> Client:
    other = Client()
    other.cookies = deepcopy(client.cookies)
    return other


@pytest.fixture
def erp(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> FakeKivitendo:
    """A configured kivitendo that knows the first customer of the world."""
    return installed(settings, monkeypatch)
