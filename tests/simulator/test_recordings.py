"""Every recorded request over REST, replayed against the simulator over a real socket."""

import json
import re
import socket
from typing import Any

import pytest

from generic_interface.simulator.server import RunningSimulator, start_simulator
from generic_interface.simulator.wire import Flavour
from tests.simulator.recordings import Answer, Recording, parse_answer, read_recording, recorded_names
from tests.simulator.twin import PASSWORD, Twin, add_tickets_to_write_on, build_twin

NOT_REPLAYED = {
    "rest-timeaccounting-date-hour-24-postgresql": "the simulator reads dates as MariaDB does",
    "rest-timeaccounting-date-start-german-only-postgresql": "the simulator reads dates as MariaDB does",
    "rest-timeaccounting-date-two-digit-year-postgresql": "the simulator reads dates as MariaDB does",
    "psgi-service-unknown": "under Plack an unknown web service answers; the simulator is Apache with mod_perl",
}
STOCK_PORT = "8082"
SHORTENED = "rest-ticketget-2200-ids-get-uri-too-long"
REPLAYED = [name for name in recorded_names() if name not in NOT_REPLAYED]
EXACT_HISTORIES = ["ok", "many", "merged-main", "time-and-move"]
UNTOLD = {"Age", "Article"}
"""Age depends on the moment; the texts of the articles are not kept."""


class Clock:
    seconds = 1_800_000_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture(scope="module")
def shared_twin() -> Twin:
    return build_twin()


def exchange(simulator: RunningSimulator, request: bytes, source: str = "127.0.0.1") -> Answer:
    """Send the bytes as they are and read until the server closes."""
    with socket.create_connection(("127.0.0.1", simulator.port), timeout=10, source_address=(source, 0)) as connection:
        connection.sendall(request)
        received = b""
        while block := connection.recv(65536):
            received += block
    return parse_answer(received)


def replay(recording: Recording, simulator: RunningSimulator, twin: Twin, clock: Clock) -> Answer:
    """Send a recorded request after what had happened before it on the real server."""
    request = recording.request
    for session_id in set(re.findall(rb"(?<=[/ \"=])[A-Za-z0-9]{32}(?![A-Za-z0-9])", request)):
        request = request.replace(session_id, new_session(simulator).encode())
    if recording.name == SHORTENED:
        ids = ",".join(str(number) for number in range(1, 2201)).encode()
        request = request.partition(b"TicketID=")[0] + b"TicketID=" + ids + b" HTTP/1.1\r\nHost: x\r\n\r\n"
    if recording.name in ("rest-timeaccounting-after-ticket-deleted", "rest-ticketget-deleted"):
        twin.delete("285")
    if recording.name == "rest-auth-session-almost-2h":
        clock.seconds += 7100
    if recording.name == "rest-auth-session-expired-2h":
        clock.seconds += 7201
    if recording.name == "rest-auth-session-after-other-ip":
        exchange(simulator, request, source="127.0.0.2")
    source = "127.0.0.2" if recording.name == "rest-auth-session-other-ip" else "127.0.0.1"
    return exchange(simulator, request, source)


def new_session(simulator: RunningSimulator) -> str:
    body = f'{{"UserLogin":"portal-api","Password":"{PASSWORD}"}}'
    head = f"Connection: close\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    path = "/otrs/nph-genericinterface.pl/Webservice/BillingPortal/SessionCreate"
    answer = exchange(simulator, f"POST {path} HTTP/1.1\r\n{head}\r\n\r\n{body}".encode())
    return str(answer.json["SessionID"])


