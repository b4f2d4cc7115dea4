"""Sync: one month of one ticket system, or of one agent in it, is read; only what was read to the end is written."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.contrib.auth.models import User
from django.db import DatabaseError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from audit.actions import Action
from audit.recording import record
from common import jobs
from common.fields import DecryptionError
from common.jobs import Job, JobStopped, LeaseLost, released_at_time_limit
from common.months import Month
from common.progress import OnStep
from generic_interface.client import Client
from generic_interface.errors import AuthenticationFailed, InterfaceError
from tickets.connect import open_client
from tickets.mirror import MoreTicketsNeeded, Outcome, write_month, write_window
from tickets.models import Agent, SyncRun, TicketSystem
from tickets.queries import agent_totals, known_before, lock_system, month_totals
from tickets.reading import read_month, read_more
from tickets.snapshot import MonthSnapshot, SyncStopped
from tickets.waiting import fail_waiting
from tickets.windows import login_of, read_window

Clock = Callable[[], datetime]
ClientFactory = Callable[[TicketSystem], Client]
ACTIVE = (Job.State.QUEUED, Job.State.RUNNING)
RENEWAL = timedelta(seconds=15)
"""How long a lease is left as it is between two signs of life."""
NOTHING_WRITTEN: dict[str, object] = {
    "tickets": 0,
    "entries": 0,
    "minutes": Decimal(0),
    "entries_new": 0,
    "entries_moved": 0,
    "entries_gone": 0,
    "problems": [],
}


class SyncBusy(Exception):
    """The run cannot be worked on now; the text says why."""


def start_sync(
    *,
    system: TicketSystem,
    month: Month,
    agent: Agent | None = None,
    user: User | None = None,
    now: datetime | None = None,
    losses_accepted: str = "",
) -> SyncRun:
    """The waiting or running sync of the month, or a new waiting one. Twice, also at once, gives the same run.

    With ``agent``, one of the system, it is about this agent's time of the month alone. One whose worker died waits
    again, also where that has happened too often for the scheduler to go on with it. Raises ``LoginNeeded``.
    ``losses_accepted``: why a person accepts that known time is gone; for a run that nobody has begun yet.
    """
    if agent is not None:
        login_of(agent)
    with transaction.atomic():
        lock_system(system.pk)
        about = {"system": system, "month": month.first_day, "agent": agent}
        active = SyncRun.objects.filter(**about, state__in=ACTIVE).first()
        if active is None:
            if losses_accepted:
                _record_acceptance(system, month, losses_accepted, user)
            return SyncRun.objects.create(**about, started_by=user, losses_accepted=losses_accepted)
        if active.state == Job.State.RUNNING:
            jobs.requeue(active, now=now or timezone.now())
        if losses_accepted and active.state == Job.State.QUEUED:
            active.losses_accepted, active.started_by = losses_accepted, user
            active.save(update_fields=["losses_accepted", "started_by"])
            _record_acceptance(system, month, losses_accepted, user)
        return active


def _record_acceptance(system: TicketSystem, month: Month, reason: str, user: User | None) -> None:
    record(Action.LOSSES_ACCEPTED, target=system, text=f"{month}: {reason}", user=user)


def sync_month(
    *,
    system: TicketSystem,
    month: Month,
    agent: Agent | None = None,
    user: User | None = None,
    clock: Clock = timezone.now,
    make_client: ClientFactory = open_client,
    on_progress: OnStep | None = None,
    accept_losses: bool = False,
) -> SyncRun:
    """Start and run in one go; see ``run_sync``."""
    run = start_sync(system=system, month=month, agent=agent, user=user, now=clock())
    return run_sync(run, clock=clock, make_client=make_client, on_progress=on_progress, accept_losses=accept_losses)


def run_sync(
    run: SyncRun,
    *,
    clock: Clock = timezone.now,
    make_client: ClientFactory = open_client,
    on_progress: OnStep | None = None,
    accept_losses: bool = False,
) -> SyncRun:
    """Read what the run is about and bring the mirror to it; the run tells how it ended.

    ``DONE`` and ``complete``: everything was read (by an agent's run: this agent's time). ``PARTLY``: written, but
    ``problems`` name gaps. ``FAILED``: the mirror is as it was, ``error`` says why; so it is when a person stops it on
    the page, or interrupts it, and the interruption is raised again.
    ``accept_losses``: a person has confirmed that known time is gone; so has one whose reason the run holds.
    Raises ``SyncBusy`` when the run is not free, and ``LeaseLost`` when another worker took it over meanwhile.
    """
    now = clock()
    _claim(run, now=now)
    work = _Work(
        run=run,
        clock=clock,
        on_progress=on_progress,
        accept_losses=accept_losses or bool(run.losses_accepted),
        started=time.monotonic(),
        reported_at=now,
    )
    try:
        system = TicketSystem.objects.get(pk=run.system_id)
        with released_at_time_limit(run, clock=clock), make_client(system) as client:
            client.on_request = work.renew
            work.read_and_write(client, system)
    except (InterfaceError, SyncStopped, DecryptionError) as error:
        work.close(Job.State.FAILED, error=str(error))
        if isinstance(error, AuthenticationFailed):
            fail_waiting(run.system_id, error=str(error), now=clock())
    except JobStopped as stopped:
        work.close(Job.State.FAILED, error=f"{stopped} {_('Nothing was changed.')}")
    except DatabaseError as error:
        reason = str(error).partition("\n")[0]
        text = _("The database did not take what was read (%(reason)s). Nothing was changed. Run the sync again.")
        work.close(Job.State.FAILED, error=text % {"reason": reason})
    except KeyboardInterrupt:
        with suppress(LeaseLost):
            work.close(Job.State.FAILED, error=_("Interrupted. Nothing was changed."))
        raise
    return run


def _claim(run: SyncRun, *, now: datetime) -> None:
    """One sync of a system at a time: an older reading must never be written over a newer one."""
    with transaction.atomic():
        lock_system(run.system_id)
        others = SyncRun.objects.filter(system=run.system_id, state=Job.State.RUNNING, lease_until__gte=now)
        if other := others.exclude(pk=run.pk).first():
            raise SyncBusy(
                _("%(month)s is being read from this ticket system at the moment. Try again when that has ended.")
                % {"month": Month.of(other.month)}
            )
        if not jobs.claim(run, now=now):
            raise SyncBusy(_("This sync has ended already, or another worker is at it."))


def _refuse_old(run: SyncRun) -> None:
    """A worker that was suspended may find that something else was read and written since; its own reading is older."""
    written = SyncRun.objects.written().filter(system=run.system_id, finished_at__gt=run.started_at)
    if newer := written.first():
        raise SyncStopped(
            _(
                "%(month)s was read from this ticket system after this sync had started, so what it has read may be "
                "out of date. Nothing was changed. Run the sync again."
            )
            % {"month": Month.of(newer.month)}
        )


@dataclass(slots=True, kw_only=True)
class _Work:
    """One claimed run on its way."""

    run: SyncRun
    clock: Clock
    on_progress: OnStep | None
    accept_losses: bool
    started: float
    requests: int = 0
    reported_at: datetime

    def read_and_write(self, client: Client, system: TicketSystem) -> None:
        try:
            snapshot = self.read(client, system)
            while needed := self.write(client, system, snapshot):
                snapshot = read_more(client, snapshot, needed, system=system, on_step=self.report)
        finally:
            self.requests = client.requests_made

    def read(self, client: Client, system: TicketSystem) -> MonthSnapshot:
        month, agent = Month.of(self.run.month), self.run.agent
        if agent is not None:
            return read_window(client, system=system, agent=agent, month=month, on_step=self.report)
        return read_month(
            client,
            system=system,
            month=month,
            known=known_before(system, month),
            now=self.clock(),
            on_step=self.report,
            accept_losses=self.accept_losses,
        )

    def write(self, client: Client, system: TicketSystem, snapshot: MonthSnapshot) -> frozenset[str]:
        """Write and close the run in one transaction, or write nothing and return what must be read before."""
        self.report(_("Writing"), 0, 0)
        self.requests = client.requests_made
        try:
            with transaction.atomic():
                lock_system(system.pk)
                system.refresh_from_db(fields=["minutes_per_unit"])  # time may have been counted anew meanwhile
                _refuse_old(self.run)
                write = write_month if self.run.agent_id is None else write_window
                outcome = write(system, snapshot, now=self.clock(), accept_losses=self.accept_losses)
                self.run.refresh_from_db(fields=["agent"])  # it may have turned out to be the same as another one
                self.close_written(system, outcome)
        except MoreTicketsNeeded as needed:
            return needed.ticket_ids
        return frozenset()

    def report(self, step: str, done: int, total: int) -> None:
        self.reported_at = self.clock()
        jobs.refuse_stopped(self.run)
        jobs.report(self.run, step=step, done=done, total=total, now=self.reported_at)
        if self.on_progress is not None:
            self.on_progress(step, done, total)

    def renew(self) -> None:
        """Keep the lease through many or slow answers between two steps."""
        now, run = self.clock(), self.run
        if now - self.reported_at >= RENEWAL:
            self.reported_at = now
            jobs.refuse_stopped(run)
            jobs.report(run, step=run.step, done=run.progress_done, total=run.progress_total, now=now)

    def close_written(self, system: TicketSystem, outcome: Outcome) -> None:
        gaps, notes = outcome.findings.gaps, outcome.findings.notes
        error = ngettext(
            "%(count)d thing is missing or contradictory, so the month is not known to be complete.",
            "%(count)d things are missing or contradictory, so the month is not known to be complete.",
            len(gaps),
        ) % {"count": len(gaps)}
        month, agent = Month.of(self.run.month), self.run.agent_id
        totals = month_totals(system, month) if agent is None else agent_totals(agent, month)
        self.close(
            Job.State.PARTLY if gaps else Job.State.DONE,
            error=error if gaps else "",
            entries_new=outcome.inserted,
            entries_moved=outcome.moved,
            entries_gone=outcome.gone,
            problems=[*gaps, *notes],
            **totals._asdict(),
        )

    def close(self, state: Job.State, *, error: str, **numbers: object) -> None:
        """End the run; ``LeaseLost`` takes the numbers back as well."""
        run = self.run
        seconds = Decimal(f"{time.monotonic() - self.started:.3f}")
        values = NOTHING_WRITTEN | numbers | {"requests": self.requests, "seconds": seconds}
        for name, value in values.items():
            setattr(run, name, value)
        with transaction.atomic():
            run.save(update_fields=list(values))
            jobs.finish(run, state=state, complete=state == Job.State.DONE, error=error, now=self.clock())


def last_written_sync(system: TicketSystem, month: Month) -> SyncRun | None:
    """The sync that the mirror's content of the month comes from; failed ones have written nothing."""
    runs = SyncRun.objects.of_months().written().filter(system=system, month=month.first_day)
    return runs.order_by("-finished_at", "-pk").first()


def latest_complete_sync(system: TicketSystem, month: Month) -> SyncRun | None:
    """The sync that makes the month known as complete; ``None`` when there is none or a later one left gaps."""
    run = last_written_sync(system, month)
    return run if run is not None and run.complete else None


def is_final(run: SyncRun) -> bool:
    """Complete, and started when the month was over in the ticket system's zone."""
    end = Month.of(run.month).end(run.system.zone)
    return run.complete and run.started_at is not None and run.started_at >= end
