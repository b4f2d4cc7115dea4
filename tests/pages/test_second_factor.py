"""The second factor: set up, asked for, required of roles, taken away when it is lost."""

import re

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.core.checks import run_checks
from django.db import connection
from django.test import Client
from pytest_django import Settings

from portal.roles import ACCOUNT_MANAGER, ADMINISTRATOR, BILLING
from portal.sign_in_middleware import OPEN_WITHOUT_SECOND_FACTOR
from tests.commands import run_command
from tests.pages.pages import MACHINES, addresses
from tests.pages.test_throttling import CODE, LOGIN, code_at, later
from tests.pages.world import NOW, PASSWORD, TOTP_SECRET, World, account, signed_in, with_second_factor

pytestmark = pytest.mark.django_db
SET_UP = "/accounts/second-factor/set-up/"
RECOVERY = "/accounts/second-factor/recovery/"
SWITCH_OFF = "/accounts/second-factor/switch-off/"


@pytest.fixture
def anna(now: None) -> User:
    return account("anna", ACCOUNT_MANAGER)


@pytest.fixture
def required(settings: Settings) -> None:
    settings.SECOND_FACTOR_REQUIRED_FOR = ["administrator", "billing"]


def sign_in(client: Client, name: str = "anna") -> str:
    """Where the right password leads to."""
    return str(client.post(LOGIN, {"login": name, "password": PASSWORD})["Location"])


def set_up(client: Client) -> str:
    """Switch it on as the page says; returns the secret."""
    html = client.get(SET_UP).content.decode()
    found = re.search(r"<code class=\"text-break\">([A-Z2-7]+)</code>", html)
    assert found is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.pages.test_throttling.TOTP_SECRET", found[1])
        response = client.post(SET_UP, {"code": code_at()})
    assert (response.status_code, response["Location"]) == (302, RECOVERY)
    return found[1]


def test_second_factor_is_set_up_and_asked_for_from_then_on(anna: User) -> None:
    client = Client()
    assert sign_in(client) == "/"
    secret = set_up(client)
    other = Client()

    asked = sign_in(other)
    still_a_stranger = other.get("/").status_code
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.pages.test_throttling.TOTP_SECRET", secret)
        accepted = other.post(CODE, {"code": code_at(0.5)})

    assert (asked, still_a_stranger) == (CODE, 302)
    assert (accepted.status_code, accepted["Location"]) == (302, "/")
    assert other.get("/").status_code == 200


def test_page_shows_the_key_as_picture_that_the_policy_allows(anna: User) -> None:
    response = signed_in(anna).get(SET_UP)

    assert 'src="data:image/svg+xml;base64,' in response.content.decode()
    assert "img-src 'self' data:" in response["Content-Security-Policy"]
    assert "no-store" in response["Cache-Control"]


def test_wrong_code_switches_nothing_on(anna: User) -> None:
    client = signed_in(anna)
    client.get(SET_UP)

    html = client.post(SET_UP, {"code": "000000"}).content.decode()

    assert "Incorrect code" in html
    assert not Authenticator.objects.exists()


def test_setting_up_ends_the_sessions_that_the_password_alone_began(anna: User) -> None:
    stranger, client = Client(), Client()
    sign_in(stranger)
    sign_in(client)

    set_up(client)

    assert (client.get("/").status_code, stranger.get("/").status_code) == (200, 302)


def test_secrets_are_encrypted_in_the_database_and_shown_by_no_page(world: World) -> None:
    codes = Authenticator.objects.filter(type="recovery_codes").first().wrap().get_unused_codes()  # type: ignore[union-attr]
    with connection.cursor() as cursor:
        cursor.execute("SELECT data FROM mfa_authenticator")
        stored = str(cursor.fetchall())
    pages = [address.path for address in addresses(world) if not address.posts]
    user = User.objects.get(username="anna")
    pages += [f"/admin/auth/user/{user.pk}/change/", f"/admin/auth/user/{user.pk}/sign-in/", "/admin/"]

    shown = "".join(world.clients["admin"].get(path, follow=True).content.decode() for path in pages)

    assert stored.count("gAAAAA") == Authenticator.objects.count()
    for secret in (TOTP_SECRET, *codes):
        assert secret not in stored
        assert secret not in shown


