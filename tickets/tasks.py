"""Background work of the mirror: each task is a hint to look at a row, and doing it twice changes nothing."""

from celery import Task, shared_task

from common.jobs import LeaseLost
from tickets.models import SyncRun
from tickets.sync import SyncBusy, run_sync

RETRY_SECONDS = 30


@shared_task(name="tickets.sync", bind=True, max_retries=None)
def sync(self: Task[[int], None], run_id: int, accept_losses: bool = False) -> None:
    """Carry out a waiting ``SyncRun``; tried again later while another month of the same system is being read."""
    run = SyncRun.objects.get(pk=run_id)
    try:
        run_sync(run, accept_losses=accept_losses)
    except SyncBusy:
        run.refresh_from_db()
        if run.state == SyncRun.State.QUEUED:
            raise self.retry(countdown=RETRY_SECONDS) from None
    except LeaseLost:
        return
