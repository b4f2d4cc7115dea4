"""``manage.py kivitendo_refresh``: bring the copy of kivitendo's customers, contacts, articles and units up to date."""

from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from billing.commandline import table
from billing.kivitendo_copy import refresh_copy
from billing.kivitendo_database import KivitendoError, NotConfigured, WrongSettings
from common.commandline import NOT_DONE, WRONG_USE, add_json_option, json_text

HEADER = ("", "rows", "new", "changed", "gone")


class Command(BaseCommand):
    help = (
        "Read customers, contacts, articles and units of kivitendo, all or nothing. Nothing is written there. "
        "KIVITENDO_DATABASE_URL says where it is. Example: manage.py kivitendo_refresh --json"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_json_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit code 0: read; 1: not read, the copy stays as it was; 2: wrong settings."""
        try:
            done = asdict(refresh_copy(now=timezone.now()))
        except (NotConfigured, WrongSettings) as error:
            raise CommandError(str(error), returncode=WRONG_USE) from error
        except KivitendoError as error:
            raise CommandError(str(error), returncode=NOT_DONE) from error
        if options["json"]:
            self.stdout.write(json_text(done))
            return
        rows = [[kind, *map(str, written.values())] for kind, written in done.items()]
        self.stdout.write(table(HEADER, rows, numbers=4))
