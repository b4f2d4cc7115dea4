"""OutOfOffice against recorded bytes on a real socket, and the one form of its CSV."""

import json
from datetime import date
from typing import Any

import pytest

from generic_interface.absences import LARGEST_CSV, Absence, AddressedBy, can_be_sent, write_absences
from generic_interface.client import Client
from generic_interface.connection import Authentication
from generic_interface.errors import (
    AuthenticationFailed,
    BadAnswer,
    InterfaceError,
    NoPermission,
    TooLarge,
    Unreachable,
    WrongRequest,
)
from tests.generic_interface.conftest import Serve, make_connection
from tests.generic_interface.replay import NO_BYTE, answer, recorded


def absence(user: str = "c.weber", start: str = "2026-12-01", end: str = "2026-12-10", **more: Any) -> Absence:
    values: dict[str, Any] = {
        "user": user,
        "start": date.fromisoformat(start),
        "end": date.fromisoformat(end),
        "enabled": True,
    }
    return Absence(**values | more)


def send(client: Client, *absences: Absence, by: AddressedBy = AddressedBy.LOGIN) -> None:
    client.set_out_of_office(absences or (absence(),), by=by)


def test_absences_are_sent_in_the_one_form_that_works(serve: Serve) -> None:
    server, client = serve(recorded("rest-outofoffice-iso-datetime"))

    send(client, absence(), absence("b.schmidt", "2026-12-24", "2026-12-24", enabled=False))

    assert server.requests[0].path.endswith("/Webservice/BillingPortal/OutOfOffice")
    assert server.requests[0].json == {
        "UserLogin": "portal-api",
        "Password": "Portal-Api-1",
        "OutOfOfficeEntriesCSVString": "UserLogin,StartDate,EndDate,OutOfOffice\n"
        "c.weber,2026-12-01,2026-12-10,1\nb.schmidt,2026-12-24,2026-12-24,0\n",
    }


def test_agents_can_be_named_by_their_address(serve: Serve) -> None:
    server, client = serve(recorded("rest-outofoffice-csv-example-1"))

    send(client, absence("c.weber@beispiel.test"), by=AddressedBy.EMAIL)

    text = server.requests[0].json["OutOfOfficeEntriesCSVString"]
    assert text == "UserEmail,StartDate,EndDate,OutOfOffice\nc.weber@beispiel.test,2026-12-01,2026-12-10,1\n"


@pytest.mark.parametrize("preset", ["otrs6_sample", "znuny_sample"])
def test_sample_presets_ask_the_ready_made_service(serve: Serve, preset: str) -> None:
    server, client = serve(recorded("rest-outofoffice-csv-example-1"), preset=preset)

    send(client)

    assert server.requests[0].path.endswith("/Webservice/OutOfOffice/OutOfOffice")


@pytest.mark.parametrize(
    ("name", "kind", "words", "maybe_done"),
    [
        ("bad-password", AuthenticationFailed, "OutOfOffice: Authentication failed.", False),
        ("not-admin", NoPermission, "User needs to be in group admin.*rw on the group admin", False),
        ("customer-user", NoPermission, "User needs to be an agent", False),
        ("bom-raw", BadAnswer, "Error while parsing CSV string", False),
        ("broken-quote", BadAnswer, "does not contain any entries", False),
        ("empty-string", BadAnswer, "is missing", False),
        ("umlaut-in-login", BadAnswer, "crashed in OutOfOffice", True),
    ],
)
def test_recorded_refusal_has_its_kind(
    serve: Serve, name: str, kind: type[InterfaceError], words: str, maybe_done: bool
) -> None:
    _, client = serve(recorded(f"rest-outofoffice-{name}"))

    with pytest.raises(kind, match=words) as caught:
        send(client)

    assert caught.value.maybe_done is maybe_done


def test_system_without_the_operation_says_little(serve: Serve) -> None:
    _, client = serve(recorded("stock-outofoffice-service"))

    with pytest.raises(BadAnswer, match="could not carry out OutOfOffice: Unknown"):
        send(client)


@pytest.mark.parametrize(
    ("made_up", "kind", "maybe_done"),
    [
        (answer({"Success": 0}), BadAnswer, True),
        (answer({}), BadAnswer, True),
        (answer('{"Success":1', more="X: y\r\n"), BadAnswer, True),
        (answer("busy", status="503 Busy"), Unreachable, True),
        (answer("", status="302 Found", more="Location: /\r\n"), BadAnswer, False),
        (answer("", status="403 Forbidden"), BadAnswer, False),
        (answer("", status="404 Not Found"), BadAnswer, False),
        (answer("", status="413 Too Large"), TooLarge, False),
        (
            answer("HTTP::REST Error while determine Operation for request URI", status="500 Internal Server Error"),
            BadAnswer,
            False,
        ),
        (NO_BYTE, Unreachable, True),
    ],
)
def test_every_failure_says_whether_rows_may_be_stored(
    serve: Serve, made_up: bytes, kind: type[InterfaceError], maybe_done: bool
) -> None:
    server, client = serve(made_up)

    with pytest.raises(kind) as caught:
        send(client)

    assert caught.value.maybe_done is maybe_done
    assert len(server.requests) == 1


