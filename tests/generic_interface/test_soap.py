"""What else can come as an envelope, and what we put into one."""

import gzip
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generic_interface.absences import Absence, AddressedBy
from generic_interface.answers import Call, Reply
from generic_interface.connection import Authentication, TransportKind
from generic_interface.errors import BadAnswer, InterfaceError, TooLarge, Unreachable, WrongRequest
from generic_interface.soap_answers import read_soap_reply
from generic_interface.soap_routes import SoapRoute, parse_soap_route, soap_routes_for
from generic_interface.soap_transport import SoapTransport, write_envelope
from generic_interface.xmlreader import read_xml
from tests.generic_interface.conftest import Serve, make_connection
from tests.generic_interface.replay import RECORDINGS, answer, recorded, recorded_body
from tests.generic_interface.test_xmlreader import BILLION_LAUGHS, QUADRATIC

NAMESPACE = "http://www.otrs.org/TicketConnector/"
SOAP: dict[str, Any] = {"transport": TransportKind.SOAP, "preset": "otrs6_sample"}
CALL = Call("TicketSearch", SoapRoute("GenericTicketConnectorSOAP", NAMESPACE), ("Portal-Api-1",))
FIELD = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"], include_characters="\t\n\r"))
ABSENCE = Absence(user="anna", start=date(2026, 10, 1), end=date(2026, 10, 2), enabled=True)


def envelope(content: str, name: str = "TicketSearchResponse", more: str = "") -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soap:Body>'
        f'<{name} xmlns="{NAMESPACE}"{more}>{content}</{name}></soap:Body></soap:Envelope>'
    )


def reply(body: str | bytes, status: int = 200, content_type: str = "text/xml") -> Reply:
    content = body if isinstance(body, bytes) else body.encode()
    return Reply(status=status, content_type=content_type, location="", body=content)


def read(body: str | bytes, status: int = 200, content_type: str = "text/xml") -> dict[str, object]:
    return read_soap_reply(reply(body, status, content_type), CALL, remaining=lambda: 1.0)


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ("<A>1</A>", {"A": "1"}),
        ("<A> x \n</A>", {"A": " x \n"}),
        ("<A/><B></B>", {"A": "", "B": ""}),
        ("<A>1</A><B>2</B><A>3</A>", {"A": ["1", "3"], "B": "2"}),
        ('<A xsi:nil="true"/><B xsi:nil="1">x</B><C xsi:nil="false">y</C>', {"A": None, "B": None, "C": "y"}),
        ("<A><B>1</B></A>", {"A": {"B": "1"}}),
        ("\n <A>\n<B>1</B>\n<B/></A>\n", {"A": {"B": ["1", ""]}}),
        ("<A><B>1</B></A><A><B>2</B></A>", {"A": [{"B": "1"}, {"B": "2"}]}),
        ("<A><![CDATA[<b>&amp;]]></A>", {"A": "<b>&amp;"}),
    ],
)
def test_elements_become_values_lists_and_objects(content: str, value: dict[str, object]) -> None:
    assert read(envelope(content)) == value


def test_nil_is_an_empty_answer() -> None:
    assert read(envelope("", more=' xsi:nil="true"')) == {}


def test_header_of_an_envelope_is_ignored() -> None:
    with_header = envelope("<A>1</A>").replace("<soap:Body>", "<soap:Header><x/></soap:Header><soap:Body>")

    assert read(with_header) == {"A": "1"}


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (envelope(""), "holds an TicketSearchResponse with nothing in it"),
        (envelope("text"), "holds an TicketSearchResponse with nothing in it"),
        (envelope("<A/>text"), "mixes text and elements in “TicketSearchResponse”"),
        (envelope("<A>text<B/></A>"), "mixes text and elements in “A”"),
        (envelope("<A/>", name="TicketGetResponse"), "holds “TicketGetResponse” instead of TicketSearchResponse"),
        (envelope("<A/>", name="ticketSearchResponse"), "holds “ticketSearchResponse” instead of"),
        (envelope("").replace("schemas.xmlsoap.org/soap", "www.w3.org/2003/05/soap"), "no SOAP envelope"),
        (envelope("").replace("Envelope", "Letter"), "no SOAP envelope"),
        (envelope("").replace("soap:Body", "soap:Head"), "no SOAP envelope"),
        (envelope("").replace("<soap:Body>", "<soap:Body/><soap:Body>"), "no SOAP envelope"),
        (envelope("").replace("<soap:Body>", "<soap:Body><x/>"), "no SOAP envelope"),
        ("<html/>", "no SOAP envelope"),
        ("", "is no complete XML"),
        ("{}", "is no complete XML"),
        (BILLION_LAUGHS, "declares a document type"),
        (QUADRATIC, "declares a document type"),
        ("<a>" * 100_000, "nested too deep"),
    ],
    ids=lambda value: repr(value[:30]),
)
def test_anything_but_the_answer_asked_for_is_a_bad_answer(body: str | bytes, why: str) -> None:
    with pytest.raises(BadAnswer, match=f"^The answer to TicketSearch .*{why}.*Nothing of it was used"):
        read(body)


