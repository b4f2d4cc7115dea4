"""The Celery application under faults: the product's own, which writes down each delivery and waits less.

One line a delivery in the file ``CHAOS_DELIVERIES``: when it began (seconds since 1970), the worker's process, the
process that works, the queue, the task, its first argument. Lines are short, so that none is torn by another.
"""

import os
import time
from datetime import timedelta
from typing import Any

import django
from celery.signals import task_prerun

django.setup()

from billing import runs  # noqa: E402
from common import jobs  # noqa: E402
from portal import schedule  # noqa: E402
from portal.celery import app  # noqa: E402
from tickets import outbox_sending, sync  # noqa: E402

for limit in ("task_soft_time_limit", "task_time_limit"):  # seconds, where they are to be other ones; 0 for none
    if (given := os.environ.get(f"CHAOS_{limit.upper()}")) is not None:
        setattr(app.conf, limit, int(given) or None)

PACE = float(os.environ["CHAOS_PACE"])


def quicken(moment: timedelta) -> timedelta:
    return moment / PACE


jobs.LEASE = quicken(jobs.LEASE)
schedule.PATIENCE = quicken(schedule.PATIENCE)
sync.RENEWAL = quicken(sync.RENEWAL)
outbox_sending.SETTLING = quicken(outbox_sending.SETTLING)
outbox_sending.PAUSES = tuple(map(quicken, outbox_sending.PAUSES))
runs.PAUSE_SECONDS = runs.PAUSE_SECONDS / PACE


@task_prerun.connect(weak=False)
def write_down(*, task: Any, args: tuple[Any, ...] = (), **rest: Any) -> None:
    queue = (task.request.delivery_info or {}).get("routing_key", "")
    first = args[0] if args else "-"
    line = f"{time.time():.3f} {os.getppid()} {os.getpid()} {queue} {task.name} {first}\n"
    file = os.open(os.environ["CHAOS_DELIVERIES"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, line.encode())
    finally:
        os.close(file)


__all__ = ["app"]
