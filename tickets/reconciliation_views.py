"""The page that compares the three totals of the tickets of a month."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from common.exports import download
from common.paging import MOST_PER_PAGE, show_page
from common.tables import Table
from tickets.listing import why_empty
from tickets.models import sees_all_customers
from tickets.periods import chosen_period
from tickets.reconciliation import reconcile
from tickets.reconciliation_tables import DifferenceTable, NotComparedTable

NOT_COMPARED = "not-compared"


def reconciliation(request: HttpRequest) -> HttpResponse:
    """Tickets whose totals disagree with the likely cause, or with ``?show=not-compared`` those without a total."""
    period = chosen_period(request.GET, now=timezone.now())
    result = reconcile(period.month, user=request.user)
    not_compared = request.GET.get("show") == NOT_COMPARED
    table: Table = NotComparedTable(result) if not_compared else DifferenceTable(result)
    show_page(table, request, per_page=MOST_PER_PAGE)
    if "export" in request.GET:
        name = _("not-compared") if not_compared else _("differences")
        return download(table, request, f"{name}_{period.value}")
    context = {"period": period, "result": result, "table": table, "shows_not_compared": not_compared}
    if sees_all_customers(request.user):
        context["findings"] = result.findings()
    if not result.tickets:
        context["empty"] = why_empty(period, user=request.user, is_filtered=False)
    return render(request, "tickets/reconciliation.html", context)
