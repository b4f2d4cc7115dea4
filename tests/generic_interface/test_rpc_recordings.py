"""Every recorded exchange with ``rpc.pl``: each request is produced by our codec, each answer is parsed."""

from xml.etree.ElementTree import Element

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generic_interface.answers import Call, Reply
from generic_interface.errors import BadAnswer, InterfaceError, TooLarge, Unreachable
from generic_interface.rpc_absences import KEYS
from generic_interface.rpc_answers import RpcScript, read_rpc_reply
from generic_interface.rpc_transport import HISTORY_KEYS, TICKET_KEYS
from generic_interface.rpc_values import INSTANCE, Argument, dispatch_envelope, pairs, structures
from tests.generic_interface.rpc_recordings import (
    NAMES,
    PASSWORD,
    arguments_of,
    envelope_call,
    is_array,
    local,
    recorded_call,
    recorded_reply,
    recorded_request,
    recorded_values,
)
from tests.generic_interface.test_xmlreader import BILLION_LAUGHS, QUADRATIC

NO_ENVELOPE = {"rpc-empty-body", "rpc-get-method", "rpc-not-xml"}
OTHER_METHOD = "rpc-multiple-ticket-methods"
"""DispatchMultipleTicketMethods returns one id for several calls, so nobody would know which of them failed."""
DISPATCHES = [name for name in NAMES if name not in NO_ENVELOPE | {OTHER_METHOD}]
FAULTS = {
    "rpc-article-create-on-ticketobject": "has no TicketObject.ArticleCreate: OTRS 6 and what came after lack it",
    "rpc-article-send-on-ticketobject": "has no TicketObject.ArticleSend: OTRS 6 and what came after lack it",
    "rpc-empty-body": "could not read TicketObject.ArticleCreate: Can't find root element",
    "rpc-get-method": "was answered with HTTP 411",
    "rpc-not-xml": "could not read TicketObject.ArticleCreate: Application failed during request deserialization",
    "rpc-unknown-method": "has no TicketObject.ArticleCreate.",
    "rpc-wrong-soapaction": "could not read TicketObject.ArticleCreate: SOAPAction shall match",
}
NOTHING = [
    "rpc-ticketcreate-bad-password",
    "rpc-ticketcreate-missing-param",
    "rpc-ticketcreate-unknown-queue",
    "rpc-ticketget-unknown",
    "rpc-ticketsearch-none",
    "rpc-ticketsearch-unknown-state",
    "rpc-ticketsearch-without-userid",
]
ONE_VALUE = {
    "rpc-article-object": "No such Object ArticleObject!",
    "rpc-ticketaccounttime": "1",
    "rpc-ticketcreate-ok": "1196",
    "rpc-ticketnumberlookup": "2026101510000092",
    "rpc-ticketsearch-limit-default": "1190",
    "rpc-ticketsearch-result-count": "540",
    "rpc-ticketstateset": "1",
    "rpc-unknown-object": "No such Object QuatschObject!",
}
LISTS = {
    "rpc-ticketsearch-array-param": ["1159", "1118", "1025"],
    "rpc-ticketsearch-result-array": ["1159", "1118", "1110"],
}
COUNTS = {
    "rpc-ticketsearch-close-time": 38,
    "rpc-ticketsearch-last-close-time": 37,
    "rpc-ticketsearch-limit-default-array": 1196,
}
TICKETS = {
    "rpc-php-style-param-names": ("2026101510000092", "10002", "EDGE krumme Werte"),
    "rpc-ticketget-extended": ("2026101510000092", "10002", "EDGE krumme Werte"),
    "rpc-ticketget-title-leading-zeros": ("2026101610000125", "10004", "00012345"),
    "rpc-ticketget-title-newline": ("2026101610000134", "10004", "Zeilen\numbruch im Titel"),
    "rpc-umlaut-get": ("2026112210000273", "", "Größe ß € „Anführung“"),
}
ABSENCES = {
    "rpc-outofoffice-then-getuserdata-future": ("1", "2027", "01", "01", "2027", "01", "10"),
    "rpc-outofoffice-then-getuserdata-no-dates": ("1", None, None, None, None, None, None),
    "rpc-outofoffice-then-getuserdata-only-start": ("1", "2026", "11", "01", None, None, None),
    "rpc-outofoffice-then-getuserdata-today": ("1", "2026", "11", "22", "2026", "11", "22"),
    "rpc-user-getuserdata": (None,) * 7,
    "rpc-user-getuserdata-ooo": (None,) * 7,
}
CUSTOMERS = {
    "rpc-customercompany-get": {"CustomerID": "10001", "CustomerCompanyName": "Müller & Söhne Maschinenbau GmbH"},
    "rpc-customeruser-get": {"UserCustomerID": "10001", "UserFullname": "Heinz Müller", "UserFax": ""},
}
OTHERS = {"rpc-historyget", "rpc-ticketsearch-customeruser-only", "rpc-multiple-ticket-methods"}
ABSENCE_ORDER = (
    "OutOfOffice",
    *(f"OutOfOffice{end}{part}" for end in ("Start", "End") for part in ("Year", "Month", "Day")),
)


