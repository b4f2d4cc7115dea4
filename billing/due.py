"""Which runs are due, worked out from facts alone; ``portal.schedule`` asks the database for them.

A period of an agreement is drafted on its day of the month after the period, and not before its days of grace have
passed. Days begin at midnight in the zone of the customer's ticket system; a month without the day has it on its last.
"""

from calendar import monthrange
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from common.months import Month

AGAIN = timedelta(hours=6)
"""How long after a run that ended incomplete the scheduler starts it once more."""
MOST_STARTS = 28
"""So often, for a week that is, the scheduler starts one run in vain; then a person has to look."""
LONG_AGO = timedelta(days=31)
"""What a complete run has taken is not run again for a day that lies further back: the agreement has changed since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """When a period is drafted: ``day`` of the month (0: never by itself), and days after its end that pass before."""

    day: int
    grace_days: int = 0
    period_months: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnTerms:
    """Of a customer whose agreement names a day or days of grace."""

    customer: int
    zone: ZoneInfo
    terms: Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What is known of a run that exists."""

    requested_at: datetime
    is_active: bool
    complete: bool
    finished_at: datetime | None
    cancelled: bool = False
    """Whether a person has stopped its latest start."""
    starts: int = 0
    """How often the scheduler has started it."""
    left_out: frozenset[int] = frozenset()
    """Customers that its latest start left for later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthFacts:
    month: Month
    terms: Terms
    """Of everybody without own ones."""
    own: Sequence[OwnTerms] = ()
    run: RunFacts | None = None
    """The run over all customers."""
    runs: Mapping[int, RunFacts] = field(default_factory=dict)
    """The runs for one customer, by customer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DueRun:
    """A run to start: since when it is due and, of one over all customers, who is left for later and until when."""

    month: Month
    customer: int | None
    at: datetime
    left_out: tuple[tuple[int, date], ...] = ()


def due_day(month: Month, terms: Terms) -> date | None:
    """The day on which the period that ends with ``month`` is drafted; ``None`` for never, or inside of a period."""
    if not terms.day or month.month % terms.period_months:
        return None
    after = month.next
    day = after.first_day.replace(day=min(terms.day, monthrange(after.year, after.month)[1]))
    return max(day, month.end_day + timedelta(days=terms.grace_days))


def due_at(month: Month, terms: Terms, zone: ZoneInfo) -> datetime | None:
    """The first instant of that day in ``zone``."""
    day = due_day(month, terms)
    return None if day is None else datetime(day.year, day.month, day.day, tzinfo=zone)


def is_settled(run: RunFacts | None, due: datetime, *, now: datetime) -> bool:
    """Whether the scheduler leaves the run of this scope as it is.

    One that was asked for before its day counts only while it is worked on. One that ended incomplete is due again
    after ``AGAIN``, ``MOST_STARTS`` times in all; one that a person has stopped is left to people.
    """
    if run is None:
        return False
    if run.is_active:
        return True
    if not _asked_in_time(run, due, now=now):
        return False
    just_ended = run.finished_at is not None and run.finished_at > now - AGAIN
    return run.complete or run.cancelled or just_ended or run.starts >= MOST_STARTS


def due_runs(facts: MonthFacts, zones: Collection[ZoneInfo], *, now: datetime) -> list[DueRun]:
    """The runs of the month to start now: the one over all customers once its day has come in all ``zones``, and
    those of customers with own terms whom it does not take.
    """
    found: list[DueRun] = []
    moments = [at for zone in zones if (at := due_at(facts.month, facts.terms, zone)) is not None]
    at_for_all = max(moments) if moments else None
    all_are_due = at_for_all is not None and at_for_all <= now
    if at_for_all is not None and all_are_due and not is_settled(facts.run, at_for_all, now=now):
        return [DueRun(month=facts.month, customer=None, at=at_for_all, left_out=_not_yet_due(facts, now=now))]
    for own in facts.own:
        at = due_at(facts.month, own.terms, own.zone)
        if at is None or at > now or _takes(facts.run, own.customer, at, now=now, is_scheduled=all_are_due):
            continue
        if not is_settled(facts.runs.get(own.customer), at, now=now):
            found.append(DueRun(month=facts.month, customer=own.customer, at=at))
    return found


def moments_of(facts: MonthFacts, zones: Collection[ZoneInfo]) -> set[datetime]:
    """The moments at which the answer of ``due_runs`` for this month may change while nothing else does."""
    days = {due_at(facts.month, facts.terms, zone) for zone in zones}
    days |= {due_at(facts.month, own.terms, own.zone) for own in facts.own}
    runs = [*facts.runs.values(), *([facts.run] if facts.run is not None else [])]
    again = {run.finished_at + AGAIN for run in runs if run.finished_at is not None}
    return {at for at in days if at is not None} | again


def _asked_in_time(run: RunFacts, due: datetime, *, now: datetime) -> bool:
    return run.requested_at >= due or (run.complete and due < now - LONG_AGO)


def _takes(run: RunFacts | None, customer: int, due: datetime, *, now: datetime, is_scheduled: bool) -> bool:
    """Whether the run over all customers, done or to be done by the scheduler, sees to this one's day."""
    if run is None or customer in run.left_out or not _asked_in_time(run, due, now=now):
        return False
    return run.complete or run.is_active or is_scheduled


def _not_yet_due(facts: MonthFacts, *, now: datetime) -> tuple[tuple[int, date], ...]:
    later = []
    for own in facts.own:
        day, at = due_day(facts.month, own.terms), due_at(facts.month, own.terms, own.zone)
        if day is not None and at is not None and at > now:
            later.append((own.customer, day))
    return tuple(later)
