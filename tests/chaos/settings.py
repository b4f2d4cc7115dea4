"""Settings of the programs under faults: the product's own, with a scheduler that ticks every few seconds.

``CHAOS_PACE`` divides the waits of the product (lease, patience, pauses), see ``tests.chaos.app``; 1 changes none.
"""

import os

from portal.settings import *  # noqa: F403
from portal.settings import CELERY_BEAT_SCHEDULE as REAL_SCHEDULE

CHAOS_PACE = float(os.environ["CHAOS_PACE"])
CELERY_BEAT_SCHEDULE = {
    name: {**entry, "schedule": float(entry["schedule"]) / CHAOS_PACE}  # type: ignore[arg-type]
    for name, entry in REAL_SCHEDULE.items()
    if entry["task"] in ("portal.resume_jobs", "portal.heartbeat", "portal.start_due_runs")
}
CELERY_BEAT_MAX_LOOP_INTERVAL = 60 / CHAOS_PACE
