"""What is due, asked of the database. Called every few minutes; called twice at once it does no harm."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Min, QuerySet

from billing.agreement_models import Agreement
from billing.agreements import agreements_of_months, has_ended
from billing.due import DueRun, MonthFacts, OwnTerms, RunFacts, Terms, due_runs, moments_of
from billing.models import BillingRun
from billing.run_models import RunStart
from billing.starts import facts_of_runs
from common.jobs import Job, claimable, give_up_on
from common.months import Month
from registration.own_texts import hold
from tickets.models import Customer, SyncRun, TicketSystem
from tickets.outbox import due
from tickets.outbox_models import OutboxItem
from tickets.waiting import next_of_each_system

PATIENCE = timedelta(minutes=1)
"""A job younger than this is about to be found by the message that was sent for it."""

LOOK_BACK_MONTHS = 6
"""So far back a month is made up for in which the portal was off."""

LOOK_AHEAD_MONTHS = 5
"""A quarter that has just begun is drafted in its fourth month, and after two months of grace at the latest."""


def jobs_to_resume(jobs: QuerySet[Any], *, now: datetime) -> list[int]:
    """Primary keys, oldest first, of those that nobody works on; fails the ones that were tried too often."""
    give_up_on(jobs.model, now=now)
    waiting = jobs.filter(claimable(now), created_at__lt=now - PATIENCE)
    return list(waiting.order_by("created_at", "pk").values_list("pk", flat=True))


def syncs_to_resume(*, now: datetime) -> list[int]:
    """The same for syncs, one of each ticket system that nobody reads: each sends the next one when it ends."""
    give_up_on(SyncRun, now=now)
    return next_of_each_system(syncs_on_their_own().filter(created_at__lt=now - PATIENCE), now=now)


def outboxes_to_empty(*, now: datetime) -> list[int]:
    """Ticket systems, by key, into which something is to be written now; fails what was tried too often."""
    give_up_on(OutboxItem, now=now)
    waiting = due(now).filter(created_at__lt=now - PATIENCE, system__active=True)
    return sorted(set(waiting.order_by().values_list("system", flat=True)))


def syncs_on_their_own() -> QuerySet[SyncRun]:
    """Without the months that an unfinished billing run reads itself: two would get into each other's way."""
    billing = BillingRun.objects.filter(state__in=(Job.State.QUEUED, Job.State.RUNNING), reads_first=True)
    return SyncRun.objects.exclude(agent__isnull=True, month__in=billing.values("month"))


def runs_due(*, now: datetime, day: int) -> list[DueRun]:
    """The billing runs to start, the oldest month first. ``day`` is that of billing, 0 for never, where no agreement
    names another one: that of the default agreement serves everybody without own terms.

    Looks back ``LOOK_BACK_MONTHS``, but never before the first month that the scheduler has ever started: a new portal
    begins with the latest month that is due. None is due while the portal's own registration is expired.
    """
    if hold(now=now):
        return []
    latest = _month_of(now)
    return read_plan(latest.shift(-LOOK_BACK_MONTHS), latest, day=day).due(now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All that decides which runs are due, as it stands: asked for another moment, it needs no database."""

    months: Sequence[MonthFacts]
    """The oldest first."""
    zones: Collection[ZoneInfo]
    first: Month | None
    """The first month that the scheduler has ever started."""

    def due(self, now: datetime) -> list[DueRun]:
        """The runs to start at ``now``, the oldest month first."""
        latest = _month_of(now)
        due: list[DueRun] = []
        for facts in self.months:
            if latest.shift(-LOOK_BACK_MONTHS) <= facts.month <= latest:
                due += due_runs(facts, self.zones, now=now)
        begin = self.first or max((run.month for run in due), default=latest)
        return [run for run in due if run.month >= begin]

    def next(self, now: datetime) -> tuple[datetime, list[DueRun]] | None:
        """The first moment from ``now`` on at which something is due, and what; ``None`` where nothing will be."""
        moments = {now, *(at for facts in self.months for at in moments_of(facts, self.zones) if at > now)}
        found = ((at, self.due(at)) for at in sorted(moments))
        return next(((at, due) for at, due in found if due), None)


def read_plan(first: Month, last: Month, *, day: int) -> Plan:
    """What is known of the months from ``first`` to ``last``."""
    months = [first.shift(places) for places in range((last.year - first.year) * 12 + last.month - first.month + 1)]
    zones = dict(_zones())
    system_of = dict(Customer.objects.filter(agreements__isnull=False).values_list("pk", "system"))
    for_all, for_one = _runs_of(months)
    found: list[MonthFacts] = []
    for month, agreements in agreements_of_months(months).items():
        terms = _terms(agreements.get(None), day=day)
        own = [
            OwnTerms(customer=customer, zone=zones[system_of[customer]], terms=_terms(agreement, day=terms.day))
            for customer, agreement in agreements.items()
            if customer is not None and system_of[customer] in zones and _has_own_terms(agreement, month)
        ]
        run, runs = for_all.get(month), for_one.get(month, {})
        found.append(MonthFacts(month=month, terms=terms, own=own, run=run, runs=runs))
    by_scheduler = RunStart.objects.filter(by=RunStart.By.SCHEDULER).aggregate(first=Min("run__month"))["first"]
    return Plan(
        months=found,
        zones=set(zones.values()) or {ZoneInfo(settings.TIME_ZONE)},
        first=Month.of(by_scheduler) if by_scheduler else None,
    )


def next_runs(*, now: datetime, day: int) -> tuple[datetime, list[DueRun]] | None:
    """When the scheduler starts runs next, as things stand, and which; ``None`` where it never will.

    A moment that is past already means: at its next look, within minutes. Says nothing of ``hold``.
    """
    latest = _month_of(now)
    return read_plan(latest.shift(-LOOK_BACK_MONTHS), latest.shift(LOOK_AHEAD_MONTHS), day=day).next(now)


def _month_of(now: datetime) -> Month:
    return Month.of(now.astimezone(UTC).date())


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
