"""Questions to ``rpc.pl`` over real sockets: the stand-in, and exact bytes where it cannot misbehave."""

from collections.abc import Iterator
from contextlib import closing
from datetime import date
from typing import Any

import pytest

from generic_interface.absences import Absence
from generic_interface.connection import Connection, RpcAccess
from generic_interface.errors import (
    AccessDenied,
    AuthenticationFailed,
    BadAnswer,
    Unreachable,
    WrongRequest,
)
from generic_interface.rpc import NOBODY, TICKETS, USERS, Rpc
from generic_interface.rpc_absences import StoredAbsences, stored_absence
from generic_interface.rpc_transport import RpcTransport
from generic_interface.rpc_values import Argument
from generic_interface.simulator.data import build_month
from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.rpc import RPC_PASSWORD, RPC_USER
from generic_interface.simulator.server import RunningSimulator, start_simulator
from tests.generic_interface.conftest import make_connection
from tests.generic_interface.replay import NO_BYTE, ReplayServer, answer, recorded, recorded_body
from tests.generic_interface.rpc_recordings import arguments_of, envelope_call

CREDENTIALS = {"UserLogin": "portal-api", "Password": "Portal-Api-1"}


def access(url: str, **values: Any) -> Connection:
    settings = {"user": RPC_USER, "password": RPC_PASSWORD} | values
    return make_connection(rpc=RpcAccess(url=url, **settings))


@pytest.fixture
def data() -> DataSet:
    return build_month(tickets=4, customers=2, entries_per_ticket=2)


@pytest.fixture
def simulator(data: DataSet) -> Iterator[RunningSimulator]:
    with start_simulator(data) as running:
        yield running


@pytest.fixture
def rpc(simulator: RunningSimulator) -> Iterator[Rpc]:
    opened = Rpc(access(simulator.rpc_url))
    yield opened
    opened.close()


def asked(simulator: RunningSimulator) -> list[str]:
    return [method for method, _ in simulator.rpc.requests]


def replayed(*script: bytes, **values: Any) -> tuple[ReplayServer, Connection]:
    server = ReplayServer(*script)
    return server, access(f"{server.base_url}/rpc.pl", **values)


def test_request_is_what_the_recordings_show() -> None:
    server, connection = replayed(recorded("rpc-ticketget-extended"), user="soapuser", password="soap-secret-1")
    with server:
        Rpc(connection).ask(TICKETS, "TicketGet", {"TicketID": "614", "Extended": 1})

    request = server.requests[0]
    assert (request.method, request.path) == ("POST", "/otrs/rpc.pl")
    assert request.headers["soapaction"] == '"/Core#Dispatch"'
    assert request.headers["content-type"] == "text/xml; charset=utf-8"
    assert arguments_of(envelope_call(request.body)) == [
        "soapuser",
        "soap-secret-1",
        "TicketObject",
        "TicketGet",
        "TicketID",
        "614",
        "Extended",
        "1",
    ]


def test_nothing_is_believed_only_once_the_login_is_known_to_be_right(rpc: Rpc, simulator: RunningSimulator) -> None:
    assert rpc.ask(TICKETS, "TicketGet", {"TicketID": "999999"}) == []

    assert rpc.requests_made == 2
    assert asked(simulator) == ["TicketObject.TicketGet"]


@pytest.mark.parametrize("wrong", [{"user": "other"}, {"password": "falsch-geheim"}])
def test_wrong_login_is_no_empty_result(simulator: RunningSimulator, wrong: dict[str, str]) -> None:
    opened = Rpc(access(simulator.rpc_url, **wrong))

    with pytest.raises(AuthenticationFailed, match="SOAP::User") as caught:
        opened.ask(TICKETS, "TicketSearch", {"Result": "ARRAY", "UserID": 1})

    assert "falsch-geheim" not in str(caught.value)
    assert not caught.value.maybe_done
    assert simulator.rpc.requests == []


