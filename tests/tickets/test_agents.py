"""Logins and UserIDs find together."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories.tickets import AgentFactory, SyncRunFactory, TicketFactory, TicketSystemFactory, TimeEntryFactory
from tests.tickets.support import NOW, accounted, booking, present, snapshot, ticket_record, windows
from tickets.agents import AgentBook, learn_agents
from tickets.mirror import write_month
from tickets.models import Agent, SyncRun, Ticket, TicketSystem, TimeEntry
from tickets.snapshot import MonthSnapshot, SyncStopped

pytestmark = pytest.mark.django_db


@pytest.fixture
def system() -> TicketSystem:
    system: TicketSystem = TicketSystemFactory(time_source="both")
    return system


def agents() -> list[tuple[str | None, int | None]]:
    return sorted(Agent.objects.values_list("login", "user_id"), key=str)


def shown(login: str = "anna", user_id: int = 3) -> MonthSnapshot:
    """A reading that shows one pair."""
    return snapshot(
        tickets=[ticket_record(owner_login=login, owner_id=user_id, responsible_login="", time_units=Decimal(0))]
    )


def learn(system: TicketSystem, reading: MonthSnapshot) -> AgentBook:
    return learn_agents(system, reading, now=NOW)


def test_pair_of_a_ticket_makes_an_agent(system: TicketSystem) -> None:
    book = learn(system, shown())

    assert agents() == [("anna", 3)]
    assert book.by_user_id[3] == book.of_login("ANNA") == Agent.objects.get().pk


@pytest.mark.parametrize("known", [{"login": "anna", "user_id": None}, {"login": None, "user_id": 3}])
def test_agent_of_whom_one_name_was_known_gets_the_other(system: TicketSystem, known: dict[str, Any]) -> None:
    agent = AgentFactory(system=system, **known)

    learn(system, shown())

    assert (agents(), Agent.objects.get().pk) == ([("anna", 3)], agent.pk)


def test_agent_known_in_another_spelling_stays_one(system: TicketSystem) -> None:
    AgentFactory(system=system, login="Anna", login_only=True)

    learn(system, shown())

    assert agents() == [("Anna", 3)]


def test_renamed_agent_keeps_the_entries(system: TicketSystem) -> None:
    agent = AgentFactory(system=system, login="anna.alt", user_id=3)

    learn(system, shown())

    assert (agents(), Agent.objects.get().pk) == ([("anna", 3)], agent.pk)


def test_login_that_another_agent_has_now_changes_hands(system: TicketSystem) -> None:
    AgentFactory(system=system, login="anna", user_id=2)

    learn(system, shown())

    assert agents() == [("anna", 3), (None, 2)]


def test_logins_that_were_swapped_are_followed(system: TicketSystem) -> None:
    first = AgentFactory(system=system, login="anna", user_id=1)
    second = AgentFactory(system=system, login="bert", user_id=2)
    reading = snapshot(
        tickets=[ticket_record(owner_login="bert", owner_id=1, responsible_login="anna", responsible_id=2)]
    )

    learn(system, reading)

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.login, second.login) == ("bert", "anna")


def test_agents_asked_and_creators_are_created(system: TicketSystem) -> None:
    reading = snapshot(
        tickets=[ticket_record(responsible_login="")],
        bookings=[booking(creator_id=9)],
        windows=windows("bert", "Anna"),
    )

    learn(system, reading)

    assert agents() == [("anna", 3), ("bert", None), (None, 9)]


@pytest.mark.parametrize("booked", ["named", "numbered", "nobody"])
def test_two_rows_of_one_agent_become_one(system: TicketSystem, booked: str) -> None:
    rows = {
        "named": AgentFactory(system=system, login="anna", login_only=True, email="anna@beispiel.test"),
        "numbered": AgentFactory(system=system, user_id=3, id_only=True, name="Anna Müller", departed=True),
    }
    ticket = TicketFactory(system=system, owner=rows["named"])
    TicketFactory(system=system, owner=rows["numbered"])
    if booked != "nobody":
        TimeEntryFactory(ticket=ticket, agent=rows[booked])

    learn(system, shown())

    agent = Agent.objects.get()
    assert (agent.login, agent.user_id, agent.name, agent.email) == ("anna", 3, "Anna Müller", "anna@beispiel.test")
    assert agent.departed
    assert agent.pk == rows["numbered" if booked == "numbered" else "named"].pk
    assert set(Ticket.objects.values_list("owner", flat=True)) == {agent.pk}


def test_entries_of_two_rows_of_one_agent_come_together(system: TicketSystem) -> None:
    named = AgentFactory(system=system, login="anna", login_only=True)
    numbered = AgentFactory(system=system, user_id=3, id_only=True)
    one, other = TicketFactory(system=system), TicketFactory(system=system)
    TimeEntryFactory(ticket=one, agent=named, source="agent")
    TimeEntryFactory(ticket=one, agent=named, source="agent", running_number=2, gone=True)
    TimeEntryFactory(ticket=one, agent=numbered, source="history")
    TimeEntryFactory(ticket=other, agent=numbered, source="history", running_number=2)
    TimeEntryFactory(ticket=one, agent=numbered, source="agent", running_number=3)

    learn(system, shown())

    rows = TimeEntry.objects.order_by("running_number").values_list("running_number", "ticket", "source", "gone_at")
    assert [(number, ticket, source, gone is None) for number, ticket, source, gone in rows] == [
        (1, one.pk, "agent", True),
        (2, one.pk, "agent", False),
        (3, one.pk, "history", False),
        (4, other.pk, "history", True),
        (5, one.pk, "agent", True),
    ]


@pytest.mark.parametrize("booked", ["named", "numbered"])
def test_readings_go_with_the_agent(system: TicketSystem, booked: str) -> None:
    rows = {
        "named": AgentFactory(system=system, login="anna", login_only=True),
        "numbered": AgentFactory(system=system, user_id=3, id_only=True),
    }
    TimeEntryFactory(ticket=TicketFactory(system=system), agent=rows[booked])
    for agent in rows.values():
        for state in ("done", "failed", "queued"):
            SyncRunFactory(system=system, agent=agent, state=state, month=date(2026, 10 + (agent.login is None), 1))

    learn(system, shown())

    runs = SyncRun.objects.values_list("state", "month__month", "agent")
    assert sorted(runs) == sorted(
        (state, month, rows[booked].pk) for state in ("done", "failed", "queued") for month in (10, 11)
    )


@pytest.mark.parametrize("running", ["named", "numbered", "nobody"])
def test_of_two_readings_under_way_for_one_month_the_one_that_is_worked_on_stays(
    system: TicketSystem, running: str
) -> None:
    agents_of = {
        "numbered": AgentFactory(system=system, user_id=3, id_only=True),
        "named": AgentFactory(system=system, login="anna", login_only=True),
    }
    runs = {name: SyncRunFactory(system=system, agent=agent) for name, agent in agents_of.items()}
    if running != "nobody":
        SyncRun.objects.filter(pk=runs[running].pk).update(state="running", lease_until=NOW)
    stays = "numbered" if running == "nobody" else running  # the older one
    ends = "named" if stays == "numbered" else "numbered"

    learn(system, shown())

    found = {run.pk: run for run in SyncRun.objects.all()}
    assert found[runs[stays].pk].is_active
    assert (found[runs[ends].pk].state, found[runs[ends].pk].finished_at) == ("failed", NOW)
    assert found[runs[ends].pk].error.startswith("This agent turned out to be the same as another one")
    assert {run.agent for run in found.values()} == {Agent.objects.get()}


def test_account_goes_with_the_agent(system: TicketSystem) -> None:
    user = get_user_model().objects.create_user("anna")
    AgentFactory(system=system, login="anna", login_only=True)
    AgentFactory(system=system, user_id=3, id_only=True, account=user)

    learn(system, shown())

    assert Agent.objects.get().account == user


def half_known_reading() -> MonthSnapshot:
    """Booked by UserID 9 according to the history, by bert according to the time accounting."""
    return snapshot(
        tickets=[ticket_record()],
        bookings=[booking(creator_id=9)],
        windows=windows("anna", "bert"),
        accounted=(accounted("bert"),),
    )


def test_agent_who_owns_no_ticket_is_told_by_an_equal_booking(system: TicketSystem) -> None:
    write_month(system, half_known_reading(), now=NOW)

    assert ("bert", 9) in agents()
    assert [row[0] for row in present()] == ["bert"]


def test_agent_is_told_by_a_booking_that_is_mirrored_already(system: TicketSystem) -> None:
    """The portal read histories first and asks agents now."""
    system.time_source = "history"
    write_month(system, replace(half_known_reading(), windows=(), accounted=()), now=NOW)
    system.time_source = "agents"

    write_month(system, replace(half_known_reading(), histories=()), now=NOW)

    assert ("bert", 9) in agents()
    assert [row[0] for row in present()] == ["bert"]


def test_bookings_of_days_that_were_not_read_are_not_loaded(system: TicketSystem) -> None:
    AgentFactory(system=system, login="anna", login_only=True)

    with CaptureQueriesContext(connection) as nothing_read:
        learn(system, snapshot())
    with CaptureQueriesContext(connection) as one_day_read:
        learn(system, snapshot(tickets=[ticket_record(owner_login="", responsible_login="")], bookings=[booking()]))

    assert [query for query in nothing_read if "timeentry" in query["sql"]] == []
    (entries,) = [query["sql"] for query in one_day_read if "timeentry" in query["sql"]]
    assert "local_day" in entries


def test_agent_is_told_by_a_booking_of_time_accounting_that_is_mirrored_already(system: TicketSystem) -> None:
    system.time_source = "agents"
    write_month(system, replace(half_known_reading(), histories=()), now=NOW)
    system.time_source = "history"

    write_month(system, replace(half_known_reading(), windows=(), accounted=()), now=NOW)

    assert ("bert", 9) in agents()
    assert [row[0] for row in present()] == ["bert"]


def test_agent_who_cannot_be_told_apart_stops_the_sync(system: TicketSystem) -> None:
    reading = replace(
        half_known_reading(),
        windows=windows("bert", "carl"),
        accounted=(accounted("bert"), accounted("carl")),
    )

    with pytest.raises(SyncStopped, match="which logins the agents with UserID 9 have"):
        write_month(system, reading, now=NOW)


def test_login_entered_in_two_spellings_counts_once(system: TicketSystem) -> None:
    AgentFactory(system=system, login="Anna", login_only=True)
    AgentFactory(system=system, login="anna", user_id=3)

    book = learn(system, shown())

    assert book.of_login("ANNA") == book.by_user_id[3]
