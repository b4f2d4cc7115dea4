"""What pages of other things say of registered systems."""

from django import template
from django.template import Context
from django.utils.safestring import SafeString

from registration.listing import systems_of_customer
from registration.masking import masked
from registration.status_texts import badge
from registration.support_data import Verdict
from registration.verdict_texts import LABELS, LOOKS
from tickets.models import Customer

register = template.Library()
register.filter("masked", masked)


@register.simple_tag(takes_context=True)
def registered_systems(context: Context, customer: Customer) -> int:
    """How many systems of the customer are registered that the user may see."""
    return systems_of_customer(customer, user=context["request"].user)


@register.filter
def verdict_badge(verdict: Verdict) -> SafeString:
    """What a system thinks of a fact of its own, as a word with a symbol."""
    return badge(*LOOKS[verdict], LABELS[verdict])
