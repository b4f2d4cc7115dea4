"""Upload a file, see the earlier ones, and see who is away."""

from datetime import date

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from common.csvfiles import GERMAN, LIMITS, PLAIN, Dialect
from common.exports import download
from common.months import Month
from common.paging import PagedData, show_page
from outofoffice.calendars import month_calendar
from outofoffice.files import template
from outofoffice.forms import CalendarForm, UploadForm
from outofoffice.queries import history
from outofoffice.rights import uploaders_only
from outofoffice.tables import HistoryTable
from outofoffice.uploads import FileRefused, upload_file
from tickets.models import TicketSystem
from tickets.periods import YEARS


@uploaders_only
def index(request: HttpRequest) -> HttpResponse:
    """The form with its limits, and the history. A file that can be looked at row by row gets a page of its own."""
    form = UploadForm(request.POST, request.FILES) if request.method == "POST" else UploadForm()
    context = {"form": form, "limits": LIMITS, "kilobytes": LIMITS.size // 1000}
    if form.is_valid():
        try:
            upload = upload_file(**form.chosen, user=request.user, now=timezone.now())
        except FileRefused as refused:
            context["faults"] = refused.faults
            context["refused_name"] = form.cleaned_data["file_name"]
        else:
            return redirect(upload)
    table = HistoryTable(PagedData(history()))
    show_page(table, request)
    if "export" in request.GET:
        return download(table, request, _("out-of-office-uploads"))
    return render(request, "outofoffice/index.html", context | {"table": table})


@require_safe
@uploaders_only
def template_file(request: HttpRequest) -> HttpResponse:
    """A file with the header and two comments."""
    return csv_response(template(dialect()), _("out-of-office-template"))


@require_safe
@uploaders_only
def calendar(request: HttpRequest) -> HttpResponse:
    """A month of one ticket system, day by day."""
    form = CalendarForm(request.GET)
    system = form.cleaned_data["system"] if form.is_valid() else None
    system = system or TicketSystem.objects.order_by("-active", "name").first()
    if system is None:
        return render(request, "outofoffice/calendar.html", {"form": form})
    today = timezone.now().astimezone(system.zone).date()
    month = _chosen_month(request, today)
    context = {
        "calendar": month_calendar(system=system, month=month, today=today),
        "form": CalendarForm({"system": system.pk}),
    }
    return render(request, "outofoffice/calendar.html", context)


def dialect() -> Dialect:
    """What the spreadsheet of whoever reads this page most likely wants."""
    return GERMAN if (get_language() or "").startswith("de") else PLAIN


def csv_response(content: bytes, name: str) -> HttpResponse:
    """A CSV file as a download; ``name`` has no extension."""
    response = HttpResponse(content, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = content_disposition_header(True, f"{name}.csv")
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _chosen_month(request: HttpRequest, today: date) -> Month:
    """The month of the address; the present one where it names none or none that can be shown."""
    text = request.GET.get("month", "").strip()
    present = Month.of(today)
    if not text:
        return present
    try:
        month = Month.parse(text)
    except ValueError:
        month = None
    if month is None or month.year not in YEARS:
        words = {"text": text[:20]}
        messages.error(request, _("“%(text)s” is not a month. Write it as YYYY-MM, for example 2026-10.") % words)
        return present
    return month
