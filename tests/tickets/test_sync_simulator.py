"""The sync against the stand-in ticket system, over a real socket."""

from datetime import datetime
from decimal import Decimal

import pytest

from common.money import plain
from common.months import Month
from generic_interface.simulator.data import build_month
from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.server import RunningSimulator, start_simulator
from tests.tickets.support import OCTOBER, Connect, add_agents, dump_mirror, hasty_client, present, sync, truth
from tickets.models import Customer, SyncRun, Ticket, TicketClosing, TicketSystem, TimeEntry

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
MONTHS = [Month(2026, 8), Month(2026, 9), OCTOBER]
SOURCES = ["history", "both", "agents"]


@pytest.mark.parametrize("source", SOURCES)
def test_three_months_are_mirrored_entry_by_entry(
    full_simulator: RunningSimulator, full_data: DataSet, connect: Connect, source: str
) -> None:
    system = connect(full_simulator, time_source=source)
    add_agents(system, full_data)

    runs = [sync(system, month) for month in MONTHS]

    for month, run in zip(MONTHS, runs, strict=True):
        assert present(month) == truth(full_data, month)
        assert run.minutes == full_data.minutes_booked_in((month.year, month.month))
        assert run.entries == len(full_data.entries_booked_in((month.year, month.month)))
        assert run.tickets == len(full_data.closed_in((month.year, month.month)))
        closed = Ticket.objects.closed_in(month).values_list("ticket_id", flat=True)
        assert set(closed) == set(full_data.closed_in((month.year, month.month)))
    assert (runs[-1].state, runs[-1].complete) == ("done", True)
    assert len(runs[-1].problems) == (0 if source == "history" else 1)
    assert all("only the time accounting names them" in problem for problem in runs[-1].problems)


@pytest.mark.parametrize("source", ["history", "both"])
def test_every_entry_of_the_closed_tickets_is_mirrored_whenever_it_was_booked(
    full_simulator: RunningSimulator, full_data: DataSet, connect: Connect, source: str
) -> None:
    system = connect(full_simulator, time_source=source)

    sync(system, OCTOBER)

    reopened = Ticket.objects.get(ticket_id=full_data.special["reopened_twice"])
    assert sorted(reopened.entries.values_list("units", flat=True)) == [20, 25, 35]
    assert sum(TimeEntry.objects.filter(ticket__closings__month="2026-10-01").values_list("units", flat=True)) == (
        sum(full_data.minutes_of(ticket_id) for ticket_id in full_data.closed_in((2026, 10)))
    )


@pytest.mark.parametrize("source", SOURCES)
def test_second_sync_changes_nothing(
    full_simulator: RunningSimulator, full_data: DataSet, connect: Connect, source: str
) -> None:
    system = connect(full_simulator, time_source=source)
    add_agents(system, full_data)
    for month in MONTHS:
        sync(system, month)
    before = dump_mirror()

    runs = [sync(system, month) for month in MONTHS]

    assert dump_mirror() == before
    assert {(run.entries_new, run.entries_moved, run.entries_gone) for run in runs} == {(0, 0, 0)}


def test_sources_of_time_give_the_same_entries(
    full_simulator: RunningSimulator, full_data: DataSet, connect: Connect
) -> None:
    system = connect(full_simulator, time_source="history")
    sync(system, OCTOBER)
    before = dump_mirror(without={"read_at"})["TimeEntry"]
    system.time_source = "both"
    system.save()

    run = sync(system, OCTOBER)

    assert (run.complete, run.entries_new, run.entries_moved, run.entries_gone) == (True, 0, 0, 0)
    assert dump_mirror()["TimeEntry"] == before


def test_ticket_that_time_accounting_named_gets_its_ticket_id_later(
    full_simulator: RunningSimulator, full_data: DataSet, connect: Connect
) -> None:
    system = connect(full_simulator, time_source="both")
    add_agents(system, full_data)
    sync(system, OCTOBER)
    number = full_data.ticket(full_data.special["open_with_time"]).number
    named = Ticket.objects.get(number=number)
    assert (named.ticket_id, named.title, named.customer) == (
        None,
        "In Arbeit",
        Customer.objects.get(customer_id="0042"),
    )
    system.time_source = "history"
    system.save()

    run = sync(system, OCTOBER)

    adopted = Ticket.objects.get(number=number)
    assert (adopted.pk, adopted.ticket_id) == (named.pk, full_data.special["open_with_time"])
    assert (run.complete, run.entries_moved) == (True, 0)
    assert present(OCTOBER) == truth(full_data, OCTOBER)


