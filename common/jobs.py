"""The job record: long work is a row in the database, a queue message only a hint to look at it.

A worker that dies leaves a lease behind. When the lease is over anybody may claim the job again, and because
every job is written so that doing it twice changes nothing, it ends like an undisturbed one. ``attempts`` counts
the claims since the job was queued; together with ``started_at`` it fences out a worker that lost its lease: its
next report raises ``LeaseLost``. (``attempts`` alone does not: it starts again when a person queues the job anew.)
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

LEASE = timedelta(minutes=2)  # longer than any single request may take, see Connection.total_deadline
MAX_ATTEMPTS = 5


class LeaseLost(Exception):
    """Another worker has claimed the job; this one must stop without writing anything more."""


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


def requeue(job: Job, *, now: datetime) -> bool:
    """Put a job back into the queue for another go; ``False`` while a worker holds it."""
    free = ~Q(state=Job.State.RUNNING) | Q(lease_until__lt=now)
    fresh = {"attempts": 0, "complete": False, "step": "", "progress_done": 0, "progress_total": 0}
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
    mine = type(job)._base_manager.filter(
        pk=job.pk, state=Job.State.RUNNING, attempts=job.attempts, started_at=job.started_at
    )
    if not mine.update(**values):
        raise LeaseLost(f"{type(job).__name__} {job.pk} was taken over by another worker.")


def _storable(text: str) -> str:
    """PostgreSQL takes no NUL in a text, and an error may quote whatever a ticket system sent."""
    return text.replace("\0", "\ufffd")
