"""``manage.py approve``: approve all drafts of a month, or none of them."""

import sys
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing.commandline import read_customer
from billing.documents import with_positions
from billing.models import Order
from billing.order_pages import may_bill
from billing.orders import OrdersRefused, approve_orders
from common.commandline import NOT_DONE, WRONG_USE, add_json_option, json_text, read_month


class Command(BaseCommand):
    help = (
        "Approve the month's draft orders, all of them or none. Approved orders never change again. "
        "Example: manage.py approve 2026-10 --customer K1001 --user anna"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("month", metavar="YYYY-MM", help="the month of the orders")
        parser.add_argument("--customer", metavar="CUSTOMERID", help="approve this customer's order only")
        parser.add_argument("--user", metavar="NAME", help="who approves; orders that need four eyes ask for it")
        add_json_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit code 0: every order is approved; 1: refused, or there is none; 2: wrong use.

        A draft of which everything was left out has nothing to approve and is passed over. The document has
        ``period``, ``approved`` and ``approved_before`` (order numbers), ``errors`` (sentences).
        """
        month, customer = read_month(options["month"]), read_customer(options["customer"])
        user = _read_user(options["user"])
        orders = [order for order in with_positions(month, customer) if order.positions.all()]
        drafts = [order for order in orders if order.state == Order.State.DRAFT]
        before = [order.number for order in orders if order.state != Order.State.DRAFT]
        approved: list[str] = []
        errors: list[str] = []
        if not orders:
            errors.append(_("There is no order for %(month)s. Start a billing run first.") % {"month": month})
        if drafts:
            try:
                approved = [order.number for order in approve_orders(drafts, user=user, now=timezone.now())]
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


def _read_user(name: str | None) -> AbstractBaseUser | None:
    """The active user of that name, who may do what the pages for billing do."""
    if name is None:
        return None
    users = get_user_model()._default_manager.filter(is_active=True)
    user = users.filter(**{get_user_model().USERNAME_FIELD: name}).first()
    if user is None:
        raise CommandError(_("There is no user “%(name)s”.") % {"name": name}, returncode=WRONG_USE)
    if not may_bill(user):
        raise CommandError(_("“%(name)s” may not approve orders.") % {"name": name}, returncode=WRONG_USE)
    return user
