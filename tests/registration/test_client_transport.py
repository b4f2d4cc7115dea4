"""The way out: three tries, one kind of good answer, and bounds for everything that comes back."""

import socket
import ssl
from collections.abc import Iterator

import pytest

from registration import client_transport
from registration.client_answers import NoAnswer
from registration.client_transport import post, url_fault
from tests.registration.server import RegistrationServer, running_server

FIELDS = {
    "Action": "PublicCloudService",
    "OTRSIDAuth": "",
    "UniqueIDAuth": "",
    "RequestData": '{"SystemRegistration": [{"Operation": "Ask", "Data": {"Text": "Büro & Söhne"}}]}',
}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[RegistrationServer]:
    """Answers every request with the same document."""
    monkeypatch.setattr(RegistrationServer, "answer", lambda self, form: {"Success": 1})
    with running_server() as running:
        yield running


def test_form_is_sent_as_the_real_client_does(server: RegistrationServer) -> None:
    assert post(server.url, FIELDS) == b'{"Success": 1}'

    ((method, path, headers),) = server.heads
    assert (method, path) == ("POST", "/otrs/public.pl")
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert (headers["Connection"], headers["Accept-Encoding"]) == ("close", "identity")
    assert server.forms[0]["RequestData"]["SystemRegistration"][0]["Data"] == {"Text": "Büro & Söhne"}


def test_address_without_a_path_means_the_root(server: RegistrationServer) -> None:
    post(server.url.replace("/otrs/public.pl", ""), FIELDS)

    assert server.heads[0][1] == "/"


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("status 201 Created", "status 201"),
        ("status 200 Fine", "status 200"),
        ("status 302 Found", "status 302"),
        ("status 307 Temporary Redirect", "status 307"),
        ("status 500 Internal Server Error", "status 500"),
        ("lost request", "RemoteDisconnected"),
        ("lost answer", "RemoteDisconnected"),
        ("broken off", "IncompleteRead"),
        ("no http", "BadStatusLine"),
    ],
)
def test_anything_but_200_ok_is_asked_three_times_and_then_no_contact(
    server: RegistrationServer, fault: str, reason: str
) -> None:
    server.faults = [fault] * 3

    with pytest.raises(NoAnswer, match=r"^Can't connect to server: .*Try again later\.$") as caught:
        post(server.url, FIELDS)

    assert reason in str(caught.value)
    assert (len(server.bodies), len(set(server.bodies))) == (3, 1)
    assert {head[1] for head in server.heads} == {"/otrs/public.pl"}  # a redirect was not followed
    assert "Büro" not in str(caught.value)


def test_third_try_may_be_the_good_one(server: RegistrationServer) -> None:
    server.faults = ["lost request", "status 502 Bad Gateway"]

    assert post(server.url, FIELDS) == b'{"Success": 1}'
    assert len(server.bodies) == 3


@pytest.mark.parametrize("body", ["", "<html>"])
def test_empty_or_strange_body_is_not_asked_for_again(server: RegistrationServer, body: str) -> None:
    server.faults = [f"body {body}"]

    assert post(server.url, FIELDS) == body.encode()
    assert len(server.bodies) == 1


def test_too_many_requests_are_not_repeated(server: RegistrationServer) -> None:
    server.faults = ["status 429 Too Many Requests"]

    with pytest.raises(NoAnswer, match="asked too often"):
        post(server.url, FIELDS)
    assert len(server.bodies) == 1


@pytest.mark.parametrize("fault", ["huge", "endless header"])
def test_answer_beyond_the_cap_is_not_read_and_not_asked_for_again(server: RegistrationServer, fault: str) -> None:
    server.faults = [fault]

    with pytest.raises(NoAnswer, match="larger than 65536 bytes"):
        post(server.url, FIELDS)
    assert len(server.bodies) == 1


@pytest.mark.parametrize("fault", ["silent", "dripping"])
def test_every_try_has_an_end(server: RegistrationServer, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_transport, "DEADLINE_SECONDS", 0.1)
    server.faults = [fault] * 3

    with pytest.raises(NoAnswer, match="no answer in time"):
        post(server.url, FIELDS)
    assert len(server.bodies) == 3


def test_deadline_that_is_over_reads_nothing_more(server: RegistrationServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_transport, "DEADLINE_SECONDS", -1.0)

    with pytest.raises(NoAnswer, match="no answer in time"):
        post(server.url, FIELDS)


