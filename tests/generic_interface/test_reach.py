"""Who may be asked: origins of a list, at addresses that were judged, and never those that nobody means."""

import socket
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from generic_interface.client import Client
from generic_interface.errors import Unreachable, WrongRequest
from generic_interface.reach import Reach, origin_of
from tests.generic_interface.conftest import make_connection
from tests.generic_interface.replay import ReplayServer, answer

LISTED = Reach.of(
    [
        "https://help.example.org",
        " https://Desk.example.org:8443 ",
        "http://old.example.org",
        "https://192.0.2.7",
        "https://[2001:DB8:0::7]",
        "http://127.0.0.1:*",
        "http://localhost:8080",
        "",
    ]
)
ANY = Reach()
NAME = "help.example.org"
FORBIDDEN = [
    "169.254.169.254",
    "169.254.0.1",
    "fe80::1",
    "fd00:ec2::254",
    "100.100.100.200",
    "168.63.129.16",
    "0.0.0.0",
    "0.1.2.3",
    "::",
    "224.0.0.1",
    "ff02::1",
    "255.255.255.255",
    "240.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "::2",
]
LOOPBACK = [
    "127.0.0.1",
    "127.9.9.9",
    "::1",
    "::ffff:127.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "2001:0:4136:e378:8000:63bf:80ff:fffe",  # of Teredo
]


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://help.example.org/otrs", "https://help.example.org"),
        ("HTTPS://HELP.example.ORG:443/otrs/?a=b", "https://help.example.org"),
        ("https://desk.example.org:8443", "https://desk.example.org:8443"),
        ("http://old.example.org:80/otrs", "http://old.example.org"),
        ("https://192.0.2.7/otrs", "https://192.0.2.7"),
        ("https://[2001:db8::0007]/otrs", "https://[2001:db8::7]"),
        ("http://127.0.0.1:54321/otrs", "http://127.0.0.1:54321"),
        ("http://localhost:8080/otrs", "http://localhost:8080"),
    ],
)
def test_listed_origin_passes_however_it_is_spelled(url: str, origin: str) -> None:
    assert str(LISTED.check(url)) == origin


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/otrs",
        "http://help.example.org/otrs",  # plain, where TLS is listed
        "https://help.example.org:8443/otrs",
        "https://help.example.org.evil.example/otrs",
        "https://evil.example/https://help.example.org",
        "https://evil.example#help.example.org",
        "https://evil.example?help.example.org",
        "https://desk.example.org/otrs",
        "https://127.0.0.1/otrs",
        "http://127.0.0.2/otrs",
        "http://localhost/otrs",
        "http://[::1]:8080/otrs",
        "http://[::ffff:127.0.0.1]/otrs",
        "http://192.0.2.7/otrs",
        "http://169.254.169.254/latest/meta-data/",
    ],
)
def test_other_origin_is_refused_with_the_name_of_the_setting(url: str) -> None:
    with pytest.raises(WrongRequest, match=r"none of the ticket systems .* Nothing was sent\. .*TICKET_SYSTEM_HOSTS"):
        LISTED.check(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://help.example.org@evil.example/otrs",
        "https://user:secret@help.example.org/otrs",
        "https://@help.example.org/",
        "https://help.example.org./otrs",
        "https://.help.example.org/",
        "https://help..example.org/",
        "https://help.example.org:0/",
        "https://help.example.org:65536/",
        "https://help.example.org:1:2/",
        "https://help.example.org:８443/",
        "http://2130706433/",
        "http://127.1/",
        "http://0x7f000001/",
        "http://0x7f.0.0.1/",
        "http://0177.0.0.1/",
        "http://127.0.0.01/",
        "http://127.0.0.1.1/",
        "http://[127.0.0.1]/",
        "http://[fe80::1%25eth0]/",
        "http://[::1/",
        "http://::1/",
        "https://hélp.example.org/",
        "https://help。example.org/",
        "https://ｈelp.example.org/",
        "https://help%2eexample.org/",
        "https://help.example.org\\@evil.example/",
        "https://help.example.org\t/",
        " https://help.example.org/",
        "https://help.example.org/\n",
        "https://help.exa\u200bmple.org/",
        "file:///etc/passwd",
        "ftp://help.example.org/",
        "gopher://help.example.org/",
        "javascript:alert(1)",
        "//help.example.org/",
        "help.example.org",
        "https:help.example.org",
        "https:///otrs",
        "",
    ],
)
@pytest.mark.parametrize("reach", [LISTED, ANY], ids=["listed", "any"])
def test_address_that_programs_read_in_different_ways_is_refused(url: str, reach: Reach) -> None:
    with pytest.raises(WrongRequest) as caught:
        reach.check(url)

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("address", FORBIDDEN)
def test_address_that_nobody_means_is_refused_even_without_a_list(address: str) -> None:
    host = f"[{address}]" if ":" in address else address

    with pytest.raises(WrongRequest, match="Nothing is sent there, and nothing was"):
        ANY.check(f"http://{host}/otrs")
    with pytest.raises(WrongRequest, match="TICKET_SYSTEM_HOSTS cannot be used"):
        Reach.of([f"http://{host}"])


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "[::1]", "[::ffff:127.0.0.1]", "localhost", "LOCALHOST"])
def test_this_machine_wants_to_be_named(host: str) -> None:
    with pytest.raises(WrongRequest, match=r"this machine itself, .* only where the setting TICKET_SYSTEM_HOSTS names"):
        ANY.check(f"http://{host}:8080/otrs")

    assert Reach.of([f"http://{host}:8080"]).check(f"http://{host}:8080/otrs").port == 8080


