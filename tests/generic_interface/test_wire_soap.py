"""The client over SOAP against every recorded request and answer, on a real socket."""

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from defusedxml.ElementTree import fromstring

from generic_interface.absences import Absence, AddressedBy
from generic_interface.client import Client
from generic_interface.connection import Authentication, TransportKind
from generic_interface.errors import (
    AccessDenied,
    ApplicationError,
    AuthenticationFailed,
    BadAnswer,
    InterfaceError,
    WrongRequest,
)
from generic_interface.records import AccountedTime
from generic_interface.soap_transport import SoapTransport
from tests.generic_interface.conftest import Serve, make_connection
from tests.generic_interface.replay import RECORDINGS, ReplayServer, recorded

BERLIN = ZoneInfo("Europe/Berlin")
SOAP: dict[str, Any] = {"transport": TransportKind.SOAP, "preset": "otrs6_sample"}
OCTOBER: dict[str, Any] = {"start": datetime(2026, 10, 1, tzinfo=BERLIN), "end": datetime(2026, 11, 1, tzinfo=BERLIN)}
SECONDS: dict[str, Any] = {
    "start": datetime(2026, 10, 16, 9, tzinfo=BERLIN),
    "end": datetime(2026, 10, 16, 9, 0, 3, tzinfo=BERLIN),
}
NAMES = sorted(path.stem for path in RECORDINGS.glob("soap-*.http"))
NOT_OURS = {
    "soap-timeaccounting-empty-body": "we never send nothing",
    "soap-timeaccounting-get-method": "we never send a GET",
    "soap-timeaccounting-json-body": "we never send JSON there",
    "soap-timeaccounting-soapaction-one-slash": "our SOAPAction has the slash of the namespace and its own",
    "soap-timeaccounting-soapaction-operation-only": "our SOAPAction names the namespace",
    "soap-timeaccounting-wrong-soapaction-namespace": "our SOAPAction names that of the web service",
}
F_ALT = AccountedTime(
    login="f.alt",
    booked_local=datetime(2026, 10, 2, 9),
    units=Decimal("50.00"),
    ticket_number="2026100210000071",
    title="EDGE Zeit eines ausgeschiedenen Agenten",
    customer_id="10007",
    queue="Support",
)


def asked(name: str) -> tuple[dict[str, str], bytes, str, dict[str, object]]:
    """Headers, body, operation and parameters of a recorded request."""
    content = (RECORDINGS / f"{name}.http").read_bytes()
    request = content.partition(b"## ---- request ----\n")[2].partition(b"\n## ---- response ----\n")[0]
    head, _, body = request.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    question = fromstring(body)[1][0]
    operation = re.sub("{.*}", "", question.tag)
    return headers, body, operation, {child.tag: child.text for child in question}


def test_all_recordings_are_there() -> None:
    assert len(NAMES) == 21
    assert NOT_OURS.keys() <= set(NAMES)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in NOT_OURS])
def test_recorded_request_is_sent_byte_for_byte(name: str) -> None:
    headers, body, operation, parameters = asked(name)
    without_action = "soap-timeaccounting-no-soapaction"
    routes = {}
    if name == without_action:
        routes = {operation: "SOAP TimeAccountingSOAP http://www.znuny.org/TimeAccountingWebservice/"}

    with ReplayServer(recorded("soap-generic-ticketsearch-none")) as server:
        transport = SoapTransport(make_connection(server.base_url, **SOAP, routes=routes))
        if operation == "TicketSearch":
            transport.call(operation, parameters)
        else:
            with pytest.raises(BadAnswer, match="TicketSearchResponse"):
                transport.call(operation, parameters)
        transport.close()

    (request,) = server.requests
    assert request.body == body
    assert (request.method, request.headers["content-type"]) == ("POST", "text/xml; charset=UTF-8")
    assert request.headers.get("soapaction") == headers.get("SOAPAction")


def test_web_services_of_the_samples_are_asked(serve: Serve) -> None:
    server, client = serve(recorded("soap-generic-ticketsearch-one"), recorded("soap-timeaccounting-one-entry"), **SOAP)

    client.any_ticket_visible()
    client.accounted_time("f.alt", **OCTOBER)

    assert [request.path.rpartition("/")[2] for request in server.requests] == [
        "GenericTicketConnectorSOAP",
        "TimeAccountingSOAP",
    ]


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("soap-generic-ticketsearch-many", ("1164", "1159", "1126")),
        ("soap-generic-ticketsearch-one", ("1164",)),
        ("soap-generic-ticketsearch-none", ()),
    ],
)
def test_search_finds_many_one_or_none(serve: Serve, name: str, ids: tuple[str, ...]) -> None:
    server, client = serve(recorded(name), **SOAP)

    assert client.search_closed_tickets(**OCTOBER, state_types=("closed", "merged")) == ids
    assert b"<StateType>closed</StateType><StateType>merged</StateType>" in server.requests[0].body


