"""``manage.py agents``: take in the list of agents from a CSV file, and list who is known."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from common.commandline import NOT_DONE, WRONG_USE, add_json_option, json_text
from common.csvfiles import LIMITS
from tickets.agent_list import AgentImport, import_agents
from tickets.agent_plan import Effect, Row
from tickets.models import Agent, TicketSystem


class Command(BaseCommand):
    help = (
        "Take in the list of agents from a CSV file, whole or not at all, or list the agents. An empty cell leaves a "
        "value as it is, and nobody is deleted. "
        'Example: manage.py agents import agents.csv --system "Help desk" --dry-run'
    )

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="import|list")
        taking = actions.add_parser("import", help="take in a file with the columns login, user_id, name and so on")
        taking.add_argument("file", metavar="FILE", type=Path)
        taking.add_argument("--system", required=True, metavar="NAME", help="the ticket system of the agents")
        taking.add_argument("--dry-run", action="store_true", help="say what would happen and write nothing")
        listing = actions.add_parser("list", help="show the agents that are known")
        listing.add_argument("--system", metavar="NAME", help="only of this ticket system (default: of all)")
        for action in (taking, listing):
            add_json_option(action)

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit code 0: done; 1: the file has faults, nothing was written; 2: wrong use."""
        if options["action"] == "list":
            self._list(_system(options["system"]) if options["system"] is not None else None, options["json"])
            return
        system, data = _system(options["system"]), _content(options["file"])
        result = import_agents(system=system, data=data, now=timezone.now(), dry_run=options["dry_run"])
        if options["json"]:
            self.stdout.write(json_text(_document(system, result, dry_run=options["dry_run"])))
        else:
            self._print(system, result, dry_run=options["dry_run"])
        if result.faults:
            sys.exit(NOT_DONE)

    def _print(self, system: TicketSystem, result: AgentImport, *, dry_run: bool) -> None:
        if result.ignored:
            self.stdout.write(_("Columns that are ignored: %(names)s.") % {"names": ", ".join(result.ignored)})
        if result.faults:
            for fault in result.faults:
                self.stderr.write(str(fault))
            words = {"system": system.name, "count": len(result.faults)}
            self.stderr.write(_("%(system)s: nothing was imported. Faults in the file: %(count)d.") % words)
            return
        for row in result.rows if dry_run else ():
            words = {"line": row.source.line, "agent": _named(row), "effect": row.effect.label}
            self.stdout.write(_("Line %(line)d: %(agent)s: %(effect)s") % words)
        counts = {effect.value: count for effect, count in result.counts.items()}
        text = _("%(system)s: %(new)d new, %(changed)d changed, %(unchanged)d unchanged.")
        self.stdout.write(text % {"system": system.name, **counts})
        if dry_run:
            self.stdout.write(_("Dry run: nothing was written."))

    def _list(self, system: TicketSystem | None, as_json: bool) -> None:
        agents = Agent.objects.select_related("system", "account").order_by(
            "system__name", F("login").asc(nulls_last=True), "user_id"
        )
        found = list(agents if system is None else agents.filter(system=system))
        if as_json:
            self.stdout.write(json_text([_agent_document(agent) for agent in found]))
            return
        for agent in found:
            self.stdout.write(_line(agent))
        if not found:
            self.stdout.write(_("No agent is known yet."))


def _system(name: str) -> TicketSystem:
    found = TicketSystem.objects.filter(name=name).first()
    if found is None:
        raise CommandError(
            _("There is no ticket system “%(name)s”. See manage.py ticket_system list.") % {"name": name},
            returncode=WRONG_USE,
        )
    return found


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LIMITS.size + 1)  # one more than is allowed is enough to be refused
    except OSError as error:
        words = {"path": path, "reason": error.strerror}
        raise CommandError(_("The file %(path)s cannot be read: %(reason)s.") % words, returncode=WRONG_USE) from error


def _named(row: Row) -> str:
    return row.source.login or f"UserID {row.source.user_id}"


def _line(agent: Agent) -> str:
    parts = [agent.login or "", f"UserID {agent.user_id}" if agent.user_id is not None else "", agent.name, agent.email]
    if agent.account:
        parts.append(_("account %(name)s") % {"name": agent.account.get_username()})
    left = " " + _("(departed)") if agent.departed else ""
    return f"{agent.system.name}: {', '.join(filter(None, parts))}{left}"


def _document(system: TicketSystem, result: AgentImport, *, dry_run: bool) -> dict[str, Any]:
    """``rows`` are those that do something; ``changes`` hold the text before and after by column."""
    rows = [row for row in result.rows if row.effect != Effect.UNCHANGED]
    return {
        "system": system.name,
        "dry_run": dry_run,
        "written": result.written,
        **{effect.value: count for effect, count in result.counts.items()},
        "ignored_columns": list(result.ignored),
        "errors": [{"line": fault.line, "column": fault.column, "text": fault.text} for fault in result.faults],
        "rows": [
            {
                "line": row.source.line,
                "login": row.source.login,
                "effect": row.effect.value,
                "changes": {column: list(texts) for column, texts in row.changes.items()},
            }
            for row in rows
        ],
    }


def _agent_document(agent: Agent) -> dict[str, Any]:
    return {
        "system": agent.system.name,
        "login": agent.login,
        "user_id": agent.user_id,
        "name": agent.name,
        "email": agent.email,
        "departed": agent.departed,
        "account": agent.account.get_username() if agent.account else None,
    }