def test_without_a_list_every_other_host_passes() -> None:
    assert [str(ANY.check(url)) for url in ("https://help.example.org", "http://10.0.0.5:81", "https://otrs_web")] == [
        "https://help.example.org",
        "http://10.0.0.5:81",
        "https://otrs_web",
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("help.example.org", "must begin with https://"),
        ("https://help.example.org/otrs", "without a path"),
        ("https://help.example.org/", "without a path"),
        ("https://help.example.org?x", "without a path"),
        ("https://help.example.org#x", "without a path"),
        ("https://help.example.org:*", "is for this machine alone"),
        ("http://127.0.0.1:81:*", "is for this machine alone"),
        ("https://*", "no name of a host"),
        ("https://*.example.org", "no name of a host"),
        ("*", "must begin with https://"),
        ("https://help.example.org;https://x", "cannot be read"),
    ],
)
def test_list_that_cannot_be_read_is_told(text: str, sentence: str) -> None:
    with pytest.raises(WrongRequest, match=f"The setting TICKET_SYSTEM_HOSTS .*({sentence})"):
        Reach.of(["https://good.example.org", text])


def test_password_in_the_list_is_not_shown() -> None:
    with pytest.raises(WrongRequest, match="must not contain a login") as caught:
        Reach.of(["https://portal:hidden-word@help.example.org"])

    assert "hidden-word" not in str(caught.value)


# --- At the moment of the connection ---


