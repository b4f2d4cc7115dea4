from argparse import ArgumentParser
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from billing.commandline import write_file
from billing.handover import Format, export_orders
from billing.models import BillingRun, Order
from common.commandline import NOT_DONE, WRONG_USE
from common.months import Month
from portal.demo import USERS, Memory, NoDemoHere, check_database, forget, only_one, remember, set_up, simulator_for
from portal.management.commands.up import Command as UpCommand
from portal.preparation import prepare
from portal.serving import PortTaken, check_port


class Command(UpCommand):
    help = (
        "Shows the whole portal with an invented ticket system: bills the previous month, prints the orders, writes\n"
        "the kivitendo file and serves the pages. Started again it changes no order. Usually called as: make demo\n\n"
        "Example: manage.py demo --no-serve\n"
        "Exit code: 0 done, 1 the month was not billed completely or the web server died, 2 nothing was started."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--no-serve", action="store_true", help="end after the orders were printed")
        parser.add_argument("--forget", action="store_true", help="only remove the demo's data: make clean-demo")
        parser.add_argument(
            "--simulator-port",
            type=int,
            default=8031,
            help="port of the invented ticket system; the next free one is taken (default: %(default)s)",
        )
        parser.add_argument(
            "--exports",
            type=Path,
            default=settings.BASE_DIR / "var" / "exports",
            help="folder of the kivitendo file (default: %(default)s)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        serves = not options["no_serve"]
        try:
            if serves and not options["forget"]:
                check_port(options["host"], options["port"])
            settings.VAR_DIR.mkdir(parents=True, exist_ok=True)
            with only_one(settings.VAR_DIR):
                if options["forget"]:
                    self._forget()
                else:
                    self._show(options, serves=serves)
        except (NoDemoHere, PortTaken) as error:
            raise CommandError(str(error), returncode=WRONG_USE) from error
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}", returncode=WRONG_USE) from error

    def _show(self, options: dict[str, Any], *, serves: bool) -> None:
        self.stdout.write(_("Preparing the database ..."))
        prepare()
        check_database()
        memory = remember(settings.VAR_DIR, now=timezone.now())
        with simulator_for(memory, port=options["simulator_port"]) as simulator:
            set_up(memory, simulator, now=timezone.now())
            complete = self._bill(memory.last_month)
            self._write_file(memory.last_month, options["exports"])
            self._tell_users(memory)
            if serves:
                self.serve(options["host"], options["port"])
        if not complete:
            raise CommandError(_("The month was not billed completely; the reasons are above."), returncode=NOT_DONE)

    def _forget(self) -> None:
        prepare()
        forget(settings.VAR_DIR)
        self.stdout.write(_("Removed %(folder)s with all data of the demo.") % {"folder": settings.VAR_DIR})

    def _bill(self, month: Month) -> bool:
        self.stdout.write(_("Reading the closed tickets of %(month)s and writing the orders ...") % {"month": month})
        with suppress(SystemExit):  # its way to say that something is missing, which it has printed
            call_command("bill", str(month), stdout=self.stdout, stderr=self.stderr)
        run = BillingRun.objects.get(month=month.first_day, customer=None)
        self.stdout.write(
            _("Orders: %(new)d new, %(changed)d changed, %(unchanged)d unchanged.")
            % {"new": run.orders_new, "changed": run.orders_changed, "unchanged": run.orders_unchanged}
        )
        return run.complete

    def _write_file(self, month: Month, folder: Path) -> None:
        """A preview, which marks no order as exported; once all are approved, handing over is a person's decision."""
        if not Order.objects.filter(month=month.first_day, state=Order.State.DRAFT).exists():
            self.stdout.write(_("All orders are approved: hand them over on the page of the orders."))
            return
        result = export_orders(month=month, format=Format.KIVITENDO, now=timezone.now())
        path = write_file(folder, result.file_name, result.content)
        self.stdout.write(_("Order file for kivitendo: %(path)s") % {"path": path})

    def _tell_users(self, memory: Memory) -> None:
        if memory.is_old(timezone.now()):
            text = _("The invented tickets end with %(month)s. For newer ones start afresh: make clean-demo demo")
            self.stdout.write(text % {"month": memory.last_month})
        self.stdout.write(_("Sign in as:"))
        for name, role in USERS.items():
            self.stdout.write(f"  {name:<8} {memory.passwords[name]}  ({role})")
