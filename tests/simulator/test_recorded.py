import gzip
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from generic_interface.simulator.recorded import RECORDED_AT, RecordedSystem, start_recorded_system
from tests.simulator.asking import Caller
from tests.simulator.recordings import MONTH_FOLDER

MONTH = {"TicketCloseTimeNewerDate": "2026-09-01 00:00:00", "TicketCloseTimeOlderDate": "2026-09-30 23:59:59"}
CHANGED = {
    "TicketLastChangeTimeNewerDate": "2026-09-01 00:00:00",
    "TicketLastChangeTimeOlderDate": "2026-09-30 23:59:59",
}
TIME = {"TimeAccountingStart": "2026-09-01 00:00:00", "TimeAccountingEnd": "2026-09-30 23:59:59"}
STEPS = json.loads((MONTH_FOLDER / "STEPS.json").read_text())
BOOKED = {
    "anna.mueller": (145, "5599.88"),
    "b.schmidt": (147, "6504.30"),
    "c.weber": (69, "3014.90"),
    "d.oeztuerk": (96, "3525.56"),
    "e.jung": (46, "1860.57"),
    "f.alt": (0, "0"),
    "root@localhost": (0, "0"),
}


@pytest.fixture
def recorded() -> Iterator[Caller]:
    with start_recorded_system(MONTH_FOLDER, clock=lambda: RECORDED_AT) as running, Caller(running) as caller:
        yield caller


def closed(caller: Caller, **more: Any) -> list[str]:
    return caller.found(StateType=["closed"], Limit=10000, **(MONTH | more))


def rows_of(caller: Caller, login: str) -> list[dict[str, Any]]:
    answer = caller.ask("TimeAccountingGet", TimeAccountingUserLogin=login, **TIME)
    return list(answer.get("TimeAccountingResult", []))


@pytest.mark.parametrize(("login", "booked"), BOOKED.items())
def test_bookings_of_each_agent_are_those_of_the_recording(
    recorded: Caller, login: str, booked: tuple[int, str]
) -> None:
    rows = rows_of(recorded, login)

    assert (len(rows), sum(Decimal(row["TimeUnit"]) for row in rows)) == (booked[0], Decimal(booked[1]))


def test_month_sums_are_those_of_the_recording(recorded: Caller) -> None:
    ids = closed(recorded)
    rows = [row for login in BOOKED for row in rows_of(recorded, login)]
    tickets = recorded.ask("TicketGet", TicketID=ids)["Ticket"]
    numbers = {ticket["TicketNumber"] for ticket in tickets}

    assert (len(ids), len(rows)) == (168, 503)
    assert sum(Decimal(row["TimeUnit"]) for row in rows) == Decimal("20505.21")
    assert sum(row["TicketNumber"] in numbers for row in rows) == 413


