"""``manage.py audit_ledger``: prove from the rows that every minute is billed once or stands in a list."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext as _

from billing.audit import Audit, audit_ledger, unsettled
from common.commandline import NOT_DONE, add_json_option, json_text
from common.money import plain


class Command(BaseCommand):
    help = (
        "Check the promises of the ledger against all of its rows: billed once, sums, claims, numbers without gaps, "
        "no minute lost. Reads only. Example: manage.py audit_ledger --json"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_json_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit code 0: no promise is broken; 1: one is. The document has ``ok``, ``checks``, ``breaches`` (``check``,
        ``sentence``, ``count``, ``examples``), ``orders``, ``entries``, ``mirrored_minutes``, ``minutes`` by standing,
        ``unsettled_entries`` of approved orders that the ticket system no longer shows so."""
        audit = audit_ledger()
        if options["json"]:
            self.stdout.write(json_text(_document(audit, unsettled())))
        else:
            self._print(audit, unsettled())
        if audit.breaches:
            sys.exit(NOT_DONE)

    def _print(self, audit: Audit, left: int) -> None:
        for breach in audit.breaches:
            self.stderr.write(f"{breach.sentence} ({breach.count}: {', '.join(breach.examples)})")
        text = _("%(orders)d orders and %(entries)d time entries with %(minutes)s minutes were checked.")
        values = {"orders": audit.orders, "entries": audit.entries, "minutes": plain(audit.mirrored)}
        self.stdout.write(text % values)
        for standing, minutes in audit.minutes.items():
            self.stdout.write(f"  {standing}: {plain(minutes)} min")
        if left:
            text = _("Entries of approved orders that are no longer so in the ticket system: %(count)d.")
            self.stdout.write(text % {"count": left})
        if not audit.breaches:
            self.stdout.write(_("Every promise holds."))


def _document(audit: Audit, left: int) -> dict[str, Any]:
    return {
        "ok": not audit.breaches,
        "checks": list(audit.checks),
        "breaches": [
            {"check": each.check, "sentence": each.sentence, "count": each.count, "examples": list(each.examples)}
            for each in audit.breaches
        ],
        "orders": audit.orders,
        "entries": audit.entries,
        "mirrored_minutes": plain(audit.mirrored),
        "minutes": {standing: plain(minutes) for standing, minutes in audit.minutes.items()},
        "unsettled_entries": left,
    }
