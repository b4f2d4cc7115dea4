"""What is entered about agents: one agent by hand, or a list as a file."""

import base64
import binascii
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.csvfiles import LIMITS
from tickets.models import Agent, TicketSystem


class AgentForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """For the admin, which names model and fields."""

    def clean(self) -> dict[str, Any]:
        """Login or UserID; a login that differs from another one in case only is that agent's."""
        cleaned = super().clean() or self.cleaned_data
        login, system = cleaned.get("login"), cleaned.get("system")
        if not login and cleaned.get("user_id") is None and not self.errors:
            self.add_error("login", _("Enter the login, the UserID or both."))
        others = Agent.objects.filter(system=system, login__isnull=False).exclude(pk=self.instance.pk)
        if login and system and login.casefold() in {each.casefold() for each in _logins(others)}:
            self.add_error("login", _("An agent of this ticket system has this login already."))
        return cleaned


class AgentImportForm(forms.Form):
    """A file to look at, or the content of the one that was looked at. Cleans to the bytes in ``data``."""

    system = forms.ModelChoiceField(
        label=gettext_lazy("Ticket system"), queryset=TicketSystem.objects.all(), empty_label=None
    )
    file = forms.FileField(
        label=gettext_lazy("CSV file"),
        required=False,
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,text/csv"}),
    )
    content = forms.CharField(required=False, strip=False, widget=forms.HiddenInput)
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean_content(self) -> bytes:
        try:
            return base64.b64decode(self.cleaned_data["content"], altchars=b"-_", validate=True)
        except (binascii.Error, ValueError) as error:
            raise ValidationError(_("The file did not come back whole. Choose it again.")) from error

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        file = cleaned.get("file")
        if file is not None:
            cleaned["data"] = file.read(LIMITS.size + 1)  # one more than is allowed is enough to be refused
        elif cleaned.get("content"):
            cleaned["data"] = cleaned["content"]
        elif not self.errors:
            self.add_error("file", _("Choose a file."))
        return cleaned


def as_content(data: bytes) -> str:
    """The file as text that a form brings back byte by byte and that grows no further on its way."""
    return base64.urlsafe_b64encode(data).decode()


def _logins(agents: Any) -> list[str]:
    return list(agents.values_list("login", flat=True))
