"""Who may see and use the page of the own registration: to everybody else it is not there."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.models import PermissionsMixin
from django.http import Http404, HttpRequest, HttpResponse

from tickets.models import AnyUser

RIGHT = "registration.manage_own_registration"

View = Callable[..., HttpResponse]


def may_manage(user: AnyUser) -> bool:
    return isinstance(user, PermissionsMixin) and user.has_perm(RIGHT)


def managers_only(view: View) -> View:
    """The view for whoever has the permission, a 404 for a stranger."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not may_manage(request.user):
            raise Http404
        return view(request, *args, **kwargs)

    return guarded
