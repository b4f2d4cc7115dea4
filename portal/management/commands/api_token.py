"""``manage.py api_token``: make, list and revoke tokens of the read API."""

import sys
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from billing.commandline import table
from common.commandline import NOT_DONE, WRONG_USE, add_json_option, json_text
from portal.api.scopes import Scope
from portal.api.tokens import DEFAULT_DAYS, TokenRefused, make_token, revoke_token
from portal.token_models import MOST_DAYS, ApiToken

EXAMPLES = {
    "create": (
        "Make a token and print it; it is never shown again. "
        "Example: manage.py api_token create anna --name 'Monthly report' --scope reports:read --days 90"
    ),
    "list": "List tokens, never the tokens themselves. Example: manage.py api_token list --user anna --json",
    "revoke": "Revoke a token by the eight digits that name it. Example: manage.py api_token revoke 1a2b3c4d",
}


class Command(BaseCommand):
    help = "Tokens with which programs read the API. " + EXAMPLES["create"].partition(". ")[2]

    def add_arguments(self, parser: CommandParser) -> None:
        calls = parser.add_subparsers(dest="call", metavar="CALL", required=True)
        made = {
            name: calls.add_parser(name, help=text.partition(".")[0], description=text)
            for name, text in EXAMPLES.items()
        }
        for call in made.values():
            add_json_option(call)
        create = made["create"]
        create.add_argument("user", help="login of the user whose rights the token has")
        create.add_argument("--name", required=True, help="what it is for")
        create.add_argument("--scope", action="append", required=True, choices=Scope.values, help="may be repeated")
        create.add_argument("--days", type=int, default=DEFAULT_DAYS, help=f"how long it is good, 1 to {MOST_DAYS}")
        made["list"].add_argument("--user", help="only of this login")
        made["revoke"].add_argument("prefix", help="the digits after bpt_")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit code 0: done; 1: there was nothing to revoke; 2: wrong use."""
        calls = {"create": self._create, "list": self._list, "revoke": self._revoke}
        calls[options["call"]](options)

    def _create(self, options: dict[str, Any]) -> None:
        user = _user(options["user"])
        try:
            token, text = make_token(
                user=user, name=options["name"], scopes=options["scope"], days=options["days"], now=timezone.now()
            )
        except TokenRefused as refusal:
            raise CommandError(str(refusal), returncode=WRONG_USE) from refusal
        self.stdout.write(json_text(_row(token) | {"token": text}) if options["json"] else text)

    def _list(self, options: dict[str, Any]) -> None:
        found = ApiToken.objects.select_related("user")
        if options["user"]:
            found = found.filter(user=_user(options["user"]))
        rows = [_row(token) for token in found]
        if options["json"]:
            self.stdout.write(json_text({"tokens": rows}))
        elif rows:
            shown = [[str(value or "–") for value in row.values()] for row in rows]
            self.stdout.write(table(list(rows[0]), shown, numbers=0))
        else:
            self.stdout.write(_("There are no API tokens."))

    def _revoke(self, options: dict[str, Any]) -> None:
        prefix = options["prefix"].removeprefix("bpt_")[:8]
        token = ApiToken.objects.select_related("user").filter(prefix=prefix).first()
        if token is None:
            raise CommandError(_("No API token has this name: %(prefix)s") % {"prefix": prefix}, returncode=WRONG_USE)
        done = revoke_token(token, by=None, now=timezone.now())
        text = _("%(token)s is revoked.") if done else _("%(token)s was revoked before.")
        token.refresh_from_db()
        self.stdout.write(json_text(_row(token)) if options["json"] else text % {"token": token})
        if not done:
            sys.exit(NOT_DONE)


def _user(login: str) -> User:
    user = User.objects.filter(username=login).first()
    if user is None:
        raise CommandError(_("There is no user with the login %(login)s.") % {"login": login}, returncode=WRONG_USE)
    return user


def _row(token: ApiToken) -> dict[str, Any]:
    moments = ("created_at", "expires_at", "last_used_at", "revoked_at")
    told = {name: getattr(token, name) for name in moments}
    return {"prefix": token.prefix, "user": token.user.get_username(), "name": token.name, "scopes": token.scopes} | {
        name: moment.isoformat(timespec="seconds") if moment else None for name, moment in told.items()
    }
