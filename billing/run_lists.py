"""Which billing runs need a person."""

from django.db.models import Exists, OuterRef, Q, QuerySet

from billing.models import BillingRun, ClosedMonth
from common.jobs import Job


def in_trouble(runs: QuerySet[BillingRun]) -> QuerySet[BillingRun]:
    """Those that are over and failed, were done in part, or over incomplete data; not of closed months."""
    closed = ClosedMonth.objects.filter(month=OuterRef("month"), reopened_at__isnull=True)
    ended = runs.exclude(state__in=(Job.State.QUEUED, Job.State.RUNNING))
    return ended.filter(~Q(state=Job.State.DONE) | Q(complete=False)).exclude(Exists(closed))