def test_each_recording_stands_in_one_test() -> None:
    told = [*FAULTS, *NOTHING, *ONE_VALUE, *LISTS, *COUNTS, *TICKETS, *ABSENCES, *CUSTOMERS, *OTHERS]

    assert sorted(told) == NAMES
    assert len(NAMES) == 43


def as_argument(element: Element) -> Argument:
    if is_array(element):
        return [as_argument(item) for item in element]
    text = element.text or ""
    return int(text) if element.get(f"{{{INSTANCE}}}type") == "xsd:int" else text


def kinds(call: Element) -> list[str | None]:
    return [element.get(f"{{{INSTANCE}}}type") for element in call]


@pytest.mark.parametrize("name", DISPATCHES)
def test_recorded_request_is_produced(name: str) -> None:
    """Values, order and types; what the elements are called is free, as the recordings themselves show."""
    recorded = recorded_call(name)
    assert recorded is not None

    ours = envelope_call(dispatch_envelope(*map(as_argument, recorded)))

    assert local(ours) == local(recorded)
    assert arguments_of(ours) == arguments_of(recorded)
    assert kinds(ours) == kinds(recorded)


def test_recordings_that_are_no_dispatch_are_known() -> None:
    assert {name for name in NAMES if recorded_call(name) is None} == NO_ENVELOPE
    several = recorded_call(OTHER_METHOD)
    assert several is not None
    assert local(several) == "DispatchMultipleTicketMethods"


@pytest.mark.parametrize("name", NOTHING)
def test_every_refusal_is_nothing(name: str) -> None:
    assert recorded_values(name) == []


@pytest.mark.parametrize(("name", "value"), ONE_VALUE.items())
def test_single_value_is_its_text(name: str, value: str) -> None:
    assert recorded_values(name) == [value]


@pytest.mark.parametrize(("name", "expected"), LISTS.items())
def test_list_comes_as_bare_values(name: str, expected: list[str]) -> None:
    assert recorded_values(name) == expected


@pytest.mark.parametrize(("name", "count"), COUNTS.items())
def test_long_list_is_complete(name: str, count: int) -> None:
    found = recorded_values(name)

    assert len(found) == count == len(set(map(str, found)))


def test_search_without_result_is_a_flattened_hash_of_ids_and_numbers() -> None:
    found = recorded_values("rpc-ticketsearch-customeruser-only")

    assert pairs(found, keys={"695", "1159"}) == {"695": "2026101810000078", "1159": "2026111910000163"}


@pytest.mark.parametrize(("name", "expected"), TICKETS.items())
def test_ticket_keeps_its_texts_whatever_type_they_were_given(name: str, expected: tuple[str, str, str]) -> None:
    ticket = pairs(recorded_values(name), keys=TICKET_KEYS)

    assert (ticket["TicketNumber"], ticket["CustomerID"], ticket["Title"]) == expected
    assert TICKET_KEYS - set(ticket) <= {"Closed", "SLA", "Service"}


@pytest.mark.parametrize(("name", "expected"), ABSENCES.items())
def test_preferences_of_an_absence(name: str, expected: tuple[str | None, ...]) -> None:
    values = recorded_values(name)

    stored = pairs(values, keys=KEYS)

    assert tuple(stored.get(key) for key in ABSENCE_ORDER) == expected
    assert "UserPw" in values
    assert "UserPw" not in stored


@pytest.mark.parametrize(("name", "expected"), CUSTOMERS.items())
def test_nested_and_referring_values_are_read(name: str, expected: dict[str, str]) -> None:
    assert pairs(recorded_values(name), keys=expected) == expected


def test_history_carries_every_booking_and_no_password() -> None:
    values = recorded_values("rpc-historyget")

    lines = structures(values, keys=HISTORY_KEYS)

    assert all("UserPw" in value for value in values if isinstance(value, dict))
    assert [set(line) for line in lines] == [HISTORY_KEYS] * 14
    booked = [line["Name"] for line in lines if line["HistoryType"] == "TimeAccounting"]
    assert booked == [
        "%%1%%1",
        "%%0.01%%1.01",
        "%%0.1%%1.11",
        "%%12.34%%13.45",
        "%%7.5%%20.95",
        "%%1234567.89%%1234588.84",
        "%%-15%%1234573.84",
        "%%00.20%%1234574.04",
    ]


def as_if_for_dispatch(name: str, **changes: object) -> Reply:
    reply = recorded_reply(name)
    fields = {"status": reply.status, "content_type": reply.content_type, "location": "", "body": reply.body}
    return Reply(**{**fields, **changes})  # type: ignore[arg-type]


def read(reply: Reply) -> object:
    script = RpcScript("https://help.example.org/otrs/rpc.pl")
    return read_rpc_reply(reply, Call("TicketObject.ArticleCreate", script, (PASSWORD,)), remaining=lambda: 1.0)


def test_answer_of_another_call_is_refused() -> None:
    with pytest.raises(BadAnswer, match="that of another call"):
        recorded_values(OTHER_METHOD)


