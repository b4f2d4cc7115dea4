"""``manage.py export_orders``: the month's orders as a file for the ERP, a spreadsheet or a script."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from billing.commandline import read_customer, write_file
from billing.documents import with_positions
from billing.handover import ExportResult, Format, export_orders
from billing.orders import OrdersRefused
from billing.statement_files import FORMAT as PDF
from billing.statement_files import statement_file
from billing.statements import LANGUAGES
from common.commandline import NOT_DONE, read_month
from common.months import Month
from tickets.models import Customer


class Command(BaseCommand):
    help = (
        "Write the month's orders into a folder. With drafts among them the file is a preview, its name says so; else "
        "it is recorded, and the file for kivitendo makes the orders exported. The format pdf writes a work statement "
        "for each order. Never give an order of the file a periodic configuration in kivitendo: its time is billed "
        "again. "
        "Example: manage.py export_orders 2026-10 --format kivitendo --output var/exports"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("month", metavar="YYYY-MM", help="the month of the orders")
        parser.add_argument("--format", required=True, choices=[*Format.values, PDF], help="what the file is for")
        parser.add_argument("--language", choices=LANGUAGES, default="de", help="of the work statements (pdf)")
        parser.add_argument("--output", required=True, type=Path, metavar="DIR", help="folder, made if it is missing")
        parser.add_argument("--customer", metavar="CUSTOMERID", help="write this customer's order only")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit code 0: written, path and SHA-256 on stdout; 1: data incomplete, or nothing was written; 2: wrong use.

        What else the person should know, such as that the file is a preview, stands on stderr.
        """
        month, customer = read_month(options["month"]), read_customer(options["customer"])
        folder: Path = options["output"]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if options["format"] == PDF:
                results = self._statements(month, customer, options["language"])
            else:
                wanted = options["format"]
                results = [export_orders(month=month, format=wanted, now=timezone.now(), customer=customer)]
            paths = [write_file(folder, result.file_name, result.content) for result in results]
        except OrdersRefused as refused:
            raise CommandError("\n".join(refused.sentences), returncode=NOT_DONE) from refused
        except OSError as error:
            raise CommandError(
                _("The file could not be written: %(error)s. Start again with a folder that can be written to.")
                % {"error": error},
                returncode=NOT_DONE,
            ) from error
        for path, result in zip(paths, results, strict=True):
            self.stdout.write(f"{path}  {result.sha256}")
            for problem in result.problems:
                self.stderr.write(problem)
        if not all(order.complete for result in results for order in result.orders):
            self.stderr.write(_("Some of these orders stand on incomplete data. Start a billing run again first."))
            sys.exit(NOT_DONE)

    def _statements(self, month: Month, customer: Customer | None, language: str) -> list[ExportResult]:
        orders = list(with_positions(month, customer))
        if not orders:
            raise OrdersRefused([_("There is no order for %(month)s. Start a billing run first.") % {"month": month}])
        return [statement_file(order, language=language, user=None, now=timezone.now()) for order in orders]
