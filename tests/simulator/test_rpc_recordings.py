"""Every recorded request to ``rpc.pl``, replayed against the simulator over a real socket."""

import re
import socket
from collections.abc import Iterator
from dataclasses import replace
from xml.etree.ElementTree import Element

import pytest

from generic_interface.rpc_values import ENVELOPE, INSTANCE
from generic_interface.simulator.model import CustomerUser
from generic_interface.simulator.rpc import RpcSettings
from generic_interface.simulator.rpc_people import agent_of, get_user_data
from generic_interface.simulator.server import RunningSimulator, start_simulator
from tests.generic_interface.rpc_recordings import NAMES, PASSWORD, arguments_of, envelope_call, local, recorded_request
from tests.simulator.recordings import Answer, parse_answer, read_recording
from tests.simulator.twin import Twin, at, build_twin

NOT_REPLAYED = {
    "rpc-customercompany-get": "the portal asks for no customer's data, and half of these are settings of a database",
    "rpc-customeruser-get": "the portal asks for no customer's data, and half of these are settings of a database",
}
REPLAYED = [name for name in NAMES if name not in NOT_REPLAYED]
LOGGED_IN = {"UserLastLogin", "UserLastLoginTimestamp", "UserAuthBackend", "UserLoginFailed"}
"""Of agents who have ever logged in; the stand-in keeps no such dates."""
NAMES_OF = {
    "anna.mueller": ("Anna", "Müller"),
    "c.weber": ("Carla", "Weber"),
    "d.oeztuerk": ("Deniz", "Öztürk"),
}
UNTOLD = {"Age", "UnlockTimeout"}
ABSENT = {"OutOfOffice": "1"}
STORED_BEFORE = {
    "rpc-outofoffice-then-getuserdata-no-dates": ABSENT,
    "rpc-outofoffice-then-getuserdata-only-start": {
        **ABSENT,
        "OutOfOfficeStartYear": "2026",
        "OutOfOfficeStartMonth": "11",
        "OutOfOfficeStartDay": "01",
    },
    "rpc-outofoffice-then-getuserdata-today": {
        **ABSENT,
        **{f"OutOfOffice{edge}Year": "2026" for edge in ("Start", "End")},
        **{f"OutOfOffice{edge}Month": "11" for edge in ("Start", "End")},
        **{f"OutOfOffice{edge}Day": "22" for edge in ("Start", "End")},
    },
    "rpc-outofoffice-then-getuserdata-future": {
        **ABSENT,
        **{f"OutOfOffice{edge}Year": "2027" for edge in ("Start", "End")},
        **{f"OutOfOffice{edge}Month": "01" for edge in ("Start", "End")},
        "OutOfOfficeStartDay": "01",
        "OutOfOfficeEndDay": "10",
    },
}


@pytest.fixture
def twin() -> Twin:
    made = build_twin()
    for login, (first, last) in NAMES_OF.items():
        made.agents[login] = replace(made.agents[login], first_name=first, last_name=last)
    made.customer_users = {"c.avenir": CustomerUser(login="c.avenir", customer_number="10007"), **made.customer_users}
    for ticket_id, created, closed, title, number in (
        (644, "10-16 08:00:02", "10-16 10:00:03", "00012345", "2026101610000125"),
        (645, "10-16 08:00:03", "10-16 10:00:04", "Zeilen\numbruch im Titel", "2026101610000134"),
        (1025, "11-02 09:00:00", "11-03 09:00:00", "Ticket 1025", "2026110210000021"),
        (1110, "11-13 09:00:00", "11-14 09:00:00", "Ticket 1110", "2026111310000021"),
        (1118, "11-16 09:00:00", "11-17 09:00:00", "Ticket 1118", "2026111610000016"),
    ):
        customer = "10004" if ticket_id < 1000 else "10007"
        made.ticket_with_id(ticket_id, created, customer, title=title, number=number)
        state = "removed" if ticket_id == 1110 else "closed successful"
        made.close(str(ticket_id), at=at(closed), agent="e.jung", state=state)
    made.close("1159", at=at("11-20 10:00:00"))
    made.next_ticket_id = 1196
    made.create(title="SOAP Dispatch Ticket", customer="10001", at=at("11-22 15:04:20"))
    made.next_ticket_id = 1199
    made.create(
        title="Größe ß € „Anführung“",
        customer=None,
        customer_user="h.mueller",
        agent="root@localhost",
        at=at("11-22 16:04:24"),
        number="2026112210000273",
    )
    return made


@pytest.fixture
def simulator(twin: Twin) -> Iterator[RunningSimulator]:
    with start_simulator(twin, rpc=RpcSettings(password=PASSWORD)) as running:
        yield running


def exchange(simulator: RunningSimulator, request: bytes) -> Answer:
    """Send the bytes as they are and read one answer."""
    with socket.create_connection(("127.0.0.1", simulator.port), timeout=10) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        received = b""
        while block := connection.recv(65536):
            received += block
    return parse_answer(received)


