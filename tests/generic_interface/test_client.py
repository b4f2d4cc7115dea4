"""The client's own decisions, without a wire: a transport that keeps what it was asked and answers from a script."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from unittest.mock import Mock
from zoneinfo import ZoneInfo

import pytest

from generic_interface.client import Client
from generic_interface.connection import Authentication
from generic_interface.errors import (
    ApplicationError,
    AuthenticationFailed,
    BadAnswer,
    IncompleteAnswer,
    NoPermission,
    WrongRequest,
)
from generic_interface.jsonreader import read_object
from generic_interface.values import Fields
from tests.generic_interface.conftest import make_connection
from tests.generic_interface.replay import recorded_body

BERLIN = ZoneInfo("Europe/Berlin")
OCTOBER: dict[str, Any] = {"start": datetime(2026, 10, 1, tzinfo=BERLIN), "end": datetime(2026, 11, 1, tzinfo=BERLIN)}
LOGIN = {"UserLogin": "portal-api", "Password": "Portal-Api-1"}
AUTH_FAIL = AuthenticationFailed("no")


class ScriptedTransport:
    def __init__(self, *script: dict[str, Any] | Exception) -> None:
        self.script = list(script)
        self.calls: list[tuple[str, dict[str, object]]] = []
        self.requests_made = 0
        self.closed = False

    def call(self, operation: str, parameters: Mapping[str, object]) -> dict[str, object]:
        self.requests_made += 1
        self.calls.append((operation, dict(parameters)))
        entry = self.script.pop(0)
        if isinstance(entry, Exception):
            raise entry
        return entry

    def close(self) -> None:
        self.closed = True


def scripted(*script: dict[str, Any] | Exception, **options: Any) -> tuple[ScriptedTransport, Client]:
    transport = ScriptedTransport(*script)
    return transport, Client(make_connection(**options), transport=transport)


def test_caller_is_told_before_each_operation_is_sent() -> None:
    transport = ScriptedTransport(session("a"), AuthenticationFailed("old"), session("b"), {})
    sent: list[int] = []
    session_connection = make_connection(authentication=Authentication.SESSION)
    client = Client(session_connection, transport=transport, on_request=lambda: sent.append(len(transport.calls)))

    client.any_ticket_visible()

    assert sent == [0, 1, 2, 3]


def test_what_the_caller_raises_keeps_the_operation_from_being_sent() -> None:
    transport, client = scripted({})
    client.on_request = Mock(side_effect=KeyError("stop"))

    with pytest.raises(KeyError):
        client.any_ticket_visible()

    assert transport.calls == []


def session(session_id: str) -> dict[str, Any]:
    return {"SessionID": session_id}


def test_closed_search_sends_local_text_with_an_inclusive_end_and_always_a_limit() -> None:
    transport, client = scripted({})

    ids = client.search_closed_tickets(
        start=datetime(2026, 9, 30, 22, tzinfo=UTC), end=datetime(2026, 10, 31, 23, tzinfo=UTC)
    )

    assert ids == ()
    assert transport.calls == [
        (
            "TicketSearch",
            {
                **LOGIN,
                "StateType": ["closed"],
                "TicketCloseTimeNewerDate": "2026-10-01 00:00:00",
                "TicketCloseTimeOlderDate": "2026-10-31 23:59:59",
                "SearchInArchive": "AllTickets",
                "Limit": 10_000,
            },
        )
    ]


def test_changed_search_sends_its_own_dates_and_no_state_type() -> None:
    transport, client = scripted({"TicketID": ["9", "8"]}, search_limit=7)

    assert client.search_changed_tickets(**OCTOBER) == ("9", "8")
    assert transport.calls[0][1] == {
        **LOGIN,
        "TicketLastChangeTimeNewerDate": "2026-10-01 00:00:00",
        "TicketLastChangeTimeOlderDate": "2026-10-31 23:59:59",
        "SearchInArchive": "AllTickets",
        "Limit": 7,
    }


def test_closed_search_without_state_types_sends_no_empty_filter() -> None:
    transport, client = scripted({})

    client.search_closed_tickets(**OCTOBER, state_types=())

    assert "StateType" not in transport.calls[0][1]


def test_search_with_a_customer_sends_the_number_literally() -> None:
    transport, client = scripted({})

    client.search_closed_tickets(**OCTOBER, customer_id="ACME-1 Größe_2")

    assert transport.calls[0][1]["CustomerID"] == "ACME-1 Größe_2"


@pytest.mark.parametrize("customer_id", ["", "  ", "\t"])
def test_search_with_an_empty_customer_is_refused(customer_id: str) -> None:
    transport, client = scripted()

    with pytest.raises(WrongRequest, match="tickets of all customers"):
        client.search_closed_tickets(**OCTOBER, customer_id=customer_id)

    assert transport.calls == []


@pytest.mark.parametrize("customer_id", ["1000*", "1000%", "A||B", "A&&B", "!A", "A(1)+B", 'A"B', "A\\B"])
def test_search_with_operators_in_the_customer_is_refused(customer_id: str) -> None:
    transport, client = scripted()

    with pytest.raises(WrongRequest, match="operators"):
        client.search_closed_tickets(**OCTOBER, customer_id=customer_id)

    assert transport.calls == []


def test_tickets_are_found_by_numbers_in_parts_that_fit_an_address() -> None:
    numbers = [f"2026{number:04}" for number in range(101)]
    transport, client = scripted({"TicketID": ["5", "3"]}, {"TicketID": ["9"]}, search_limit=7)

    assert client.find_tickets([*numbers, numbers[0]]) == ("5", "3", "9")
    assert [parameters for _, parameters in transport.calls] == [
        {**LOGIN, "TicketNumber": part, "SearchInArchive": "AllTickets", "Limit": len(part) + 1}
        for part in (numbers[:100], numbers[100:])
    ]


def test_number_that_the_server_would_not_take_literally_is_not_asked_for() -> None:
    transport, client = scripted({})

    assert client.find_tickets(["", " ", "2026*", "20%", "1", "2||3"]) == ()
    assert [parameters["TicketNumber"] for _, parameters in transport.calls] == [["1"]]
    assert client.find_tickets(["*"]) == ()


def test_more_tickets_than_numbers_are_not_believed() -> None:
    """What a server answers that does not know the filter."""
    with pytest.raises(IncompleteAnswer, match="more tickets than the 2 numbers"):
        scripted({"TicketID": ["1", "2", "3"]})[1].find_tickets(["20261", "20262"])


@pytest.mark.parametrize("state_types", [("closed", ""), (" ",)])
def test_search_with_an_empty_state_type_is_refused(state_types: tuple[str, ...]) -> None:
    with pytest.raises(WrongRequest, match="state type is empty"):
        scripted()[1].search_closed_tickets(**OCTOBER, state_types=state_types)


def test_naive_dates_are_refused_everywhere() -> None:
    naive: Any = {"start": datetime(2026, 10, 1), "end": datetime(2026, 11, 1)}
    transport, client = scripted()

    for ask in (
        lambda: client.search_closed_tickets(**naive),
        lambda: client.search_changed_tickets(**naive),
        lambda: client.accounted_time("anna", **naive),
    ):
        with pytest.raises(WrongRequest, match="needs a time zone"):
            ask()
    assert transport.calls == []


@pytest.mark.parametrize("answer", [{"TicketIDs": ["1"]}, {"TicketID": None}, {"TicketID": ["x"]}])
def test_search_answer_of_another_form_is_a_bad_answer(answer: dict[str, Any]) -> None:
    with pytest.raises(BadAnswer, match="TicketSearch: the field TicketID"):
        scripted(answer)[1].search_changed_tickets(**OCTOBER)


@pytest.mark.parametrize("login", ["", " ", "anna ", " anna"])
def test_accounted_time_of_an_empty_login_is_refused(login: str) -> None:
    with pytest.raises(WrongRequest, match="login is empty or has blanks"):
        scripted()[1].accounted_time(login, **OCTOBER)


def test_accounted_time_may_not_begin_within_the_repeated_hour() -> None:
    start = datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN, fold=1)

    with pytest.raises(WrongRequest, match="comes twice"):
        scripted()[1].accounted_time("anna", start=start, end=OCTOBER["end"])


@pytest.mark.parametrize(("answer", "visible"), [({}, False), ({"TicketID": ["1"]}, True)])
def test_any_ticket_visible_asks_for_one_ticket_without_filter(answer: dict[str, Any], visible: bool) -> None:
    transport, client = scripted(answer)

    assert client.any_ticket_visible() is visible
    assert transport.calls == [("TicketSearch", {**LOGIN, "Limit": 1})]


def test_session_is_made_once_and_shared() -> None:
    transport, client = scripted(session("s1"), {}, {}, authentication=Authentication.SESSION)

    client.any_ticket_visible()
    client.search_changed_tickets(**OCTOBER)

    assert transport.calls[0] == ("SessionCreate", LOGIN)
    assert [parameters.get("SessionID") for _, parameters in transport.calls] == [None, "s1", "s1"]
    assert "Password" not in transport.calls[1][1]


def test_dead_session_leads_to_one_new_login() -> None:
    transport, client = scripted(
        session("s1"), AUTH_FAIL, session("s2"), {"TicketID": ["1"]}, authentication=Authentication.SESSION
    )

    assert client.any_ticket_visible() is True
    assert [operation for operation, _ in transport.calls] == ["SessionCreate", "TicketSearch"] * 2
    assert transport.calls[3][1]["SessionID"] == "s2"


def test_second_auth_fail_in_one_call_ends_it() -> None:
    transport, client = scripted(
        session("s1"), AUTH_FAIL, session("s2"), AUTH_FAIL, authentication=Authentication.SESSION
    )

    with pytest.raises(AuthenticationFailed):
        client.any_ticket_visible()

    assert transport.script == []


def test_failed_login_is_never_repeated() -> None:
    transport, client = scripted(AUTH_FAIL, authentication=Authentication.SESSION)

    with pytest.raises(AuthenticationFailed):
        client.any_ticket_visible()

    assert len(transport.calls) == 1


@pytest.mark.parametrize("authentication", [Authentication.BODY, Authentication.HEADER])
def test_auth_fail_without_session_is_never_repeated(authentication: Authentication) -> None:
    transport, client = scripted(AUTH_FAIL, authentication=authentication)

    with pytest.raises(AuthenticationFailed):
        client.check_login()

    assert len(transport.calls) == 1


@pytest.mark.parametrize(
    "answer", [{}, {"SessionID": None}, {"SessionID": ""}, {"SessionID": "a\r\nb"}, {"SessionID": 7}]
)
def test_login_without_a_usable_session_is_a_bad_answer(answer: dict[str, Any]) -> None:
    with pytest.raises(BadAnswer, match="without a usable SessionID"):
        scripted(answer, authentication=Authentication.SESSION)[1].check_login()


def test_check_login_always_logs_in_anew() -> None:
    transport, client = scripted(session("s1"), session("s2"), authentication=Authentication.SESSION)

    client.check_login()
    client.check_login()

    assert [operation for operation, _ in transport.calls] == ["SessionCreate", "SessionCreate"]


def test_check_login_without_session_is_a_cheap_search() -> None:
    transport, client = scripted({})

    client.check_login()

    assert transport.calls == [("TicketSearch", {**LOGIN, "Limit": 1})]


def test_tickets_are_asked_with_extended_and_ids_as_one_list() -> None:
    transport, client = scripted(NoPermission("stop here"))

    with pytest.raises(NoPermission):
        client.get_tickets(["3", "1"])

    assert transport.calls == [("TicketGet", {**LOGIN, "TicketID": "3,1", "Extended": 1})]


def _extended() -> dict[str, object]:
    return read_object(recorded_body("rest-ticketget-extended"), operation="TicketGet")


class EchoTransport(ScriptedTransport):
    """Shows every ticket that is asked for."""

    def call(self, operation: str, parameters: Mapping[str, object]) -> dict[str, object]:
        self.calls.append((operation, dict(parameters)))
        [ticket] = Fields(_extended(), operation).objects("Ticket")
        return {"Ticket": [{**ticket.values, "TicketID": each} for each in str(parameters["TicketID"]).split(",")]}


@pytest.mark.parametrize(("batch_size", "sizes"), [(500, [100, 100, 50]), (90, [90, 90, 70])])
def test_tickets_with_articles_come_in_smaller_batches(batch_size: int, sizes: list[int]) -> None:
    transport = EchoTransport()
    client = Client(make_connection(batch_size=batch_size), transport=transport)

    batch = client.get_tickets([str(number) for number in range(1, 251)], with_articles=True)

    assert [str(parameters["TicketID"]).count(",") + 1 for _, parameters in transport.calls] == sizes
    assert {parameters["AllArticles"] for _, parameters in transport.calls} == {1}
    assert len(batch.tickets) == 250


@pytest.mark.parametrize("options", [{"search_limit": 0}, {"batch_size": 0}, {"search_limit": -1}])
def test_limits_below_one_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(WrongRequest, match="at least 1"):
        Client(make_connection(**options))


def test_client_closes_its_transport() -> None:
    transport, client = scripted()

    with client:
        pass

    assert transport.closed is True


def test_requests_made_are_those_of_the_transport() -> None:
    _, client = scripted({}, {})

    client.any_ticket_visible()
    client.any_ticket_visible()

    assert client.requests_made == 2


def test_password_is_not_in_the_representation_of_a_connection() -> None:
    assert "Portal-Api-1" not in repr(make_connection())


def test_session_tells_when_it_began() -> None:
    transport, client = scripted(
        session("a"),
        read_object(recorded_body("rest-session-get-ok"), operation="SessionGet"),
        authentication=Authentication.SESSION,
    )

    started = client.session_started()

    assert started == datetime(2026, 11, 22, 14, 49, 34, tzinfo=UTC)
    assert transport.calls[1] == ("SessionGet", {"SessionID": "a"})


def test_login_with_every_call_has_no_session_to_ask_for() -> None:
    transport, client = scripted(authentication=Authentication.BODY)

    with pytest.raises(WrongRequest, match="There is no session"):
        client.session_started()
    assert transport.calls == []


@pytest.mark.parametrize(
    "lines", [[], [{"Key": "UserLogin", "Value": "x"}], [{"Key": "UserSessionStart", "Value": "9" * 18}]]
)
def test_session_without_its_start_is_a_bad_answer(lines: list[dict[str, str]]) -> None:
    _, client = scripted(session("a"), {"SessionData": lines}, authentication=Authentication.SESSION)

    with pytest.raises(BadAnswer, match="does not tell when the session began"):
        client.session_started()


def test_search_is_counted_with_its_limit() -> None:
    transport, client = scripted({"TicketID": ["3", "2"]}, authentication=Authentication.BODY)

    assert client.count_tickets(limit=501) == 2
    assert transport.calls == [("TicketSearch", {**LOGIN, "Limit": 501})]


def test_queue_is_asked_for_by_its_name_in_the_archive_too() -> None:
    transport, client = scripted({}, authentication=Authentication.BODY)

    assert not client.any_ticket_visible(queue="Support::Level 2")
    assert transport.calls[0][1] == {
        **LOGIN,
        "Queues": ["Support::Level 2"],
        "SearchInArchive": "AllTickets",
        "Limit": 1,
    }


def test_what_writes_is_reached_if_it_misses_its_parameters() -> None:
    transport, client = scripted(
        ApplicationError("TicketCreate.MissingParameter", "Ticket"), authentication=Authentication.BODY
    )

    client.probe("TicketCreate")

    assert transport.calls == [("TicketCreate", LOGIN)]


def test_probe_tells_what_a_call_would() -> None:
    _, client = scripted(ApplicationError("TicketCreate.Other", "no"), {}, authentication=Authentication.BODY)

    with pytest.raises(ApplicationError, match="Other"):
        client.probe("TicketCreate")
    with pytest.raises(BadAnswer, match="did not say that something was missing"):
        client.probe("TicketCreate")
