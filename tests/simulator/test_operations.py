import json
from typing import Any

import pytest

from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.model import AGENT_PASSWORD, CUSTOMER_PASSWORD
from generic_interface.simulator.people import MASS_CUSTOMER
from generic_interface.simulator.server import RunningSimulator, start_simulator
from generic_interface.simulator.wire import Flavour
from tests.simulator.asking import OCTOBER, Caller

WHOLE_OCTOBER = {"TimeAccountingStart": "2026-10-01 00:00:00", "TimeAccountingEnd": "2026-10-31 23:59:59"}


def test_closed_search_finds_what_the_data_set_says(caller: Caller, data: DataSet) -> None:
    found = caller.found(StateType="closed", Limit=10000, **OCTOBER)

    assert tuple(found) == data.closed_in((2026, 10))


def test_closed_search_without_state_type_finds_reopened_tickets_too(caller: Caller, data: DataSet) -> None:
    found = caller.found(Limit=10000, **OCTOBER)

    assert set(found) - set(data.closed_in((2026, 10))) == {data.special["reopened_still_open"]}


def test_limit_left_out_silently_cuts_at_500(caller: Caller) -> None:
    found = caller.found(CustomerID=MASS_CUSTOMER)

    assert len(found) == 500


@pytest.mark.parametrize("limit", ["viele", -1, [5, 6], 1.5])
def test_limit_that_is_no_number_finds_nothing(caller: Caller, limit: Any) -> None:
    assert caller.found(CustomerID=MASS_CUSTOMER, Limit=limit) == []


@pytest.mark.parametrize(
    ("asked", "numbers"),
    [
        ("10001", {"10001"}),
        ("1000", {"1000"}),
        ("1000*", {"1000", "10001"}),
        ("10%", {"1000", "10001", "10%"}),
        ("0042||1000", {"0042", "1000"}),
        ("100*&&!10001", {"1000"}),
        ("(0042||1000)", {"0042", "1000"}),
        (["0042", "10001"], {"0042", "10001"}),
        ("köln 7 & co", {"KÖLN 7 & Co"}),
        ("A(1)+B", set()),
        ("(0042", set()),
        ("0042||", set()),
        ("0042)", set()),
        ("!", set()),
    ],
)
def test_customer_number_is_read_as_an_expression(caller: Caller, data: DataSet, asked: Any, numbers: set[str]) -> None:
    found = caller.found(CustomerID=asked, Limit=10000)

    assert {data.ticket(ticket_id).customer_number for ticket_id in found} == numbers


@pytest.mark.parametrize("number", ["A(1)+B", "KÖLN 7 & Co", "10%", "0042"])
def test_raw_customer_number_is_taken_literally(caller: Caller, data: DataSet, number: str) -> None:
    found = caller.found(CustomerIDRaw=number, Limit=10000)

    assert {data.ticket(ticket_id).customer_number for ticket_id in found} == {number}


@pytest.mark.parametrize("nothing", ["", None, []])
def test_empty_customer_number_drops_the_filter(caller: Caller, data: DataSet, nothing: Any) -> None:
    found = caller.found(CustomerID=nothing, Limit=10000)

    assert len(found) == len(data.tickets)


@pytest.mark.parametrize(
    "question",
    [
        {"States": ["closed successful", "geschlossen"]},
        {"Queues": "Gibtsnicht"},
        {"StateType": "geschlossen"},
        {"SortBy": "Unknown"},
        {"TicketCloseTimeNewerDate": "2026-10-01T00:00:00"},
        {"TicketCloseTimeNewerDate": "2026-13-01 00:00:00"},
        {"TicketCloseTimeOlderDate": "2026-10-01"},
        {"TicketCloseTimeNewerDate": "2026-10-02 00:00:00", "TicketCloseTimeOlderDate": "2026-10-01 00:00:00"},
        {"TicketLastChangeTimeNewerDate": "2030-01-01 00:00:00"},
    ],
)
def test_question_that_is_not_understood_finds_nothing(caller: Caller, question: dict[str, Any]) -> None:
    assert caller.ask("TicketSearch", Limit=10000, **question) == {}


