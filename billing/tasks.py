"""Background work of the ledger: the row is the job, the message only a hint to look at it."""

import logging

from celery import shared_task
from django.utils import timezone

from billing.kivitendo_copy import refresh_copy
from billing.kivitendo_database import KivitendoError
from billing.messages import record_outcomes
from billing.models import BillingRun
from billing.runs import RunBusy, run_billing
from common.jobs import LeaseLost, released_at_time_limit
from tickets.tasks import deliver

logger = logging.getLogger(__name__)


@shared_task(name="billing.run")
def run(run_id: int) -> None:
    """Do the billing run; a message that comes twice, or late, does nothing."""
    found = BillingRun.objects.filter(pk=run_id).first()
    if found is None:
        return
    try:
        with released_at_time_limit(found, clock=timezone.now):
            run_billing(found)
    except (RunBusy, LeaseLost):
        return


@shared_task(name="billing.refresh_kivitendo")
def refresh_kivitendo() -> None:
    """Bring the copy of kivitendo up to date; why it failed stands on the page kivitendo, too."""
    try:
        refresh_copy(now=timezone.now())
    except KivitendoError as error:
        logger.warning("kivitendo was not read: %s", error)


@shared_task(name="billing.deliver_messages")
def deliver_messages(system_id: int) -> None:
    """Write what orders say to the ticket system, and what became of it into their histories."""
    deliver(system_id)
    record_outcomes()
