"""Whoever is wrong too often waits, and is never locked out for good."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from portal.roles import ACCOUNT_MANAGER
from portal.sign_in_models import SignInCounter
from portal.throttling import LIMITS, Kind, TooManyAttempts, count_attempt, forget_old_attempts, give_back
from tests.at_once import at_once
from tests.pages.world import NOW, PASSWORD, TOTP_SECRET, account, signed_in, with_second_factor

pytestmark = pytest.mark.django_db
LOGIN = "/accounts/login/"
CODE = "/accounts/second-factor/code/"
WRONG = "wrong"


@pytest.fixture
def anna(now: None) -> User:
    return account("anna", ACCOUNT_MANAGER)


def sign_in(password: str = WRONG, *, name: str = "anna", client: Client | None = None, **headers: Any) -> int:
    response = (client or Client()).post(LOGIN, {"login": name, "password": password}, headers=headers)
    return response.status_code


def code_at(minutes: float = 0) -> str:
    """What the app shows then."""
    counter = int((NOW + timedelta(minutes=minutes)).timestamp()) // 30
    return str(format_hotp_value(hotp_value(TOTP_SECRET, counter)))


@contextmanager
def later(minutes: float) -> Iterator[None]:
    with time_machine.travel(NOW + timedelta(minutes=minutes), tick=False):
        yield


def test_fifty_wrong_passwords_are_refused_from_the_sixth_and_the_right_one_works_after_the_pause(anna: User) -> None:
    statuses = [sign_in() for _number in range(50)]
    right = sign_in(PASSWORD)
    with later(4.9):
        early = sign_in(PASSWORD)
    with later(5):
        after = sign_in(PASSWORD)

    assert statuses == 5 * [200] + 45 * [429]
    assert (right, early, after) == (429, 429, 302)


def test_refusal_says_how_long_to_wait(anna: User) -> None:
    for _number in range(5):
        sign_in()

    with later(2):
        response = Client().post(LOGIN, {"login": "anna", "password": PASSWORD})

    assert (response.status_code, response["Retry-After"]) == (429, "180")
    assert "Wait 3 minutes, then try again; nothing is locked for good." in response.content.decode()


def test_right_password_forgives_nothing_and_costs_nothing(anna: User) -> None:
    """Else an attacker with an account of his own would begin anew with each sign-in."""
    statuses = [sign_in(password) for password in (*4 * ["wrong"], *3 * [PASSWORD], "wrong", PASSWORD)]

    assert statuses == 4 * [200] + 3 * [302] + [200, 429]


def test_name_counts_whether_it_is_known_and_however_it_is_written(anna: User) -> None:
    unknown = [sign_in(name="nobody") for _number in range(6)]
    written = [sign_in(name=name) for name in ("anna", "ANNA", " anna", "ａｎｎａ", "Anna", "anna")]

    assert unknown == written == 5 * [200] + [429]


def test_address_that_guesses_for_many_names_is_refused_and_others_are_not(anna: User) -> None:
    statuses = [sign_in(name=f"user{number}") for number in range(21)]
    elsewhere = Client(REMOTE_ADDR="192.0.2.7")

    assert statuses == 20 * [200] + [429]
    assert (sign_in(PASSWORD), sign_in(PASSWORD, client=elsewhere)) == (429, 302)


def test_address_that_is_refused_uses_up_no_attempts_of_others(anna: User) -> None:
    for number in range(21):
        sign_in(name=f"user{number}")
    for _number in range(6):
        sign_in()

    assert sign_in(PASSWORD, client=Client(REMOTE_ADDR="192.0.2.7")) == 302


def test_invented_addresses_are_not_believed_behind_a_proxy(anna: User, settings: Settings) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

    statuses = [sign_in(name=f"user{number}", X_Forwarded_For=f"10.0.0.{number}, 203.0.113.9") for number in range(21)]

    assert statuses == 20 * [200] + [429]
    assert sign_in(PASSWORD, X_Forwarded_For="203.0.113.9, 203.0.113.10") == 302


def test_header_of_a_proxy_is_nothing_without_a_proxy(anna: User) -> None:
    statuses = [sign_in(name=f"user{number}", X_Forwarded_For=f"10.0.0.{number}") for number in range(21)]

    assert statuses == 20 * [200] + [429]


def test_network_of_an_ipv6_address_counts_as_one(anna: User) -> None:
    statuses = [
        sign_in(name=f"user{number}", client=Client(REMOTE_ADDR=f"2001:db8::{number:x}")) for number in range(21)
    ]

    assert statuses == 20 * [200] + [429]


def test_wrong_codes_are_refused_from_the_sixth_and_the_right_one_works_after_the_pause(anna: User) -> None:
    with_second_factor(anna)
    client = Client()
    sign_in(PASSWORD, client=client)

    statuses = [client.post(CODE, {"code": "000000"}).status_code for _number in range(50)]
    right = client.post(CODE, {"code": code_at()}).status_code
    with later(15):
        sign_in(PASSWORD, client=client)
        after = client.post(CODE, {"code": code_at(15)}).status_code

    assert statuses == 5 * [200] + 45 * [429]
    assert (right, after) == (429, 302)


def test_code_is_taken_once(anna: User) -> None:
    """Also where the library's own memory, the cache, has lost it, and in the half minutes before and after."""
    with_second_factor(anna)
    statuses = []

    for minutes in (0, 0.9):
        client = Client()
        with later(minutes):
            sign_in(PASSWORD, client=client)
            statuses.append(client.post(CODE, {"code": code_at()}).status_code)

    assert statuses == [302, 200]


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/accounts/reauthenticate/", "password"),
        ("/accounts/second-factor/confirm/", "code"),
        ("/accounts/password/change/", "oldpassword"),
    ],
)
def test_what_is_asked_for_again_is_throttled_too(anna: User, path: str, field: str) -> None:
    client = signed_in(with_second_factor(anna))
    new = {"password1": "battery staple horse", "password2": "battery staple horse"}

    statuses = [client.post(path, {field: "000000"} | new).status_code for _number in range(7)]

    assert statuses == 5 * [200] + 2 * [429]


