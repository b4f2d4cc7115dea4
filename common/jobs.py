"""The job record: long work is a row in the database, a queue message only a hint to look at it.

A worker that dies leaves a lease behind. When the lease is over anybody may claim the job again, and because
every job is written so that doing it twice changes nothing, it ends like an undisturbed one. ``attempts`` counts
the claims since the job was queued; together with ``started_at`` it fences out a worker that lost its lease: its
next report raises ``LeaseLost``. (``attempts`` alone does not: it starts again when a person queues the job anew.)
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import connection, models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

LEASE = timedelta(minutes=2)  # longer than any single request may take, see Connection.total_deadline
MAX_ATTEMPTS = 5


class LeaseLost(Exception):
    """Another worker has claimed the job; this one must stop without writing anything more."""


class JobStopped(Exception):
    """A person has asked this job to stop; the text says who. What follows from that is the job's own matter."""


class Job(models.Model):
    """Base of everything that runs in the background and shows its progress."""

    class State(models.TextChoices):
        QUEUED = "queued", _("waiting")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        PARTLY = "partly", _("partly done")
        FAILED = "failed", _("failed")

    state = models.CharField(_("state"), max_length=10, choices=State, default=State.QUEUED)
    complete = models.BooleanField(_("complete"), default=False)
    error = models.TextField(_("error"), blank=True)
    step = models.CharField(_("step"), max_length=200, blank=True)
    progress_done = models.PositiveIntegerField(default=0)
    progress_total = models.PositiveIntegerField(default=0)
    attempts = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        abstract = True

    @property
    def is_active(self) -> bool:
        """Waiting or being worked on."""
        return self.state in (self.State.QUEUED, self.State.RUNNING)

    @property
    def percent(self) -> int:
        """Progress in whole percent; 0 while the total is not known."""
        return min(100, self.progress_done * 100 // self.progress_total) if self.progress_total else 0


class StoppableJob(Job):
    """A job that a person can stop: at once while it waits, else between two of its steps."""

    stop_asked_at = models.DateTimeField(_("stop asked for"), null=True, blank=True, editable=False)
    stop_asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("stop asked for by"),
    )

    class Meta:
        abstract = True


def claimable(now: datetime) -> Q:
    """Jobs that wait, or whose worker has let its lease run out and that ``give_up_on`` leaves alone."""
    return Q(state=Job.State.QUEUED) | Q(state=Job.State.RUNNING, lease_until__lt=now, attempts__lt=MAX_ATTEMPTS)


def claim(job: Job, *, now: datetime) -> bool:
    """Take the job for this worker by one conditional UPDATE; ``False`` when somebody else has it or it is over."""
    won = (
        type(job)
        ._base_manager.filter(claimable(now), pk=job.pk)
        .update(
            state=Job.State.RUNNING,
            attempts=F("attempts") + 1,
            lease_until=now + LEASE,
            started_at=now,
            finished_at=None,
            error="",
            step="",
            progress_done=0,
            progress_total=0,
        )
    )
    job.refresh_from_db()
    return won == 1


def report(job: Job, *, step: str, done: int, total: int, now: datetime) -> None:
    """Store progress and renew the lease; raises ``LeaseLost`` when the job belongs to another worker by now."""
    job.step, job.progress_done, job.progress_total, job.lease_until = _storable(step)[:200], done, total, now + LEASE
    _write(job, fields=("step", "progress_done", "progress_total", "lease_until"))


def finish(job: Job, *, state: "Job.State", complete: bool, error: str, now: datetime) -> None:
    """Close the job; raises ``LeaseLost`` when the job belongs to another worker by now."""
    job.state, job.complete, job.error, job.finished_at, job.lease_until = state, complete, _storable(error), now, None
    _write(job, fields=("state", "complete", "error", "finished_at", "lease_until"))


def release(job: Job, *, now: datetime) -> bool:
    """End the lease before its time, so that the scheduler sends the job again; ``False`` when it is not held any more.

    The claim stays counted: work that never comes to an end fails after ``MAX_ATTEMPTS``, however its goes ended.
    """
    return _held(job).update(lease_until=now) == 1


