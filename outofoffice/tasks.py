"""Background work of uploads: the row is the job, the message only a hint to look at it."""

from celery import shared_task
from django.utils import timezone

from common.jobs import LeaseLost, released_at_time_limit
from outofoffice.models import Sending
from outofoffice.sending import SendingBusy, next_waiting, run_sending


@shared_task(name="outofoffice.send")
def send(sending_id: int) -> None:
    """Send what was confirmed, then the next of the ticket system; a message that comes twice does nothing."""
    found = Sending.objects.filter(pk=sending_id).first()
    if found is None:
        return
    try:
        with released_at_time_limit(found, clock=timezone.now):
            run_sending(found)
    except (SendingBusy, LeaseLost):
        return
    following = next_waiting(found.system_id)
    if following is not None:
        send.delay(following)
