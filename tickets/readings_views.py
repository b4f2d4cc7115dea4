"""The page of readings: how far the mirror is, and the button that reads a month again."""

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from common.jobs import Job, ask_to_stop
from common.months import Month
from common.templatetags.formats import month_label
from tickets import tasks
from tickets.forms import LossesForm, ReadingsFilterForm
from tickets.models import SyncRun, TicketSystem
from tickets.readings import month_to_read, only_open, state_of_reading, states_of_readings
from tickets.sync import start_sync

RIGHTS = ("tickets.see_all_customers", "tickets.add_syncrun")
"""What a reading came across names tickets of all customers."""


@permission_required(RIGHTS, raise_exception=True)
def readings(request: HttpRequest) -> HttpResponse:
    """Every active ticket system, month by month."""
    systems = states_of_readings(now=timezone.now())
    filters = ReadingsFilterForm(request.GET, systems=[each.system for each in systems])
    chosen, open_only = filters.cleaned_data.get("system"), filters.cleaned_data.get("shown") == "open"
    if chosen:
        systems = [each for each in systems if str(each.system.pk) == chosen]
    if open_only:
        systems = only_open(systems)
    is_active = any(state.is_active for each in systems for state in (*each.months, *each.agents))
    context = {"systems": systems, "is_active": is_active, "open_only": open_only, "filters": filters}
    return render(request, "tickets/readings.html", context)


@permission_required(RIGHTS, raise_exception=True)
def reading(request: HttpRequest, pk: int) -> HttpResponse:
    """The row of the page that this run is about; asked for again and again while it is active."""
    run = get_object_or_404(SyncRun.objects.select_related("system", "agent"), pk=pk)
    if not request.htmx:  # type: ignore[attr-defined]  # set by the middleware of django-htmx
        return redirect("tickets:readings")
    state = state_of_reading(run, now=timezone.now())
    return render(request, "tickets/readings_row.html", {"state": state, "is_polled": True})


@require_POST
@permission_required(RIGHTS, raise_exception=True)
def read_now(request: HttpRequest, pk: int) -> HttpResponse:
    """Read a month of the ticket system in the background; one that is on its way already is left to go on."""
    system = get_object_or_404(TicketSystem, pk=pk, active=True)
    back = f"{reverse('tickets:readings')}#system-{system.pk}"
    try:
        month = month_to_read(system, request.POST.get("month", ""), now=timezone.now())
    except ValueError as error:
        messages.error(request, str(error))
        return redirect(back)
    _start(request, system, month)
    words = {"month": month_label(month), "system": system.name}
    messages.success(request, _("%(month)s of “%(system)s” is being read. This page shows how far it is.") % words)
    return redirect(back)


@require_POST
@permission_required(RIGHTS, raise_exception=True)
def stop(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop a reading; the mirror stays as it was before it."""
    run = get_object_or_404(SyncRun.objects.select_related("system"), pk=pk)
    words = {"month": month_label(run.month), "system": run.system.name}
    if not ask_to_stop(run, user=request.user, now=timezone.now()):
        messages.warning(request, _("The reading of %(month)s from “%(system)s” is over already.") % words)
    elif run.is_active:
        messages.info(request, _("The reading of %(month)s from “%(system)s” stops before its next step.") % words)
    else:
        text = _("The reading of %(month)s from “%(system)s” is stopped. Nothing was changed.")
        messages.success(request, text % words)
    return redirect(f"{reverse('tickets:readings')}#system-{run.system_id}")


def _start(request: HttpRequest, system: TicketSystem, month: Month, *, losses_accepted: str = "") -> SyncRun:
    with transaction.atomic():
        user = request.user if request.user.is_authenticated else None
        run = start_sync(system=system, month=month, user=user, now=timezone.now(), losses_accepted=losses_accepted)
        transaction.on_commit(lambda: tasks.sync.delay(run.pk))
    return run


@permission_required(RIGHTS, raise_exception=True)
def accept_losses(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask why, then read the month that ``?month=`` names again and take for gone what is not shown any more."""
    system = get_object_or_404(TicketSystem, pk=pk, active=True)
    back = f"{reverse('tickets:readings')}#system-{system.pk}"
    try:
        month = month_to_read(system, request.GET.get("month", ""), now=timezone.now())
    except ValueError as error:
        messages.error(request, str(error))
        return redirect(back)
    form = LossesForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        latest = SyncRun.objects.filter(system=system, month=month.first_day, agent=None).first()
        context = {"form": form, "system": system, "month": month, "back": back, "latest": latest}
        return render(request, "tickets/accept_losses.html", context)
    words = {"month": month_label(month), "system": system.name}
    run = _start(request, system, month, losses_accepted=form.cleaned_data["reason"])
    if run.state == Job.State.RUNNING:
        text = _("%(month)s of “%(system)s” is being read already. Accept the losses when that has ended.")
        messages.warning(request, text % words)
    else:
        text = _("%(month)s of “%(system)s” is being read again; what is not shown any more is taken for gone.")
        messages.success(request, text % words)
    return redirect(back)
