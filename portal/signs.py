"""Signs of life: who does the background work says so once a minute, because a live process is not a working one."""

from collections.abc import Mapping
from datetime import datetime

from django.conf import settings
from django.db.models import Max

from billing.models import BillingRun
from common.jobs import LEASE, Job
from outofoffice.models import Sending
from portal.models import Heartbeat
from tickets.models import SyncRun
from tickets.outbox_models import OutboxItem

BEAT = "beat"
JOBS_OF_QUEUES: Mapping[str, tuple[type[Job], ...]] = {
    "network": (SyncRun, Sending, OutboxItem),
    "ledger": (BillingRun,),
}
"""Whose workers renew the leases of which jobs."""


def note_sign(name: str, *, now: datetime) -> None:
    """``name`` was at work at ``now``: a queue whose worker took a message, or ``BEAT``. One row each."""
    Heartbeat.objects.bulk_create(
        [Heartbeat(name=name, at=now)], update_conflicts=True, unique_fields=["name"], update_fields=["at"]
    )


def latest_signs() -> dict[str, datetime | None]:
    """When each queue and the scheduler were last seen at work.

    A worker all of whose processes are busy takes no heartbeat; then the leases that it renews are its sign.
    """
    beats = dict(Heartbeat.objects.values_list("name", "at"))
    signs = {queue: _later(beats.get(queue), _latest_report(queue)) for queue in settings.WORKER_QUEUES}
    return signs | {BEAT: beats.get(BEAT)}


def _latest_report(queue: str) -> datetime | None:
    latest = None
    for model in JOBS_OF_QUEUES.get(queue, ()):
        jobs = model._base_manager.filter(state=Job.State.RUNNING)
        until: datetime | None = jobs.aggregate(until=Max("lease_until"))["until"]
        latest = _later(latest, until and until - LEASE)
    return latest


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max(filter(None, (one, other)), default=None)
