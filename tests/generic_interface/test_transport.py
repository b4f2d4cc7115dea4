"""What else can come over a wire: made-up answers on a real socket."""

import socket
from collections.abc import Iterator

import pytest
import requests
import responses

from generic_interface.answers import EXCERPT_LENGTH, excerpt
from generic_interface.client import Client
from generic_interface.connection import Authentication
from generic_interface.errors import ApplicationError, BadAnswer, InterfaceError, TooLarge, Unreachable
from tests.generic_interface.conftest import Serve, make_connection
from tests.generic_interface.replay import ReplayServer, answer

MARKER = "Portal-Api-1"


def drip(*pieces: bytes) -> Iterator[bytes]:
    """Sends the pieces, then one byte after the other for as long as the client listens."""
    yield from pieces
    while True:
        yield b" "


@pytest.mark.parametrize(
    ("status", "kind", "sentence"),
    [
        ("204 No Content", BadAnswer, "HTTP 204"),
        ("400 Bad Request", BadAnswer, "HTTP 400"),
        ("401 Unauthorized", BadAnswer, "The web server or a proxy, not the ticket system"),
        ("403 Forbidden", BadAnswer, "The web server or a proxy, not the ticket system"),
        ("404 Not Found", BadAnswer, "Check the base URL"),
        ("407 Proxy Authentication Required", BadAnswer, "The web server or a proxy"),
        ("413 Content Too Large", TooLarge, "Set a smaller batch size"),
        ("414 URI Too Long", TooLarge, "Set a smaller batch size"),
        ("500 Internal Server Error", BadAnswer, "crashed in TicketSearch"),
        ("502 Bad Gateway", Unreachable, "not available at the moment"),
        ("503 Service Unavailable", Unreachable, "not available at the moment"),
        ("504 Gateway Timeout", Unreachable, "not available at the moment"),
    ],
)
def test_every_other_status_has_its_sentence(
    serve: Serve, status: str, kind: type[InterfaceError], sentence: str
) -> None:
    _, client = serve(answer("<html>Wartung</html>", status=status, content_type="text/html"))

    with pytest.raises(kind, match=sentence) as caught:
        client.any_ticket_visible()

    assert type(caught.value) is kind


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_never_followed(serve: Serve, status: int) -> None:
    with ReplayServer() as other:
        location = f"Location: {other.base_url}/?password={MARKER}\r\n"
        server, client = serve(
            answer("", status=f"{status} Moved", more=location), authentication=Authentication.HEADER
        )

        with pytest.raises(BadAnswer, match=rf"was redirected .HTTP {status}. to {other.base_url}") as caught:
            client.any_ticket_visible()

    assert (len(server.requests), other.requests) == (1, [])
    assert MARKER not in str(caught.value)


def test_redirect_with_an_endless_body_is_not_loaded(serve: Serve) -> None:
    head = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\n\r\n"
    _, client = serve(drip(head, b"x" * 3_000_000), max_bytes=1_000_000)

    with pytest.raises(TooLarge):
        client.any_ticket_visible()


@pytest.mark.parametrize("content_type", ["text/html; charset=utf-8", "text/plain", ""])
def test_success_that_is_not_json_is_a_bad_answer_with_its_beginning(serve: Serve, content_type: str) -> None:
    _, client = serve(answer("<title>Anmeldung</title>", content_type=content_type))

    with pytest.raises(BadAnswer, match=r"login page or a proxy in between. It begins: <title>Anmeldung</title>"):
        client.any_ticket_visible()


def test_empty_body_is_a_bad_answer(serve: Serve) -> None:
    _, client = serve(answer(""))

    with pytest.raises(BadAnswer, match="no complete JSON"):
        client.any_ticket_visible()


@pytest.mark.parametrize("error", ["text", None, {}, {"ErrorCode": 7}, {"ErrorMessage": "x"}])
def test_error_without_a_code_is_a_bad_answer(serve: Serve, error: object) -> None:
    _, client = serve(answer({"Error": error, "TicketID": ["1"]}))

    with pytest.raises(BadAnswer, match="has no ErrorCode"):
        client.any_ticket_visible()


def test_error_beside_data_wins(serve: Serve) -> None:
    error = {"ErrorCode": "TicketSearch.Odd", "ErrorMessage": None}
    _, client = serve(answer({"Error": error, "TicketID": ["1"]}))

    with pytest.raises(ApplicationError, match=r"answered TicketSearch.Odd: no message$"):
        client.any_ticket_visible()


def test_fault_that_is_cut_off_is_shown_as_it_is(serve: Serve) -> None:
    _, client = serve(answer('{"faultstring":"abc', status="500 X", content_type="text/plain"))

    with pytest.raises(BadAnswer, match=r'could not carry out TicketSearch: {"faultstring":"abc$'):
        client.any_ticket_visible()


def test_body_shorter_than_announced_is_a_bad_answer(serve: Serve) -> None:
    whole = answer({"TicketID": ["1", "2"]}, more="Connection: close\r\n")
    _, client = serve(whole[:-3])

    with pytest.raises(BadAnswer, match="broke off"):
        client.any_ticket_visible()


def test_chunked_body_is_read_and_a_missing_last_chunk_is_a_bad_answer(serve: Serve) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    _, client = serve(head + b"2\r\n{}\r\n0\r\n\r\n", head + b"2\r\n{}\r\n")

    assert client.any_ticket_visible() is False
    with pytest.raises(BadAnswer, match="broke off"):
        client.any_ticket_visible()


