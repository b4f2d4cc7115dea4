"""What holds for everybody who is signed in: sessions end, and some roles reach nothing without a second factor."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import SESSION_KEY, logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.second_factor import needs_second_factor
from portal.session_limits import Ended, why_ended
from portal.sessions import note_activity

POLLED = frozenset({"billing:run_progress", "outofoffice:progress", "tickets:reading"})
"""What an open page asks for by itself, every second: nobody need be there."""
OPEN_WITHOUT_SECOND_FACTOR = frozenset(
    {
        "account_logout",
        "account_reauthenticate",
        "healthz",
        "mfa_activate_totp",
        "readyz",
        "registration:endpoint",
        "registration:endpoint_own",
        "set_language",
    }
)
"""All that somebody reaches who must set up a second factor first."""
SAFE_METHODS = frozenset({"GET", "HEAD"})


class SessionLimitMiddleware:
    """Signs out whoever did nothing for too long or has been signed in for too long, and who is switched off."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if SESSION_KEY in request.session:
            ended = why_ended(request.session, now=timezone.now())
            if ended is not None:
                logout(request)
                messages.warning(request, _text(ended))
            elif not request.user.is_authenticated:
                request.session.flush()  # else it would live again when the account is switched on again
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        match = request.resolver_match
        polled = "HX-Request" in request.headers and match is not None and match.view_name in POLLED
        if not polled and SESSION_KEY in request.session:
            note_activity(request.session, now=timezone.now())


class RequireSecondFactorMiddleware:
    """Leads whoever must have a second factor and has none to the page that sets it up; refuses all else."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        match = request.resolver_match
        if match is not None and match.view_name in OPEN_WITHOUT_SECOND_FACTOR:
            return None
        if not settings.SECOND_FACTOR_REQUIRED_FOR or not needs_second_factor(request.user):
            return None
        if request.method in SAFE_METHODS and "HX-Request" not in request.headers:
            return redirect("mfa_activate_totp")
        return render(request, "account/second_factor_needed.html", status=403)


def _text(ended: Ended) -> str:
    if not ended.idle:
        text = _("You were signed out, as after every %(hours)d hours. Sign in again to go on.")
        return text % {"hours": settings.SESSION_ABSOLUTE_HOURS}
    text = _("You were signed out because nothing was done for %(minutes)d minutes. Sign in again to go on.")
    return text % {"minutes": settings.SESSION_IDLE_MINUTES}
