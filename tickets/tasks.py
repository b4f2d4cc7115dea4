"""Background work of the mirror: each task is a hint to look at a row, and doing it twice changes nothing."""

from celery import shared_task
from django.utils import timezone

from common.jobs import Job, LeaseLost
from tickets.models import SyncRun
from tickets.sync import SyncBusy, run_sync
from tickets.waiting import next_waiting


@shared_task(name="tickets.sync")
def sync(run_id: int, accept_losses: bool = False) -> None:
    """Carry out a waiting ``SyncRun`` and send the next one of its ticket system.

    One that cannot be worked on now stays as it is, for the scheduler to send. So does the next one after a failure: a
    ticket system that does not answer is asked once a minute, not as often as there are runs.
    """
    run = SyncRun.objects.filter(pk=run_id).first()
    if run is None:
        return
    try:
        run = run_sync(run, accept_losses=accept_losses)
    except (SyncBusy, LeaseLost):
        return
    following = next_waiting(run.system_id, now=timezone.now()) if run.state != Job.State.FAILED else None
    if following is not None:
        sync.delay(following)
