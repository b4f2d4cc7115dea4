"""What the scheduler calls every few minutes. The database says what is due; a message that comes twice is harmless."""

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from audit.sealing import seal_waiting
from billing.kivitendo_copy import refresh_is_due
from billing.messages import record_outcomes
from billing.models import BillingRun
from billing.run_mails import send_mails as send_waiting_mails
from billing.starts import ask_for_due_run
from billing.tasks import deliver_messages, refresh_kivitendo
from billing.tasks import run as run_billing_task
from common.limits import forget_old_requests
from outofoffice.models import Sending
from outofoffice.tasks import send as send_absences
from portal.languages import language_of
from portal.schedule import jobs_to_resume, outboxes_to_empty, runs_due, syncs_on_their_own, syncs_to_resume
from portal.sessions import forget_ended_sessions
from portal.signs import note_sign
from portal.throttling import forget_old_attempts
from portal.token_models import ApiCounter
from registration.mail_planning import plan_mails as plan_mails_about_registrations
from registration.mail_sending import send_mails as send_registration_mails
from registration.own_steps import update_is_due
from registration.own_tasks import update as update_registration
from registration.own_texts import hold
from registration.services import forget
from tickets.planning import plan_readings as plan_due_readings
from tickets.tasks import sync as sync_task
from tickets.waiting import next_of_each_system


@shared_task(name="portal.resume_jobs")
def resume_jobs() -> None:
    """Send a new message for every job that nobody works on; of syncs and outboxes, one for each ticket system."""
    now = timezone.now()
    for pk in jobs_to_resume(BillingRun.objects.all(), now=now):
        run_billing_task.delay(pk)
    for pk in syncs_to_resume(now=now):
        sync_task.delay(pk)
    for pk in jobs_to_resume(Sending.objects.all(), now=now):
        send_absences.delay(pk)
    for pk in outboxes_to_empty(now=now):
        deliver_messages.delay(pk)
    record_outcomes()


@shared_task(name="portal.start_due_runs")
def start_due_runs() -> str:
    """Start the billing runs whose day has come; they make drafts, and approve where the agreement says so.

    The result is the sentence that says why none was started; empty where nothing holds them back.
    """
    now = timezone.now()
    for due in runs_due(now=now, day=settings.BILLING_DAY_OF_MONTH):
        run = ask_for_due_run(due, now=now)
        if run is not None:
            run_billing_task.delay(run.pk)
    return hold(now=now)


@shared_task(name="portal.send_mails")
def send_mails() -> None:
    """Send the mails that wait, about scheduled runs and about registrations; each of them once."""
    send_waiting_mails(clock=timezone.now, language_of=language_of)
    send_registration_mails(clock=timezone.now, language_of=language_of)


@shared_task(name="portal.plan_registration_mails")
def plan_registration_mails() -> None:
    """Have those told whom it concerns of copies, and of registrations that end."""
    plan_mails_about_registrations(now=timezone.now())


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


@shared_task(name="portal.seal_audit_log")
def seal_audit_log() -> None:
    """Give the rows of the audit log that wait their places in its chain."""
    seal_waiting(now=timezone.now())


@shared_task(name="portal.forget_requests")
def forget_requests() -> None:
    """Delete what registration server, read API and sign-in counted long ago, and what is left of ended sessions."""
    now = timezone.now()
    forget(now=now)
    forget_old_attempts(now=now)
    forget_old_requests(ApiCounter, now=now)
    forget_ended_sessions(now=now)


@shared_task(name="portal.plan_registration")
def plan_registration() -> None:
    """Have this portal report to its registration server once a week, where it is registered."""
    if update_is_due(now=timezone.now()):
        update_registration.delay()


@shared_task(name="portal.heartbeat")
def heartbeat(queue: str) -> None:
    """The canary: says that a worker of the queue takes messages and reaches the database."""
    note_sign(queue, now=timezone.now())
