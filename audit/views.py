"""The page of the audit log, for those who may see it."""

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from audit.filters import AuditFilter
from audit.models import AuditHead
from audit.tables import AuditTable
from common.exports import download
from common.paging import nothing_matches, show_page

RIGHT = "audit.see_audit_log"


@require_safe
@permission_required(RIGHT, raise_exception=True)
def log(request: HttpRequest) -> HttpResponse:
    """Who did what and when, the newest first."""
    filters = AuditFilter(request.GET)
    table = AuditTable(filters.qs)
    show_page(table, request)
    if "export" in request.GET:
        return download(table, request, _("audit-log"))
    context = {"filters": filters, "table": table, "head": AuditHead.objects.first()}
    if not table.paginator.count:
        text = _("No action passes the filters.")
        context["empty"] = nothing_matches(text, url="?")
    return render(request, "audit/log.html", context)
