"""``manage.py health``: what the page says, for scripts and for the health checks of containers."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from common.commandline import NOT_DONE, WRONG_USE, add_json_option, json_text
from portal.health.examination import examine
from portal.health.findings import Finding, State, is_well

NAMES = ("database", "broker", "disk", "keys", "worker", "beat", "reading")


class Command(BaseCommand):
    help = (
        "Look at every part of the portal: database, broker, disk, keys, workers, scheduler, age of the readings. "
        "Changes nothing. Example: manage.py health worker=ledger beat"
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "names", nargs="*", metavar="NAME", help=f"only these: {', '.join(NAMES)}; worker=ledger is one of a kind"
        )
        add_json_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit code 0: all of it works, perhaps with warnings; 1: something does not, or cannot be looked at."""
        names: list[str] = options["names"]
        unknown = [name for name in names if name.partition("=")[0] not in NAMES]
        if unknown:
            text = _("%(names)s is none of: %(known)s.") % {"names": ", ".join(unknown), "known": ", ".join(NAMES)}
            raise CommandError(text, returncode=WRONG_USE)
        findings = examine(now=timezone.now())
        found = [each for each in findings if not names or {each.name, f"{each.name}={each.about}"} & set(names)]
        ok = is_well(found) and (not names or is_well(findings[:1]))
        if options["json"]:
            self.stdout.write(json_text({"ok": ok, "checks": [_document(finding) for finding in found]}))
        else:
            self._print(found)
        if not ok:
            sys.exit(NOT_DONE)

    def _print(self, findings: list[Finding]) -> None:
        for finding in findings:
            stream = self.stderr if finding.state == State.BAD else self.stdout
            stream.write(f"{finding.label}: {finding.state.label}. {finding.text}")
            if finding.advice:
                stream.write(f"  {finding.advice}")


def _document(finding: Finding) -> dict[str, str]:
    return {
        "name": finding.name,
        "about": finding.about,
        "state": finding.state.value,
        "text": finding.text,
        "advice": finding.advice,
    }
