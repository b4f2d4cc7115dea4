"""The page of what disagrees with orders after they have left draft."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from billing.discrepancies import discrepancies
from billing.discrepancy_pages import as_of, why_none
from billing.discrepancy_tables import DiscrepancyTable
from billing.models import Order
from common.exports import download
from common.paging import show_page
from tickets.periods import EVERYTHING, chosen_period

LONGEST_KEY = 19  # digits


def discrepancy_list(request: HttpRequest) -> HttpResponse:
    """Of all months or one; ``?order=`` and its primary key narrow it down to one order."""
    query = request.GET.copy()
    query.setdefault("period", EVERYTHING)
    period = chosen_period(query, now=timezone.now(), offers_everything=True)
    order = _chosen_order(request)
    month = None if period.everything else period.month
    table = DiscrepancyTable(discrepancies(month, user=request.user, order=order))
    show_page(table, request)
    if "export" in request.GET:
        return download(table, request, f"{_('discrepancies')}_{period.value}")
    context: dict[str, object] = {"period": period, "order": order, "table": table, "as_of": as_of()}
    if not table.paginator.count:
        context["empty"] = why_none(user=request.user, order=order)
    return render(request, "billing/discrepancies.html", context)


def _chosen_order(request: HttpRequest) -> Order | None:
    """What cannot be read, or not be seen, counts as not said."""
    text = request.GET.get("order", "")
    if not (text.isascii() and text.isdigit() and len(text) < LONGEST_KEY):
        return None
    return Order.objects.visible_to(request.user).filter(pk=int(text)).first()
