"""What was entered before a session ended, or before the form's token did, is not lost; and nobody else sees it."""

import re

import pytest
from allauth.mfa.models import Authenticator
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpRequest
from django.test import Client, RequestFactory

from billing.models import OrderEvent
from portal.held_input import LONGEST, read_input
from tests.pages.world import MARK, PASSWORD, World

HERE = {"origin": "http://testserver", "referer": "http://testserver/orders/1/?page=2#history"}
LOGIN = "/accounts/login/"


def sign_in(client: Client, name: str = "anna", to: str = "/") -> str:
    response = client.post(LOGIN, {"login": name, "password": PASSWORD, "next": to}, headers=HERE)
    assert response.status_code == 302
    return str(response["Location"])


def comment(client: Client, world: World, text: str = "Typed for an hour", **headers: str) -> str:
    """Send a comment; where that leads to."""
    response = client.post(f"/orders/{world.order.pk}/comment/", {"text": text}, headers=headers or HERE)
    return str(response["Location"])


def end_session(client: Client) -> None:
    del client.cookies["sessionid"]


@pytest.fixture(autouse=True)
def password_is_enough(world: World) -> None:
    Authenticator.objects.all().delete()


@pytest.fixture
def client(world: World) -> Client:
    """Was signed in as anna; the session has ended."""
    client = Client()
    sign_in(client)
    end_session(client)
    return client


def test_input_sent_too_late_is_there_after_signing_in(world: World, client: Client) -> None:
    assert comment(client, world) == f"{LOGIN}?next=%2Fkept%2F"
    assert sign_in(client, to="/kept/") == "/kept/"

    html = client.get("/kept/").content.decode()

    assert "Typed for an hour" in html
    assert f'<form method="post" action="/orders/{world.order.pk}/comment/">' in html
    assert 'href="/orders/1/?page=2"' in html
    assert not OrderEvent.objects.filter(kind=OrderEvent.Kind.COMMENTED).exists()


def test_input_is_sent_again_once_and_then_forgotten(world: World, client: Client) -> None:
    comment(client, world)
    sign_in(client)

    for _time in range(2):
        client.post(f"/orders/{world.order.pk}/comment/", {"text": "Typed for an hour"}, headers=HERE)

    assert OrderEvent.objects.filter(kind=OrderEvent.Kind.COMMENTED).count() == 1
    assert "Nothing is kept" in client.get("/kept/").content.decode()


def test_input_is_thrown_away_on_request(world: World, client: Client) -> None:
    comment(client, world)
    sign_in(client)

    client.post("/kept/")

    assert "Nothing is kept" in client.get("/kept/").content.decode()


def test_another_person_does_not_get_it(world: World, client: Client) -> None:
    comment(client, world, f"{MARK} of anna")
    sign_in(client, "bernd")

    html = client.get("/kept/").content.decode()
    sign_in(client, "anna")

    assert "Nothing is kept" in html
    assert "of anna" not in html
    assert "of anna" not in client.get("/kept/").content.decode()


def test_nothing_is_kept_of_whom_nobody_knows(world: World) -> None:
    stranger = Client()

    assert comment(stranger, world) == f"{LOGIN}?next=/orders/{world.order.pk}/comment/"
    sign_in(stranger)

    assert "Nothing is kept" in stranger.get("/kept/").content.decode()


@pytest.mark.parametrize("origin", ["https://evil.example", "null", ""])
def test_nothing_is_kept_of_what_another_site_sends(world: World, client: Client, origin: str) -> None:
    assert "kept" not in comment(client, world, origin=origin)


def test_forged_cookie_is_no_name(world: World) -> None:
    forger = Client()
    forger.cookies["person"] = "1:forged"

    assert "kept" not in comment(forger, world)


def sent(**data: object) -> HttpRequest:
    return RequestFactory().post("/orders/1/comment/", data, headers=HERE)


def test_secrets_and_files_are_not_kept_but_named() -> None:
    file = SimpleUploadedFile("a.csv", b"secret content")

    held = read_input(sent(text="a", password="p", api_key="k", oldpassword="o", code="123456", file=file))

    assert held is not None
    assert held.fields == [("text", "a")]
    assert held.left_out == ["api_key", "code", "file", "oldpassword", "password"]
    assert "secret" not in held.as_json


def test_more_than_fits_is_not_kept() -> None:
    assert read_input(sent(text="x" * (LONGEST + 1))) is None
    assert read_input(sent(text="x" * (LONGEST - 10))) is not None


def test_what_is_sent_to_sign_in_is_never_kept() -> None:
    request = RequestFactory().post(LOGIN, {"login": "anna", "password": "p"}, headers=HERE)

    assert read_input(request) is None


def test_page_of_another_site_is_no_page_to_go_back_to() -> None:
    pages = []
    for referer in ("https://evil.example/orders/", "http://testserver//evil.example/", ""):
        request = RequestFactory().post("/orders/1/comment/?a=b", {}, headers=HERE | {"referer": referer})
        held = read_input(request)
        assert held is not None
        pages.append((held.page, held.path))

    assert [page for page, _path in pages] == ["/orders/1/comment/", "/evil.example/", "/orders/1/comment/"]
    assert {path for _page, path in pages} == {"/orders/1/comment/?a=b"}


def test_form_of_last_night_comes_back_with_its_input_and_a_new_token(world: World) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.customer.account_managers.get())
    client.get(f"/orders/{world.order.pk}/")
    data = {"text": "Typed <b>overnight</b>", "csrfmiddlewaretoken": "x" * 64, "password": "hidden-secret"}

    refused = client.post(f"/orders/{world.order.pk}/comment/", data, headers=HERE)
    html = refused.content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w{64})"', html)
    assert token
    client.post(f"/orders/{world.order.pk}/comment/", data | {"csrfmiddlewaretoken": token[1]}, headers=HERE)

    assert refused.status_code == 403
    assert "Typed &lt;b&gt;overnight&lt;/b&gt;" in html
    assert "hidden-secret" not in html
    assert OrderEvent.objects.get(kind=OrderEvent.Kind.COMMENTED).text == "Typed <b>overnight</b>"


def test_form_of_another_site_is_refused_without_its_input(world: World) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.customer.account_managers.get())

    response = client.post("/orders/1/comment/", {"text": "Injected"}, headers={"origin": "https://evil.example"})

    assert response.status_code == 403
    assert "Injected" not in response.content.decode()
