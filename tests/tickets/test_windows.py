"""One agent's month, read from the stand-in ticket system over a real socket."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from common.months import Month
from generic_interface.simulator.data import build_month
from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.model import Queue
from generic_interface.simulator.server import RunningSimulator, start_simulator
from tests.factories.tickets import AgentFactory, SyncRunFactory
from tests.tickets.support import (
    OCTOBER,
    Connect,
    add_agents,
    dump_mirror,
    hasty_client,
    present,
    sync,
    truth,
    unbook,
)
from tickets.models import Agent, Customer, SyncRun, Ticket, TicketClosing, TicketSystem, TimeEntry
from tickets.sync import last_written_sync, start_sync
from tickets.windows import LoginNeeded

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
ANNA = "anna.mueller"
MONTHS = [Month(2026, 8), Month(2026, 9), OCTOBER]
SOURCES = ["history", "both", "agents"]


def window(system: TicketSystem, login: str = ANNA, month: Month = OCTOBER, **options: Any) -> SyncRun:
    agent = Agent.objects.filter(system=system, login=login).first() or AgentFactory(
        system=system, login=login, login_only=True
    )
    return sync(system, month, agent=agent, **options)


def every_window(system: TicketSystem, data: DataSet, month: Month) -> list[SyncRun]:
    return [window(system, login, month) for login in data.agents]


@pytest.fixture(params=SOURCES)
def any_system(request: pytest.FixtureRequest, simulator: RunningSimulator, connect: Connect) -> TicketSystem:
    """Each source of time in turn; nothing is mirrored yet."""
    return connect(simulator, time_source=request.param)


@pytest.mark.parametrize("source", SOURCES)
def test_agents_one_by_one_give_the_month_entry_by_entry(
    full_simulator: RunningSimulator, full_data: DataSet, connect: Connect, source: str
) -> None:
    system = connect(full_simulator, time_source=source)

    runs = [run for month in MONTHS for run in every_window(system, full_data, month)]

    assert [present(month) for month in MONTHS] == [truth(full_data, month) for month in MONTHS]
    assert {(run.state, run.complete) for run in runs} == {("done", True)}
    of_anna = [run for run in runs if run.agent and run.agent.login == ANNA][-1]
    mine = truth(full_data, OCTOBER, ANNA)
    assert (of_anna.entries, of_anna.minutes) == (len(mine), sum(row[2] for row in mine))
    assert of_anna.tickets == len({row[3] for row in mine})
    assert not TicketClosing.objects.exists()


def test_ticket_that_only_time_accounting_names_is_read_in_full(any_system: TicketSystem, small_data: DataSet) -> None:
    window(any_system)

    ticket_id = next(each for each in small_data.closed_in((2026, 10)) if small_data.ticket(each).owner.login == ANNA)
    ticket = Ticket.objects.get(number=small_data.ticket(ticket_id).number)
    assert (ticket.ticket_id, ticket.state, ticket.owner) == (
        ticket_id,
        "closed successful",
        Agent.objects.get(login=ANNA, user_id=3),
    )
    assert not Ticket.objects.filter(ticket_id=None).exists()


@pytest.mark.parametrize("source", SOURCES)
def test_windows_read_twice_change_nothing(
    full_simulator: RunningSimulator, full_data: DataSet, connect: Connect, source: str
) -> None:
    system = connect(full_simulator, time_source=source)
    every_window(system, full_data, OCTOBER)
    before = dump_mirror()
    full_simulator.forget_requests()

    runs = every_window(system, full_data, OCTOBER)

    assert dump_mirror() == before
    assert {(run.entries_new, run.entries_moved, run.entries_gone) for run in runs} == {(0, 0, 0)}
    assert full_simulator.operations() == ["SessionCreate", "TimeAccountingGet"] * len(runs)


@pytest.mark.parametrize("source", SOURCES)
def test_windows_after_the_month_and_before_it_change_nothing(
    full_simulator: RunningSimulator, full_data: DataSet, connect: Connect, source: str
) -> None:
    system = connect(full_simulator, time_source=source, look_back_days=0)
    add_agents(system, full_data)
    sync(system)
    every_window(system, full_data, OCTOBER)
    entries = set(TimeEntry.objects.present().booked_in(OCTOBER).values_list("pk", "ticket", "running_number"))

    sync(system)
    closings = TicketClosing.objects.count()
    runs = every_window(system, full_data, OCTOBER)

    assert TicketClosing.objects.count() == closings > 0
    assert set(TimeEntry.objects.present().booked_in(OCTOBER).values_list("pk", "ticket", "running_number")) == entries
    assert present(OCTOBER) == truth(full_data, OCTOBER)
    assert {(run.state, run.entries_new, run.entries_moved, run.entries_gone) for run in runs} == {("done", 0, 0, 0)}


def test_equal_entries_keep_their_number(any_system: TicketSystem, small_data: DataSet) -> None:
    ticket_id = small_data.closed_in((2026, 10))[0]
    at = datetime(2026, 10, 20, 9)
    equal = [small_data.book(ticket_id, 7, at=at, agent=ANNA) for _ in range(3)]
    window(any_system)
    three = present().count((ANNA, str(at), Decimal(7), small_data.ticket(ticket_id).number))

    unbook(small_data, equal[1])
    small_data.book(ticket_id, 8, at=at, agent=ANNA)
    run = window(any_system)

    assert three == 3
    assert present() == truth(small_data, OCTOBER, ANNA)
    assert (run.state, run.entries_new, run.entries_gone) == ("done", 1, 1)


def own_tickets(data: DataSet, login: str = ANNA) -> list[str]:
    """Ids of closed tickets, ordinary ones alone, on which the agent has booked."""
    agent = data.agents[login].user_id
    ordinary = [each for each in data.closed_in((2026, 10)) if each not in data.special.values()]
    return [each for each in ordinary if any(entry.user_id == agent for entry in data.entries_of(each))]


@pytest.mark.parametrize("source", SOURCES)
def test_changes_upstream_are_followed(
    full_simulator: RunningSimulator, full_data: DataSet, connect: Connect, source: str
) -> None:
    system = connect(full_simulator, time_source=source)
    add_agents(system, full_data)
    window(system)
    kept = set(TimeEntry.objects.values_list("pk", flat=True))
    away, main, gone, other, late = own_tickets(full_data)[:5]
    mine = full_data.agents[ANNA].user_id
    moved, deleted = (sum(e.user_id == mine for e in full_data.entries_of(each)) for each in (away, gone))
    full_data.merge(main, away)
    full_data.delete(gone)
    full_data.rename(other, "Ein neuer Titel")
    full_data.change_customer(other, "0042")
    full_data.move(other, "Projekte")
    full_data.book(late, 33, at=datetime(2026, 10, 31, 22), agent=ANNA)

    run = window(system, accept_losses=source == "history")

    assert present() == truth(full_data, OCTOBER, ANNA)
    assert (run.state, run.entries_new, run.entries_moved, run.entries_gone) == ("done", 1, moved, deleted)
    assert kept < set(TimeEntry.objects.values_list("pk", flat=True))
    followed = Ticket.objects.get(ticket_id=other)
    assert (followed.title, followed.customer, followed.queue) == (
        "Ein neuer Titel",
        Customer.objects.get(customer_id="0042"),
        "Projekte",
    )
    assert followed.customer_user == "s.gross"
    assert Ticket.objects.get(ticket_id=away).state == "merged"


@pytest.mark.parametrize(("source", "state", "gone"), [("history", "partly", 0), ("both", "done", 1)])
def test_time_of_a_deleted_ticket_is_gone_where_agents_are_a_source_and_stays_elsewhere(
    simulator: RunningSimulator, small_data: DataSet, connect: Connect, source: str, state: str, gone: int
) -> None:
    system = connect(simulator, time_source=source)
    ticket_id = small_data.create(title="Kurz", customer="K0001", at=datetime(2026, 10, 2, 8))
    small_data.book(ticket_id, 5, at=datetime(2026, 10, 2, 9), agent=ANNA)
    window(system)
    number = small_data.ticket(ticket_id).number
    small_data.delete(ticket_id)

    runs = [window(system), window(system)]

    assert (runs[0].state, runs[0].entries_gone, len(runs[0].problems)) == (state, gone, 1)
    assert runs[0].problems[0].startswith(f"Ticket {number}, known from an earlier sync, is neither found nor shown")
    assert runs[1].state == state
    assert window(system, accept_losses=True).state == "done"
    assert present() == truth(small_data, OCTOBER, ANNA)


def test_entry_of_another_month_or_agent_is_left_alone(any_system: TicketSystem, small_data: DataSet) -> None:
    ticket_id = small_data.closed_in((2026, 10))[0]
    mine = small_data.book(ticket_id, 5, at=datetime(2026, 9, 30, 23, 59, 59), agent=ANNA)
    theirs = small_data.book(ticket_id, 5, at=datetime(2026, 10, 7, 9), agent="b.schmidt")
    for login, month in ((ANNA, OCTOBER), (ANNA, OCTOBER.previous), ("b.schmidt", OCTOBER)):
        window(any_system, login, month)
    before = present()
    unbook(small_data, mine)
    unbook(small_data, theirs)

    window(any_system)

    assert present() == before


def test_empty_answer_stops_where_time_is_known(any_system: TicketSystem, simulator: RunningSimulator) -> None:
    window(any_system)
    before = dump_mirror()
    simulator.forget_requests()
    simulator.faults.add("TimeAccountingGet:empty")

    run = window(any_system)

    assert (run.state, run.entries) == ("failed", 0)
    assert run.error.startswith(f"The ticket system shows no time of agent {ANNA} in 2026-10 any more")
    assert dump_mirror() == before
    assert simulator.operations() == ["SessionCreate", "TimeAccountingGet"]


def test_empty_answer_that_a_person_accepts_is_held_against_the_tickets(
    any_system: TicketSystem, small_data: DataSet, simulator: RunningSimulator
) -> None:
    window(any_system)
    before = present()
    simulator.faults.add("TimeAccountingGet:empty")

    run = window(any_system, accept_losses=True)

    assert (run.state, run.entries_gone) == ("partly", 0)
    assert present() == before


def test_agent_whose_only_time_was_deleted_is_asked_for_and_accepted(
    any_system: TicketSystem, small_data: DataSet
) -> None:
    ticket_id = small_data.create(title="Kurz", customer="K0001", at=datetime(2026, 10, 7, 8))
    entry = small_data.book(ticket_id, 5, at=datetime(2026, 10, 7, 9), agent="f.alt")
    window(any_system, "f.alt")
    unbook(small_data, entry)

    stopped, accepted = window(any_system, "f.alt"), window(any_system, "f.alt", accept_losses=True)

    assert (stopped.state, accepted.state, accepted.entries_gone) == ("failed", "done", 1)
    assert present() == []


@pytest.mark.parametrize(
    "fault", ["http_500", "truncated", "html", "wrong_type", "drop", "no_permission", "auth_fail", "slow"]
)
def test_fault_leaves_the_mirror_as_it_was(any_system: TicketSystem, simulator: RunningSimulator, fault: str) -> None:
    window(any_system)
    before = dump_mirror()
    simulator.faults.add(f"TimeAccountingGet:{fault}")

    run = window(any_system, make_client=hasty_client)

    assert (run.state, run.complete, run.problems) == ("failed", False, [])
    assert run.error
    assert dump_mirror() == before


def test_refused_login_ends_all_that_waits_for_the_ticket_system(
    system: TicketSystem, simulator: RunningSimulator
) -> None:
    waiting = [start_sync(system=system, month=month) for month in (OCTOBER, OCTOBER.previous)]
    other = start_sync(system=SyncRunFactory().system, month=OCTOBER.previous)
    simulator.faults.add("SessionCreate:auth_fail")

    failed = window(system)

    states = [SyncRun.objects.get(pk=run.pk) for run in waiting]
    assert {(run.state, run.error) for run in states} == {("failed", failed.error)}
    assert SyncRun.objects.get(pk=other.pk).state == "queued"


def test_login_that_no_ticket_has_shown_and_nobody_booked_under_is_noted(any_system: TicketSystem) -> None:
    wrong, known = window(any_system, "ana.mueller"), window(any_system, "f.alt", OCTOBER.next)

    assert (wrong.state, wrong.entries, len(wrong.problems)) == ("done", 0, 1)
    assert wrong.problems[0].startswith("No ticket has ever shown the login ana.mueller")
    assert len(known.problems) == 1


def test_agent_without_time_whom_a_ticket_has_shown_is_no_news(any_system: TicketSystem) -> None:
    window(any_system)

    assert window(any_system, month=OCTOBER.next).problems == []


def hide(data: DataSet, ticket_id: str) -> None:
    """Into a queue that the portal's agent may not read."""
    data.ticket(ticket_id).queue = Queue(99, "Geheim", 77)


