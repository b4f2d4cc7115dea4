"""What was entered and could not be taken: shown again, to be sent again or to be put back into its form."""

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import requires_csrf_token
from django.views.decorators.http import require_http_methods

from portal.held_input import forget, held_for, read_input


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def kept(request: HttpRequest) -> HttpResponse:
    """What was sent after the session had ended; POST throws it away."""
    if request.method == "POST":
        forget(request)
        messages.success(request, _("What you had entered is thrown away."))
        return redirect("start")
    return render(request, "portal/kept.html", {"held": held_for(request)})


@requires_csrf_token
def form_has_expired(request: HttpRequest, reason: str = "") -> HttpResponse:
    """In place of a form whose token is too old, such as after signing in in another tab: what it held.

    Nothing is sent again but by a press of the button, and only what came from a page of the portal is shown.
    """
    return render(request, "403_csrf.html", {"held": read_input(request)}, status=HTTPStatus.FORBIDDEN)
