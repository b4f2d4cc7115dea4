from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from portal.preparation import prepare
from portal.serving import PortTaken, address, check_port, programs
from portal.supervisor import Supervisor


class Command(BaseCommand):
    help = (
        "Starts the web server and the worker with the scheduler, after bringing the database up to date.\n"
        "Ctrl+C or SIGTERM ends both.\n\n"
        "Example: manage.py up --port 8080\n"
        "Exit code: 0 ended by a signal, 1 the web server died, 2 nothing was started."
    )

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        return super().create_parser(prog_name, subcommand, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
        parser.add_argument("--port", type=int, default=8000, help="port of the web server (default: %(default)s)")

    def handle(self, *args: Any, **options: Any) -> None:
        host, port = options["host"], options["port"]
        try:
            check_port(host, port)
            self.stdout.write(_("Preparing the database ..."))
            prepare()
        except PortTaken as error:
            raise CommandError(str(error), returncode=2) from error
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}", returncode=2) from error
        if not get_user_model()._default_manager.exists():
            self.stdout.write(
                _("Nobody can sign in yet. Create the first account in another window: %(command)s")
                % {"command": ".venv/bin/python manage.py createsuperuser"}
            )
        self.serve(host, port)

    def serve(self, host: str, port: int) -> None:
        self.stdout.write(_("The portal is served at %(url)s (Ctrl+C ends it)") % {"url": address(host, port)})
        self.stdout.flush()
        if Supervisor(programs(host=host, port=port), say=self._say).run():
            raise CommandError(_("The web server ended by itself; its own words are above."), returncode=1)

    def _say(self, text: str) -> None:
        self.stderr.write(text)
