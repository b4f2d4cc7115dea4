"""What holds for every request: an id, strict headers, limits; and what is sent too late is kept."""

import logging
import re
import time
import uuid
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url
from django.urls import reverse
from django.utils.translation import gettext as _

from audit.origin import REQUEST_ID as META_NAME
from portal.api.problems import Refused, problem_response
from portal.held_input import forget_sent, hold, remember_person
from portal.logs import REQUEST_ID

logger = logging.getLogger("portal.requests")
SANE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")
"""What is taken over from a proxy; anything else could write lines of its own into the log."""

API = "/api/"
"""Its answers are for programs."""
LONGEST_QUERY = 8_000
"""Characters behind the question mark; web servers take little more."""


HEADERS = {
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
}
"""Those that Django does not set itself; the rest stands in the settings."""


class HeadersMiddleware:
    """No other site may embed what the portal answers, and no page of it uses camera, place or payment."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response


class RequestIdMiddleware:
    """Takes ``X-Request-ID`` over where it is sane, makes one where not, and gives it back."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        sent = request.headers.get("X-Request-ID", "")
        ident = sent if SANE.fullmatch(sent) else uuid.uuid4().hex
        request.META[META_NAME] = ident
        token, begun = REQUEST_ID.set(ident), time.monotonic()
        try:
            response = self.get_response(request)
            self._log(request, response, seconds=time.monotonic() - begun)
        finally:
            REQUEST_ID.reset(token)
        response["X-Request-ID"] = ident
        return response

    def _log(self, request: HttpRequest, response: HttpResponse, *, seconds: float) -> None:
        """Without what stands behind the question mark: names and numbers of customers are searched for there."""
        fields = {
            "method": request.method,
            "path": request.path,
            "status": response.status_code,
            "milliseconds": round(seconds * 1000),
        }
        logger.info("%s %s %s", request.method, request.path, response.status_code, extra={"fields": fields})


class HeldInputMiddleware:
    """Whoever sends a form after the session has ended finds what was entered again after signing in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        session = request.session
        if request.method == "POST" and SESSION_KEY in session:
            forget_sent(request)
        if request.method == "POST" and _leads_to_sign_in(response):
            if hold(request):
                response["Location"] = f"{resolve_url(settings.LOGIN_URL)}?{urlencode({'next': reverse('kept_input')})}"
        elif session.modified and SESSION_KEY in session:  # else no request would go without the session any more
            remember_person(request, response, str(session[SESSION_KEY]))
        return response


def _leads_to_sign_in(response: HttpResponse) -> bool:
    target = urlsplit(response.get("Location", "")).path
    return response.status_code == HTTPStatus.FOUND and target == resolve_url(settings.LOGIN_URL)


class LimitsMiddleware:
    """Refuses what no page can use before anything of it is read: bodies that would fill the disk, NUL in paths."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or "0"
        query = request.META.get("QUERY_STRING", "")
        if not length.isdecimal() or int(length[:20]) > settings.LARGEST_REQUEST_BYTES:
            text = _("The request is larger than %(size)d kB. Nothing of it was read.")
            return _refused(request, 413, text % {"size": settings.LARGEST_REQUEST_BYTES // 1000})
        if len(query) > LONGEST_QUERY:
            return _refused(request, 414, _("The address is too long. Search for less at once."))
        if "\0" in request.path:
            return _refused(request, 400, _("The address holds a character that no text has."))
        return self.get_response(request)


def _refused(request: HttpRequest, status: int, reason: str) -> HttpResponse:
    if request.path.startswith(API):
        return problem_response(Refused(status, reason))
    return render(request, "400.html", {"reason": reason}, status=status)
