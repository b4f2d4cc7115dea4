"""Background work of the mirror: each task is a hint to look at a row, and doing it twice changes nothing."""

from contextlib import suppress

from celery import shared_task

from common.jobs import LeaseLost
from tickets.models import SyncRun
from tickets.sync import SyncBusy, run_sync


@shared_task(name="tickets.sync")
def sync(run_id: int, accept_losses: bool = False) -> None:
    """Carry out a waiting ``SyncRun``. One that cannot be worked on now stays as it is, for the scheduler to send."""
    with suppress(SyncBusy, LeaseLost):
        run_sync(SyncRun.objects.get(pk=run_id), accept_losses=accept_losses)
