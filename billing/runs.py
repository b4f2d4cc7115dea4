"""Billing runs: read the ticket systems, then bring the month's draft orders up to date.

Everything may be done twice. A run that was killed is claimed again when its lease is over and ends with the same
orders as an undisturbed one, because what already stands is found unchanged.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing.agreements import agreements_in_force
from billing.claims import customers_holding_others_time, customers_to_bill
from billing.closed_months import why_closed
from billing.completeness import billed_systems, mirrored_by, no_system, sync_problem
from billing.differences import approved_but_gone
from billing.ledger import Failure, Plan, Writing, bill_customers, chunks
from billing.models import BillingRun
from billing.numbers import order_numbers
from billing.plans import Change
from billing.run_mails import plan_mails
from billing.run_models import RunStart
from billing.self_approval import approve_by_agreement
from billing.starts import RunCancelled, ask_for_run, end_start, left_out_keys, open_start, refuse_cancelled
from common.jobs import Job, claim, finish, give_up_on, report
from common.months import Month
from common.progress import OnStep, named
from generic_interface.client import Client
from tickets.connect import open_client
from tickets.models import AnyUser, Customer, SyncRun, TicketSystem
from tickets.sync import SyncBusy, is_final, run_sync, start_sync

LONGEST_STEP = 200
PAST_DRAFT = (Change.EMPTIED, Change.CLOSED)
"""No draft stands after these."""
PAUSE_SECONDS, MOST_PAUSES = 3.0, 200
"""How often and how long a run looks whether another reading of a ticket system has ended: ten minutes in all."""


class RunBusy(Exception):
    """The run cannot be worked on now; the text says why and what to do."""


@dataclass(slots=True)
class Reading:
    """What is known of the ticket systems; without problems the month is known to be complete."""

    problems: list[str] = field(default_factory=list)
    anything: bool = False
    """Whether at least one system was read completely, be it before the month's end."""


@dataclass(slots=True)
class Tally:
    """What became of each customer, by primary key."""

    changes: dict[int, Change] = field(default_factory=dict)
    failures: dict[int, Failure] = field(default_factory=dict)
    approved: int = 0
    notes: list[str] = field(default_factory=list)
    """What needs a person's look although the data are complete."""

    def add(self, plan: Plan) -> None:
        """A customer may come twice: first to let go of others' time, then to be billed."""
        for item in plan.orders:
            self.failures.pop(item.customer.pk, None)
            if item.change is not Change.UNCHANGED:
                self.changes[item.customer.pk] = item.change
            else:
                self.changes.setdefault(item.customer.pk, item.change)
        self.failures |= {failure.customer.pk: failure for failure in plan.failures}

    def count(self, *changes: Change) -> int:
        return sum(change in changes for change in self.changes.values())


def start_run(
    *,
    month: Month,
    customer: Customer | None = None,
    reads_first: bool = True,
    user: AnyUser | None = None,
    now: datetime,
) -> BillingRun:
    """The one run of this month and scope, ready for ``run_billing``. One that is being worked on is left as it is.

    One whose worker died is started anew, as it is asked for now; a mere resume goes straight to ``run_billing``.
    Without a ``user`` it is started by a command.
    """
    by = RunStart.By.PERSON if user else RunStart.By.COMMAND
    return ask_for_run(month=month, customer=customer, reads_first=reads_first, by=by, user=user, now=now)


