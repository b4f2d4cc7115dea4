"""F10 to F12, F14: searches that are cut off, move on meanwhile or leave tickets out, and ids that spoil a call."""

from datetime import datetime, timedelta

import pytest

from generic_interface.simulator.administration import archive, set_rights
from generic_interface.simulator.data import build_month
from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.server import RunningSimulator, start_simulator
from generic_interface.simulator.wire import Call
from tests.faults.support import SOURCES, assert_held, connected_to, first_closed, truth, watched
from tests.tickets.support import OCTOBER, dump_mirror, present, sync
from tickets.connect import open_client
from tickets.models import Ticket

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
NOON = datetime(2026, 10, 20, 12)


def close_tickets(data: DataSet, count: int, *, within: timedelta, first: datetime = NOON) -> DataSet:
    """Add so many tickets without time, closed evenly within this time."""
    for index in range(count):
        ticket = data.create(title="closed", customer="K0001", at=first)
        data.close(ticket, at=(first + within * index / count).replace(microsecond=0))
    return data


@pytest.fixture(scope="module")
def crowded() -> DataSet:
    """1,234 tickets closed in October, 600 of them within one minute."""
    data = close_tickets(build_month(tickets=0, customers=1), 600, within=timedelta(minutes=1))
    return close_tickets(data, 634, within=timedelta(days=29), first=datetime(2026, 10, 2))


@pytest.mark.parametrize("limit", [500, 100])
def test_f10_search_that_is_cut_off_is_split_until_it_is_complete(crowded: DataSet, limit: int, db: None) -> None:
    """The server shows its newest 500 and does not say so; a full page is split by time down to one second."""
    with start_simulator(crowded) as running:
        system = connected_to(running, "history", search_limit=limit)
        with open_client(system) as client:
            found = client.search_closed_tickets(start=OCTOBER.start(system.zone), end=OCTOBER.end(system.zone))

    assert len(found) == 1234
    assert set(found) == set(crowded.closed_in((2026, 10)))


def test_f10_one_second_that_is_still_full_is_an_alarm() -> None:
    """More tickets closed in one second than a search may show cannot be told apart: nothing is written."""
    with start_simulator(close_tickets(build_month(tickets=0, customers=1), 20, within=timedelta())) as running:
        system = connected_to(running, "history", search_limit=20)
        before = dump_mirror()

        run = sync(system)

    assert_held(run, before, "20 tickets of the one second 2026-10-20 12:00:00 and may have cut the list")


@pytest.mark.parametrize("nth", range(2, 9))
def test_f11_ticket_that_changes_between_two_searches_is_found(nth: int) -> None:
    """There are no pages: windows by time are asked from the oldest on, and a changed ticket moves into a later one."""
    data = build_month(tickets=0, customers=1)
    open_one = data.create(title="open", customer="K0001", at=datetime(2026, 10, 1))
    data.book(open_one, 15, at=datetime(2026, 10, 2))
    close_tickets(data, 6, within=timedelta(days=6))
    data.now = datetime(2026, 10, 31, 23)
    searches = 0

    def change(call: Call) -> None:
        nonlocal searches
        searches += "TicketLastChangeTimeNewerDate" in call.parameters
        if searches == nth:
            data.rename(open_one, "changed meanwhile")

    with watched(data, before=change) as running:
        run = sync(connected_to(running, "history", search_limit=4))

    assert (run.complete, run.minutes) == (True, 15)


def test_f11_ticket_that_changes_while_the_month_is_read_is_found(data: DataSet) -> None:
    """A change after the sync began is later than the end that is asked for; the time on the ticket is still there."""
    open_one = data.create(title="open", customer="K0001", at=NOON)
    data.book(open_one, 15, at=NOON + timedelta(hours=1))

    def change(call: Call) -> None:
        if "TicketLastChangeTimeNewerDate" in call.parameters:
            data.rename(open_one, "changed meanwhile", at=datetime(2026, 11, 1, 10, 0, 5))

    with watched(data, before=change) as running:
        sync(connected_to(running, "history"))

    assert present() == truth(data)


@pytest.mark.parametrize("source", SOURCES)
def test_f12_archived_tickets_are_read(helpdesk: RunningSimulator, data: DataSet, source: str) -> None:
    """The archive is left out of searches unless it is asked for; the portal asks for it."""
    for ticket in data.closed_in((2026, 10)):
        archive(data, ticket)

    run = sync(connected_to(helpdesk, source))

    assert (run.complete, run.tickets, present()) == (True, 3, truth(data))


@pytest.mark.parametrize("source", ["history", "agents"])
def test_f14_one_bad_id_costs_its_own_ticket_alone(source: str) -> None:
    """A ticket that is deleted between search and reading spoils the call for 50; it is found and named."""
    data = build_month(tickets=50, customers=1, entries_per_ticket=1)
    lost = data.closed_in((2026, 10))[17]

    def delete(call: Call) -> None:
        if call.operation == "TicketGet" and lost in data.tickets:
            data.delete(lost)

    with watched(data, before=delete) as running:
        run = sync(connected_to(running, source))

    assert (run.state, run.complete, present()) == ("partly", False, truth(data))
    assert Ticket.objects.filter(ticket_id__isnull=False).count() == 49
    assert [each for each in run.problems if f"with TicketID {lost} cannot be read" in each] == run.problems


def test_f14_forbidden_ticket_that_the_search_still_shows_is_named(helpdesk: RunningSimulator, data: DataSet) -> None:
    """Right after the rights change the index may still name a ticket that may not be read."""
    system = connected_to(helpdesk, "history")
    sync(system)
    known = present()
    hidden = data.ticket(first_closed(data))
    hidden.queue = data.queues["Projekte"]
    set_rights(data, "portal-api", queues=["Support"])

    run = sync(system)

    assert (run.complete, run.entries_gone, present()) == (False, 0, known)
    assert any(hidden.number in sentence for sentence in run.problems)
