"""``manage.py rotate_keys``: stored secrets anew with the newest key, so that older keys can go."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.actions import Action
from audit.recording import record
from audit.sealing import add_key, seal_waiting
from common.commandline import NOT_DONE
from common.rotation import rotate


class Command(BaseCommand):
    help = (
        "Encrypt every stored secret of every table with the newest key of FIELD_ENCRYPTION_KEYS. Done again it "
        "changes nothing. Example: manage.py rotate_keys --dry-run"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only count")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit code 0: no older key is needed any more (with --dry-run: would be); 1: some secrets cannot be read."""
        lost, written = False, 0
        for result in rotate(dry_run=options["dry_run"]):
            written += result.written
            text = _("%(column)s: %(written)d written anew, %(current)d had the newest key already.")
            values = {"column": result.column, "written": result.written, "current": result.current}
            self.stdout.write(text % values)
            if result.unreadable:
                lost = True
                text = _("%(column)s: no key reads the rows %(rows)s; they stay as they are. Enter these secrets anew.")
                rows = ", ".join(map(str, result.unreadable))
                self.stderr.write(text % {"column": result.column, "rows": rows})
        if written and not options["dry_run"]:
            _turn_audit_log(written)
        if lost:
            sys.exit(NOT_DONE)


def _turn_audit_log(written: int) -> None:
    """What waits is sealed as long as the older key is known that it was written with; then with a key of its own."""
    now = timezone.now()
    add_key(now=now)
    record(Action.KEYS_ROTATED, text=written, now=now)
    seal_waiting(now=now)
