"""``manage.py kivitendo_check``: what became of the orders in kivitendo after the import."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from billing.commandline import table
from billing.erp_findings import is_fine, look_for_orders, sentence_of
from billing.erp_models import ErpFinding
from billing.kivitendo_database import KivitendoError, NotConfigured, WrongSettings
from common.commandline import NOT_DONE, WRONG_USE, add_json_option, json_text, read_month
from common.money import plain

HEADER = ("Order", "State", "In kivitendo", "In words")


class Command(BaseCommand):
    help = (
        "Look into kivitendo for every issued order and keep what is found: found, found twice, differs or missing. "
        "Nothing is written there. Example: manage.py kivitendo_check --period 2026-10 --json"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--period", metavar="YYYY-MM", help="orders of this month only")
        add_json_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit code 0: all are as they should be; 1: some are not, or nothing could be read; 2: wrong use."""
        month = None if options["period"] is None else read_month(options["period"])
        now = timezone.now()
        try:
            found = look_for_orders(month=month, now=now)
        except (NotConfigured, WrongSettings) as error:
            raise CommandError(str(error), returncode=WRONG_USE) from error
        except KivitendoError as error:
            raise CommandError(str(error), returncode=NOT_DONE) from error
        if options["json"]:
            document = {
                "period": str(month) if month else None,
                "looked_at": now.isoformat(),
                "orders": [_document(row) for row in found],
            }
            self.stdout.write(json_text(document))
        elif found:
            self.stdout.write(table(HEADER, [_row(row) for row in found], numbers=0))
        else:
            self.stdout.write(_("There is no order to look for."))
        if not all(map(is_fine, found)):
            sys.exit(NOT_DONE)


def _row(row: ErpFinding) -> list[str]:
    return [row.order.number, row.order.get_state_display(), row.get_state_display(), sentence_of(row)]


def _document(row: ErpFinding) -> dict[str, object]:
    """Amounts are decimal strings; ``net_there`` is ``null`` where kivitendo has no order, or one without a sum."""
    return {
        "number": row.order.number,
        "state": row.order.state,
        "in_kivitendo": row.state,
        "as_it_should_be": is_fine(row),
        "count": row.count,
        "net": plain(row.order.net_amount, 2),
        "net_there": None if row.net_amount is None else plain(row.net_amount, 2),
        "customer_number": row.order.erp_customer_number,
        "customer_number_there": row.customer_number or None,
        "text": sentence_of(row),
    }
