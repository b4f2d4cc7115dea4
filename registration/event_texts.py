"""Events of a registration in words. What systems report comes from elsewhere and is text, never markup."""

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from registration.models import RegistrationEvent

NAMES: dict[str, Promise | str] = {
    "fqdn": gettext_lazy("host name"),
    "product_version": gettext_lazy("version"),
    "perl_version": "Perl",
    "os_type": gettext_lazy("operating system"),
    "os_version": gettext_lazy("version of the operating system"),
    "database_version": gettext_lazy("database"),
    "address": gettext_lazy("address"),
    "reported_type": gettext_lazy("type"),
    "kept_type": gettext_lazy("type"),
    "kept_description": gettext_lazy("description"),
}
LONGEST = 300
"""Characters of one value."""


def facts_in_words(facts: Any) -> str:
    """``host name: old → new; version: 6.0.30``; a pair is what was there before and what came."""
    if not isinstance(facts, Mapping):
        return ""
    return "; ".join(f"{NAMES.get(name, name)}: {_value(value)}" for name, value in facts.items())


def who(event: RegistrationEvent) -> str:
    """The person who did it, or the address that it came from."""
    if event.user is not None:
        return event.user.get_username()
    return event.address or "–"


def _value(value: Any) -> str:
    if isinstance(value, list):
        return " → ".join(_value(each) for each in value)
    text = str(value) if value not in (None, "") else _("nothing")
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