def test_login_that_is_right_is_confirmed_by_what_is_said_of_nobody() -> None:
    server, connection = replayed(
        recorded("rpc-unknown-object").replace(b"QuatschObject", b"BillingPortal"),
        recorded("rpc-ticketcreate-bad-password"),
    )
    with server:
        opened = Rpc(connection)
        opened.confirm_login()
        with pytest.raises(AuthenticationFailed):
            opened.confirm_login()

    assert arguments_of(envelope_call(server.requests[0].body))[2] == NOBODY


def test_object_that_is_not_offered_is_named(rpc: Rpc) -> None:
    with pytest.raises(BadAnswer, match=r"offers no ArticleObject, so there is no ArticleCreate"):
        rpc.ask("ArticleObject", "ArticleCreate", {})


def test_single_undefined_value_is_nothing() -> None:
    server, connection = replayed(
        answer(
            recorded("rpc-ticketstateset")
            .partition(b"\r\n\r\n")[2]
            .replace(b'xsi:type="xsd:int">1<', b'xsi:nil="1"><'),
            content_type="text/xml",
        ),
        recorded("rpc-unknown-object"),
    )
    with server:
        assert Rpc(connection).ask(TICKETS, "TicketNumberLookup", {"TicketID": "1"}) == []


def test_caller_is_told_before_each_request(simulator: RunningSimulator) -> None:
    told: list[int] = []
    opened = Rpc(access(simulator.rpc_url), on_request=lambda: told.append(1))

    opened.ask(TICKETS, "TicketGet", {"TicketID": "999999"})

    assert len(told) == opened.requests_made == 2


def test_write_returns_its_one_value(rpc: Rpc, data: DataSet) -> None:
    ticket_id = next(iter(data.tickets))
    arguments: dict[str, Argument] = {"State": "open", "TicketID": ticket_id, "UserID": 1}

    assert rpc.write(TICKETS, "TicketStateSet", arguments) == "1"
    assert data.ticket(ticket_id).state.name == "open"


def test_write_that_is_answered_with_nothing_may_have_stored_a_part(rpc: Rpc) -> None:
    with pytest.raises(BadAnswer, match="answered TicketStateSet with nothing") as caught:
        rpc.write(TICKETS, "TicketStateSet", {"State": "no such", "TicketID": "1", "UserID": 1})

    assert caught.value.maybe_done


def test_write_with_a_wrong_login_has_stored_nothing(simulator: RunningSimulator) -> None:
    opened = Rpc(access(simulator.rpc_url, password="no"))

    with pytest.raises(AuthenticationFailed) as caught:
        opened.write(TICKETS, "TicketStateSet", {"State": "open"})

    assert not caught.value.maybe_done


@pytest.mark.parametrize("body", ["<a><N>1</N></a>", "<a>1</a><b>2</b>", "<a></a>"])
def test_write_that_returns_no_single_value_is_refused(body: str) -> None:
    whole = recorded_body("rpc-ticketstateset")
    start, end = whole.index(b"<s-gensym"), whole.index(b"</DispatchResponse>")
    server, connection = replayed(answer(whole[:start] + body.encode() + whole[end:], content_type="text/xml"))

    with server, pytest.raises(BadAnswer, match="something else than one value"):
        Rpc(connection).write(TICKETS, "TicketStateSet", {"State": "open"})


def test_write_is_never_sent_twice_and_a_read_once_more() -> None:
    server, connection = replayed(recorded("rpc-ticketstateset").replace(b"Connection: close\r\n", b""), NO_BYTE)
    with server:
        opened = Rpc(connection)
        opened.ask(TICKETS, "TicketNumberLookup", {"TicketID": "1"})
        with pytest.raises(Unreachable, match="without an answer") as caught:
            opened.write(TICKETS, "TicketStateSet", {"State": "open"})

    assert caught.value.maybe_done
    assert "rpc.pl is there" in str(caught.value)
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    "url",
    [
        "",
        "help.example.org/otrs/rpc.pl",
        "ftp://help.example.org/rpc.pl",
        "https://help.example.org",
        "https://help.example.org/",
        "https://help.example.org/rpc.pl?x=1",
        "https://help.example.org/rpc.pl#x",
        "https://help.example.org:0/rpc.pl",
        "https://help.example.org/rpc .pl",
        "https://[x/rpc.pl",
    ],
)
def test_what_is_no_address_of_a_script_is_refused(url: str) -> None:
    with pytest.raises(WrongRequest, match="must look like"):
        Rpc(access(url))


