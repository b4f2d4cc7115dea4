"""Two workers on one agent's month; SQLite lets one write at a time anyway, so the race is asked of PostgreSQL."""

from collections.abc import Callable

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from generic_interface.simulator.data import build_month
from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.server import start_simulator
from tests.at_once import at_once
from tests.factories.tickets import AgentFactory, SyncRunFactory
from tests.tickets.support import NOW, OCTOBER, Connect, clock, dump_mirror, present, sync, truth
from tickets.models import Agent, SyncRun, TicketSystem
from tickets.sync import SyncBusy, run_sync, start_sync

ANNA = "anna.mueller"
WORKERS = 4


@pytest.fixture
def agent(system: TicketSystem) -> Agent:
    found: Agent = AgentFactory(system=system, login=ANNA, login_only=True)
    return found


def or_busy(work: Callable[[int], SyncRun]) -> Callable[[int], SyncRun | None]:
    """The same, with nothing for a worker that finds the run or the system taken."""

    def attempt(number: int) -> SyncRun | None:
        try:
            return work(number)
        except SyncBusy:
            return None

    return attempt


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_window_started_and_read_at_once_by_several_is_read_by_one(
    system: TicketSystem, agent: Agent, small_data: DataSet
) -> None:
    runs = at_once(lambda number: start_sync(system=system, month=OCTOBER, agent=agent), workers=WORKERS)

    results = at_once(or_busy(lambda number: run_sync(runs[number], clock=clock)), workers=WORKERS)

    assert SyncRun.objects.count() == 1
    assert [(run.state, run.complete) for run in results if run is not None] == [("done", True)]
    assert present() == truth(small_data, OCTOBER, ANNA)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_windows_and_months_of_a_mirrored_system_at_once_change_nothing(system: TicketSystem, agent: Agent) -> None:
    sync(system)
    sync(system, agent=agent)
    before = dump_mirror()

    results = at_once(
        or_busy(lambda number: sync(system, agent=agent if number % 2 else None)),
        workers=WORKERS,
    )

    assert any(results)
    assert dump_mirror() == before


@pytest.mark.django_db
def test_database_allows_one_active_run_of_an_agents_month(system: TicketSystem, agent: Agent) -> None:
    start_sync(system=system, month=OCTOBER, agent=agent)

    with pytest.raises(IntegrityError), transaction.atomic():
        SyncRunFactory(system=system, agent=agent)


@pytest.mark.django_db
def test_window_waits_while_the_system_is_read_for_something_else(system: TicketSystem, agent: Agent) -> None:
    month = start_sync(system=system, month=OCTOBER)
    SyncRun.objects.filter(pk=month.pk).update(state="running", lease_until=NOW.replace(year=2100))

    with pytest.raises(SyncBusy, match="2026-10 is being read from this ticket system"):
        sync(system, agent=agent)


@pytest.mark.django_db
@pytest.mark.parametrize("source", ["history", "both", "agents"])
def test_reading_and_writing_a_window_takes_the_same_statements_for_few_entries_and_for_many(
    connect: Connect, source: str
) -> None:
    counts = {entries: statements(connect, source, entries) for entries in (10, 200)}

    assert counts[10] == counts[200]


def statements(connect: Connect, source: str, entries: int) -> list[int]:
    """How many it takes to mirror that many entries of the agent, and to read them again.

    An INSERT counts once for each table: SQLite takes 76 entries at a time.
    """
    data = build_month(tickets=entries, customers=3, entries_per_ticket=5)  # every fifth ticket is the agent's
    with start_simulator(data) as running:
        system = connect(running, time_source=source)
        agent = AgentFactory(system=system, login=ANNA, login_only=True)
        counts = []
        for _turn in range(2):
            with CaptureQueriesContext(connection) as captured:
                run = sync(system, agent=agent)
            texts = [query["sql"] for query in captured]
            inserts = {text.partition("(")[0] for text in texts if text.startswith("INSERT")}
            counts.append(len(inserts) + sum(not text.startswith("INSERT") for text in texts))
    assert run.entries == entries
    return counts
