"""What the pages of the orders send, and the set-up of an agreement."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.agreement_models import PrepaidMovement, RateRule
from billing.field_help import HELP, ExplainedForm
from billing.issuing import LONGEST_REASON
from billing.kivitendo_matching import Match
from billing.prepaid import MovementRefused, check_movement
from billing.pricing import PLACEHOLDERS, TemplateError, check_template
from common.forms import LinesField, SeenModelForm

MOST_ORDERS = 5000
LARGEST_KEY = 2**63 - 1


class KeysField(forms.Field):
    """Primary keys: from one text with commas, or from the boxes of a list. Cleans to a list without doubles."""

    widget = forms.MultipleHiddenInput

    def to_python(self, value: Any) -> list[int]:
        texts = [text for item in value or [] for text in str(item).split(",")]
        if len(texts) > MOST_ORDERS:
            raise ValidationError(_("Too many orders at once."))
        if not all(text.isascii() and text.isdigit() and len(text) < 20 for text in texts):
            raise ValidationError(_("The choice of orders could not be read."))
        return [key for key in dict.fromkeys(map(int, texts)) if key <= LARGEST_KEY]


class ApprovalForm(forms.Form):
    """The orders chosen, or ``all`` that pass the list's filters, which it spells as the list's address does.

    ``seen`` is the fingerprint of what the confirmation showed, empty on the way there.
    """

    order = KeysField(required=False)
    all = forms.CharField(required=False, max_length=2000)
    seen = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors and not cleaned["order"] and not cleaned["all"]:
            raise ValidationError(_("Choose at least one order."))
        return cleaned


class ReasonForm(forms.Form):
    """Why something is taken back; it stands in the history for good."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"), max_length=LONGEST_REASON, widget=forms.Textarea(attrs={"rows": 3})
    )


class PairForm(forms.Form):
    """How the list of matched customers is narrowed down."""

    q = forms.CharField(label=gettext_lazy("Number or name"), required=False, max_length=200)
    match = forms.ChoiceField(
        label=gettext_lazy("Match"), required=False, choices=[("", gettext_lazy("All")), *Match.choices]
    )


class AgreementForm(ExplainedForm, SeenModelForm):
    """For the admin, which names model and fields."""

    counting_states = LinesField(
        label=gettext_lazy("States that count"),
        required=False,
        help_text=gettext_lazy("One name a line. Empty: every state of a closed state type."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
        self.fields["position_text"].help_text = _("May name: %(names)s") % {"names": names}

    def clean_position_text(self) -> str:
        text = str(self.cleaned_data["position_text"])
        try:
            check_template(text)
        except TemplateError as error:
            raise ValidationError(str(error)) from error
        return text

    def clean(self) -> dict[str, Any]:
        """Either the default for everyone, or the agreement of one customer."""
        cleaned = super().clean() or self.cleaned_data
        if bool(cleaned.get("is_default")) == bool(cleaned.get("customer")):
            self.add_error("customer", _("Choose a customer, or make this the default agreement, but not both."))
        return cleaned


class FlatFeeForm(ExplainedForm, SeenModelForm):
    """For the admin, which names model and fields."""


class RateRuleForm(ExplainedForm, SeenModelForm):
    """Offers the names that the mirror knows; the page holds them once, as ``known-queue`` and so on. For the admin."""

    class Meta:
        model = RateRule
        fields = "__all__"
        widgets = {
            name: forms.TextInput(attrs={"class": "vTextField", "list": f"known-{name}"})
            for name in ("service", "queue", "type")
        }


class PrepaidMovementForm(ExplainedForm):
    """Minutes bought, or adjusted by hand with a reason; for the admin, which names model and fields."""

    class Meta:
        model = PrepaidMovement
        fields = ("block", "kind", "minutes", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "kind" in self.fields:
            by_hand = (PrepaidMovement.Kind.GRANTED, PrepaidMovement.Kind.ADJUSTED)
            self.fields["kind"] = forms.ChoiceField(
                choices=[(kind.value, kind.label) for kind in by_hand], help_text=str(HELP["kind"])
            )

    def clean(self) -> dict[str, Any]:
        """What the ledger would refuse."""
        cleaned = super().clean() or self.cleaned_data
        block, kind, minutes = (cleaned.get(name) for name in ("block", "kind", "minutes"))
        if block and kind and minutes is not None:
            try:
                check_movement(block, PrepaidMovement.Kind(kind), minutes, cleaned.get("reason", ""))
            except MovementRefused as refusal:
                raise ValidationError(str(refusal)) from refusal
        return cleaned
