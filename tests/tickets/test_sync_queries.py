"""The number of statements of a sync does not grow with the rows."""

import pytest
from django.db import transaction
from pytest_django import DjangoAssertNumQueries

from generic_interface.simulator.data import build_month
from generic_interface.simulator.server import start_simulator
from tests.factories.tickets import AgentFactory
from tests.tickets.support import NOW, Connect, read, sync
from tickets.mirror import write_month

pytestmark = pytest.mark.django_db
FIRST = {"history": 19, "both": 20, "agents": 20}
"""One per kind of row read or written, most of them once for what is there and once for what is new."""
AGAIN = {"history": 8, "both": 9, "agents": 9}


@pytest.mark.parametrize("source", ["history", "both", "agents"])
@pytest.mark.parametrize("tickets", [1, 12])
def test_writing_takes_the_same_statements_for_one_ticket_and_for_many(
    connect: Connect, django_assert_num_queries: DjangoAssertNumQueries, tickets: int, source: str
) -> None:
    with start_simulator(build_month(tickets=tickets, customers=3, entries_per_ticket=2)) as running:
        system = connect(running, time_source=source)
        AgentFactory(system=system, login="anna.mueller", login_only=True)
        reading = read(system)

    with django_assert_num_queries(FIRST[source]), transaction.atomic():
        write_month(system, reading, now=NOW)
    with django_assert_num_queries(AGAIN[source]), transaction.atomic():
        write_month(system, reading, now=NOW)


@pytest.mark.parametrize("tickets", [1, 12])
def test_following_changes_takes_the_same_statements_for_one_ticket_and_for_many(
    connect: Connect, django_assert_num_queries: DjangoAssertNumQueries, tickets: int
) -> None:
    data = build_month(tickets=2 * tickets, customers=3, entries_per_ticket=1)
    ids = list(data.closed_in((2026, 10)))
    with start_simulator(data) as running:
        system = connect(running)
        sync(system)
        for main, away in zip(ids[:tickets], ids[tickets:], strict=True):
            data.merge(main, away)
            data.rename(main, "Zusammen")
            data.book(main, 1)
        reading = read(system)

    with django_assert_num_queries(14), transaction.atomic():
        outcome = write_month(system, reading, now=NOW)

    assert (outcome.inserted, outcome.moved) == (tickets, tickets)