@pytest.mark.parametrize("content_type", ["text/html", "application/json", "text/plain", ""])
def test_success_that_is_not_xml_is_a_bad_answer_with_its_beginning(content_type: str) -> None:
    with pytest.raises(BadAnswer, match="instead of XML; is a login page or a proxy in between"):
        read("<title>Portal-Api-1</title>", content_type=content_type)


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize(
    ("content", "sentence", "maybe_done"),
    [
        ("<faultstring>Out of order Portal-Api-1</faultstring>", r"not carry out TicketSearch: Out of order \*", True),
        ("<faultcode>Server</faultcode>", r"not carry out TicketSearch: \(no reason\)", True),
        ("", r"not carry out TicketSearch: \(no reason\)", True),
        ("<faultstring>Can't load operation backend module X!</faultstring>", "is not installed there", False),
    ],
)
def test_fault_in_any_namespace_is_told(content: str, sentence: str, maybe_done: bool, status: int) -> None:
    with pytest.raises(BadAnswer, match=sentence) as caught:
        read(envelope(content, name="Fault"), status=status)

    assert caught.value.maybe_done is maybe_done


@pytest.mark.parametrize(
    ("body", "status", "content_type", "kind", "sentence"),
    [
        ("<html>x</html>", 500, "text/html", BadAnswer, "service “GenericTicketConnectorSOAP” exists"),
        (envelope("<A/>"), 500, "text/plain", BadAnswer, "could not read TicketSearch"),
        ("Request Entity Too Large", 413, "text/plain", TooLarge, "as too large"),
        ("", 503, "text/html", Unreachable, "not available at the moment"),
        (BILLION_LAUGHS, 500, "text/plain", BadAnswer, "could not read TicketSearch"),
    ],
    ids=lambda value: repr(value)[:30],
)  # fmt: skip
def test_other_failures_are_told_as_over_rest(
    body: str | bytes, status: int, content_type: str, kind: type[InterfaceError], sentence: str
) -> None:
    with pytest.raises(kind, match=sentence):
        read(body, status, content_type)


@pytest.mark.parametrize("error", ["text", "", "<ErrorMessage>x</ErrorMessage>", "<ErrorCode><x/></ErrorCode>"])
def test_error_without_a_code_is_a_bad_answer(error: str) -> None:
    with pytest.raises(BadAnswer, match="has no ErrorCode"):
        read(envelope(f"<Error>{error}</Error><TicketID>1</TicketID>"))


@given(st.binary() | st.data())
def test_any_bytes_give_an_answer_or_an_interface_error(source: bytes | st.DataObject) -> None:
    body = source if isinstance(source, bytes) else _flipped(source)

    assert all(isinstance(_answer_or_error(body, status), dict | InterfaceError) for status in (200, 500))


def _answer_or_error(body: bytes, status: int) -> dict[str, object] | InterfaceError:
    try:
        return read(body, status)
    except InterfaceError as error:
        return error


def _flipped(data: st.DataObject) -> bytes:
    names = sorted(path.stem for path in RECORDINGS.glob("soap-*.http"))
    body = bytearray(recorded_body(data.draw(st.sampled_from(names))))
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    return bytes(body)


@given(st.dictionaries(st.sampled_from("ABCDEF"), FIELD | st.lists(FIELD, min_size=2), min_size=1))
def test_what_is_written_is_read_again(parameters: dict[str, object]) -> None:
    root = read_xml(write_envelope("TicketSearch", NAMESPACE, parameters), operation="X", remaining=lambda: 1.0)

    question = root[1][0]
    found = {name: [child.text or "" for child in question.iter(name)] for name in parameters}
    assert question.tag == f"{{{NAMESPACE}}}TicketSearch"
    assert found == {name: value if isinstance(value, list) else [value] for name, value in parameters.items()}


def test_objects_in_a_list_become_repeated_elements_with_children() -> None:
    fields = [{"Name": "A", "Value": 1}, {"Name": "B", "Value": "<"}]

    body = write_envelope("TicketUpdate", NAMESPACE, {"DynamicField": fields})

    assert (
        b"<tic:TicketUpdate><DynamicField><Name>A</Name><Value>1</Value></DynamicField>"
        b"<DynamicField><Name>B</Name><Value>&lt;</Value></DynamicField></tic:TicketUpdate>"
    ) in body


@pytest.mark.parametrize("sign", ["\0", "\x1f", "\ud800", "\uffff"])
def test_what_xml_cannot_carry_is_refused_before_sending(serve: Serve, sign: str) -> None:
    server, client = serve(b"", **SOAP | {"password": f"a{sign}b"})

    with pytest.raises(WrongRequest, match="hold characters that XML cannot carry"):
        client.any_ticket_visible()

    assert server.requests == []


