"""Strict headers on whatever the portal answers, and the score that a public scanner would give for them."""

import re
from http.cookies import Morsel, SimpleCookie
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path
from pytest_django import Settings

from portal.urls import handler500 as handler500
from portal.urls import urlpatterns as portal_patterns
from tests.pages.pages import addresses
from tests.pages.test_frame import POLICY
from tests.pages.world import PASSWORD, TOTP_SECRET, World

pytestmark = pytest.mark.slow

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
SECRET = "marker-of-an-inner-detail"


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError(SECRET)


urlpatterns = [path("broken/", broken), path("", include(portal_patterns))]


def missing(response: Any) -> set[str]:
    """Names of the headers that are not as strict as they should be."""
    found = {name for name, value in HEADERS.items() if response.headers.get(name) != value}
    if set(response.headers.get("Content-Security-Policy", "").split("; ")) != POLICY:
        found.add("Content-Security-Policy")
    if "camera=()" not in response.headers.get("Permissions-Policy", ""):
        found.add("Permissions-Policy")
    if "Access-Control-Allow-Origin" in response.headers:
        found.add("Access-Control-Allow-Origin")
    return found


def test_every_address_answers_with_strict_headers(world: World) -> None:
    faults = {}
    for name in ("anonymous", "admin"):
        for address in addresses(world):
            client = world.clients[name]
            for response in (client.get(address.path), client.post(address.path)):
                if missing(response):
                    faults[name, address.name] = missing(response)

    assert faults == {}


def test_refusals_downloads_and_mistakes_carry_them_too(world: World, settings: Settings) -> None:
    settings.ROOT_URLCONF, settings.WHITENOISE_USE_FINDERS = "tests.pages.test_headers", True
    client = Client(raise_request_exception=False)
    client.force_login(world.order.customer.account_managers.get())

    responses = {
        400: client.get("/", headers={"host": "evil.example"}),
        403: client.get("/orders/runs/"),
        404: client.get("/nothing/here/"),
        405: client.get(f"/orders/{world.order.pk}/comment/"),
        500: client.get("/broken/"),
        200: client.get("/static/portal.css"),
    }
    files = [client.get("/tickets/?export=csv"), client.get("/tickets/?export=xlsx")]

    list(responses[200])  # read to its end, the file is closed; close() would close the database's connection as well
    assert {status: response.status_code for status, response in responses.items()} == {key: key for key in responses}
    assert [missing(response) for response in [*responses.values(), *files]] == 8 * [set()]
    assert [response["Content-Disposition"].split(";")[0] for response in files] == 2 * ["attachment"]