def test_special_cases_arrive_as_they_are(
    full_simulator: RunningSimulator, full_data: DataSet, connect: Connect
) -> None:
    sync(connect(full_simulator))

    def ticket(name: str) -> Ticket:
        return Ticket.objects.get(ticket_id=full_data.special[name])

    assert ticket("without_customer").customer is None
    assert ticket("corrected_to_zero").entries.count() == 2
    assert ticket("merged_main").entries.count() == 2
    assert ticket("title_line_breaks").title == "Zeilen\numbruch\r\nim Titel"
    assert sorted(
        TimeEntry.objects.filter(ticket__in=[ticket("duplicates"), ticket("duplicates_other")]).values_list(
            "running_number", flat=True
        )
    ) == [1, 2, 3, 4]
    night = ticket("clock_change").entries.order_by("units").values_list("booked_local", "units")
    assert [units for _, units in night] == [61, 62, 63, 64]
    assert len({booked for booked, _ in night}) == 3
    border = ticket("month_border").entries.order_by("booked_local").values_list("local_day", "minutes")
    assert [(str(day), minutes) for day, minutes in border] == [
        ("2026-09-30", Decimal(11)),
        ("2026-10-01", Decimal(12)),
        ("2026-10-31", Decimal(13)),
    ]


def test_minutes_are_converted_once_with_the_minutes_of_a_unit(
    small_data: DataSet, simulator: RunningSimulator, connect: Connect
) -> None:
    sync(connect(simulator, minutes_per_unit=Decimal("7.50")))

    entries = TimeEntry.objects.values_list("units", "minutes")
    assert {minutes for _, minutes in entries} == {units * Decimal("7.5") for units, _ in entries}
    assert SyncRun.objects.get().minutes == small_data.minutes_booked_in((2026, 10)) * Decimal("7.5")


def test_month_of_more_than_500_tickets_takes_two_batches(full_simulator: RunningSimulator, connect: Connect) -> None:
    run = sync(connect(full_simulator))

    assert full_simulator.operations() == [
        "SessionCreate",
        "TicketSearch",
        "TicketSearch",
        "TicketGet",
        "TicketGet",
        "TicketHistoryGet",
        "TicketHistoryGet",
    ]
    assert run.requests == 7


def test_month_of_499_tickets_takes_five_requests(connect: Connect) -> None:
    with start_simulator(build_month(tickets=499, entries_per_ticket=1)) as running:
        run = sync(connect(running))

        assert (run.tickets, run.requests, running.connections) == (499, 5, 1)


@pytest.mark.parametrize("source", SOURCES)
def test_changes_upstream_are_followed(
    full_simulator: RunningSimulator, full_data: DataSet, connect: Connect, source: str
) -> None:
    system = connect(full_simulator, time_source=source)
    add_agents(system, full_data)
    for month in MONTHS:
        sync(system, month)
    kept = set(TimeEntry.objects.values_list("pk", flat=True))
    away, main, gone, other, late = [
        ticket_id for ticket_id in full_data.closed_in((2026, 10)) if ticket_id not in full_data.special.values()
    ][:5]
    main_number = full_data.ticket(main).number
    moved = len(full_data.entries_of(away))
    deleted = len(full_data.entries_of(gone))
    full_data.merge(main, away)
    full_data.delete(gone)
    full_data.rename(other, "Ein neuer Titel")
    full_data.change_customer(other, "0042")
    full_data.book(late, 33, at=datetime(2026, 10, 31, 22), agent="b.schmidt")
    twin = full_data.entries_of(late)[0]
    full_data.book(late, twin.units, at=twin.booked, agent=full_data.agent_by_id(twin.user_id).login)

    run = sync(system, OCTOBER, accept_losses=source == "history")

    assert present(OCTOBER) == truth(full_data, OCTOBER)
    assert (run.entries_new, run.entries_moved, run.entries_gone) == (2, moved, deleted)
    assert kept < set(TimeEntry.objects.values_list("pk", flat=True))
    assert TimeEntry.objects.filter(gone_at=None, ticket__number=main_number).count() == len(full_data.entries_of(main))
    followed = Ticket.objects.get(ticket_id=other)
    assert (followed.title, followed.customer) == ("Ein neuer Titel", Customer.objects.get(customer_id="0042"))
    assert run.complete
    assert not TicketClosing.objects.filter(ticket__ticket_id__in=[gone, away]).exists()


