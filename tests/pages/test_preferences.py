"""Preferences: language and keys, kept per person, and what the command palette offers to whom."""

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portal.languages import language_of
from portal.models import Preferences
from portal.palette import palette_entries
from portal.person import Person
from tests.factories.tickets import AgentFactory
from tests.pages.world import World

PATH = "/preferences/"
OFF = 'data-shortcuts="off"'


def test_keys_are_on_until_they_are_switched_off(world: World) -> None:
    client = world.clients["manager"]
    before = client.get("/orders/").content.decode()

    response = client.post(PATH, {"language": "en"}, follow=True)
    after = client.get("/orders/").content.decode()
    client.post(PATH, {"language": "en", "shortcuts": "on"})

    assert "Your preferences are kept." in response.content.decode()
    assert (OFF in before, OFF in after, OFF in client.get("/orders/").content.decode()) == (False, True, False)


def test_preferences_are_of_one_person(world: World) -> None:
    world.clients["manager"].post(PATH, {"language": "en"})

    assert str(Preferences.objects.get()) == str(User.objects.get(username="anna").pk)
    assert OFF not in world.clients["billing"].get("/orders/").content.decode()


def test_sent_twice_is_kept_once(world: World) -> None:
    for _time in range(2):
        world.clients["manager"].post(PATH, {"language": "de"})

    assert Preferences.objects.count() == 1


def test_language_is_that_of_pages_and_mails(world: World) -> None:
    client = world.clients["manager"]

    html = client.post(PATH, {"language": "de", "shortcuts": "on"}, follow=True).content.decode()

    assert '<html lang="de">' in html
    assert language_of(User.objects.get(username="anna")) == "de"


def test_unknown_language_is_refused_and_nothing_kept(world: World) -> None:
    html = world.clients["manager"].post(PATH, {"language": "xx"}).content.decode()

    assert "Select a valid choice" in html
    assert not Preferences.objects.exists()


def test_page_tells_the_keys_and_is_in_the_menu(world: World) -> None:
    client = world.clients["manager"]

    assert "<kbd>j</kbd>" in client.get(PATH).content.decode()
    assert 'href="/preferences/"' in client.get("/").content.decode()


def test_preferences_cost_no_query_of_their_own(world: World) -> None:
    client = world.clients["manager"]
    with CaptureQueriesContext(connection) as before:
        client.get("/orders/agreements/")
    client.post(PATH, {"language": "en"})
    client.get("/orders/agreements/")

    with CaptureQueriesContext(connection) as after:
        client.get("/orders/agreements/")

    assert len(after) == len(before)


@pytest.mark.slow
def test_palette_offers_only_pages_that_open(world: World) -> None:
    AgentFactory(system=world.system, account=User.objects.get(username="anna"))
    for name, client in world.clients.items():
        if name == "anonymous":
            continue
        person = Person(has_own_month=name == "manager")
        entries = palette_entries(_user(client), person)

        statuses = {entry.label: client.get(entry.url).status_code for entry in entries}

        assert set(statuses.values()) == {200}, (name, statuses)


def test_no_two_pages_of_the_palette_share_a_key(world: World) -> None:
    keys = [entry.key for entry in palette_entries(_user(world.clients["admin"]), Person(has_own_month=True))]

    named = [key for key in keys if key]
    assert len(named) == len(set(named))


def test_visitor_has_neither_palette_nor_keys(world: World) -> None:
    html = world.clients["anonymous"].get("/accounts/login/").content.decode()

    assert 'id="palette"' not in html
    assert palette_entries(AnonymousUser(), Person()) == []


def _user(client: Client) -> User:
    return User.objects.get(pk=client.session["_auth_user_id"])
