"""The page on which people choose how the portal behaves for them."""

from typing import cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from portal.languages import keep_language
from portal.models import Preferences
from portal.preference_forms import PreferencesForm


@require_http_methods(["GET", "HEAD", "POST"])
def preferences(request: HttpRequest) -> HttpResponse:
    """Language and keyboard shortcuts of who is signed in, and the list of keys."""
    user = cast(AbstractBaseUser, request.user)  # the middleware lets nobody else in
    stored = Preferences.objects.filter(user=user.pk).first() or Preferences(user_id=user.pk)
    form = PreferencesForm(request.POST or None, instance=stored, initial={"language": get_language()})
    if request.method != "POST" or not form.is_valid():
        return render(request, "portal/preferences.html", {"form": form})
    chosen = {"shortcuts": form.cleaned_data["shortcuts"]}
    Preferences.objects.update_or_create(user_id=user.pk, defaults=chosen)
    keep_language(user, form.cleaned_data["language"])
    return _in_language(request, form.cleaned_data["language"])


def _in_language(request: HttpRequest, language: str) -> HttpResponse:
    """Back to the page, which from now on speaks this language, as the switch in its head does."""
    with override(language):
        messages.success(request, _("Your preferences are kept."))
    response = redirect("preferences")
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=settings.LANGUAGE_COOKIE_AGE,
        path=settings.LANGUAGE_COOKIE_PATH,
        domain=settings.LANGUAGE_COOKIE_DOMAIN,
        secure=settings.LANGUAGE_COOKIE_SECURE,
        httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
        samesite="Lax",
    )
    return response
