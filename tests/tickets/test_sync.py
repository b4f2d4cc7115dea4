"""Starting, claiming and closing a sync."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from common import jobs
from common.jobs import LeaseLost
from common.months import Month
from generic_interface.batches import Progress
from generic_interface.records import HistoryBatch
from tests.factories.tickets import (
    AgentFactory,
    SyncRunFactory,
    TicketFactory,
    TicketSystemFactory,
    TimeEntryFactory,
)
from tests.tickets.support import NOW, OCTOBER, FakeClient, booking, clock, dump_mirror, present, sync, ticket_record
from tickets.models import SyncRun, TicketSystem, TimeEntry
from tickets.queries import known_before
from tickets.sync import SyncBusy, is_final, last_written_sync, latest_complete_sync, run_sync, start_sync

pytestmark = pytest.mark.django_db


@pytest.fixture
def idle_system() -> TicketSystem:
    system: TicketSystem = TicketSystemFactory()
    return system


def run(sync_run: SyncRun, client: FakeClient, **options: Any) -> SyncRun:
    return run_sync(sync_run, make_client=client.open, **{"clock": clock} | options)


def one_ticket(**values: Any) -> FakeClient:
    options: dict[str, Any] = {
        "tickets": [ticket_record()],
        "bookings": [booking()],
        "closed": [("7",)],
        "changed": [("7",)],
    }
    return FakeClient(**options | values)


def test_sync_that_is_started_twice_is_one(idle_system: TicketSystem) -> None:
    user = get_user_model().objects.create_user("anna")

    first = start_sync(system=idle_system, month=OCTOBER, user=user)

    assert start_sync(system=idle_system, month=OCTOBER) == first
    assert (first.started_by, first.state, first.month) == (user, "queued", date(2026, 10, 1))
    assert start_sync(system=idle_system, month=OCTOBER.previous) != first


def test_sync_that_is_over_can_be_started_again(idle_system: TicketSystem) -> None:
    first = SyncRunFactory(system=idle_system, complete_run=True)

    assert start_sync(system=idle_system, month=OCTOBER) != first


def test_run_tells_what_it_did(idle_system: TicketSystem) -> None:
    steps: list[tuple[str, int, int]] = []

    done = run(
        start_sync(system=idle_system, month=OCTOBER), one_ticket(), on_progress=lambda *step: steps.append(step)
    )

    done.refresh_from_db()
    assert (done.state, done.complete, done.error, done.problems) == ("done", True, "", [])
    assert (done.tickets, done.entries, done.minutes, done.requests) == (1, 1, Decimal(15), 4)
    assert (done.entries_new, done.entries_moved, done.entries_gone) == (1, 0, 0)
    assert (done.started_at, done.finished_at, done.lease_until) == (NOW, NOW, None)
    assert steps == [("Searching for closed tickets", 0, 0), ("Writing", 0, 0)]


def test_run_with_gaps_is_partly_done(idle_system: TicketSystem) -> None:
    client = one_ticket(closed=[("7", "8")])

    done = run(start_sync(system=idle_system, month=OCTOBER), client)

    assert (done.state, done.complete, done.tickets, done.entries) == ("partly", False, 1, 1)
    assert done.error == "1 thing is missing or contradictory, so the month is not known to be complete."
    assert len(done.problems) == 1


def test_run_with_notes_alone_is_complete(idle_system: TicketSystem) -> None:
    client = one_ticket(tickets=[ticket_record(time_units=Decimal(10))])

    done = run(start_sync(system=idle_system, month=OCTOBER), client)

    assert (done.complete, len(done.problems)) == (True, 1)


def test_time_that_may_have_come_from_another_ticket_is_followed_there(idle_system: TicketSystem) -> None:
    sync(idle_system, make_client=one_ticket().open)
    client = one_ticket(
        tickets=[ticket_record(time_units=Decimal(0)), ticket_record("8")],
        bookings=[booking("8")],
        closed=[("8",)],
        changed=[("8",)],
    )

    done = sync(idle_system, OCTOBER.next, clock=lambda: NOW + timedelta(days=31), make_client=client.open)

    assert client.asked == ["closed", "changed", "tickets 8", "histories 8", "tickets 7", "histories 7"]
    assert (done.complete, done.requests, done.entries_moved) == (True, 6, 1)
    assert [row[-1] for row in present()] == ["N8"]


def test_equal_time_on_another_ticket_stays_there(idle_system: TicketSystem) -> None:
    sync(idle_system, make_client=one_ticket().open)
    client = one_ticket(
        tickets=[ticket_record(), ticket_record("8")],
        bookings=[booking(), booking("8")],
        closed=[("8",)],
        changed=[("8",)],
    )

    sync(idle_system, OCTOBER.next, clock=lambda: NOW + timedelta(days=31), make_client=client.open)

    assert [row[-1] for row in present()] == ["N7", "N8"]


def test_run_that_stops_writes_nothing(idle_system: TicketSystem) -> None:
    sync(idle_system, make_client=one_ticket().open)
    before = dump_mirror()

    failed = sync(idle_system, make_client=FakeClient(visible=False).open)

    assert (failed.state, failed.complete, failed.requests) == ("failed", False, 3)
    assert failed.error.startswith("The ticket system shows no ticket at all")
    assert dump_mirror() == before


def test_losses_can_be_accepted(idle_system: TicketSystem) -> None:
    sync(idle_system, make_client=one_ticket().open)

    done = sync(idle_system, make_client=FakeClient().open, accept_losses=True)

    assert (done.complete, done.entries_gone, done.tickets) == (True, 1, 0)


def test_losses_that_a_person_accepted_with_a_reason_are_gone_whoever_carries_it_out(idle_system: TicketSystem) -> None:
    sync(idle_system, make_client=one_ticket().open)
    before = run(start_sync(system=idle_system, month=OCTOBER), FakeClient())
    asked = start_sync(system=idle_system, month=OCTOBER, losses_accepted="Deleted on purpose")

    done = run(asked, FakeClient())

    assert before.complete is False
    assert (done.complete, done.entries_gone, done.losses_accepted) == (True, 1, "Deleted on purpose")


def test_reason_joins_a_run_that_waits_and_none_that_is_at_work(idle_system: TicketSystem) -> None:
    waiting = start_sync(system=idle_system, month=OCTOBER)
    joined = start_sync(system=idle_system, month=OCTOBER, losses_accepted="Deleted on purpose")
    jobs.claim(joined, now=NOW)

    late = start_sync(system=idle_system, month=OCTOBER, now=NOW, losses_accepted="Another reason")

    assert waiting.pk == joined.pk == late.pk
    late.refresh_from_db()
    assert late.losses_accepted == "Deleted on purpose"


def test_run_that_another_worker_holds_is_busy(idle_system: TicketSystem) -> None:
    held = start_sync(system=idle_system, month=OCTOBER)
    jobs.claim(held, now=NOW)

    with pytest.raises(SyncBusy, match="has ended already, or another worker is at it"):
        run(held, FakeClient())


def test_other_month_of_a_system_waits(idle_system: TicketSystem) -> None:
    jobs.claim(start_sync(system=idle_system, month=OCTOBER), now=NOW)
    waiting = start_sync(system=idle_system, month=OCTOBER.previous)

    with pytest.raises(SyncBusy, match="2026-10 is being read from this ticket system"):
        run(waiting, FakeClient())

    waiting.refresh_from_db()
    assert waiting.state == "queued"


def test_run_whose_worker_died_is_read_again(idle_system: TicketSystem) -> None:
    dead = start_sync(system=idle_system, month=OCTOBER)
    jobs.claim(dead, now=NOW - timedelta(hours=1))

    done = run(dead, one_ticket())

    assert (done.complete, done.attempts, done.entries) == (True, 2, 1)


def test_run_whose_worker_died_too_often_is_started_anew_by_a_person(idle_system: TicketSystem) -> None:
    dead = start_sync(system=idle_system, month=OCTOBER)
    jobs.claim(dead, now=NOW - timedelta(hours=1))
    SyncRun.objects.update(attempts=jobs.MAX_ATTEMPTS)

    done = sync(idle_system, make_client=one_ticket().open)

    assert (done.pk, done.complete, done.attempts) == (dead.pk, True, 1)


def test_run_that_is_worked_on_is_not_started_anew(idle_system: TicketSystem) -> None:
    held = start_sync(system=idle_system, month=OCTOBER)
    jobs.claim(held, now=NOW)

    again = start_sync(system=idle_system, month=OCTOBER, now=NOW)

    assert (again, again.state, again.attempts) == (held, "running", 1)


class Slow(FakeClient):
    """Every request takes a minute of the time that ``now`` tells."""

    now = NOW

    def get_histories(self, ids: Sequence[str], *, on_progress: Progress | None = None) -> HistoryBatch:
        for _request in range(5):
            self.now += timedelta(minutes=1)
            assert self.on_request is not None
            self.on_request()
            self.asked.append(f"lease {SyncRun.objects.get().lease_until}")
        return super().get_histories(ids, on_progress=on_progress)


def test_lease_is_renewed_while_answers_are_slow(idle_system: TicketSystem) -> None:
    client = Slow(tickets=[ticket_record()], bookings=[booking()], closed=[("7",)], changed=[("7",)])

    done = sync(idle_system, make_client=client.open, clock=lambda: client.now)

    leases = [NOW + timedelta(minutes=minute) + jobs.LEASE for minute in range(1, 6)]
    assert [each for each in client.asked if each.startswith("lease")] == [f"lease {each}" for each in leases]
    assert done.complete


def test_lease_is_left_alone_while_answers_are_fast(system: TicketSystem) -> None:
    with CaptureQueriesContext(connection) as captured:
        sync(system)

    renewals = [query for query in captured if query["sql"].startswith("UPDATE") and "lease_until" in query["sql"]]
    assert len(renewals) == 6  # claimed, four steps, finished


def test_reading_that_is_older_than_what_was_written_meanwhile_writes_nothing(idle_system: TicketSystem) -> None:
    """The worker slept past its lease, and another month was read and written."""
    times = iter([NOW, NOW + timedelta(minutes=3)])
    now = [next(times)]
    newer = one_ticket(bookings=[booking(), booking(units="30.00")], tickets=[ticket_record(time_units=Decimal(45))])

    def sleep(step: str, done: int, total: int) -> None:
        if step == "Writing":
            now[0] = next(times)
            sync(idle_system, OCTOBER.next, make_client=newer.open, clock=lambda: now[0])

    older = sync(idle_system, make_client=one_ticket().open, clock=lambda: now[0], on_progress=sleep)

    assert (older.state, older.error) == (
        "failed",
        (
            "2026-11 was read from this ticket system after this sync had started, so what it has read may be out of "
            "date. Nothing was changed. Run the sync again."
        ),
    )
    assert [row[2] for row in present()] == [15, 30]


@pytest.mark.parametrize("state", ["failed", "partly"])
def test_only_what_was_written_by_the_same_system_makes_a_reading_old(idle_system: TicketSystem, state: str) -> None:
    later = NOW + timedelta(hours=1)
    system = idle_system if state == "failed" else TicketSystemFactory()
    SyncRunFactory(system=system, state=state, finished_at=later)
    SyncRunFactory(system=idle_system, complete_run=True, finished_at=NOW)

    assert sync(idle_system, make_client=one_ticket().open).complete


def test_database_that_refuses_fails_the_run_and_keeps_the_mirror(
    idle_system: TicketSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync(idle_system, make_client=one_ticket().open)
    before = dump_mirror()

    def write_and_fail(*args: Any, **options: Any) -> None:
        TimeEntry.objects.update(queue="half written")
        raise OperationalError("deadlock detected\nDETAIL: Process 1 waits.")

    monkeypatch.setattr("tickets.sync.write_month", write_and_fail)

    failed = sync(idle_system, make_client=one_ticket().open)

    failed.refresh_from_db()
    assert (failed.state, failed.error) == (
        "failed",
        "The database did not take what was read (deadlock detected). Nothing was changed. Run the sync again.",
    )
    assert dump_mirror() == before


def test_run_that_is_interrupted_is_closed(idle_system: TicketSystem) -> None:
    class Interrupted(FakeClient):
        def any_ticket_visible(self, *, queue: str = "") -> bool:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sync(idle_system, make_client=Interrupted().open)

    run = SyncRun.objects.get()
    assert (run.state, run.error) == ("failed", "Interrupted. Nothing was changed.")


def test_interrupted_worker_leaves_a_run_alone_that_is_no_longer_its_own(idle_system: TicketSystem) -> None:
    class Overtaken(FakeClient):
        def any_ticket_visible(self, *, queue: str = "") -> bool:
            SyncRun.objects.update(attempts=5)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sync(idle_system, make_client=Overtaken().open)

    assert SyncRun.objects.get().state == "running"


def test_worker_that_lost_its_lease_writes_nothing(idle_system: TicketSystem) -> None:
    lost = start_sync(system=idle_system, month=OCTOBER)

    class Overtaken(FakeClient):
        def get_histories(self, ids: Sequence[str], *, on_progress: Progress | None = None) -> HistoryBatch:
            SyncRun.objects.filter(pk=lost.pk).update(attempts=5)
            return super().get_histories(ids, on_progress=on_progress)

    client = Overtaken(tickets=[ticket_record()], closed=[("7",)], changed=[("7",)])

    with pytest.raises(LeaseLost):
        run(lost, client)

    assert dump_mirror()["Ticket"] == []
    assert SyncRun.objects.get().state == "running"


def test_lease_lost_at_the_very_end_takes_everything_back(idle_system: TicketSystem) -> None:
    lost = start_sync(system=idle_system, month=OCTOBER)

    def overtake(step: str, done: int, total: int) -> None:
        if step == "Writing":
            SyncRun.objects.filter(pk=lost.pk).update(attempts=5)

    with pytest.raises(LeaseLost):
        run(lost, one_ticket(), on_progress=overtake)

    assert dump_mirror()["Ticket"] == []
    assert SyncRun.objects.get().entries == 0


def test_password_that_cannot_be_decrypted_fails_the_run(idle_system: TicketSystem) -> None:
    waiting = start_sync(system=idle_system, month=OCTOBER)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE tickets_ticketsystem SET password = 'garbage'")

    failed = run_sync(SyncRun.objects.get(pk=waiting.pk), clock=clock)

    assert failed.state == "failed"
    assert "cannot be decrypted" in failed.error


def test_system_that_is_not_there_fails_the_run() -> None:
    system = TicketSystemFactory(base_url="http://127.0.0.1:1/otrs")

    failed = sync(system)

    assert (failed.state, failed.requests > 0, bool(failed.error)) == ("failed", True, True)


def test_settings_that_make_no_sense_fail_the_run() -> None:
    failed = sync(TicketSystemFactory(routes={"TicketGet": "nonsense"}))

    assert (failed.state, failed.requests, bool(failed.error)) == ("failed", 0, True)


def test_mirror_is_that_of_the_last_sync_that_wrote(idle_system: TicketSystem) -> None:
    assert last_written_sync(idle_system, OCTOBER) is None
    first = SyncRunFactory(system=idle_system, complete_run=True)
    SyncRunFactory(system=idle_system, failed=True, finished_at=NOW + timedelta(hours=1))
    SyncRunFactory(system=idle_system, complete_run=True, month=date(2026, 9, 1), finished_at=NOW + timedelta(hours=2))

    assert last_written_sync(idle_system, OCTOBER) == first
    assert latest_complete_sync(idle_system, OCTOBER) == first


def test_sync_with_gaps_takes_the_completeness_back(idle_system: TicketSystem) -> None:
    SyncRunFactory(system=idle_system, complete_run=True)
    SyncRunFactory(system=idle_system, complete_run=True, state="partly", complete=False, finished_at=NOW)

    assert latest_complete_sync(idle_system, OCTOBER) is None


@pytest.mark.parametrize(
    ("started_at", "final"),
    [
        (datetime(2026, 10, 31, 22, 59, 59, tzinfo=UTC), False),
        (datetime(2026, 10, 31, 23, tzinfo=UTC), True),
        (None, False),
    ],
)
def test_sync_is_final_when_it_started_after_the_month_in_the_zone_of_the_system(
    idle_system: TicketSystem, started_at: datetime | None, final: bool
) -> None:
    assert is_final(SyncRunFactory(system=idle_system, complete_run=True, started_at=started_at)) is final


def test_sync_that_is_not_complete_is_never_final(idle_system: TicketSystem) -> None:
    assert is_final(SyncRunFactory(system=idle_system, failed=True)) is False


def test_known_before_names_what_a_reading_should_find(idle_system: TicketSystem) -> None:
    AgentFactory(system=idle_system, login="anna")
    AgentFactory(system=idle_system, id_only=True)
    agent = AgentFactory(system=idle_system, login="bert", departed=True)
    closed, open_ticket = TicketFactory(system=idle_system), TicketFactory(system=idle_system)
    closed.closings.create(month=OCTOBER.first_day)
    TimeEntryFactory(ticket=open_ticket, agent=agent)
    TimeEntryFactory(ticket=closed, agent=agent, booked_local="2026-09-30 23:59:59")
    TimeEntryFactory(ticket=TicketFactory(system=idle_system), agent=agent, booked_local="2026-11-01 00:00:00")
    TimeEntryFactory(ticket=TicketFactory(system=idle_system, number_only=True), agent=agent, running_number=2)
    TimeEntryFactory(ticket=TicketFactory(system=idle_system), agent=agent, running_number=3, gone=True)
    TicketFactory().closings.create(month=OCTOBER.first_day)

    known = known_before(idle_system, OCTOBER)

    assert sorted(known.logins) == ["anna", "bert"]
    assert known.closed == frozenset({closed.ticket_id})
    assert known.booked == frozenset({open_ticket.ticket_id})


def test_month_is_that_of_the_systems_zone() -> None:
    system = TicketSystemFactory(time_zone="UTC", time_source=TicketSystem.TimeSource.HISTORY)
    asked: list[dict[str, Any]] = []

    class Recording(FakeClient):
        def search_closed_tickets(self, **wanted: Any) -> tuple[str, ...]:
            asked.append(wanted)
            return ()

    sync(system, Month(2026, 10), make_client=Recording().open)

    assert asked[0] == {
        "start": datetime(2026, 10, 1, tzinfo=UTC),
        "end": datetime(2026, 11, 1, tzinfo=UTC),
        "state_types": ["closed"],
    }


def test_sync_that_is_stopped_writes_nothing(idle_system: TicketSystem) -> None:
    user = get_user_model().objects.create_user("clara")
    run(start_sync(system=idle_system, month=OCTOBER), one_ticket())
    before = dump_mirror()
    started = start_sync(system=idle_system, month=OCTOBER)

    def stop(step: str, done: int, total: int) -> None:
        jobs.ask_to_stop(SyncRun.objects.get(pk=started.pk), user=user, now=NOW)

    done = run(started, one_ticket(bookings=[booking(), booking(units="99")]), on_progress=stop)

    assert (done.state, done.complete, done.error) == ("failed", False, "Stopped by clara. Nothing was changed.")
    assert (done.entries, dump_mirror()) == (0, before)


def test_sync_can_be_started_again_after_it_was_stopped(idle_system: TicketSystem) -> None:
    stopped = start_sync(system=idle_system, month=OCTOBER)
    jobs.ask_to_stop(stopped, user=None, now=NOW)

    again = start_sync(system=idle_system, month=OCTOBER)

    assert again != stopped
    assert run(again, one_ticket()).state == "done"