def test_page_for_mistakes_tells_a_number_that_the_log_knows_and_no_secret(
    world: World, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.ROOT_URLCONF = "tests.pages.test_headers"
    client = Client(raise_request_exception=False)
    client.force_login(world.order.customer.account_managers.get())

    response = client.get(f"/broken/?password={PASSWORD}", headers={"X-Request-ID": "number-of-this-request"})
    html = response.content.decode()

    assert (response.status_code, response["X-Request-ID"]) == (500, "number-of-this-request")
    assert "<code>number-of-this-request</code>" in html
    for secret in (SECRET, PASSWORD, TOTP_SECRET, settings.SECRET_KEY, "RuntimeError", "Traceback", "portal/"):
        assert secret not in html
    assert SECRET in caplog.text


# --- The score --------------------------------------------------------------------------------------------------------
# Tests and modifiers as the HTTP Observatory publishes them: everybody begins with 100, faults take points away, and
# only who has 90 or more gets the points for going further. 100 and more is an A+.


def policy_points(response: Any, cookies: list[Morsel[str]]) -> int:
    parts = response.headers.get("Content-Security-Policy", "").split("; ")
    policy = {name: values.split() for name, _space, values in (part.partition(" ") for part in parts)}
    if "default-src" not in policy:
        return -25
    if any("unsafe" in word or word in ("*", "http:", "https:") for words in policy.values() for word in words):
        return -20
    return 10 if policy["default-src"] == ["'none'"] else 5


def cookie_points(response: Any, cookies: list[Morsel[str]]) -> int:
    if not all(cookie["secure"] for cookie in cookies):
        return -40 if any("session" in cookie.key for cookie in cookies) else -20
    if not all(cookie["httponly"] for cookie in cookies):
        return -30
    return 5 if all(cookie["samesite"] in ("Lax", "Strict") for cookie in cookies) else -20


def transport_points(response: Any, cookies: list[Morsel[str]]) -> int:
    found = re.search(r"max-age=(\d+)", response.headers.get("Strict-Transport-Security", ""))
    if found is None:
        return -20
    return 0 if int(found[1]) >= 15768000 else -10


def frame_points(response: Any, cookies: list[Morsel[str]]) -> int:
    if "frame-ancestors 'none'" in response.headers.get("Content-Security-Policy", ""):
        return 5
    return 0 if response.headers.get("X-Frame-Options") in ("DENY", "SAMEORIGIN") else -20


def sniffing_points(response: Any, cookies: list[Morsel[str]]) -> int:
    return 0 if response.headers.get("X-Content-Type-Options") == "nosniff" else -5


def referrer_points(response: Any, cookies: list[Morsel[str]]) -> int:
    strict = ("no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin")
    value = response.headers.get("Referrer-Policy")
    return 5 if value in strict else -5 if value else 0


def sharing_points(response: Any, cookies: list[Morsel[str]]) -> int:
    return -50 if response.headers.get("Access-Control-Allow-Origin") == "*" else 0


def resource_points(response: Any, cookies: list[Morsel[str]]) -> int:
    return 10 if response.headers.get("Cross-Origin-Resource-Policy") in ("same-origin", "same-site") else 0


def script_points(response: Any, cookies: list[Morsel[str]]) -> int:
    sources = re.findall(r'<script[^>]*src="([^"]*)"', response.content.decode())
    return 0 if all(source.startswith("/") and not source.startswith("//") for source in sources) else -50


POINTS = (
    policy_points,
    cookie_points,
    transport_points,
    frame_points,
    sniffing_points,
    referrer_points,
    sharing_points,
    resource_points,
    script_points,
)


def score(response: Any, cookies: list[Morsel[str]]) -> int:
    points = [count(response, cookies) for count in POINTS]
    basic = 100 + sum(point for point in points if point < 0)
    return basic + (sum(point for point in points if point > 0) if basic >= 90 else 0)


@pytest.fixture
def production(settings: Settings) -> None:
    """As ``HTTPS=on`` sets it, which ``tests/portal/test_settings.py`` reads."""
    settings.SECURE_HSTS_SECONDS, settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = 365 * 24 * 3600, True
    settings.SECURE_SSL_REDIRECT = settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.LANGUAGE_COOKIE_SECURE = True
    settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"


def cookies_of(client: Client) -> list[Morsel[str]]:
    return list(client.cookies.values())


def test_scanner_would_give_more_than_a_hundred_points(world: World, production: None) -> None:
    client = Client()
    page = client.get("/accounts/login/", secure=True)
    client.post("/language/", {"language": "de", "next": "/"}, secure=True)
    client.post("/accounts/login/", {"login": "anna", "password": PASSWORD}, secure=True)

    cookies = cookies_of(client)
    assert {cookie.key for cookie in cookies} >= {"__Host-sessionid", "__Host-csrftoken", "django_language"}
    assert score(page, cookies) == 135
    assert client.get("/accounts/login/")["Location"].startswith("https://")


def test_cookies_are_bound_to_the_host(world: World, production: None) -> None:
    client = Client()
    client.get("/accounts/login/", secure=True)
    client.post("/accounts/login/", {"login": "anna", "password": PASSWORD}, secure=True)

    for name in ("__Host-sessionid", "__Host-csrftoken"):
        cookie = client.cookies[name]
        assert (cookie["secure"], cookie["httponly"], cookie["samesite"]) == (True, True, "Lax")
        assert (cookie["path"], cookie["domain"]) == ("/", "")


def test_score_sees_faults() -> None:
    loose: SimpleCookie = SimpleCookie("session=1")

    assert score(HttpResponse(b'<script src="//evil.example/x.js"></script>'), list(loose.values())) < 0
