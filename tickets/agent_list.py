"""The list of agents that an administrator keeps: taken in from a file, whole or not at all, and written out again.

An import adds agents and changes what the file says; it deletes nobody, and an empty cell leaves the value as it is.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction
from django.db.models import F

from audit.actions import Action
from audit.recording import record
from common.csvfiles import Dialect
from tickets.agent_file import (
    ACCOUNT,
    DEPARTED,
    EMAIL,
    LOGIN,
    NAME,
    USER_ID,
    YES,
    Fault,
    read_agent_file,
    write_agent_file,
)
from tickets.agent_plan import Effect, Row, accounts_of, agent_cells, known_agents, plan_rows
from tickets.agent_twins import index_agents, merge_twins
from tickets.bulk import BATCH
from tickets.models import Agent, TicketSystem
from tickets.queries import lock_system

STORED = ["login", "user_id", "name", "email", "departed", "account"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentImport:
    """What a file does to the list, or would do: nothing as long as it has a fault. ``ignored`` are its other columns.

    ``added`` and ``changed`` are the agents as they were written.
    """

    rows: tuple[Row, ...]
    faults: tuple[Fault, ...]
    ignored: tuple[str, ...]
    added: tuple[Agent, ...] = ()
    changed: tuple[Agent, ...] = ()

    @property
    def written(self) -> bool:
        return bool(self.added or self.changed)

    @property
    def counts(self) -> Mapping[Effect, int]:
        counted = Counter(row.effect for row in self.rows)
        return {effect: counted[effect] for effect in Effect}

    @property
    def does_something(self) -> bool:
        return not self.faults and any(row.effect != Effect.UNCHANGED for row in self.rows)

    @property
    def seen(self) -> str:
        """A fingerprint of what would be done, to be sure that it is what a person has looked at."""
        said = [(row.source.line, row.effect.value, sorted(row.changes.items()), row.joins) for row in self.rows]
        return hashlib.sha256(repr(said).encode()).hexdigest()


def import_agents(
    *, system: TicketSystem, data: bytes, now: datetime, dry_run: bool = False, seen: str | None = None
) -> AgentImport:
    """Look at the file and, unless it has a fault or this is a dry run, do what it says; few statements in all.

    ``seen`` is the fingerprint of the dry run that a person agreed to: where the list has changed since, nothing is
    written. Agents are matched by login without case, else by UserID; a known agent's login keeps its spelling.
    """
    file = read_agent_file(data)
    with transaction.atomic():
        lock_system(system.pk)
        accounts = accounts_of(file.lines)
        planned = plan_rows(system, file.lines, file.faults, accounts)
        result = AgentImport(rows=planned, faults=_in_order(planned, file.faults), ignored=file.ignored)
        if dry_run or not result.does_something or seen not in (None, result.seen):
            return result
        added, changed = _write(system, planned, accounts, now=now)
    return replace(result, added=added, changed=changed)


def export_agents(system: TicketSystem, dialect: Dialect) -> bytes:
    """The list as a file that ``import_agents`` takes in without changing anything."""
    agents = (
        Agent.objects.filter(system=system)
        .select_related("account")
        .order_by(F("login").asc(nulls_last=True), "user_id")
    )
    return write_agent_file((agent_cells(agent) for agent in agents), dialect)


def _in_order(planned: Iterable[Row], found: Iterable[Fault]) -> tuple[Fault, ...]:
    """All faults: those about the file, then those of its rows."""
    rows = list(planned)
    lines = {row.source.line for row in rows}
    return (*(fault for fault in found if fault.line not in lines), *(each for row in rows for each in row.faults))


def _write(
    system: TicketSystem, planned: Iterable[Row], accounts: Mapping[str, int], *, now: datetime
) -> tuple[tuple[Agent, ...], tuple[Agent, ...]]:
    """The agents that were added and those that were changed."""
    rows = [row for row in planned if row.effect != Effect.UNCHANGED]
    _join(system, [row for row in rows if row.joins], now=now)
    by_user_id, by_login = index_agents(Agent.objects.filter(system=system))
    added: list[Agent] = []
    changed: list[Agent] = []
    for row in rows:
        named, numbered = known_agents(row.source, by_user_id, by_login)
        agent = named or numbered
        if agent is None:
            added.append(agent := Agent(system=system))
        else:
            changed.append(agent)
        _fill(agent, row.source.values, accounts)
    Agent.objects.bulk_create(added, batch_size=BATCH)
    Agent.objects.bulk_update(changed, STORED, batch_size=BATCH)
    if rows:
        record(Action.AGENTS_IMPORTED, target=system, text=f"{len(added)} + {len(changed)}", now=now)
    return tuple(added), tuple(changed)


def _join(system: TicketSystem, rows: list[Row], *, now: datetime) -> None:
    """Make one agent of each login and UserID that were two."""
    pairs = {row.source.user_id: row.source.login for row in rows if row.source.user_id is not None}
    if pairs:
        merge_twins(Agent.objects.filter(system=system), pairs, now=now)


def _fill(agent: Agent, values: Mapping[str, str], accounts: Mapping[str, int]) -> None:
    agent.login = agent.login or values.get(LOGIN)
    agent.user_id = int(values[USER_ID]) if USER_ID in values else agent.user_id
    agent.name = values.get(NAME, agent.name)
    agent.email = values.get(EMAIL, agent.email)
    agent.departed = values[DEPARTED] == YES if DEPARTED in values else agent.departed
    agent.account_id = accounts[values[ACCOUNT]] if ACCOUNT in values else agent.account_id
