"""``manage.py approve``: approve all drafts of a month, or none of them."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing.commandline import read_customer
from billing.documents import with_positions
from billing.models import Order
from billing.orders import OrdersRefused, approve_orders
from common.commandline import NOT_DONE, add_json_option, json_text, read_month


class Command(BaseCommand):
    help = (
        "Approve the month's draft orders, all of them or none. Approved orders never change again. "
        "Example: manage.py approve 2026-10 --customer K1001"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("month", metavar="YYYY-MM", help="the month of the orders")
        parser.add_argument("--customer", metavar="CUSTOMERID", help="approve this customer's order only")
        add_json_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit code 0: every order is approved; 1: refused, or there is none; 2: wrong use.

        The document has ``period``, ``approved`` and ``approved_before`` (order numbers), ``errors`` (sentences).
        """
        month, customer = read_month(options["month"]), read_customer(options["customer"])
        orders = list(with_positions(month, customer))
        drafts = [order for order in orders if order.state == Order.State.DRAFT]
        before = [order.number for order in orders if order.state != Order.State.DRAFT]
        approved: list[str] = []
        errors: list[str] = []
        if not orders:
            errors.append(_("There is no order for %(month)s. Start a billing run first.") % {"month": month})
        if drafts:
            try:
                approved = [order.number for order in approve_orders(drafts, user=None, now=timezone.now())]
            except OrdersRefused as refused:
                errors += [_("No order was approved."), *refused.sentences]
        if options["json"]:
            document = {"period": str(month), "approved": approved, "approved_before": before, "errors": errors}
            self.stdout.write(json_text(document))
        elif not errors:
            text = ngettext("%(count)d order approved.", "%(count)d orders approved.", len(approved))
            self.stdout.write(text % {"count": len(approved)})
        for error in errors:
            self.stderr.write(error)
        if errors:
            sys.exit(NOT_DONE)
