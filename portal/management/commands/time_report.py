"""``manage.py time_report``: the time booked in a period, by agent, customer, queue or ticket."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from common.commandline import NOT_DONE, WRONG_USE, add_json_option, json_text
from common.spans import Span
from portal.reports.data_state import DataState, state_of
from portal.reports.documents import report_document, report_rows, report_table, time_zones
from portal.reports.span_text import parse_span, span_text
from portal.reports.sums import By, Row


class Command(BaseCommand):
    help = (
        "Print the time booked in a period as the last sync found it, and how it stands with billing. "
        "Example: manage.py time_report --period 2026-10 --by agent --json"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--period",
            required=True,
            metavar="PERIOD",
            help="2026-10, 2026-Q3, 2026, 2026-09-01..2026-10-15 (both days count) or all",
        )
        parser.add_argument("--by", required=True, choices=By.values, help="what is summed")
        add_json_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit code 0: the data are known to be complete; 1: they are not, printed all the same; 2: wrong use."""
        span, by = _read_span(options["period"]), By(options["by"])
        state = state_of(span, now=timezone.now())
        rows = report_rows(by, span)
        if options["json"]:
            self.stdout.write(json_text(report_document(by=by, span=span, state=state, rows=rows)))
        else:
            self._print(by, span, state, rows)
        if not state.complete:
            sys.exit(NOT_DONE)

    def _print(self, by: By, span: Span, state: DataState, rows: list[Row]) -> None:
        if rows:
            self.stdout.write(report_table(by, rows))
        else:
            self.stdout.write(_("No time is booked in %(period)s.") % {"period": span_text(span)})
        self.stdout.write("")
        self.stdout.write(_("Period: %(period)s (%(zones)s)") % {"period": span_text(span), "zones": time_zones()})
        self.stdout.write(_("Complete: yes") if state.complete else _("Complete: no"))
        for problem in state.problems:
            self.stdout.write(f"  {problem}")


def _read_span(text: str) -> Span:
    try:
        return parse_span(text)
    except ValueError as error:
        raise CommandError(str(error), returncode=WRONG_USE) from error