def test_ticket_that_the_portals_agent_may_not_read_keeps_its_time_and_is_noted(
    any_system: TicketSystem, small_data: DataSet
) -> None:
    ticket_id = own_tickets(small_data)[0]
    hide(small_data, ticket_id)
    number = small_data.ticket(ticket_id).number

    runs = [window(any_system), window(any_system)]

    hidden = Ticket.objects.get(number=number)
    assert (hidden.ticket_id, hidden.state, hidden.entries.count()) == (None, "", 2)
    assert [(run.state, len(run.problems)) for run in runs] == [("done", 1), ("done", 1)]
    assert runs[0].problems[0].startswith(f"Ticket {number} is named by the time accounting, but it is not shown")
    small_data.ticket(ticket_id).queue = small_data.queues["Support"]
    assert (window(any_system).problems, Ticket.objects.get(number=number).ticket_id) == ([], ticket_id)
    assert present() == truth(small_data, OCTOBER, ANNA)


def test_known_ticket_that_was_hidden_and_renamed_follows_the_time_accounting(
    any_system: TicketSystem, small_data: DataSet
) -> None:
    window(any_system)
    ticket_id = own_tickets(small_data)[0]
    small_data.rename(ticket_id, "Anders")
    hide(small_data, ticket_id)

    run = window(any_system)

    assert (run.state, len(run.problems)) == ("done", 1)
    assert Ticket.objects.get(ticket_id=ticket_id).title == "Anders"
    assert present() == truth(small_data, OCTOBER, ANNA)


