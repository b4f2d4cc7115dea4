"""Every recorded request over SOAP, replayed against the simulator over a real socket."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime

import pytest
from defusedxml.ElementTree import fromstring

from generic_interface.absences import Absence, AddressedBy
from generic_interface.client import Client
from generic_interface.connection import Authentication, Connection, TransportKind
from generic_interface.errors import (
    ApplicationError,
    AuthenticationFailed,
    BadAnswer,
    InterfaceError,
    NoPermission,
    OperationFailed,
    TooLarge,
    Unreachable,
)
from generic_interface.reach import Reach
from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.faults import FaultPlan
from generic_interface.simulator.months import ZONE
from generic_interface.simulator.routes import SERVICES
from generic_interface.simulator.server import RunningSimulator, start_simulator
from generic_interface.simulator.soap import read_answer, write_answer, write_fault
from generic_interface.simulator.wire import Flavour
from generic_interface.soap_routes import SOAP_PRESETS
from generic_interface.soap_transport import SoapTransport, write_envelope
from tests.simulator.recordings import FOLDER, Answer, read_recording
from tests.simulator.test_recordings import exchange
from tests.simulator.twin import Twin, build_twin

NAMES = sorted(path.stem for path in FOLDER.glob("soap-*.http"))
UNTOLD = re.compile(rb"<Age>\d+</Age>")
"""Age depends on the moment."""


@pytest.fixture(scope="module")
def twin() -> Twin:
    """With the second of the two tickets whose time was asked for by the second."""
    twin = build_twin()
    formula = twin.ticket_with_id(643, "10-16 08:00:00", "10004", title="=1+1", number="2026101610000116")
    twin.book_as(formula, "5", "10-16 09:00:02", "e.jung")
    return twin


@pytest.fixture(scope="module")
def recorded_twin(twin: Twin) -> Iterator[RunningSimulator]:
    with start_simulator(twin) as running:
        yield running


def test_all_recordings_are_there() -> None:
    assert len(NAMES) == 21


@pytest.mark.parametrize("name", NAMES)
def test_recorded_request_gets_the_recorded_bytes(recorded_twin: RunningSimulator, name: str) -> None:
    recording = read_recording(name)

    answer = exchange(recorded_twin, recording.request)

    assert (answer.status, answer.content_type) == (recording.answer.status, recording.answer.content_type)
    assert UNTOLD.sub(b"", answer.body).rstrip() == UNTOLD.sub(b"", recording.answer.body).rstrip()


def post(running: RunningSimulator, body: bytes, *, service: str = "TimeAccountingSOAP", more: str = "") -> Answer:
    head = f"Connection: close\r\n{more}Content-Type: text/xml\r\nContent-Length: {len(body)}"
    path = f"/otrs/nph-genericinterface.pl/Webservice/{service}"
    return exchange(running, f"POST {path} HTTP/1.1\r\n{head}\r\n\r\n".encode() + body)


@pytest.mark.parametrize(
    ("action", "status"),
    [
        ('"http://www.znuny.org/TimeAccountingWebservice//TimeAccountingGet"', 200),
        ("http://www.znuny.org/TimeAccountingWebservice//TimeAccountingGet", 200),
        ('""', 200),
        ('"http://www.znuny.org/TimeAccountingWebservice/#TimeAccountingGet"', 500),
        ('"http://www.znuny.org/TimeAccountingWebservice//TicketGet"', 500),
    ],
)
def test_action_names_namespace_and_operation_or_nothing(
    recorded_twin: RunningSimulator, action: str, status: int
) -> None:
    body = write_envelope("TimeAccountingGet", "urn:any", {"UserLogin": "x"})

    assert post(recorded_twin, body, more=f"SOAPAction: {action}\r\n").status == status


def test_stock_system_does_not_look_at_the_action(twin: Twin) -> None:
    body = write_envelope("TicketSearch", "urn:any", {"UserLogin": "portal-api", "Password": "Portal-Api-1"})
    with start_simulator(twin, flavour=Flavour.STOCK) as running:
        found = post(running, body, service="GenericTicketConnectorSOAP", more='SOAPAction: "nonsense"\r\n')

    assert (found.status, b"<TicketID>" in found.body) == (200, True)


def test_request_above_the_limit_of_the_service_is_too_large(recorded_twin: RunningSimulator) -> None:
    answer = post(recorded_twin, b"<a>" + b" " * 1_000_000 + b"</a>")

    assert (answer.status, answer.body) == (413, b"Request Entity Too Large")


def test_request_with_a_document_type_is_refused(recorded_twin: RunningSimulator) -> None:
    answer = post(recorded_twin, b"<!DOCTYPE a><a/>")

    assert (answer.status, answer.body.partition(b":")[0]) == (500, b"Error deserializing message")


@pytest.mark.parametrize("body", [b"<a/>", b"<a>x<b/></a>"])
def test_xml_that_is_no_envelope_is_refused(recorded_twin: RunningSimulator, body: bytes) -> None:
    answer = post(recorded_twin, body)

    assert (answer.status, answer.body) == (500, b"Got no result body from deserialized content")


def test_place_of_a_mistake_is_told(recorded_twin: RunningSimulator) -> None:
    answer = post(recorded_twin, b"<a>\n<b>\n</a>")

    assert answer.body.startswith(b"Error deserializing message:\nmismatched tag at line 3, column 2, byte 10 at")


def test_operation_that_the_service_does_not_have_is_a_fault(recorded_twin: RunningSimulator) -> None:
    answer = post(recorded_twin, write_envelope("TicketGet", "urn:any", {}))

    assert answer.status == 500
    assert b"The operation 'TicketGet' is not configured." in answer.body


def test_operation_without_parameters_is_called_without(recorded_twin: RunningSimulator) -> None:
    answer = post(recorded_twin, write_envelope("TimeAccountingGet", "urn:any", {}))

    assert b"<ErrorCode>TimeAccountingGet.AuthFail</ErrorCode>" in answer.body


def test_values_are_written_as_the_server_writes_them() -> None:
    written = write_answer(
        {"B": None, "A": ["1", 2], "C": {"Y": 2.5, "X": "<a> & \x07b"}, "D": [{"E": ""}]}, "TicketGet", "urn:x"
    )

    body = "<A>1</A><A>2</A><B /><C><X>&lt;a&gt; &amp; b</X><Y>2.5</Y></C><D><E /></D>"
    assert f'<TicketGetResponse xmlns="urn:x">{body}</TicketGetResponse>'.encode() in written
    assert read_answer(written) == {"A": ["1", "2"], "B": "", "C": {"X": "<a> & b", "Y": "2.5"}, "D": {"E": ""}}
    assert read_answer(write_answer({}, "TicketGet", "urn:x")) == {}


def test_fault_stands_in_the_namespace_of_the_service() -> None:
    fault = fromstring(write_fault("<no>", "urn:x"))[0][0]

    assert (fault.tag, fault[1].text) == ("{urn:x}Fault", "<no>")


@pytest.mark.parametrize("preset", SOAP_PRESETS)
def test_web_services_that_the_client_asks_are_there(preset: str) -> None:
    offered = {(each.name, each.namespace, operation) for each in SERVICES for operation in each.operations}

    assert {(r.service, r.namespace, operation) for operation, r in SOAP_PRESETS[preset].items()} <= offered


@pytest.mark.parametrize(
    ("kind", "error", "sentence"),
    [
        ("http_500", OperationFailed, "could not carry out TicketSearch: Database is not reachable"),
        ("truncated", BadAnswer, "broke off"),
        ("cut", BadAnswer, "is no complete XML"),
        ("html", BadAnswer, "instead of XML"),
        ("html_no_status", BadAnswer, "without a status line"),
        ("wrong_type", BadAnswer, "the field TicketID is no text"),
        ("empty_body", BadAnswer, "is no complete XML"),
        ("drop", Unreachable, "without an answer to TicketSearch"),
        ("auth_fail", AuthenticationFailed, "refuses the login"),
        ("no_permission", NoPermission, "may not call TicketSearch"),
        ("huge", TooLarge, "larger than"),
        ("redirect", BadAnswer, "was redirected"),
    ],
)
def test_fault_of_the_stand_in_is_told(data: DataSet, kind: str, error: type[InterfaceError], sentence: str) -> None:
    faults = FaultPlan([f"TicketSearch:{kind}"], huge_bytes=3_000_000)
    with (
        start_simulator(data, faults=faults) as running,
        Client(soap_connection(running)) as client,
        pytest.raises(error, match=sentence) as caught,
    ):
        client.any_ticket_visible()

    assert type(caught.value) is error


def soap_connection(running: RunningSimulator) -> Connection:
    return Connection(
        base_url=running.base_url,
        login=running.login,
        password=running.password,
        zone=ZONE,
        transport=TransportKind.SOAP,
        authentication=Authentication.BODY,
        max_bytes=2_000_000,
        reach=Reach.of([f"http://127.0.0.1:{running.port}"]),
    )


def test_empty_is_nothing_found(data: DataSet) -> None:
    with start_simulator(data, faults=FaultPlan(["*:empty"])) as running, Client(soap_connection(running)) as client:
        assert client.any_ticket_visible() is False


def test_value_of_another_type_keeps_its_name(data: DataSet) -> None:
    with start_simulator(data, faults=FaultPlan(["SessionCreate:wrong_type"])) as running:
        transport = SoapTransport(soap_connection(running))
        answer = transport.call("SessionCreate", {"UserLogin": running.login, "Password": running.password})
        transport.close()

    assert isinstance(answer["SessionID"], dict)


def test_operation_that_is_not_installed_is_told(data: DataSet) -> None:
    october = {"start": datetime(2026, 10, 1, tzinfo=ZONE), "end": datetime(2026, 11, 1, tzinfo=ZONE)}
    with (
        start_simulator(data, flavour=Flavour.STOCK) as running,
        Client(soap_connection(running)) as client,
        pytest.raises(BadAnswer, match="The operation is not installed there"),
    ):
        client.accounted_time("anna", **october)


def test_application_error_keeps_its_code(data: DataSet) -> None:
    with start_simulator(data) as running:
        transport = SoapTransport(soap_connection(running))
        with pytest.raises(ApplicationError) as caught:
            transport.call("TicketGet", {"UserLogin": running.login, "Password": running.password})
        transport.close()

    assert caught.value.code == "TicketGet.MissingParameter"


def test_absences_are_stored_over_soap_as_over_rest(own_data: DataSet) -> None:
    stored = []
    absence = Absence(user="anna.mueller", start=date(2026, 10, 1), end=date(2026, 10, 2), enabled=True)
    with start_simulator(own_data) as running:
        for transport in (TransportKind.REST, TransportKind.SOAP):
            own_data.preferences.clear()
            with Client(replace(soap_connection(running), transport=transport)) as client:
                client.set_out_of_office([absence], by=AddressedBy.LOGIN)
            stored.append(dict(own_data.preferences))

    assert stored[0] == stored[1]
    assert [each["OutOfOfficeStartDay"] for each in stored[0].values()] == ["01"]
