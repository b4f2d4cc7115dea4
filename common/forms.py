"""The form renderer: Bootstrap markup and error messages that assistive technology finds; and forms of two tabs."""

import hashlib
from typing import Any

from django.forms import (
    BoundField,
    CharField,
    CheckboxInput,
    CheckboxSelectMultiple,
    HiddenInput,
    ModelForm,
    Select,
    Textarea,
    Widget,
    model_to_dict,
    renderers,
)
from django.utils.translation import gettext as _


class BootstrapBoundField(BoundField):
    """Gives each control the class that Bootstrap wants; widgets that bring a class of their own keep it."""

    def build_widget_attrs(self, attrs: dict[str, Any], widget: Widget | None = None) -> dict[str, Any]:
        chosen = widget or self.field.widget
        built = super().build_widget_attrs(attrs, widget)
        if "class" not in chosen.attrs:
            built.setdefault("class", _css_class(chosen))
        return built


class FormRenderer(renderers.TemplatesSetting):
    form_template_name = "common/form.html"
    field_template_name = "common/field.html"
    bound_field_class = BootstrapBoundField


class Boxes(CheckboxSelectMultiple):
    """One box for each choice; Django's own markup gives the class of a box to the part around all of them, too."""

    template_name = "common/choices.html"

    def __init__(self, attrs: dict[str, Any] | None = None, choices: Any = ()) -> None:
        super().__init__({"class": "form-check-input"} | (attrs or {}), choices)


class LinesField(CharField):
    """A list of names, one a line. Cleans to a list without blanks, empty lines and doubles."""

    widget = Textarea(attrs={"rows": 3})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        return list(
            dict.fromkeys(line.strip() for line in str(super().clean(value) or "").splitlines() if line.strip())
        )

    def has_changed(self, initial: Any, data: Any) -> bool:
        return list(initial or []) != [line.strip() for line in str(data or "").splitlines() if line.strip()]


class SeenModelForm(ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """Refuses to write over what somebody else has changed since the form was opened, and says what stands there now.

    What was entered stays in the form; sent once more it is written, knowingly. Whoever saves locks the row before the
    form reads it, see ``common.admin.LocksWhatItChanges``.
    """

    seen = CharField(widget=HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stored = model_to_dict(self.instance) if self.instance.pk else {}
        self.initial["seen"] = self._fingerprint()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        now = self._fingerprint()
        if self.stored and cleaned.get("seen") and cleaned["seen"] != now:
            data: Any = self.data
            data = data.copy()  # what is sent cannot be changed
            data[self.add_prefix("seen")] = now
            self.data = data
            self.add_error(
                None, [_("Somebody has changed this since you opened it. Nothing was saved."), *self._there()]
            )
        return cleaned

    def _fingerprint(self) -> str:
        shown = repr(sorted((name, str(value)) for name, value in self.stored.items()))
        return hashlib.sha256(shown.encode()).hexdigest() if self.stored else ""

    def _there(self) -> list[str]:
        """What stands in the fields in which the form says something else."""
        text = _("%(field)s is now: %(value)s")
        changed = [name for name in self.changed_data if name in self.stored]
        return [text % {"field": self.fields[name].label or name, "value": self.stored[name]} for name in changed]


def _css_class(widget: Widget) -> str:
    if isinstance(widget, CheckboxInput):
        return "form-check-input"
    return "form-select" if isinstance(widget, Select) else "form-control"