def test_deleted_ticket_keeps_its_time_until_a_person_accepts_the_loss(
    system: TicketSystem, small_data: DataSet
) -> None:
    sync(system)
    ticket_id = small_data.closed_in((2026, 10))[0]
    number, minutes = small_data.ticket(ticket_id).number, plain(small_data.minutes_of(ticket_id))
    small_data.delete(ticket_id)

    runs = [sync(system), sync(system), sync(system, accept_losses=True), sync(system)]

    assert [(run.state, run.entries_gone) for run in runs] == [("partly", 0), ("partly", 0), ("done", 2), ("done", 0)]
    gone = f"Ticket {number}, known from an earlier sync, is neither found nor shown any more"
    assert runs[1].problems[0].startswith(f"{gone}. Its {minutes} minutes are kept.")
    assert runs[2].problems == [f"{gone}; {minutes} minutes of it are marked as gone."]
    assert runs[3].problems == []


def test_half_of_a_search_that_is_answered_empty_never_ends_complete(connect: Connect) -> None:
    with start_simulator(build_month(tickets=40, customers=4, entries_per_ticket=3)) as running:
        system = connect(running, search_limit=15)
        sync(system)
        running.faults.add("TicketSearch:empty:3")

        once = sync(system)
        running.faults.clear()
        running.faults.add("TicketSearch:empty:3")
        running.faults.add("TicketSearch:empty:4")
        twice = sync(system)

    assert (once.complete, once.tickets) == (True, 40)
    assert (twice.state, twice.tickets) == ("partly", 40)


def test_first_sync_whose_search_is_answered_empty_twice_is_not_complete(
    simulator: RunningSimulator, system: TicketSystem
) -> None:
    simulator.faults.add("TicketSearch:empty:1")
    simulator.faults.add("TicketSearch:empty:2")

    run = sync(system)

    assert (run.state, run.tickets, len(run.problems)) == ("partly", 0, 6)


def test_ticket_whose_history_lost_its_bookings_keeps_the_known_ones(system: TicketSystem, small_data: DataSet) -> None:
    sync(system)
    before = present()
    ticket = small_data.ticket(small_data.closed_in((2026, 10))[0])
    ticket.history[:] = [line for line in ticket.history if line.kind != "TimeAccounting"]

    run = sync(system)

    assert (run.state, run.entries_gone, len(run.problems)) == ("partly", 0, 1)
    assert present() == before


def test_agents_time_after_the_month_is_read_and_time_before_it_is_a_gap(connect: Connect) -> None:
    data = build_month(tickets=1, customers=1, entries_per_ticket=1)
    late = data.create(title="late", customer="K0001", at=datetime(2026, 10, 3, 8))
    data.book(late, 60, at=datetime(2026, 10, 3, 9))
    data.close(late, at=datetime(2026, 10, 3, 10))
    with start_simulator(data) as running:
        system = connect(running, time_source="agents", look_back_days=30)
        add_agents(system, data)
        data.book(late, 30, at=datetime(2026, 11, 1, 9))
        complete = sync(system)
        old = data.create(title="old", customer="K0001", at=datetime(2026, 8, 1, 8))
        data.book(old, 600, at=datetime(2026, 8, 1, 9))
        data.close(old, at=datetime(2026, 10, 5, 10))

        partly = sync(system)

    assert (complete.complete, complete.problems) == (True, [])
    assert (partly.state, len(partly.problems)) == ("partly", 1)
    assert partly.problems[0].endswith("or add the agent whose time is missing.")