Names = Callable[..., list[str]]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """A name server whose answers are given one after the other; returns the list of the names it was asked for."""

    def answer_with(*answers: Sequence[str]) -> list[str]:
        asked: list[str] = []
        left = [list(each) for each in answers]
        real = socket.getaddrinfo

        def look_up(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
            if not str(host).replace("_", "").rpartition(".")[2].isalpha():
                return real(host, port, *args, **kwargs)  # an address, not a name
            asked.append(host)
            family = {True: socket.AF_INET6, False: socket.AF_INET}
            return [
                (family[":" in each], socket.SOCK_STREAM, 6, "", (each, port, *(0, 0)[: 2 * (":" in each)]))
                for each in left.pop(0)
            ]

        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        return asked

    return answer_with


def ask(url: str, reach: Reach) -> bool:
    with Client(make_connection(f"{url}/otrs", reach=reach, connect_timeout=0.2)) as client:
        return client.any_ticket_visible()


@pytest.mark.parametrize("address", [*FORBIDDEN, *LOOPBACK])
@pytest.mark.parametrize("reach", [ANY, Reach.of([f"http://{NAME}:*".replace(":*", "")])], ids=["any", "listed"])
def test_name_that_means_a_forbidden_address_is_not_connected_to(names: Names, address: str, reach: Reach) -> None:
    names([address])

    with pytest.raises(WrongRequest, match=rf"The host {NAME} means .*Nothing is sent there"):
        ask(f"http://{NAME}", reach)


def test_name_with_one_forbidden_address_among_others_is_not_connected_to(names: Names) -> None:
    names(["192.0.2.1", "127.0.0.1"])

    with ReplayServer() as server:
        url = f"http://{NAME}:{server.host.rpartition(':')[2]}"
        with pytest.raises(WrongRequest, match=r"means 127\.0\.0\.1, which is an address of this"):
            ask(url, Reach.of([url]))

    assert server.requests == []


def test_name_is_asked_for_once_and_the_judged_address_connected_to(
    names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer to a second question, which would be the loopback, is never asked for."""
    asked = names(["192.0.2.1"], ["127.0.0.1"])
    connected: list[Any] = []

    def connect(target: Any, *args: Any, **options: Any) -> socket.socket:
        connected.append(target)
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr("urllib3.util.connection.create_connection", connect)

    with pytest.raises(Unreachable, match="Connection refused"):
        ask(f"http://{NAME}", Reach.of([f"http://{NAME}"]))

    assert (asked, connected) == ([NAME], [("192.0.2.1", 80)])


def test_next_address_is_tried_where_one_does_not_answer(names: Names, monkeypatch: pytest.MonkeyPatch) -> None:
    names(["192.0.2.1", "2001:db8::1", "192.0.2.2"])
    with ReplayServer(answer({"TicketID": ["1"]})) as server:
        here = ("127.0.0.1", int(server.host.rpartition(":")[2]))
        connected: list[str] = []
        faults = {"192.0.2.1": TimeoutError("timed out"), "2001:db8::1": ConnectionRefusedError(111, "refused")}

        def connect(target: Any, *args: Any, **options: Any) -> socket.socket:
            connected.append(target[0])
            if target[0] in faults:
                raise faults[target[0]]
            return socket.create_connection(here, 5)

        monkeypatch.setattr("urllib3.util.connection.create_connection", connect)

        assert ask(f"http://{NAME}", Reach.of([f"http://{NAME}"])) is True

    assert connected == ["192.0.2.1", "2001:db8::1", "192.0.2.2"]


def test_address_of_ipv6_is_compared_in_one_spelling(monkeypatch: pytest.MonkeyPatch) -> None:
    connected: list[Any] = []

    def connect(target: Any, *args: Any, **options: Any) -> socket.socket:
        connected.append(target)
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr("urllib3.util.connection.create_connection", connect)

    with pytest.raises(Unreachable, match="Connection refused"):
        ask("http://[2001:DB8:0::7]:81", Reach.of(["http://[2001:db8::0007]:81"]))

    assert connected == [("2001:db8::7", 81)]


def test_name_without_an_address_is_unreachable_and_nothing_was_done() -> None:
    with pytest.raises(Unreachable, match="No connection to the ticket system") as caught:
        ask(f"https://{NAME}", Reach.of([f"https://{NAME}"]))

    assert caught.value.maybe_done is False


def test_refused_origin_opens_no_connection() -> None:
    with ReplayServer() as server, pytest.raises(WrongRequest, match="TICKET_SYSTEM_HOSTS") as caught:
        ask(f"http://{server.host}", Reach.of(["https://help.example.org"]))

    assert (server.requests, caught.value.retryable, caught.value.maybe_done) == ([], False, False)


def test_origin_is_written_without_its_usual_port() -> None:
    assert str(origin_of("http://[::1]:443/")) == "http://[::1]:443"