def test_recovery_code_opens_once(anna: User) -> None:
    with_second_factor(anna)
    code = Authenticator.objects.get(user=anna, type="recovery_codes").wrap().get_unused_codes()[0]
    statuses = []

    for _number in range(2):
        client = Client()
        sign_in(client)
        statuses.append(client.post(CODE, {"code": code}).status_code)

    assert statuses == [302, 200]


@pytest.mark.parametrize("path", [RECOVERY, f"{RECOVERY}file/", f"{RECOVERY}new/", SWITCH_OFF])
def test_codes_and_switch_are_reached_by_those_who_confirm_that_it_is_they(anna: User, path: str) -> None:
    client = signed_in(with_second_factor(anna))

    fresh = client.get(path).status_code
    with later(6):
        asked = client.get(path)
        client.post(asked["Location"], {"password": PASSWORD})
        confirmed = client.get(path)

    assert fresh == 200
    assert (asked.status_code, asked["Location"].split("?")[0]) == (302, "/accounts/reauthenticate/")
    assert confirmed.status_code == 200
    shows_codes = path in (RECOVERY, f"{RECOVERY}file/")
    assert ("no-store" in confirmed.headers.get("Cache-Control", "")) == shows_codes


def test_switching_off_needs_the_confirmation_also_by_post(anna: User) -> None:
    client = signed_in(with_second_factor(anna))

    with later(6):
        client.post(SWITCH_OFF)
    before = Authenticator.objects.filter(user=anna).count()
    client.post(SWITCH_OFF)

    assert (before, Authenticator.objects.filter(user=anna).count()) == (2, 0)


def test_new_recovery_codes_replace_the_old_ones(anna: User) -> None:
    client = signed_in(with_second_factor(anna))
    old = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()

    client.post(f"{RECOVERY}new/")
    new = client.get(f"{RECOVERY}file/").content.decode().split()

    assert len(new) == 10
    assert not set(old) & set(new)


def test_whoever_must_have_one_reaches_nothing_else(world: World, required: None) -> None:
    Authenticator.objects.all().delete()
    reached: dict[str, int] = {}

    for name in ("billing", "admin"):
        for address in addresses(world):
            got = world.clients[name].get(address.path)
            posted = world.clients[name].post(address.path) if address.name != "account_logout" else got
            polled = world.clients[name].get(address.path, headers={"HX-Request": "true"})
            if (got.status_code, got.headers.get("Location"), posted.status_code, polled.status_code) != (
                302,
                SET_UP,
                403,
                403,
            ):
                reached[address.name] = got.status_code
    assert set(reached) == OPEN_WITHOUT_SECOND_FACTOR
    assert world.clients["admin"].get("/admin/")["Location"] == SET_UP
    assert world.clients["manager"].get("/").status_code == 200
    assert OPEN_WITHOUT_SECOND_FACTOR >= MACHINES


def test_page_that_sets_it_up_says_why_and_the_rest_opens_afterwards(required: None, now: None) -> None:
    account("clara", BILLING)
    client = Client()
    sign_in(client, "clara")

    html = client.get("/", follow=True).content.decode()
    refused = client.post("/orders/runs/start/")
    set_up(client)

    assert "Your role needs a second factor" in html
    assert "Nothing was changed. Set it up, then do it again." in refused.content.decode()
    assert client.get("/").status_code == 200


@pytest.mark.parametrize(
    ("role", "flags", "needs"),
    [
        (ACCOUNT_MANAGER, {}, False),
        (BILLING, {}, False),
        (ADMINISTRATOR, {}, True),
        (ACCOUNT_MANAGER, {"is_staff": True}, True),
        (ACCOUNT_MANAGER, {"is_superuser": True}, True),
    ],
)
def test_staff_and_superusers_count_as_administrators(
    settings: Settings, now: None, role: str, flags: dict[str, bool], needs: bool
) -> None:
    settings.SECOND_FACTOR_REQUIRED_FOR = ["administrator"]
    user = account("anna", role)
    User.objects.filter(pk=user.pk).update(**flags)

    assert (signed_in(user).get("/").status_code == 302) == needs


def test_role_that_is_given_counts_from_the_next_request(required: None, anna: User) -> None:
    client = signed_in(anna)
    assert client.get("/").status_code == 200

    anna.groups.add(Group.objects.get(name=BILLING))

    assert client.get("/")["Location"] == SET_UP


