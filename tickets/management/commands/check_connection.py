"""``manage.py check_connection``: what works with a ticket system, and what to do about the rest."""

import sys
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from common.commandline import NOT_DONE, WRONG_USE
from tickets.check_results import Check
from tickets.checks import check_connection
from tickets.expectations import Expected
from tickets.models import TicketSystem


class Command(BaseCommand):
    help = (
        "Ask a ticket system one question per operation and tell what works and what the fix is. "
        'Example: manage.py check_connection "Help desk" --queue Support --booking 2026112210000013 "2026-11-22 14:05"'
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="name of the ticket system, as in ticket_system list")
        parser.add_argument(
            "--queue",
            action="append",
            default=[],
            help="a queue that the agent should see, by its whole name; may be given several times",
        )
        parser.add_argument(
            "--booking",
            nargs=2,
            metavar=("NUMBER", "TIME"),
            help="a ticket number and when time was booked on it, as a clock here shows it",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit code 0: everything that a sync needs works; 1: something does not; 2: wrong use."""
        key = TicketSystem.objects.filter(name=options["name"]).values_list("pk", flat=True).first()
        if key is None:
            raise CommandError(
                _("There is no ticket system “%(name)s”. See manage.py ticket_system list.")
                % {"name": options["name"]},
                returncode=WRONG_USE,
            )
        checks = check_connection(key, expected=_expected(options["queue"], options["booking"]))
        for check in checks:
            self.stdout.write(_line(check))
            if check.fix:
                self.stdout.write(f"        → {check.fix}")
        if not all(check.works or not check.needed for check in checks):
            sys.exit(NOT_DONE)


def _expected(queues: list[str], booking: list[str] | None) -> Expected:
    if booking is None:
        return Expected(queues=tuple(queues))
    try:
        moment = datetime.fromisoformat(booking[1])
    except ValueError as error:
        raise CommandError(
            _("“%(text)s” is no time; write it like 2026-11-22 14:05.") % {"text": booking[1]}, returncode=WRONG_USE
        ) from error
    aware = moment if timezone.is_aware(moment) else timezone.make_aware(moment)
    return Expected(queues=tuple(queues), number=booking[0], booked_at=aware)


def _line(check: Check) -> str:
    mark = "ok" if check.works else "FAIL" if check.needed else "(no)"
    unneeded = "" if check.works or check.needed else " " + _("Not needed with the chosen source of time.")
    return f"{mark:<5} {check.operation}: {check.text}{unneeded}"
