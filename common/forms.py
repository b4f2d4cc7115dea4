"""The form renderer: Bootstrap markup and error messages that assistive technology finds."""

from django.forms import renderers


class FormRenderer(renderers.TemplatesSetting):
    form_template_name = "common/form.html"
    field_template_name = "common/field.html"
