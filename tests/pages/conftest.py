from collections.abc import Iterator

import pytest
import time_machine

from tests.pages.world import NOW, World, build


@pytest.fixture
def now() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def world(db: None, now: None) -> World:
    return build()