@pytest.mark.parametrize(("name", "sentence"), FAULTS.items())
def test_fault_says_what_it_means(name: str, sentence: str) -> None:
    reply = recorded_reply(name)
    if "send" in name:
        script = RpcScript("https://help.example.org/otrs/rpc.pl")
        with pytest.raises(BadAnswer, match=r"TicketObject\.ArticleSend") as caught:
            read_rpc_reply(reply, Call("TicketObject.ArticleSend", script), remaining=lambda: 1.0)
    else:
        with pytest.raises(BadAnswer) as caught:
            read(reply)

    assert sentence in str(caught.value)
    assert caught.value.maybe_done is (name == "rpc-get-method")


OK, XML = "rpc-ticketcreate-ok", "text/xml"


@pytest.mark.parametrize(
    ("changes", "kind", "sentence", "done"),
    [
        ({"status": 404, "content_type": "text/html"}, BadAnswer, "no rpc.pl at this address", False),
        ({"status": 302, "location": "/login"}, BadAnswer, "redirected", False),
        ({"status": 503}, Unreachable, "not available", True),
        ({"status": 413}, TooLarge, "too large", False),
        ({"status": 500, "content_type": "text/html"}, BadAnswer, "crashed in TicketObject.ArticleCreate", True),
        ({"content_type": "text/html"}, BadAnswer, "login page or a proxy", True),
        ({"content_type": ""}, BadAnswer, "no content type", True),
        ({"body": b""}, BadAnswer, "no complete XML", True),
        ({"body": b"<a/>"}, BadAnswer, "no SOAP envelope", True),
        (
            {"body": b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body/></e:Envelope>'},
            BadAnswer,
            "no SOAP envelope",
            True,
        ),
    ],
)
def test_answer_that_is_none(changes: dict[str, object], kind: type[InterfaceError], sentence: str, done: bool) -> None:
    with pytest.raises(kind) as caught:
        read(as_if_for_dispatch(OK, **changes))

    assert sentence in str(caught.value)
    assert caught.value.maybe_done is done


def test_fault_of_the_method_itself_may_have_stored_a_part() -> None:
    body = recorded_reply("rpc-unknown-method").body
    with pytest.raises(BadAnswer, match=r"could not carry out TicketObject\.ArticleCreate: Can't call") as caught:
        read(as_if_for_dispatch("rpc-unknown-method", body=body.replace(b"Can't locate object", b"Can't call")))

    assert caught.value.maybe_done


def test_fault_without_words_is_no_riddle() -> None:
    body = recorded_reply("rpc-unknown-method").body
    start, _, rest = body.partition(b"<faultcode>")
    with pytest.raises(BadAnswer, match="no reason given"):
        read(as_if_for_dispatch("rpc-unknown-method", body=start + rest.partition(b"</faultstring>")[2]))


def test_password_is_cut_out_of_a_fault() -> None:
    body = recorded_reply("rpc-wrong-soapaction").body.replace(b"urn:x#y", PASSWORD.encode())
    with pytest.raises(BadAnswer) as caught:
        read(as_if_for_dispatch("rpc-wrong-soapaction", body=body))

    assert PASSWORD not in str(caught.value)


def test_value_that_cannot_be_read_is_not_shown() -> None:
    """An agent's data may stand there, with the hash of the password."""
    body = recorded_reply("rpc-user-getuserdata").body.replace(b"QW5uYSBNw7xsbGVy", b"!")
    with pytest.raises(BadAnswer, match="base64") as caught:
        read(as_if_for_dispatch("rpc-user-getuserdata", body=body))

    assert "2968011e" not in str(caught.value)


def test_recorded_requests_carry_the_password_of_the_test_installation_alone() -> None:
    assert all(PASSWORD.encode() in recorded_request(name) for name in DISPATCHES if "bad-password" not in name)


def test_target_is_called_by_its_name() -> None:
    assert str(RpcScript("https://help.example.org/otrs/rpc.pl")) == "rpc.pl"


ODD = st.sampled_from(
    [b"<", b">", b"&", b'"', b"\x00", b"\xff", b"xsi:nil", b"<a/>", b'href="#ref-1"', b"&lt;", b"]]>", b""]
)


@given(
    name=st.sampled_from(["rpc-user-getuserdata", "rpc-historyget", "rpc-customeruser-get", "rpc-unknown-method"]),
    places=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 40), ODD), min_size=1, max_size=3),
)
def test_spoilt_answer_is_values_or_a_typed_error_and_shows_no_hash(
    name: str, places: list[tuple[float, int, bytes]]
) -> None:
    body = recorded_reply(name).body
    for where, cut, instead in places:
        start = int(where * len(body))
        body = body[:start] + instead + body[start + cut :]

    said = error_of(as_if_for_dispatch(name, body=body))

    assert "2968011e" not in said
    assert "e5c34b1c" not in said


def error_of(reply: Reply) -> str:
    """Empty where there is none; any other exception passes."""
    try:
        read(reply)
    except InterfaceError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("attack", [BILLION_LAUGHS, QUADRATIC])
def test_entities_are_refused(attack: bytes) -> None:
    with pytest.raises(BadAnswer, match="declares a document type"):
        read(as_if_for_dispatch(OK, body=attack))
