"""``manage.py web_service_definition``: the file that an administrator imports into the ticket system."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from common.commandline import NOT_DONE, WRONG_USE
from tickets.models import TicketSystem
from tickets.web_services import Offer, Transport, file_name, web_service_definition


class Command(BaseCommand):
    help = (
        "Write the definition of the web service that the portal asks, to be imported into the ticket system under "
        'Admin, Web Services. Example: manage.py web_service_definition --system "Help desk" --output /tmp'
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--system", required=True, help="name of the ticket system, as in ticket_system list")
        parser.add_argument("--transport", choices=list(Transport), default=Transport.REST)
        parser.add_argument(
            "--for",
            dest="offer",
            choices=list(Offer),
            default=Offer.ZNUNY,
            help="otrs6 leaves out the operations that only Znuny has",
        )
        parser.add_argument("--output", type=Path, help="folder to write the file into; without it the text is printed")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit code 0: written; 1: the file could not be written; 2: wrong use."""
        if not TicketSystem.objects.filter(name=options["system"]).exists():
            raise CommandError(
                _("There is no ticket system “%(name)s”. See manage.py ticket_system list.")
                % {"name": options["system"]},
                returncode=WRONG_USE,
            )
        transport = Transport(options["transport"])
        text = web_service_definition(transport=transport, offer=Offer(options["offer"]))
        if options["output"] is None:
            self.stdout.write(text, ending="")
            return
        path = options["output"] / file_name(transport=transport)
        try:
            path.write_text(text, encoding="utf-8", newline="\n")
        except OSError as error:
            raise CommandError(
                _("%(path)s could not be written: %(reason)s") % {"path": path, "reason": error.strerror},
                returncode=NOT_DONE,
            ) from error
        self.stdout.write(
            _("%(path)s written. Import it under Admin, Web Services and keep its name.") % {"path": path}
        )
