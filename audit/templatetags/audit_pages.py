"""What pages of other things say of the audit log."""

from urllib.parse import urlencode

from django import template
from django.db.models import Model
from django.urls import reverse

register = template.Library()


@register.simple_tag
def audit_url(instance: Model) -> str:
    """The audit log of this one object."""
    return f"{reverse('audit:log')}?{urlencode({'kind': instance._meta.label_lower, 'key': instance.pk})}"
