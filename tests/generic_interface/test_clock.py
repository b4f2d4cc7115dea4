"""The server's clock as its tickets tell it, on answers of a real server whose clock and zone (Berlin) were right."""

import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from generic_interface.clock import YOUNGEST, clock_drift
from generic_interface.jsonreader import read_object
from generic_interface.readers import read_tickets
from generic_interface.records import TicketRecord
from tests.generic_interface.replay import recorded, recorded_body
from tests.tickets.support import ticket_record

BERLIN = ZoneInfo("Europe/Berlin")
AT = datetime(2026, 11, 22, 14, 52, 11, tzinfo=UTC)
"""When the 540 tickets were asked for."""
HOUR = timedelta(hours=1)


def shown(name: str, zone: str = "Europe/Berlin") -> list[TicketRecord]:
    answer = read_object(recorded_body(name), operation="TicketGet")
    ids = [str(ticket["TicketID"]) for ticket in answer["Ticket"]]  # type: ignore[attr-defined]
    return list(read_tickets(answer, ids, zone=ZoneInfo(zone)).values())


def drift(*tickets: TicketRecord, at: datetime = AT) -> timedelta | None:
    return clock_drift(tickets, asked=at, answered=at)


def old(zone: str = "Europe/Berlin", created: str = "2026-10-05 10:00:00", **changes: Any) -> TicketRecord:
    """A ticket of a server in Berlin whose clock is right, read in this zone."""
    local = datetime.fromisoformat(created)
    age = AT - local.replace(tzinfo=BERLIN).astimezone(UTC)
    return replace(ticket_record(created=local.replace(tzinfo=ZoneInfo(zone)), age=age), **changes)


def test_age_is_counted_from_the_creation_to_the_moment_of_the_answer() -> None:
    """The answers of the old SOAP interface come from the same function and tell the time in their header."""
    answer = recorded("rpc-ticketget-extended").decode()
    texts = re.findall(r"<s-gensym\d+ [^>]*>([^<]*)</", answer)
    fields = {name: texts[texts.index(name) + 1] for name in ("Created", "Age")}
    date = re.search(r"\r\nDate: ([^\r]*)", answer)

    created = datetime.fromisoformat(fields["Created"]).replace(tzinfo=BERLIN)

    assert date is not None
    assert created.astimezone(UTC) + timedelta(seconds=int(fields["Age"])) == parsedate_to_datetime(date[1])


def test_present_told_by_a_ticket_is_that_of_a_session_made_seconds_before() -> None:
    started = re.search(rb'"UserSessionStart","Value":"(\d+)"', recorded_body("rest-session-get-ok"))
    assert started is not None
    made = datetime.fromtimestamp(int(started[1]), UTC)
    age = re.search(rb'"Age":(\d+).*"Created":"([^"]*)"', recorded_body("rest-auth-header-get"))
    assert age is not None

    created = datetime.fromisoformat(age[2].decode()).replace(tzinfo=BERLIN)

    assert created.astimezone(UTC) + timedelta(seconds=int(age[1])) - made == timedelta(seconds=3)


def test_all_tickets_of_one_answer_tell_the_same_present_but_those_of_the_doubled_hour() -> None:
    tickets = shown("rest-ticketget-540-ids-post")

    told = Counter(_present(ticket) for ticket in tickets)
    odd = [f"{ticket.created:%m-%d %H}" for ticket in tickets if _present(ticket) != AT]

    assert told == {AT: 538, AT - HOUR: 2}
    assert odd == 2 * ["10-25 02"]
    assert drift(*tickets) == timedelta()


def _present(ticket: TicketRecord) -> datetime:
    assert ticket.age is not None
    return ticket.created.astimezone(UTC) + ticket.age


@pytest.mark.parametrize(
    ("zone", "hours"),
    [("UTC", 2), ("Europe/London", 1), ("Africa/Lagos", 1), ("America/New_York", 6)],
)
def test_other_zone_than_the_servers_is_a_drift(zone: str, hours: int) -> None:
    """Lagos has the same time as Berlin on that day; the tickets of the summer tell the two apart."""
    assert drift(*shown("rest-ticketget-540-ids-post", zone)) == hours * HOUR


def test_zone_that_differs_by_half_an_hour_is_a_drift() -> None:
    assert drift(old("Asia/Kolkata")) == -3.5 * HOUR


@pytest.mark.parametrize("minutes", [-7, 7, 60 * 24 * 30])
def test_clock_that_goes_wrong_is_a_drift(minutes: int) -> None:
    assert drift(old(), at=AT - timedelta(minutes=minutes)) == timedelta(minutes=minutes)


def test_time_between_question_and_answer_is_no_drift() -> None:
    minute = timedelta(minutes=1)

    assert clock_drift([old()], asked=AT - 2 * minute, answered=AT + 2 * minute) == timedelta()
    assert clock_drift([old()], asked=AT + minute, answered=AT + 2 * minute) == -minute
    assert clock_drift([old()], asked=AT - 3 * minute, answered=AT - 2 * minute) == 2 * minute


def test_largest_deviation_counts() -> None:
    summer, winter = old("Africa/Lagos"), old("Africa/Lagos", "2026-11-05 10:00:00")

    assert (drift(winter), drift(summer), drift(winter, summer, winter)) == (timedelta(), HOUR, HOUR)


def test_ticket_created_in_the_future_of_a_wrong_server_clock_tells_it() -> None:
    """The age has no sign: a server that stands before the creation counts up to it."""
    years = timedelta(days=700)

    assert drift(replace(old(), age=years), at=old().created.astimezone(UTC) - years) == timedelta()


@pytest.mark.parametrize(
    "ticket",
    [
        old(age=None),
        old(age=YOUNGEST - timedelta(seconds=1)),
        old(created="2026-10-25 02:30:00"),
        old(created="2026-03-29 02:30:00"),
    ],
)
def test_ticket_that_cannot_tell_the_present_is_left_out(ticket: TicketRecord) -> None:
    assert drift(ticket) is None
    assert drift(ticket, old()) == timedelta()


@pytest.mark.parametrize("year", [1, 9999])
def test_dates_at_the_ends_of_the_calendar_do_no_harm(year: int) -> None:
    assert drift(replace(old(), created=datetime(year, 1, 1, tzinfo=BERLIN), age=timedelta(days=110_000))) is not None
