from datetime import UTC, datetime, timedelta

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.contrib.auth.models import User
from django.db import connection

from common.jobs import (
    LEASE,
    MAX_ATTEMPTS,
    Job,
    JobStopped,
    LeaseLost,
    ask_to_stop,
    claim,
    finish,
    give_up_on,
    refuse_stopped,
    release,
    released_at_time_limit,
    report,
    requeue,
)
from tests.factories.tickets import SyncRunFactory
from tickets.models import SyncRun

NOW = datetime(2026, 11, 1, 3, tzinfo=UTC)
LATER = NOW + LEASE + timedelta(seconds=1)
MUCH_LATER = LATER + LEASE + timedelta(seconds=1)

pytestmark = pytest.mark.django_db


def queued() -> SyncRun:
    run: SyncRun = SyncRunFactory.create()
    return run


def copy_of(run: SyncRun) -> SyncRun:
    """The same row as another worker sees it."""
    return SyncRun.objects.get(pk=run.pk)


def claimed() -> SyncRun:
    run = queued()
    assert claim(run, now=NOW)
    return run


def test_claim_takes_a_waiting_job() -> None:
    run = queued()

    won = claim(run, now=NOW)

    assert won
    assert (run.state, run.attempts, run.started_at, run.lease_until) == (Job.State.RUNNING, 1, NOW, NOW + LEASE)
    assert run.is_active


def test_claim_by_a_second_worker_fails_while_the_lease_runs() -> None:
    run = claimed()
    other = copy_of(run)

    won = claim(other, now=NOW + LEASE)

    assert not won
    assert other.attempts == 1


def test_claim_of_two_workers_that_saw_it_waiting_is_won_by_one() -> None:
    run = queued()
    other = copy_of(run)

    results = [claim(run, now=NOW), claim(other, now=NOW)]

    assert results == [True, False]
    assert copy_of(run).attempts == 1


def test_claim_after_the_lease_takes_over_and_starts_afresh() -> None:
    run = claimed()
    report(run, step="half", done=5, total=10, now=NOW)
    other = copy_of(run)

    won = claim(other, now=LATER)

    assert won
    assert (other.attempts, other.started_at, other.step, other.percent) == (2, LATER, "", 0)


@pytest.mark.parametrize("state", [Job.State.DONE, Job.State.PARTLY, Job.State.FAILED])
def test_claim_of_a_finished_job_fails(state: Job.State) -> None:
    run = claimed()
    finish(run, state=state, complete=False, error="", now=NOW)

    assert not claim(run, now=MUCH_LATER)
    assert not run.is_active


def test_report_stores_progress_and_renews_the_lease() -> None:
    run = claimed()

    report(run, step="tickets", done=1, total=3, now=NOW + LEASE)

    stored = copy_of(run)
    assert (stored.step, stored.progress_done, stored.progress_total, stored.percent) == ("tickets", 1, 3, 33)
    assert stored.lease_until == NOW + 2 * LEASE


def test_percent_is_never_more_than_hundred() -> None:
    assert SyncRun(progress_done=7, progress_total=3).percent == 100


def test_a_worker_that_lost_its_lease_can_neither_report_nor_finish() -> None:
    slow = claimed()
    claim(copy_of(slow), now=LATER)

    with pytest.raises(LeaseLost, match=r"SyncRun .* was taken over by another worker"):
        report(slow, step="late", done=9, total=9, now=LATER)
    with pytest.raises(LeaseLost):
        finish(slow, state=Job.State.DONE, complete=True, error="", now=LATER)

    stored = copy_of(slow)
    assert (stored.state, stored.step, stored.complete) == (Job.State.RUNNING, "", False)


def test_a_worker_that_lost_its_lease_is_fenced_out_although_a_person_queued_the_job_anew() -> None:
    slow = claimed()
    requeue(copy_of(slow), now=LATER)
    fast = copy_of(slow)
    claim(fast, now=LATER)
    assert fast.attempts == slow.attempts

    with pytest.raises(LeaseLost):
        report(slow, step="late", done=9, total=9, now=LATER)


def test_a_worker_is_fenced_out_by_the_count_of_claims_even_where_clocks_agree() -> None:
    slow = claimed()
    SyncRun.objects.filter(pk=slow.pk).update(attempts=2)  # claimed in the same instant by a clock that runs late

    with pytest.raises(LeaseLost):
        report(slow, step="late", done=9, total=9, now=NOW)


def test_finish_closes_the_job_and_gives_the_lease_back() -> None:
    run = claimed()

    finish(run, state=Job.State.DONE, complete=True, error="", now=LATER)

    stored = copy_of(run)
    assert (stored.state, stored.complete, stored.finished_at, stored.lease_until) == (
        Job.State.DONE,
        True,
        LATER,
        None,
    )


def test_finish_twice_is_refused() -> None:
    run = claimed()
    finish(run, state=Job.State.FAILED, complete=False, error="The server is down.", now=NOW)

    with pytest.raises(LeaseLost):
        finish(run, state=Job.State.DONE, complete=True, error="", now=NOW)

    assert copy_of(run).error == "The server is down."


def test_texts_that_the_database_would_refuse_are_made_storable() -> None:
    run = claimed()

    report(run, step="x\0" + 300 * "y", done=0, total=0, now=NOW)
    finish(run, state=Job.State.FAILED, complete=False, error="got \0 bytes", now=NOW)

    stored = copy_of(run)
    assert stored.step == "x\ufffd" + 198 * "y"
    assert stored.error == "got \ufffd bytes"


def test_requeue_puts_a_failed_job_back() -> None:
    run = claimed()
    finish(run, state=Job.State.FAILED, complete=False, error="no", now=NOW)

    assert requeue(run, now=NOW)
    assert (run.state, run.attempts) == (Job.State.QUEUED, 0)
    assert claim(run, now=NOW)
    assert (run.error, run.finished_at) == ("", None)


