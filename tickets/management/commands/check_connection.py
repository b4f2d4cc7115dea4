"""``manage.py check_connection``: what works with a ticket system, and what to do about the rest."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from common.commandline import NOT_DONE, WRONG_USE
from tickets.checks import Check, check_connection
from tickets.models import TicketSystem


class Command(BaseCommand):
    help = (
        "Ask a ticket system one question per operation and tell what works and what the fix is. "
        'Example: manage.py check_connection "Help desk"'
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="name of the ticket system, as in ticket_system list")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit code 0: everything that a sync needs works; 1: something does not; 2: wrong use."""
        key = TicketSystem.objects.filter(name=options["name"]).values_list("pk", flat=True).first()
        if key is None:
            raise CommandError(
                _("There is no ticket system “%(name)s”. See manage.py ticket_system list.")
                % {"name": options["name"]},
                returncode=WRONG_USE,
            )
        checks = check_connection(key)
        for check in checks:
            self.stdout.write(_line(check))
            if check.fix:
                self.stdout.write(f"        → {check.fix}")
        if not all(check.works or not check.needed for check in checks):
            sys.exit(NOT_DONE)


def _line(check: Check) -> str:
    mark = "ok" if check.works else "FAIL" if check.needed else "(no)"
    unneeded = "" if check.works or check.needed else " " + _("Not needed with the chosen source of time.")
    return f"{mark:<5} {check.operation}: {check.text}{unneeded}"
