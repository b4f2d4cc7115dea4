"""The forms of the own registration. What is typed as a password is passed on and never shown again."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from registration.client_answers import LONGEST_TEXT
from registration.own_models import OwnRegistration


class AccountForm(forms.Form):
    """The account at the registration server."""

    otrs_id = forms.CharField(
        label=_("OTRS-ID"), max_length=200, widget=forms.TextInput(attrs={"autocomplete": "username"})
    )
    password = forms.CharField(
        label=_("Password of the OTRS-ID"),
        max_length=500,
        strip=False,
        help_text=_("It is passed on to the registration server and not kept."),
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )

    @property
    def account(self) -> dict[str, Any]:
        """What ``client.token_get`` wants to know of a valid form."""
        return {name: self.cleaned_data[name] for name in ("otrs_id", "password")}


class RegisterForm(AccountForm):
    """What the server shows of this portal beside the facts that it reports."""

    system_type = forms.ChoiceField(label=_("Type"), choices=OwnRegistration.SystemType.choices)
    description = forms.CharField(
        label=_("Description"), max_length=LONGEST_TEXT, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )


class DeregisterForm(AccountForm):
    """Its controls have ids of their own: it stands on one page with the form above."""

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, auto_id="id_deregister_%s")
