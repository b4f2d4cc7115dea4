"""``manage.py discrepancies``: what the ticket systems say otherwise by now than orders that have left draft."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext as _

from billing.commandline import read_customer, table
from billing.discrepancies import discrepancies
from billing.discrepancy_documents import discrepancies_document, totals_of
from billing.discrepancy_kinds import Discrepancy
from billing.discrepancy_pages import as_of
from common.commandline import NOT_DONE, add_json_option, json_text, read_month
from common.money import plain

HEADER = (
    "Order",
    "CustomerID",
    "Ticket",
    "Agent",
    "Booked",
    "Kind",
    "Billed min",
    "Now min",
    "At stake min",
    "Net",
    "",
)


class Command(BaseCommand):
    help = (
        "Show what disagrees with approved orders by now, as the mirror stands. Changes nothing. "
        "Example: manage.py discrepancies --period 2026-10 --json"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--period", metavar="YYYY-MM", help="orders of this month only")
        parser.add_argument("--customer", metavar="CUSTOMERID", help="orders of this customer only")
        add_json_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit code 0: nothing disagrees; 1: something does; 2: wrong use."""
        month = None if options["period"] is None else read_month(options["period"])
        found = discrepancies(month, read_customer(options["customer"]))
        if options["json"]:
            self.stdout.write(json_text(discrepancies_document(found)))
        elif found:
            self.stdout.write(table(HEADER, [*map(_row, found), *_totals(found)], numbers=5))
            self.stdout.write(as_of())
        else:
            self.stdout.write(f"{_('Nothing disagrees with the approved orders.')} {as_of()}")
        if found:
            sys.exit(NOT_DONE)


def _row(row: Discrepancy) -> list[str]:
    money = "" if row.money_at_stake is None else plain(row.money_at_stake, 2)
    return [
        row.order.number,
        row.customer.customer_id,
        row.ticket.number,
        str(row.entry.agent),
        row.entry.booked_local,
        str(row.kind.label),
        *map(plain, (row.minutes_billed, row.minutes_now, row.minutes_at_stake)),
        money,
        row.currency if money else "",
    ]


def _totals(rows: list[Discrepancy]) -> list[list[str]]:
    return [
        [_("Total"), *[""] * 7, plain(minutes), plain(money, 2), currency]
        for currency, minutes, money in totals_of(rows)
    ]
