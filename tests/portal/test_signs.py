"""Signs of life: one row each, written by the canary and the scheduler, renewed by workers that are busy."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from celery import Celery
from django.conf import settings as django_settings
from django.db import OperationalError, connections

from common.jobs import LEASE, Job
from portal import beat, tasks
from portal.beat import PAUSE, Scheduler
from portal.models import Heartbeat
from portal.signs import BEAT, latest_signs, note_sign
from tests.at_once import at_once
from tests.factories.tickets import SyncRunFactory
from tests.portal.test_schedule import make_run

NOW = datetime(2026, 11, 5, 12, tzinfo=UTC)


@pytest.fixture
def scheduler(db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scheduler:
    monkeypatch.setattr(connections, "close_all", lambda: None)  # the test's own connection stays
    app = Celery("of-the-test", broker="memory://")
    return Scheduler(app=app, lazy=True, schedule_filename=str(tmp_path / "schedule"))


@pytest.mark.django_db
def test_nobody_was_ever_seen_in_a_new_portal() -> None:
    assert latest_signs() == {"network": None, "ledger": None, BEAT: None}


@pytest.mark.django_db
def test_canary_leaves_one_row_however_often_it_comes() -> None:
    with time_machine.travel(NOW, tick=False):
        tasks.heartbeat("ledger")
        tasks.heartbeat("ledger")

    assert list(Heartbeat.objects.values_list("name", "at")) == [("ledger", NOW)]
    assert latest_signs()["ledger"] == NOW


@pytest.mark.django_db
def test_lease_that_is_renewed_is_the_sign_of_a_busy_worker() -> None:
    note_sign("network", now=NOW - timedelta(hours=1))
    note_sign("ledger", now=NOW)
    SyncRunFactory(state=Job.State.RUNNING, lease_until=NOW + LEASE)
    make_run(10, state=Job.State.RUNNING, lease_until=NOW - timedelta(hours=1))

    assert latest_signs() == {"network": NOW, "ledger": NOW, BEAT: None}


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_many_who_tell_at_once_leave_one_row() -> None:
    at_once(lambda number: note_sign("ledger", now=NOW + timedelta(seconds=number)), workers=8)

    assert Heartbeat.objects.count() == 1


def test_scheduler_tells_that_it_lives_but_not_at_every_tick(scheduler: Scheduler) -> None:
    scheduler.tell(now=NOW)
    scheduler.tell(now=NOW + PAUSE / 2)
    assert latest_signs()[BEAT] == NOW

    scheduler.tell(now=NOW + PAUSE)
    assert latest_signs()[BEAT] == NOW + PAUSE


def test_scheduler_that_ticks_tells(scheduler: Scheduler) -> None:
    with time_machine.travel(NOW, tick=False):
        scheduler.setup_schedule()
        scheduler.tick()

    assert latest_signs()[BEAT] == NOW


def test_database_that_does_not_answer_stops_no_scheduler(
    scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*args: object, **options: object) -> None:
        raise OperationalError("the server is down")

    monkeypatch.setattr(beat, "note_sign", fail)

    scheduler.tell(now=NOW)

    assert caplog.messages == ["The scheduler could not say that it is alive: the server is down"]


def test_every_queue_has_a_canary_that_is_sent_into_it() -> None:
    entries: Any = django_settings.CELERY_BEAT_SCHEDULE.values()
    canaries = [entry for entry in entries if entry["task"] == "portal.heartbeat"]

    assert [entry["args"][0] for entry in canaries] == ["network", "ledger"]
    assert all(entry["options"] == {"queue": entry["args"][0], "expires": 60} for entry in canaries)
    assert {entry["schedule"] for entry in canaries} == {60.0}