def test_address_with_a_login_in_it_is_refused_without_showing_it() -> None:
    with pytest.raises(WrongRequest, match="must not contain") as caught:
        Rpc(access("https://me:hidden@help.example.org/rpc.pl"))

    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("values", [{"user": ""}, {"password": ""}, {"user_id": 0}])
def test_half_a_configuration_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(WrongRequest, match=r"rpc\.pl"):
        Rpc(access("https://help.example.org/rpc.pl", **values))


def test_without_configuration_there_is_nothing_to_ask() -> None:
    with pytest.raises(WrongRequest, match=r"rpc\.pl needs its address"):
        Rpc(make_connection())


def test_password_is_in_no_representation() -> None:
    connection = access("https://help.example.org/rpc.pl", password="hidden")

    assert "hidden" not in repr(connection)


# What the Generic Interface is asked, answered from here.


@pytest.fixture
def transport(rpc: Rpc) -> RpcTransport:
    return RpcTransport(rpc)


def test_search_asks_for_a_list_and_for_archived_tickets_as_the_script_wants_it(
    transport: RpcTransport, simulator: RunningSimulator
) -> None:
    asked_for = {**CREDENTIALS, "StateType": ["closed"], "SearchInArchive": "AllTickets", "Limit": 7}

    found = transport.call("TicketSearch", asked_for)

    assert len(found["TicketID"]) == 4  # type: ignore[arg-type]
    assert simulator.rpc.requests == [
        (
            "TicketObject.TicketSearch",
            {"Result": "ARRAY", "StateType": ["closed"], "Limit": "7", "ArchiveFlags": ["y", "n"], "UserID": "1"},
        )
    ]


def test_search_without_a_hit_is_empty(transport: RpcTransport) -> None:
    assert transport.call("TicketSearch", {"StateType": ["no such"]}) == {}


def test_search_for_what_is_no_text_is_refused(transport: RpcTransport) -> None:
    with pytest.raises(WrongRequest, match="DynamicField_X"):
        transport.call("TicketSearch", {"DynamicField_X": {"Equals": "1"}})


def test_ticket_brings_its_time(transport: RpcTransport, data: DataSet) -> None:
    ticket_id = next(iter(data.tickets))

    ticket: Any = transport.call("TicketGet", {"TicketID": ticket_id, "Extended": 1, **CREDENTIALS})["Ticket"]

    assert [each["TicketID"] for each in ticket] == [ticket_id]
    assert str(ticket[0]["TimeUnit"]) == str(int(data.minutes_of(ticket_id)))


def test_history_holds_nothing_of_the_agents(transport: RpcTransport, data: DataSet) -> None:
    ticket_id = next(iter(data.tickets))

    history: Any = transport.call("TicketHistoryGet", {"TicketID": ticket_id})["TicketHistory"]

    lines = history[0]["History"]
    assert len(lines) == len(data.ticket(ticket_id).history)
    assert not any(name.startswith("User") for line in lines for name in line)


@pytest.mark.parametrize("operation", ["TicketGet", "TicketHistoryGet"])
def test_ticket_that_is_not_there_is_named(transport: RpcTransport, operation: str) -> None:
    with pytest.raises(AccessDenied, match=r"shows no ticket 999999$"):
        transport.call(operation, {"TicketID": "999999"})


@pytest.mark.parametrize("operation", ["TimeAccountingGet", "OutOfOffice", "SessionCreate"])
def test_what_the_script_does_not_carry_is_said(transport: RpcTransport, operation: str) -> None:
    with pytest.raises(WrongRequest, match=f"does not carry {operation}"):
        transport.call(operation, {})


def test_time_of_articles_is_not_shown(transport: RpcTransport) -> None:
    with pytest.raises(WrongRequest, match="time of articles"):
        transport.call("TicketGet", {"TicketID": "1", "AllArticles": 1})