def test_nobody_at_the_address_is_told() -> None:
    with running_server() as gone:
        url = gone.url

    with pytest.raises(NoAnswer, match="Connection refused"):
        post(url, FIELDS)


def test_name_that_nobody_knows_is_told() -> None:
    with pytest.raises(NoAnswer, match="tests look up no names"):
        post("https://registration.example.com/otrs/public.pl", FIELDS)


def test_certificates_are_checked(server: RegistrationServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server without TLS stands for one that cannot prove who it is: the handshake fails before a byte is sent."""
    with pytest.raises(NoAnswer, match="Can't connect to server"):
        post(server.url.replace("http://", "https://"), FIELDS)

    assert server.bodies == []
    context = client_transport.http.client.HTTPSConnection("localhost")._context  # type: ignore[attr-defined]
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_proxies_of_the_environment_are_not_used(server: RegistrationServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    assert post(server.url, FIELDS) == b'{"Success": 1}'


@pytest.mark.parametrize(
    "url",
    [
        "https://portal.example.com/otrs/public.pl",
        "https://portal.example.com:8443/registration/public.pl",
        "http://127.0.0.1:8000/otrs/public.pl",
        "http://[::1]:8000/otrs/public.pl",
        "http://localhost/otrs/public.pl",
        "https://10.0.0.7",
    ],
)
def test_whole_addresses_are_good(url: str) -> None:
    assert url_fault(url) == ""


@pytest.mark.parametrize(
    "url",
    [
        "portal.example.com",
        "ftp://portal.example.com/otrs/public.pl",
        "https:///otrs/public.pl",
        "https://user@portal.example.com/otrs/public.pl",
        "https://user:password@portal.example.com/otrs/public.pl",
        "https://portal.example.com/otrs/public.pl?Action=x",
        "https://portal.example.com/otrs/public.pl#top",
        "https://portal.example.com:port/otrs/public.pl",
        "https://portal.example.com:99999/otrs/public.pl",
        "https://[::1/otrs/public.pl",
        "https://pörtal.example.com/otrs/public.pl",
        "https://portal.example.com/otrs/pub lic.pl",
        "https://portal.example.com/otrs/public.pl\n",
    ],
)
def test_other_addresses_are_told_how_they_should_be(url: str) -> None:
    assert url_fault(url).startswith("REGISTRATION_URL must be the whole address of a registration server")


def test_passwords_go_to_this_machine_or_over_tls_only() -> None:
    fault = url_fault("http://portal.example.com/otrs/public.pl")

    assert fault == "REGISTRATION_URL must begin with https://, since passwords and keys are sent there."


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "fe80::1", "127.0.0.1", "::1", "::ffff:7f00:1", "224.0.0.1", "0.0.0.0"]
)
def test_name_that_means_an_address_nobody_means_is_not_connected_to(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: [(0, 0, 0, "", (address, 443))])
    monkeypatch.setattr(socket, "create_connection", lambda *_args: pytest.fail("connected"))

    with pytest.raises(NoAnswer, match=rf"The host registration\.example\.com means {address}, which is") as caught:
        post("https://registration.example.com/otrs/public.pl", FIELDS)

    assert "nothing was. Try again later" in str(caught.value)


def test_metadata_service_is_not_asked_even_where_the_setting_says_so() -> None:
    with pytest.raises(NoAnswer, match=r"169\.254\.169\.254 is the address where a cloud tells the secrets"):
        post("https://169.254.169.254/latest/", FIELDS)


def test_name_is_looked_up_once_and_the_next_address_tried(
    server: RegistrationServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second address answers; a second question, which would be answered otherwise, is not asked."""
    connect = socket.create_connection
    tried: list[str] = []
    asked: list[str] = []

    def look_up(host: str, *_args: object, **_options: object) -> list[object]:
        asked.append(host)
        return [(0, 0, 0, "", (address, 80)) for address in ("192.0.2.1", "192.0.2.2")]

    def to_the_server(target: tuple[str, int], *_args: object) -> socket.socket:
        tried.append(target[0])
        if target[0] == "192.0.2.1":
            raise ConnectionRefusedError(111, "Connection refused")
        with monkeypatch.context() as patch:
            patch.setattr(socket, "getaddrinfo", real)
            return connect(("127.0.0.1", int(server.url.split(":")[2].split("/")[0])), 5)

    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(socket, "create_connection", to_the_server)

    assert post("http://registration.example.com/otrs/public.pl", FIELDS) == b'{"Success": 1}'
    assert (asked, tried) == (["registration.example.com"], ["192.0.2.1", "192.0.2.2"])