def test_filters_narrow_the_search(caller: Caller, data: DataSet) -> None:
    departed, moved = data.special["departed_agent"], data.special["moved"]
    number = data.ticket(moved).number

    assert caller.found(TicketNumber=number) == [moved]
    assert caller.found(Title="*Letzter Tag*") == [departed]
    assert caller.found(Queues=["Support::Vor-Ort"], TicketNumber=f"{number[:8]}*", CustomerID="10001") == [moved]
    assert caller.found(CustomerUserLogin="h.mueller", Title="Letzter%") == [departed]
    assert caller.found(StateType="merged") == [data.special["merged_away"]]
    assert data.special["merged_away"] in caller.found(StateType="Closed", Limit=10000)
    assert data.special["open_with_time"] in caller.found(StateType="Open")
    assert caller.found(States=["open"]) == [data.special["reopened_still_open"]]


def test_time_filters_are_inclusive_at_both_ends(caller: Caller, data: DataSet) -> None:
    first = {"TicketCloseTimeNewerDate": "2026-10-01 00:00:00", "TicketCloseTimeOlderDate": "2026-10-01 00:00:00"}
    created = data.ticket(data.special["moved"]).created
    created_then = {"TicketCreateTimeNewerDate": str(created), "TicketCreateTimeOlderDate": str(created)}

    assert caller.found(**first) == [data.special["closed_in_first_second"]]
    assert caller.found(Title="Wandert*", **created_then) == [data.special["moved"]]


def test_booking_moves_the_change_time_while_the_system_runs(own_data: DataSet) -> None:
    since, moved = str(own_data.now), own_data.special["moved"]
    with start_simulator(own_data) as simulator, Caller(simulator) as caller:
        before = caller.found(TicketLastChangeTimeNewerDate=since)
        own_data.book(moved, 5)
        after = [caller.found(**{f"Ticket{kind}TimeNewerDate": since}) for kind in ("LastChange", "Change")]

    assert (before, after) == ([], [[moved], [moved]])


def test_sort_by_title_upwards(caller: Caller, data: DataSet) -> None:
    found = caller.found(CustomerID="A*", SortBy="Title", OrderBy="Up", Limit=10000)

    titles = [data.ticket(ticket_id).title for ticket_id in found]
    assert titles == sorted(titles)


@pytest.mark.parametrize("sort_by", ["Changed", "Queue", "State", "CustomerID"])
def test_every_sort_key_finds_all_tickets(caller: Caller, data: DataSet, sort_by: str) -> None:
    assert len(caller.found(SortBy=sort_by, Limit=10000)) == len(data.tickets)


def test_dynamic_field_operator_that_is_not_simulated_is_refused(caller: Caller) -> None:
    with caller.send("TicketSearch", DynamicField_Auftragsnummer={"Empty": 1}) as response:
        content = json.loads(response.read())

    assert response.status == 500
    assert "no operator Empty" in content["faultstring"]


def test_limited_agent_misses_tickets_silently(caller: Caller, data: DataSet) -> None:
    login = {"UserLogin": "e.jung", "Password": AGENT_PASSWORD}

    found = caller.found(Limit=10000, **login)

    assert {data.ticket(ticket_id).queue.name for ticket_id in found} == {"Support", "Support::Vor-Ort"}


def test_customer_user_sees_only_its_own_customer(caller: Caller, data: DataSet) -> None:
    login = {"CustomerUserLogin": "s.gross", "Password": CUSTOMER_PASSWORD}

    found = caller.found(Limit=10000, **login)

    assert {data.ticket(ticket_id).customer_number for ticket_id in found} == {"0042"}
    assert caller.error_code("TicketGet", TicketID=data.special["moved"], **login) == "TicketGet.AccessDenied"
    assert caller.error_code("TicketHistoryGet", TicketID=found[0], **login) == "TicketHistoryGet.AuthFail"


