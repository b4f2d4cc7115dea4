"""F6 to F9, F13, F39: answers that look like success and hold nothing, or less than there is."""

from datetime import datetime

import pytest

from generic_interface.simulator.administration import back_up, rename_agent, restore, set_rights
from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.people import WORKING_AGENTS
from generic_interface.simulator.server import RunningSimulator, start_simulator
from generic_interface.simulator.wire import Call
from tests.factories.tickets import AgentFactory
from tests.faults.support import SOURCES, assert_held, connected_to, first_closed, truth, watched
from tests.tickets.support import dump_mirror, present, sync
from tickets.models import Agent, TicketSystem

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
NOON = datetime(2026, 10, 20, 12)
ASKED = {
    "history": ("TicketSearch", "TicketGet", "TicketHistoryGet"),
    "both": ("TicketSearch", "TicketGet", "TicketHistoryGet", "TimeAccountingGet"),
    "agents": ("TicketSearch", "TicketGet", "TimeAccountingGet"),
}
"""The operations that a sync with this source of time needs."""


def test_f06_session_that_ends_is_made_anew_once_and_the_month_is_complete(data: DataSet) -> None:
    """AuthFail comes with HTTP 200: an expired session is one new login, and no ticket is missing for it."""

    def expire(call: Call) -> None:
        if call.operation == "TicketHistoryGet" and running.operations().count("SessionCreate") == 1:
            running.expire_sessions()

    with watched(data, before=expire) as running:
        run = sync(connected_to(running, "history"))

    assert (run.complete, present()) == (True, truth(data))
    assert running.operations()[-3:] == ["TicketHistoryGet", "SessionCreate", "TicketHistoryGet"]


def test_f06_wrong_password_is_tried_once_and_nothing_is_taken_for_data(
    helpdesk: RunningSimulator, system: TicketSystem
) -> None:
    """A refused login is a sentence and no retry: failures are counted upstream and can lock the agent."""
    sync(system)
    before = dump_mirror()
    helpdesk.forget_requests()
    system.password = "wrong"
    system.save()

    run = sync(system)

    assert_held(run, before, "The ticket system refuses the login for SessionCreate")
    assert helpdesk.operations() == ["SessionCreate"]


def test_f07_lost_group_is_an_alarm_and_not_a_month_without_work(helpdesk: RunningSimulator, data: DataSet) -> None:
    """NoPermission names the group that is missing; nothing is written."""
    system = connected_to(helpdesk, "agents")
    sync(system)
    before = dump_mirror()
    set_rights(data, system.login, may_read_times=False)

    run = sync(system)

    assert_held(run, before, "rw on timeaccounting_webservice")


@pytest.mark.parametrize("source", SOURCES)
def test_f07_lost_read_rights_are_an_alarm_and_not_a_month_without_work(
    helpdesk: RunningSimulator, data: DataSet, source: str
) -> None:
    """An agent that may read no queue any more finds nothing, without an error; nothing is written."""
    system = connected_to(helpdesk, source)
    sync(system)
    before = dump_mirror()
    set_rights(data, system.login, queues=[])

    run = sync(system)

    assert_held(run, before, "shows no ticket at all to the portal's agent portal-api")


def test_f08_agent_who_was_renamed_upstream_is_followed_where_a_ticket_shows_the_new_name(
    helpdesk: RunningSimulator, data: DataSet
) -> None:
    """Owner and UserID of a ticket tell the new login; the entries are the same rows under the new name."""
    system = connected_to(helpdesk, "agents")
    sync(system)
    rows = dump_mirror()["TimeEntry"]
    rename_agent(data, data.agent_by_id(data.entries()[0].user_id).login, "new.name")

    run = sync(system)

    assert (run.complete, present(), dump_mirror()["TimeEntry"]) == (True, truth(data), rows)


def test_f08_agent_who_was_renamed_unnoticed_stops_the_sync(helpdesk: RunningSimulator, data: DataSet) -> None:
    """An unknown login answers like one that booked nothing; known time of it is never taken for gone."""
    system = connected_to(helpdesk, "agents")
    AgentFactory(system=system, login="f.alt", login_only=True)
    data.book(first_closed(data), 44, at=NOON, agent="f.alt")
    sync(system)
    before = dump_mirror()
    rename_agent(data, "f.alt", "new.name")

    run = sync(system)

    assert_held(run, before, "shows no time of agent f.alt in 2026-10 any more")


def test_f08_agent_of_whom_nobody_knows_is_told_by_the_sums_of_the_tickets(
    helpdesk: RunningSimulator, data: DataSet
) -> None:
    """Time of an agent who is not in the list is missing; the ticket's own total says so."""
    system = connected_to(helpdesk, "agents")
    data.book(first_closed(data), 44, at=NOON, agent="f.alt")

    run = sync(system)

    assert (run.state, run.complete, len(run.problems)) == ("partly", False, 1)
    assert run.problems[0].endswith("or add the agent whose time is missing.")


