"""The form renderer: Bootstrap markup and error messages that assistive technology finds."""

from typing import Any

from django.forms import BoundField, CharField, CheckboxInput, Select, Textarea, Widget, renderers


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


def _css_class(widget: Widget) -> str:
    if isinstance(widget, CheckboxInput):
        return "form-check-input"
    return "form-select" if isinstance(widget, Select) else "form-control"
