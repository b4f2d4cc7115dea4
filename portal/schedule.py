"""What is due, asked of the database. Called every few minutes; called twice at once it does no harm."""

from calendar import monthrange
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from billing.models import BillingRun
from common.jobs import Job, claimable, give_up_on
from common.months import Month
from tickets.models import SyncRun, TicketSystem
from tickets.waiting import next_of_each_system

PATIENCE = timedelta(minutes=1)
"""A job younger than this is about to be found by the message that was sent for it."""

AGAIN = timedelta(hours=6)
"""How long after a run that ended incomplete the next one is started."""


def jobs_to_resume(jobs: QuerySet[Any], *, now: datetime) -> list[int]:
    """Primary keys, oldest first, of those that nobody works on; fails the ones that were tried too often."""
    give_up_on(jobs.model, now=now)
    waiting = jobs.filter(claimable(now), created_at__lt=now - PATIENCE)
    return list(waiting.order_by("created_at", "pk").values_list("pk", flat=True))


def syncs_to_resume(*, now: datetime) -> list[int]:
    """The same for syncs, one of each ticket system that nobody reads: each sends the next one when it ends."""
    give_up_on(SyncRun, now=now)
    return next_of_each_system(syncs_on_their_own().filter(created_at__lt=now - PATIENCE), now=now)


def syncs_on_their_own() -> QuerySet[SyncRun]:
    """Without the months that an unfinished billing run reads itself: two would get into each other's way."""
    billing = BillingRun.objects.filter(state__in=(Job.State.QUEUED, Job.State.RUNNING), reads_first=True)
    return SyncRun.objects.exclude(agent__isnull=True, month__in=billing.values("month"))


def month_due(*, now: datetime, day: int) -> Month | None:
    """The previous month once its ``day`` of billing has come and it is over in every active ticket system's zone.

    Days count in ``settings.TIME_ZONE``; a ``day`` that the month does not have means its last one; 0 means never.
    A month whose run for all customers was complete, waits or is worked on is not due; one that ended incomplete is
    due again after ``AGAIN``, as long as it is the previous month.
    """
    today = timezone.localdate(now)
    if not day or today.day < min(day, monthrange(today.year, today.month)[1]):
        return None
    month = Month.of(today).previous
    if any(now < month.end(system.zone) for system in TicketSystem.objects.filter(active=True)):
        return None
    run = BillingRun.objects.filter(month=month.first_day, customer=None).first()
    return month if run is None or _ended_incomplete(run, before=now - AGAIN) else None


def _ended_incomplete(run: BillingRun, *, before: datetime) -> bool:
    return not (run.complete or run.is_active) and (run.finished_at is None or run.finished_at <= before)