def test_entries_at_both_ends_belong_to_one_month_each(any_system: TicketSystem, small_data: DataSet) -> None:
    ticket_id = small_data.closed_in((2026, 10))[0]
    ends = [
        "2026-08-31 23:59:59",
        "2026-09-01 00:00:00",
        "2026-09-30 23:59:59",
        "2026-10-01 00:00:00",
        "2026-10-31 23:59:59",
        "2026-11-01 00:00:00",
    ]
    for end in ends:
        small_data.book(ticket_id, 1, at=datetime.fromisoformat(end), agent="f.alt")

    runs = [window(any_system, "f.alt", month) for month in (OCTOBER.previous, OCTOBER, OCTOBER.next)]

    assert [run.entries for run in runs] == [2, 2, 1]
    assert [row[1] for row in present()] == ends[1:]


def test_hour_that_comes_twice_keeps_both_entries(any_system: TicketSystem, small_data: DataSet) -> None:
    ticket_id = small_data.closed_in((2026, 10))[0]
    for _ in range(2):
        small_data.book(ticket_id, 30, at=datetime(2026, 10, 25, 2, 30), agent="f.alt")

    runs = [window(any_system, "f.alt"), window(any_system, "f.alt")]

    assert [(run.entries, run.minutes, run.entries_new) for run in runs] == [(2, 60, 2), (2, 60, 0)]
    assert sorted(TimeEntry.objects.values_list("running_number", flat=True)) == [1, 2]


