"""The form renderer: Bootstrap markup and error messages that assistive technology finds."""

from typing import Any

from django.forms import BoundField, CheckboxInput, Select, Widget, renderers


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


def _css_class(widget: Widget) -> str:
    if isinstance(widget, CheckboxInput):
        return "form-check-input"
    return "form-select" if isinstance(widget, Select) else "form-control"
