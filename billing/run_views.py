"""Billing runs: start one, watch it, and look at what became of it."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from billing import tasks
from billing.filters import RunFilter
from billing.models import BillingRun
from billing.order_pages import RIGHTS
from billing.run_models import RunStart
from billing.runs import start_run
from billing.starts import StartRefused, cancel_run, retry_failed
from billing.stored_files import files_of_run
from billing.tables import RunTable
from common.exports import download
from common.paging import UNFILTERED, Empty, EmptyKind, PagedData, nothing_matches, show_page
from tickets.periods import chosen_period

MOST_STARTS_SHOWN = 50
MOST_FILES_SHOWN = 20
STOP_POLLING = 286  # htmx takes the answer in and asks no more


@permission_required(RIGHTS, raise_exception=True)
def run_list(request: HttpRequest) -> HttpResponse:
    """All runs, the latest month first."""
    filters = RunFilter(request.GET, runs=BillingRun.objects.select_related("customer"))
    table = RunTable(PagedData(filters.qs))
    show_page(table, request)
    if "export" in request.GET:
        return download(table, request, _("billing-runs"))
    context: dict[str, object] = {"filters": filters, "table": table}
    if not table.paginator.count:
        context["empty"] = _why_no_runs(filters.form.cleaned_data)
    return render(request, "billing/runs.html", context)


def _why_no_runs(chosen: Mapping[str, str]) -> Empty:
    if chosen == {**dict.fromkeys(chosen, ""), "shown": "trouble"}:
        return Empty(
            kind=EmptyKind.NOTHING_MATCHES,
            title=_("All is well"),
            text=_("Every run came to its end over complete data, or its month is closed."),
            url=UNFILTERED,
            action=_("Show all runs"),
        )
    if any(chosen.values()):
        text = _("Runs are there, but none passes the filters.")
        return nothing_matches(text)
    return Empty(
        title=_("No run yet"),
        text=_("A run reads the closed tickets of a month and drafts one order for each customer."),
        url=reverse("billing:orders"),
        action=_("To the orders"),
    )


@require_POST
@permission_required(RIGHTS, raise_exception=True)
def start(request: HttpRequest) -> HttpResponse:
    """Start the run of the month, or go to the one that is already on its way."""
    period = chosen_period(request.POST, now=timezone.now())
    if period.error:
        messages.error(request, period.error)
        return redirect("billing:orders")
    with transaction.atomic():
        run = start_run(month=period.month, user=request.user, now=timezone.now())
        transaction.on_commit(lambda: tasks.run.delay(run.pk))
    return redirect(run)


@require_POST
@permission_required(RIGHTS, raise_exception=True)
def retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Bill the customers again that failed, no others."""
    found = get_object_or_404(BillingRun, pk=pk)
    try:
        with transaction.atomic():
            retry_failed(found, user=request.user, now=timezone.now())
            transaction.on_commit(lambda: tasks.run.delay(found.pk))
    except StartRefused as refused:
        messages.error(request, str(refused))
    return redirect(found)


@require_POST
@permission_required(RIGHTS, raise_exception=True)
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop the run; what is drafted stays."""
    found = get_object_or_404(BillingRun, pk=pk)
    try:
        stopped = cancel_run(found, user=request.user, now=timezone.now())
    except StartRefused as refused:
        messages.error(request, str(refused))
    else:
        if stopped.is_active:
            messages.info(request, _("The run stops before the next customers."))
    return redirect(found)


@permission_required(RIGHTS, raise_exception=True)
def run(request: HttpRequest, pk: int) -> HttpResponse:
    """How far the run is and what came of it."""
    return render(request, "billing/run.html", _page(request, pk))


@permission_required(RIGHTS, raise_exception=True)
def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The part of the run's page that changes; asked for again and again while the run is active."""
    page = _page(request, pk)
    if not request.htmx:  # type: ignore[attr-defined]  # set by the middleware of django-htmx
        return redirect(reverse("billing:run", args=[pk]))
    status = 200 if page["run"].is_active else STOP_POLLING
    return render(request, "billing/run_state.html", page | {"is_polled": True}, status=status)


def _page(request: HttpRequest, pk: int) -> dict[str, Any]:
    """The run, its latest starts, the mails about the last one of the scheduler and the latest files of its orders."""
    found = get_object_or_404(BillingRun.objects.select_related("customer", "started_by"), pk=pk)
    starts = list(found.starts.select_related("user", "cancelled_by")[:MOST_STARTS_SHOWN])
    scheduled = next((start for start in starts if start.by == RunStart.By.SCHEDULER), None)
    return {
        "run": found,
        "now": timezone.now(),
        "starts": starts,
        "last": starts[0] if starts else None,
        "scheduled": scheduled,
        "mails": list(scheduled.mails.select_related("user")) if scheduled else [],
        "files": files_of_run(found, user=request.user)[:MOST_FILES_SHOWN],
        "sends_mail": settings.SENDS_MAIL,
    }
