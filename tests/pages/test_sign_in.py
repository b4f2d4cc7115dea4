"""Sign-in: throttled, without sign-up, in two languages, and never to another host."""

import re
from datetime import timedelta
from html import unescape
from urllib.parse import urlencode

import pytest
import time_machine
from django.conf import global_settings
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils.module_loading import import_string
from django.utils.translation import gettext, override

from portal.library_texts import INFORMAL, MISSING
from portal.roles import ACCOUNT_MANAGER
from portal.settings import BASE_DIR
from tests.pages.test_throttling import code_at
from tests.pages.world import NOW, PASSWORD, account, with_second_factor

ELSEWHERE = [
    "//evil.example/",
    "///evil.example",
    "https://evil.example",
    "http://evil.example/orders/",
    "https:evil.example",
    "https:///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "\x08//evil.example",
    " //evil.example",
    "http://testserver@evil.example/",
    "http://testserver.evil.example/",
    "http://evil.example\\@testserver/",
    "javascript:alert(1)",
    "data:text/html,x",
    "ftp://testserver/",
]
pytestmark = pytest.mark.django_db
LOGIN = "/accounts/login/"
DU = re.compile(r"\b(?:du|dein\w*|dir|dich|hast|bist|kannst|musst|möchtest|habe|gib|wähle|versuche)\b", re.IGNORECASE)


@pytest.fixture
def client(now: None) -> Client:
    account("anna", ACCOUNT_MANAGER)
    return Client()


def sign_in(client: Client, password: str, query: str = "") -> int:
    return client.post(f"{LOGIN}{query}", {"login": "anna", "password": password}).status_code


def test_right_password_leads_to_the_page_that_was_asked_for(client: Client) -> None:
    response = client.post(f"{LOGIN}?next=/orders/", {"login": "anna", "password": PASSWORD, "next": "/orders/"})

    assert (response.status_code, response["Location"]) == (302, "/orders/")


def test_wrong_password_is_refused_with_a_sentence(client: Client) -> None:
    response = client.post(LOGIN, {"login": "anna", "password": "wrong"})

    assert response.status_code == 200
    assert "not correct" in response.content.decode()


def test_session_is_another_one_after_the_sign_in(client: Client) -> None:
    client.get(LOGIN)
    client.cookies["sessionid"] = "fixed-by-somebody"

    sign_in(client, PASSWORD)

    assert client.cookies["sessionid"].value != "fixed-by-somebody"
    assert client.cookies["sessionid"]["httponly"]
    assert client.cookies["sessionid"]["samesite"] == "Lax"


@pytest.mark.parametrize("target", ELSEWHERE)
def test_sign_in_and_confirmation_lead_to_no_other_host(client: Client, target: str) -> None:
    signed_in = client.post(
        f"{LOGIN}?{urlencode({'next': target})}", {"login": "anna", "password": PASSWORD, "next": target}
    )
    confirmed = client.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": target})
    language = client.post("/language/", {"language": "en", "next": target})
    again = client.get(LOGIN, {"next": target})
    signed_out = client.post("/accounts/logout/", {"next": target})

    assert [response["Location"] for response in (signed_in, confirmed, language, again, signed_out)] == 5 * ["/"]


def test_second_factor_leads_to_no_other_host(client: Client) -> None:
    with_second_factor(User.objects.get())

    for minutes, target in enumerate(ELSEWHERE):
        with time_machine.travel(NOW + timedelta(minutes=minutes), tick=False):
            client.post(LOGIN, {"login": "anna", "password": PASSWORD, "next": target})
            response = client.post("/accounts/second-factor/code/", {"code": code_at(minutes), "next": target})
            client.post("/accounts/logout/")
        assert response["Location"] == "/", target


def test_passwords_are_checked_for_length_and_guessability_and_nothing_else(client: Client) -> None:
    user = User.objects.get()
    refused = ["elevenchars", "qwertyuiop123", "1q2w3e4r5t6y", "annaannaanna1"]
    user.username = "annaannaanna"
    accepted = ["twelve chars", "x" * 64 + " ü🙂", "a" * 200]

    for password in refused:
        with pytest.raises(ValidationError):
            validate_password(password, user)
    for password in accepted:
        validate_password(password, user)


