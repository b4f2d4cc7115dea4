"""Keeping views of the reports and lists: only by POST, and only one's own."""

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from portal.models import SavedFilter
from portal.reports.links import address
from portal.saved import (
    LONGEST_QUERY,
    PARAMETERS,
    FilterRefused,
    address_of,
    known_parameters,
    open_plainly,
    open_with,
    rename,
    save_filter,
)


class SavingForm(forms.Form):
    """``query`` is what stands behind the question mark of the page that is saved."""

    page = forms.ChoiceField(choices=[(name, name) for name in PARAMETERS], widget=forms.HiddenInput)
    query = forms.CharField(required=False, max_length=LONGEST_QUERY, widget=forms.HiddenInput)
    name = forms.CharField(label=gettext_lazy("Name"), max_length=80)
    with_span = forms.BooleanField(label=gettext_lazy("Keep this period"), required=False)


class NameForm(forms.Form):
    name = forms.CharField(max_length=80)


@require_POST
def save(request: HttpRequest) -> HttpResponse:
    """Save the view that the form names and go back to it."""
    form = SavingForm(request.POST)
    if form.is_valid():
        values: dict[str, Any] = form.cleaned_data
        query, user = QueryDict(values["query"]), cast(User, request.user)  # who comes here has signed in
        try:
            saved = save_filter(
                user=user, page=values["page"], name=values["name"], query=query, with_span=values["with_span"]
            )
        except FilterRefused as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, _("The filter “%(name)s” is saved.") % {"name": saved.name})
        return redirect(address(values["page"], known_parameters(values["page"], query)))
    messages.error(request, _("The filter was not saved: give it a name of at most 80 characters."))
    return redirect("reports:report")


@require_POST
def make_default(request: HttpRequest, pk: int) -> HttpResponse:
    """The page opens with this view from now on, or no longer does."""
    saved = _own(request, pk)
    if saved.is_default:
        open_plainly(saved)
        messages.success(request, _("The page no longer opens with “%(name)s”.") % {"name": saved.name})
    else:
        open_with(saved)
        messages.success(request, _("The page now opens with “%(name)s”.") % {"name": saved.name})
    return redirect(address_of(saved))


@require_POST
def give_name(request: HttpRequest, pk: int) -> HttpResponse:
    """Call the view otherwise."""
    saved, form = _own(request, pk), NameForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("The filter keeps its name: the new one has 1 to 80 characters."))
        return redirect(address_of(saved))
    name = form.cleaned_data["name"]
    try:
        rename(saved, name)
    except FilterRefused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("The filter is now called “%(name)s”.") % {"name": name})
    return redirect(address_of(saved))


@require_POST
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    saved = _own(request, pk)
    back = address_of(saved)
    saved.delete()
    messages.success(request, _("The filter “%(name)s” is deleted.") % {"name": saved.name})
    return redirect(back)


def _own(request: HttpRequest, pk: int) -> SavedFilter:
    return get_object_or_404(SavedFilter, pk=pk, user=request.user.pk)
