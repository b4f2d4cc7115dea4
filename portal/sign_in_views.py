"""Pages on which people look after their own sign-in."""

from typing import Any

from allauth.mfa.totp.views import ActivateTOTPView
from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import ngettext

from portal.second_factor import needs_second_factor
from portal.sessions import end_sessions, live_sessions


class SetUpSecondFactorView(ActivateTOTPView):
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {"required": needs_second_factor(self.request.user)}

    def form_valid(self, form: Any) -> HttpResponse:
        """Sessions that were begun with the password alone end."""
        response: HttpResponse = super().form_valid(form)
        end_sessions(self.request.user, but=self.request.session.session_key)
        return response


class ChosenSession(forms.Form):
    session = forms.IntegerField(min_value=1, required=False)


set_up_second_factor = SetUpSecondFactorView.as_view()


def sessions(request: HttpRequest) -> HttpResponse:
    """The user's own sessions; a POST ends the chosen one, or all but the one that asks."""
    key = request.session.session_key
    if request.method == "POST":
        form = ChosenSession(request.POST)
        ended = end_sessions(request.user, but=key, only=form.cleaned_data["session"]) if form.is_valid() else 0
        text = ngettext("%(count)d session was ended.", "%(count)d sessions were ended.", ended)
        messages.success(request, text % {"count": ended})
        return redirect("account_sessions")
    live = live_sessions(request.user, now=timezone.now())
    return render(request, "account/sessions.html", {"sessions": live, "key": key})
