from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from pytest_django import Settings

from registration.client import register, token_get
from registration.own_models import OwnRegistration
from registration.own_steps import the_own
from tests.registration.server import OTRS_ID, PASSWORD, RegistrationServer, running_server

NOW = datetime(2026, 11, 3, 12, tzinfo=UTC)


@pytest.fixture
def registry(settings: Settings) -> Iterator[RegistrationServer]:
    """A registration server that this portal is set to and not yet registered at."""
    with running_server() as running:
        settings.REGISTRATION_URL = running.url
        yield running


def register_now(*, system_type: str = "production", now: datetime = NOW) -> OwnRegistration:
    token = token_get(otrs_id=OTRS_ID, password=PASSWORD).token
    outcome = register(token=token, otrs_id=OTRS_ID, system_type=system_type, description="Büro", now=now)
    assert outcome.success, outcome.reason
    return the_own()


@pytest.fixture
def registered(db: None, registry: RegistrationServer) -> RegistrationServer:
    """The same, and this portal is registered there since ``NOW``; its requests so far are forgotten."""
    register_now()
    registry.bodies.clear()
    registry.heads.clear()
    return registry