@contextmanager
def released_at_time_limit(job: Job, *, clock: Callable[[], datetime]) -> Iterator[None]:
    """Work on a claimed job in a task. When the task's time is over the lease ends at once, and the limit is raised."""
    try:
        yield
    except SoftTimeLimitExceeded:
        if not connection.in_atomic_block:  # the limit may have struck in the middle of a statement
            connection.close()
        release(job, now=clock())
        raise


def requeue(job: Job, *, now: datetime) -> bool:
    """Put a job back into the queue for another go; ``False`` while a worker holds it."""
    free = ~Q(state=Job.State.RUNNING) | Q(lease_until__lt=now)
    fresh: dict[str, object] = {
        "attempts": 0,
        "complete": False,
        "step": "",
        "progress_done": 0,
        "progress_total": 0,
    }
    if isinstance(job, StoppableJob):
        fresh |= {"stop_asked_at": None, "stop_asked_by": None}
    done = type(job)._base_manager.filter(free, pk=job.pk).update(state=Job.State.QUEUED, **fresh)
    job.refresh_from_db()
    return done == 1


def withdraw(job: Job, *, error: str, now: datetime) -> bool:
    """Close a job that nobody has begun to work on; ``False`` when somebody has, or it is over."""
    done = (
        type(job)
        ._base_manager.filter(pk=job.pk, state=Job.State.QUEUED)
        .update(state=Job.State.FAILED, complete=False, error=_storable(error), finished_at=now)
    )
    job.refresh_from_db()
    return done == 1


def ask_to_stop(job: StoppableJob, *, user: AbstractBaseUser | AnonymousUser | None, now: datetime) -> bool:
    """Stop the job: at once where it waits, else before its next step. ``False`` when it is over already.

    The first to ask is the one who is named. A worker that claims it in between finds the wish at its first step.
    """
    active = type(job)._base_manager.filter(pk=job.pk, state__in=(Job.State.QUEUED, Job.State.RUNNING))
    active.filter(stop_asked_at=None).update(stop_asked_at=now, stop_asked_by_id=user.pk if user else None)
    job.refresh_from_db()
    return withdraw(job, error=stopped_text(job), now=now) or job.state == Job.State.RUNNING


def refuse_stopped(job: StoppableJob) -> None:
    """Raises ``JobStopped`` when a person has asked for that; called between two steps."""
    job.refresh_from_db(fields=["stop_asked_at", "stop_asked_by"])
    if job.stop_asked_at is not None:
        raise JobStopped(stopped_text(job))


def stopped_text(job: StoppableJob) -> str:
    """Who has stopped it, as a sentence."""
    who = job.stop_asked_by.get_username() if job.stop_asked_by else _("a command")
    return _("Stopped by %(who)s.") % {"who": who}


def give_up_on(model: type[Job], *, now: datetime) -> int:
    """Fail the jobs whose workers died ``MAX_ATTEMPTS`` times; a person has to look. Returns how many."""
    return model._base_manager.filter(state=Job.State.RUNNING, lease_until__lt=now, attempts__gte=MAX_ATTEMPTS).update(
        state=Job.State.FAILED,
        finished_at=now,
        lease_until=None,
        error=_("The work was started %(count)s times and never came to an end. Look into the worker's log.")
        % {"count": MAX_ATTEMPTS},
    )


def _write(job: Job, *, fields: tuple[str, ...]) -> None:
    values = {name: getattr(job, name) for name in fields}
    if not _held(job).update(**values):
        raise LeaseLost(f"{type(job).__name__} {job.pk} was taken over by another worker.")


def _held(job: Job) -> models.QuerySet[Job]:
    """The row, while it is still this claim that holds it."""
    claim_of_this_worker = {"attempts": job.attempts, "started_at": job.started_at}
    return type(job)._base_manager.filter(pk=job.pk, state=Job.State.RUNNING, **claim_of_this_worker)


def _storable(text: str) -> str:
    """PostgreSQL takes no NUL in a text, and an error may quote whatever a ticket system sent."""
    return text.replace("\0", "\ufffd")
