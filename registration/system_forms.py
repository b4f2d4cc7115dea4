"""What a person may set for a registered system."""

from django import forms
from django.utils.translation import gettext_lazy as _

from registration.models import RegisteredSystem

LONGEST_DESCRIPTION = 4_000
HELP = _("Empty: what the system reports itself.")


class TextsForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """Type and description that the portal keeps; the system takes them over with its next update."""

    kept_description = forms.CharField(
        label=_("Description"),
        required=False,
        max_length=LONGEST_DESCRIPTION,
        help_text=HELP,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    class Meta:
        model = RegisteredSystem
        fields = ("kept_type", "kept_description")
        help_texts = {"kept_type": HELP}
