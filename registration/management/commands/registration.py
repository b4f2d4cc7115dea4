"""``manage.py registration``: this portal's own registration, from the command line."""

import os
import sys
from collections.abc import Callable
from getpass import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from common.commandline import NOT_DONE, WRONG_USE, add_json_option, json_text
from registration.client import (
    deregister,
    register,
    registration_data_get,
    registration_date_check,
    registration_update_send,
    token_get,
)
from registration.client_calls import Outcome
from registration.own_models import OwnRegistration

PASSWORD, TOKEN = "REGISTRATION_PASSWORD", "REGISTRATION_TOKEN"
EXAMPLES = {
    "token": "Print a token for one registration. Example: manage.py registration token --otrs-id me@example.com",
    "register": (
        "Register this portal; without REGISTRATION_TOKEN a token is got first. Example: manage.py registration "
        "register --otrs-id me@example.com --type production --description 'Billing of the help desk'"
    ),
    "update": "Report now, whatever is due. Example: manage.py registration update --type test --json",
    "deregister": (
        "Have the server forget this portal. Example: manage.py registration deregister --otrs-id me@example.com"
    ),
    "status": "How the registration stands and what is reported. Example: manage.py registration status --json",
    "check": (
        "Print nothing, on-grace-period or expired; exit code 0 for nothing, else 1. "
        "Example: manage.py registration check --json"
    ),
}


class Command(BaseCommand):
    help = (
        "This portal's own registration at the server that REGISTRATION_URL names. The password comes from the "
        f"variable {PASSWORD} or a prompt, a token from {TOKEN}; neither is ever an argument. "
        "Example: manage.py registration register --otrs-id me@example.com --type production"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        calls = parser.add_subparsers(dest="call", metavar="CALL", required=True)
        for name, text in EXAMPLES.items():
            call = calls.add_parser(name, help=text.partition(".")[0], description=text)
            add_json_option(call)
            if name in {"token", "register", "deregister"}:
                call.add_argument("--otrs-id", metavar="ID", required=True, help="the account at the server")
            if name in {"register", "update"}:
                is_needed = name == "register"
                types = OwnRegistration.SystemType.values
                call.add_argument("--type", choices=types, required=is_needed, help="what the portal is used for")
                call.add_argument("--description", metavar="TEXT", help="what the server shows of the portal")
            if name == "update":
                call.add_argument("--debug", action="store_true", help="log the facts that are sent")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit code 0: done; 1: not done, or with ``check`` there is something to say; 2: nothing could be sent."""
        calls: dict[str, Callable[[dict[str, Any]], None]] = {
            "token": self._token,
            "register": self._register,
            "update": self._update,
            "deregister": self._deregister,
            "status": self._status,
            "check": self._check,
        }
        calls[options["call"]](options)

    def _token(self, options: dict[str, Any]) -> None:
        token = _new_token(options)
        self.stdout.write(json_text({"success": True, "token": token}) if options["json"] else token)

    def _register(self, options: dict[str, Any]) -> None:
        outcome = register(
            token=os.environ.get(TOKEN) or _new_token(options, "Register"),
            otrs_id=options["otrs_id"],
            system_type=options["type"],
            description=options["description"] or "",
            now=timezone.now(),
        )
        self._tell(outcome, _("This portal is registered."), options)

    def _update(self, options: dict[str, Any]) -> None:
        outcome = registration_update_send(
            system_type=options["type"],
            description=options["description"],
            debug=options["debug"],
            now=timezone.now(),
        )
        self._tell(outcome, _("The registration server took the update."), options)

    def _deregister(self, options: dict[str, Any]) -> None:
        token = os.environ.get(TOKEN) or _new_token(options, "Deregister")
        outcome = deregister(token=token, otrs_id=options["otrs_id"], now=timezone.now())
        self._tell(outcome, _("This portal is deregistered. It reports no more."), options)

    def _status(self, options: dict[str, Any]) -> None:
        document = registration_data_get(extended=True)
        document["Check"] = registration_date_check(now=timezone.now()) or ""
        if options["json"]:
            self.stdout.write(json_text(document))
            return
        for name, value in document.items():
            self.stdout.write(f"{name}: {value}".rstrip())

    def _check(self, options: dict[str, Any]) -> None:
        found = registration_date_check(now=timezone.now()) or ""
        if options["json"]:
            self.stdout.write(json_text({"check": found}))
        elif found:
            self.stdout.write(found)
        if found:
            sys.exit(NOT_DONE)

    def _tell(self, outcome: Outcome, done: str, options: dict[str, Any]) -> None:
        if not outcome.success:
            raise _refusal(outcome)
        self.stdout.write(json_text({"success": True, **registration_data_get()}) if options["json"] else done)


def _new_token(options: dict[str, Any], purpose: str = "") -> str:
    answer = token_get(otrs_id=options["otrs_id"], password=_password(), purpose=purpose)
    if not answer.success:
        raise _refusal(answer)
    return answer.token


def _password() -> str:
    """From the environment, else asked for where somebody sits in front of it."""
    if PASSWORD in os.environ:
        return os.environ[PASSWORD]
    if not sys.stdin.isatty():
        text = _("There is no password: set %(name)s, or run the command where it can ask for one.")
        raise CommandError(text % {"name": PASSWORD}, returncode=WRONG_USE)
    return getpass(_("Password of the OTRS-ID: "))


def _refusal(outcome: Outcome) -> CommandError:
    return CommandError(outcome.reason, returncode=WRONG_USE if outcome.is_wrong_use else NOT_DONE)
