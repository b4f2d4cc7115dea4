"""What a person chooses on the page of preferences."""

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from portal.models import Preferences


class PreferencesForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """``language`` is kept apart, where the mails find it."""

    language = forms.ChoiceField(
        label=_("Language"), choices=settings.LANGUAGES, help_text=_("Of the pages and of the mails to you.")
    )

    class Meta:
        model = Preferences
        fields = ["shortcuts"]
        labels = {"shortcuts": _("Keyboard shortcuts")}

    field_order = ["language", "shortcuts"]
