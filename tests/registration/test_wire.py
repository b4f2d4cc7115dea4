"""The requests that the real client sent, byte for byte but for live tokens and ids, over a real socket."""

import json
import re
import socket
from http.client import HTTPResponse
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from pytest_django.live_server_helper import LiveServer

from registration.models import RegisteredSystem, RegistrationEvent, SupportData
from tests.factories.registration import AccountFactory
from tests.registration.otrs_client import OtrsClient

RECORDINGS = Path(__file__).parent.parent / "recordings"
TOKEN = "8a85ad4c-e5ff-4b91-a4b3-0b9ea8e2a3dc"
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server(live_server: LiveServer) -> str:
    AccountFactory(otrs_id="kunde@beispiel.test")
    return str(urlsplit(live_server.url).netloc)


def send(server: str, head: bytes, body: bytes) -> tuple[str, bytes]:
    """Status with its reason phrase, and the body."""
    host, _colon, port = server.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(head + b"\r\n\r\n" + body)
        response = HTTPResponse(connection)
        response.begin()
        return f"{response.status} {response.reason}", response.read()


def replay(server: str, name: str, client: OtrsClient, token: str = "") -> tuple[str, bytes]:
    """The recorded request with what the client has stored by now; the order of the fields is the recorded one."""
    text = (RECORDINGS / f"registration-{name}.http").read_bytes().partition(b"## request of ")[2]
    head, _blank, rest = text.partition(b"\n")[2].partition(b"\n\n")
    body = rest.partition(b"\n\n## form fields")[0].rstrip(b"\n")
    live = {
        r"uid-\d+": client.stored.get("LastUpdateID", ""),
        "(11111111|99999999)-2222-3333-4444-555555555555": client.stored.get("UniqueID", ""),
        r"apikey-\d": client.stored.get("APIKey", ""),
        TOKEN: token,
    }
    for recorded, value in live.items():
        body = re.sub(recorded.encode(), quote(value).encode(), body)
    lines = [line for line in head.splitlines() if not line.startswith((b"Content-Length", b"Host"))]
    lines += [f"Host: {server}".encode(), b"Content-Length: %d" % len(body)]
    return send(server, b"\r\n".join(lines), body)


def token_of(server: str, client: OtrsClient) -> str:
    return client.read_token(*replay(server, "token-get-auth-fail-003", client))


def registered(server: str) -> OtrsClient:
    client = OtrsClient()
    client.read_registration(*replay(server, "register-ok-021", client, token_of(server, client)))
    return client


def kinds() -> list[str]:
    return list(RegistrationEvent.objects.values_list("kind", flat=True))


def test_whole_life_of_a_registration(server: str) -> None:
    client = registered(server)
    first = client.stored["UniqueID"]
    client.read_update(*replay(server, "update-refused-updateid-024", client))
    client.read_update(*replay(server, "update-with-type-023", client))
    assert (client.stored["Type"], client.stored["Description"]) == ("test", "neue Beschreibung")
    client.read_update(*replay(server, "update-console-029", client))
    assert len(SupportData.objects.get().content) > 50
    client.read_registration(*replay(server, "register-again-with-support-data-027", client, token_of(server, client)))
    assert client.stored["UniqueID"] != first
    client.read_update(*replay(server, "update-console-029", client))
    client.read_deregistration(*replay(server, "deregister-ok-038", client, token_of(server, client)))

    old, new = RegisteredSystem.objects.order_by("pk")
    assert (old.state, new.state, new.replaces) == ("retired", "deregistered", old)
    assert kinds() == [
        "token", "registered", "updated", "updated", "updated",
        "token", "retired", "reregistered", "updated", "token", "deregistered",
    ]  # fmt: skip


def test_registration_holds_what_the_client_told(server: str) -> None:
    registered(server)

    system = RegisteredSystem.objects.get()
    assert (system.fqdn, system.product_version, system.perl_version) == ("otrs.example.test", "6.0.x git", "5.36.0")
    assert (system.os_type, system.os_version) == ("Linux", "debian 12.11")
    assert (system.database_version, system.address) == ("MariaDB 10.11.19", "127.0.0.1")
    assert (system.type, system.description) == ("production", "Haupt-Ticketsystem Größe")
    assert not system.sends_support_data