def test_merge_across_months_never_doubles_minutes(
    full_simulator: RunningSimulator, full_data: DataSet, connect: Connect
) -> None:
    """The ticket that was merged away belongs to a month that is not read again before the main ticket is."""
    system = connect(full_simulator, time_source="both")
    sync(system, Month(2026, 9))
    sync(system, OCTOBER)
    october = full_data.closed_in((2026, 10))
    away = next(each for each in full_data.closed_in((2026, 9)) if each not in october)
    main, moved = october[0], len(full_data.entries_of(away))
    full_data.merge(main, away)

    run = sync(system, OCTOBER)

    assert (run.complete, run.entries_new, run.entries_moved, run.entries_gone) == (True, 0, moved, 0)
    assert TimeEntry.objects.present().filter(ticket__ticket_id=main).count() == len(full_data.entries_of(main))
    assert TimeEntry.objects.present().filter(ticket__ticket_id=away).count() == 0
    assert Ticket.objects.get(ticket_id=away).state == "merged"


FAULTS = [
    "*:http_500",
    "*:drop",
    "*:html",
    "TicketSearch:empty",
    "TicketSearch:wrong_type",
    "TicketSearch:truncated",
    "TicketGet:http_500",
    "TicketGet:truncated",
    "TicketGet:html",
    "TicketGet:html_no_status",
    "TicketGet:wrong_type",
    "TicketGet:empty",
    "TicketGet:drop",
    "TicketGet:auth_fail",
    "TicketGet:no_permission",
    "TicketGet:slow",
    "TicketHistoryGet:http_500",
    "TicketHistoryGet:truncated",
    "TicketHistoryGet:html",
    "TicketHistoryGet:wrong_type",
    "TicketHistoryGet:empty",
    "TicketHistoryGet:empty_body",
    "TicketHistoryGet:redirect",
    "TicketHistoryGet:auth_fail",
    "SessionCreate:auth_fail",
]


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_leaves_the_mirror_as_it_was(
    simulator: RunningSimulator, system: TicketSystem, small_data: DataSet, fault: str
) -> None:
    sync(system)
    before = dump_mirror()
    small_data.book(small_data.closed_in((2026, 10))[0], 10)
    simulator.faults.add(fault)

    run = sync(system, make_client=hasty_client)

    assert (run.state, run.complete) == ("failed", False)
    assert dump_mirror() == before
    assert run.error
    assert system.password not in run.error
    assert (run.tickets, run.entries, run.minutes, run.problems) == (0, 0, 0, [])


@pytest.mark.parametrize("fault", ["http_500", "truncated", "html", "wrong_type", "empty", "drop", "no_permission"])
def test_fault_of_time_accounting_leaves_the_mirror_as_it_was(
    simulator: RunningSimulator, connect: Connect, small_data: DataSet, fault: str
) -> None:
    system = connect(simulator, time_source="agents")
    add_agents(system, small_data)
    sync(system)
    before = dump_mirror()
    simulator.faults.add(f"TimeAccountingGet:{fault}")

    run = sync(system)

    assert (run.state, run.complete) == ("failed", False)
    assert dump_mirror() == before


def test_sync_after_a_fault_catches_up(simulator: RunningSimulator, system: TicketSystem, small_data: DataSet) -> None:
    simulator.faults.add("TicketHistoryGet:http_500")
    sync(system)
    simulator.faults.clear()

    run = sync(system)

    assert (run.complete, run.minutes) == (True, small_data.minutes_booked_in((2026, 10)))


def test_one_agent_who_falls_silent_stops_the_sync(
    simulator: RunningSimulator, connect: Connect, small_data: DataSet
) -> None:
    system = connect(simulator, time_source="agents", look_back_days=0)
    add_agents(system, small_data)
    sync(system)
    before = dump_mirror()
    simulator.faults.clear()
    simulator.faults.add("TimeAccountingGet:empty:1")

    run = sync(system)

    assert run.state == "failed"
    assert run.error.startswith("The ticket system shows no time of agent anna.mueller in 2026-10 any more")
    assert dump_mirror() == before