def test_ticket_is_the_same_record_as_over_rest(serve: Serve) -> None:
    _, soap = serve(recorded("soap-generic-ticketget"), **SOAP)
    _, rest = serve(recorded("rest-ticketget-extended"))

    (ticket,) = soap.get_tickets(["614"]).tickets

    (same,) = rest.get_tickets(["614"]).tickets
    assert ticket.age is not None
    assert {field: getattr(ticket, field) for field in ticket.__dataclass_fields__ if field != "age"} == {
        field: getattr(same, field) for field in same.__dataclass_fields__ if field != "age"
    }
    assert str(ticket.time_units) == "1234574.04"


def test_unknown_ticket_is_named_as_unreadable(serve: Serve) -> None:
    _, client = serve(recorded("soap-generic-ticketget-unknown"), **SOAP)

    assert client.get_tickets(["999999"]).unreadable == ("999999",)


@pytest.mark.parametrize(
    ("name", "entries"),
    [
        ("soap-timeaccounting-one-entry", (F_ALT,)),
        ("soap-timeaccounting-no-soapaction", (F_ALT,)),
        ("soap-timeaccounting-date-garbage", (F_ALT,)),
        ("soap-timeaccounting-date-without-seconds", (F_ALT,)),
        ("soap-timeaccounting-none", ()),
        ("soap-timeaccounting-unknown-agent", ()),
    ],
)
def test_time_of_one_entry_or_none_is_read(serve: Serve, name: str, entries: tuple[AccountedTime, ...]) -> None:
    _, client = serve(recorded(name), **SOAP)

    assert client.accounted_time("f.alt", **OCTOBER) == entries


def test_time_of_two_entries_is_read(serve: Serve) -> None:
    _, client = serve(recorded("soap-timeaccounting-two-entries"), **SOAP)

    first, second = client.accounted_time("e.jung", **SECONDS)

    assert (first.title, first.units) == ('Sonderzeichen "quoted"; Komma, Semikolon; Ümläute ß €', Decimal("5.00"))
    assert (second.title, second.booked_local) == ("=1+1", datetime(2026, 10, 16, 9, 0, 2))


@pytest.mark.parametrize(
    ("name", "kind", "maybe_done", "sentence"),
    [
        ("soap-timeaccounting-bad-password", AuthenticationFailed, False, "refuses the login for TimeAccountingGet"),
        ("soap-timeaccounting-missing-parameter", ApplicationError, False, "TimeAccountingEnd parameter is missing!"),
        ("soap-timeaccounting-empty-body", BadAnswer, True, "was answered with HTTP 411. It begins: Length Required"),
        ("soap-timeaccounting-get-method", BadAnswer, True, "was answered with HTTP 411. It begins: Length Required"),
        ("soap-timeaccounting-json-body", BadAnswer, True, "could not read .*HTTP 500.: Error deserializing message"),
        (
            "soap-timeaccounting-soapaction-one-slash",
            BadAnswer,
            False,
            "take TimeAccountingGet for the web service “TimeAccountingSOAP” over SOAP: Namespace .* Compare the",
        ),
        ("soap-timeaccounting-soapaction-operation-only", BadAnswer, False, "does not match expected result"),
        ("soap-timeaccounting-wrong-soapaction-namespace", BadAnswer, False, "from SOAPAction 'http://example.test'"),
    ],
)
def test_failure_has_its_kind_and_sentence(
    serve: Serve, name: str, kind: type[InterfaceError], maybe_done: bool, sentence: str
) -> None:
    _, client = serve(recorded(name), **SOAP)

    with pytest.raises(kind, match=sentence) as caught:
        client.accounted_time("f.alt", **OCTOBER)

    assert (type(caught.value), caught.value.maybe_done) == (kind, maybe_done)


def test_refused_login_of_a_session_is_told(serve: Serve) -> None:
    more = {"authentication": Authentication.SESSION}
    _, client = serve(recorded("soap-generic-session-create-bad-password"), **SOAP | more)

    with pytest.raises(AuthenticationFailed, match="SessionCreate: Authorization failing!"):
        client.check_login()


def test_access_denied_keeps_its_code() -> None:
    with ReplayServer(recorded("soap-generic-ticketget-unknown")) as server:
        transport = SoapTransport(make_connection(server.base_url, **SOAP))
        with pytest.raises(AccessDenied) as caught:
            transport.call("TicketGet", {"TicketID": "999999"})
        transport.close()

    assert (caught.value.code, transport.requests_made) == ("TicketGet.AccessDenied", 1)


def test_operation_without_a_web_service_is_refused_before_sending() -> None:
    absence = Absence(user="anna", start=date(2026, 10, 1), end=date(2026, 10, 2), enabled=True)
    with Client(make_connection(**SOAP)) as client:
        with pytest.raises(WrongRequest, match=r"offer no OutOfOffice over SOAP\. Give it a route"):
            client.set_out_of_office([absence], by=AddressedBy.LOGIN)

        assert client.requests_made == 0