def test_support_data_comes_with_a_registration(server: str) -> None:
    client = registered(server)
    _status, body = replay(server, "register-again-with-support-data-027", client, token_of(server, client))

    results = json.loads(body)["Results"]["SystemRegistration"]
    assert [(each["Operation"], each["Success"]) for each in results] == [("Register", 1), ("SupportDataAdd", 1)]
    assert SupportData.objects.get().system == RegisteredSystem.objects.latest("pk")


def test_three_tries_of_an_update_are_one(server: str) -> None:
    client = registered(server)

    tries = [replay(server, f"update-console-http-500-03{number}", client) for number in (1, 2, 3)]

    answered = {json.loads(body)["Results"]["SystemRegistration"][0]["Data"]["UpdateID"] for _status, body in tries}
    assert len(answered) == 1
    client.read_update(*tries[2])
    assert kinds()[2:] == ["updated", "repeated", "repeated"]
    assert RegisteredSystem.objects.get().counter == 2


def test_three_tries_of_a_registration_are_one(server: str) -> None:
    client = OtrsClient()
    token = token_of(server, client)

    tries = [replay(server, "register-ok-021", client, token) for _number in range(3)]

    for status, body in tries:
        client.read_registration(status, body)
    assert len({json.loads(body)["Results"]["SystemRegistration"][0]["Data"]["APIKey"] for _s, body in tries}) == 1
    assert RegisteredSystem.objects.count() == 1
    client.read_update(*replay(server, "update-refused-updateid-024", client))


def test_three_tries_of_a_deregistration_are_one(server: str) -> None:
    client = registered(server)
    token = token_of(server, client)

    for number in (5, 6, 7):
        client.read_deregistration(*replay(server, f"deregister-http-500-03{number}", client, token))

    assert kinds()[2:] == ["token", "deregistered"]


@pytest.mark.parametrize("name", ["update-before-register-018", "update-after-deregister-039"])
def test_update_without_key_is_refused_and_writes_nothing(server: str, name: str) -> None:
    """Else the client would keep that id and its later registration would be refused for it."""
    client = registered(server)
    before = kinds()

    with pytest.raises(AssertionError, match="Unknown UniqueID or wrong API key"):
        client.read_update(*replay(server, name, client))

    assert kinds() == before


def test_system_registers_again_after_deregistration(server: str) -> None:
    client = registered(server)
    client.read_deregistration(*replay(server, "deregister-ok-038", client, token_of(server, client)))
    client.read_registration(*replay(server, "register-after-deregister-040", client, token_of(server, client)))

    client.read_update(*replay(server, "update-refused-updateid-024", client))

    assert [system.state for system in RegisteredSystem.objects.order_by("pk")] == ["deregistered", "active"]


def test_what_a_person_keeps_reaches_the_client(server: str) -> None:
    client = registered(server)
    RegisteredSystem.objects.update(kept_type="development", kept_description="vom Portal")

    client.read_update(*replay(server, "update-with-type-023", client))

    assert (client.stored["Type"], client.stored["Description"]) == ("development", "vom Portal")
    assert RegisteredSystem.objects.get().reported_type == "test"


def test_copy_is_refused_and_registers_anew(server: str) -> None:
    client = registered(server)
    copy = OtrsClient(dict(client.stored))
    client.read_update(*replay(server, "update-refused-updateid-024", client))
    client.read_update(*replay(server, "update-refused-updateid-024", client))
    RegisteredSystem.objects.update(accepted=[])  # as if the last quarter of an hour were over

    with pytest.raises(AssertionError, match="Please register this system again"):
        copy.read_update(*replay(server, "update-refused-updateid-024", copy))
    with pytest.raises(AssertionError, match="Please register this system again"):
        client.read_update(*replay(server, "update-refused-updateid-024", client))
    client.read_registration(*replay(server, "register-again-with-support-data-027", client, token_of(server, client)))
    client.read_update(*replay(server, "update-refused-updateid-024", client))

    assert [system.state for system in RegisteredSystem.objects.order_by("pk")] == ["retired", "active"]


def test_both_addresses_answer(server: str) -> None:
    head = (
        f"POST /registration/public.pl HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 0"
    )
    status, body = send(server, head.encode(), b"")

    assert (status, json.loads(body)["Success"]) == ("400 Bad Request", 0)
