"""F1, F5, F15 to F24, F38: time entries come without an id, and what they stand on changes."""

from datetime import datetime

import pytest

from generic_interface.simulator.administration import delete_article, rewrite_units, undelete_article
from generic_interface.simulator.data import build_month
from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.server import RunningSimulator, start_simulator
from tests.faults.support import SOURCES, connected_to, first_closed, truth
from tests.tickets.support import OCTOBER, dump_mirror, present, sync
from tickets.models import TicketSystem, TimeEntry

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
NOON = datetime(2026, 10, 20, 12)


@pytest.mark.parametrize("source", SOURCES)
def test_f01_equal_entries_of_one_second_stay_two_however_often_they_are_read(
    helpdesk: RunningSimulator, data: DataSet, source: str
) -> None:
    """Entries have no ids: equal ones are counted, not merged, and the same answer ten times changes nothing."""
    system = connected_to(helpdesk, source)
    for _ in range(2):
        data.book(first_closed(data), 15, at=NOON, agent="b.schmidt")
    sync(system)
    before = dump_mirror()

    runs = [sync(system) for _ in range(10)]

    assert present() == truth(data)
    assert [row[2] for row in present() if row[1] == str(NOON)] == [15, 15]
    assert dump_mirror() == before
    assert {(run.complete, run.entries_new, run.entries_gone) for run in runs} == {(True, 0, 0)}


@pytest.mark.parametrize("source", SOURCES)
def test_f05_the_hour_that_comes_twice_keeps_both_entries(
    helpdesk: RunningSimulator, data: DataSet, source: str
) -> None:
    """Two bookings an hour apart carry the same local time in the autumn night; both are kept, in one month."""
    system = connected_to(helpdesk, source)
    night = datetime(2026, 10, 25, 2, 30)
    for moment in (night, night.replace(fold=1)):
        data.book(first_closed(data), 25, at=moment)

    runs = [sync(system), sync(system)]

    assert [row[2] for row in present(OCTOBER) if row[1] == "2026-10-25 02:30:00"] == [25, 25]
    assert [run.minutes for run in runs] == 2 * [data.minutes_booked_in((2026, 10))]


@pytest.mark.parametrize("source", SOURCES)
def test_f19_merge_moves_time_and_adds_none(helpdesk: RunningSimulator, data: DataSet, source: str) -> None:
    """After a merge the time stands on another ticket number; the entries are the same rows."""
    system = connected_to(helpdesk, source)
    sync(system)
    rows = set(TimeEntry.objects.values_list("pk", flat=True))
    main, away = data.closed_in((2026, 10))[:2]
    data.merge(main, away)

    run = sync(system)

    assert present() == truth(data)
    assert (set(TimeEntry.objects.values_list("pk", flat=True)), run.entries_new) == (rows, 0)
    assert run.minutes == data.minutes_booked_in((2026, 10))


@pytest.mark.parametrize("source", SOURCES)
def test_f20_time_of_a_deleted_article_is_marked_as_gone(
    helpdesk: RunningSimulator, data: DataSet, source: str
) -> None:
    """Deleting an article deletes its time upstream: the entry is marked as gone, never removed."""
    system = connected_to(helpdesk, source)
    data.book(first_closed(data), 1000, at=NOON)
    sync(system)
    delete_article(data, data.entries()[0].article_id)

    run = sync(system)

    assert (run.complete, run.entries_gone) == (True, 1)
    assert present() == truth(data)
    assert TimeEntry.objects.count() == len(truth(data)) + 1


@pytest.mark.parametrize("source", SOURCES)
def test_f22_time_that_is_undeleted_comes_back_as_the_same_entry(
    helpdesk: RunningSimulator, data: DataSet, source: str
) -> None:
    """Undeleted rows return with their old time: a later reading of that month finds the very same entries again."""
    system = connected_to(helpdesk, source)
    data.book(first_closed(data), 1000, at=NOON)
    sync(system)
    rows = dump_mirror()["TimeEntry"]
    deleted = delete_article(data, data.entries()[0].article_id)
    sync(system)
    undelete_article(data, deleted)

    run = sync(system)

    assert (run.complete, run.entries_new) == (True, 0)
    assert dump_mirror()["TimeEntry"] == rows


def test_f23_booking_altered_in_the_database_is_withdrawn_and_added(helpdesk: RunningSimulator, data: DataSet) -> None:
    """An entry that is edited past the application is another entry: the old one is gone, the new one is there."""
    system = connected_to(helpdesk, "agents")
    data.book(first_closed(data), 1000, at=NOON)
    sync(system)
    rewrite_units(data, data.entries()[0], "12.50")

    run = sync(system)

    assert (run.complete, run.entries_new, run.entries_gone) == (True, 1, 1)
    assert present() == truth(data)


@pytest.mark.parametrize(("units", "state"), [("99", "partly"), ("1", "done")])
def test_f23_history_that_says_otherwise_than_the_ticket_is_named(
    system: TicketSystem, data: DataSet, units: str, state: str
) -> None:
    """A ticket's history keeps the edited booking as it was; the contradiction with the ticket's sum is named."""
    entry = data.entries()[0]
    rewrite_units(data, entry, units)
    number, total = data.ticket(entry.ticket_id).number, data.minutes_of(entry.ticket_id)

    run = sync(system)

    assert (run.state, len(run.problems)) == (state, 1)
    assert run.problems[0].startswith(f"Ticket {number}: its bookings add up to ")
    assert f"the ticket itself says {total}" in run.problems[0]


@pytest.mark.parametrize("source", SOURCES)
def test_f24_negative_units_are_summed_up(helpdesk: RunningSimulator, data: DataSet, source: str) -> None:
    """A correction is an entry with negative units, alone or beside what it corrects; nothing is clipped."""
    system = connected_to(helpdesk, source)
    alone = data.create(title="only a correction", customer="K0001", at=NOON)
    data.book(alone, -15, at=NOON)
    data.close(alone, at=NOON)
    data.book(first_closed(data), 15, at=NOON)
    data.book(first_closed(data), -15, at=NOON)

    run = sync(system)

    assert (run.complete, run.minutes) == (True, data.minutes_booked_in((2026, 10)))
    assert present() == truth(data)
    assert [row[2] for row in present() if row[1] == str(NOON)] == [-15, -15, 15]


@pytest.mark.parametrize("source", SOURCES)
def test_f38_two_ticket_systems_with_equal_numbers_stay_apart(
    helpdesk: RunningSimulator, data: DataSet, source: str
) -> None:
    """Ids, numbers, agents and bookings of two ticket systems may be equal; the system is part of every key."""
    first = connected_to(helpdesk, source)
    sync(first)
    before = dump_mirror()
    twin = build_month(tickets=3, customers=3, entries_per_ticket=2)
    with start_simulator(twin) as running:
        second = connected_to(running, source)
        run = sync(second)
        both = present()
        delete_article(twin, twin.entries()[0].article_id)
        sync(second, accept_losses=True)

    assert (run.complete, both) == (True, sorted(2 * truth(data)))
    assert present() == sorted(truth(data) + truth(twin))
    of_first = {name: rows[: len(before[name])] for name, rows in dump_mirror().items()}
    assert of_first == before
