"""Every kind of background work with something to do, and what is there to see when it was done once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.utils import timezone
from pytest_django import Settings

from audit.actions import Action
from audit.models import AuditRow
from audit.recording import record
from billing.erp_models import KivitendoCustomer
from billing.models import Agreement, BillingRun, Order, OrderEvent
from billing.run_models import RunMail, RunStart
from billing.runs import start_run
from common.jobs import MAX_ATTEMPTS, Job
from generic_interface.simulator.server import RunningSimulator
from outofoffice.models import UploadRow
from portal.models import Heartbeat
from registration.mail_models import RegistrationMail
from registration.models import RegistrationToken
from registration.own_models import OwnRegistrationEvent
from tests.billing.fake_kivitendo import installed
from tests.billing.scenes import OCTOBER, bill, book, issue, read_completely, ticket_of
from tests.billing.schedules import scheduled
from tests.factories.registered_systems import AccountFactory, SystemFactory
from tests.factories.tickets import AgentFactory, TicketClosingFactory, connected
from tests.outofoffice.support import confirmed, table
from tests.registration.conftest import register_now
from tests.registration.server import RegistrationServer
from tests.tickets.outbox import customer_of, mirrored, note, written
from tickets.models import SyncRun, TimeEntry
from tickets.outbox_models import OutboxItem
from tickets.sync import start_sync

NOW = datetime(2026, 12, 2, 8, tzinfo=UTC)
Arguments = tuple[Any, ...]


@dataclass
class Given:
    """A ticket system and a registration server that answer, and the settings."""

    simulator: RunningSimulator
    registry: RegistrationServer
    settings: Settings
    patch: pytest.MonkeyPatch

    def __post_init__(self) -> None:
        self.system = connected(self.simulator, name="Helpdesk")
        self.upstream: Any = self.simulator.system.data  # type: ignore[attr-defined]

    def asked(self, operation: str) -> int:
        return self.simulator.operations().count(operation)


@dataclass(frozen=True, slots=True)
class Work:
    """``prepare`` gives the arguments of the task; ``done`` is what is there to see afterwards, which is ``expected``.

    ``frozen``: at one moment, since it writes down when it was done or asks what is due.
    """

    prepare: Callable[[Given], Arguments]
    done: Callable[[Given], object]
    expected: object
    frozen: bool = False


def states(model: type[Job]) -> list[tuple[str, int]]:
    return list(model._base_manager.order_by("pk").values_list("state", "attempts"))


def waiting_sync(given: Given) -> Arguments:
    for number in ("10001", "1000"):
        ticket = given.upstream.create(title="Printer", customer=number, at=datetime(2026, 10, 5, 9))
        given.upstream.book(ticket, 15, at=datetime(2026, 10, 5, 10))
        given.upstream.close(ticket, at=datetime(2026, 10, 5, 11))
    return (start_sync(system=given.system, month=OCTOBER).pk,)


def waiting_run(given: Given) -> Arguments:
    ticket_of(customer_of(given.system), 10, 20)
    read_completely(given.system)
    return (start_run(month=OCTOBER, reads_first=False, now=timezone.now()).pk,)


def waiting_note(given: Given) -> Arguments:
    note(mirrored(given.system, given.upstream))
    return (given.system.pk,)


def issued_order(given: Given) -> Arguments:
    Agreement.objects.filter(is_default=True).update(note_on_issue=True)
    ticket = mirrored(given.system, given.upstream, closed=True)
    TicketClosingFactory(ticket=ticket, month=OCTOBER.first_day)
    book(ticket, 15)
    read_completely(given.system)
    bill()
    issue()
    return (given.system.pk,)


def notes_in_the_ticket_system(given: Given) -> int:
    return sum(written(given.upstream, item)[1] for item in OutboxItem.objects.all())


def confirmed_upload(given: Given) -> Arguments:
    AgentFactory(system=given.system, login="b.schmidt", user_id=4, name="Bernd Schmidt", email="b@example.com")
    rows = table("b.schmidt,2027-01-04,2027-01-08,yes")
    return (confirmed(given.system, rows, timezone.now()).pk,)


def kivitendo(given: Given) -> Arguments:
    installed(given.settings, given.patch)
    return ()


def due_registration(given: Given) -> Arguments:
    given.settings.REGISTRATION_URL = given.registry.url
    register_now(now=timezone.now() - timedelta(days=8))
    given.registry.bodies.clear()
    return ()


def waiting_mail(given: Given) -> Arguments:
    given.settings.SENDS_MAIL = True
    User.objects.create_superuser("clara", "clara@example.com")
    read_completely(given.system)
    ticket_of(customer_of(given.system), 10)
    start = RunStart.objects.get(run=scheduled())
    reader = User.objects.get()
    RunMail.objects.get_or_create(start=start, kind=RunMail.Kind.RESULT, user=reader, defaults={"due_at": NOW})
    return ()


def copied_registration(given: Given) -> Arguments:
    given.settings.SENDS_MAIL = True
    SystemFactory(conflict=True, account__email="kunde@example.org")
    return ()


def night(given: Given) -> Arguments:
    given.settings.NIGHTLY_READING_HOUR = 3
    return ()


def due_month(given: Given) -> Arguments:
    given.settings.BILLING_DAY_OF_MONTH = 1
    return ()


def job_given_up(given: Given) -> Arguments:
    del given
    lost = {"state": Job.State.RUNNING, "attempts": MAX_ATTEMPTS, "lease_until": NOW - timedelta(hours=1)}
    BillingRun.objects.create(month=OCTOBER.first_day, requested_at=NOW, **lost)
    return ()


def old_tokens(given: Given) -> Arguments:
    del given
    then = NOW - timedelta(days=9)
    RegistrationToken.objects.create(
        account=AccountFactory(), token_hash="h", created_at=then - timedelta(minutes=30), expires_at=then
    )
    return ()


def unsealed_row(given: Given) -> Arguments:
    del given
    record(Action.SIGNED_IN)
    return ()


def nothing(given: Given) -> Arguments:
    del given
    return ()


DONE = [(Job.State.DONE, 1)]
WORK: Mapping[str, Work] = {
    "tickets.sync": Work(
        waiting_sync,
        lambda given: (states(SyncRun), TimeEntry.objects.count(), given.asked("SessionCreate")),
        (DONE, 2, 1),
    ),
    "tickets.deliver": Work(waiting_note, notes_in_the_ticket_system, 1),
    "billing.run": Work(waiting_run, lambda given: (states(BillingRun), Order.objects.count()), (DONE, 1)),
    "billing.deliver_messages": Work(
        issued_order,
        lambda given: (
            notes_in_the_ticket_system(given),
            OrderEvent.objects.filter(kind=OrderEvent.Kind.DELIVERED).count(),
        ),
        (1, 1),
    ),
    "billing.refresh_kivitendo": Work(kivitendo, lambda given: KivitendoCustomer.objects.count(), 1, frozen=True),
    "outofoffice.send": Work(
        confirmed_upload,
        lambda given: (list(UploadRow.objects.values_list("outcome", flat=True)), given.asked("OutOfOffice")),
        ([UploadRow.Outcome.SENT], 1),
    ),
    "registration.update_own": Work(
        due_registration,
        lambda given: (
            len(given.registry.bodies),
            OwnRegistrationEvent.objects.filter(kind=OwnRegistrationEvent.Kind.UPDATED).count(),
        ),
        (1, 1),
    ),
    "portal.resume_jobs": Work(
        job_given_up, lambda given: states(BillingRun), [(Job.State.FAILED, MAX_ATTEMPTS)], frozen=True
    ),
    "portal.start_due_runs": Work(
        due_month, lambda given: (BillingRun.objects.count(), RunStart.objects.count()), (1, 1), frozen=True
    ),
    "portal.send_mails": Work(waiting_mail, lambda given: len(mail.outbox), 1, frozen=True),
    "portal.plan_registration_mails": Work(
        copied_registration, lambda given: RegistrationMail.objects.count(), 1, frozen=True
    ),
    "portal.plan_readings": Work(night, lambda given: SyncRun.objects.count(), 4, frozen=True),
    "portal.plan_kivitendo": Work(kivitendo, lambda given: KivitendoCustomer.objects.count(), 0, frozen=True),
    "portal.plan_registration": Work(due_registration, lambda given: len(given.registry.bodies), 0),
    "portal.forget_requests": Work(old_tokens, lambda given: RegistrationToken.objects.count(), 0, frozen=True),
    "portal.seal_audit_log": Work(
        unsealed_row, lambda given: AuditRow.objects.filter(position=None).count(), 0, frozen=True
    ),
    "portal.heartbeat": Work(
        lambda given: ("ledger",), lambda given: list(Heartbeat.objects.values_list("name")), [("ledger",)], frozen=True
    ),
}