def run_billing(
    run: BillingRun,
    *,
    clock: Callable[[], datetime] = timezone.now,
    make_client: Callable[[TicketSystem], Client] = open_client,
    on_progress: OnStep | None = None,
    sleep: Callable[[float], object] = time.sleep,
) -> BillingRun:
    """Do the run from start to end in this process and return it finished.

    A ticket system that is being read for something else is waited for, ``sleep`` (seconds) between two looks.
    Raises ``RunBusy`` when somebody else works on it or it is over, ``LeaseLost`` when another worker takes it over.
    """
    now = clock()
    if not claim(run, now=now):
        raise RunBusy(_why_busy(run, now=now))
    month, start = Month.of(run.month), open_start(run)

    def tell(step: str, done: int, total: int) -> None:
        report(run, step=step[:LONGEST_STEP], done=done, total=total, now=clock())
        if on_progress is not None:
            on_progress(step, done, total)

    reading, tally = Reading(), Tally()
    try:
        _read(reading, run, start, clock, make_client, tell, sleep)
        if closed := why_closed(month):
            reading.problems.append(closed)
        else:
            _bill(tally, run, start, complete=not reading.problems, clock=clock, tell=tell)
            if start.by == RunStart.By.SCHEDULER and not reading.problems:
                _approve(tally, run, clock=clock, tell=tell)
    except RunCancelled as cancelled:
        reading.problems.append(str(cancelled))
    return _close(run, start, reading, tally, now=clock())


def _why_busy(run: BillingRun, *, now: datetime) -> str:
    if run.state == Job.State.RUNNING and run.lease_until is not None and run.lease_until >= now:
        text = _("The run for %(month)s is being worked on. If its worker has died, it can be continued at %(time)s.")
        free_at = timezone.localtime(run.lease_until) + timedelta(seconds=1)
        return text % {"month": run, "time": f"{free_at:%H:%M:%S}"}
    return _("The run for %(month)s is over. Start it again to bring the drafts up to date.") % {"month": run}


def _read(
    reading: Reading,
    run: BillingRun,
    start: RunStart,
    clock: Callable[[], datetime],
    make_client: Callable[[TicketSystem], Client],
    tell: OnStep,
    sleep: Callable[[float], object],
) -> None:
    """Read the active systems, unless the run takes the mirror as it stands; a failing one does not stop the others.

    Raises ``RunCancelled`` between two of them.
    """
    month = Month.of(run.month)
    systems = billed_systems(month, run.customer)
    if not systems:
        reading.problems.append(no_system())
    for system in systems:
        refuse_cancelled(start)
        relay = named(str(system), tell)
        sync = None
        try:
            sync = _in_turn(partial(_read_system, run, system, month, clock, make_client, relay), relay, sleep)
            problem = sync_problem(system, month, sync)
        except SyncBusy as busy:
            problem = str(busy)
        reading.problems += [problem] if problem else []
        reading.anything = reading.anything or (sync is not None and sync.complete)


def _in_turn(read: Callable[[], SyncRun | None], tell: OnStep, sleep: Callable[[float], object]) -> SyncRun | None:
    """What ``read`` gives once nobody else reads the ticket system, agent by agent perhaps; ``SyncBusy`` when that does
    not come to an end.
    """
    for _pause in range(MOST_PAUSES):
        try:
            return read()
        except SyncBusy:
            tell(_("Waiting until another reading has ended"), 0, 0)
            sleep(PAUSE_SECONDS)
    return read()


def _read_system(
    run: BillingRun,
    system: TicketSystem,
    month: Month,
    clock: Callable[[], datetime],
    make_client: Callable[[TicketSystem], Client],
    tell: OnStep,
) -> SyncRun | None:
    """The reading that the run rests on: a new one, unless it takes the mirror as it stands or it was read already."""
    sync = mirrored_by(system, month)
    if not (run.reads_first and system.active) or _was_read_for(run, sync):
        return sync
    give_up_on(SyncRun, now=clock())  # else a sync that died too often would stand in the way for ever
    sync = start_sync(system=system, month=month, user=run.started_by)
    return run_sync(sync, clock=clock, make_client=make_client, on_progress=tell)


def _was_read_for(run: BillingRun, sync: SyncRun | None) -> bool:
    """Whether this run, before it was killed, or somebody since it was asked for has read the system to the end."""
    return sync is not None and sync.started_at is not None and sync.started_at >= run.requested_at and is_final(sync)


