"""Two workers at once; SQLite lets one write at a time anyway, so this is asked of PostgreSQL."""

import threading

import pytest
from django.db import connection

from tests.tickets.support import OCTOBER, clock, dump_mirror, sync
from tickets.models import SyncRun
from tickets.sync import SyncBusy, run_sync, start_sync

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


def at_once(work, count=4):
    """What ``work`` returned or raised in each of several threads that start together."""
    barrier, results = threading.Barrier(count), []

    def worker():
        barrier.wait(10)
        try:
            results.append(work())
        except SyncBusy as busy:
            results.append(busy)
        finally:
            connection.close()

    threads = [threading.Thread(target=worker) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def test_sync_started_at_once_by_several_is_one(system):
    runs = at_once(lambda: start_sync(system=system, month=OCTOBER))

    assert len({run.pk for run in runs}) == 1
    assert SyncRun.objects.count() == 1


def test_run_claimed_at_once_by_several_is_done_by_one(system):
    run = start_sync(system=system, month=OCTOBER)

    results = at_once(lambda: run_sync(SyncRun.objects.get(pk=run.pk), clock=clock))

    done = [result for result in results if isinstance(result, SyncRun)]
    assert [(each.state, each.complete) for each in done] == [("done", True)]
    assert len(results) == 4


def test_syncs_of_a_mirrored_month_at_once_change_nothing(system):
    sync(system)
    before = dump_mirror()

    results = at_once(lambda: sync(system))

    assert any(isinstance(result, SyncRun) for result in results)
    assert dump_mirror() == before


def test_months_of_one_system_are_read_one_after_the_other(full_simulator, connect):
    system = connect(full_simulator)
    months = [OCTOBER, OCTOBER.previous, OCTOBER.previous.previous, OCTOBER.previous]
    queue = iter(months)
    lock = threading.Lock()

    def work():
        with lock:
            month = next(queue)
        return sync(system, month)

    at_once(work)
    runs = [sync(system, month) for month in dict.fromkeys(months)]

    assert all(run.complete for run in runs)
    before = dump_mirror()
    assert [sync(system, month).entries_new for month in dict.fromkeys(months)] == [0, 0, 0]
    assert dump_mirror() == before
