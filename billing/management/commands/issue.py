"""``manage.py issue``: give the month's approved orders their document numbers."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from billing.commandline import read_customer
from billing.documents import with_positions
from billing.issuing import issue_orders
from billing.models import Order
from billing.orders import OrdersRefused
from common.commandline import NOT_DONE, add_json_option, json_text, read_month

ISSUED = (Order.State.ISSUED, Order.State.EXPORTED)


class Command(BaseCommand):
    help = (
        "Issue the month's approved orders, all of them or none: each gets its document number, and nobody can change "
        "it any more. Example: manage.py issue 2026-10 --customer K1001"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("month", metavar="YYYY-MM", help="the month of the orders")
        parser.add_argument("--customer", metavar="CUSTOMERID", help="issue this customer's order only")
        add_json_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit code 0: every order is issued; 1: refused, drafts are left, or there is none; 2: wrong use.

        The document has ``period``, ``issued`` and ``issued_before`` (order number to document number) and ``errors``.
        """
        month, customer = read_month(options["month"]), read_customer(options["customer"])
        orders = list(with_positions(month, customer))
        before = {order.number: order.document_number for order in orders if order.state in ISSUED}
        approved = [order for order in orders if order.state == Order.State.APPROVED]
        drafts = [order.number for order in orders if order.state == Order.State.DRAFT]
        issued: dict[str, str | None] = {}
        errors: list[str] = []
        if not orders:
            errors.append(_("There is no order for %(month)s. Start a billing run first.") % {"month": month})
        if drafts:
            errors.append(_("Still a draft: %(numbers)s. Approve it first.") % {"numbers": ", ".join(drafts)})
        if approved:
            try:
                done = issue_orders(approved, user=None, now=timezone.now())
                issued = {order.number: order.document_number for order in done}
            except OrdersRefused as refused:
                errors += [_("No order was issued."), *refused.sentences]
        document = {"period": str(month), "issued": issued, "issued_before": before, "errors": errors}
        if options["json"]:
            self.stdout.write(json_text(document))
        else:
            for number, document_number in issued.items():
                self.stdout.write(f"{document_number}  {number}")
        for error in errors:
            self.stderr.write(error)
        if errors:
            sys.exit(NOT_DONE)
