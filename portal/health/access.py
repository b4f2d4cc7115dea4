"""Who may see more of the portal's health than whether it is well."""

from django.conf import settings
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

PERMISSION = "portal.see_health"


def has_token(request: HttpRequest) -> bool:
    """Whether the request carries ``METRICS_TOKEN`` as its bearer; nobody does where none is set."""
    kind, _space, token = request.headers.get("Authorization", "").partition(" ")
    is_bearer = kind.lower() == "bearer" and bool(settings.METRICS_TOKEN)
    return is_bearer and constant_time_compare(token.strip(), settings.METRICS_TOKEN)


def may_see(request: HttpRequest) -> bool:
    """With the token, which needs no database, or with the permission."""
    return has_token(request) or request.user.has_perm(PERMISSION)
