"""``manage.py restore``: the database from a file that ``backup`` has written."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.utils.translation import gettext as _

from audit.actions import Action
from audit.guards import ROW
from audit.recording import record
from common.commandline import NOT_DONE
from portal.backups import BackupFailed, check, restore


class Command(BaseCommand):
    help = (
        "Fill an empty database from a copy. With --check the copy is restored beside the portal's database, audited "
        "and thrown away. Example: manage.py restore --check /var/backups/portal-2026-11-30.dump"
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="what manage.py backup has written")
        parser.add_argument("--check", action="store_true", help="prove that it can be restored; changes nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit code 0: restored, or proved that it can be; 1: not, with the reason."""
        path: Path = options["file"]
        try:
            if options["check"]:
                for text in filter(None, check(path)):
                    self.stdout.write(text)
                self.stdout.write(_("The copy can be restored."))
            else:
                restore(path)
                _record(path)
                self.stdout.write(_("Restored. Next: manage.py migrate, then manage.py audit_ledger."))
        except BackupFailed as error:
            raise CommandError(str(error), returncode=NOT_DONE) from error


def _record(path: Path) -> None:
    """A copy from before there was an audit log has no place for it until it is migrated."""
    if ROW in connection.introspection.table_names():
        record(Action.RESTORED, target_type="file", target_name=path.name)
