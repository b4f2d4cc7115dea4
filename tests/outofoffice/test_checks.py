"""Rows against the list of agents and against what was sent before."""

from datetime import datetime

import pytest
from pytest_django import DjangoAssertNumQueries

from outofoffice.checks import CheckedFile, check_file
from tests.factories.tickets import AgentFactory
from tests.outofoffice.corpus import HEADER
from tests.outofoffice.support import sent, table
from tickets.models import Agent, TicketSystem

pytestmark = pytest.mark.django_db


def check(system: TicketSystem, now: datetime, *rows: str, header: str = HEADER) -> CheckedFile:
    return check_file(system=system, data="\n".join([header, *rows]).encode(), now=now)


def messages(checked: CheckedFile) -> list[tuple[str, str]]:
    return [(each.column, each.text) for row in checked.rows for each in (*row.faults, *row.notes)]


def test_good_rows_say_in_full_what_is_sent(system: TicketSystem, now: datetime) -> None:
    checked = check(system, now, "c.weber,01.12.2026,10.12.2026,ja", "b.schmidt,,,no")

    assert checked.counts == {"set": 1, "clear": 1, "unchanged": 0, "error": 0}
    assert [(row.user, row.addressed_by, str(row.start), str(row.end), row.enabled) for row in checked.rows] == [
        ("c.weber", "UserLogin", "2026-12-01", "2026-12-10", True),
        ("b.schmidt", "UserLogin", "2026-11-26", "2026-11-26", False),
    ]


@pytest.mark.parametrize(
    ("header", "row", "column", "sentence"),
    [
        (HEADER, "nobody,2026-12-01,2026-12-10,yes", "UserLogin", "No agent of this ticket system has the login"),
        (HEADER, "f.alt,2026-12-01,2026-12-10,yes", "UserLogin", "f.alt has departed; the ticket system would ignore"),
        ("EMail,Enabled", "x@beispiel.test,no", "UserEmail", "No agent of this ticket system has the address"),
        ("EMail,Enabled", "c%@beispiel.test,no", "UserEmail", "“_” and “%” stand for any character."),
        ("EMail,Enabled", "hotline@beispiel.test,no", "UserEmail", "2 agents have the address “hotline@beispiel.test”"),
        ("UserSearch,Enabled", "Weber,no", "UserSearch", "No agent has “Weber” as login, address or whole name."),
        ("UserSearch,Enabled", "hotline@beispiel.test,no", "UserSearch", "means 2 agents. Use UserLogin."),
        (
            "UserLogin,EMail,Enabled",
            "c.weber,b.schmidt@beispiel.test,no",
            "UserEmail",
            "The row names different agents (UserLogin: c.weber, UserEmail: b.schmidt)",
        ),
        ("UserLogin,Enabled", "öztürk,no", "UserLogin", "take neither the login “öztürk” nor the address"),
    ],
)  # fmt: skip
def test_row_that_would_be_ignored_or_misread_is_an_error(
    system: TicketSystem, now: datetime, header: str, row: str, column: str, sentence: str
) -> None:
    checked = check(system, now, row, header=header)

    assert checked.good == 0
    assert [(each, sentence in text) for each, text in messages(checked)] == [(column, True)]


def test_agent_that_cannot_be_named_by_login_is_named_by_address(system: TicketSystem, now: datetime) -> None:
    checked = check(system, now, "jürgen,2026-12-01,2026-12-10,yes")

    assert [(row.user, row.addressed_by) for row in checked.rows] == [("juergen@beispiel.test", "UserEmail")]
    assert [column for column, _text in messages(checked)] == ["UserLogin"]
    assert "this login for one agent; the address juergen@beispiel.test is sent instead." in messages(checked)[0][1]


def test_address_with_a_wildcard_is_sent_as_login(system: TicketSystem, now: datetime) -> None:
    checked = check(system, now, "h_test@beispiel.test,no", header="EMail,Enabled")

    assert [(row.user, row.addressed_by) for row in checked.rows] == [("h_test", "UserLogin")]
    assert "would not take this address for one agent; the login h_test" in messages(checked)[0][1]


