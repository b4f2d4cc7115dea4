"""TimeAccountingGet against recorded bytes on a real socket."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from generic_interface.errors import ApplicationError, AuthenticationFailed, BadAnswer, NoPermission
from generic_interface.records import AccountedTime
from tests.generic_interface.conftest import Serve
from tests.generic_interface.replay import answer, recorded

BERLIN = ZoneInfo("Europe/Berlin")


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=BERLIN)  # type: ignore[arg-type,misc]


OCTOBER: dict[str, Any] = {"start": at(2026, 10, 1), "end": at(2026, 11, 1)}


def test_month_is_asked_with_both_ends_inclusive(serve: Serve) -> None:
    server, client = serve(recorded("rest-timeaccounting-date-good"))

    entries = client.accounted_time("b.schmidt", **OCTOBER)

    assert len(entries) == 135
    assert server.requests[0].json == {
        "UserLogin": "portal-api",
        "Password": "Portal-Api-1",
        "TimeAccountingUserLogin": "b.schmidt",
        "TimeAccountingStart": "2026-10-01 00:00:00",
        "TimeAccountingEnd": "2026-10-31 23:59:59",
    }


def test_sample_preset_asks_the_ready_made_service(serve: Serve) -> None:
    server, client = serve(recorded("rest-timeaccounting-session"), preset="otrs6_sample")

    client.accounted_time("b.schmidt", **OCTOBER)

    assert server.requests[0].path.endswith("/Webservice/TimeAccountingREST/TimeAccountingGet")
    assert server.requests[0].method == "POST"


def test_line_is_read_with_all_its_fields(serve: Serve) -> None:
    _, client = serve(recorded("rest-timeaccounting-october-f.alt"))

    assert client.accounted_time("f.alt", **OCTOBER) == (
        AccountedTime(
            login="f.alt",
            booked_local=datetime(2026, 10, 2, 9),
            units=Decimal("50.00"),
            ticket_number="2026100210000071",
            title="EDGE Zeit eines ausgeschiedenen Agenten",
            customer_id="10007",
            queue="Support",
        ),
    )


def test_equal_lines_are_real_and_all_kept(serve: Serve) -> None:
    _, client = serve(recorded("rest-timeaccounting-date-duplicates"))

    entries = client.accounted_time("b.schmidt", start=at(2026, 10, 14, 10), end=at(2026, 10, 14, 10, 0, 1))

    assert [entry.ticket_number for entry in entries] == ["2026101410000094"] * 3 + ["2026101410000101"]


@pytest.mark.parametrize(
    "name",
    [
        "rest-timeaccounting-none",
        "rest-timeaccounting-unknown-agent",
        "rest-timeaccounting-after-ticket-deleted",
        "rest-timeaccounting-agent-email-instead-of-login",
    ],
)
def test_nothing_booked_and_an_unknown_agent_look_the_same(serve: Serve, name: str) -> None:
    _, client = serve(recorded(name))

    assert client.accounted_time("gibtsnicht", **OCTOBER) == ()


def test_entry_of_the_first_second_after_the_window_is_never_mixed_in(serve: Serve) -> None:
    _, client = serve(recorded("rest-timeaccounting-date-month-as-half-open"))

    with pytest.raises(BadAnswer, match="an entry of 2026-11-01 00:00:00, outside the window"):
        client.accounted_time("b.schmidt", **OCTOBER)


@pytest.mark.parametrize(
    "name", ["rest-timeaccounting-date-start-garbage-only", "rest-timeaccounting-date-start-german-only"]
)
def test_everything_since_the_beginning_is_never_taken_for_a_month(serve: Serve, name: str) -> None:
    _, client = serve(recorded(name))

    with pytest.raises(BadAnswer, match="outside the window"):
        client.accounted_time("b.schmidt", **OCTOBER)


def test_entry_at_the_first_second_of_a_month_belongs_to_it(serve: Serve) -> None:
    _, client = serve(recorded("rest-timeaccounting-date-boundary-end-inclusive"))

    entries = client.accounted_time("b.schmidt", start=at(2026, 11, 1), end=at(2026, 12, 1))

    assert [entry.booked_local for entry in entries] == [datetime(2026, 11, 1)]


def test_hour_that_comes_twice_keeps_both_entries(serve: Serve) -> None:
    _, client = serve(recorded("rest-timeaccounting-dst-night"))

    entries = client.accounted_time("anna.mueller", start=at(2026, 10, 25), end=at(2026, 10, 26))

    assert [(entry.booked_local, entry.units) for entry in entries] == [
        (datetime(2026, 10, 25, 1, 30), Decimal("61.00")),
        (datetime(2026, 10, 25, 2, 30), Decimal("62.00")),
        (datetime(2026, 10, 25, 2, 30), Decimal("63.00")),
        (datetime(2026, 10, 25, 3, 30), Decimal("64.00")),
    ]


def test_time_from_before_a_merge_has_no_queue(serve: Serve) -> None:
    _, client = serve(recorded("rest-timeaccounting-moved-merged-customer-changed"))

    entries = client.accounted_time("anna.mueller", start=at(2026, 10, 6), end=at(2026, 10, 21))

    assert [(entry.ticket_number, entry.units) for entry in entries if entry.queue is None] == [
        ("2026102010000091", Decimal("25.00"))
    ]


def test_titles_come_verbatim_and_a_missing_customer_is_empty(serve: Serve) -> None:
    _, client = serve(recorded("rest-timeaccounting-special-characters"))

    entries = client.accounted_time("e.jung", start=at(2026, 10, 16, 9), end=at(2026, 10, 17, 9, 0, 1))

    assert "  Leerzeichen außen  " in [entry.title for entry in entries]
    assert [entry.customer_id for entry in entries if entry.title == "EDGE ohne Kunde"] == [""]


@pytest.mark.parametrize("name", ["rest-timeaccounting-missing-timeaccountingend", "rest-timeaccounting-date-zero-end"])
def test_missing_parameter_is_an_application_error(serve: Serve, name: str) -> None:
    _, client = serve(recorded(name))

    with pytest.raises(ApplicationError, match=r"TimeAccountingGet.MissingParameter"):
        client.accounted_time("b.schmidt", **OCTOBER)


@pytest.mark.parametrize("name", ["rest-timeaccounting-bad-password", "rest-timeaccounting-no-credentials"])
def test_wrong_login_is_http_200(serve: Serve, name: str) -> None:
    _, client = serve(recorded(name))

    with pytest.raises(AuthenticationFailed, match=r"TimeAccountingGet.AuthFail"):
        client.accounted_time("b.schmidt", **OCTOBER)


def test_missing_group_is_no_permission_and_named(serve: Serve) -> None:
    error = {"ErrorCode": "TimeAccountingGet.NoPermission", "ErrorMessage": "TimeAccountingGet: No permission!"}
    _, client = serve(answer({"Error": error}))

    with pytest.raises(NoPermission, match="timeaccounting_webservice"):
        client.accounted_time("b.schmidt", **OCTOBER)