@pytest.mark.parametrize("step", STEPS, ids=lambda step: str(step["file"]))
def test_recorded_question_gets_the_recorded_bytes(recorded: Caller, step: dict[str, Any]) -> None:
    operation = {"TicketList": "TicketGet", "TicketHistory": "TicketHistoryGet"}.get(
        step["operation"], step["operation"]
    )
    question = step["request"] or {"TicketID": ",".join(closed(recorded))}

    answer = recorded.ask(operation, **question)

    text = json.dumps(answer, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    assert text == recorded_text(step["file"])


def recorded_text(name: str) -> str:
    packed = MONTH_FOLDER / f"{name}.gz"
    if packed.exists():
        return gzip.decompress(packed.read_bytes()).decode()
    return (MONTH_FOLDER / name).read_text()


def test_any_batch_of_ids_is_answered_in_its_order(recorded: Caller) -> None:
    ids = closed(recorded)[10:3:-2]

    tickets = recorded.ask("TicketGet", TicketID=ids)["Ticket"]
    histories = recorded.ask("TicketHistoryGet", TicketID=",".join(ids))["TicketHistory"]

    assert [str(ticket["TicketID"]) for ticket in tickets] == ids
    assert [history["TicketID"] for history in histories] == ids
    assert all("Closed" not in ticket for ticket in tickets)


def test_windows_inside_the_month_add_up(recorded: Caller) -> None:
    first = closed(recorded, TicketCloseTimeOlderDate="2026-09-14 23:59:59")
    second = closed(recorded, TicketCloseTimeNewerDate="2026-09-15 00:00:00")

    assert set(first) | set(second) == set(closed(recorded))
    assert 0 < len(first) < 168


def test_narrow_booking_window_is_inclusive(recorded: Caller) -> None:
    row = rows_of(recorded, "e.jung")[0]
    second = {"TimeAccountingStart": row["Created"], "TimeAccountingEnd": row["Created"]}

    answer = recorded.ask("TimeAccountingGet", TimeAccountingUserLogin="e.jung", **second)

    assert row in answer["TimeAccountingResult"]


def test_filters_of_the_closed_search(recorded: Caller) -> None:
    of_customer = closed(recorded, CustomerID="10001")
    unsuccessful = recorded.found(States=["closed unsuccessful"], Limit=10000, **MONTH)
    limited = recorded.found(StateType="closed", Limit=5, **MONTH)

    assert 0 < len(of_customer) < 168
    assert len(unsuccessful) == 26
    assert limited == closed(recorded)[:5]


def test_changed_search_is_answered_for_the_whole_month(recorded: Caller) -> None:
    found = recorded.found(Limit=10000, **CHANGED)

    assert len(found) == 189


@pytest.mark.parametrize(
    ("operation", "question", "reason"),
    [
        ("TicketSearch", {"StateType": "closed"}, "inside September 2026"),
        ("TicketSearch", MONTH | {"StateType": "closed", "TicketCloseTimeOlderDate": "2026-10-01 00:00:00"}, "inside"),
        ("TicketSearch", MONTH, "ask with StateType closed"),
        ("TicketSearch", MONTH | {"StateType": "closed", "Title": "x"}, "searches by Title"),
        ("TicketSearch", CHANGED | {"TicketLastChangeTimeNewerDate": "2026-09-02 00:00:00"}, "whole month only"),
        ("TicketSearch", CHANGED | {"CustomerID": "10001"}, "whole month only"),
        ("TicketGet", {"TicketID": "251", "AllArticles": 1}, "AllArticles"),
        ("TimeAccountingGet", TIME | {"TimeAccountingEnd": "2026-10-01 00:00:00"}, "inside September 2026"),
        ("TicketCreate", {"Ticket": 1}, "TicketCreate was not recorded"),
    ],
)
def test_question_beyond_the_recording_is_refused_in_words(
    recorded: Caller, operation: str, question: dict[str, Any], reason: str
) -> None:
    asked = {"TimeAccountingUserLogin": "e.jung"} | question if operation == "TimeAccountingGet" else question
    with recorded.send(operation, **asked) as response:
        content = json.loads(response.read())

    assert response.status == 500
    assert reason in content["faultstring"]
    assert isinstance(recorded.simulator.system, RecordedSystem)
    assert reason in recorded.simulator.system.refused[0]


@pytest.mark.parametrize("operation", ["TicketGet", "TicketHistoryGet"])
def test_unknown_ticket_is_denied_as_on_the_real_server(recorded: Caller, operation: str) -> None:
    assert recorded.error_code(operation, TicketID="251,999999") == f"{operation}.AccessDenied"


@pytest.mark.parametrize(
    "question",
    [
        MONTH | {"StateType": "closed", "CustomerID": "(10001"},
        MONTH | {"States": ["geschlossen"]},
        MONTH | {"StateType": "closed", "CustomerID": "4711"},
        {"StateType": "closed", "TicketCloseTimeNewerDate": "2026-09-01"},
    ],
)
def test_search_without_hit_is_an_empty_object(recorded: Caller, question: dict[str, Any]) -> None:
    assert recorded.ask("TicketSearch", **question) == {}


def test_unknown_agent_and_reversed_window_look_like_nothing_booked(recorded: Caller) -> None:
    reverse = {"TimeAccountingStart": "2026-09-30 00:00:00", "TimeAccountingEnd": "2026-09-01 00:00:00"}

    assert recorded.ask("TimeAccountingGet", TimeAccountingUserLogin="gibts.nicht", **TIME) == {}
    assert recorded.ask("TimeAccountingGet", TimeAccountingUserLogin="e.jung", **reverse) == {}


def test_recorded_system_checks_logins_and_sessions(recorded: Caller) -> None:
    session = recorded.ask("SessionCreate")["SessionID"]
    found = recorded.found(SessionID=session, StateType="closed", **MONTH)
    recorded.simulator.expire_sessions()

    assert len(found) == 168
    assert recorded.error_code("SessionCreate", UserLogin="portal-api", Password="x") == "SessionCreate.AuthFail"
    assert recorded.error_code("TicketSearch", SessionID=session, **MONTH) == "TicketSearch.AuthFail"
