"""How far the mirror is, month by month: the page of readings asks this."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import F, OrderBy, QuerySet, Window
from django.db.models.functions import RowNumber
from django.utils.translation import gettext as _

from common.jobs import Job
from common.months import Month
from common.spans import Span
from common.templatetags.formats import month_label
from tickets.models import Agent, SyncRun, TicketSystem

ASKS_AGENTS = (TicketSystem.TimeSource.AGENTS, TicketSystem.TimeSource.BOTH)
POLL_RUNNING, POLL_WAITING = 2, 10
LATEST = (F("created_at").desc(), F("pk").desc())
LAST_WRITTEN = (F("finished_at").desc(), F("pk").desc())


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What became of the readings of a month, or of the month that ``agent`` is or was asked for last.

    ``latest`` is the reading that was started last, ``written`` the one that what is stored comes from: a failed one
    has written nothing. ``open_months`` are other months of the agent that need a look.
    """

    system: TicketSystem
    month: Month | None
    latest: SyncRun | None
    written: SyncRun | None
    now: datetime
    agent: Agent | None = None
    open_months: tuple[Month, ...] = ()

    @property
    def is_open(self) -> bool:
        """Nobody is at it, and it is not known to be complete or could not be read again."""
        return not self.is_active and (self.has_failed or self.written is None or not self.written.complete)

    @property
    def is_active(self) -> bool:
        return self.latest is not None and self.latest.is_active

    @property
    def poll_seconds(self) -> int:
        """How soon the page asks again, 0 for not by itself: agents wait by the hundred, one of them is asked for."""
        if self.latest is None or not self.is_active:
            return 0
        if self.latest.state == Job.State.RUNNING:
            return POLL_RUNNING
        return 0 if self.agent else POLL_WAITING

    @property
    def is_stuck(self) -> bool:
        """Nobody has worked on it for longer than any step takes; reading anew sets it going again."""
        run = self.latest
        return bool(run and run.state == Job.State.RUNNING and run.lease_until and run.lease_until < self.now)

    @property
    def has_failed(self) -> bool:
        return self.latest is not None and self.latest.state == Job.State.FAILED

    @property
    def is_early(self) -> bool:
        """All was read, but the month still went on then."""
        run, month = self.written, self.month
        if run is None or month is None or run.started_at is None:
            return False
        return run.complete and run.started_at < month.end(self.system.zone)

    @property
    def problems(self) -> list[str]:
        """Why the latest reading failed, and what the one that was written has left open."""
        failed = [self.latest.error] if self.latest is not None and self.has_failed and self.latest.error else []
        return [*failed, *(self.written.problems if self.written is not None else [])]


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemStates:
    """``months`` from the running one back; ``agents`` only where time is asked of them."""

    system: TicketSystem
    months: list[State]
    agents: list[State]


def states_of_readings(*, now: datetime) -> list[SystemStates]:
    """Every active ticket system; the number of queries does not depend on how many there are or how much was read."""
    systems = list(TicketSystem.objects.filter(active=True))
    months = {system.pk: months_of(system, now=now) for system in systems}
    first = min((of_system[-1] for of_system in months.values()), default=Month.of(now))
    runs = SyncRun.objects.of_months().filter(system__in=systems, month__gte=first.first_day)
    latest, written = _by_month(runs, LATEST), _by_month(runs.written(), LAST_WRITTEN)
    asking = [system for system in systems if system.time_source in ASKS_AGENTS]
    agents = Agent.objects.filter(system__in=asking, login__isnull=False).select_related("system").order_by("login")
    of_agents = _states_of_agents(agents, since=first, now=now) if asking else []
    return [
        SystemStates(
            system=system,
            months=[
                State(
                    system=system,
                    month=month,
                    latest=latest.get((system.pk, month)),
                    written=written.get((system.pk, month)),
                    now=now,
                )
                for month in months[system.pk]
            ],
            agents=[state for state in of_agents if state.system.pk == system.pk],
        )
        for system in systems
    ]


def only_open(systems: Iterable[SystemStates]) -> list[SystemStates]:
    """The months and agents that were asked for and need a look; systems without any are left out."""
    found = [
        replace(
            each,
            months=[state for state in each.months if state.latest is not None and state.is_open],
            agents=[
                state for state in each.agents if state.latest is not None and (state.is_open or state.open_months)
            ],
        )
        for each in systems
    ]
    return [each for each in found if each.months or each.agents]


def state_of_reading(run: SyncRun, *, now: datetime) -> State:
    """The state that the page shows where it shows this run."""
    if run.agent is not None:
        agents = Agent.objects.filter(pk=run.agent.pk).select_related("system")
        return _states_of_agents(agents, since=months_of(run.system, now=now)[-1], now=now)[0]
    runs = SyncRun.objects.of_months().filter(system=run.system_id, month=run.month)
    latest, written = runs.order_by(*LATEST).first(), runs.written().order_by(*LAST_WRITTEN).first()
    return State(system=run.system, month=Month.of(run.month), latest=latest, written=written, now=now)


def months_of(system: TicketSystem, *, now: datetime) -> list[Month]:
    """The running month of the ticket system and those that are read again at night, the latest first."""
    today = now.astimezone(system.zone).date()
    return list(reversed(Span.of_months(system.looked_back_to(today), Month.of(today)).months))


def month_to_read(system: TicketSystem, text: str, *, now: datetime) -> Month:
    """One of ``months_of``, written as YYYY-MM; anything else raises ``ValueError`` with a sentence."""
    month = Month.parse(text)
    if month not in months_of(system, now=now):
        words = {"month": month_label(month), "system": system.name, "days": system.look_back_days}
        text = _("%(month)s is not read again here: the days read back of “%(system)s” are %(days)d.")
        raise ValueError(text % words)
    return month


def _states_of_agents(agents: QuerySet[Agent], *, since: Month, now: datetime) -> list[State]:
    """In the order of the agents; each by the month that is being read or else its latest one, open ones by name."""
    runs = SyncRun.objects.filter(agent__in=agents.order_by(), month__gte=since.first_day)
    latest, written = _by_month(runs, LATEST, of="agent"), _by_month(runs.written(), LAST_WRITTEN, of="agent")
    states = []
    for agent in agents:
        asked = [
            State(
                system=agent.system,
                month=month,
                latest=latest[agent.pk, month],
                written=written.get((agent.pk, month)),
                now=now,
                agent=agent,
            )
            for month in months_of(agent.system, now=now)
            if (agent.pk, month) in latest
        ]
        never = State(system=agent.system, month=None, latest=None, written=None, now=now, agent=agent)
        asked.sort(key=lambda state: state.poll_seconds == 0)  # what is being read comes first
        shown, *others = asked or [never]
        states.append(
            replace(shown, open_months=tuple(state.month for state in others if state.month and state.is_open))
        )
    return states


def _by_month(
    runs: QuerySet[SyncRun], order: Iterable[OrderBy], *, of: str = "system"
) -> dict[tuple[int, Month], SyncRun]:
    """The first run in the order, by the key of its system or its agent and by month. One query."""
    place = Window(RowNumber(), partition_by=[F(of), F("month")], order_by=list(order))
    return {
        (getattr(run, f"{of}_id"), Month.of(run.month)): run
        for run in runs.annotate(place=place).filter(place=1).order_by()
    }
