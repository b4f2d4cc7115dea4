"""What is due, asked of the database. Called every few minutes; called twice at once it does no harm."""

from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Min, QuerySet

from billing.agreement_models import Agreement
from billing.agreements import agreements_in_force, has_ended
from billing.due import DueRun, MonthFacts, OwnTerms, RunFacts, Terms, due_runs
from billing.models import BillingRun
from billing.run_models import RunStart
from billing.starts import facts_of_runs
from common.jobs import Job, claimable, give_up_on
from common.months import Month
from tickets.models import Customer, SyncRun, TicketSystem
from tickets.waiting import next_of_each_system

PATIENCE = timedelta(minutes=1)
"""A job younger than this is about to be found by the message that was sent for it."""

LOOK_BACK_MONTHS = 6
"""So far back a month is made up for in which the portal was off."""


def jobs_to_resume(jobs: QuerySet[Any], *, now: datetime) -> list[int]:
    """Primary keys, oldest first, of those that nobody works on; fails the ones that were tried too often."""
    give_up_on(jobs.model, now=now)
    waiting = jobs.filter(claimable(now), created_at__lt=now - PATIENCE)
    return list(waiting.order_by("created_at", "pk").values_list("pk", flat=True))


def syncs_to_resume(*, now: datetime) -> list[int]:
    """The same for syncs, one of each ticket system that nobody reads: each sends the next one when it ends."""
    give_up_on(SyncRun, now=now)
    return next_of_each_system(syncs_on_their_own().filter(created_at__lt=now - PATIENCE), now=now)


def syncs_on_their_own() -> QuerySet[SyncRun]:
    """Without the months that an unfinished billing run reads itself: two would get into each other's way."""
    billing = BillingRun.objects.filter(state__in=(Job.State.QUEUED, Job.State.RUNNING), reads_first=True)
    return SyncRun.objects.exclude(agent__isnull=True, month__in=billing.values("month"))


def runs_due(*, now: datetime, day: int) -> list[DueRun]:
    """The billing runs to start, the oldest month first. ``day`` is that of billing, 0 for never, where no agreement
    names another one: that of the default agreement serves everybody without own terms.

    Looks back ``LOOK_BACK_MONTHS``, but never before the first month that the scheduler has ever started: a new portal
    begins with the latest month that is due.
    """
    latest = Month.of(now.astimezone(UTC).date())
    months = [latest.shift(-back) for back in range(LOOK_BACK_MONTHS, -1, -1)]
    zones = dict(_zones())
    system_of = dict(Customer.objects.filter(agreements__isnull=False).values_list("pk", "system"))
    for_all, for_one = _runs_of(months)
    everywhere = set(zones.values()) or {ZoneInfo(settings.TIME_ZONE)}
    due: list[DueRun] = []
    for month in months:
        agreements = agreements_in_force(month)
        terms = _terms(agreements.get(None), day=day)
        own = [
            OwnTerms(customer=customer, zone=zones[system_of[customer]], terms=_terms(agreement, day=terms.day))
            for customer, agreement in agreements.items()
            if customer is not None and system_of[customer] in zones and _has_own_terms(agreement, month)
        ]
        run, runs = for_all.get(month), for_one.get(month, {})
        due += due_runs(MonthFacts(month=month, terms=terms, own=own, run=run, runs=runs), everywhere, now=now)
    first = RunStart.objects.filter(by=RunStart.By.SCHEDULER).aggregate(first=Min("run__month"))["first"]
    begin = Month.of(first) if first else max((run.month for run in due), default=latest)
    return [run for run in due if run.month >= begin]


def _zones() -> Iterator[tuple[int, ZoneInfo]]:
    """Of the active ticket systems, by primary key."""
    for system in TicketSystem.objects.filter(active=True):
        yield system.pk, system.zone


def _has_own_terms(agreement: Agreement, month: Month) -> bool:
    is_billed = agreement.billed and not has_ended(agreement, month)
    return is_billed and bool(agreement.billing_day or agreement.grace_days)


def _terms(agreement: Agreement | None, *, day: int) -> Terms:
    """Of the agreement, with ``day`` where it names none. The default one says nothing of the period of others."""
    if agreement is None:
        return Terms(day=day)
    period = 1 if agreement.is_default else agreement.period_months
    return Terms(day=agreement.billing_day or day, grace_days=agreement.grace_days, period_months=period)


def _runs_of(months: Collection[Month]) -> tuple[dict[Month, RunFacts], dict[Month, dict[int, RunFacts]]]:
    """The runs over all customers by month, and those for one customer by month and customer."""
    found = list(BillingRun.objects.filter(month__in=[month.first_day for month in months]))
    facts = facts_of_runs(found)
    for_all: dict[Month, RunFacts] = {}
    for_one: dict[Month, dict[int, RunFacts]] = {}
    for run in found:
        if run.customer_id is None:
            for_all[Month.of(run.month)] = facts[run.pk]
        else:
            for_one.setdefault(Month.of(run.month), {})[run.customer_id] = facts[run.pk]
    return for_all, for_one
