"""``manage.py ticket_system``: connect a ticket system, change how it is reached, list what is connected."""

import os
import shlex
import sys
from argparse import ArgumentParser, BooleanOptionalAction
from decimal import Decimal, InvalidOperation
from getpass import getpass
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from common.commandline import WRONG_USE, add_json_option, json_text
from tickets.credentials import note_changes
from tickets.models import Agent, TicketSystem

PASSWORD_VARIABLE = "TICKET_SYSTEM_PASSWORD"  # noqa: S105  # the name of the variable, not a password

RPC_PASSWORD_VARIABLE = "TICKET_SYSTEM_RPC_PASSWORD"  # noqa: S105  # the name of the variable, not a password

OPTION_OF = {
    "base_url": "--url",
    "preset": "--preset",
    "transport": "--transport",
    "login": "--login",
    "time_zone": "--time-zone",
    "minutes_per_unit": "--minutes-per-unit",
    "time_source": "--time-source",
    "rpc_url": "--rpc-url",
    "rpc_user": "--rpc-user",
    "rpc_user_id": "--rpc-user-id",
}
REQUIRED = ("base_url", "preset", "login", "time_zone", "minutes_per_unit")


class Command(BaseCommand):
    help = (
        "Connect ticket systems and list them. The password comes from the environment variable "
        f"{PASSWORD_VARIABLE} (for rpc.pl {RPC_PASSWORD_VARIABLE}) or is asked for; it is never an argument. "
        'Example: manage.py ticket_system add --name "Help desk" --url https://help.example.org/otrs '
        "--preset billing_portal --login portal-api --time-zone Europe/Berlin --minutes-per-unit 1"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="add|list")
        _add_arguments(actions.add_parser("add", help="connect a ticket system, or change one with --update"))
        add_json_option(actions.add_parser("list", help="show the connected ticket systems"))

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit code 0: done; 2: wrong use, nothing was changed."""
        if options["action"] == "list":
            self._list(as_json=options["json"])
        else:
            self._add(options)

    def _add(self, options: dict[str, Any]) -> None:
        name = options["name"]
        found = TicketSystem.objects.filter(name=name).first()
        if found is not None and not options["update"]:
            raise CommandError(
                _("There is a ticket system “%(name)s” already. Add --update to change it.") % {"name": name},
                returncode=WRONG_USE,
            )
        values: dict[str, object] = {field: options[field] for field in OPTION_OF if options[field] is not None}
        over_rpc = values.get("transport", found and found.transport) == TicketSystem.Transport.RPC
        unneeded = {"login"} if over_rpc else set()
        missing = [OPTION_OF[field] for field in REQUIRED if field not in {*values, *unneeded}]
        if found is None and missing:
            raise CommandError(
                _("A new ticket system needs %(options)s as well.") % {"options": ", ".join(missing)},
                returncode=WRONG_USE,
            )
        values |= _passwords(found, values, over_rpc=over_rpc)
        if options["active"] is not None:
            values["active"] = options["active"]
        new = _save(found or TicketSystem(name=name), values, options["agent"])
        done = _("Ticket system “%(name)s” changed, new agents: %(agents)d.")
        if found is None:
            done = _("Ticket system “%(name)s” added, agents: %(agents)d.")
        self.stdout.write(done % {"name": name, "agents": new})
        self.stdout.write(_("Now try: manage.py check_connection %(name)s") % {"name": shlex.quote(name)})

    def _list(self, *, as_json: bool) -> None:
        systems = TicketSystem.objects.all()
        if as_json:
            self.stdout.write(json_text([_document(system) for system in systems]))
            return
        for system in systems:
            state = "" if system.active else " " + _("(not active)")
            reached = f"{system.base_url} {system.transport} {system.preset}"
            self.stdout.write(f"{system.name}{state}: {reached} {system.time_zone}")
        if not systems:
            self.stdout.write(_("No ticket system is connected. See manage.py ticket_system --help."))


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--name", required=True, help="how the portal calls the ticket system")
    parser.add_argument("--url", dest="base_url", help="for example https://help.example.org/otrs")
    parser.add_argument(
        "--transport", choices=TicketSystem.Transport.values, help="what its web services speak; rest unless given"
    )
    parser.add_argument("--preset", choices=TicketSystem.Preset.values, help="the web service it offers")
    parser.add_argument("--login", help="login of the agent that the portal uses")
    parser.add_argument("--time-zone", help="OTRSTimeZone of the ticket system, for example Europe/Berlin")
    parser.add_argument("--minutes-per-unit", type=_decimal, help="minutes that one time unit stands for")
    parser.add_argument("--time-source", choices=TicketSystem.TimeSource.values, help="where booked time is read")
    parser.add_argument("--rpc-url", help="for example https://help.example.org/otrs/rpc.pl, where rpc.pl is used")
    parser.add_argument("--rpc-user", help="SOAP::User of the ticket system")
    parser.add_argument("--rpc-user-id", type=int, help="UserID in whose name rpc.pl acts; 1 unless given")
    parser.add_argument("--agent", action="append", default=[], metavar="LOGIN", help="an agent who books time; repeat")
    parser.add_argument("--update", action="store_true", help="change what is given, keep the rest")
    parser.add_argument(
        "--active",
        action=BooleanOptionalAction,
        default=None,
        help="whether it is read at all; a system that is not active holds up no billing run",
    )


def _passwords(found: TicketSystem | None, values: dict[str, object], *, over_rpc: bool) -> dict[str, object]:
    """Those that are new. A stored one is never sent to another address unasked."""
    new_address = found is None or values.get("base_url", found.base_url) != found.base_url
    has_login = bool(values.get("login", found.login if found else ""))
    password = _read_password(PASSWORD_VARIABLE, must=new_address and (has_login or not over_rpc))
    rpc_url = values.get("rpc_url", found.rpc_url if found else "")
    new_rpc = bool(rpc_url) and (found is None or rpc_url != found.rpc_url)
    rpc_password = _read_password(RPC_PASSWORD_VARIABLE, must=new_rpc)
    given = {"password": password, "rpc_password": rpc_password}
    return {field: text for field, text in given.items() if text}


def _decimal(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(text) from None
    if not number.is_finite():
        raise ValueError(text)
    return number


def _read_password(variable: str, *, must: bool) -> str:
    """Empty only without ``must``: then the stored one stays."""
    password = os.environ.get(variable, "")
    if must and not password and sys.stdin.isatty():
        password = getpass(_("Password of the agent: ") if variable == PASSWORD_VARIABLE else _("SOAP::Password: "))
    if must and not password:
        raise CommandError(
            _("The password is missing. Set %(variable)s, or start the command in a terminal to be asked.")
            % {"variable": variable},
            returncode=WRONG_USE,
        )
    return password


def _save(system: TicketSystem, values: dict[str, object], logins: list[str]) -> int:
    """Save the system and its new agents; returns how many agents are new."""
    is_new = system.pk is None
    for field, value in values.items():
        setattr(system, field, value)
    try:
        system.full_clean(exclude=[name for name in ("password", "rpc_password") if name not in values])
    except ValidationError as error:
        raise CommandError(_sentences(error), returncode=WRONG_USE) from error
    noted = note_changes(system, values, by="", now=timezone.now())
    with transaction.atomic():
        system.save(update_fields=None if is_new else [*values, *noted])
        return _add_agents(system, logins)


def _add_agents(system: TicketSystem, logins: list[str]) -> int:
    """Logins are compared without case, as the ticket system does."""
    known = {login.casefold() for login in system.agents.values_list("login", flat=True) if login}
    wanted = {login.strip().casefold(): login.strip() for login in logins if login.strip()}
    new = [Agent(system=system, login=login) for folded, login in wanted.items() if folded not in known]
    Agent.objects.bulk_create(new)
    return len(new)


def _sentences(error: ValidationError) -> str:
    return " ".join(f"{name}: {' '.join(texts)}" for name, texts in error.message_dict.items())


def _document(system: TicketSystem) -> dict[str, object]:
    return {
        "name": system.name,
        "url": system.base_url,
        "transport": system.transport,
        "preset": system.preset,
        "login": system.login,
        "time_zone": system.time_zone,
        "minutes_per_unit": str(system.minutes_per_unit),
        "time_source": system.time_source,
        "rpc_url": system.rpc_url,
        "active": system.active,
    }
