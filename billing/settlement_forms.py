"""What the inbox of the discrepancies sends: filters, and what is settled how and why."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.issuing import LONGEST_REASON
from billing.settlement_models import Choice, Kind

MOST_DISCREPANCIES = 5000
LONGEST_KEY = 40
SHOWN = [("", gettext_lazy("Open")), ("settled", gettext_lazy("Settled"))]


class InboxFilterForm(forms.Form):
    """Kind, customer, and whether it is settled; what cannot be read counts as not said."""

    shown = forms.ChoiceField(label=gettext_lazy("Which"), choices=SHOWN, required=False)
    kind = forms.ChoiceField(
        label=gettext_lazy("What has happened"), choices=[("", gettext_lazy("All")), *Kind.choices], required=False
    )
    customer = forms.CharField(label=gettext_lazy("Customer (number or name)"), required=False, max_length=200)

    def value(self, name: str) -> str:
        """Of a field; empty where it could not be read."""
        return str(self.cleaned_data.get(name, "")) if self.is_bound else ""


class DiscrepanciesField(forms.Field):
    """Keys: from one text with commas, or from the boxes of a list. Cleans to a list without doubles."""

    widget = forms.MultipleHiddenInput

    def to_python(self, value: Any) -> list[str]:
        keys = [key for item in value or [] for key in str(item).split(",")]
        if len(keys) > MOST_DISCREPANCIES:
            raise ValidationError(_("Too many discrepancies at once."))
        if not all(key and len(key) <= LONGEST_KEY and key.isascii() for key in keys):
            raise ValidationError(_("The choice of discrepancies could not be read."))
        return list(dict.fromkeys(keys))


class SettlementForm(forms.Form):
    """The discrepancies chosen; ``seen`` is the fingerprint of what the confirmation showed, empty on the way there."""

    discrepancy = DiscrepanciesField(error_messages={"required": gettext_lazy("Choose at least one discrepancy.")})
    choice = forms.ChoiceField(
        label=gettext_lazy("What to do"),
        choices=Choice.choices,
        error_messages={"required": gettext_lazy("Choose what to do.")},
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=LONGEST_REASON,
        error_messages={"required": gettext_lazy("Say why.")},
    )
    seen = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)
