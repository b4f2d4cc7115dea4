"""``manage.py sync``: read a month from the ticket systems in this process."""

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
from tickets.models import SyncRun, TicketSystem
from tickets.sync import SyncBusy, run_sync, start_sync


class Command(BaseCommand):
    help = (
        "Read the closed tickets of a month and their booked time from the ticket systems. Doing it twice changes "
        "nothing. Example: manage.py sync --period 2026-10 --json"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--system", metavar="NAME", help="only this ticket system (default: all that are active)")
        parser.add_argument("--period", metavar="YYYY-MM", help="the month (default: the previous one)")
        parser.add_argument(
            "--accept-losses", action="store_true", help="believe it when known time or known closings are gone"
        )
        add_json_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit code 0: everything was read; 1: partly or not; 2: wrong use."""
        month = read_month(options["period"]) if options["period"] is not None else None
        results = [
            self._sync(system, month, accept_losses=options["accept_losses"]) for system in _systems(options["system"])
        ]
        document = _total(results)
        if options["json"]:
            self.stdout.write(json_text(document))
        else:
            for result in results:
                self._print(result)
        if not document["complete"]:
            sys.exit(NOT_DONE)

    def _sync(self, system: TicketSystem, month: Month | None, *, accept_losses: bool) -> dict[str, Any]:
        month = month or Month.of(timezone.now().astimezone(system.zone)).previous
        run = start_sync(system=system, month=month)
        try:
            with ProgressBar(sys.stderr) as bar:
                run = run_sync(run, on_progress=named(system.name, bar), accept_losses=accept_losses)
        except (SyncBusy, LeaseLost) as error:
            return _nothing(system, month, str(error))
        except KeyboardInterrupt:
            raise CommandError(_("Interrupted. Nothing was changed."), returncode=NOT_DONE) from None
        return _document(system, run)

    def _print(self, result: dict[str, Any]) -> None:
        self.stdout.write(
            _(
                "%(system)s %(period)s: %(state)s. %(tickets)s tickets closed, %(entries)s entries with %(minutes)s "
                "minutes booked in the month; %(requests)s requests, %(seconds)s s."
            )
            % result
        )
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


def _document(system: TicketSystem, run: SyncRun) -> dict[str, Any]:
    """``entries`` and ``minutes`` are what the mirror now holds as booked in the month."""
    return {
        "system": system.name,
        "period": str(Month.of(run.month)),
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


def _nothing(system: TicketSystem, month: Month, error: str) -> dict[str, Any]:
    return {
        "system": system.name,
        "period": str(month),
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
