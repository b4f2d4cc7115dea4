"""What holds for every answer of the API: methods, headers, entity tags."""

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from portal.api.problems import Refused, problem_response

View = Callable[..., HttpResponse]
ALLOWED = "GET, HEAD"


def through_the_door(view: View) -> View:
    """The view, asked without a session. Only its own client may keep the answer, and must ask before using it."""

    @csrf_exempt
    @login_not_required
    @wraps(view)
    def entered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        is_head = request.method == "HEAD"
        if is_head:
            request.method = "GET"
        response = view(request, *args, **kwargs) if request.method == "GET" else _not_allowed()
        if response.status_code == 200:
            response = _with_entity_tag(request, response)
        patch_vary_headers(response, ("Authorization", "Accept-Language"))
        response["Cache-Control"] = "private, no-cache" if response.status_code in (200, 304) else "no-store"
        return _without_body(response) if is_head else response

    return entered


def _not_allowed() -> HttpResponse:
    refused = Refused(405, _("The API only reads: ask with GET."))
    refused.headers["Allow"] = ALLOWED
    return problem_response(refused)


def _with_entity_tag(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Weak, as a proxy may compress it. ``304`` without a body where the client has the same already."""
    etag = f'W/"{hashlib.sha256(response.content).hexdigest()[:32]}"'
    known = parse_etags(request.headers.get("If-None-Match", ""))
    if "*" in known or etag in known or etag.removeprefix("W/") in known:
        response = HttpResponse(status=304)
        del response["Content-Type"]
    response["ETag"] = etag
    return response


def _without_body(response: HttpResponse) -> HttpResponse:
    if response.status_code != 304:
        response["Content-Length"] = str(len(response.content))
    response.content = b""
    return response
