"""The set-up of a registration account."""

from typing import Any

from django import forms
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from registration.models import Account

LONGEST_PASSWORD = 200  # characters; the endpoint takes no longer one


class AccountForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """For the admin, which names model and fields. The password goes in and never comes out again.

    An empty password field keeps the one that is set.
    """

    new_password = forms.CharField(
        label=gettext_lazy("Password"),
        required=False,
        strip=False,
        max_length=LONGEST_PASSWORD,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.password:
            self.fields["new_password"].help_text = _("A password is set. Leave this empty to keep it.")

    def clean_otrs_id(self) -> str:
        """In small letters, as the endpoint looks it up."""
        return str(self.cleaned_data["otrs_id"]).strip().lower()

    def clean_new_password(self) -> str:
        """Whoever has it may register systems of the customer: it has to pass what the portal's own ones do."""
        password = str(self.cleaned_data["new_password"])
        if password:
            validate_password(password)
        elif not self.instance.password:
            raise ValidationError(_("Enter the password that the ticket system will ask for."))
        return password

    def save(self, commit: bool = True) -> Account:
        password = self.cleaned_data["new_password"]
        if password:
            self.instance.password = make_password(password)
        account: Account = super().save(commit)
        return account
