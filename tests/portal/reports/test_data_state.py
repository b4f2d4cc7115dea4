from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from common.jobs import Job
from common.months import Month
from common.spans import Span
from generic_interface.simulator.data_set import DataSet
from portal.reports.data_state import DataState, state_of
from tests.billing.scenes import NOVEMBER, OCTOBER, SEPTEMBER, read_completely, ticket_of
from tests.factories.tickets import AgentFactory, SyncRunFactory, TicketFactory, TicketSystemFactory, TimeEntryFactory
from tests.portal.reports.support import IN_OCTOBER
from tickets.models import Customer, SyncRun, TicketSystem
from tickets.sync import is_final, latest_complete_sync

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
AUTUMN = Span.of_months(SEPTEMBER, OCTOBER)


def state(span: Span = IN_OCTOBER, now: datetime = NOW) -> DataState:
    return state_of(span, now=now)


def at(day: int, month: int = 11, hour: int = 4) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


def reading(system: TicketSystem, month: Month, started: datetime, **values: Any) -> SyncRun:
    """Done and complete unless told otherwise; ended an hour after it began."""
    ended = started + timedelta(hours=1)
    done = {"state": Job.State.DONE, "complete": True, "started_at": started, "finished_at": ended}
    run: SyncRun = SyncRunFactory(system=system, month=month.first_day, **done | values)
    return run


def partly(system: TicketSystem, month: Month, started: datetime) -> SyncRun:
    return reading(system, month, started, state=Job.State.PARTLY, complete=False)


def test_month_that_was_read_after_its_end_is_complete(system: TicketSystem) -> None:
    reading(system, OCTOBER, at(1))

    assert state() == DataState(as_of=at(1), complete=True, problems=())


def test_oldest_of_the_readings_says_how_old_the_data_are(system: TicketSystem) -> None:
    other = TicketSystemFactory(name="Second")
    for each, month, started in (
        (system, SEPTEMBER, at(1, 10)),
        (system, SEPTEMBER, at(7)),
        (system, OCTOBER, at(6)),
        (other, SEPTEMBER, at(8)),
        (other, OCTOBER, at(5)),
    ):
        reading(each, month, started)

    assert state(AUTUMN) == DataState(as_of=at(5), complete=True, problems=())
    assert state(Span.of_month(SEPTEMBER)).as_of == at(7)


def test_month_that_was_never_read_is_not_complete(system: TicketSystem) -> None:
    reading(system, OCTOBER, at(1))

    assert state(AUTUMN) == DataState(
        as_of=at(1),
        complete=False,
        problems=("“Helpdesk” has never been read for 2026-09.",),
        unread=frozenset({SEPTEMBER}),
    )


def test_every_active_ticket_system_must_have_been_read(system: TicketSystem) -> None:
    reading(system, OCTOBER, at(1))
    TicketSystemFactory(name="Second")

    assert state().problems == ("“Second” has never been read for 2026-10.",)
    assert state().unread == {OCTOBER}


def test_reading_before_the_end_of_the_month_is_not_final(system: TicketSystem) -> None:
    started = datetime(2026, 10, 31, 22, 59, 59, tzinfo=UTC)  # a second before midnight in Berlin
    run = reading(system, OCTOBER, started)

    assert state() == DataState(
        as_of=started, complete=False, problems=("“Helpdesk” was not read again since 2026-10 was over.",)
    )
    SyncRun.objects.filter(pk=run.pk).update(started_at=datetime(2026, 10, 31, 23, tzinfo=UTC))
    assert state().complete


def test_running_month_is_never_complete_and_tells_when_it_was_read(system: TicketSystem) -> None:
    reading(system, NOVEMBER, at(20, hour=6))

    found = state(Span.of_month(NOVEMBER))

    assert found == DataState(
        as_of=at(20, hour=6),
        complete=False,
        problems=("“Helpdesk” was read at 2026-11-20 07:00; 2026-11 still runs.",),
    )