@pytest.mark.parametrize("method", ["TicketGet", "TicketAccountedTimeGet"])
def test_answer_of_the_wrong_shape_is_refused(
    transport: RpcTransport, simulator: RunningSimulator, data: DataSet, method: str
) -> None:
    simulator.faults.add(f"TicketObject.{method}:wrong_type")

    with pytest.raises(BadAnswer, match="Nothing of"):
        transport.call("TicketGet", {"TicketID": next(iter(data.tickets))})


def test_history_that_is_no_list_of_lines_is_refused() -> None:
    server, connection = replayed(recorded("rpc-ticketget-extended"))
    with server, pytest.raises(BadAnswer, match=r"HistoryGet is no list of structures"):
        RpcTransport(Rpc(connection)).call("TicketHistoryGet", {"TicketID": "614"})


def test_transport_counts_and_closes(transport: RpcTransport) -> None:
    transport.call("TicketSearch", {"Limit": 1})

    assert transport.requests_made == 1
    transport.close()


# Absences.


def preferences(start: str, end: str, switch: str = "1") -> dict[str, str]:
    stored = {"OutOfOffice": switch}
    for edge, day in (("Start", start), ("End", end)):
        names = [f"OutOfOffice{edge}{part}" for part in ("Year", "Month", "Day")]
        stored |= dict(zip(names, day.split("-"), strict=False))
    return stored


def test_stored_absences_are_read_by_login(simulator: RunningSimulator, data: DataSet) -> None:
    data.preferences[5] = preferences("2026-11-22", "2026-11-23")
    data.preferences[4] = preferences("2026-12-01", "2026-12-02", switch="0")
    data.preferences[3] = {"OutOfOffice": "1"}
    told: list[int] = []

    with closing(StoredAbsences(access(simulator.rpc_url))) as reader:
        reader.on_request = lambda: told.append(1)
        stored = reader.stored_absences(["c.weber", "b.schmidt", "anna.mueller", "nobody"])
        assert reader.on_request is not None

    first = Absence(user="c.weber", start=date(2026, 11, 22), end=date(2026, 11, 23), enabled=True)
    second = Absence(user="b.schmidt", start=date(2026, 12, 1), end=date(2026, 12, 2), enabled=False)
    assert stored == {"c.weber": first, "b.schmidt": second, "anna.mueller": None, "nobody": None}
    assert asked(simulator) == ["UserObject.GetUserData"] * 4
    assert len(told) == 5


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("rpc-outofoffice-then-getuserdata-future", (date(2027, 1, 1), date(2027, 1, 10))),
        ("rpc-outofoffice-then-getuserdata-today", (date(2026, 11, 22), date(2026, 11, 22))),
        ("rpc-outofoffice-then-getuserdata-only-start", None),
        ("rpc-outofoffice-then-getuserdata-no-dates", None),
        ("rpc-user-getuserdata-ooo", None),
    ],
)
def test_recorded_preferences_are_an_absence_or_none(name: str, expected: tuple[date, date] | None) -> None:
    server, connection = replayed(recorded(name))
    with server, closing(StoredAbsences(connection)) as reader:
        found = reader.stored_absences(["c.weber"])["c.weber"]

    wanted = expected and Absence(user="c.weber", start=expected[0], end=expected[1], enabled=True)
    assert found == wanted


@pytest.mark.parametrize("start", ["2026-02-31", "2026-x-01", "0-1-1", "2026-10", "99999999999-1-1"])
def test_day_that_does_not_exist_is_no_absence(start: str) -> None:
    assert stored_absence("c.weber", preferences(start, "2026-12-01")) is None


def test_agent_whose_data_cannot_be_read_is_an_error(simulator: RunningSimulator) -> None:
    simulator.faults.add("UserObject.GetUserData:wrong_type")
    with (
        closing(StoredAbsences(access(simulator.rpc_url))) as reader,
        pytest.raises(BadAnswer, match=f"{USERS}.GetUserData"),
    ):
        reader.stored_absences(["c.weber"])


def test_reader_of_absences_checks_its_login(simulator: RunningSimulator) -> None:
    StoredAbsences(access(simulator.rpc_url)).check_login()
    with pytest.raises(AuthenticationFailed):
        StoredAbsences(access(simulator.rpc_url, password="no")).check_login()
