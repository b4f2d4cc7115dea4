"""The set-up of a ticket system."""

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.fields import DecryptionError
from common.forms import LinesField
from tickets.models import TicketSystem


class TicketSystemForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """For the admin, which names model and fields. The password goes in and never comes out again.

    An empty password field keeps the one that is set.
    """

    password = forms.CharField(
        label=gettext_lazy("Password"),
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    closed_state_types = LinesField(
        label=gettext_lazy("State types that count as closed"),
        help_text=gettext_lazy("One name a line, such as closed."),
    )
    internal_queues = LinesField(
        label=gettext_lazy("Internal queues"),
        required=False,
        help_text=gettext_lazy("One name a line. Time there is not meant for a customer."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _forget_unreadable_password(kwargs.get("instance"))
        super().__init__(*args, **kwargs)
        self.stored = (self.instance.password, self.instance.base_url)
        if self.instance.password:
            self.fields["password"].help_text = _("A password is set. Leave this empty to keep it.")

    def clean_routes(self) -> dict[str, str]:
        routes = self.cleaned_data["routes"] or {}
        if not isinstance(routes, dict) or not all(isinstance(route, str) for route in routes.values()):
            example = json.dumps({"TicketGet": "POST MyService /TicketGet"})
            raise ValidationError(_("Write the routes like %(example)s."), params={"example": example})
        return routes

    def clean(self) -> dict[str, Any]:
        """A stored password is not sent to another address than the one it was entered for."""
        cleaned = super().clean() or self.cleaned_data
        password, base_url = self.stored
        if not cleaned.get("password"):
            if not password:
                self.add_error("password", _("Enter the password of the login."))
            elif cleaned.get("base_url") != base_url:
                self.add_error("password", _("The address is a new one: enter the password again."))
            cleaned["password"] = password
        return cleaned


def _forget_unreadable_password(system: TicketSystem | None) -> None:
    """A password whose key is lost counts as none, so that it can be entered again here."""
    if system is None:
        return
    try:
        str(system.password)  # decrypts
    except DecryptionError:
        system.password = ""
