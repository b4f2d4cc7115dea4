"""What is due, asked of the database. Called every few minutes; called twice at once it does no harm."""

from calendar import monthrange
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from billing.models import BillingRun
from common.jobs import Job, claimable, give_up_on
from common.months import Month
from tickets.models import SyncRun

PATIENCE = timedelta(minutes=1)
"""A job younger than this is about to be found by the message that was sent for it."""


def jobs_to_resume(jobs: QuerySet[Any], *, now: datetime) -> list[int]:
    """Primary keys, oldest first, of those that nobody works on; fails the ones that were tried too often."""
    give_up_on(jobs.model, now=now)
    waiting = jobs.filter(claimable(now), created_at__lt=now - PATIENCE)
    return list(waiting.order_by("created_at", "pk").values_list("pk", flat=True))


def syncs_on_their_own() -> QuerySet[SyncRun]:
    """Without those that an unfinished billing run carries out itself: two would get into each other's way."""
    billing = BillingRun.objects.filter(state__in=(Job.State.QUEUED, Job.State.RUNNING), reads_first=True)
    return SyncRun.objects.exclude(month__in=billing.values("month"))


def month_due(*, now: datetime, day: int) -> Month | None:
    """The previous month once its ``day`` of billing has come, unless a run for all customers exists.

    Days count in ``settings.TIME_ZONE``; a ``day`` that the month does not have means its last one; 0 means never.
    """
    today = timezone.localdate(now)
    if not day or today.day < min(day, monthrange(today.year, today.month)[1]):
        return None
    month = Month.of(today).previous
    exists = BillingRun.objects.filter(month=month.first_day, customer=None).exists()
    return None if exists else month
