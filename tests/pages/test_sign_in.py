"""Sign-in: throttled, without sign-up, in two languages, and never to another host."""

import pytest
import time_machine
from django.test import Client

from portal.roles import ACCOUNT_MANAGER
from tests.pages.world import NOW, PASSWORD, account

pytestmark = pytest.mark.django_db
LOGIN = "/accounts/login/"


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


def test_right_password_is_refused_after_six_wrong_ones_until_the_pause_is_over(client: Client) -> None:
    for _attempt in range(6):
        sign_in(client, "wrong")

    refused = sign_in(client, PASSWORD)
    with time_machine.travel(NOW.replace(minute=6), tick=False):
        accepted = sign_in(client, PASSWORD)

    assert (refused, accepted) == (200, 302)


def test_pause_is_explained(client: Client) -> None:
    for _attempt in range(6):
        response = client.post(LOGIN, {"login": "anna", "password": "wrong"})

    assert "Too many failed login attempts" in response.content.decode()


def test_many_attempts_from_one_address_get_the_page_for_it(client: Client) -> None:
    for number in range(31):
        response = client.post(LOGIN, {"login": f"user{number}", "password": "wrong"})

    assert response.status_code == 429
    assert "Too many attempts" in response.content.decode()


def test_session_is_another_one_after_the_sign_in(client: Client) -> None:
    client.get(LOGIN)
    client.cookies["sessionid"] = "fixed-by-somebody"

    sign_in(client, PASSWORD)

    assert client.cookies["sessionid"].value != "fixed-by-somebody"
    assert client.cookies["sessionid"]["httponly"]
    assert client.cookies["sessionid"]["samesite"] == "Lax"


@pytest.mark.parametrize("target", ["//evil.example/", "https://evil.example", "/\\evil.example", "https:evil.example"])
def test_sign_in_leads_to_no_other_host(client: Client, target: str) -> None:
    response = client.post(LOGIN, {"login": "anna", "password": PASSWORD, "next": target})

    assert response["Location"] == "/"


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
