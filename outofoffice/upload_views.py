"""The page of one upload: look, confirm, watch, repeat, clear."""

from functools import partial
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from outofoffice import tasks
from outofoffice.files import refused_rows
from outofoffice.models import Upload
from outofoffice.rights import uploaders_only
from outofoffice.row_tables import choices, chosen, count_rows, page_of, shown_rows
from outofoffice.uploads import NotPossible, confirm, plan_clearing, same_content, send_again, stop_sending
from outofoffice.views import csv_response, dialect

STOP_POLLING = 286  # htmx takes the answer in and asks no more


@require_safe
@uploaders_only
def upload(request: HttpRequest, pk: int) -> HttpResponse:
    """The user's own table with what would happen, or with what became of it."""
    return render(request, "outofoffice/upload.html", _context(request, _find(pk)))


@require_safe
@uploaders_only
def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The part of the page that changes; asked for again and again while it is being sent."""
    found = _find(pk)
    if not request.htmx:  # type: ignore[attr-defined]  # set by the middleware of django-htmx
        return redirect(found)
    context = _context(request, found)
    status = 200 if context["is_active"] else STOP_POLLING
    return render(request, "outofoffice/upload_state.html", context | {"is_polled": True}, status=status)


@require_POST
@uploaders_only
def confirm_upload(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the good rows of what was looked at."""
    found = _find(pk)
    try:
        sending = confirm(upload=found, seen=request.POST.get("seen", ""), user=request.user, now=timezone.now())
    except NotPossible as refusal:
        messages.warning(request, str(refusal))
    else:
        transaction.on_commit(partial(tasks.send.delay, sending.pk))
    return redirect(found)


@require_POST
@uploaders_only
def repeat(request: HttpRequest, pk: int) -> HttpResponse:
    """Send again what was not sent or is unknown."""
    found = _find(pk)
    try:
        sending = send_again(upload=found, user=request.user, now=timezone.now())
    except NotPossible as refusal:
        messages.warning(request, str(refusal))
    else:
        transaction.on_commit(partial(tasks.send.delay, sending.pk))
    return redirect(found)


@require_POST
@uploaders_only
def stop(request: HttpRequest, pk: int) -> HttpResponse:
    """Send no further portion; what was sent stays sent."""
    found = _find(pk)
    try:
        sending = stop_sending(upload=found, user=request.user, now=timezone.now())
    except NotPossible as refusal:
        messages.warning(request, str(refusal))
    else:
        if sending.is_active:
            messages.info(request, _("The sending stops before the next portion."))
    return redirect(found)


@require_POST
@uploaders_only
def clear(request: HttpRequest, pk: int) -> HttpResponse:
    """Prepare the upload that switches this one off; it is looked at and confirmed like any other."""
    found = _find(pk)
    try:
        return redirect(plan_clearing(upload=found, user=request.user, now=timezone.now()))
    except NotPossible as refusal:
        messages.warning(request, str(refusal))
    return redirect(found)


@require_safe
@uploaders_only
def refused(request: HttpRequest, pk: int) -> HttpResponse:
    """The rows that cannot be sent, with their reasons; corrected, the file can be uploaded as it is."""
    found = _find(pk)
    name = found.file_name.rpartition(".")[0] or found.file_name
    return csv_response(refused_rows(found, dialect()), f"{name}_{_('refused')}")


@require_safe
@uploaders_only
def original(request: HttpRequest, pk: int) -> HttpResponse:
    """The file as it came, byte by byte."""
    found = _find(pk)
    response = HttpResponse(bytes(found.content), content_type="application/octet-stream")
    response["Content-Disposition"] = content_disposition_header(True, found.file_name)
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _find(pk: int) -> Upload:
    uploads = Upload.objects.select_related("system", "uploaded_by", "clears").defer("content", "clears__content")
    return get_object_or_404(uploads, pk=pk)


def _context(request: HttpRequest, found: Upload) -> dict[str, Any]:
    counts = count_rows(found)
    offered = choices(found, counts)
    show = chosen(request.GET, offered)
    page = page_of(found, show, request.GET.get("page"))
    sending = found.sendings.last() if found.is_confirmed else None
    return {
        "upload": found,
        "counts": counts,
        "choices": offered,
        "show": show,
        "page": page,
        "rows": list(shown_rows(found, list(page))),
        "sending": sending,
        "is_active": sending is not None and sending.is_active,
        "events": found.events.select_related("user"),
        "earlier": None if found.is_confirmed else same_content(found),
        "now": timezone.now(),
    }
