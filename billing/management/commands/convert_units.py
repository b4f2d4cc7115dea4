"""``manage.py convert_units``: another number of minutes for the time unit of a ticket system that was read already."""

from argparse import ArgumentTypeError
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from billing.units import ConversionPlan, PlanOutdated, UnitsRefused, convert_units, plan_conversion
from common.commandline import NOT_DONE, WRONG_USE, add_json_option, json_text
from common.money import plain
from tickets.models import TicketSystem


class Command(BaseCommand):
    help = (
        "Change how many minutes a time unit stands for. Time that is not billed is counted anew; approved orders and "
        'their time stay. Example: manage.py convert_units "Help desk" --minutes-per-unit 6 --dry-run'
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("system", metavar="SYSTEM", help="name of the ticket system")
        parser.add_argument("--minutes-per-unit", type=_decimal, required=True, help="minutes from now on")
        parser.add_argument("--dry-run", action="store_true", help="change nothing, show what would change")
        add_json_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit code 0: done, or nothing to do; 1: not done; 2: wrong use."""
        system = TicketSystem.objects.filter(name=options["system"]).first()
        if system is None:
            text = _("There is no ticket system “%(name)s”. See manage.py ticket_system list.")
            raise CommandError(text % {"name": options["system"]}, returncode=WRONG_USE)
        wanted = options["minutes_per_unit"]
        try:
            plan = plan_conversion(system, wanted)
            if not options["dry_run"]:
                plan = convert_units(system=system, minutes_per_unit=wanted, user=None, expected=plan.fingerprint)
        except UnitsRefused as refusal:
            code = NOT_DONE if isinstance(refusal, PlanOutdated) else WRONG_USE
            raise CommandError(str(refusal), returncode=code) from refusal
        if options["json"]:
            self.stdout.write(json_text(_document(system, plan, done=not options["dry_run"])))
        else:
            self.stdout.write(_text(system, plan, done=not options["dry_run"]))


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ArgumentTypeError(_("“%(text)s” is not a number.") % {"text": text}) from None


def _text(system: TicketSystem, plan: ConversionPlan, *, done: bool) -> str:
    values = {
        "system": system,
        "before": plain(plan.minutes_per_unit_before),
        "after": plain(plan.minutes_per_unit),
        "entries": plan.entries_to_convert,
        "minutes_before": plain(plan.minutes_before),
        "minutes_after": plain(plan.minutes_after),
        "kept": plan.entries_billed_kept,
        "minutes_kept": plain(plan.minutes_kept),
    }
    lines = [
        _("%(system)s: %(after)s minutes per time unit instead of %(before)s.") % values,
        _("Counted anew: %(entries)d entries, %(minutes_after)s minutes instead of %(minutes_before)s.") % values,
        _("Billed and left as they are: %(kept)d entries, %(minutes_kept)s minutes.") % values,
        plan.next_step,
        "" if done else _("Nothing was changed."),
    ]
    return "\n".join(line for line in lines if line)


def _document(system: TicketSystem, plan: ConversionPlan, *, done: bool) -> dict[str, object]:
    return {
        "system": system.name,
        "done": done,
        "minutes_per_unit_before": plain(plan.minutes_per_unit_before),
        "minutes_per_unit": plain(plan.minutes_per_unit),
        "entries_to_convert": plan.entries_to_convert,
        "minutes_before": plain(plan.minutes_before),
        "minutes_after": plain(plan.minutes_after),
        "entries_billed_kept": plan.entries_billed_kept,
        "minutes_kept": plain(plan.minutes_kept),
        "drafts_touched": plan.drafts_touched,
        "months": [str(month) for month in plan.months],
    }