def test_garbage_instead_of_a_header_is_a_bad_answer(serve: Serve) -> None:
    _, client = serve(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n{}")

    with pytest.raises(BadAnswer, match="is no HTTP"):
        client.any_ticket_visible()


@pytest.mark.parametrize("length", [True, False])
def test_answer_above_the_cap_is_not_read_on(serve: Serve, length: bool) -> None:
    whole = answer({"TicketID": ["1"] * 100_000})
    endless = drip(whole.replace(b"Content-Length", b"X-Length"))
    _, client = serve(whole if length else endless, max_bytes=200_000)

    with pytest.raises(TooLarge, match="larger than 200000 bytes"):
        client.any_ticket_visible()


def test_compressed_answer_is_not_unpacked(serve: Serve) -> None:
    _, client = serve(answer(b"\x1f\x8b bomb", more="Content-Encoding: gzip\r\n"))

    with pytest.raises(BadAnswer, match="compressed although that was not asked for"):
        client.any_ticket_visible()


def test_silence_ends_with_the_read_timeout(serve: Serve) -> None:
    def silence() -> Iterator[bytes]:
        while True:
            yield b""

    _, client = serve(silence(), read_timeout=0.1)

    with pytest.raises(Unreachable, match=r"No answer to TicketSearch in time .read timeout 0.1 s"):
        client.any_ticket_visible()


@pytest.mark.parametrize(
    "pieces",
    [
        (b"HTTP/1.1 200 OK\r\nX: ",),
        (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99999999\r\n\r\n{",),
    ],
)
def test_dripping_header_or_body_ends_with_the_total_deadline(serve: Serve, pieces: tuple[bytes, ...]) -> None:
    def slowly() -> Iterator[bytes]:
        yield from pieces
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as clock:
            clock.settimeout(0.02)
            clock.bind(("127.0.0.1", 0))
            while True:
                try:
                    clock.recv(1)
                except TimeoutError:
                    yield b" "

    _, client = serve(slowly(), read_timeout=30.0, total_deadline=0.3)

    with pytest.raises(Unreachable, match=r"not complete within 0.3 s"):
        client.any_ticket_visible()


def test_deadline_that_is_over_before_the_first_byte_is_told_as_such(serve: Serve) -> None:
    ticks = iter(range(0, 10_000, 100))
    server, _ = serve(answer({}))
    client = Client(make_connection(server.base_url, total_deadline=50.0), monotonic=lambda: float(next(ticks)))

    with pytest.raises(Unreachable, match="not complete within 50 s"):
        client.any_ticket_visible()
    client.close()


def test_nobody_listening_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with Client(make_connection(f"http://127.0.0.1:{port}/otrs")) as client:
        with pytest.raises(Unreachable, match=r"No connection to the ticket system: .*refused"):
            client.any_ticket_visible()

        assert client.requests_made == 1


def test_plain_server_behind_https_is_no_trustworthy_connection(serve: Serve) -> None:
    server, _ = serve(answer({}))

    client = Client(make_connection(server.base_url.replace("http:", "https:")))
    with client, pytest.raises(Unreachable, match="No trustworthy TLS connection"):
        client.any_ticket_visible()


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (requests.ConnectTimeout("x"), "No connection to the ticket system within 5 s"),
        (requests.ConnectionError(""), "No connection to the ticket system: ConnectionError"),
        (requests.exceptions.InvalidURL(f"bad {MARKER}"), r"No connection to the ticket system: bad \*\*\*"),
    ],
)
@responses.activate
def test_connection_that_does_not_come_about_is_unreachable(error: Exception, sentence: str) -> None:
    url = "http://127.0.0.1:9/otrs/nph-genericinterface.pl/Webservice/BillingPortal/TicketSearch"
    responses.post(url, body=error)

    with Client(make_connection()) as client, pytest.raises(Unreachable, match=sentence):
        client.any_ticket_visible()


def test_proxies_and_netrc_of_the_environment_are_not_used(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("NETRC", "/nowhere")
    server, client = serve(answer({}))

    client.any_ticket_visible()

    assert "authorization" not in server.requests[0].headers


def test_cookies_are_not_kept(serve: Serve) -> None:
    server, client = serve(answer({}, more="Set-Cookie: session=1\r\n"), answer({}))

    client.any_ticket_visible()
    client.any_ticket_visible()

    assert "cookie" not in server.requests[1].headers


@pytest.mark.parametrize(
    ("status", "content_type", "body"),
    [
        ("200 OK", "text/html", f"<p>{MARKER}</p>"),
        ("200 OK", MARKER, "x"),
        ("500 X", "text/plain", f"cannot read {MARKER}"),
        ("500 X", "text/plain", f'{{"faultstring":"{MARKER} is wrong"}}'),
        ("400 X", "text/plain", MARKER),
        ("200 OK", "application/json", f'{{"Error":{{"ErrorCode":"A.{MARKER}","ErrorMessage":"{MARKER}"}}}}'),
        ("200 OK", "application/json", f'{{"Error":{{"ErrorCode":"A.AuthFail","ErrorMessage":"{MARKER}"}}}}'),
    ],
)
def test_password_that_a_server_sends_back_is_never_shown(
    serve: Serve, status: str, content_type: str, body: str
) -> None:
    _, client = serve(answer(body, status=status, content_type=content_type))

    with pytest.raises(InterfaceError) as caught:
        client.any_ticket_visible()

    assert MARKER not in str(caught.value)


def test_excerpt_is_one_short_clean_line() -> None:
    text = "a\r\n\tb\x00\x1b[31m\u202e\u200bc\ud800" + "x" * 500

    shown = excerpt(text, ())

    assert (len(shown), shown[:9]) == (EXCERPT_LENGTH, "a b [31m ")
    assert shown.isprintable()