def test_login_in_headers_is_refused() -> None:
    with pytest.raises(WrongRequest, match="Choose authentication by session or body"):
        SoapTransport(make_connection(**SOAP, authentication=Authentication.HEADER))


def test_session_is_made_once_and_travels_in_the_envelope(serve: Serve) -> None:
    session = envelope("<SessionID>abc</SessionID>", name="SessionCreateResponse")
    found = recorded("soap-generic-ticketsearch-one")
    server, client = serve(
        answer(session, content_type="text/xml"), found, found, **SOAP | {"authentication": Authentication.SESSION}
    )

    client.any_ticket_visible()
    client.any_ticket_visible()

    assert b"<UserLogin>portal-api</UserLogin><Password>Portal-Api-1</Password>" in server.requests[0].body
    assert all(b"<tic:TicketSearch><SessionID>abc</SessionID>" in request.body for request in server.requests[1:])


def test_absences_are_sent_over_the_web_service_of_the_portal(serve: Serve) -> None:
    done = answer(envelope("<Success>1</Success>", name="OutOfOfficeResponse"), content_type="text/xml")
    server, client = serve(done, transport=TransportKind.SOAP)

    client.set_out_of_office([ABSENCE], by=AddressedBy.LOGIN)

    assert server.requests[0].path.endswith("/Webservice/BillingPortalSOAP")
    assert b'xmlns:tic="http://www.otrs.org/TicketConnector/"' in server.requests[0].body
    assert b"<OutOfOfficeEntriesCSVString>UserLogin,StartDate,EndDate,OutOfOffice\nanna," in server.requests[0].body


def test_absences_without_success_are_a_bad_answer(serve: Serve) -> None:
    done = answer(envelope("<Success>0</Success>", name="OutOfOfficeResponse"), content_type="text/xml")
    _, client = serve(done, transport=TransportKind.SOAP)

    with pytest.raises(BadAnswer, match="without saying that it succeeded"):
        client.set_out_of_office([ABSENCE], by=AddressedBy.LOGIN)


@pytest.mark.parametrize("header", ["Content-Encoding: gzip\r\n", ""])
def test_two_hundred_megabytes_of_gzip_are_not_unpacked(serve: Serve, header: str) -> None:
    bomb = gzip.compress(b" " * 1_000_000) * 200
    _, client = serve(answer(bomb, content_type="text/xml", more=header), **SOAP)

    with pytest.raises(BadAnswer, match="compressed although that was not asked for" if header else "not UTF-8"):
        client.any_ticket_visible()


def test_answer_above_the_cap_is_not_parsed(serve: Serve) -> None:
    huge = answer(envelope("<TicketID>1</TicketID>" * 100_000), content_type="text/xml")
    _, client = serve(huge, **SOAP, max_bytes=200_000)

    with pytest.raises(TooLarge, match="larger than 200000 bytes"):
        client.any_ticket_visible()


def test_time_to_read_is_what_the_call_has_left() -> None:
    with pytest.raises(BadAnswer, match="could not be read in time"):
        read_soap_reply(reply(envelope("<A>1</A>")), CALL, remaining=lambda: 0.0)


def test_operations_of_the_portal_have_one_web_service() -> None:
    routes = soap_routes_for(make_connection())

    assert set(routes.values()) == {SoapRoute("BillingPortalSOAP", NAMESPACE)}


def test_override_replaces_one_route_of_the_preset() -> None:
    own = {"OutOfOffice": "SOAP My Portal http://example.test/My/"}

    routes = soap_routes_for(make_connection(preset="znuny_sample", routes=own))

    assert routes["OutOfOffice"] == SoapRoute("My Portal", "http://example.test/My/")
    assert routes["OutOfOffice"].path == "/Webservice/My%20Portal"
    assert routes["TicketGet"] == SoapRoute("GenericTicketConnectorSOAP", NAMESPACE)


@pytest.mark.parametrize("text", ["", "SOAP", "SOAP My", "SOAP urn:x", "soap My urn:x", "SOAP My x", 'SOAP My urn:"x',
    "SOAP My urn:x\n", "SOAP My urn:<x>", "POST My /TicketGet"])  # fmt: skip
def test_malformed_route_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(WrongRequest, match="must look like “SOAP MyService http:"):
        parse_soap_route("TicketGet", text)


def test_unknown_preset_and_unknown_operation_are_refused() -> None:
    with pytest.raises(WrongRequest, match="choose one of billing_portal, otrs6_sample, znuny_sample"):
        soap_routes_for(make_connection(preset="otrs5"))
    with pytest.raises(WrongRequest, match="no operation “TicketDelete”"):
        parse_soap_route("TicketDelete", "SOAP My urn:x")


def test_web_service_is_named_when_nothing_comes_back(serve: Serve) -> None:
    _, client = serve(b"", **SOAP)

    with pytest.raises(Unreachable, match="Check the name of the web service “GenericTicketConnectorSOAP”"):
        client.any_ticket_visible()
