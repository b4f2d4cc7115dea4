"""How the Generic Interface behaves over REST, against recorded bytes on a real socket."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from generic_interface.connection import Authentication
from generic_interface.errors import (
    ApplicationError,
    AuthenticationFailed,
    BadAnswer,
    TooLarge,
    Unreachable,
    WrongRequest,
)
from tests.generic_interface.conftest import Serve
from tests.generic_interface.replay import NO_BYTE, Request, answer, recorded, recorded_json

OCTOBER: dict[str, Any] = {
    "start": datetime(2026, 9, 30, 22, tzinfo=UTC),
    "end": datetime(2026, 10, 31, 23, tzinfo=UTC),
}
SECRETS = ("Portal-Api-1", "R53zIQ63LTYKmGsf36OB5X23mZdBc1Vt")


def test_request_goes_to_the_web_service_by_post_with_json_and_a_length(serve: Serve) -> None:
    server, client = serve(recorded("rest-ticketsearch-single-hit"))

    client.any_ticket_visible()

    request = server.requests[0]
    assert (request.method, request.target) == (
        "POST", "/otrs/nph-genericinterface.pl/Webservice/BillingPortal/TicketSearch",
    )  # fmt: skip
    assert request.json == {"UserLogin": "portal-api", "Password": "Portal-Api-1", "Limit": 1}
    assert request.headers["content-type"] == "application/json"
    assert request.headers["content-length"] == str(len(request.body))
    assert "transfer-encoding" not in request.headers


def test_umlauts_travel_as_raw_utf8(serve: Serve) -> None:
    server, client = serve(recorded("rest-ticketsearch-no-hit"))

    client.search_closed_tickets(**OCTOBER, customer_id="Größe")

    assert '"CustomerID": "Größe"'.encode() in server.requests[0].body


def test_lone_surrogate_is_refused_before_sending(serve: Serve) -> None:
    server, client = serve()

    with pytest.raises(WrongRequest, match="cannot be sent"):
        client.search_closed_tickets(**OCTOBER, customer_id="\ud800")

    assert server.requests == []


@pytest.mark.parametrize(
    "name",
    [
        "http-wrong-route-trailing-slash",
        "http-service-root-slash",
        "http-wrong-method",
        "http-wrong-method-get-on-session",
        "rest-timeaccounting-wrong-method-get",
    ],
)
def test_unknown_route_is_told_as_such_with_the_route(serve: Serve, name: str) -> None:
    _, client = serve(recorded(name))

    with pytest.raises(BadAnswer, match="knows no POST /TicketSearch of the web service “BillingPortal”"):
        client.any_ticket_visible()


@pytest.mark.parametrize(
    "name", ["http-service-unknown", "http-service-invalid", "http-service-id-unknown", "stock-http-service-unknown"]
)
def test_unknown_web_service_closes_without_a_byte_and_is_asked_once(serve: Serve, name: str) -> None:
    server, client = serve(recorded(name))

    with pytest.raises(Unreachable, match="Check the name of the web service “BillingPortal”"):
        client.any_ticket_visible()

    assert len(server.requests) == 1


def test_unknown_web_service_under_plack_is_a_page_with_500(serve: Serve) -> None:
    _, client = serve(recorded("psgi-service-unknown"))

    with pytest.raises(BadAnswer, match="Check that the web service “BillingPortal” exists and is valid"):
        client.any_ticket_visible()


def test_crash_inside_an_operation_is_a_page_without_status_line(serve: Serve) -> None:
    _, client = serve(recorded("rest-timeaccounting-array-body"))

    with pytest.raises(BadAnswer, match="crashed in TimeAccountingGet: it sent a page without a status line"):
        client.accounted_time("f.alt", **OCTOBER)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("http-json-no-content-type", "Could not read input data"),
        ("http-json-as-form-content-type", "Could not read input data"),
        ("http-form-encoded", "Could not read input data"),
        ("http-json-latin1", "Could not read input data"),
        ("psgi-json-no-content-type", "Could not read input data"),
        ("http-json-bom", "Error while decoding request content."),
        ("http-not-json", "Error while decoding request content."),
        ("stock-http-json-bom", "Error while decoding request content."),
        ("http-json-empty-array", "Unsupported request content structure."),
        ("http-json-number", "Unsupported request content structure."),
    ],
)
def test_500_in_plain_text_is_a_bad_answer_with_its_text(serve: Serve, name: str, text: str) -> None:
    _, client = serve(recorded(name))

    with pytest.raises(BadAnswer, match=rf"could not read TicketSearch .HTTP 500.: {text}"):
        client.any_ticket_visible()


def test_500_with_a_fault_tells_that_the_operation_is_not_installed(serve: Serve) -> None:
    _, client = serve(recorded("stock-timeaccounting-service"))

    with pytest.raises(BadAnswer, match=r"Can't load operation backend module .* not installed there"):
        client.accounted_time("f.alt", **OCTOBER)


def test_500_with_a_fault_shows_the_faultstring(serve: Serve) -> None:
    _, client = serve(recorded("stock-outofoffice-service"))

    with pytest.raises(BadAnswer, match=r"could not carry out TicketSearch: Unknown$"):
        client.any_ticket_visible()


@pytest.mark.parametrize("name", ["http-too-large-small-limit", "psgi-too-large"])
def test_413_is_too_large(serve: Serve, name: str) -> None:
    _, client = serve(recorded(name))

    with pytest.raises(TooLarge, match="HTTP 413"):
        client.any_ticket_visible()


def test_413_halves_a_batch_and_goes_on(serve: Serve) -> None:
    server, client = serve(
        recorded("http-too-large-small-limit"),
        recorded("rest-ticketget-extended"),
        recorded("rest-ticketget-extended-reopened"),
    )

    batch = client.get_tickets(["614", "119"])

    assert [ticket.ticket_id for ticket in batch.tickets] == ["614", "119"]
    assert [request.json["TicketID"] for request in server.requests] == ["614,119", "614", "119"]


def test_414_of_a_get_route_is_too_large(serve: Serve) -> None:
    _, client = serve(
        recorded("rest-ticketget-2200-ids-get-uri-too-long"),
        preset="otrs6_sample",
        authentication=Authentication.HEADER,
    )

    with pytest.raises(TooLarge, match="HTTP 414"):
        client.any_ticket_visible()


def test_get_batches_shrink_until_the_url_fits(serve: Serve) -> None:
    template = recorded_json("rest-ticketget-extended")["Ticket"][0]

    def tickets(request: Request) -> bytes:
        asked = request.path.rpartition("/")[2].split(",")
        return answer({"Ticket": [{**template, "TicketID": int(ticket_id)} for ticket_id in asked]})

    server, client = serve(tickets, preset="otrs6_sample", authentication=Authentication.HEADER, batch_size=1000)
    ids = [str(1_000_000_000 + number) for number in range(1000)]

    batch = client.get_tickets(ids)

    assert [ticket.ticket_id for ticket in batch.tickets] == ids
    assert [len(request.target) < 8000 for request in server.requests] == [True, True]


def test_application_error_is_http_200_with_the_key_error(serve: Serve) -> None:
    _, client = serve(recorded("rest-ticketget-empty-array"))

    with pytest.raises(ApplicationError, match=r"TicketGet.WrongStructure") as caught:
        client.get_tickets(["1"])

    assert caught.value.code == "TicketGet.WrongStructure"


@pytest.mark.parametrize(
    "name",
    [
        "http-empty-body",
        "http-no-body-no-length",
        "rest-auth-none",
        "rest-auth-basic-auth-header",
        "rest-auth-header-beats-body",
    ],
)
def test_auth_fail_is_http_200_and_asked_once(serve: Serve, name: str) -> None:
    server, client = serve(recorded(name))

    with pytest.raises(AuthenticationFailed, match="refuses the login for TicketSearch"):
        client.any_ticket_visible()

    assert len(server.requests) == 1


@pytest.mark.parametrize("name", ["rest-session-create-unknown-user", "rest-session-create-missing-login"])
def test_wrong_login_at_session_create_is_asked_once(serve: Serve, name: str) -> None:
    server, client = serve(recorded(name), authentication=Authentication.SESSION)

    with pytest.raises(AuthenticationFailed, match="SessionCreate"):
        client.check_login()

    assert len(server.requests) == 1


@pytest.mark.parametrize("name", ["rest-session-create-missing-password", "http-chunked", "stock-http-json-array"])
def test_missing_parameter_at_session_create_is_an_application_error(serve: Serve, name: str) -> None:
    _, client = serve(recorded(name), authentication=Authentication.SESSION)

    with pytest.raises(ApplicationError, match=r"SessionCreate.MissingParameter"):
        client.check_login()


@pytest.mark.parametrize("name", ["rest-session-create-keepalive-service", "http-service-by-id", "http-json-charset",
                                  "http-expect-100", "stock-http-json-no-content-type"])  # fmt: skip
def test_session_create_gives_a_session(serve: Serve, name: str) -> None:
    server, client = serve(
        recorded(name), recorded("rest-ticketsearch-single-hit"), authentication=Authentication.SESSION
    )

    client.any_ticket_visible()

    assert f'"SessionID":"{server.requests[1].json["SessionID"]}"'.encode() in recorded(name)


@pytest.mark.parametrize(
    "name", ["rest-auth-session-expired-2h", "rest-auth-session-after-other-ip", "rest-auth-session-other-ip"]
)
def test_dead_session_is_made_anew_once(serve: Serve, name: str) -> None:
    server, client = serve(
        recorded("rest-session-create-keepalive-service"),
        recorded(name),
        recorded("http-json-charset"),
        recorded("rest-auth-session-almost-2h"),
        authentication=Authentication.SESSION,
    )

    assert client.any_ticket_visible() is True
    assert [request.path.rpartition("/")[2] for request in server.requests] == ["SessionCreate", "TicketSearch"] * 2
    assert server.requests[3].json["SessionID"] == "YQDAWiA0YIrEcJ0ZJzp7J337fjKqoX8j"


def test_header_authentication_sends_login_and_password_as_headers_only(serve: Serve) -> None:
    server, client = serve(recorded("rest-auth-header-userlogin-password"), authentication=Authentication.HEADER)

    assert client.any_ticket_visible() is True
    request = server.requests[0]
    assert request.headers["x-otrs-header-userlogin"] == "portal-api"
    assert request.headers["x-otrs-header-password"] == "Portal-Api-1"
    assert request.json == {"Limit": 1}


def test_get_route_has_no_body_and_carries_login_data_in_headers(serve: Serve) -> None:
    server, client = serve(
        recorded("rest-auth-header-get"), preset="otrs6_sample", authentication=Authentication.HEADER
    )

    batch = client.get_tickets(["1"])

    request = server.requests[0]
    assert (request.method, request.body) == ("GET", b"")
    assert request.path.endswith("/Webservice/GenericTicketConnectorREST/Ticket/1")
    assert request.query == {"Extended": ["1"]}
    assert (batch.tickets[0].title, batch.tickets[0].customer_id) == ("Welcome to ((OTRS)) Community Edition!", "")


def test_get_route_with_a_session_carries_it_in_a_header(serve: Serve) -> None:
    server, client = serve(
        recorded("rest-auth-header-session-create"),
        recorded("rest-auth-header-session"),
        preset="otrs6_sample",
        authentication=Authentication.SESSION,
    )

    ids = client.search_closed_tickets(**OCTOBER)

    assert ids == ("1164", "1159", "1126")
    assert server.requests[1].headers["x-otrs-header-sessionid"] == "R53zIQ63LTYKmGsf36OB5X23mZdBc1Vt"
    assert server.requests[1].query == {
        "StateType": ["closed"],
        "TicketCloseTimeNewerDate": ["2026-10-01 00:00:00"],
        "TicketCloseTimeOlderDate": ["2026-10-31 23:59:59"],
        "SearchInArchive": ["AllTickets"],
        "Limit": ["10000"],
    }


@pytest.mark.parametrize("name", ["rest-ticketget-get-with-json-body", "stock-ticketget-get-with-json-body"])
def test_system_that_ignores_the_headers_says_auth_fail(serve: Serve, name: str) -> None:
    _, client = serve(recorded(name), preset="otrs6_sample", authentication=Authentication.HEADER)

    with pytest.raises(AuthenticationFailed, match="does not know the X-OTRS-Header fields"):
        client.get_tickets(["1"])


def test_get_route_with_login_in_the_body_is_refused_before_sending(serve: Serve) -> None:
    server, client = serve(preset="otrs6_sample", authentication=Authentication.BODY)

    with pytest.raises(WrongRequest, match="never sent there"):
        client.any_ticket_visible()

    assert server.requests == []


@pytest.mark.parametrize("password", ["Größe", "a\r\nX-Evil: 1", "a\x00b"])
def test_password_that_no_header_can_carry_is_refused_before_sending(serve: Serve, password: str) -> None:
    server, client = serve(authentication=Authentication.HEADER, password=password)

    with pytest.raises(WrongRequest, match="an HTTP header cannot carry"):
        client.any_ticket_visible()

    assert server.requests == []


@pytest.mark.parametrize("preset", ["billing_portal", "otrs6_sample", "znuny_sample"])
@pytest.mark.parametrize("authentication", [Authentication.SESSION, Authentication.HEADER])
def test_no_secret_is_ever_in_a_url(serve: Serve, preset: str, authentication: Authentication) -> None:
    def operation(request: Request) -> bytes:
        for name, part in (("TimeAccounting", "rest-timeaccounting-none"), ("History", "rest-tickethistory-ok"),
                           ("Session", "rest-auth-header-session-create"), ("Search", "rest-ticketsearch-no-hit"),
                           ("Ticket/119", "rest-ticketget-extended-reopened"),
                           ("TicketGet", "rest-ticketget-extended-reopened")):  # fmt: skip
            if name in request.path:
                return recorded(part)
        return recorded("rest-ticketsearch-no-hit")

    server, client = serve(operation, preset=preset, authentication=authentication)

    client.check_login()
    client.search_closed_tickets(**OCTOBER)
    client.get_tickets(["119"])
    client.get_histories(["119"])
    client.accounted_time("anna.mueller", **OCTOBER)

    assert len(server.requests) >= 5
    assert [r.target for r in server.requests if any(secret in r.target for secret in SECRETS)] == []


def test_keep_alive_serves_many_calls_on_one_connection(serve: Serve) -> None:
    server, client = serve(lambda request: recorded("rest-ticketsearch-no-hit"))

    for _ in range(5):
        client.any_ticket_visible()

    assert {request.connection for request in server.requests} == {1}


def test_kept_alive_connection_dropped_after_100_requests_is_opened_anew_once(serve: Serve) -> None:
    seen: dict[int, int] = {}

    def dropping(request: Request) -> bytes:
        seen[request.connection] = seen.get(request.connection, 0) + 1
        return NO_BYTE if seen[request.connection] > 100 else recorded("rest-ticketsearch-no-hit")

    _, client = serve(dropping)

    for _ in range(102):
        assert client.any_ticket_visible() is False

    assert (client.requests_made, seen) == (103, {1: 101, 2: 2})


def test_fresh_connection_that_is_dropped_as_well_is_not_tried_a_third_time(serve: Serve) -> None:
    server, client = serve(recorded("rest-ticketsearch-no-hit"), NO_BYTE, NO_BYTE)
    client.any_ticket_visible()

    with pytest.raises(Unreachable, match="closed the connection without an answer"):
        client.any_ticket_visible()

    assert (len(server.requests), client.requests_made) == (3, 3)


def test_connection_that_was_announced_to_close_is_no_reason_to_repeat(serve: Serve) -> None:
    server, client = serve(recorded("rest-timeaccounting-none"), NO_BYTE)
    client.accounted_time("g.neu", **OCTOBER)

    with pytest.raises(Unreachable):
        client.accounted_time("g.neu", **OCTOBER)

    assert len(server.requests) == 2


def test_compression_is_not_asked_for_and_not_sent(serve: Serve) -> None:
    server, client = serve(recorded("http-accept-encoding-gzip"))

    with pytest.raises(BadAnswer, match="TicketID is missing"):
        client.any_ticket_visible()

    assert server.requests[0].headers["accept-encoding"] == "identity"


def test_ids_are_text_whether_sent_as_string_or_number(serve: Serve) -> None:
    _, client = serve(recorded("rest-ticketsearch-single-hit"), recorded("rest-ticketget-extended"))

    found = client.search_closed_tickets(**OCTOBER)
    batch = client.get_tickets(found)

    assert found == ("614",)
    assert (batch.tickets[0].ticket_id, batch.tickets[0].number) == ("614", "2026101510000092")


def test_units_are_exact_decimals_from_the_text(serve: Serve) -> None:
    _, client = serve(recorded("rest-ticketget-extended"))

    assert client.get_tickets(["614"]).tickets[0].time_units == Decimal("1234574.04")


def test_null_and_empty_both_mean_nothing(serve: Serve) -> None:
    _, client = serve(recorded("rest-ticketget-without-customer"))

    ticket = client.get_tickets(["676"]).tickets[0]

    assert (ticket.customer_id, ticket.customer_user, ticket.service, ticket.sla) == ("", "", "", "")
    assert ticket.closed is None
