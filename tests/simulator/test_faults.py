import http.client
import json
from collections.abc import Iterator

import pytest

from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.faults import Fault, FaultKind, FaultPlan, NotAFault, parse_fault
from generic_interface.simulator.server import start_simulator
from tests.simulator.asking import PORTAL, Caller


@pytest.fixture
def faulty(data: DataSet) -> Iterator[Caller]:
    plan = FaultPlan(drip_seconds=0.01, huge_bytes=1_000_000)
    with start_simulator(data, faults=plan) as simulator, Caller(simulator, timeout=5) as caller:
        yield caller


def fail(caller: Caller, kind: str) -> http.client.HTTPResponse:
    caller.simulator.faults.add(f"TicketSearch:{kind}")
    return caller.send("TicketSearch", Limit=3)


def test_http_500_is_plain_text(faulty: Caller) -> None:
    with fail(faulty, "http_500") as response:
        content = response.read()

    assert (response.status, response.getheader("Content-Type")) == (500, "text/plain; charset=UTF-8")
    assert json.loads(content)["faultcode"] == "Server"


def test_truncated_announces_more_than_it_sends(faulty: Caller) -> None:
    with fail(faulty, "truncated") as response, pytest.raises(http.client.IncompleteRead) as cut:
        response.read()

    assert cut.value.expected is not None
    assert len(cut.value.partial) + cut.value.expected == 35


@pytest.mark.parametrize(("cut_at", "sent"), [(None, 17), (30, 30)])
def test_cut_announces_nothing_and_closes_the_connection(faulty: Caller, cut_at: int | None, sent: int) -> None:
    faulty.simulator.faults.cut_at = cut_at
    with fail(faulty, "cut") as response:
        content = response.read()

    assert (response.status, response.getheader("Content-Length"), len(content)) == (200, None, sent)


def test_slow_drips_the_whole_answer(faulty: Caller) -> None:
    with fail(faulty, "slow") as response:
        content = response.read()

    assert len(json.loads(content)["TicketID"]) == 3


def test_html_is_a_login_page_with_status_200(faulty: Caller) -> None:
    with fail(faulty, "html") as response:
        content = response.read()

    assert (response.status, response.getheader("Content-Type")) == (200, "text/html; charset=iso-8859-1")
    assert b"<form" in content


def test_html_without_status_line_is_no_http(faulty: Caller) -> None:
    with pytest.raises(http.client.BadStatusLine, match="DOCTYPE"):
        fail(faulty, "html_no_status")


def test_wrong_type_keeps_the_keys(faulty: Caller) -> None:
    with fail(faulty, "wrong_type") as response:
        content = response.read()
    faulty.simulator.faults.add("SessionCreate:wrong_type")
    session = faulty.ask("SessionCreate")

    assert json.loads(content) == {"TicketID": "unexpected"}
    assert isinstance(session["SessionID"], list)


@pytest.mark.parametrize(("kind", "body"), [("empty", b"{}"), ("empty_body", b"")])
def test_empty_answers_are_http_200(faulty: Caller, kind: str, body: bytes) -> None:
    with fail(faulty, kind) as response:
        content = response.read()

    assert (response.status, content) == (200, body)


def test_drop_closes_without_a_byte(faulty: Caller) -> None:
    with pytest.raises(http.client.RemoteDisconnected):
        fail(faulty, "drop")


@pytest.mark.parametrize(("kind", "code"), [("auth_fail", "AuthFail"), ("no_permission", "NoPermission")])
def test_application_errors_are_http_200(faulty: Caller, kind: str, code: str) -> None:
    with fail(faulty, kind) as response:
        content = response.read()

    assert response.status == 200
    assert json.loads(content)["Error"]["ErrorCode"] == f"TicketSearch.{code}"


def test_huge_is_correct_json_without_end(faulty: Caller) -> None:
    with fail(faulty, "huge") as response:
        content = response.read()

    assert response.getheader("Content-Length") is None
    assert len(content) > 1_000_000
    assert len(json.loads(content)["TicketID"]) == 3


def test_huge_stops_when_the_client_leaves(data: DataSet) -> None:
    plan = FaultPlan(["*:huge"], huge_bytes=50_000_000)
    with start_simulator(data, faults=plan) as simulator:
        with Caller(simulator) as leaving, leaving.send("TicketSearch") as response:
            response.read(10)
        plan.clear()
        with Caller(simulator) as caller:
            found = caller.found(Limit=1)

    assert len(found) == 1


def test_redirect_leads_to_a_place_that_notices(faulty: Caller) -> None:
    with fail(faulty, "redirect") as response:
        location = response.getheader("Location")
        response.read()
    faulty.connection.request("GET", str(location))
    with faulty.connection.getresponse() as followed:
        followed.read()

    assert (response.status, location, followed.status) == (302, "/otrs/elsewhere", 404)
    assert faulty.simulator.strays == ["/otrs/elsewhere"]


def test_fault_strikes_the_nth_request_of_its_operation_only(faulty: Caller) -> None:
    faulty.simulator.faults.add("TicketSearch:empty:2")

    hits = [len(faulty.found(Limit=1)) for _ in range(3)]
    faulty.ask("SessionCreate")

    assert hits == [1, 0, 1]


def test_star_counts_all_operations(faulty: Caller) -> None:
    faulty.simulator.faults.add("*:empty:2")

    answers = [faulty.ask("SessionCreate"), faulty.ask("TicketSearch", Limit=1), faulty.ask("TicketSearch", Limit=1)]

    assert [bool(answer) for answer in answers] == [True, False, True]


def test_cleared_plan_counts_anew(faulty: Caller) -> None:
    faulty.simulator.faults.add("TicketSearch:empty:1")
    first = faulty.found(Limit=1)
    faulty.simulator.faults.clear()
    faulty.simulator.faults.add("TicketSearch:empty:1")

    assert (first, faulty.found(Limit=1), len(faulty.found(Limit=1))) == ([], [], 1)


def test_faults_are_read_from_text() -> None:
    assert parse_fault("TicketGet:http_500") == Fault("TicketGet", FaultKind.HTTP_500)
    assert parse_fault("*:drop:3") == Fault("*", FaultKind.DROP, 3)


@pytest.mark.parametrize(
    "text", ["", "TicketGet", "TicketGet:explode", ":drop", "TicketGet:drop:0", "TicketGet:drop:x"]
)
def test_text_that_is_no_fault_is_refused_in_words(text: str) -> None:
    with pytest.raises(NotAFault, match=f"'{text}' is not a fault"):
        parse_fault(text)


def test_slow_answer_ends_when_the_stand_in_stops(data: DataSet) -> None:
    simulator = start_simulator(data, faults=FaultPlan(["TicketSearch:slow"], drip_seconds=60))
    with Caller(simulator) as caller, caller.send("TicketSearch") as response:
        simulator.stop()
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            response.read()
    simulator.stop()

    assert simulator.requests == [("TicketSearch", {"UserLogin": "portal-api"})]


def test_login_data_never_reach_the_list_of_requests(faulty: Caller) -> None:
    session = faulty.ask("SessionCreate")["SessionID"]
    faulty.ask("TicketSearch", SessionID=session, CustomerID="0042")

    assert faulty.simulator.requests == [
        ("SessionCreate", {"UserLogin": "portal-api"}),
        ("TicketSearch", {"CustomerID": "0042"}),
    ]
    assert faulty.simulator.operations() == ["SessionCreate", "TicketSearch"]
    faulty.simulator.forget_requests()
    assert faulty.simulator.requests == []
    assert PORTAL.endswith("BillingPortal")