def test_code_that_switches_the_second_factor_on_is_throttled_too(anna: User) -> None:
    client = signed_in(anna)
    client.get("/accounts/second-factor/set-up/")

    statuses = [client.post("/accounts/second-factor/set-up/", {"code": "000000"}).status_code for _ in range(7)]

    assert statuses == 5 * [200] + 2 * [429]


def test_unknown_name_takes_as_much_computing_as_a_wrong_password(anna: User, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[str] = []
    encode = MD5PasswordHasher.encode

    def counted(self: MD5PasswordHasher, password: str, salt: str) -> str:
        encoded.append(password)
        return encode(self, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", counted)
    User.objects.create_user("switched-off", password=PASSWORD, is_active=False)
    User.objects.create_user("without-password")
    counts = []
    for name in ("anna", "nobody", "switched-off", "without-password"):
        encoded.clear()
        assert sign_in(name=name) == 200
        counts.append(len(encoded))

    assert counts == [1, 1, 1, 1]


def test_answers_for_known_and_unknown_names_are_the_same(anna: User) -> None:
    def answer(name: str) -> str:
        html = Client().post(LOGIN, {"login": name, "password": "wrong"}).content.decode()
        return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", html).replace(name, "NAME")

    assert answer("anna") == answer("nobody")


@pytest.mark.parametrize("kind", list(Kind))
def test_pause_begins_with_the_first_attempt_and_is_not_prolonged(db: None, kind: Kind) -> None:
    limit = LIMITS[kind]
    for _number in range(limit.count):
        count_attempt(kind, "value", now=NOW)

    for part in (0.25, 0.5, 0.99):
        with pytest.raises(TooManyAttempts) as caught:
            count_attempt(kind, "value", now=NOW + part * limit.period)

    assert caught.value.retry_after == int(limit.period.total_seconds()) - int(0.99 * limit.period.total_seconds())
    count_attempt(kind, "value", now=NOW + limit.period)


def test_attempt_that_is_given_back_does_not_count(db: None) -> None:
    attempts = [count_attempt(Kind.CODE, "1", now=NOW) for _number in range(5)]

    give_back(attempts[0])

    count_attempt(Kind.CODE, "1", now=NOW)
    with pytest.raises(TooManyAttempts):
        count_attempt(Kind.CODE, "1", now=NOW)


def test_attempt_of_an_older_pause_is_not_given_back_to_a_newer_one(db: None) -> None:
    old = count_attempt(Kind.CODE, "1", now=NOW)
    for _number in range(5):
        count_attempt(Kind.CODE, "1", now=NOW + timedelta(hours=1))

    give_back(old)

    with pytest.raises(TooManyAttempts):
        count_attempt(Kind.CODE, "1", now=NOW + timedelta(hours=1))


def test_counters_hold_no_names_and_are_forgotten(db: None) -> None:
    count_attempt(Kind.ACCOUNT, "anna", now=NOW - timedelta(days=2))
    count_attempt(Kind.ADDRESS, "192.0.2.1", now=NOW)

    assert all(re.fullmatch(r"[0-9a-f]{64}", row.subject) for row in SignInCounter.objects.all())
    assert forget_old_attempts(now=NOW) == 1
    assert forget_old_attempts(now=NOW) == 0
    assert str(SignInCounter.objects.get()) == f"address {int(NOW.timestamp())} 1"


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_eight_attempts_in_the_same_moment_count_eight(now: None) -> None:
    account("anna", ACCOUNT_MANAGER)

    statuses = at_once(lambda number: sign_in(), workers=8)

    assert sorted(statuses) == 5 * [200] + 3 * [429]
    # What was refused for its name was not counted for its address.
    assert sorted(SignInCounter.objects.values_list("kind", "count")) == [("account", 8), ("address", 5)]
