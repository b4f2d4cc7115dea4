"""``manage.py backup``: the whole database in one file."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from django.utils.translation import gettext as _

from audit.actions import Action, Result
from audit.recording import record
from common.commandline import NOT_DONE
from portal.backups import BackupFailed, back_up


class Command(BaseCommand):
    help = (
        "Write a copy of the whole database, while the portal goes on working. Keep FIELD_ENCRYPTION_KEYS elsewhere. "
        "Example: manage.py backup /var/backups/portal-2026-11-30.dump"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="must not exist yet")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit code 0: written; 1: not written."""
        path: Path = options["file"]
        try:
            back_up(path)
        except BackupFailed as error:
            with suppress(DatabaseError):  # one that does not answer is why it failed, and takes no row either
                record(Action.BACKED_UP, target_type="file", target_name=path.name, text=error, result=Result.FAILED)
            raise CommandError(str(error), returncode=NOT_DONE) from error
        record(Action.BACKED_UP, target_type="file", target_name=path.name)
        size = path.stat().st_size
        text = _("Wrote %(path)s (%(size)d bytes). Prove that it can be restored: manage.py restore --check %(path)s")
        self.stdout.write(text % {"path": path, "size": size})
