"""Background work of the ledger: the row is the job, the message only a hint to look at it."""

from celery import shared_task

from billing.models import BillingRun
from billing.runs import RunBusy, run_billing
from common.jobs import LeaseLost


@shared_task(name="billing.run")
def run(run_id: int) -> None:
    """Do the billing run; a message that comes twice, or late, does nothing."""
    found = BillingRun.objects.filter(pk=run_id).first()
    if found is None:
        return
    try:
        run_billing(found)
    except (RunBusy, LeaseLost):
        return
