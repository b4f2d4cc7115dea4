"""``manage.py void``: take an issued order back; its document stays, its time is free again."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from billing.issuing import void_order
from billing.models import Order
from billing.orders import OrdersRefused
from common.commandline import NOT_DONE, WRONG_USE


class Command(BaseCommand):
    help = (
        "Void an issued order. The next run drafts a new one that refers to it. "
        'Example: manage.py void 2026-00017 --reason "Wrong hourly rate"'
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("number", metavar="NUMBER", help="document number or number of the order")
        parser.add_argument("--reason", required=True, metavar="TEXT", help="why; it stands in the history for good")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit code 0: voided; 1: refused; 2: there is no such order."""
        number = options["number"]
        order = Order.objects.filter(Q(document_number=number) | Q(number=number)).first()
        if order is None:
            raise CommandError(_("There is no order %(number)s.") % {"number": number}, returncode=WRONG_USE)
        try:
            voided = void_order(order, reason=options["reason"], user=None, now=timezone.now())
        except OrdersRefused as refused:
            raise CommandError("\n".join(refused.sentences), returncode=NOT_DONE) from refused
        text = _("Order %(number)s is void. Its time is free again: start the run to draft it anew.")
        self.stdout.write(text % {"number": voided.document_number})
