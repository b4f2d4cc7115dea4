"""``manage.py settle``: settle discrepancies by their keys, or take a settlement back."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from billing.orders import OrdersRefused
from billing.proposals import Chosen, choose
from billing.settlement_models import Choice, Settlement
from billing.settlement_pages import consequence, what_was_done
from billing.settling import settle, take_back
from common.commandline import NOT_DONE, WRONG_USE, add_json_option, json_text
from common.money import plain


class Command(BaseCommand):
    help = (
        "Settle discrepancies, all of those named or none; manage.py discrepancies --json has keys and choices. "
        'Example: manage.py settle 12-gone e34 --choice accept --reason "Agreed with the customer" --json'
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("key", nargs="*", help="discrepancies, such as 12-gone or e34")
        parser.add_argument("--choice", choices=Choice.values, help="what to do")
        parser.add_argument("--reason", required=True, help="why; it is kept")
        parser.add_argument("--take-back", metavar="ID", type=int, help="a settlement, by the id that --json printed")
        parser.add_argument("--dry-run", action="store_true", help="say what would happen, change nothing")
        add_json_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit code 0: done; 1: refused, nothing was changed; 2: wrong use."""
        if (options["take_back"] is None) is not bool(options["key"] and options["choice"]):
            raise CommandError(_("Name discrepancies and --choice, or --take-back."), returncode=WRONG_USE)
        try:
            done = self._settle(options) if options["take_back"] is None else self._take_back(options)
        except OrdersRefused as refusal:
            raise CommandError(str(refusal), returncode=NOT_DONE) from refusal
        self.stdout.write(json_text(done) if options["json"] else str(done["sentence"]))

    def _settle(self, options: dict[str, Any]) -> dict[str, object]:
        chosen = choose(options["key"], choice=Choice(options["choice"]), user=None)
        known = {row.key for row in chosen.rows}
        if unknown := [key for key in options["key"] if key not in known]:
            text = _("Not open, or not to be settled like this: %(keys)s. Nothing was changed.")
            raise OrdersRefused([text % {"keys": ", ".join(unknown)}])
        if options["dry_run"]:
            return self._document(chosen, [], consequence(chosen.choice))
        done = settle(chosen.rows, choice=chosen.choice, reason=options["reason"], user=None, now=timezone.now())
        return self._document(chosen, done, what_was_done(done))

    def _document(self, chosen: Chosen, done: list[Settlement], sentence: str) -> dict[str, object]:
        return {
            "choice": chosen.choice.value,
            "settlements": [{"id": row.pk, "kind": row.kind, "supplement": row.supplement_number} for row in done],
            "totals": [
                {
                    "currency": total.currency,
                    "minutes_at_stake": plain(total.sums["minutes"]),
                    "money_at_stake": plain(total.sums["money"], 2),
                }
                for total in chosen.totals
            ],
            "sentence": sentence,
        }

    def _take_back(self, options: dict[str, Any]) -> dict[str, object]:
        keys, reason = [options["take_back"]], options["reason"]
        if options["dry_run"]:
            raise CommandError(_("--dry-run is for settling."), returncode=WRONG_USE)
        done = take_back(keys, reason=reason, user=None, now=timezone.now())
        return {"taken_back": [row.pk for row in done], "sentence": _("The discrepancy is open again.")}
