"""This portal as a client of this very product as a server, over a real socket and a real database."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.hashers import make_password
from django.utils import timezone
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from registration.client import deregister, register, registration_update_send, token_get
from registration.models import Account, RegisteredSystem, RegistrationEvent
from registration.own_models import OwnRegistration
from registration.own_steps import the_own
from tests.registration.server import OTRS_ID, PASSWORD

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture
def endpoint(live_server: LiveServer, settings: Settings) -> str:
    url = f"{live_server.url}/otrs/public.pl"
    settings.REGISTRATION_URL = url
    Account.objects.create(otrs_id=OTRS_ID, password=make_password(PASSWORD))
    return url


def token(purpose: str = "") -> str:
    outcome = token_get(otrs_id=OTRS_ID, password=PASSWORD, purpose=purpose)
    assert outcome.success, outcome.reason
    return outcome.token


def register_there() -> None:
    outcome = register(
        token=token("Register"), otrs_id=OTRS_ID, system_type="test", description="Büro", now=timezone.now()
    )
    assert outcome.success, outcome.reason


def system() -> RegisteredSystem:
    return RegisteredSystem.objects.get(unique_id=the_own().unique_id)


def test_whole_life_at_the_real_endpoint(endpoint: str) -> None:
    register_there()
    found = system()
    assert (found.state, found.reported_type, found.reported_description) == ("active", "test", "Büro")
    assert found.fqdn == "portal.example.com"
    assert found.perl_version.startswith("Python 3.")
    assert found.product_version.startswith("Billing portal ")

    for _ in range(3):
        outcome = registration_update_send(now=timezone.now())
        assert outcome.success, outcome.reason
    assert (system().mode, system().state) == ("attempt", "active")

    outcome = deregister(token=token("Deregister"), otrs_id=OTRS_ID, now=timezone.now())
    assert outcome.success, outcome.reason
    assert (the_own().state, system().state) == ("deregistered", "deregistered")


def test_wrong_password_and_wrong_token_are_told(endpoint: str) -> None:
    wrong = token_get(otrs_id=OTRS_ID, password="wrong")
    refused = register(token="nothing", otrs_id=OTRS_ID, system_type="test", now=timezone.now())

    assert wrong.reason == "Username unknown or password incorrect."
    assert (refused.success, refused.reason != "") == (False, True)
    assert the_own().state == "never"


def test_lost_answer_is_repeated_by_the_server(endpoint: str) -> None:
    register_there()
    before = OwnRegistration.objects.get()
    registration_update_send(now=timezone.now())
    attempt = RegisteredSystem.objects.get().last_attempt
    OwnRegistration.objects.update(update_id=before.update_id)  # as if the answer had never been kept
    assert attempt

    outcome = registration_update_send(now=timezone.now())

    # Another attempt with the id of before is what a copy sends; the same attempt would have been repeated.
    assert (outcome.success, system().state, the_own().state) == (False, "conflict", "refused")
    register_there()
    assert (the_own().state, the_own().refused_at) == ("registered", None)
    assert registration_update_send(now=timezone.now()).success


def test_attempt_that_waits_gets_its_answer_again(endpoint: str) -> None:
    register_there()
    row = _stored()
    OwnRegistration.objects.update(pending_attempt="a" * 32)
    waiting = _stored()
    assert registration_update_send(now=timezone.now()).success
    first = the_own().update_id
    OwnRegistration.objects.update(**waiting)

    assert registration_update_send(now=timezone.now()).success

    assert (the_own().update_id, row["update_id"] != first) == (first, True)
    kinds = list(RegistrationEvent.objects.filter(system=system()).values_list("kind", flat=True))
    assert kinds[-1] == "repeated"


def test_copy_with_an_attempt_of_long_ago_is_found(endpoint: str) -> None:
    register_there()
    OwnRegistration.objects.update(pending_attempt="a" * 32)
    copy = _stored()
    for _ in range(3):
        assert registration_update_send(now=timezone.now()).success
    OwnRegistration.objects.update(**copy)

    outcome = registration_update_send(now=timezone.now())

    assert (outcome.success, system().state, the_own().state) == (False, "conflict", "refused")


def test_portal_that_was_off_for_months_reports_again(endpoint: str) -> None:
    register_there()

    with time_machine.travel(timezone.now() + timedelta(days=100), tick=False):
        assert registration_update_send(now=timezone.now()).success

    assert (system().state, the_own().state) == ("active", "registered")


def _stored() -> dict[str, Any]:
    own = the_own()
    return {name: getattr(own, name) for name in ("update_id", "pending_attempt", "pending_given", "last_ok", "state")}
