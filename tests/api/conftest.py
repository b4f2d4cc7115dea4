"""The world of the pages, asked with tokens."""

import pytest
from pytest_django import Settings

from tests.api.asking import Asker, askers
from tests.pages.conftest import built_world as built_world
from tests.pages.conftest import now as now
from tests.pages.conftest import world as world
from tests.pages.world import World


@pytest.fixture
def asking(world: World, settings: Settings) -> dict[str, Asker]:
    """By role, each with a token that has every scope. The minute never ends here, so the limit is out of reach."""
    settings.API_REQUESTS_PER_MINUTE = 10_000
    return askers(world)
