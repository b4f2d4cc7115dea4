"""The registered systems: list, page of one, its texts, and its end."""

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from common.exports import download
from common.paging import show_page
from registration.filters import SystemFilter
from registration.listing import counts_of, systems_of, why_none
from registration.models import RegisteredSystem
from registration.system_forms import TextsForm
from registration.system_pages import state_links, system_page
from registration.system_steps import StepRefused, keep_texts
from registration.system_steps import retire as retire_system
from registration.tables import EventTable, SystemTable

RIGHT = "registration.change_registeredsystem"


@require_safe
def systems(request: HttpRequest) -> HttpResponse:
    """All systems that the user may see, with counts by state."""
    visible = systems_of(request.user, now=timezone.now())
    filters = SystemFilter(request.GET, systems=visible)
    table = SystemTable(filters.qs)
    show_page(table, request)
    if "export" in request.GET:
        return download(table, request, _("registered-systems"))
    counts = counts_of(visible)
    context = {"filters": filters, "table": table, "states": state_links(counts)}
    if not table.paginator.count:
        can_add = request.user.has_perm("registration.add_account")
        is_filtered = any(filters.form.cleaned_data.values()) or bool(counts)
        context["empty"] = why_none(user=request.user, is_filtered=is_filtered, can_add=can_add)
    return render(request, "registration/systems.html", context)


@require_safe
def system(request: HttpRequest, pk: int) -> HttpResponse:
    """Facts, support data and history of one system."""
    found = _visible(request, pk)
    return _page(request, found, TextsForm(instance=found))


@require_POST
@permission_required(RIGHT, raise_exception=True)
def texts(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep a type and description for the system."""
    found = _visible(request, pk)
    form = TextsForm(request.POST, instance=found)
    if not form.is_valid():
        return _page(request, _visible(request, pk), form)
    try:
        changed = keep_texts(found.pk, **form.cleaned_data, user=request.user, now=timezone.now())
    except StepRefused as refusal:
        messages.error(request, str(refusal))
    else:
        done = _("Kept. The system takes it over with its next update.") if changed else _("Nothing was changed.")
        messages.success(request, done)
    return redirect(found)


@permission_required(RIGHT, raise_exception=True)
def retire(request: HttpRequest, pk: int) -> HttpResponse:
    """Say what will happen, then end the registration."""
    found = _visible(request, pk)
    if request.method != "POST":
        return render(request, "registration/retire.html", {"system": found})
    try:
        retire_system(found.pk, user=request.user, now=timezone.now())
    except StepRefused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("%(system)s is retired. Its next update is refused.") % {"system": found})
    return redirect(found)


def _visible(request: HttpRequest, pk: int) -> RegisteredSystem:
    visible = RegisteredSystem.objects.visible_to(request.user).for_list()
    return get_object_or_404(visible.select_related("support_data", "replaces"), pk=pk)


def _page(request: HttpRequest, found: RegisteredSystem, form: TextsForm) -> HttpResponse:
    events = EventTable(found.events.select_related("user").order_by("-pk"))
    show_page(events, request)
    context = {"system": found, "page": system_page(found, now=timezone.now()), "table": events, "form": form}
    context["can_change"] = request.user.has_perm(RIGHT)
    return render(request, "registration/system.html", context)