def test_month_ends_by_the_clock_of_each_ticket_system(system: TicketSystem) -> None:
    overseas = TicketSystemFactory(name="Overseas", time_zone="America/New_York")
    midnight_here = datetime(2026, 10, 31, 23, tzinfo=UTC)
    reading(system, OCTOBER, midnight_here)
    reading(overseas, OCTOBER, midnight_here)

    found = state(now=datetime(2026, 11, 1, 0, tzinfo=UTC))

    assert found.problems == ("“Overseas” was read at 2026-10-31 19:00; 2026-10 still runs.",)


def test_months_to_come_have_not_begun(system: TicketSystem) -> None:
    reading(system, OCTOBER, at(1))
    reading(system, NOVEMBER, at(20))

    assert state(Span.of_quarter(2026, 4)).unread == frozenset()
    assert state(Span.of_quarter(2026, 4)).problems == (
        "“Helpdesk” was read at 2026-11-20 05:00; 2026-11 still runs.",
        "2026-12 has not begun yet, so “Helpdesk” could not be read for it.",
    )


@pytest.mark.parametrize(
    ("now", "sentence"),
    [
        (datetime(2026, 10, 31, 22, 59, tzinfo=UTC), "“Helpdesk” was read at 2026-10-31 10:00; 2026-10 still runs."),
        (datetime(2026, 10, 31, 23, 0, tzinfo=UTC), "“Helpdesk” was not read again since 2026-10 was over."),
    ],
)
def test_month_runs_until_midnight_there(system: TicketSystem, now: datetime, sentence: str) -> None:
    reading(system, OCTOBER, datetime(2026, 10, 31, 9, tzinfo=UTC))

    assert state(now=now).problems == (sentence,)


@pytest.mark.parametrize(
    ("now", "sentence"),
    [
        (
            datetime(2026, 10, 31, 22, 59, tzinfo=UTC),
            "2026-11 has not begun yet, so “Helpdesk” could not be read for it.",
        ),
        (datetime(2026, 10, 31, 23, 0, tzinfo=UTC), "“Helpdesk” has never been read for 2026-11."),
    ],
)
def test_month_begins_at_midnight_there(system: TicketSystem, now: datetime, sentence: str) -> None:
    assert state(Span.of_month(NOVEMBER), now).problems == (sentence,)


def test_months_with_the_same_fault_share_a_sentence(system: TicketSystem) -> None:
    reading(system, Month(2026, 4), at(1))

    assert state(Span.of_months(Month(2026, 1), OCTOBER)).problems == (
        "“Helpdesk” has never been read for 2026-01 to 2026-03, 2026-05 to 2026-10.",
    )


def test_last_reading_that_was_written_counts(system: TicketSystem) -> None:
    reading(system, OCTOBER, at(1))
    partly(system, OCTOBER, at(2))

    assert state() == DataState(
        as_of=at(2), complete=False, problems=("“Helpdesk” could not be read completely for 2026-10.",)
    )
    reading(system, OCTOBER, at(3))
    assert state() == DataState(as_of=at(3), complete=True, problems=())


@pytest.mark.parametrize("newer", [Job.State.QUEUED, Job.State.RUNNING, Job.State.FAILED])
def test_readings_that_wrote_nothing_change_nothing(system: TicketSystem, newer: Job.State) -> None:
    reading(system, OCTOBER, at(1))
    reading(system, OCTOBER, at(2), state=newer, complete=False)

    assert state() == DataState(as_of=at(1), complete=True, problems=())


def test_readings_of_one_agent_do_not_make_a_month_complete(system: TicketSystem) -> None:
    reading(system, OCTOBER, at(1), agent=AgentFactory(system=system))

    assert state().problems == ("“Helpdesk” has never been read for 2026-10.",)


def test_reading_that_ended_last_counts_whichever_was_asked_for_first(system: TicketSystem) -> None:
    reading(system, OCTOBER, at(3))
    partly(system, OCTOBER, at(2))

    latest = latest_complete_sync(system, OCTOBER)

    assert latest is not None
    assert state() == DataState(as_of=latest.started_at, complete=is_final(latest), problems=())


