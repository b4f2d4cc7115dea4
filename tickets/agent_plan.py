"""What a list of agents would do to the agents that are known: found out before anything is written."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.contrib.auth import get_user_model
from django.db.models import TextChoices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.csvfiles import Value
from tickets.agent_file import ACCOUNT, COLUMNS, LOGIN, USER_ID, AgentLine, Fault, departed_text
from tickets.agent_twins import index_agents
from tickets.models import Agent, TicketSystem


class Effect(TextChoices):
    """What becomes of an agent when the file is taken in."""

    NEW = "new", gettext_lazy("new")
    CHANGED = "changed", gettext_lazy("changed")
    UNCHANGED = "unchanged", gettext_lazy("unchanged")
    REFUSED = "refused", gettext_lazy("cannot be taken")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the file and what it does. ``changes``: by column the text before and after, empty where none is.

    ``joins``: the login and the UserID were two agents until now and become one.
    """

    source: AgentLine
    effect: Effect
    changes: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    joins: bool = False
    faults: tuple[Fault, ...] = ()


def accounts_of(lines: Iterable[AgentLine]) -> dict[str, int]:
    """Primary keys of the accounts that the file names, by user name."""
    names = {row.values[ACCOUNT] for row in lines if ACCOUNT in row.values}
    found = get_user_model()._default_manager.filter(username__in=names)
    return dict(found.values_list("username", "pk")) if names else {}


def plan_rows(
    system: TicketSystem, lines: tuple[AgentLine, ...], found: Iterable[Fault], accounts: Mapping[str, int]
) -> tuple[Row, ...]:
    agents = Agent.objects.filter(system=system).select_related("account")
    by_user_id, by_login = index_agents(agents)
    faults: defaultdict[int, list[Fault]] = defaultdict(list)
    for fault in found:
        faults[fault.line].append(fault)
    meant: dict[int, int] = {}
    planned = []
    for line in lines:
        named, numbered = known_agents(line, by_user_id, by_login)
        wrong = faults[line.line] + _contradictions(line, named, numbered, accounts)
        if agent := named or numbered:
            first = meant.setdefault(agent.pk, line.line)
            if first != line.line and not wrong:
                wrong.append(
                    Fault(line=line.line, text=_("Line %(line)d is about this agent already.") % {"line": first})
                )
        planned.append(_planned(line, named, numbered, tuple(wrong)))
    return tuple(planned)


def known_agents(
    line: AgentLine, by_user_id: Mapping[int, Agent], by_login: Mapping[str, Agent]
) -> tuple[Agent | None, Agent | None]:
    """The agent of the login and the agent of the UserID."""
    named = by_login.get(line.login.casefold()) if line.login else None
    return named, None if line.user_id is None else by_user_id.get(line.user_id)


def _contradictions(
    line: AgentLine, named: Agent | None, numbered: Agent | None, accounts: Mapping[str, int]
) -> list[Fault]:
    """What does not fit what is known."""
    faults = []
    account = line.values.get(ACCOUNT, "")
    if account and account not in accounts:
        text = _("There is no account “%(account)s” in the portal.") % {"account": account}
        faults.append(Fault(line=line.line, column=ACCOUNT, text=text))
    if line.user_id is None:
        return faults
    if not line.login and not line.cells.get(LOGIN) and numbered is None:
        text = _("The login is empty, and no agent is known by the UserID %(user_id)d.") % {"user_id": line.user_id}
        faults.append(Fault(line=line.line, column=LOGIN, text=text))
    if line.login and numbered and numbered.login and numbered.login.casefold() != line.login.casefold():
        words = {"user_id": line.user_id, "login": numbered.login}
        text = _("The UserID %(user_id)d belongs to the login “%(login)s”.") % words
        faults.append(Fault(line=line.line, column=USER_ID, text=text))
    elif named and named.user_id not in (None, line.user_id):
        words = {"login": named.login or "", "user_id": named.user_id or 0}
        text = _("The login “%(login)s” has the UserID %(user_id)d. If that is wrong, change it at the agent.") % words
        faults.append(Fault(line=line.line, column=USER_ID, text=text))
    return faults


def _planned(line: AgentLine, named: Agent | None, numbered: Agent | None, faults: tuple[Fault, ...]) -> Row:
    agent = named or numbered
    before = _texts(agent) if agent else {}
    if agent is not None and agent.login:
        before[LOGIN] = line.login  # upstream compares without case; the spelling stays
    changes = {
        column: (before.get(column, ""), text) for column, text in line.values.items() if before.get(column, "") != text
    }
    joins = named is not None and numbered is not None and named.pk != numbered.pk and not faults
    if faults:
        return Row(source=line, effect=Effect.REFUSED, faults=faults)
    if agent is None:
        return Row(source=line, effect=Effect.NEW, changes=changes)
    return Row(source=line, effect=Effect.CHANGED if changes else Effect.UNCHANGED, changes=changes, joins=joins)


def _texts(agent: Agent) -> dict[str, str]:
    return {
        column: "" if value is None else str(value) for column, value in zip(COLUMNS, agent_cells(agent), strict=True)
    }


def agent_cells(agent: Agent) -> list[Value]:
    """The agent in the order of ``COLUMNS``."""
    account = agent.account.get_username() if agent.account else None
    return [agent.login, agent.user_id, agent.name, agent.email, departed_text(agent.departed), account]
