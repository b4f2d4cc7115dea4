"""Runs as the scheduler starts them, over the mirror as it stands."""

from datetime import date

from billing.due import DueRun
from billing.models import BillingRun
from billing.runs import run_billing
from billing.starts import ask_for_due_run
from tests.billing.scenes import NOW, OCTOBER
from tickets.models import Customer


def queue(customer: Customer | None = None, left_out: tuple[tuple[int, date], ...] = ()) -> BillingRun:
    """The run of October, queued since ``NOW``."""
    due = DueRun(month=OCTOBER, customer=customer.pk if customer else None, at=NOW, left_out=left_out)
    run = ask_for_due_run(due, now=NOW)
    assert run is not None
    BillingRun.objects.filter(pk=run.pk).update(reads_first=False)
    run.refresh_from_db()
    return run


def scheduled(customer: Customer | None = None, left_out: tuple[tuple[int, date], ...] = ()) -> BillingRun:
    """The same, done."""
    return run_billing(queue(customer, left_out), clock=lambda: NOW)
