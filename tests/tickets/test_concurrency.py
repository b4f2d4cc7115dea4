"""Two workers at once; SQLite lets one write at a time anyway, so this is asked of PostgreSQL."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from django.db import connection, transaction

from generic_interface.simulator.server import RunningSimulator
from tests.at_once import at_once
from tests.tickets.support import NOW, OCTOBER, Connect, clock, dump_mirror, read, sync
from tickets.mirror import write_month
from tickets.models import SyncRun, Ticket, TicketSystem
from tickets.sync import SyncBusy, run_sync, start_sync

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True), pytest.mark.slow]
WORKERS = 4


def or_busy(work: Callable[[int], SyncRun]) -> Callable[[int], SyncRun | None]:
    """The same, with nothing for a worker that finds the run or the system taken."""

    def attempt(number: int) -> SyncRun | None:
        try:
            return work(number)
        except SyncBusy:
            return None

    return attempt


def test_sync_started_at_once_by_several_is_one(system: TicketSystem) -> None:
    runs = at_once(lambda number: start_sync(system=system, month=OCTOBER), workers=WORKERS)

    assert len({run.pk for run in runs}) == 1
    assert SyncRun.objects.count() == 1


def test_run_claimed_at_once_by_several_is_done_by_one(system: TicketSystem) -> None:
    run = start_sync(system=system, month=OCTOBER)

    results = at_once(or_busy(lambda number: run_sync(SyncRun.objects.get(pk=run.pk), clock=clock)), workers=WORKERS)

    assert [(each.state, each.complete) for each in results if each is not None] == [("done", True)]


def test_syncs_of_a_mirrored_month_at_once_change_nothing(system: TicketSystem) -> None:
    sync(system)
    before = dump_mirror()

    results = at_once(or_busy(lambda number: sync(system)), workers=WORKERS)

    assert any(results)
    assert dump_mirror() == before


def test_tickets_that_are_being_followed_do_not_hold_up_what_refers_to_them(system: TicketSystem) -> None:
    sync(system)
    reading = read(system)
    changed = replace(reading, tickets=tuple(replace(each, title="Scanner") for each in reading.tickets))

    def refer(number: int) -> list[tuple[object, ...]]:
        """What PostgreSQL does for a new row with a foreign key, but without waiting."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT id FROM tickets_ticket FOR KEY SHARE NOWAIT")
            return list(cursor.fetchall())

    with transaction.atomic():
        write_month(system, changed, now=NOW)
        referred = at_once(refer, workers=1)

    assert [len(rows) for rows in referred] == [6]
    assert set(Ticket.objects.values_list("title", flat=True)) == {"Scanner"}


def test_months_of_one_system_are_read_one_after_the_other(full_simulator: RunningSimulator, connect: Connect) -> None:
    system = connect(full_simulator)
    months = [OCTOBER, OCTOBER.previous, OCTOBER.previous.previous, OCTOBER.previous]

    at_once(or_busy(lambda number: sync(system, months[number])), workers=WORKERS)
    runs = [sync(system, month) for month in dict.fromkeys(months)]

    assert all(run.complete for run in runs)
    before = dump_mirror()
    assert [sync(system, month).entries_new for month in dict.fromkeys(months)] == [0, 0, 0]
    assert dump_mirror() == before
