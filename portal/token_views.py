"""One's own tokens of the read API: make one, see them, revoke them."""

from typing import Any, cast

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST

from portal.api.scopes import in_words
from portal.api.tokens import TokenRefused, make_token, revoke_token
from portal.token_forms import TokenForm
from portal.token_models import ApiToken


@never_cache
@reauthentication_required(allow_get=True)  # type: ignore[untyped-decorator]  # the library has no types
@sensitive_variables("text")
def tokens(request: HttpRequest) -> HttpResponse:
    """The list with the form; a new token is shown in the answer that made it, and never again."""
    user = cast(User, request.user)  # who comes here has signed in
    form = TokenForm(request.POST if request.method == "POST" else None, user=user)
    context: dict[str, Any] = {}
    if form.is_valid():
        try:
            made, text = make_token(user=user, **form.cleaned_data, now=timezone.now())
        except TokenRefused as refusal:
            form.add_error(None, str(refusal))
        else:
            context |= {"made": made, "text": text}
            form = TokenForm(user=user)
    return render(request, "portal/tokens.html", context | {"form": form, "tokens": _shown(user)})


@require_POST
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """From the next request on it opens nothing."""
    user = cast(User, request.user)
    token = get_object_or_404(ApiToken, pk=pk, user=user)
    if revoke_token(token, by=user, now=timezone.now()):
        messages.success(request, _("The token “%(name)s” is revoked.") % {"name": token.name})
    return redirect("api_tokens")


def _shown(user: User) -> list[dict[str, Any]]:
    now = timezone.now()
    return [
        {"token": token, "scopes": in_words(token.scope_names), "is_usable": token.is_usable(now=now)}
        for token in ApiToken.objects.filter(user=user)
    ]
