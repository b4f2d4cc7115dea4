"""What the pages of a review send: a line as it should be, what is to be undone, a comment."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from billing.adjusting import ATTRIBUTES, Field
from billing.issuing import LONGEST_REASON
from billing.models import OrderPosition
from billing.reviewing import LONGEST_COMMENT, LONGEST_TEXT
from common.money import plain


class CommentForm(forms.Form):
    """A comment on an order; it stands in the history for good."""

    text = forms.CharField(
        label=gettext_lazy("Comment"), max_length=LONGEST_COMMENT, widget=forms.Textarea(attrs={"rows": 3})
    )


class UndoForm(forms.Form):
    """Which field is to be as computed again; ``seen`` is the order's change that the page knew."""

    field = forms.ChoiceField(choices=Field.choices)
    seen = forms.CharField(max_length=64)

    @property
    def field_to_undo(self) -> Field:
        return Field(self.cleaned_data["field"])


class LineForm(forms.Form):
    """What a person wants a line of a draft to be. Without minutes for a recurring line."""

    minutes = forms.DecimalField(label=gettext_lazy("Minutes to bill"), max_digits=18, decimal_places=4)
    price = forms.DecimalField(label=gettext_lazy("Unit price"), min_value=0, max_digits=15, decimal_places=5)
    discount = forms.DecimalField(
        label=gettext_lazy("Discount in percent"), min_value=0, max_value=100, max_digits=5, decimal_places=2
    )
    text = forms.CharField(
        label=gettext_lazy("Text"), max_length=LONGEST_TEXT, widget=forms.Textarea(attrs={"rows": 3})
    )
    included = forms.BooleanField(
        label=gettext_lazy("Stands in the order"),
        required=False,
        help_text=gettext_lazy("Without the tick its time is left out: no order of this month bills it."),
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("It stands in the history, and with each change."),
    )

    def __init__(self, data: Any, *, position: OrderPosition) -> None:
        shown = {field.value: getattr(position, ATTRIBUTES[field]) for field in Field if field != Field.INCLUSION}
        numbers = {name: Decimal(plain(value)) for name, value in shown.items() if isinstance(value, Decimal)}
        super().__init__(data, initial=shown | numbers | {"included": True})
        if position.kind == OrderPosition.Kind.FLAT:
            del self.fields["minutes"]

    @property
    def values(self) -> dict[Field, Decimal | str]:
        """As ``change_line`` takes them."""
        named = {Field(name): value for name, value in self.cleaned_data.items() if name in Field.values}
        return named if self.cleaned_data["included"] else named | {Field.INCLUSION: ""}
