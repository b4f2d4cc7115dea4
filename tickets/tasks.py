"""Background work of the mirror: each task is a hint to look at a row, and doing it twice changes nothing."""

from celery import shared_task
from django.utils import timezone

from common.jobs import Job, LeaseLost
from tickets.models import SyncRun, TicketSystem
from tickets.outbox import due
from tickets.outbox_sending import deliver_waiting
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


@shared_task(name="tickets.deliver")
def deliver(system_id: int) -> None:
    """Write what waits in the outbox for a ticket system in use; a message that comes twice does nothing."""
    system = TicketSystem.objects.filter(pk=system_id, active=True).first()
    if system is None or not deliver_waiting(system):
        return
    if due(timezone.now()).filter(system=system).exists():
        deliver.delay(system_id)