def test_no_connection_means_that_nothing_was_sent() -> None:
    with Client(make_connection("http://127.0.0.1:9/otrs")) as client, pytest.raises(Unreachable) as caught:
        send(client)

    assert caught.value.maybe_done is False


def test_slow_answer_leaves_it_open_and_is_asked_for_once(serve: Serve) -> None:
    def silent(_: object) -> Any:
        yield b""
        while True:
            yield b" "

    server, client = serve(silent, read_timeout=0.1, total_deadline=0.3)

    with pytest.raises(InterfaceError) as caught:
        send(client)

    assert caught.value.maybe_done is True
    assert len(server.requests) == 1


def test_write_never_meets_a_kept_connection_that_the_server_has_closed(serve: Serve) -> None:
    session = answer({"SessionID": "a" * 32})
    server, client = serve(session, NO_BYTE, authentication=Authentication.SESSION)

    with pytest.raises(Unreachable):
        send(client)

    assert [request.path.rpartition("/")[2] for request in server.requests] == ["SessionCreate", "OutOfOffice"]
    assert [request.connection for request in server.requests] == [1, 2]


def test_expired_session_is_made_anew_because_nothing_was_stored(serve: Serve) -> None:
    refused, done = recorded("rest-outofoffice-bad-password"), recorded("rest-outofoffice-csv-example-1")
    session = answer({"SessionID": "a" * 32})
    server, client = serve(session, refused, session, done, authentication=Authentication.SESSION)

    send(client)

    assert len(server.requests) == 4


@pytest.mark.parametrize(
    ("user", "by", "expected"),
    [
        ("c.weber", AddressedBy.LOGIN, True),
        ("root@localhost", AddressedBy.LOGIN, True),
        ("h_test", AddressedBy.LOGIN, True),
        ("a" * 200, AddressedBy.LOGIN, True),
        ("", AddressedBy.LOGIN, False),
        ("öztürk", AddressedBy.LOGIN, False),
        ("c.web*", AddressedBy.LOGIN, False),
        ("c.web%", AddressedBy.LOGIN, False),
        ("#weber", AddressedBy.LOGIN, False),
        ("c weber", AddressedBy.LOGIN, False),
        ("c,weber", AddressedBy.LOGIN, False),
        ("c\nweber", AddressedBy.LOGIN, False),
        ("weber\n", AddressedBy.LOGIN, False),
        ("DOMAIN\\weber", AddressedBy.LOGIN, False),
        ("c.weber@beispiel.test", AddressedBy.EMAIL, True),
        ("h_test@beispiel.test", AddressedBy.EMAIL, False),
        ("c%@beispiel.test", AddressedBy.EMAIL, False),
        ("müller@beispiel.test", AddressedBy.EMAIL, False),
        ("c.weber", AddressedBy.EMAIL, False),
    ],
)
def test_what_would_mean_another_agent_or_none_cannot_be_sent(user: str, by: AddressedBy, expected: bool) -> None:
    assert can_be_sent(user, by) is expected


@pytest.mark.parametrize(
    ("absences", "words"),
    [
        ([], "no absence"),
        ([absence("öztürk")], "would not take “öztürk”"),
        ([absence(), absence("C.Weber")], "“c.weber” stands in several rows"),
        ([absence(start="2026-12-10", end="2026-12-01")], "ends before it starts"),
        ([absence(f"{n:0>200}") for n in range(LARGEST_CSV // 200)], "more than the 900000 of one request"),
    ],
)
def test_what_the_server_would_misread_is_refused_before_sending(absences: list[Absence], words: str) -> None:
    with pytest.raises(WrongRequest, match=words) as caught:
        write_absences(absences, AddressedBy.LOGIN)

    assert caught.value.maybe_done is False


def test_request_at_the_limit_fits_the_ready_made_service() -> None:
    absences = [absence(f"{n:0>200}") for n in range(LARGEST_CSV // 225 - 1)]

    text = write_absences(absences, AddressedBy.LOGIN)

    assert LARGEST_CSV - 500 < len(text) <= LARGEST_CSV
    assert len(json.dumps({"OutOfOfficeEntriesCSVString": text, "Password": "x" * 500})) < 1_000_000


def test_failed_login_means_that_nothing_was_sent(serve: Serve) -> None:
    _, client = serve(answer("busy", status="503 Busy"), authentication=Authentication.SESSION)

    with pytest.raises(Unreachable) as caught:
        send(client)

    assert caught.value.maybe_done is False
