"""``manage.py reconcile``: the three totals of every ticket of a month compared."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from common.commandline import NOT_DONE, WRONG_USE, add_json_option, json_text, read_month
from common.money import plain
from common.months import Month
from tickets.models import TicketSystem
from tickets.reconciliation import Reconciliation, reconcile
from tickets.reconciliation_evidence import Difference


class Command(BaseCommand):
    help = (
        "Compare, for every ticket of a month, the sum of its entries with the ticket's own total and that of its "
        "articles. Reads nothing from the ticket systems. Example: manage.py reconcile --period 2026-10 --json"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--period", metavar="YYYY-MM", required=True, help="the month")
        parser.add_argument("--system", metavar="NAME", help="only this ticket system (default: all)")
        add_json_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit code 0: all tickets agree and the month is complete; 1: not so, or not known; 2: wrong use."""
        month, system = read_month(options["period"]), _system(options["system"])
        result = reconcile(month, system=system)
        if options["json"]:
            self.stdout.write(json_text(_document(month, result)))
        else:
            self._print(month, result)
        if not result.all_agree:
            sys.exit(NOT_DONE)

    def _print(self, month: Month, result: Reconciliation) -> None:
        self.stdout.write(f"{month}: {result.sentence}")
        for difference in result.differences:
            self.stdout.write(_line(difference))
            self.stdout.write(f"    {difference.sentence}")
        for reason, count in result.reasons.items():
            self.stdout.write(_("Not compared: %(count)d. %(reason)s") % {"count": count, "reason": reason.label})
        for problem in result.problems:
            self.stderr.write(problem)


def _system(name: str | None) -> TicketSystem | None:
    if name is None:
        return None
    found = TicketSystem.objects.filter(name=name).first()
    if found is None:
        raise CommandError(
            _("There is no ticket system “%(name)s”. See manage.py ticket_system list.") % {"name": name},
            returncode=WRONG_USE,
        )
    return found


def _line(difference: Difference) -> str:
    articles = difference.article_units
    return _(
        "%(number)s (%(system)s): entries %(entries)s, ticket %(ticket)s, articles %(articles)s units; difference "
        "%(units)s units, %(minutes)s min. Likely cause: %(cause)s."
    ) % {
        "number": difference.ticket.number,
        "system": difference.ticket.system.name,
        "entries": plain(difference.entries_units),
        "ticket": plain(difference.ticket_units),
        "articles": _("not read") if articles is None else plain(articles),
        "units": plain(difference.difference_units),
        "minutes": plain(difference.difference_minutes),
        "cause": difference.cause.label,
    }


def _document(month: Month, result: Reconciliation) -> dict[str, Any]:
    """Numbers of time are texts, so that no reader rounds them."""
    return {
        "period": str(month),
        "complete": result.complete,
        "all_agree": result.all_agree,
        "tickets": result.tickets,
        "compared": result.compared,
        "with_articles": result.with_articles,
        "agreeing": result.agreeing,
        "differing": result.differing,
        "not_compared": result.not_compared,
        "not_compared_because": {reason.value: count for reason, count in result.reasons.items()},
        "differences": [_difference(difference) for difference in result.differences],
        "problems": list(result.problems),
    }


def _difference(difference: Difference) -> dict[str, Any]:
    ticket, articles = difference.ticket, difference.article_units
    return {
        "ticket_number": ticket.number,
        "system": ticket.system.name,
        "customer_id": ticket.customer.customer_id if ticket.customer else None,
        "entries_units": plain(difference.entries_units),
        "ticket_units": plain(difference.ticket_units),
        "article_units": None if articles is None else plain(articles),
        "difference_units": plain(difference.difference_units),
        "difference_minutes": plain(difference.difference_minutes),
        "cause": difference.cause.value,
        "sentence": difference.sentence,
    }
