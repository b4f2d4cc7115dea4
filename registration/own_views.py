"""The page of the own registration: how it stands, register, update now, deregister."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_POST, require_safe

from registration import client
from registration.client_calls import Outcome, server_fault
from registration.own_facts import system_facts
from registration.own_forms import AccountForm, DeregisterForm, RegisterForm
from registration.own_rights import managers_only
from registration.own_steps import the_own
from registration.own_texts import expires_at

EVENTS = 50
"""So many of the latest are shown."""


@require_safe
@managers_only
def own(request: HttpRequest) -> HttpResponse:
    """State, last and next update, what is reported, and what happened so far."""
    return _page(request)


@sensitive_post_parameters("password")
@require_POST
@managers_only
@sensitive_variables("form", "token")
def register(request: HttpRequest) -> HttpResponse:
    """Get a token with the account and register with it, in one go: neither is kept."""
    form = RegisterForm(request.POST)
    if not form.is_valid():
        return _page(request, register_form=form)
    told = {name: form.cleaned_data[name] for name in ("otrs_id", "system_type", "description")}
    token = client.token_get(**form.account, purpose="Register")
    if not token.success:
        return _told(request, token, "")
    outcome = client.register(token=token.token, **told, now=timezone.now(), user=request.user)
    return _told(request, outcome, _("This portal is registered."))


@require_POST
@managers_only
def update(request: HttpRequest) -> HttpResponse:
    """Report at once, whatever is due."""
    outcome = client.registration_update_send(now=timezone.now(), user=request.user)
    return _told(request, outcome, _("The registration server took the update."))


@sensitive_post_parameters("password")
@require_POST
@managers_only
@sensitive_variables("form", "token")
def deregister(request: HttpRequest) -> HttpResponse:
    """Get a token with the account and deregister with it."""
    form = DeregisterForm(request.POST)
    if not form.is_valid():
        return _page(request, deregister_form=form)
    token = client.token_get(**form.account, purpose="Deregister")
    if not token.success:
        return _told(request, token, "")
    account = form.cleaned_data["otrs_id"]
    outcome = client.deregister(token=token.token, otrs_id=account, now=timezone.now(), user=request.user)
    return _told(request, outcome, _("This portal is deregistered. It reports no more."))


def _page(
    request: HttpRequest, *, register_form: AccountForm | None = None, deregister_form: AccountForm | None = None
) -> HttpResponse:
    row = the_own()
    told = {"system_type": row.system_type or None, "description": row.description}
    context = {
        "own": row,
        "fault": server_fault(),
        "expires_at": expires_at(row),
        "facts": system_facts(),
        "events": row.events.select_related("user")[:EVENTS],
        "register_form": register_form or RegisterForm(initial=told),
        "deregister_form": deregister_form or DeregisterForm(),
    }
    return render(request, "registration/own.html", context)


def _told(request: HttpRequest, outcome: Outcome, done: str) -> HttpResponse:
    """Back to the page, so that a reload sends nothing again."""
    if outcome.success:
        messages.success(request, done)
    else:
        messages.error(request, outcome.reason)
    return redirect("own_registration:own")
