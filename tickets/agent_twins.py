"""Two rows of the mirror that turn out to be one agent: one known by login, the other by UserID."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db.models import Case, When
from django.utils.translation import gettext as _

from common.jobs import Job
from tickets.models import Agent, SyncRun, Ticket, TimeEntry


def index_agents(rows: Iterable[Agent]) -> tuple[dict[int, Agent], dict[str, Agent]]:
    """By UserID and by folded login; of logins that differ in case only, the one with a UserID counts."""
    ordered = sorted(rows, key=lambda row: (row.user_id is not None, row.pk))
    return (
        {row.user_id: row for row in ordered if row.user_id is not None},
        {row.login.casefold(): row for row in ordered if row.login is not None},
    )


def merge_twins(rows: Iterable[Agent], pairs: Mapping[int, str], *, now: datetime) -> bool:
    """Merge the rows that ``pairs`` (UserID to login) shows to be one agent; ``False`` when there are none.

    A row without entries goes into the other; else the entries get fresh running numbers, and a booking that both
    rows hold from different sources stays live once: the one that was mirrored first, since it is the one that may
    have been billed before the other was there. Readings of the row that goes are the keeper's from now on, the one
    that is being written among them. To be called inside a transaction that has locked the system.
    """
    by_user_id, by_login = index_agents(rows)
    twins = []
    for user_id, login in pairs.items():
        numbered, named = by_user_id.get(user_id), by_login.get(login.casefold())
        if numbered is not None and named is not None and named.user_id is None:
            twins.append((numbered, named))
    if not twins:
        return False
    involved = {agent.pk for pair in twins for agent in pair}
    booked = set(TimeEntry.objects.filter(agent__in=involved).values_list("agent", flat=True).distinct())
    keeper_of: dict[int, int] = {}
    keepers = []
    for numbered, named in twins:
        keeps_named = named.pk in booked or numbered.pk not in booked
        keeper, other = (named, numbered) if keeps_named else (numbered, named)
        keeper.user_id, keeper.login = numbered.user_id, named.login
        keeper.name, keeper.email = keeper.name or other.name, keeper.email or other.email
        keeper.departed = keeper.departed or other.departed
        keeper.account_id = keeper.account_id or other.account_id
        keeper_of[other.pk] = keeper.pk
        keepers.append(keeper)
    _give_entries(keeper_of, now=now)
    owners = [When(owner=other, then=keeper) for other, keeper in keeper_of.items()]
    Ticket.objects.filter(owner__in=keeper_of).update(owner=Case(*owners))
    _give_runs(keeper_of, now=now)
    Agent.objects.filter(pk__in=keeper_of).delete()
    Agent.objects.bulk_update(keepers, ["user_id", "login", "name", "email", "departed", "account"])
    return True


def _give_runs(keeper_of: Mapping[int, int], *, now: datetime) -> None:
    """Where both rows have a run under way for one month the database allows the keeper one of them: the one that is
    being worked on, else the older one.
    """
    both = SyncRun.objects.filter(agent__in=[*keeper_of.keys(), *keeper_of.values()])
    active = both.filter(state__in=(Job.State.QUEUED, Job.State.RUNNING))
    taken: set[tuple[int | None, object]] = set()
    surplus = []
    for run in sorted(active, key=lambda run: (-_seconds(run.lease_until), run.pk)):
        place = (keeper_of.get(run.agent_id or 0, run.agent_id), run.month)
        if place in taken:
            surplus.append(run.pk)
        taken.add(place)
    SyncRun.objects.filter(pk__in=surplus).update(
        state=Job.State.FAILED,
        finished_at=now,
        lease_until=None,
        error=_("This agent turned out to be the same as another one, whose reading of the month takes its place."),
    )
    keepers = [When(agent=other, then=keeper) for other, keeper in keeper_of.items()]
    SyncRun.objects.filter(agent__in=keeper_of).update(agent=Case(*keepers))


def _seconds(moment: datetime | None) -> float:
    return moment.timestamp() if moment is not None else 0


def _give_entries(keeper_of: Mapping[int, int], *, now: datetime) -> None:
    entries = list(
        TimeEntry.objects.filter(agent__in=[*keeper_of.keys(), *keeper_of.values()]).order_by("running_number", "pk")
    )
    highest: defaultdict[tuple[object, ...], int] = defaultdict(int)
    live: defaultdict[tuple[object, ...], list[TimeEntry]] = defaultdict(list)
    given = []
    for entry in entries:
        if entry.agent_id in keeper_of:
            given.append(entry)
            continue
        equals = (entry.agent_id, entry.booked_local, entry.units)
        highest[equals] = max(highest[equals], entry.running_number)
        if entry.gone_at is None:
            live[*equals, entry.ticket_id, entry.source].append(entry)
    twins = []
    for entry in given:
        entry.agent_id = keeper_of[entry.agent_id]
        equals = (entry.agent_id, entry.booked_local, entry.units)
        highest[equals] += 1
        entry.running_number = highest[equals]
        seen_twice = (*equals, entry.ticket_id, _other_source(entry))
        if entry.gone_at is None and live[seen_twice]:
            twins.append(live[seen_twice].pop(0))
            max(entry, twins[-1], key=lambda each: each.pk).gone_at = now
    TimeEntry.objects.bulk_update(given + twins, ["agent", "running_number", "gone_at"], batch_size=500)


def _other_source(entry: TimeEntry) -> str:
    return TimeEntry.Source.AGENT if entry.source == TimeEntry.Source.HISTORY else TimeEntry.Source.HISTORY
