"""``manage.py sync``: read a month from the ticket systems, or from some of their agents, in this process."""

import sys
from decimal import Decimal
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from common.commandline import NOT_DONE, WRONG_USE, add_json_option, json_text, read_month
from common.jobs import LeaseLost
from common.money import plain
from common.months import Month
from common.progress import ProgressBar, named
from tickets.models import Agent, SyncRun, TicketSystem
from tickets.planning import agents_to_ask
from tickets.sync import SyncBusy, run_sync, start_sync


class Command(BaseCommand):
    help = (
        "Read the closed tickets of a month and their booked time from the ticket systems, or with --agent or "
        "--all-agents the time that agents booked in the month. Doing it twice changes nothing. "
        "Example: manage.py sync --period 2026-10 --agent anna.mueller --json"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--system", metavar="NAME", help="only this ticket system (default: all that are active)")
        parser.add_argument("--period", metavar="YYYY-MM", help="the month (default: the previous one)")
        agents = parser.add_mutually_exclusive_group()
        agents.add_argument(
            "--agent",
            action="append",
            metavar="LOGIN",
            help="only this agent's time accounting; may be given several times",
        )
        agents.add_argument("--all-agents", action="store_true", help="the time accounting of each agent with a login")
        parser.add_argument(
            "--accept-losses", action="store_true", help="believe it when known time or known closings are gone"
        )
        add_json_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit code 0: everything was read; 1: partly or not; 2: wrong use."""
        month = read_month(options["period"]) if options["period"] is not None else None
        systems = _systems(options["system"])
        of_agents = options["agent"] or options["all_agents"]
        parts = _agents(systems, options["agent"]) if of_agents else [(system, None) for system in systems]
        results: list[dict[str, Any]] = []
        for system, agent in parts:
            results.append(self._sync(system, month, agent, results, accept_losses=options["accept_losses"]))
        document = _total(results)
        if options["json"]:
            self.stdout.write(json_text(document))
        else:
            for result in results:
                self._print(result)
        if not document["complete"]:
            sys.exit(NOT_DONE)

    def _sync(
        self,
        system: TicketSystem,
        month: Month | None,
        agent: Agent | None,
        before: list[dict[str, Any]],
        *,
        accept_losses: bool,
    ) -> dict[str, Any]:
        month = month or Month.of(timezone.now().astimezone(system.zone)).previous
        about = {"system": system.name, "agent": agent and agent.login, "period": str(month)}
        if (error := _same_failure_twice(system, before)) is not None:
            return about | _nothing(error)
        run = start_sync(system=system, month=month, agent=agent)
        try:
            with ProgressBar(sys.stderr) as bar:
                run = run_sync(run, on_progress=named(system.name, bar), accept_losses=accept_losses)
        except (SyncBusy, LeaseLost) as error:
            return about | _nothing(str(error))
        except KeyboardInterrupt:
            nothing = _("Interrupted. Nothing was changed.")
            text = _("Interrupted. What had been read by then is kept.") if before else nothing
            raise CommandError(text, returncode=NOT_DONE) from None
        return about | _done(run)

    def _print(self, result: dict[str, Any]) -> None:
        if result["agent"]:
            text = _(
                "%(system)s %(period)s, agent %(agent)s: %(state)s. %(entries)s entries with %(minutes)s minutes "
                "booked on %(tickets)s tickets; %(requests)s requests, %(seconds)s s."
            )
        else:
            text = _(
                "%(system)s %(period)s: %(state)s. %(tickets)s tickets closed, %(entries)s entries with %(minutes)s "
                "minutes booked in the month; %(requests)s requests, %(seconds)s s."
            )
        self.stdout.write(text % result)
        for sentence in result["notes"]:
            self.stdout.write(f"  {sentence}")
        for sentence in result["errors"]:
            self.stderr.write(f"  {sentence}")


def _systems(name: str | None) -> list[TicketSystem]:
    """Without their passwords, so that one that cannot be decrypted fails alone."""
    systems = TicketSystem.objects.all()
    if name is None:
        found = list(systems.filter(active=True))
        problem = _("There is no active ticket system. Connect one with manage.py ticket_system add.")
    else:
        found = list(systems.filter(name=name))
        problem = _("There is no ticket system “%(name)s”. See manage.py ticket_system list.") % {"name": name}
    if not found:
        raise CommandError(problem, returncode=WRONG_USE)
    return found


def _same_failure_twice(system: TicketSystem, results: list[dict[str, Any]]) -> str | None:
    """Why the ticket system need not be asked for yet another agent: vain logins are counted there and may lock it."""
    last = [result for result in results if result["system"] == system.name][-2:]
    failed = len(last) == 2 and all(result["state"] == SyncRun.State.FAILED for result in last)
    return str(last[0]["errors"][0]) if failed and last[0]["errors"] == last[1]["errors"] else None


def _agents(systems: list[TicketSystem], logins: list[str] | None) -> list[tuple[TicketSystem, Agent | None]]:
    """Those of the logins, however they are spelt, or all; a login that no system has is wrong use."""
    wanted = {login.casefold(): login for login in logins or ()}
    missing = dict(wanted)
    found: list[tuple[TicketSystem, Agent | None]] = []
    for system in systems:
        for agent in agents_to_ask(system):
            folded = (agent.login or "").casefold()
            if logins is None or folded in wanted:
                missing.pop(folded, None)
                found.append((system, agent))
    if missing:
        names = ", ".join(f"“{login}”" for login in missing.values())
        text = _("There is no agent with the login %(logins)s. See manage.py agents list.") % {"logins": names}
        raise CommandError(text, returncode=WRONG_USE)
    if not found:
        text = _("No agent with a login is known. Add them with manage.py agents import.")
        raise CommandError(text, returncode=WRONG_USE)
    return found


def _done(run: SyncRun) -> dict[str, Any]:
    """``entries`` and ``minutes`` are what the mirror now holds as booked in the month, where it is about an agent by
    this one; ``tickets`` counts those closed in the month, or those on which the agent booked.
    """
    return {
        "state": run.state,
        "complete": run.complete,
        "tickets": run.tickets,
        "entries": run.entries,
        "minutes": plain(run.minutes),
        "requests": run.requests,
        "seconds": plain(run.seconds),
        "errors": [] if run.complete else [run.error, *run.problems],
        "notes": run.problems if run.complete else [],
    }


def _nothing(error: str) -> dict[str, Any]:
    return {
        "state": SyncRun.State.FAILED.value,
        "complete": False,
        "tickets": 0,
        "entries": 0,
        "minutes": "0",
        "requests": 0,
        "seconds": "0",
        "errors": [error],
        "notes": [],
    }


def _total(results: list[dict[str, Any]]) -> dict[str, Any]:
    def added(name: str) -> str:
        return plain(sum((Decimal(result[name]) for result in results), Decimal(0)))

    return {
        "period": results[0]["period"],
        "complete": all(result["complete"] for result in results),
        "tickets": sum(result["tickets"] for result in results),
        "entries": sum(result["entries"] for result in results),
        "minutes": added("minutes"),
        "requests": sum(result["requests"] for result in results),
        "seconds": added("seconds"),
        "errors": [f"{result['system']}: {sentence}" for result in results for sentence in result["errors"]],
        "systems": results,
    }
