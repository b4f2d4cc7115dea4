"""``manage.py bill``: one month billed from start to end in this process."""

import sys
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from billing.closed_months import why_closed
from billing.commandline import read_customer, table
from billing.completeness import mirror_problems
from billing.documents import (
    Document,
    month_document,
    planned_orders,
    stored_orders,
    totals_document,
    with_positions,
)
from billing.ledger import plan_month
from billing.models import BillingRun
from billing.queries import LeftOut, Reason, left_out
from billing.runs import RunBusy, run_billing, start_run
from billing.starts import StartRefused, end_start, open_start, retry_failed
from common.commandline import NOT_DONE, WRONG_USE, add_json_option, json_text, read_month
from common.jobs import Job, LeaseLost, finish
from common.money import plain
from common.months import Month
from common.progress import ProgressBar
from tickets.models import Customer

HEADER = ("Order", "CustomerID", "Customer", "State", "Positions", "Recorded min", "Billable min", "Net", "")


class Command(BaseCommand):
    help = (
        "Read the ticket systems and bring the month's draft orders up to date. Doing it twice changes nothing. "
        "Example: manage.py bill 2026-10 --json"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("month", metavar="YYYY-MM", help="the month that is billed")
        parser.add_argument("--customer", metavar="CUSTOMERID", help="bill this customer only")
        parser.add_argument("--no-sync", action="store_true", help="take the mirror as it stands, read nothing")
        parser.add_argument(
            "--retry-failed",
            action="store_true",
            help="bill only the customers that failed before, over the mirror as it stands",
        )
        parser.add_argument("--dry-run", action="store_true", help="write nothing and read nothing, show the plan")
        add_json_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit code 0: billed from complete data; 1: partly or not; 2: wrong use."""
        month, customer = read_month(options["month"]), read_customer(options["customer"])
        if options["dry_run"] and options["retry_failed"]:
            raise CommandError(_("--dry-run and --retry-failed do not go together."), returncode=WRONG_USE)
        if options["dry_run"]:
            plan, problems = plan_month(month, customer), mirror_problems(month, customer)
            run, orders = None, planned_orders(plan, month)
            problems += [f"{failure.customer}: {failure.error}" for failure in plan.failures]
            problems += [closed] if (closed := why_closed(month)) else []
        else:
            only_failed, reads_first = options["retry_failed"], not options["no_sync"]
            run = self._run(
                _retry(month, customer) if only_failed else _start(month, customer, reads_first=reads_first)
            )
            orders = stored_orders(list(with_positions(month, customer)))
            problems = list(run.problems)
            problems += ["{customer_id} {customer}: {error}".format(**failure) for failure in run.failures]
        complete = run.complete if run else not problems
        rest = left_out(month, customer)
        if options["json"]:
            document = month_document(
                month=month, customer=customer, run=run, complete=complete, orders=orders, left_out=rest
            )
            self.stdout.write(json_text(document))
        else:
            self._print(month, run, orders, rest)
        for problem in problems:
            self.stderr.write(problem)
        if not complete:
            sys.exit(NOT_DONE)

    def _run(self, run: BillingRun) -> BillingRun:
        try:
            with ProgressBar(sys.stderr) as bar:
                return run_billing(run, on_progress=bar)
        except (RunBusy, LeaseLost) as busy:
            raise CommandError(str(busy), returncode=NOT_DONE) from busy
        except KeyboardInterrupt:
            _give_up(run, now=timezone.now())
            raise CommandError(
                _("Interrupted. What stands is kept; start the command again to go on."), returncode=NOT_DONE
            ) from None

    def _print(self, month: Month, run: BillingRun | None, orders: list[Document], rest: list[LeftOut]) -> None:
        rows = [_row(order) for order in orders]
        if orders:
            self.stdout.write(table(HEADER, [*rows, _total(orders)], numbers=5))
        else:
            self.stdout.write(_("No orders for %(month)s.") % {"month": month})
        self.stdout.write("")
        for reason in Reason:
            found = [row for row in rest if row.reason == reason]
            if found:
                minutes = plain(sum((row.minutes for row in found), Decimal(0)))
                count = len({row.ticket.pk for row in found})
                self.stdout.write(f"Left out: {count} tickets, {minutes} min ({reason.value}). {reason.label}")
        self.stdout.write(f"{month}: {run.get_state_display() if run else 'planned, nothing was written'}")


def _start(month: Month, customer: Customer | None, *, reads_first: bool) -> BillingRun:
    return start_run(month=month, customer=customer, reads_first=reads_first, now=timezone.now())


def _retry(month: Month, customer: Customer | None) -> BillingRun:
    run = BillingRun.objects.filter(month=month.first_day, customer=customer).first()
    if run is None:
        text = _("There is no run for %(month)s yet. Start one without --retry-failed.")
        raise CommandError(text % {"month": month}, returncode=NOT_DONE)
    try:
        return retry_failed(run, user=None, now=timezone.now())
    except StartRefused as refused:
        raise CommandError(str(refused), returncode=NOT_DONE) from refused


def _row(order: Document) -> list[str]:
    return [
        order["number"],
        order["customer_id"],
        order["customer"],
        order["state"],
        str(len(order["positions"])),
        order["recorded_minutes"],
        order["billable_minutes"],
        order["net"],
        order["currency"],
    ]


def _total(orders: list[Document]) -> list[str]:
    totals = totals_document(orders)
    net = "" if totals["net"] is None else totals["net"]
    currency = orders[0]["currency"] if net else ""
    minutes = [totals["recorded_minutes"], totals["billable_minutes"]]
    return [_("Total"), "", "", "", str(totals["positions"]), *minutes, net, currency]


def _give_up(run: BillingRun, *, now: datetime) -> None:
    """Let go of the run at once, so that the next start need not wait for the lease to end."""
    error = _("Interrupted by hand.")
    with suppress(LeaseLost):  # the run had not begun
        finish(run, state=Job.State.FAILED, complete=False, error=error, now=now)
        end_start(open_start(run), state=Job.State.FAILED, complete=False, error=error, now=now)
