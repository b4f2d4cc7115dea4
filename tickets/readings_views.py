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

from common.templatetags.formats import month_label
from tickets import tasks
from tickets.models import SyncRun, TicketSystem
from tickets.readings import month_to_read, state_of_reading, states_of_readings
from tickets.sync import start_sync

RIGHTS = ("tickets.see_all_customers", "tickets.add_syncrun")
"""What a reading came across names tickets of all customers."""


@permission_required(RIGHTS, raise_exception=True)
def readings(request: HttpRequest) -> HttpResponse:
    """Every active ticket system, month by month."""
    systems = states_of_readings(now=timezone.now())
    is_active = any(state.is_active for each in systems for state in (*each.months, *each.agents))
    return render(request, "tickets/readings.html", {"systems": systems, "is_active": is_active})


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
    with transaction.atomic():
        user = request.user if request.user.is_authenticated else None
        run = start_sync(system=system, month=month, user=user, now=timezone.now())
        transaction.on_commit(lambda: tasks.sync.delay(run.pk))
    words = {"month": month_label(month), "system": system.name}
    messages.success(request, _("%(month)s of “%(system)s” is being read. This page shows how far it is.") % words)
    return redirect(back)
