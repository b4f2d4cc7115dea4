"""Three totals compared, on the stand-in ticket system over a real socket and on a month that a real one answered."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django import DjangoAssertNumQueries

from common.money import plain
from common.months import Month
from common.spans import Span
from generic_interface.simulator.data import build_month
from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.recorded import RecordedSystem
from generic_interface.simulator.server import RunningSimulator, start_simulator
from tests.factories.tickets import (
    AgentFactory,
    CustomerFactory,
    SyncRunFactory,
    TicketClosingFactory,
    TicketFactory,
    TicketSystemFactory,
    TimeEntryFactory,
)
from tests.tickets.support import OCTOBER, Connect, sync
from tickets.models import Customer, SyncRun, Ticket, TicketSystem, TimeEntry
from tickets.reading_state import readings_of
from tickets.reconciliation import Reconciliation, reconcile
from tickets.sync import latest_complete_sync

pytestmark = pytest.mark.django_db
RECORDING = Path(__file__).parent.parent / "recordings" / "month-2026-09"
AUGUST, SEPTEMBER = Month(2026, 8), Month(2026, 9)
THREE_MONTHS = Span.of_months(AUGUST, OCTOBER)
FIRST, SECOND = datetime(2026, 10, 1, 9, tzinfo=UTC), datetime(2026, 11, 1, 9, tzinfo=UTC)


@pytest.fixture
def september() -> DataSet:
    """Twelve tickets closed in September 2026, and one that has time then and is closed in October."""
    data = build_month(tickets=12, customers=2, entries_per_ticket=2, month=(2026, 9))
    ticket = data.create(title="October", customer="K0001", at=datetime(2026, 9, 30, 8))
    data.book(ticket, 30, at=datetime(2026, 9, 30, 9))
    return data


@pytest.fixture
def by_agents(september: DataSet, connect: Connect) -> Iterator[TicketSystem]:
    """September was read from the agents; nobody knows the login of f.alt."""
    with start_simulator(september) as running:
        system = connect(running, name="Helpdesk", time_source="agents", look_back_days=40)
        for login in september.agents:
            if login != "f.alt":
                AgentFactory(system=system, login=login, login_only=True)
        assert sync(system, SEPTEMBER, clock=lambda: FIRST).complete
        september.close(october(september), at=datetime(2026, 10, 30, 9))
        yield system


def october(data: DataSet) -> str:
    return next(ticket.ticket_id for ticket in data.newest_first() if ticket.title == "October")


def old(data: DataSet, index: int = 0) -> str:
    """A ticket that was closed in September."""
    return data.closed_in((2026, 9))[index]


def causes(result: Reconciliation) -> list[tuple[str, str, Decimal]]:
    return [(each.ticket.ticket_id or "", each.cause.value, each.difference_units) for each in result.differences]


def read_october(system: TicketSystem) -> SyncRun:
    return sync(system, OCTOBER, clock=lambda: SECOND)


def test_every_ticket_of_three_months_agrees_with_all_three_totals(
    full_simulator: RunningSimulator, full_data: DataSet, connect: Connect
) -> None:
    system = connect(full_simulator, reads_articles=True)
    for month in THREE_MONTHS.months:
        sync(system, month)

    result = reconcile(THREE_MONTHS)

    everyone = Ticket.objects.count()
    assert (result.differences, result.problems, result.not_compared) == ([], [], 0)
    assert (result.all_agree, result.agreeing) == (True, result.tickets)
    assert 500 < result.with_articles == result.tickets <= everyone
    assert result.sentence.startswith(f"All {result.tickets} tickets agree: the entries of each add up to its own")


def test_recorded_month_agrees_wherever_it_was_recorded(connect: Connect) -> None:
    """The histories of the tickets that were not closed in the month were not recorded, so it is not complete."""
    with RunningSimulator(RecordedSystem(RECORDING)) as running:
        system = connect(running, name="Recorded")
        sync(system, SEPTEMBER, clock=lambda: datetime(2026, 9, 29, 22, tzinfo=UTC))

    result = reconcile(SEPTEMBER)

    assert (result.tickets, result.agreeing, result.not_compared, result.all_agree) == (168, 168, 0, False)
    assert result.problems == ["“Recorded” could not be read completely for 2026-09."]
    assert result.sentence == (
        "168 of 168 tickets agree. Not every month is known to be complete, so tickets and time may be missing here."
    )


def test_ticket_that_only_time_accounting_has_named_is_not_compared(connect: Connect) -> None:
    with RunningSimulator(RecordedSystem(RECORDING)) as running:
        sync(connect(running, time_source="both"), SEPTEMBER, clock=lambda: datetime(2026, 9, 30, 22, tzinfo=UTC))

    result = reconcile(SEPTEMBER)

    assert (result.tickets, result.agreeing, result.not_compared, result.complete) == (210, 168, 42, True)
    assert (result.all_agree, result.reasons) == (False, {"only_named": 42})
    assert result.sentence.endswith("42 tickets could not be compared, because their own totals are not known.")


def test_time_booked_after_the_ticket_was_read_is_the_cause(september: DataSet, by_agents: TicketSystem) -> None:
    september.book(old(september), "12.5", at=datetime(2026, 10, 5, 9))
    read_october(by_agents)

    result = reconcile(SEPTEMBER)

    assert causes(result) == [(old(september), "booked_later", Decimal("-12.5"))]
    assert result.differences[0].sentence.startswith("12.5 units were booked after the ticket itself was last read.")
    assert (result.complete, result.all_agree, result.agreeing) == (True, False, 12)
    assert result.sentence.startswith("12 of 13 tickets agree. 1 ticket disagrees; it is listed with the likely cause.")


def test_correction_after_the_ticket_was_read_is_the_cause(september: DataSet, by_agents: TicketSystem) -> None:
    september.book(old(september), -5, at=datetime(2026, 10, 5, 9))
    read_october(by_agents)

    assert causes(reconcile(SEPTEMBER)) == [(old(september), "correction", Decimal(5))]


def test_ticket_that_was_deleted_is_no_longer_shown(september: DataSet, by_agents: TicketSystem) -> None:
    minutes = september.minutes_of(old(september))
    deleted = old(september)
    september.delete(deleted)
    read_october(by_agents)

    [difference] = reconcile(SEPTEMBER).differences

    assert (difference.ticket.ticket_id, difference.cause.value) == (deleted, "no_longer_shown")
    assert (difference.entries_units, difference.difference_units) == (0, minutes)


def test_merged_tickets_agree_as_soon_as_the_merge_was_read(september: DataSet, by_agents: TicketSystem) -> None:
    september.merge(october(september), old(september), at=datetime(2026, 10, 5, 9))

    run = read_october(by_agents)

    assert run.entries_moved == 2
    assert causes(reconcile(THREE_MONTHS)) == []


def test_ticket_that_time_came_to_by_a_merge_is_named(september: DataSet, by_agents: TicketSystem) -> None:
    """The main ticket was not closed in October, so its own total is that of September."""
    first, *_rest, last = sorted(september.closed_in((2026, 9)), key=lambda each: september.ticket(each).created)
    moved = september.minutes_of(first)
    september.merge(last, first, at=datetime(2026, 10, 5, 9))
    read_october(by_agents)

    [difference] = reconcile(SEPTEMBER).differences

    assert (difference.ticket.ticket_id, difference.cause.value, difference.difference_units) == (last, "moved", -moved)
    assert difference.sentence.startswith(f"{plain(moved)} units were booked before the ticket existed")


def test_agent_whom_nobody_asked_is_the_cause(september: DataSet, by_agents: TicketSystem) -> None:
    september.book(october(september), 20, at=datetime(2026, 10, 5, 9), agent="f.alt")
    run = read_october(by_agents)

    result = reconcile(OCTOBER)

    assert causes(result) == [(october(september), "unknown_agent", Decimal(20))]
    assert result.differences[0].sentence.endswith("Add the login of the agent who is missing.")
    assert (run.complete, result.complete) == (False, False)


def test_agent_without_a_login_who_has_booked_is_the_cause(september: DataSet, by_agents: TicketSystem) -> None:
    september.book(october(september), 20, at=datetime(2026, 10, 5, 9), agent="f.alt")
    read_october(by_agents)
    nameless = AgentFactory(system=by_agents, id_only=True)
    TimeEntryFactory(ticket=Ticket.objects.get(ticket_id=october(september)), agent=nameless, units=Decimal(4))

    [difference] = reconcile(OCTOBER).differences

    assert (difference.cause.value, difference.difference_units) == ("unknown_agent", Decimal(16))
    assert difference.sentence.startswith("An agent whose login is not known has booked here")


def test_time_before_the_months_that_were_read_is_the_cause(september: DataSet, by_agents: TicketSystem) -> None:
    early = september.create(title="early", customer="K0001", at=datetime(2026, 6, 1, 8))
    september.book(early, 45, at=datetime(2026, 6, 1, 9))
    september.close(early, at=datetime(2026, 10, 5, 10))
    read_october(by_agents)

    result = reconcile(OCTOBER)

    assert causes(result) == [(early, "outside_months_read", Decimal(45))]
    assert "(2026-06)" in result.differences[0].sentence


def test_time_without_an_article_disagrees_with_the_articles_alone(
    simulator: RunningSimulator, small_data: DataSet, connect: Connect
) -> None:
    less, more = small_data.closed_in((2026, 10))[:2]
    booked = small_data.book(less, 15)
    article = next(each for each in small_data.ticket(less).articles if each.article_id == booked.article_id)
    small_data.ticket(less).articles.remove(article)
    connect(simulator, reads_articles=True)
    run = sync(TicketSystem.objects.get())
    Ticket.objects.filter(ticket_id=more).update(article_units=1_000)

    result = reconcile(OCTOBER)

    found = {each.ticket.ticket_id: each for each in result.differences}
    assert run.complete
    assert {each.cause.value for each in found.values()} == {"articles"}
    assert "its articles count 15 units less" in found[less].sentence
    assert found[less].difference_units == 0
    assert "units more" in found[more].sentence


def test_articles_are_known_as_long_as_they_are_read(system: TicketSystem) -> None:
    def known() -> int:
        sync(system)
        return reconcile(OCTOBER).with_articles

    without = known()
    system.reads_articles = True
    system.save()
    read = known()
    system.reads_articles = False
    system.save()

    assert (without, read, known()) == (0, 6, 0)


def test_merged_ticket_with_a_total_left_says_that_it_was_merged() -> None:
    ticket = closed_ticket(time_units=Decimal(15), state_type="merged")

    [difference] = reconcile(OCTOBER).differences

    assert (difference.ticket, difference.cause.value) == (ticket, "moved")


def test_difference_without_evidence_is_unknown() -> None:
    closed_ticket(30, time_units=Decimal(45))

    [difference] = reconcile(OCTOBER).differences

    assert (difference.cause.value, difference.difference_units) == ("unknown", Decimal(15))


def test_total_below_the_entries_means_that_time_was_deleted() -> None:
    closed_ticket(30, time_units=Decimal(15))

    [difference] = reconcile(OCTOBER).differences

    assert (difference.cause.value, difference.difference_units) == ("deleted", Decimal(-15))


def test_minutes_of_a_difference_are_those_of_its_system() -> None:
    closed_ticket("0.25", time_units=Decimal("0.10"), system=TicketSystemFactory(minutes_per_unit=Decimal(60)))

    [difference] = reconcile(OCTOBER).differences

    assert (difference.difference_units, difference.difference_minutes) == (Decimal("-0.15"), Decimal("-9.0000"))


def test_hundredths_add_up_exactly() -> None:
    closed_ticket(*["0.1"] * 30, time_units=Decimal(3))

    assert reconcile(OCTOBER).differences == []


def test_ticket_with_time_in_the_period_alone_is_compared_over_its_whole_life() -> None:
    ticket = TicketFactory(time_units=Decimal(30))
    TimeEntryFactory(ticket=ticket, booked_local="2026-09-30 23:59:59")
    TimeEntryFactory(ticket=ticket, booked_local="2026-10-01 00:00:00")
    TimeEntryFactory(gone=True, booked_local="2026-11-05 00:00:00")

    assert [reconcile(month).agreeing for month in (AUGUST, SEPTEMBER, OCTOBER)] == [0, 1, 1]
    assert reconcile(Month(2026, 11)).tickets == 0


def test_month_is_complete_as_the_latest_sync_that_was_written_says() -> None:
    system = TicketSystemFactory(name="A")
    states: list[dict[str, Any]] = [
        {"complete_run": True},
        {"failed": True},
        {"complete_run": True, "state": "partly", "complete": False, "problems": ["x"]},
        {"complete_run": True, "finished_at": datetime(2026, 11, 1, 4, 30, tzinfo=UTC)},
        {"complete_run": True, "agent": AgentFactory(system=system)},
        {"complete_run": True, "month": "2026-09-01"},
        {"complete_run": True, "finished_at": SECOND},
    ]
    told = []
    for state in states:
        SyncRunFactory(system=system, **state)
        run = latest_complete_sync(system, OCTOBER)
        reading = readings_of([system])[system.pk].latest(OCTOBER)
        assert (run.pk if run else None) == (reading.pk if reading and reading.complete else None)
        told.append(reconcile(OCTOBER).problems)

    unread = ["“A” could not be read completely for 2026-10."]
    assert told == [[], [], unread, unread, unread, unread, []]
    assert reconcile(THREE_MONTHS).problems == ["“A” has never been read for 2026-08."]


def test_system_that_was_never_read_keeps_the_sentence_honest() -> None:
    result = reconcile(OCTOBER, system=TicketSystemFactory(name="B", active=False))

    assert (result.all_agree, result.problems) == (False, ["“B” has never been read for 2026-10."])
    assert result.sentence.startswith("There is no ticket to compare. Not every month is known to be complete")


def test_system_that_is_not_active_must_have_been_read_where_it_has_tickets() -> None:
    idle = TicketSystemFactory(name="Idle", active=False)
    SyncRunFactory(system=TicketSystemFactory(), complete_run=True)
    before = reconcile(OCTOBER).problems

    closed_ticket(30, time_units=Decimal(30), system=idle)

    assert (before, reconcile(OCTOBER).problems) == ([], ["“Idle” has never been read for 2026-10."])


def test_time_booked_while_the_reading_went_on_is_the_cause() -> None:
    ticket = closed_ticket(30, time_units=Decimal(30))
    TimeEntryFactory(ticket=ticket, units=Decimal(5), queue="Support", booked_local="2026-11-01 04:58:00")
    assert causes(reconcile(OCTOBER))[0][1] == "deleted"

    begun, written = datetime(2026, 11, 1, 3, 50, tzinfo=UTC), datetime(2026, 11, 1, 4, 1, tzinfo=UTC)
    SyncRunFactory(system=ticket.system, complete_run=True, started_at=begun, finished_at=written)

    assert causes(reconcile(OCTOBER))[0][1] == "booked_later"


@pytest.mark.parametrize(("moved", "cause"), [(3, "moved"), (0, "unknown")])
def test_later_sync_that_moved_time_is_a_trace_of_a_merge(moved: int, cause: str) -> None:
    ticket = closed_ticket(time_units=Decimal(30))
    SyncRunFactory(system=ticket.system, complete_run=True, started_at=SECOND, finished_at=SECOND, entries_moved=moved)

    assert causes(reconcile(OCTOBER))[0][1] == cause


def test_every_month_of_the_tickets_life_must_have_been_asked_for() -> None:
    system = TicketSystemFactory(time_source="agents", look_back_days=0)
    SyncRunFactory(system=system, complete_run=True, started_at=datetime(2026, 10, 31, 9, tzinfo=UTC))
    changed = closed_ticket(30, time_units=Decimal(45), system=system, changed_at=datetime(2026, 12, 1, tzinfo=UTC))
    unread = [each.sentence for each in reconcile(OCTOBER).differences]
    Ticket.objects.filter(pk=changed.pk).update(changed_at=datetime(2026, 9, 1, tzinfo=UTC))

    assert "(2026-11, 2026-12)" in unread[0]
    assert causes(reconcile(OCTOBER))[0][1] == "unknown_agent"


def test_without_a_ticket_system_nothing_is_complete() -> None:
    assert reconcile(OCTOBER).problems == ["There is no active ticket system."]


def test_findings_of_the_latest_readings_are_told() -> None:
    system = TicketSystemFactory()
    SyncRunFactory(system=system, complete_run=True, problems=["old"])
    SyncRunFactory(system=system, complete_run=True, problems=["one", "two"])
    SyncRunFactory(system=system, complete_run=True, month="2026-09-01", problems=["other month"])

    assert reconcile(OCTOBER).findings() == ["one", "two"]


def test_account_manager_sees_tickets_and_systems_of_the_own_customers(django_user_model: type[User]) -> None:
    mine, other = CustomerFactory(), CustomerFactory()
    neighbour = CustomerFactory(system=mine.system)
    SyncRunFactory(system=mine.system, complete_run=True)
    for customer in (mine, other, neighbour):
        closed_ticket(30, time_units=Decimal(45), customer=customer, system=customer.system)
    user = django_user_model.objects.create_user("anna")
    mine.account_managers.add(user)

    result = reconcile(OCTOBER, user=user)

    assert [each.ticket.customer for each in result.differences] == [mine]
    assert (result.tickets, result.complete) == (1, True)
    assert (reconcile(OCTOBER).tickets, reconcile(OCTOBER).complete) == (3, False)
    assert reconcile(OCTOBER, system=other.system).tickets == 1


@pytest.mark.parametrize("count", [1, 12])
def test_statements_are_the_same_for_one_ticket_and_for_many(
    django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    customer = CustomerFactory()
    SyncRunFactory(system=customer.system, complete_run=True)
    for _index in range(count):
        closed_ticket(30, time_units=Decimal(45), customer=customer, system=customer.system)
        closed_ticket(30, time_units=Decimal(30), customer=customer, system=customer.system)

    # systems, readings, sums, tickets, entries of those that differ
    with django_assert_num_queries(5):
        result = reconcile(OCTOBER)
        _texts = [(each.ticket.get_absolute_url(), str(each.ticket.customer)) for each in result.differences]
        _minutes = [each.difference_minutes for each in result.differences]


def closed_ticket(*units: int | str, customer: Customer | None = None, **fields: Any) -> Ticket:
    """Closed in October 2026 and read in November, with entries of these units."""
    ticket: Ticket = TicketFactory(closed=True, customer=customer, **fields)
    TicketClosingFactory(ticket=ticket)
    for amount in units:
        TimeEntryFactory(ticket=ticket, units=Decimal(amount), queue="Support")
    assert TimeEntry.objects.filter(ticket=ticket).count() == len(units)
    return ticket
