"""What the scheduler calls every few minutes. The database says what is due; a message that comes twice is harmless."""

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from billing.kivitendo_copy import refresh_is_due
from billing.models import BillingRun
from billing.run_mails import send_mails as send_waiting_mails
from billing.starts import ask_for_due_run
from billing.tasks import refresh_kivitendo
from billing.tasks import run as run_billing_task
from outofoffice.models import Sending
from outofoffice.tasks import send as send_absences
from portal.languages import language_of
from portal.schedule import jobs_to_resume, runs_due, syncs_on_their_own, syncs_to_resume
from tickets.planning import plan_readings as plan_due_readings
from tickets.tasks import sync as sync_task
from tickets.waiting import next_of_each_system


@shared_task(name="portal.resume_jobs")
def resume_jobs() -> None:
    """Send a new message for every job that nobody works on; of the syncs, one for each ticket system."""
    now = timezone.now()
    for pk in jobs_to_resume(BillingRun.objects.all(), now=now):
        run_billing_task.delay(pk)
    for pk in syncs_to_resume(now=now):
        sync_task.delay(pk)
    for pk in jobs_to_resume(Sending.objects.all(), now=now):
        send_absences.delay(pk)


@shared_task(name="portal.start_due_runs")
def start_due_runs() -> None:
    """Start the billing runs whose day has come; they make drafts, and approve where the agreement says so."""
    now = timezone.now()
    for due in runs_due(now=now, day=settings.BILLING_DAY_OF_MONTH):
        run = ask_for_due_run(due, now=now)
        if run is not None:
            run_billing_task.delay(run.pk)


@shared_task(name="portal.send_mails")
def send_mails() -> None:
    """Send the mails about scheduled runs that wait; each of them once."""
    send_waiting_mails(clock=timezone.now, language_of=language_of)


@shared_task(name="portal.plan_readings")
def plan_readings() -> None:
    """Read at night what may have changed; each reading sends the next one of its ticket system when it ends."""
    now = timezone.now()
    planned = {run.system_id for run in plan_due_readings(now)}
    for pk in next_of_each_system(syncs_on_their_own().filter(system__in=planned), now=now):
        sync_task.delay(pk)


@shared_task(name="portal.plan_kivitendo")
def plan_kivitendo() -> None:
    """Have kivitendo read once an hour, where one is configured."""
    if refresh_is_due(now=timezone.now()):
        refresh_kivitendo.delay()