def test_requeue_takes_back_that_a_job_was_complete() -> None:
    run = claimed()
    finish(run, state=Job.State.DONE, complete=True, error="", now=NOW)

    assert requeue(run, now=NOW)
    assert not run.complete


def test_requeue_leaves_a_job_alone_that_a_worker_holds() -> None:
    run = claimed()

    assert not requeue(run, now=NOW + LEASE)
    assert run.state == Job.State.RUNNING


def test_requeue_frees_a_job_whose_worker_died() -> None:
    run = claimed()

    assert requeue(run, now=LATER)
    assert run.state == Job.State.QUEUED


def test_give_up_on_fails_what_killed_every_worker() -> None:
    run = queued()
    now = NOW
    for _ in range(MAX_ATTEMPTS):
        assert claim(run, now=now)
        assert give_up_on(SyncRun, now=now) == 0
        now += LEASE + timedelta(seconds=1)

    assert not claim(run, now=now)
    assert give_up_on(SyncRun, now=now) == 1

    run.refresh_from_db()
    assert (run.state, run.finished_at, run.lease_until) == (Job.State.FAILED, now, None)
    assert run.error.startswith(f"The work was started {MAX_ATTEMPTS} times")


def test_give_up_on_leaves_a_job_with_attempts_left() -> None:
    run = claimed()

    assert give_up_on(SyncRun, now=LATER) == 0
    assert copy_of(run).state == Job.State.RUNNING


@pytest.fixture
def clara() -> User:
    return User.objects.create_user("clara")


def test_job_that_waits_is_stopped_at_once(clara: User) -> None:
    run = queued()

    assert ask_to_stop(run, user=clara, now=NOW)

    stored = copy_of(run)
    assert (stored.state, stored.error, stored.finished_at) == (Job.State.FAILED, "Stopped by clara.", NOW)
    assert not claim(stored, now=MUCH_LATER)


def test_job_that_runs_learns_of_the_wish_at_its_next_step(clara: User) -> None:
    run = claimed()
    refuse_stopped(run)

    assert ask_to_stop(copy_of(run), user=clara, now=NOW)
    assert ask_to_stop(copy_of(run), user=None, now=LATER)  # the first who asked is named

    assert copy_of(run).state == Job.State.RUNNING
    with pytest.raises(JobStopped, match=r"^Stopped by clara\.$"):
        refuse_stopped(run)
    assert run.stop_asked_at == NOW


def test_wish_outlives_the_worker(clara: User) -> None:
    run = claimed()
    ask_to_stop(run, user=None, now=NOW)

    assert claim(run, now=LATER)

    with pytest.raises(JobStopped, match="a command"):
        refuse_stopped(run)


@pytest.mark.parametrize("state", [Job.State.DONE, Job.State.PARTLY, Job.State.FAILED])
def test_job_that_is_over_is_not_stopped(state: Job.State, clara: User) -> None:
    run = claimed()
    finish(run, state=state, complete=False, error="as it was", now=NOW)

    assert not ask_to_stop(run, user=clara, now=LATER)

    stored = copy_of(run)
    assert (stored.state, stored.error, stored.stop_asked_at) == (state, "as it was", None)


def test_job_that_is_queued_anew_forgets_the_wish(clara: User) -> None:
    run = claimed()
    ask_to_stop(run, user=clara, now=NOW)

    requeue(run, now=LATER)

    claim(run, now=MUCH_LATER)
    refuse_stopped(run)


def test_released_job_is_free_at_once_and_its_claim_stays_counted() -> None:
    run = claimed()
    soon = NOW + timedelta(seconds=1)

    released = release(run, now=soon)

    other = copy_of(run)
    assert (released, other.state, other.attempts) == (True, Job.State.RUNNING, 1)
    assert claim(other, now=soon + timedelta(seconds=1))
    assert copy_of(run).attempts == 2


def test_worker_that_lost_its_lease_releases_nothing() -> None:
    run = claimed()
    other = copy_of(run)
    claim(other, now=LATER)

    assert not release(run, now=LATER)
    assert copy_of(run).lease_until == LATER + LEASE


def test_job_released_too_often_fails() -> None:
    run = claimed()
    for second in range(1, MAX_ATTEMPTS + 1):
        moment = NOW + timedelta(seconds=10 * second)
        release(run, now=moment)
        claim(run, now=moment + timedelta(seconds=1))

    assert give_up_on(SyncRun, now=NOW + timedelta(minutes=5)) == 1
    assert copy_of(run).state == Job.State.FAILED


def test_time_limit_ends_the_lease_and_is_raised() -> None:
    run = claimed()

    with pytest.raises(SoftTimeLimitExceeded), released_at_time_limit(run, clock=lambda: NOW):
        raise SoftTimeLimitExceeded

    assert copy_of(run).lease_until == NOW


def test_other_error_leaves_the_lease_as_it_is() -> None:
    run = claimed()

    with pytest.raises(OSError, match="broken"), released_at_time_limit(run, clock=lambda: LATER):
        raise OSError("broken")

    assert copy_of(run).lease_until == NOW + LEASE


@pytest.mark.django_db(transaction=True)
def test_time_limit_in_the_middle_of_a_statement_still_ends_the_lease() -> None:
    run = claimed()
    if connection.vendor == "postgresql":
        connection.connection.pgconn.send_query(b"SELECT pg_sleep(30)")  # what a signal in the middle leaves behind

    with pytest.raises(SoftTimeLimitExceeded), released_at_time_limit(run, clock=lambda: NOW):
        raise SoftTimeLimitExceeded

    assert copy_of(run).lease_until == NOW
