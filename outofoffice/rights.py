"""Who may see and use the pages: to everybody else they are not there."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, PermissionsMixin
from django.http import Http404, HttpRequest, HttpResponse

RIGHT = "outofoffice.upload_out_of_office"


View = Callable[..., HttpResponse]


def may_upload(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Whether the user has the right."""
    return isinstance(user, PermissionsMixin) and user.has_perm(RIGHT)


def uploaders_only(view: View) -> View:
    """The view for whoever has the permission, a 404 for a stranger."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not may_upload(request.user):
            raise Http404
        return view(request, *args, **kwargs)

    return guarded