def _bill(
    tally: Tally,
    run: BillingRun,
    start: RunStart,
    *,
    complete: bool,
    clock: Callable[[], datetime],
    tell: OnStep,
) -> None:
    """Draft chunk by chunk; raises ``RunCancelled`` between two of them."""
    month = Month.of(run.month)
    holding = customers_holding_others_time(month, run.customer)
    to_bill = customers_to_bill(month, agreements_in_force(month), run.customer)
    customers = _asked_for(start, sorted({*to_bill, *holding}))
    work = chunks(_asked_for(start, holding)) + chunks(customers)
    numbers = order_numbers(month)
    done, total = 0, sum(map(len, work))
    for chunk in work:
        # A worker that has lost its lease stops here, before it writes.
        tell(_("Writing orders"), done, total)
        refuse_cancelled(start)
        writing = Writing(month=month, numbers=numbers, complete=complete, user=run.started_by_id, now=clock())
        tally.add(bill_customers(chunk, writing))
        done += len(chunk)
    tell(_("Orders written"), done, total)


def _asked_for(start: RunStart, customers: list[int]) -> list[int]:
    """Without those that are left for later; of a retry, those that had failed."""
    if start.only_failed:
        return [customer for customer in customers if customer in set(start.customers)]
    left_out = left_out_keys(start)
    return [customer for customer in customers if customer not in left_out]


def _approve(tally: Tally, run: BillingRun, *, clock: Callable[[], datetime], tell: OnStep) -> None:
    """Approve the drafts whose agreements say so; what cannot be is told and left to a person."""
    billed = sorted(customer for customer, change in tally.changes.items() if change not in PAST_DRAFT)
    for done, chunk in enumerate(chunks(billed)):
        tell(_("Approving what its agreement approves"), done * len(chunk), len(billed))
        approved, notes = approve_by_agreement(Month.of(run.month), chunk, now=clock())
        tally.approved += approved
        tally.notes += notes


def _close(run: BillingRun, start: RunStart, reading: Reading, tally: Tally, *, now: datetime) -> BillingRun:
    failures, month = _failures_left(run, start, tally), Month.of(run.month)
    counts = {
        "orders_new": tally.count(Change.NEW),
        "orders_changed": tally.count(Change.CHANGED, Change.EMPTIED),
        "orders_unchanged": tally.count(Change.UNCHANGED, Change.CLOSED),
    }
    told = {
        "failures": failures,
        "problems": reading.problems + tally.notes + approved_but_gone(month, run.customer),
    }
    before = {name: getattr(run, name) if start.only_failed else 0 for name in counts}
    results = told | {name: before[name] + count for name, count in counts.items()}
    for name, value in results.items():
        setattr(run, name, value)
    complete = not reading.problems and not failures
    anything_done = bool(tally.changes) or any(before.values())
    nothing_done = not anything_done and (bool(failures) or not reading.anything or bool(why_closed(month)))
    unfinished = Job.State.FAILED if nothing_done else Job.State.PARTLY
    state, error = Job.State.DONE if complete else unfinished, _summary(reading.problems, failures)
    with transaction.atomic():  # ``finish`` raises when the run belongs to another worker by now
        run.save(update_fields=list(results))
        finish(run, state=state, complete=complete, error=error, now=now)
        own = told | counts | {"orders_approved": tally.approved}
        end_start(start, state=state, complete=complete, error=run.error, now=now, **own)
        plan_mails(start, now=now)
    return run


def _failures_left(run: BillingRun, start: RunStart, tally: Tally) -> list[dict[str, Any]]:
    """Those of this start and, when a retry was stopped, of the customers that it did not come to."""
    found = [failure.as_json() | {"pk": failure.customer.pk} for failure in tally.failures.values()]
    refuse = start.only_failed and start.cancelled_at is not None
    tried = tally.failures.keys() | tally.changes.keys()
    return found + [failure for failure in run.failures if refuse and failure.get("pk") not in tried]


def _summary(problems: list[str], failures: list[dict[str, Any]]) -> str:
    sentences = list(problems)
    if failures:
        text = ngettext(
            "%(count)d customer could not be billed; the others were.",
            "%(count)d customers could not be billed; the others were.",
            len(failures),
        )
        sentences.append(text % {"count": len(failures)})
    return " ".join(sentences)
