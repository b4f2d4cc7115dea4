"""``manage.py verify_audit_log``: whether the audit log is what the portal has written."""

import re
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.sealing import seal_waiting
from audit.verification import Verdict, verify
from common.commandline import NOT_DONE, WRONG_USE, add_json_option, json_text
from common.fields import DecryptionError

SEAL = re.compile(r"[0-9a-fA-F]{64}")


class Command(BaseCommand):
    help = (
        "Verify the whole chain of the audit log and print the seal at its end. Keep that elsewhere and pass it next "
        "time. Example: manage.py verify_audit_log --expect 0f3a…"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--expect", default="", metavar="SEAL", help="a seal kept elsewhere: must be in the chain")
        parser.add_argument("--seal", action="store_true", help="first seal what waits")
        add_json_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit code 0: sound; 1: broken, with the first broken place and why; 2: wrong use."""
        expected: str = options["expect"]
        if expected and not SEAL.fullmatch(expected):
            raise CommandError(_("A seal has 64 hexadecimal digits."), returncode=WRONG_USE)
        now = timezone.now()
        try:
            if options["seal"]:
                seal_waiting(now=now)
        except DecryptionError as error:
            raise CommandError(str(error), returncode=NOT_DONE) from error
        verdict = verify(now=now, expected=expected)
        self.stdout.write(json_text(_document(verdict)) if options["json"] else _sentences(verdict))
        if not verdict.is_sound:
            sys.exit(NOT_DONE)


def _document(verdict: Verdict) -> dict[str, object]:
    broken = verdict.broken
    return {
        "sound": verdict.is_sound,
        "rows": verdict.rows,
        "position": verdict.position,
        "seal": verdict.seal,
        "waiting": verdict.waiting,
        "broken": broken
        and {"fault": broken.fault.value, "position": broken.position, "row": broken.number, "text": broken.text},
    }


def _sentences(verdict: Verdict) -> str:
    words = {
        "rows": verdict.rows,
        "position": verdict.position,
        "seal": verdict.seal or "-",
        "waiting": verdict.waiting,
    }
    if verdict.broken:
        first = _("The audit log is broken. %(why)s") % {"why": verdict.broken.text}
        return "\n".join([first, _("Sound up to position %(position)d: %(seal)s") % words])
    first = _("The audit log is sound: %(rows)d sealed rows, %(waiting)d wait for their seal.") % words
    return "\n".join([first, _("It ends at position %(position)d: %(seal)s") % words])