@pytest.mark.django_db
@pytest.mark.parametrize("span", [IN_OCTOBER, Span.everything()])
def test_without_active_ticket_system_nothing_is_complete(span: Span) -> None:
    TicketSystemFactory(active=False)

    assert state(span) == DataState(as_of=None, complete=False, problems=("There is no active ticket system.",))


def test_ticket_system_that_is_off_counts_for_the_months_of_its_time(system: TicketSystem) -> None:
    for month in (SEPTEMBER, OCTOBER):
        reading(system, month, at(5))
    off = TicketSystemFactory(name="Old", active=False)
    TimeEntryFactory(ticket=TicketFactory(system=off), booked_local="2026-09-05 10:00:00")
    TimeEntryFactory(ticket=TicketFactory(system=off), booked_local="2026-10-05 10:00:00", gone=True)

    assert state(AUTUMN).problems == ("“Old” has never been read for 2026-09.",)
    assert state().complete
    reading(off, OCTOBER, at(1, 10))
    reading(off, SEPTEMBER, at(2, 10))
    assert state(AUTUMN) == DataState(as_of=at(2, 10), complete=True, problems=())


def test_everything_asks_from_the_first_entry_to_the_month_before_this(system: TicketSystem) -> None:
    TimeEntryFactory(ticket=TicketFactory(system=system), booked_local="2026-08-31 23:59:59")

    assert state(Span.everything()).problems == ("“Helpdesk” has never been read for 2026-08 to 2026-10.",)
    for month in (8, 9, 10):
        reading(system, Month(2026, month), at(1))
    assert state(Span.everything()) == DataState(as_of=at(1), complete=True, problems=())


def test_everything_with_time_of_the_running_month_is_not_complete(system: TicketSystem) -> None:
    TimeEntryFactory(ticket=TicketFactory(system=system), booked_local="2026-11-02 10:00:00")
    reading(system, OCTOBER, at(1))
    reading(system, NOVEMBER, at(20))

    assert state(Span.everything()).problems == ("“Helpdesk” was read at 2026-11-20 05:00; 2026-11 still runs.",)


def test_everything_of_a_ticket_system_that_was_never_read_is_not_complete(system: TicketSystem) -> None:
    assert state(Span.everything()).problems == ("“Helpdesk” has never been read for 2026-10.",)


def test_parts_of_months_need_the_whole_months(system: TicketSystem) -> None:
    reading(system, OCTOBER, at(1))

    found = state(Span(date(2026, 9, 30), date(2026, 10, 2)))

    assert found.problems == ("“Helpdesk” has never been read for 2026-09.",)


def test_problems_of_readings_are_not_passed_on(customer: Customer) -> None:
    """They name tickets, and who sees the report may not see these."""
    ticket = ticket_of(customer, number="4711")
    for values in ({"state": Job.State.PARTLY}, {"state": Job.State.FAILED, "error": "Ticket 4711"}):
        reading(customer.system, OCTOBER, at(1), complete=False, problems=["Ticket 4711 is hidden."], **values)

    assert ticket.number not in " ".join(state().problems)
    assert customer.customer_id not in " ".join(state().problems)


def test_percent_sign_in_a_name_is_a_letter(system: TicketSystem) -> None:
    system.name = "100 %(months)s %"
    system.save()

    assert state().problems == ("“100 %(months)s %” has never been read for 2026-10.",)


def test_number_of_queries_does_not_depend_on_systems_and_months(
    system: TicketSystem, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    read_completely(system)
    with django_assert_num_queries(2):
        state()

    for number in range(5):
        other = TicketSystemFactory(name=f"System {number}")
        TimeEntryFactory(ticket=TicketFactory(system=other))
        for month in (8, 9, 10):
            reading(other, Month(2026, month), at(1))
    with django_assert_num_queries(2):
        state(Span.of_year(2026))
    with django_assert_num_queries(2):
        state(Span.everything())


def test_data_set_that_was_read_is_complete(mirrored: TicketSystem, data: DataSet) -> None:
    for month in (Month(2026, 8), SEPTEMBER, OCTOBER):
        assert state(Span.of_month(month)).complete == bool(latest_complete_sync(mirrored, month))
    assert state().complete
    assert not state(Span.of_month(NOVEMBER)).complete