def test_ticket_get_tells_the_lifetime_sum_and_the_last_closing(caller: Caller, data: DataSet) -> None:
    ids = [data.special["reopened"], data.special["reopened_still_open"], data.special["open_without_time"]]

    again, still_open, fresh = caller.ask("TicketGet", TicketID=ids, Extended=1)["Ticket"]

    assert (again["TimeUnit"], again["Closed"]) == (75, "2026-10-12 09:00:00")
    assert (still_open["StateType"], still_open["Closed"]) == ("open", "2026-10-10 09:00:00")
    assert "Closed" not in fresh
    assert "FirstResponse" not in fresh


def test_ticket_get_keeps_order_and_repetitions(caller: Caller, data: DataSet) -> None:
    first, second = data.special["moved"], data.special["reopened"]

    answer = caller.ask("TicketGet", TicketID=f"{second}, {first},{second}")

    assert [str(ticket["TicketID"]) for ticket in answer["Ticket"]] == [second, first, second]


@pytest.mark.parametrize(
    ("value", "code"), [({}, "WrongStructure"), ("", "MissingParameter"), ("0", "MissingParameter")]
)
def test_ticket_get_refuses_other_forms_of_ids(caller: Caller, value: Any, code: str) -> None:
    assert caller.error_code("TicketGet", TicketID=value) == f"TicketGet.{code}"


def test_ticket_without_articles_has_no_article_key(caller: Caller, data: DataSet) -> None:
    answer = caller.ask("TicketGet", TicketID=data.special["open_without_time"], AllArticles=1)

    assert "Article" not in answer["Ticket"][0]


def test_history_names_the_id_it_denies(caller: Caller, data: DataSet) -> None:
    answer = caller.ask("TicketHistoryGet", TicketID=[data.special["moved"], "77"])

    assert answer["Error"] == {
        "ErrorCode": "TicketHistoryGet.AccessDenied",
        "ErrorMessage": "TicketHistoryGet: User does not have access to the ticket 77!",
    }


def test_time_accounting_agrees_with_the_data_set(caller: Caller, data: DataSet) -> None:
    rows = []
    for login in data.agents:
        answer = caller.ask("TimeAccountingGet", TimeAccountingUserLogin=login, **WHOLE_OCTOBER)
        rows += answer.get("TimeAccountingResult", [])

    booked = [(str(entry.booked), f"{entry.units:.2f}") for entry in data.entries_booked_in((2026, 10))]
    assert sorted((row["Created"], row["TimeUnit"]) for row in rows) == sorted(booked)


def test_time_accounting_tells_the_queue_of_then(caller: Caller, data: DataSet) -> None:
    number = data.ticket(data.special["merged_main"]).number
    answer = caller.ask("TimeAccountingGet", TimeAccountingUserLogin="ANNA.mueller ", **WHOLE_OCTOBER)

    queues = [row["Queue"] for row in answer["TimeAccountingResult"] if row["TicketNumber"] == number]
    assert queues == [None, "Support"]


def test_time_accounting_needs_the_group(caller: Caller) -> None:
    agent = {"UserLogin": "e.jung", "Password": AGENT_PASSWORD}
    customer = {"CustomerUserLogin": "s.gross", "Password": CUSTOMER_PASSWORD}

    codes = [
        caller.error_code("TimeAccountingGet", TimeAccountingUserLogin="e.jung", **WHOLE_OCTOBER, **login)
        for login in (agent, customer)
    ]

    assert codes == ["TimeAccountingGet.NoPermission"] * 2


