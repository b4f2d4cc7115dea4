"""Upload a file, see the earlier ones, and see who is away."""

from dataclasses import replace

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
from common.paging import Empty, PagedData, nothing_matches, show_page
from outofoffice.calendars import month_calendar
from outofoffice.files import template
from outofoffice.forms import CalendarForm, HistoryFilterForm, UploadForm
from outofoffice.queries import called, history, not_sent
from outofoffice.rights import uploaders_only
from outofoffice.tables import HistoryTable
from outofoffice.uploads import FileRefused, upload_file
from tickets.models import TicketSystem
from tickets.periods import YEARS, Period


@uploaders_only
def index(request: HttpRequest) -> HttpResponse:
    """The form with its limits, and the history. A file that can be looked at row by row gets a page of its own."""
    form = UploadForm(request.POST, request.FILES) if request.method == "POST" else UploadForm()
    context: dict[str, object] = {"form": form, "limits": LIMITS, "kilobytes": LIMITS.size // 1000}
    if form.is_valid():
        try:
            upload = upload_file(**form.chosen, user=request.user, now=timezone.now())
        except FileRefused as refused:
            context["faults"] = refused.faults
            context["refused_name"] = form.cleaned_data["file_name"]
        else:
            return redirect(upload)
    filters = HistoryFilterForm(request.GET)
    filters.is_valid()
    text = filters.cleaned_data.get("q", "")
    found = not_sent(now=timezone.now()) if filters.cleaned_data.get("shown") else history()
    table = HistoryTable(PagedData(found.filter(called(text)) if text else found))
    show_page(table, request)
    if "export" in request.GET:
        return download(table, request, _("out-of-office-uploads"))
    context |= {"table": table, "filters": filters}
    if not table.paginator.count:
        context["empty"] = _why_empty(is_filtered=any(filters.cleaned_data.values()))
    return render(request, "outofoffice/index.html", context)


def _why_empty(*, is_filtered: bool) -> Empty:
    if is_filtered:
        return nothing_matches(_("Uploads are there, but none passes the filters."))
    text = _("Every file that was checked stands here, with what became of it.")
    return Empty(title=_("Nothing was uploaded yet"), text=text)


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
    period = _chosen_period(request, system, Month.of(today))
    context = {
        "calendar": month_calendar(system=system, month=period.month, today=today),
        "form": CalendarForm({"system": system.pk}),
        "period": period,
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


def _chosen_period(request: HttpRequest, system: TicketSystem, present: Month) -> Period:
    """The month of the address; the present one where it names none or none that can be shown.

    ``?month=`` is what the address was called before; such links still lead here.
    """
    text = (request.GET.get("period") or request.GET.get("month", "")).strip()
    shown = Period(month=present, current=present, zones=(system.time_zone,), entered=str(present))
    if not text:
        return shown
    try:
        month = Month.parse(text)
    except ValueError:
        month = None
    if month is None or month.year not in YEARS:
        words = {"text": text[:20], "month": shown.label}
        error = _("“%(text)s” is not a month. Write it as YYYY-MM, for example 2026-10. Shown is %(month)s.") % words
        return replace(shown, entered=text[:20], error=error)
    return replace(shown, month=month, entered=str(month))