def test_f08_agent_who_left_keeps_the_time(helpdesk: RunningSimulator, data: DataSet) -> None:
    """A deactivated agent can still be asked for, and is."""
    system = connected_to(helpdesk, "agents")
    AgentFactory(system=system, login="f.alt", login_only=True, departed=True)
    data.book(first_closed(data), 44, at=NOON, agent="f.alt")

    run = sync(system)

    assert (run.complete, present()) == (True, truth(data))


@pytest.mark.parametrize(
    ("source", "operation"),
    [(source, operation) for source, operations in ASKED.items() for operation in (*operations, "*")],
)
def test_f09_empty_success_is_never_a_complete_month(
    helpdesk: RunningSimulator, data: DataSet, source: str, operation: str
) -> None:
    """A database error upstream is answered with an empty success; before and after a first reading it is doubted."""
    system = connected_to(helpdesk, source)
    helpdesk.faults.add(f"{operation}:empty")
    first = sync(system)
    helpdesk.faults.clear()
    sync(system)
    known = present()
    helpdesk.faults.add(f"{operation}:empty")

    later = sync(system)

    assert (first.complete, later.complete) == (False, False)
    assert (known, present()) == (truth(data), truth(data))
    assert later.entries_gone == 0


@pytest.mark.parametrize("login", [WORKING_AGENTS[0], WORKING_AGENTS[2]])
@pytest.mark.parametrize("source", ["both", "agents"])
def test_f09_one_agent_answered_with_an_empty_success_is_noticed(data: DataSet, source: str, login: str) -> None:
    """Even in the very first reading the tickets' own sums, or their histories, contradict the silence."""
    with start_simulator(data, faults=[f"TimeAccountingGet@{login}:empty"]) as running:
        run = sync(connected_to(running, source))

    assert (run.state, run.complete) == ("partly", False)
    assert len(run.problems) >= 1


def test_f13_time_on_a_ticket_that_the_portals_agent_may_not_read_is_named(data: DataSet) -> None:
    """The search leaves such a ticket out silently; the agents' time names its number."""
    hidden = data.create(title="Geheim", customer="K0001", queue="Projekte", at=NOON)
    data.book(hidden, 33, at=NOON)
    data.close(hidden, at=NOON)
    set_rights(data, "portal-api", queues=["Support"])
    for ticket in data.tickets.values():
        ticket.queue = data.queues["Projekte" if ticket.ticket_id == hidden else "Support"]
    with start_simulator(data) as running:
        system = connected_to(running, "agents")
        sync(system)
        run = sync(system, agent=Agent.objects.get(system=system, login="anna.mueller"))

    assert any(data.ticket(hidden).number in sentence for sentence in run.problems)


@pytest.mark.parametrize("source", SOURCES)
def test_f39_time_that_a_restored_backup_lacks_holds_the_month(data: DataSet, source: str) -> None:
    """Much known time that is gone at once is a backup put back before it is anything else: nothing is withdrawn."""
    backup = back_up(data)
    data.book(first_closed(data), 99, at=NOON)
    with start_simulator(data) as running:
        system = connected_to(running, source)
        sync(system)
        before = dump_mirror()
        restore(data, backup)

        run = sync(system)

    assert_held(run, before, "If the ticket system was not restored from a backup")


@pytest.mark.parametrize("source", SOURCES)
def test_f39_tickets_that_a_restored_backup_lacks_keep_their_time(data: DataSet, source: str) -> None:
    """A ticket that nobody shows any more keeps its minutes, and the month is not complete."""
    backup = back_up(data)
    ticket = data.create(title="after the backup", customer="K0001", at=NOON)
    data.book(ticket, 99, at=NOON)
    data.close(ticket, at=NOON)
    with start_simulator(data) as running:
        system = connected_to(running, source)
        sync(system)
        known = present()
        restore(data, backup)

        run = sync(system)

    assert (run.complete, run.entries_gone, present()) == (False, 0, known)


@pytest.mark.parametrize("source", SOURCES)
def test_f39_id_and_number_that_are_given_again_do_not_hand_the_known_time_over(data: DataSet, source: str) -> None:
    """After a backup was put back, another customer's ticket gets the id and the number of a lost one."""
    backup = back_up(data)
    old = data.create(title="before", customer="K0001", at=NOON)
    data.book(old, 99, at=NOON)
    data.close(old, at=NOON)
    with start_simulator(data) as running:
        system = connected_to(running, source)
        sync(system)
        before = dump_mirror()
        restore(data, backup)
        new = data.create(title="after", customer="K0002", at=NOON)
        data.close(new, at=NOON)

        run = sync(system)

    assert new == old
    assert_held(run, before, "If the ticket system was not restored from a backup")