@pytest.mark.parametrize(
    "login",
    [
        {"UserLogin": "f.alt", "Password": AGENT_PASSWORD},
        {"UserLogin": "portal-api", "Password": ""},
        {"UserLogin": "portal-api", "Password": "wrong"},
        {"CustomerUserLogin": "s.gross", "Password": "wrong"},
        {"SessionID": "x" * 32, "UserLogin": "portal-api", "Password": "stand-in-only"},
    ],
)
def test_wrong_login_is_auth_fail(caller: Caller, login: dict[str, str]) -> None:
    assert caller.error_code("TicketSearch", **login) == "TicketSearch.AuthFail"


def test_login_in_another_case_works(caller: Caller) -> None:
    assert caller.found(UserLogin="Portal-API", Password="stand-in-only", Limit=1)


def test_session_dies_after_two_hours_however_much_it_is_used(data: DataSet) -> None:
    seconds = [1_000_000.0]
    with start_simulator(data, clock=lambda: seconds[0]) as simulator, Caller(simulator) as caller:
        session = caller.ask("SessionCreate")["SessionID"]
        seconds[0] += 7200
        used = caller.ask("TicketSearch", SessionID=session, Limit=1)
        seconds[0] += 1
        expired = caller.error_code("TicketSearch", SessionID=session, Limit=1)
        seconds[0] -= 1000
        deleted = caller.error_code("TicketSearch", SessionID=session, Limit=1)

    assert "TicketID" in used
    assert (expired, deleted) == ("TicketSearch.AuthFail", "TicketSearch.AuthFail")


def test_sessions_can_be_expired_from_outside(caller: Caller, simulator: RunningSimulator) -> None:
    session = caller.ask("SessionCreate")["SessionID"]

    simulator.expire_sessions()

    assert caller.error_code("TicketGet", SessionID=session, TicketID="1001") == "TicketGet.AuthFail"


def test_session_tells_who_it_belongs_to(caller: Caller) -> None:
    agent = caller.ask("SessionCreate")["SessionID"]
    customer = caller.ask("SessionCreate", CustomerUserLogin="s.gross", Password=CUSTOMER_PASSWORD)["SessionID"]

    data = [caller.ask("SessionGet", SessionID=session)["SessionData"] for session in (agent, customer)]
    told = [{item["Key"]: item["Value"] for item in items} for items in data]

    assert [(one["UserType"], one["UserLogin"]) for one in told] == [("User", "portal-api"), ("Customer", "s.gross")]
    assert caller.error_code("SessionGet", SessionID="unknown") == "SessionGet.SessionInvalid"


def test_session_is_removed_with_login_data_only(simulator: RunningSimulator) -> None:
    login = {"X-OTRS-Header-UserLogin": simulator.login, "X-OTRS-Header-Password": simulator.password}
    path = "/otrs/nph-genericinterface.pl/Webservice/ZnunyTicketREST/Session/"
    with Caller(simulator) as caller:
        session = caller.ask("SessionCreate")["SessionID"]
        answers = []
        for headers in ({}, login, login):
            caller.connection.request("DELETE", path + session, headers=headers)
            with caller.connection.getresponse() as response:
                answers.append(json.loads(response.read()))

    assert answers[1] == {"Success": 1}
    assert [answer["Error"]["ErrorCode"] for answer in answers[::2]] == ["SessionRemove.AuthFail"] * 2


def test_operation_that_is_not_installed_is_a_fault(data: DataSet) -> None:
    with (
        start_simulator(data, flavour=Flavour.STOCK) as simulator,
        Caller(simulator) as caller,
        caller.send("TimeAccountingGet", TimeAccountingUserLogin="b.schmidt") as response,
    ):
        content = json.loads(response.read())

    assert response.status == 500
    assert content["faultstring"].startswith("Can't load operation backend module")


def test_stock_knows_no_raw_customer_number(data: DataSet) -> None:
    with start_simulator(data, flavour=Flavour.STOCK) as simulator, Caller(simulator) as caller:
        found = caller.found(CustomerIDRaw="0042", Limit=10000)

    assert len(found) == len(data.tickets)
