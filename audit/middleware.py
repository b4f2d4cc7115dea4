"""What is seen of every request: refusals, and files that leave the portal. No query where neither happens."""

from collections.abc import Callable

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from audit.actions import Action, Result
from audit.origin import REQUEST, origin_now
from audit.recording import record

MOST_REFUSALS = 60
"""Of one person, or of one address that nobody is signed in at, in ``SECONDS``: nobody fills the log by knocking."""
SECONDS = 60


class AuditMiddleware:
    """A download that cannot be recorded is not delivered: the error is that of the database, and the answer 500."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token = REQUEST.set(request)
        try:
            response = self.get_response(request)
            self._record(request, response)
        finally:
            REQUEST.reset(token)
        return response

    def _record(self, request: HttpRequest, response: HttpResponse) -> None:
        if response.status_code == 200 and response.get("Content-Disposition", "").startswith("attachment"):
            record_download(request, response)
        elif response.status_code == 403:
            record_refusal(Action.ACCESS_REFUSED, request)
        elif response.status_code == 404 and _is_persons(request):
            record_refusal(Action.NOT_FOUND, request)


def record_download(request: HttpRequest, response: HttpResponse) -> None:
    """With what the address asked for, since that says which data left."""
    record(
        Action.DOWNLOADED,
        target_type="page",
        target_key=_view_name(request),
        target_name=response["Content-Disposition"].partition("filename")[2].lstrip("*=").strip('"'),
        text=request.get_full_path(),
        request=request,
    )


def record_refusal(action: Action, request: HttpRequest) -> None:
    """Without what stands behind the question mark, which may hold a token or a search."""
    here = origin_now(request)
    key = f"audit-refusals-{here.key or here.address}"
    cache.add(key, 0, SECONDS)
    try:
        count = cache.incr(key)
    except ValueError:  # it has just run out
        count = 1
    if count > MOST_REFUSALS + 1:
        return
    more = _("Further refusals of this minute are not recorded.") if count > MOST_REFUSALS else ""
    record(
        action,
        target_type="page",
        target_key=_view_name(request),
        target_name=request.path,
        text=f"{request.method} {more}".strip(),
        result=Result.REFUSED,
        request=request,
    )


def _is_persons(request: HttpRequest) -> bool:
    """Somebody signed in asked at an address that exists for an object that does not, or that is not for them."""
    user = getattr(request, "user", None)
    return request.resolver_match is not None and user is not None and user.is_authenticated


def _view_name(request: HttpRequest) -> str:
    return request.resolver_match.view_name if request.resolver_match else ""