def test_passwords_are_stored_with_a_slow_hash() -> None:
    """The suite uses a fast one; the product sets none, so Django's first counts."""
    hasher = import_string(global_settings.PASSWORD_HASHERS[0])()

    assert "PASSWORD_HASHERS" not in (BASE_DIR / "portal" / "settings.py").read_text(encoding="utf-8")
    assert (hasher.algorithm, hasher.iterations >= 1_000_000) == ("pbkdf2_sha256", True)


def test_nobody_signs_up(client: Client) -> None:
    page = client.get("/accounts/signup/")
    posted = client.post("/accounts/signup/", {"username": "new", "password1": PASSWORD, "password2": PASSWORD})

    assert "Accounts are made by an administrator" in page.content.decode()
    assert "Accounts are made by an administrator" in posted.content.decode()


def test_sign_out_needs_a_post(client: Client) -> None:
    sign_in(client, PASSWORD)

    client.get("/accounts/logout/")
    still = client.get("/").status_code
    client.post("/accounts/logout/")
    after = client.get("/").status_code

    assert (still, after) == (200, 302)


def test_password_is_changed_and_short_ones_are_refused(client: Client) -> None:
    sign_in(client, PASSWORD)
    fields = {"oldpassword": PASSWORD, "password1": "short", "password2": "short"}
    long = {"oldpassword": PASSWORD, "password1": "battery staple horse", "password2": "battery staple horse"}

    refused = client.post("/accounts/password/change/", fields)
    accepted = client.post("/accounts/password/change/", long)

    assert "at least 12 characters" in refused.content.decode()
    assert accepted.status_code == 302
    assert sign_in(Client(), "battery staple horse") == 302


def test_page_comes_in_the_language_of_the_browser(client: Client) -> None:
    html = client.get(LOGIN, headers={"accept-language": "de-DE,de"}).content.decode()

    assert '<html lang="de">' in html
    assert "Anmelden" in html


@pytest.mark.parametrize("path", ["/accounts/password/reset/", "/accounts/email/", "/accounts/password/set/"])
def test_pages_that_need_mail_are_not_offered(client: Client, path: str) -> None:
    sign_in(client, PASSWORD)

    assert client.get(path).status_code == 404


def test_admin_has_no_sign_in_of_its_own(client: Client) -> None:
    response = client.get("/admin/", follow=True)

    assert response.request["PATH_INFO"] == "/accounts/login/"
    assert response.request["QUERY_STRING"] == "next=%2Fadmin%2F"


def test_german_pages_about_the_sign_in_say_sie(client: Client) -> None:
    client.post("/language/", {"language": "de"})
    account("clara", ACCOUNT_MANAGER)
    new = {"oldpassword": "wrong", "password1": "Kl8-garden-Lamp", "password2": "another-Lamp-8"}
    wrong = {"login": "clara", "password": "wrong"}

    pages = [client.get(LOGIN), client.post(LOGIN, wrong), client.get("/accounts/signup/")]
    client.post(LOGIN, wrong | {"password": PASSWORD})
    own = ("password/change/", "reauthenticate/", "sessions/", "second-factor/", "second-factor/set-up/", "logout/")
    pages += [client.get(f"/accounts/{path}", follow=True) for path in own]
    pages.append(client.post("/accounts/password/change/", new))
    pages.append(client.post("/accounts/second-factor/set-up/", {"code": "000000"}))
    pages.append(client.post("/accounts/logout/", follow=True))

    said = [DU.findall(unescape(re.sub(r"<[^>]+>", " ", page.content.decode()))) for page in pages]
    assert said == [[]] * len(pages)
    assert "Sie haben sich abgemeldet." in pages[-1].content.decode()


@pytest.mark.parametrize("text", INFORMAL + MISSING)
def test_texts_of_the_library_say_sie(text: str) -> None:
    with override("de"):
        german = gettext(text)

    assert german != text
    assert DU.findall(german) == []