def shape(value: Any) -> Any:
    """Keys and types of a JSON value; the elements of a list are merged, and an empty list differs from a full one."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [merge_shapes([shape(item) for item in value])] if value else []
    return {type(value).__name__.replace("float", "number").replace("int", "number")}


def merge_shapes(shapes: list[Any]) -> Any:
    if all(isinstance(item, dict) for item in shapes):
        keys = {key for item in shapes for key in item}
        return {key: merge_shapes([item[key] for item in shapes if key in item]) for key in sorted(keys)}
    if all(isinstance(item, list) for item in shapes):
        return [merge_shapes([item[0] for item in shapes if item])]
    return set().union(*shapes)


def fits(ours: Any, recorded: Any) -> bool:
    """Same keys everywhere, and no type that was not recorded there."""
    if isinstance(recorded, dict):
        return (
            isinstance(ours, dict) and ours.keys() == recorded.keys() and all(fits(ours[k], recorded[k]) for k in ours)
        )
    if isinstance(recorded, list):
        return isinstance(ours, list) and len(ours) == len(recorded) and all(map(fits, ours, recorded))
    return isinstance(ours, set) and ours <= recorded


def is_json(answer: Answer) -> bool:
    return answer.status == 200 and answer.content_type.startswith("application/json")


def first_words(answer: Answer) -> str:
    """The beginning of a page, the whole of a plain text (a fault with its keys sorted), nothing of JSON."""
    if is_json(answer):
        return ""
    text = answer.body.decode().strip()
    return json.dumps(json.loads(text), sort_keys=True) if text.startswith("{") else text.partition("<title>")[0]


@pytest.fixture
def replayed(request: pytest.FixtureRequest, shared_twin: Twin) -> tuple[Recording, Answer]:
    recording = read_recording(request.param)
    is_write = "ticketcreate" in recording.name or "ticketupdate" in recording.name
    twin = build_twin() if is_write or "deleted" in recording.name else shared_twin
    if is_write:
        add_tickets_to_write_on(twin)
    flavour = Flavour.STOCK if recording.port == STOCK_PORT else Flavour.MAIN
    clock = Clock()
    with start_simulator(twin, flavour=flavour, clock=clock) as simulator:
        return recording, replay(recording, simulator, twin, clock)


@pytest.mark.parametrize("replayed", REPLAYED, indirect=True)
def test_recorded_request_gets_the_recorded_kind_of_answer(replayed: tuple[Recording, Answer]) -> None:
    recording, answer = replayed

    assert (answer.status, answer.content_type) == (recording.answer.status, recording.answer.content_type)
    assert first_words(answer) == first_words(recording.answer)
    if is_json(recording.answer):
        assert answer.json.get("Error") == recording.answer.json.get("Error")
        assert fits(shape(answer.json), shape(recording.answer.json))


@pytest.mark.parametrize("replayed", [f"rest-tickethistory-{name}" for name in EXACT_HISTORIES], indirect=True)
def test_history_of_a_rebuilt_life_is_the_recorded_one(replayed: tuple[Recording, Answer]) -> None:
    recording, answer = replayed

    assert answer.json == recording.answer.json


TICKET_READS = [
    name
    for name in REPLAYED
    if re.match(
        "rest-ticketget-(540|dyn|everything$|ext|many|merged|number|one|special|without)|stock-ticketget$", name
    )
]


@pytest.mark.parametrize("replayed", TICKET_READS, indirect=True)
def test_rebuilt_tickets_are_the_recorded_ones(replayed: tuple[Recording, Answer]) -> None:
    recording, answer = replayed

    assert told(answer.json) == told(recording.answer.json)


def told(answer: dict[str, Any]) -> list[dict[str, Any]]:
    return [{key: value for key, value in ticket.items() if key not in UNTOLD} for ticket in answer["Ticket"]]


ARTICLE_READS = [name for name in REPLAYED if re.match("rest-ticketget-(all|attach|everything|merged)", name)]


@pytest.mark.parametrize("replayed", ARTICLE_READS, indirect=True)
def test_time_of_each_rebuilt_article_is_the_recorded_one(replayed: tuple[Recording, Answer]) -> None:
    recording, answer = replayed

    assert times_of_articles(answer.json) == times_of_articles(recording.answer.json)


def times_of_articles(answer: dict[str, Any]) -> list[float]:
    return [article["TimeUnit"] for ticket in answer["Ticket"] for article in ticket["Article"]]


FEW_ROWS = [
    name
    for name in REPLAYED
    if re.match("rest-timeaccounting-(date-boundary|date-duplicates|dst-night|october-f)", name)
]


@pytest.mark.parametrize("replayed", FEW_ROWS, indirect=True)
def test_rebuilt_bookings_are_the_recorded_ones(replayed: tuple[Recording, Answer]) -> None:
    recording, answer = replayed

    assert answer.json == recording.answer.json


FEW_HITS = [
    "http-duplicate-query-params",
    "http-just-fits-small-limit",
    "rest-auth-session-in-body",
    "rest-ticketsearch-customeridraw-special-chars",
    "rest-ticketsearch-dynamic-field-equals",
    "rest-ticketsearch-dynamic-field-like",
    "rest-ticketsearch-limit-0",
    "rest-ticketsearch-limit-10-mass-customer",
    "rest-ticketsearch-limit-100000-mass-customer",
    "rest-ticketsearch-limit-omitted-mass-customer",
    "rest-ticketsearch-order-up-limit-3",
    "rest-ticketsearch-single-hit",
    "rest-ticketsearch-sort-created-up",
    "stock-ticketsearch-customerid-special",
]


@pytest.mark.parametrize("replayed", FEW_HITS, indirect=True)
def test_search_finds_the_recorded_ids_in_the_recorded_order(replayed: tuple[Recording, Answer]) -> None:
    recording, answer = replayed

    assert answer.json == recording.answer.json


def test_recordings_left_out_are_few_and_there() -> None:
    names = set(recorded_names())

    assert set(NOT_REPLAYED) <= names
    assert len(REPLAYED) == len(names) - len(NOT_REPLAYED) > 200