def test_departed_agent_can_be_read(full_simulator: RunningSimulator, full_data: DataSet, connect: Connect) -> None:
    system = connect(full_simulator, time_source="agents")
    AgentFactory(system=system, login="f.alt", login_only=True, departed=True)

    window(system, "f.alt", Month(2026, 8))

    assert present() == truth(full_data, Month(2026, 8), "f.alt") != []


def test_window_makes_no_month_complete(any_system: TicketSystem) -> None:
    run = window(any_system)

    assert run.complete
    assert last_written_sync(any_system, OCTOBER) is None


def test_agent_without_a_login_cannot_be_read(any_system: TicketSystem) -> None:
    agent = AgentFactory(system=any_system, id_only=True, name="Anna Müller")

    with pytest.raises(LoginNeeded, match="No login is known of agent Anna Müller"):
        sync(any_system, agent=agent)

    assert not SyncRun.objects.exists()


def test_agent_who_lost_the_login_meanwhile_fails_the_run(any_system: TicketSystem) -> None:
    agent = AgentFactory(system=any_system, login=ANNA)
    run = start_sync(system=any_system, month=OCTOBER, agent=agent)
    Agent.objects.update(login=None)

    again = sync(any_system, agent=agent)

    assert (again.pk, again.state) == (run.pk, "failed")
    assert again.error.startswith("No login is known")


def test_windows_and_months_are_runs_of_their_own(any_system: TicketSystem) -> None:
    agent = AgentFactory(system=any_system, login=ANNA)
    other = AgentFactory(system=any_system, login="b.schmidt")

    runs = [start_sync(system=any_system, month=OCTOBER, agent=each) for each in (agent, other, None, agent)]

    assert len({run.pk for run in runs}) == 3
    assert runs[0] == runs[3]


@pytest.mark.parametrize("source", SOURCES)
def test_entry_count_of_a_large_window(connect: Connect, source: str) -> None:
    data = build_month(tickets=120, customers=3, entries_per_ticket=9)
    with start_simulator(data) as running:
        system = connect(running, time_source=source)

        runs = [window(system, login) for login in data.agents]

    assert present() == truth(data, OCTOBER)
    assert sum(run.entries for run in runs) == 1080


@pytest.mark.parametrize(
    ("preset", "authentication"),
    [("billing_portal", "session"), ("otrs6_sample", "header"), ("znuny_sample", "header")],
)
def test_tickets_are_found_by_number_over_every_web_service(
    simulator: RunningSimulator, small_data: DataSet, connect: Connect, preset: str, authentication: str
) -> None:
    ids = own_tickets(small_data)
    small_data.ticket(ids[0]).archived = True
    system = connect(simulator, preset=preset, authentication=authentication)

    run = window(system)

    assert (run.state, run.problems) == ("done", [])
    assert set(Ticket.objects.values_list("ticket_id", flat=True)) == set(ids)
