"""``manage.py take_second_factor``: for the day on which the only administrator has lost the device."""

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from common.commandline import WRONG_USE
from portal.sign_in_services import take_second_factor


class Command(BaseCommand):
    help = (
        "Take a lost second factor away and end all sessions of the user, who then sets up a new one. "
        "Example: manage.py take_second_factor anna"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit code 0: there is none any more; 2: no such user."""
        user = get_user_model()._default_manager.filter(username=options["username"]).first()
        if user is None:
            text = _("There is no user %(name)s.") % {"name": options["username"]}
            raise CommandError(text, returncode=WRONG_USE)
        taken = take_second_factor(user)
        text = (
            _("The second factor of %(user)s is gone; all sessions were ended.") if taken else _("%(user)s had none.")
        )
        self.stdout.write(text % {"user": user})
