"""Syncs that wait for a worker. A ticket system is read by one at a time, so of each only the next one is sent."""

from datetime import datetime

from django.db.models import Case, QuerySet, Value, When

from common.jobs import Job, claimable
from tickets.models import SyncRun


def next_of_each_system(runs: QuerySet[SyncRun], *, now: datetime) -> list[int]:
    """Primary keys: of each ticket system that nobody reads at the moment, the one of ``runs`` to work on now.

    Months come before agents, because bills wait for them; else the oldest comes first.
    """
    busy = SyncRun.objects.filter(state=Job.State.RUNNING, lease_until__gte=now).values("system")
    waiting = runs.filter(claimable(now)).exclude(system__in=busy)
    part = Case(When(agent__isnull=True, then=Value(0)), default=Value(1))
    first: dict[int, int] = {}
    for system, pk in waiting.alias(part=part).order_by("part", "created_at", "pk").values_list("system", "pk"):
        first.setdefault(system, pk)
    return list(first.values())


def next_waiting(system: int, *, now: datetime) -> int | None:
    """Primary key of the sync of the ticket system to work on now, if one waits and none is under way."""
    return next(iter(next_of_each_system(SyncRun.objects.filter(system=system), now=now)), None)


def fail_waiting(system: int, *, error: str, now: datetime) -> None:
    """End all that waits for the ticket system as it would end: each vain login counts there and may lock the agent."""
    SyncRun.objects.filter(system=system, state=Job.State.QUEUED).update(
        state=Job.State.FAILED, error=error, finished_at=now
    )