def replay(simulator: RunningSimulator, twin: Twin, name: str) -> tuple[Answer, Answer]:
    """Ours and the recorded answer, after what had happened before on the real server."""
    twin.preferences[5] = dict(STORED_BEFORE.get(name, {}))
    return exchange(simulator, recorded_request(name)), read_recording(name).answer


def typed(element: Element) -> object:
    """Types and names as deep as they go, without the values; no order is promised."""
    if len(element):
        return dict(sorted((local(child), typed(child)) for child in element))
    return element.get(f"{{{INSTANCE}}}type") or element.get(f"{{{INSTANCE}}}nil")


def answered(answer: Answer) -> Element:
    return envelope_call(answer.body)


def is_hash(name: str) -> bool:
    return bool(re.search("getuserdata|ticketget-(ext|title)|php-style|umlaut", name))


@pytest.mark.parametrize("name", REPLAYED)
def test_recorded_request_gets_the_recorded_kind_of_answer(simulator: RunningSimulator, twin: Twin, name: str) -> None:
    ours, recorded = replay(simulator, twin, name)

    assert (ours.status, ours.content_type) == (recorded.status, recorded.content_type)
    if not recorded.body:
        return
    assert ours.body[: ours.body.index(b"<soap:Body>")] == recorded.body[: recorded.body.index(b"<soap:Body>")]
    response, expected = answered(ours), answered(recorded)
    assert response.tag == expected.tag
    if response.tag == f"{{{ENVELOPE}}}Fault":
        assert [child.text for child in response] == [child.text for child in expected]
        return
    assert response.get(f"{{{INSTANCE}}}nil") == expected.get(f"{{{INSTANCE}}}nil")
    if not is_hash(name):
        assert {str(typed(each)) for each in response} == {str(typed(each)) for each in expected}


@pytest.mark.parametrize("name", [name for name in REPLAYED if is_hash(name)])
def test_recorded_hash_has_the_same_keys_and_guessed_types(simulator: RunningSimulator, twin: Twin, name: str) -> None:
    ours, recorded = replay(simulator, twin, name)

    mine, theirs = types_by_key(answered(ours)), types_by_key(answered(recorded))
    assert mine == {key: kind for key, kind in theirs.items() if key not in LOGGED_IN}


def types_by_key(response: Element) -> dict[object, object]:
    keys, values = list(response)[::2], list(response)[1::2]
    return {key.text: typed(value) for key, value in zip(keys, values, strict=True)}


@pytest.mark.parametrize("name", [name for name in REPLAYED if re.search("ticketget-(ext|title)|php|umlaut", name)])
def test_rebuilt_tickets_are_the_recorded_ones(simulator: RunningSimulator, twin: Twin, name: str) -> None:
    ours, recorded = replay(simulator, twin, name)

    assert told(ours) == told(recorded)


def told(answer: Answer) -> dict[object, object]:
    values = arguments_of(answered(answer))
    return {key: value for key, value in zip(values[::2], values[1::2], strict=True) if key not in UNTOLD}


SAME_VALUES = [
    "rpc-article-object",
    "rpc-multiple-ticket-methods",
    "rpc-ticketaccounttime",
    "rpc-ticketnumberlookup",
    "rpc-ticketsearch-array-param",
    "rpc-ticketsearch-result-array",
    "rpc-ticketsearch-result-count",
    "rpc-ticketstateset",
    "rpc-unknown-object",
]


@pytest.mark.parametrize("name", SAME_VALUES)
def test_same_values_in_the_same_order(simulator: RunningSimulator, twin: Twin, name: str) -> None:
    ours, recorded = replay(simulator, twin, name)

    assert arguments_of(answered(ours)) == arguments_of(answered(recorded))


def test_history_of_a_rebuilt_life_is_the_recorded_one(simulator: RunningSimulator, twin: Twin) -> None:
    ours, recorded = replay(simulator, twin, "rpc-historyget")

    assert lines(ours) == lines(recorded)


def lines(answer: Answer) -> list[dict[str, object]]:
    found = arguments_of(answered(answer))
    names = ("HistoryType", "Name", "CreateTime", "CreateBy", "ArticleID", "QueueID", "StateID", "OwnerID", "UserLogin")
    return [{name: line[name] for name in names} for line in found if isinstance(line, dict)]


def test_recordings_left_out_are_few_and_there() -> None:
    assert set(NOT_REPLAYED) <= set(NAMES)
    assert len(REPLAYED) == 41


@pytest.mark.parametrize("user_id", ["4711", "abc"])
def test_agent_that_nobody_is_has_no_data(user_id: str) -> None:
    assert agent_of(build_twin(), user_id) is None


def test_agent_is_found_by_id_as_by_login(twin: Twin) -> None:
    by_login = get_user_data(twin, {"User": "ANNA.MUELLER"})

    assert by_login["UserLogin"] == "anna.mueller"
    assert get_user_data(twin, {"UserID": by_login["UserID"]}) == by_login
    assert get_user_data(twin, {"UserID": "4711"}) == {}
