"""The page of the own registration, and what the frame of every page says of it."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import Client
from django.utils.html import escape
from pytest_django import DjangoAssertNumQueries, Settings

from billing.models import BillingRun
from portal.templatetags.portal_pages import registration_warning
from registration.own_models import OwnRegistration
from registration.own_steps import the_own
from registration.own_texts import expired_text
from tests.pages.world import HOSTILE, NOW, World
from tests.registration.server import OTRS_ID, PASSWORD, RegistrationServer, running_server

PAGE = "/registration/own/"
ACCOUNT = {"otrs_id": OTRS_ID, "password": PASSWORD}
FORM = ACCOUNT | {"system_type": "test", "description": "Büro"}
LONG_AGO = NOW - timedelta(days=45)


@pytest.fixture
def registry(settings: Settings) -> Iterator[RegistrationServer]:
    with running_server() as running:
        settings.REGISTRATION_URL = running.url
        yield running


@pytest.fixture
def admin(world: World) -> Client:
    return world.clients["admin"]


@pytest.fixture
def registered(admin: Client, registry: RegistrationServer) -> RegistrationServer:
    admin.post(f"{PAGE}register/", FORM)
    return registry


def html_of(client: Client, path: str = PAGE) -> str:
    return " ".join(client.get(path).content.decode().split())


def test_portal_without_a_server_has_no_form(admin: Client) -> None:
    html = html_of(admin)

    assert "REGISTRATION_URL names no registration server" in html
    assert "never registered" in html
    assert "Nothing was sent yet" in html
    assert 'name="password"' not in html


def test_registering_from_the_page(admin: Client, registry: RegistrationServer) -> None:
    response = admin.post(f"{PAGE}register/", FORM, follow=True)

    html = response.content.decode()
    assert (response.redirect_chain, "This portal is registered." in html) == ([(PAGE, 302)], True)
    assert (the_own().system_type, the_own().description) == ("test", "Büro")
    assert the_own().unique_id in html
    assert registry.data(0) == {"Purpose": "Register"}
    assert "Register again" in html
    assert "(dora)" in html
    assert not any(secret in html for secret in (PASSWORD, the_own().api_key, "token-1"))


@pytest.mark.parametrize("call", ["register", "deregister"])
def test_wrong_password_is_told_and_never_shown_again(admin: Client, registered: RegistrationServer, call: str) -> None:
    response = admin.post(f"{PAGE}{call}/", FORM | {"password": "wrong-one"}, follow=True)

    html = response.content.decode()
    assert "Username unknown or password incorrect." in html
    assert "wrong-one" not in html
    assert the_own().state == "registered"


@pytest.mark.parametrize("call", ["register", "deregister"])
def test_incomplete_form_sends_nothing_and_says_what_is_missing(
    admin: Client, registered: RegistrationServer, call: str
) -> None:
    sent = len(registered.bodies)

    response = admin.post(f"{PAGE}{call}/", FORM | {"otrs_id": ""})

    html = response.content.decode()
    assert (response.status_code, len(registered.bodies)) == (200, sent)
    assert "Please check what you entered" in html
    assert PASSWORD not in html
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))


def test_update_now(admin: Client, registered: RegistrationServer) -> None:
    response = admin.post(f"{PAGE}update/", follow=True)

    assert "The registration server took the update." in response.content.decode()
    assert len(registered.only().updates) == 1


def test_update_that_fails_is_told_and_stays_on_the_page(admin: Client, registered: RegistrationServer) -> None:
    registered.faults = ["lost request"] * 3

    told = admin.post(f"{PAGE}update/", follow=True).content.decode()

    assert "Can&#x27;t connect to server" in told
    html = html_of(admin)
    assert escape(the_own().error) in html
    assert "It is sent again as it was." in html


def test_refused_portal_is_warned_on_every_page_and_registers_again(
    admin: Client, registered: RegistrationServer
) -> None:
    registered.only().state = "conflict"
    admin.post(f"{PAGE}update/")

    assert "has refused this portal since" in html_of(admin, "/tickets/")
    assert "refused, must be registered again" in html_of(admin)
    admin.post(f"{PAGE}register/", FORM)
    assert "has refused this portal since" not in html_of(admin, "/tickets/")


def test_deregistering_from_the_page(admin: Client, registered: RegistrationServer) -> None:
    html = admin.post(f"{PAGE}deregister/", ACCOUNT, follow=True).content.decode()

    assert "This portal is deregistered. It reports no more." in html
    assert registered.data(-2) == {"Purpose": "Deregister"}
    assert "Update now" not in html


def test_what_the_server_says_is_escaped(admin: Client, registered: RegistrationServer) -> None:
    registered.changes = {"Description": HOSTILE, "Type": "<b>test</b>"}
    admin.post(f"{PAGE}update/")

    html = admin.get(PAGE).content.decode()

    assert (the_own().description, the_own().system_type) == (HOSTILE, "<b>test</b>")
    assert escape(HOSTILE) in html
    assert "<svg onload" not in html
    assert "<b>test" not in html


def test_stranger_changes_nothing(world: World, registered: RegistrationServer) -> None:
    before = OwnRegistration.objects.values().get()

    for role in ("manager", "billing"):
        for call in ("", "register/", "update/", "deregister/"):
            assert world.clients[role].post(f"{PAGE}{call}", FORM).status_code in (404, 405)

    assert OwnRegistration.objects.values().get()["update_id"] == before["update_id"]


def test_expired_portal_says_so_to_whoever_bills_on_the_start_page(
    world: World, registered: RegistrationServer
) -> None:
    OwnRegistration.objects.update(last_ok=LONG_AGO)

    starts = {role: html_of(world.clients[role], "/") for role in ("admin", "billing", "manager")}
    tickets = {role: html_of(world.clients[role], "/tickets/") for role in ("admin", "billing", "manager")}

    assert {role: html.count(expired_text()) for role, html in starts.items()} == {
        "admin": 1,
        "billing": 1,
        "manager": 0,
    }
    assert {role: html.count(expired_text()) for role, html in tickets.items()} == {
        "admin": 1,
        "billing": 0,
        "manager": 0,
    }


def test_expired_portal_still_bills_by_button_and_exports(world: World, registered: RegistrationServer) -> None:
    client = world.clients["billing"]
    OwnRegistration.objects.update(last_ok=LONG_AGO)

    started = client.post("/orders/runs/start/", {"period": "2026-11"})
    exported = client.get("/orders/?period=all&export=csv")

    assert (started.status_code, exported.status_code) == (302, 200)
    assert BillingRun.objects.filter(month="2026-11-01").exists()
    assert str(world.order.customer.customer_id) in exported.content.decode()


def test_frame_asks_nothing_for_who_may_not_manage_it(
    world: World, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for role, queries in (("manager", 0), ("billing", 0), ("admin", 1)):
        user = world.clients[role].get("/").context["user"]
        user.get_all_permissions()
        with django_assert_num_queries(queries):
            assert registration_warning({"user": user}) == ""  # type: ignore[arg-type]
