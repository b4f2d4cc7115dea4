"""The starts of runs: who asked for what, how it ended, and stopping one that waits or works."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from audit.actions import Action
from audit.recording import record
from billing.due import DueRun, RunFacts, is_settled
from billing.models import BillingRun
from billing.run_models import RunStart
from common.jobs import Job, requeue, withdraw
from common.months import Month
from tickets.models import AnyUser, Customer

Row = dict[str, Any]


class StartRefused(Exception):
    """Nothing was started or stopped; the text says why and what to do."""


class RunCancelled(Exception):
    """A person has stopped the run; the text says who."""


def ask_for_run(
    *,
    month: Month,
    customer: Customer | None,
    reads_first: bool,
    by: RunStart.By,
    user: AnyUser | None,
    now: datetime,
) -> BillingRun:
    """The one run of this month and scope, queued with a new start. One that is being worked on is left as it is."""
    with transaction.atomic():
        run, created = _locked_run(month, customer.pk if customer else None, now=now)
        if created or requeue(run, now=now):
            _begin(run, by=by, user=user, reads_first=reads_first, now=now)
    return run


def ask_for_due_run(due: DueRun, *, now: datetime) -> BillingRun | None:
    """The run, queued by the scheduler; ``None`` when it was started or done by somebody else meanwhile."""
    with transaction.atomic():
        run, created = _locked_run(due.month, due.customer, now=now)
        if not created and (is_settled(facts_of_runs([run])[run.pk], due.at, now=now) or not requeue(run, now=now)):
            return None
        _begin(
            run, by=RunStart.By.SCHEDULER, user=None, reads_first=True, now=now, left_out=_left_out_rows(due.left_out)
        )
    return run


def retry_failed(run: BillingRun, *, user: AnyUser | None, now: datetime) -> BillingRun:
    """Queue the run once more for the customers that failed, over the mirror as it stands.

    Raises ``StartRefused`` where nobody failed, where the run was not done to its end, and while it is on its way.
    """
    with transaction.atomic():
        run = BillingRun.objects.select_for_update(no_key=True, of=("self",)).get(pk=run.pk)
        last = run.starts.first()
        if run.is_active:
            raise StartRefused(_("The run for %(month)s is on its way. Wait until it has ended.") % {"month": run})
        if not run.failures:
            raise StartRefused(_("No customer failed in the run for %(month)s.") % {"month": run})
        if last is not None and last.cancelled_at is not None:
            text = _("The run for %(month)s was stopped before its end. Start it again for all customers.")
            raise StartRefused(text % {"month": run})
        requeue(run, now=now)
        by = RunStart.By.PERSON if user else RunStart.By.COMMAND
        left_out = last.left_out if last is not None else []
        failed = _keys_of(run.failures)
        _begin(run, by=by, user=user, reads_first=False, now=now, left_out=left_out, failed=failed)
    return run


def cancel_run(run: BillingRun, *, user: AnyUser | None, now: datetime) -> BillingRun:
    """Stop the run: at once where it waits, else before the next customers. What is drafted stays.

    Raises ``StartRefused`` when it is over.
    """
    with transaction.atomic():
        run = BillingRun.objects.select_for_update(no_key=True, of=("self",)).get(pk=run.pk)
        if not run.is_active:
            raise StartRefused(_("The run for %(month)s is over already.") % {"month": run})
        start = open_start(run)
        RunStart.objects.filter(pk=start.pk, cancelled_at=None).update(
            cancelled_at=now, cancelled_by_id=user.pk if user else None
        )
        start.refresh_from_db()
        record(Action.RUN_CANCELLED, target=run, user=user, now=now)
        error = cancelled_text(start)
        if withdraw(run, error=error, now=now):
            end_start(start, state=Job.State.FAILED, complete=False, error=error, now=now)
    return run


def open_start(run: BillingRun) -> RunStart:
    """The start that the run is working on; one that was queued before there were starts gets its own now."""
    found = RunStart.objects.filter(run=run, ended_at=None).first()
    by = RunStart.By.PERSON if run.started_by_id else RunStart.By.COMMAND
    return found or RunStart.objects.create(run=run, by=by, user_id=run.started_by_id, at=run.requested_at)


def refuse_cancelled(start: RunStart) -> None:
    """Raises ``RunCancelled`` when a person has stopped this start."""
    start.refresh_from_db(fields=["cancelled_at", "cancelled_by"])
    if start.cancelled_at is not None:
        raise RunCancelled(cancelled_text(start))


def cancelled_text(start: RunStart) -> str:
    """The sentence for a start that was stopped."""
    who = start.cancelled_by.get_username() if start.cancelled_by else _("a command")
    text = _("The run was stopped by %(who)s. What was drafted until then stays; start it again for the rest.")
    return text % {"who": who}


def end_start(start: RunStart, *, state: str, complete: bool, error: str, now: datetime, **results: Any) -> bool:
    """Write how the start ended; ``False`` when its end is written already."""
    values = results | {"state": state, "complete": complete, "error": error, "ended_at": now}
    return RunStart.objects.filter(pk=start.pk, ended_at=None).update(**values) == 1


def facts_of_runs(runs: Sequence[BillingRun]) -> dict[int, RunFacts]:
    """What the planner asks of each run, by primary key; one query."""
    starts: dict[int, list[RunStart]] = {run.pk: [] for run in runs}
    for start in RunStart.objects.filter(run__in=starts).order_by("at", "pk").defer("failures", "problems"):
        starts[start.run_id].append(start)
    return {run.pk: _facts(run, starts[run.pk]) for run in runs}


def left_out_keys(start: RunStart) -> set[int]:
    """Primary keys of the customers that this start leaves for later."""
    return {row["pk"] for row in start.left_out}


def _facts(run: BillingRun, starts: Sequence[RunStart]) -> RunFacts:
    last = starts[-1] if starts else None
    return RunFacts(
        requested_at=run.requested_at,
        is_active=run.is_active,
        complete=run.complete,
        finished_at=run.finished_at,
        cancelled=last is not None and last.cancelled_at is not None,
        starts=sum(start.by == RunStart.By.SCHEDULER for start in starts),
        left_out=frozenset(left_out_keys(last)) if last is not None else frozenset(),
    )


def _locked_run(month: Month, customer: int | None, *, now: datetime) -> tuple[BillingRun, bool]:
    """The run of this month and scope, and whether it is new; locked until the transaction ends."""
    scope: dict[str, Any] = {"month": month.first_day, "customer_id": customer}
    found, created = BillingRun.objects.get_or_create(**scope, defaults={"requested_at": now})
    locked = BillingRun.objects.select_for_update(no_key=True, of=("self",)).select_related("customer")
    return locked.get(pk=found.pk), created


def _begin(
    run: BillingRun,
    *,
    by: RunStart.By,
    user: AnyUser | None,
    reads_first: bool,
    now: datetime,
    left_out: Sequence[Row] = (),
    failed: Sequence[int] | None = None,
) -> None:
    """Write the new start of a run that is queued. A start that was still open never came to its end."""
    user_id = user.pk if user else None
    run.reads_first, run.started_by_id, run.requested_at = reads_first, user_id, now
    run.save(update_fields=["reads_first", "started_by", "requested_at"])
    RunStart.objects.filter(run=run, ended_at=None).update(
        ended_at=now, error=_("Started anew before it had come to its end.")
    )
    RunStart.objects.create(
        run=run,
        by=by,
        user_id=user_id,
        at=now,
        left_out=list(left_out),
        only_failed=failed is not None,
        customers=list(failed or ()),
    )
    record(Action.RUN_STARTED, target=run, text=by.value, user=user, now=now)


def _keys_of(failures: Iterable[Mapping[str, Any]]) -> list[int]:
    """Of the customers that failed; a row from before the key was kept names the CustomerID only."""
    failed = list(failures)
    keys = {row["pk"] for row in failed if "pk" in row}
    unnamed = [row["customer_id"] for row in failed if "pk" not in row]
    if unnamed:
        keys |= set(Customer.objects.filter(customer_id__in=unnamed).values_list("pk", flat=True))
    return sorted(keys)


def _left_out_rows(left_out: Iterable[tuple[int, Any]]) -> list[Row]:
    days = dict(left_out)
    customers = Customer.objects.in_bulk(days)
    rows = [
        {"pk": pk, "customer_id": customers[pk].customer_id, "customer": customers[pk].name, "day": day.isoformat()}
        for pk, day in days.items()
        if pk in customers
    ]
    return sorted(rows, key=lambda row: (row["day"], row["customer_id"], row["pk"]))
