from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from generic_interface.simulator.administration import (
    archive,
    back_up,
    delete_article,
    rename_agent,
    restore,
    rewrite_units,
    set_rights,
    undelete_article,
)
from generic_interface.simulator.data import build_month
from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.people import LIMITED_AGENT
from generic_interface.simulator.server import start_simulator
from generic_interface.simulator.store import UnknownName
from generic_interface.simulator.system import SimulatedSystem
from tests.simulator.asking import OCTOBER, Caller

LOGIN = "portal-api"
WHOLE_MONTH = {"TimeAccountingStart": "2026-10-01 00:00:00", "TimeAccountingEnd": "2026-10-31 23:59:59"}
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC).timestamp()


@pytest.fixture
def own_data() -> DataSet:
    return build_month(tickets=4, customers=2, entries_per_ticket=2)


@pytest.fixture
def own_caller(own_data: DataSet) -> Iterator[Caller]:
    with start_simulator(own_data, clock=lambda: NOON) as running, Caller(running) as caller:
        yield caller


def booked(caller: Caller, login: str) -> list[dict[str, Any]]:
    answer = caller.ask("TimeAccountingGet", TimeAccountingUserLogin=login, **WHOLE_MONTH)
    return list(answer.get("TimeAccountingResult", []))


def test_archived_ticket_is_found_only_by_those_who_ask_for_it(own_data: DataSet, own_caller: Caller) -> None:
    ticket_id, *others = own_data.closed_in((2026, 10))[::-1]
    archive(own_data, ticket_id)

    assert sorted(own_caller.found(**OCTOBER)) == sorted(others)
    assert own_caller.found(**OCTOBER, SearchInArchive="NotArchivedTickets") == own_caller.found(**OCTOBER)
    assert len(own_caller.found(**OCTOBER, SearchInArchive="AllTickets")) == 4
    assert own_caller.found(**OCTOBER, SearchInArchive="ArchivedTickets") == [ticket_id]
    flags = [ticket["ArchiveFlag"] for ticket in own_caller.ask("TicketGet", TicketID=[ticket_id, others[0]])["Ticket"]]
    assert flags == ["y", "n"]


def test_rights_count_from_the_next_call_on_in_a_living_session(own_data: DataSet, own_caller: Caller) -> None:
    session = own_caller.ask("SessionCreate")["SessionID"]
    before = len(own_caller.found(SessionID=session, **OCTOBER))

    set_rights(own_data, LOGIN, queues=["Projekte"], may_read_times=False)

    assert (before, len(own_caller.found(SessionID=session, **OCTOBER))) == (4, 1)
    assert own_caller.error_code("TimeAccountingGet", SessionID=session) == "TimeAccountingGet.NoPermission"
    set_rights(own_data, LOGIN, may_read_times=True)
    assert len(own_caller.found(SessionID=session, **OCTOBER)) == 1
    assert own_caller.error_code("TimeAccountingGet", SessionID=session) == "TimeAccountingGet.MissingParameter"


def test_renamed_agent_is_asked_for_by_the_new_login_only(own_data: DataSet, own_caller: Caller) -> None:
    before = booked(own_caller, LIMITED_AGENT)
    own_data.create(title="Neu", customer="K0001", agent=LIMITED_AGENT)

    rename_agent(own_data, LIMITED_AGENT, "eva.meier")

    newest = own_caller.ask("TicketGet", TicketID=own_caller.found(Limit=1))["Ticket"][0]
    assert (newest["Owner"], newest["OwnerID"]) == ("eva.meier", 7)
    assert booked(own_caller, LIMITED_AGENT) == []
    assert booked(own_caller, "eva.meier") == before


def test_deleted_article_takes_its_time_along_and_an_undeleted_one_brings_it_back(own_data: DataSet) -> None:
    ticket = own_data.ticket(own_data.closed_in((2026, 10))[0])
    before = (set(ticket.entries), set(ticket.history), {article.article_id for article in ticket.articles})
    first = ticket.entries[0]

    deleted = delete_article(own_data, first.article_id)

    assert first not in ticket.entries
    assert [line for line in ticket.history if line.article_id == first.article_id] == []
    assert ticket.changed == max(line.at for line in ticket.history)
    undelete_article(own_data, deleted)
    assert (set(ticket.entries), set(ticket.history), {article.article_id for article in ticket.articles}) == before


def test_article_that_is_not_there_cannot_be_deleted(own_data: DataSet) -> None:
    with pytest.raises(UnknownName, match="holds no article 17"):
        delete_article(own_data, 17)


def test_booking_altered_in_the_database_leaves_the_history_as_it_was(own_data: DataSet) -> None:
    ticket = own_data.ticket(own_data.closed_in((2026, 10))[0])
    history, other = ticket.lines(), ticket.entries[1].units

    rewrite_units(own_data, ticket.entries[0], "77.50")

    assert ticket.units() == Decimal("77.50") + other
    assert ticket.lines() == history


def test_backup_put_back_forgets_what_came_later_and_gives_its_numbers_again(own_data: DataSet) -> None:
    backup = back_up(own_data)
    first = own_data.create(title="Neu", customer="K0001")
    number = own_data.ticket(first).number
    own_data.book(own_data.closed_in((2026, 10))[0], 5)
    own_data.delete(own_data.closed_in((2026, 10))[1])

    for _ in range(2):
        restore(own_data, backup)
        again = own_data.create(title="Anders", customer="K0002")

    assert (again, own_data.ticket(again).number, own_data.ticket(again).title) == (first, number, "Anders")
    assert len(own_data.closed_in((2026, 10))) == 4
    assert len(own_data.entries()) == 8


def test_age_is_counted_by_the_servers_clock_and_zone(own_data: DataSet) -> None:
    summer = own_data.create(title="Sommer", customer="K0001", at=datetime(2026, 10, 5, 10))
    twice = own_data.create(title="Zweimal halb drei", customer="K0001", at=datetime(2026, 10, 25, 2, 30))
    system = SimulatedSystem(own_data, clock=lambda: NOON)

    def ages() -> list[float]:
        tickets = [system.get_tickets(own_data.agents[LOGIN], {"TicketID": ticket}) for ticket in (summer, twice)]
        return [answer["Ticket"][0]["Age"] / 3600 for answer in tickets]

    assert ages() == [28 * 24 + 4, 8 * 24 + 10.5]
    system.zone = ZoneInfo("UTC")
    assert ages() == [28 * 24 + 2, 8 * 24 + 9.5]


def test_fault_may_strike_the_questions_about_one_agent(own_data: DataSet) -> None:
    faults = ["TimeAccountingGet@anna.mueller:empty", "TimeAccountingGet@b.schmidt:empty:2"]
    with start_simulator(own_data, faults=faults) as running, Caller(running) as caller:
        found = [len(booked(caller, login)) for login in ("anna.mueller", "b.schmidt", "c.weber") for _ in range(2)]

    assert found == [0, 0, 2, 0, 2, 2]


def test_half_a_surrogate_pair_is_written_as_perl_writes_it(own_data: DataSet, own_caller: Caller) -> None:
    ticket_id = own_data.create(title="halb \ud83d", customer="K0001")

    with own_caller.send("TicketGet", TicketID=ticket_id) as response:
        assert b'"Title":"halb \xed\xa0\xbd"' in response.read()
