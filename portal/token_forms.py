"""What somebody enters to make a token of the read API."""

from django import forms
from django.contrib.auth.models import User
from django.utils.translation import gettext_lazy as _

from common.forms import Boxes
from portal.api.scopes import scopes_for
from portal.api.tokens import DEFAULT_DAYS
from portal.token_models import MOST_DAYS


class TokenForm(forms.Form):
    """Offers the scopes that open something to the user."""

    name = forms.CharField(label=_("Name"), max_length=80, help_text=_("What it is for, for example: monthly report"))
    scopes = forms.MultipleChoiceField(
        label=_("May read"),
        widget=Boxes,
        error_messages={"required": _("Choose what the token may read.")},
    )
    days = forms.IntegerField(
        label=_("Good for how many days"),
        initial=DEFAULT_DAYS,
        min_value=1,
        max_value=MOST_DAYS,
        help_text=_("A year at most. Make a new one before it ends."),
    )

    def __init__(self, data: object = None, *, user: User) -> None:
        super().__init__(data)  # type: ignore[arg-type]  # what a request sent, or nothing
        offered = [(scope.value, f"{scope.label} ({scope.value})") for scope in scopes_for(user)]
        self.fields["scopes"].choices = offered  # type: ignore[attr-defined]