@pytest.mark.parametrize(
    ("https", "names", "found"),
    [
        (True, ["administrator"], []),
        (True, [], ["portal.W010"]),
        (False, [], []),
        (True, ["administrator", "adminstrator"], ["portal.E010"]),
    ],
)
def test_check_finds_roles_that_do_not_exist_and_that_nobody_needs_one(
    settings: Settings, https: bool, names: list[str], found: list[str]
) -> None:
    settings.HTTPS, settings.SECOND_FACTOR_REQUIRED_FOR = https, names

    assert [message.id for message in run_checks() if message.id in ("portal.W010", "portal.E010")] == found


def test_administrator_takes_a_lost_factor_away_and_it_is_written_down(anna: User) -> None:
    with_second_factor(anna)
    lost = Client()
    sign_in(lost)
    lost.post(CODE, {"code": code_at()})
    client = signed_in(account("dora", ADMINISTRATOR, is_staff=True))
    page = f"/admin/auth/user/{anna.pk}/sign-in/"

    shown = client.get(page).content.decode()
    client.post(page, {"action": "second-factor"})

    assert "Take the second factor away" in shown
    assert not Authenticator.objects.filter(user=anna).exists()
    assert lost.get("/").status_code == 302
    assert sign_in(Client()) == "/"
    sentence = "dora has taken away the second factor of anna; all sessions were ended."
    assert LogEntry.objects.get().change_message == sentence
    assert sentence.removeprefix("d") in client.get(page).content.decode()  # the set-up capitalises what it tells


def test_administrator_must_confirm_first(anna: User) -> None:
    with_second_factor(anna)
    client = signed_in(account("dora", ADMINISTRATOR, is_staff=True))

    with later(6):
        response = client.post(f"/admin/auth/user/{anna.pk}/sign-in/", {"action": "second-factor"})

    assert response["Location"].startswith("/accounts/reauthenticate/")
    assert Authenticator.objects.filter(user=anna).exists()


def test_administrator_does_not_touch_a_superuser_and_others_touch_nobody(anna: User) -> None:
    root = with_second_factor(User.objects.create_superuser("root", password=PASSWORD))
    with_second_factor(anna)

    for name, role, user in (("dora", ADMINISTRATOR, root), ("clara", BILLING, anna)):
        client = signed_in(account(name, role, is_staff=True))
        response = client.post(f"/admin/auth/user/{user.pk}/sign-in/", {"action": "second-factor"})
        assert response.status_code == 403

    assert Authenticator.objects.count() == 4


def test_unknown_action_does_nothing(anna: User) -> None:
    with_second_factor(anna)
    client = signed_in(account("dora", ADMINISTRATOR, is_staff=True))

    client.post(f"/admin/auth/user/{anna.pk}/sign-in/", {"action": "everything"})

    assert Authenticator.objects.filter(user=anna).count() == 2
    assert not LogEntry.objects.exists()


def test_command_takes_it_away_where_no_administrator_is_left(anna: User) -> None:
    with_second_factor(anna)
    client = Client()
    sign_in(client)
    client.post(CODE, {"code": code_at()})

    first, again = run_command("take_second_factor", "anna"), run_command("take_second_factor", "anna")

    assert (first[0], first[1].strip()) == (0, "The second factor of anna is gone; all sessions were ended.")
    assert (again[0], again[1].strip()) == (0, "anna had none.")
    assert not Session.objects.exists() or client.get("/").status_code == 302


def test_command_knows_no_user_of_another_name(db: None) -> None:
    code, _, text = run_command("take_second_factor", "nobody")

    assert (code, text) == (2, "There is no user nobody.")


def test_what_the_library_would_show_is_not_in_the_set_up_pages(anna: User) -> None:
    client = signed_in(User.objects.create_superuser("root", password=PASSWORD))

    for path in ("/admin/mfa/authenticator/", "/admin/usersessions/usersession/"):
        assert client.get(path).status_code == 404


def test_password_alone_does_not_sign_in_however_the_code_is_skipped(anna: User) -> None:
    with_second_factor(anna)
    client = Client()
    sign_in(client)

    statuses = [client.get(path).status_code for path in ("/", "/tickets/", SWITCH_OFF, RECOVERY, SET_UP)]
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    with time_machine.travel(NOW, tick=False):
        after = client.get("/").status_code

    assert statuses == 5 * [302]
    assert after == 302
