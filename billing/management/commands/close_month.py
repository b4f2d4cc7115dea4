"""``manage.py close_month``: close the books of a month, or open them again."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from billing.closing import close_month, reopen_month
from billing.orders import OrdersRefused
from common.commandline import NOT_DONE, read_month


class Command(BaseCommand):
    help = (
        "Close a month whose orders are all issued: runs leave it alone from then on. With --reopen and a reason it is "
        'opened again. Example: manage.py close_month 2026-10 --reopen --reason "Late booking of K1001"'
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("month", metavar="YYYY-MM", help="the month")
        parser.add_argument("--reopen", action="store_true", help="open it again")
        parser.add_argument("--reason", default="", metavar="TEXT", help="why it is opened again")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit code 0: closed, or open again; 1: refused; 2: wrong use."""
        month, now = read_month(options["month"]), timezone.now()
        try:
            if options["reopen"]:
                reopen_month(month, reason=options["reason"], user=None, now=now)
                self.stdout.write(_("%(month)s is open again.") % {"month": month})
            else:
                close_month(month, user=None, now=now)
                self.stdout.write(_("%(month)s is closed: runs leave its orders as they are.") % {"month": month})
        except OrdersRefused as refused:
            raise CommandError("\n".join(refused.sentences), returncode=NOT_DONE) from refused
