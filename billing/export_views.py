"""The files that were handed over: a list, and each of them byte for byte."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from billing.export_tables import ExportTable
from billing.models import Export
from billing.orders import OrdersRefused
from billing.stored_files import FORMATS, TYPES, exact_bytes, files_of_month, narrowed, stored_files
from common.exports import bad_request, download
from common.paging import Empty, PagedData, nothing_matches, show_page
from tickets.periods import EVERYTHING, chosen_period


class FileFilterForm(forms.Form):
    """What cannot be read counts as not said."""

    q = forms.CharField(label=gettext_lazy("File"), required=False, max_length=100)
    format = forms.ChoiceField(
        label=gettext_lazy("Format"), required=False, choices=[("", gettext_lazy("All formats")), *FORMATS.items()]
    )


@require_GET
def file_list(request: HttpRequest) -> HttpResponse:
    """Every stored file of all months, or of one, that holds no order but of customers the user may see."""
    query = request.GET.copy()
    query.setdefault("period", EVERYTHING)
    period = chosen_period(query, now=timezone.now(), offers_everything=True)
    filters = FileFilterForm(request.GET)
    filters.is_valid()
    found = stored_files(request.user) if period.everything else files_of_month(period.month, user=request.user)
    chosen = {name: filters.cleaned_data.get(name, "") for name in ("format", "q")}
    table = ExportTable(PagedData(narrowed(found, format=chosen["format"], text=chosen["q"])))
    show_page(table, request)
    if "export" in request.GET:
        return download(table, request, f"{_('stored-files')}_{period.value}")
    context: dict[str, object] = {"period": period, "table": table, "filters": filters}
    if not table.paginator.count:
        text = _("A file is kept when issued orders are handed over, and when a work statement of one is made.")
        context["empty"] = Empty(title=_("No stored files"), text=text)
        if any(chosen.values()):
            text = _("Files may be there, but none passes the filters.")
            context["empty"] = nothing_matches(text, url=f"?period={period.value}")
    return render(request, "billing/exports.html", context)


@require_GET
def stored_file(request: HttpRequest, pk: int) -> HttpResponse:
    """The bytes as they were handed over; a user who may not see all of its orders finds nothing here."""
    found = get_object_or_404(Export.objects.visible_to(request.user), pk=pk)
    try:
        content = exact_bytes(found)
    except OrdersRefused as refusal:
        return bad_request(request, str(refusal))
    response = HttpResponse(content, content_type=TYPES.get(found.format, "application/octet-stream"))
    response["Content-Disposition"] = content_disposition_header(True, found.file_name)
    response["X-Content-Type-Options"] = "nosniff"
    return response