@pytest.mark.parametrize(
    ("values", "named", "sentence"),
    [
        ({"login": None, "email": "", "name": "No Name"}, "No Name", "knows neither login nor address of No Name"),
        ({"login": None, "email": "a_b@x.test", "name": "No Name"}, "No Name", "take “a_b@x.test” for one agent, and"),
        ({"login": "ä", "email": "", "name": "No Name"}, "No Name", "take “ä” for one agent, and the portal knows no"),
        ({"login": "ä", "email": "hotline@beispiel.test"}, "ä", "and others have this address"),
    ],
)
def test_agent_that_can_be_named_in_no_way_is_refused_with_the_reason(
    system: TicketSystem, now: datetime, values: dict[str, str | None], named: str, sentence: str
) -> None:
    AgentFactory(system=system, **values)

    checked = check(system, now, f"{named},no", header="UserSearch,Enabled")

    assert [(column, sentence in text) for column, text in messages(checked)] == [("UserSearch", True)]


def test_agent_without_login_is_found_and_sent_by_address(system: TicketSystem, now: datetime) -> None:
    AgentFactory(system=system, id_only=True, email="new@beispiel.test")

    checked = check(system, now, "NEW@beispiel.test,no", header="EMail,Enabled")

    assert [(row.user, row.addressed_by) for row in checked.rows] == [("new@beispiel.test", "UserEmail")]


def test_same_agent_twice_is_an_error_in_both_rows(system: TicketSystem, now: datetime) -> None:
    checked = check(system, now, "c.weber,,2026-12-01,2026-12-10,yes", ",C.WEBER@beispiel.test,,,no", "b.schmidt,,,,no",
                    header="UserLogin,EMail,StartDate,EndDate,Enabled")  # fmt: skip

    assert [row.effect for row in checked.rows] == ["error", "error", "clear"]
    assert messages(checked) == [
        ("UserLogin", "The same agent stands in line 3 as well; only one row can count."),
        ("UserEmail", "The same agent stands in line 2 as well; only one row can count."),
    ]


def test_agents_of_other_systems_do_not_count(system: TicketSystem, now: datetime) -> None:
    AgentFactory(login="elsewhere")

    assert check(system, now, "elsewhere,,,no").good == 0


def test_absence_that_is_over_is_sent_with_a_note(system: TicketSystem, now: datetime) -> None:
    checked = check(system, now, "c.weber,2016-03-20,2016-03-30,yes")

    assert checked.good == 1
    assert messages(checked) == [("EndDate", "The absence is over already.")]


def test_today_is_the_ticket_systems_day(system: TicketSystem, now: datetime) -> None:
    system.time_zone = "Pacific/Kiritimati"

    (row,) = check(system, now, "c.weber,,,no").rows

    assert str(row.start) == "2026-11-27"


def test_what_was_sent_before_counts(system: TicketSystem, now: datetime) -> None:
    earlier = table(
        "c.weber,2026-12-01,2026-12-10,yes", "b.schmidt,2026-12-01,2026-12-10,yes", "h_test,2026-12-01,2026-12-10,yes",
        "hxtest,2026-12-01,2026-12-10,yes", "hotline,2026-12-01,2026-12-10,no",
    )  # fmt: skip
    sent(system, earlier, now)

    checked = check(
        system, now, "c.weber,2026-12-01,2026-12-10,yes", "b.schmidt,2026-12-10,2026-12-20,yes",
        "h_test,2026-12-24,2026-12-31,yes", "hxtest,,,no", "hotline,,,no",
    )  # fmt: skip

    assert [row.effect for row in checked.rows] == ["unchanged", "set", "set", "clear", "unchanged"]
    assert [(str(row.start), str(row.end)) for row in checked.rows[3:]] == [("2026-12-01", "2026-12-10")] * 2
    assert messages(checked) == [
        ("", "Overlaps with the absence 2026-12-01 – 2026-12-10 that was sent before, and replaces it."),
        ("", "Replaces the absence 2026-12-01 – 2026-12-10: the ticket system keeps one an agent."),
    ]


def test_absence_that_is_over_is_replaced_without_a_note(system: TicketSystem, now: datetime) -> None:
    sent(system, table("c.weber,2026-11-01,2026-11-10,yes"), now)

    assert messages(check(system, now, "c.weber,2026-12-01,2026-12-10,yes")) == []


@pytest.mark.parametrize("count", [1, 3, 1000])
def test_check_asks_twice_however_many_rows(
    system: TicketSystem, now: datetime, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    Agent.objects.bulk_create(Agent(system=system, login=f"agent.{n}") for n in range(count))
    rows = [f"agent.{n},2026-12-01,2026-12-10,yes" for n in range(count)]

    with django_assert_num_queries(2):
        checked = check(system, now, *rows)

    assert checked.good == count
