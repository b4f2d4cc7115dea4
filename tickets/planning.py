"""Which readings are due at night. Asked every few minutes, so a night that was missed is caught up with."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from common.jobs import Job
from common.months import Month
from tickets.agent_twins import index_agents
from tickets.models import Agent, SyncRun, TicketSystem
from tickets.queries import lock_system

SUNDAY = 6
MONTHS_ON_SUNDAYS = 13
"""Besides the running one: a ticket that comes back after its deletion brings time of long ago."""
HOURS = range(24)


@dataclass(frozen=True, slots=True)
class DueReading:
    """All that a month needs or, with ``agent``, that agent's time of the month."""

    system: TicketSystem
    month: Month
    agent: Agent | None = None


def due_readings(now: datetime) -> list[DueReading]:
    """What was not read since the latest night, in the order in which it is read: of each active system the months,
    newest first, then the months of each agent with a login, departed ones too, where agents are a source of time.

    A night is the latest instant of ``settings.NIGHTLY_READING_HOUR`` in ``settings.TIME_ZONE``; another number than
    an hour of the day means never. The running month and those that ``look_back_days`` touch are due every night, the
    13 months before the running one since the latest Sunday's night. A system that was first read after that Sunday
    waits for the next one. Whoever has read in between has done the work of that night.
    """
    return [reading for system in TicketSystem.objects.filter(active=True) for reading in _due_of(system, now)]


def plan_readings(now: datetime) -> list[SyncRun]:
    """Create what is due as waiting runs and return the new ones; twice, also at once, creates them once."""
    created: list[SyncRun] = []
    for system in TicketSystem.objects.filter(active=True):
        if not _due_of(system, now):
            continue
        with transaction.atomic():
            lock_system(system.pk)
            due = _due_of(system, now)  # another planner may have been faster
            created += SyncRun.objects.bulk_create(
                [SyncRun(system=system, agent=each.agent, month=each.month.first_day) for each in due]
            )
    return created


def latest_night(now: datetime, *, weekday: int | None = None) -> datetime | None:
    """The latest instant (UTC) at which reading at night begins, of that weekday (Monday is 0) if it is given."""
    hour = settings.NIGHTLY_READING_HOUR
    if hour not in HOURS:
        return None
    local = timezone.localtime(now, timezone.get_default_timezone())
    day = local.date()
    while True:
        night = datetime.combine(day, time(hour), tzinfo=local.tzinfo).astimezone(UTC)
        if night <= now and weekday in (None, day.weekday()):
            return night
        day -= timedelta(days=1)


def _due_of(system: TicketSystem, now: datetime) -> list[DueReading]:
    night, sunday = latest_night(now), latest_night(now, weekday=SUNDAY)
    if night is None or sunday is None:
        return []
    runs = SyncRun.objects.filter(system=system)
    done_since = {since: _done_since(system, since) for since in {night, sunday}}
    months = dict.fromkeys(_months(system, now, first=system.looked_back_to(now.astimezone(system.zone).date())), night)
    if runs.filter(created_at__lt=sunday).exists():
        far = Month.of(now.astimezone(system.zone)).shift(-MONTHS_ON_SUNDAYS)
        months = dict.fromkeys(_months(system, now, first=far), sunday) | months
    newest_first = sorted(months, reverse=True)
    agents = agents_to_ask(system) if system.time_source != TicketSystem.TimeSource.HISTORY else []
    due = [(month, agent) for agent in [None, *agents] for month in newest_first]
    return [
        DueReading(system, month, agent)
        for month, agent in due
        if (month.first_day, agent and agent.pk) not in done_since[months[month]]
    ]


def _done_since(system: TicketSystem, since: datetime) -> set[tuple[object, int | None]]:
    """First days and agents, by key, of what was planned or started since, or is under way from earlier."""
    runs = SyncRun.objects.filter(system=system)
    active = runs.filter(state__in=(Job.State.QUEUED, Job.State.RUNNING))
    return set((runs.filter(created_at__gte=since) | active).order_by().values_list("month", "agent").distinct())


def _months(system: TicketSystem, now: datetime, *, first: Month) -> Iterator[Month]:
    """From ``first`` to the running one."""
    last = Month.of(now.astimezone(system.zone))
    while first <= last:
        yield first
        first = first.next


def agents_to_ask(system: TicketSystem) -> list[Agent]:
    """The agents with a login, departed ones too, each login once: the ticket system tells no case apart."""
    _by_user_id, by_login = index_agents(Agent.objects.filter(system=system, login__isnull=False))
    return [by_login[login] for login in sorted(by_login) if login]
