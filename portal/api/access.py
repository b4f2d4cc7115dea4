"""Who asks: the token in the header ``Authorization``, and nothing else. Cookies open nothing here."""

from collections.abc import Collection
from datetime import timedelta
from typing import cast

from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja.security import HttpBearer

from common.limits import Limit, TooMany, count_request
from portal.api.journal import note_denied
from portal.api.problems import Refused
from portal.api.scopes import Scope
from portal.api.tokens import note_use, recognise
from portal.token_models import ApiCounter, ApiToken


class Token(HttpBearer):
    """Lets a request in whose token has the scope and whose user has the permissions, now."""

    openapi_description = "A token from the page API tokens of the portal: `Authorization: Bearer bpt_…`"

    def __init__(self, scope: Scope | None = None, *, rights: Collection[str] = ()) -> None:
        super().__init__()
        self.scope, self.rights = scope, tuple(rights)

    def __call__(self, request: HttpRequest) -> ApiToken:
        """Raises ``Refused``; the user of the token is the user of the request from here on."""
        scheme, _blank, text = request.headers.get("Authorization", "").partition(" ")
        return self.authenticate(request, text.strip() if scheme.lower() == "bearer" else "")

    def authenticate(self, request: HttpRequest, token: str) -> ApiToken:
        now = timezone.now()
        found = recognise(token, now=now)
        if found is None:
            raise _denied(request, 401, _unknown())
        try:
            limit = Limit(settings.API_REQUESTS_PER_MINUTE, timedelta(minutes=1))
            count_request(ApiCounter, kind="token", subject=str(found.pk), limit=limit, now=now)
        except TooMany as error:
            raise _too_many(request, found, error) from error
        note_use(found, token, now=now)
        if self.scope is not None and self.scope.value not in found.scope_names:
            text = _("This token may not read that: it lacks the scope %(scope)s. Make one that has it.")
            raise _denied(request, 403, text % {"scope": self.scope.value})
        if not found.user.has_perms(self.rights):
            text = _("Your account lacks a permission for this. Ask an administrator.")
            raise _denied(request, 403, text)
        request.user = found.user
        return found


def caller(request: HttpRequest) -> User:
    """Whose token it is: what the answer holds is what this user may see."""
    return cast(ApiToken, request.auth).user  # type: ignore[attr-defined]  # set by the library


def _unknown() -> str:
    return _(
        "Send a token as “Authorization: Bearer bpt_…”. None was sent, or it is unknown, expired or revoked, or its "
        "user may not sign in any more."
    )


def _denied(request: HttpRequest, status: int, detail: str) -> Refused:
    note_denied(request, status=status)
    refused = Refused(status, detail)
    if status == 401:
        refused.headers["WWW-Authenticate"] = 'Bearer realm="portal"'
    return refused


def _too_many(request: HttpRequest, token: ApiToken, error: TooMany) -> Refused:
    text = _("More than %(count)d requests in a minute came with this token. Ask again in %(seconds)d seconds.")
    words = {"count": settings.API_REQUESTS_PER_MINUTE, "seconds": error.retry_after}
    refused = _denied(request, 429, text % words)
    refused.headers["Retry-After"] = str(error.retry_after)
    return refused
