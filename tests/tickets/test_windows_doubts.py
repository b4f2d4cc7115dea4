"""Time accounting alone takes no time away: what a window does when tickets and accounting contradict each other."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.factories.tickets import AgentFactory, SyncRunFactory, TicketFactory, TicketSystemFactory, TimeEntryFactory
from tests.tickets.support import (
    NOW,
    OCTOBER,
    FakeClient,
    accounted,
    booking,
    clock,
    dump_mirror,
    present,
    sync,
    ticket_record,
)
from tickets.models import Agent, SyncRun, Ticket, TicketSystem, TimeEntry
from tickets.sync import run_sync, start_sync

pytestmark = pytest.mark.django_db
BOOKED, LATER = "2026-10-05 10:00:00", "2026-10-06 10:00:00"
BY_TICKET = ["history", "both"]


def system_with(source: str) -> TicketSystem:
    """Anna booked 15 units on ticket 7 and 5 on ticket 8, and a window has mirrored both."""
    system: TicketSystem = TicketSystemFactory(time_source=source)
    AgentFactory(system=system, login="anna", user_id=3)
    window(system, client())
    return system


def client(
    *, lines: Sequence[Any] | None = None, on_7: Sequence[Any] | None = None, total: int = 15, **options: Any
) -> FakeClient:
    """As mirrored, but for what is given: time accounting, history and total of ticket 7."""
    shown = [booking()] if on_7 is None else on_7
    values: dict[str, Any] = {
        "tickets": [ticket_record(time_units=Decimal(total)), ticket_record("8", time_units=Decimal(5))],
        "bookings": [*shown, booking("8", booked=LATER, units="5.00")],
        "times": [accounted(), other_line()] if lines is None else lines,
    }
    return FakeClient(**values | options)


def other_line() -> Any:
    return accounted(number="N8", booked=LATER, units="5.00")


def window(system: TicketSystem, reached: FakeClient, **options: Any) -> SyncRun:
    agent = Agent.objects.get(system=system, login="anna")
    return sync(system, agent=agent, make_client=reached.open, **options)


@pytest.mark.parametrize("source", BY_TICKET)
def test_entry_that_the_history_still_shows_stays_and_leaves_a_gap(source: str) -> None:
    system, reached = system_with(source), client(lines=[other_line()])
    before = dump_mirror()

    run = window(system, reached)

    assert reached.asked == ["time anna 2026-10", "tickets 7", "histories 7"]
    assert (run.state, run.entries_gone) == ("partly", 0)
    assert run.problems == [
        (
            "anna booked 15.00 units at 2026-10-05 10:00:00 on ticket N7 according to the ticket's history; "
            "the agent's time accounting does not show it."
        )
    ]
    assert dump_mirror() == before


@pytest.mark.parametrize("source", BY_TICKET)
def test_entry_that_the_history_does_not_show_either_is_gone(source: str) -> None:
    system, reached = system_with(source), client(lines=[other_line()], on_7=[], total=0)

    run = window(system, reached)

    assert (run.state, run.entries_gone, run.problems) == ("done", 1, [])
    assert [row[3] for row in present()] == ["N8"]


@pytest.mark.parametrize(("source", "hidden"), [("both", ["7"]), ("history", ["7"]), ("agents", [])])
@pytest.mark.parametrize(("total", "gone"), [(0, 1), (15, 0)])
def test_where_no_history_can_be_read_the_tickets_own_total_decides(
    source: str, hidden: list[str], total: int, gone: int
) -> None:
    system, reached = system_with(source), client(lines=[other_line()], total=total, hidden=hidden)

    run = window(system, reached)

    assert run.entries_gone == gone
    assert [row[3] for row in present()] == ["N7", "N8"][gone:]
    assert run.state == ("done" if gone and not hidden else "partly")


def test_histories_are_not_asked_for_where_agents_alone_tell_the_time() -> None:
    system, reached = system_with("agents"), client(lines=[other_line()], total=0)

    run = window(system, reached)

    assert reached.asked == ["time anna 2026-10", "tickets 7"]
    assert (run.state, run.problems) == ("done", [])


def test_contradiction_of_the_total_is_named_where_agents_alone_tell_the_time() -> None:
    system = system_with("agents")

    run = window(system, client(lines=[other_line()]))

    assert run.problems == [
        (
            "Ticket N7: its bookings add up to 0 units, the ticket itself says 15. Raise the months read back of the "
            "ticket system, or add the agent whose time is missing."
        )
    ]


def test_other_agents_time_on_a_ticket_that_was_read_leaves_no_gap_where_agents_alone_tell_the_time() -> None:
    system = system_with("agents")
    renamed = accounted(number="N8", booked=LATER, units="5.00", title="Scanner")
    tickets = [ticket_record(), ticket_record("8", time_units=Decimal(99), title="Scanner")]
    reached = client(lines=[accounted(), renamed], tickets=tickets)

    run = window(system, reached)

    assert reached.asked == ["time anna 2026-10", "tickets 8"]
    assert (run.state, run.problems, Ticket.objects.get(number="N8").time_units) == ("done", [], 99)


def test_agent_without_a_login_on_a_ticket_that_was_asked_leaves_no_gap() -> None:
    """Nobody said that the reading of one agent knows all others."""
    system = system_with("both")
    strange = booking(booked="2026-10-08 10:00:00", creator_id=9)

    run = window(system, client(lines=[other_line()], on_7=[strange]))

    assert (run.state, run.entries_gone, run.problems) == ("done", 1, [])


@pytest.mark.parametrize("source", BY_TICKET)
def test_entry_is_moved_once_its_old_ticket_no_longer_shows_it(source: str) -> None:
    system, reached = system_with(source), client(lines=[accounted(number="N8"), other_line()], on_7=[], total=0)
    kept = set(TimeEntry.objects.values_list("pk", flat=True))

    run = window(system, reached)

    assert reached.asked == ["time anna 2026-10", "tickets 7", "histories 7"]
    assert (run.state, run.entries_moved, run.entries_new, run.entries_gone) == ("done", 1, 0, 0)
    assert set(TimeEntry.objects.values_list("pk", "ticket__number")) == {(pk, "N8") for pk in kept}


@pytest.mark.parametrize("source", BY_TICKET)
def test_entry_that_its_old_ticket_still_shows_is_not_moved(source: str) -> None:
    system, reached = system_with(source), client(lines=[accounted(number="N8"), other_line()])
    before = dump_mirror()["TimeEntry"]

    run = window(system, reached)

    assert dump_mirror()["TimeEntry"] == before
    assert (run.state, run.problems) == (
        "partly",
        [
            (
                "anna, 2026-10-05 10:00:00, 15.00 units: the time accounting names another ticket, but the history of "
                "ticket N7 still shows it, so it stays there."
            )
        ],
    )


@pytest.mark.parametrize(("total", "number", "state"), [(0, "N8", "done"), (15, "N7", "partly")])
def test_entry_leaves_a_ticket_only_with_its_total_where_agents_alone_tell_the_time(
    total: int, number: str, state: str
) -> None:
    system = system_with("agents")

    run = window(system, client(lines=[accounted(number="N8"), other_line()], total=total))

    assert (run.state, [row[3] for row in present()]) == (state, [number, "N8"])
    assert TimeEntry.objects.count() == 2


@pytest.mark.parametrize("source", ["both", "agents"])
def test_time_of_a_ticket_that_is_shown_no_more_is_gone_and_other_agents_time_on_it_stays(source: str) -> None:
    system = system_with(source)
    TimeEntryFactory(ticket=Ticket.objects.get(number="N7"), agent=AgentFactory(system=system, login="bert"))
    only_8 = [ticket_record("8", time_units=Decimal(5))]

    run = window(system, client(lines=[other_line()], tickets=only_8))

    assert (run.state, run.entries_gone) == ("partly", 1)
    assert [row[0] for row in present()] == ["anna", "bert"]
    assert (
        "N7, known from an earlier sync, is neither found nor shown any more. Its 15 minutes are kept"
        in (run.problems[0])
    )
    assert run.problems[1].endswith("15 minutes of it are marked as gone.")


def test_entry_on_a_ticket_without_a_ticket_id_follows_time_accounting_alone() -> None:
    system = system_with("both")
    named = TicketFactory(system=system, number="N9", number_only=True)
    TimeEntryFactory(ticket=named, agent=Agent.objects.get(login="anna"), booked_local="2026-10-07 10:00:00")
    reached = client()

    run = window(system, reached)

    assert (reached.asked, run.entries_gone) == (["time anna 2026-10"], 1)


def test_much_time_that_vanishes_at_once_stops_the_run() -> None:
    system = system_with("both")
    agent, ticket = Agent.objects.get(login="anna"), Ticket.objects.get(number="N7")
    for day in range(10, 20):
        TimeEntryFactory(ticket=ticket, agent=agent, booked_local=f"2026-10-{day} 10:00:00", units=Decimal(60))

    runs = [window(system, client()), window(system, client(), accept_losses=True)]

    assert [(run.state, run.entries_gone) for run in runs] == [("failed", 0), ("done", 10)]
    assert runs[0].error.startswith("600.00 of 620.00 known time units would be gone at once")


def test_booking_that_only_time_accounting_shows_on_a_ticket_that_was_asked_leaves_a_gap() -> None:
    system = system_with("both")
    new = accounted(booked="2026-10-07 10:00:00", units="1.00")

    run = window(system, client(lines=[new, other_line()], on_7=[], total=0))

    assert (run.state, run.entries_new, run.entries_gone, len(run.problems)) == ("partly", 1, 1, 2)


def test_equal_booking_of_another_month_on_a_ticket_that_was_asked_is_looked_for_first() -> None:
    """The history of the doubted ticket shows a booking that the mirror holds on a third ticket."""
    system = system_with("both")
    third = TicketFactory(system=system, ticket_id="9", number="N9")
    TimeEntryFactory(ticket=third, agent=Agent.objects.get(login="anna"), booked_local="2026-09-05 10:00:00")
    came = booking(booked="2026-09-05 10:00:00")
    tickets = [ticket_record(), ticket_record("8"), ticket_record("9", time_units=Decimal(0))]
    reached = client(lines=[other_line()], on_7=[came], tickets=tickets)

    run = window(system, reached)

    assert reached.asked[-2:] == ["tickets 9", "histories 9"]
    assert (run.state, run.entries_moved, run.entries_gone) == ("done", 1, 1)


def test_answers_that_are_not_asked_for_are_not_used() -> None:
    """A ticket system that takes any number for any other."""
    system = system_with("both")
    wrong = ticket_record("77", number="N77")
    reached = client(lines=[accounted(), other_line(), accounted(number="N9", booked="2026-10-07 10:00:00")])
    reached.tickets["77"] = wrong
    reached.find_tickets = lambda numbers: ("77",)  # type: ignore[method-assign]

    run = window(system, reached)

    assert (run.state, len(run.problems)) == ("done", 1)
    assert set(Ticket.objects.values_list("ticket_id", "number")) == {("7", "N7"), ("8", "N8"), (None, "N9")}


@pytest.mark.parametrize(("total", "gone", "state"), [(15, 0, "partly"), (0, 1, "done")])
def test_month_asks_an_open_ticket_as_well_before_its_time_is_gone(total: int, gone: int, state: str) -> None:
    system_with("agents")
    TicketSystem.objects.update(look_back_days=0)
    tickets = [
        ticket_record(time_units=Decimal(total), state_type="open", closed=None),
        ticket_record("8", time_units=Decimal(5)),
    ]
    reached = client(lines=[other_line()], tickets=tickets, closed=[("8",)])

    run = sync(TicketSystem.objects.get(), make_client=reached.open)

    assert reached.asked[-1] == "tickets 7"
    assert (run.state, run.entries_gone) == (state, gone)


def test_window_that_is_older_than_what_was_written_meanwhile_writes_nothing() -> None:
    system = system_with("both")
    SyncRunFactory(system=system, state="done", finished_at=NOW + timedelta(hours=1))

    run = window(system, client(lines=[other_line()], on_7=[], total=0))

    assert run.state == "failed"
    assert run.error.startswith("2026-10 was read from this ticket system after this sync had started")
    assert len(present()) == 2


def test_month_that_is_older_than_a_window_writes_nothing() -> None:
    system = system_with("both")
    agent = Agent.objects.get(login="anna")
    SyncRunFactory(system=system, agent=agent, state="done", finished_at=NOW + timedelta(hours=1))

    run = sync(system, make_client=client(closed=[("7", "8")]).open)

    assert run.state == "failed"


def test_run_of_an_agent_that_turns_out_to_be_another_one_goes_on_as_the_others() -> None:
    """Read under the login alone; a booking tells that the row with the UserID is the same person."""
    system = TicketSystemFactory(time_source="history")
    numbered = AgentFactory(system=system, id_only=True, user_id=9)
    named = AgentFactory(system=system, login="bert", login_only=True)
    TimeEntryFactory(ticket=TicketFactory(system=system, ticket_id="7", number="N7"), agent=numbered)
    queued = start_sync(system=system, month=OCTOBER, agent=named)
    reached = FakeClient(times=[accounted("bert")], tickets=[ticket_record(customer_id="")])

    run = run_sync(queued, clock=clock, make_client=reached.open)

    assert (run.state, run.entries, run.agent) == ("done", 1, Agent.objects.get(login="bert"))
    assert SyncRun.objects.get().agent == Agent.objects.get(user_id=9)


def test_lines_of_a_window_are_kept_apart_by_month() -> None:
    system = system_with("agents")
    september = replace(other_line(), booked_local=other_line().booked_local.replace(month=9))

    run = sync(
        system,
        OCTOBER.previous,
        agent=Agent.objects.get(login="anna"),
        make_client=client(lines=[september]).open,
    )

    assert (run.state, run.entries_new, len(present())) == ("done", 1, 3)
