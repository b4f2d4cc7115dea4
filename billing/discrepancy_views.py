"""The page of what disagrees with orders after they have left draft."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from billing.discrepancies import discrepancies
from billing.discrepancy_pages import as_of, why_none
from billing.discrepancy_tables import DiscrepancyTable
from billing.models import Order
from billing.order_pages import may_bill
from billing.proposals import narrow
from billing.settlement_forms import InboxFilterForm, SettlementForm
from billing.settlement_tables import SettlementTable, settled
from common.exports import download
from common.months import Month
from common.paging import MOST_PER_PAGE, show_page
from tickets.periods import EVERYTHING, Period, chosen_period

LONGEST_KEY = 19  # digits


def discrepancy_list(request: HttpRequest) -> HttpResponse:
    """What is open, or was settled, of all months or one; ``?order=`` and its primary key narrow it down further."""
    query = request.GET.copy()
    query.setdefault("period", EVERYTHING)
    period = chosen_period(query, now=timezone.now(), offers_everything=True)
    filters = InboxFilterForm(request.GET)
    filters.is_valid()
    order, can_settle = _chosen_order(request), may_bill(request.user)
    is_settled = filters.value("shown") == "settled"
    table: DiscrepancyTable | SettlementTable
    if is_settled:
        found = settled(filters, month=_month(period), order=order, user=request.user)
        table = SettlementTable(found, can_settle=can_settle, month=Month.of(timezone.localdate()))
    else:
        rows = discrepancies(_month(period), user=request.user, order=order)
        rows = narrow(rows, kind=filters.value("kind"), customer=filters.value("customer"))
        table = DiscrepancyTable(rows, can_settle=can_settle)
    show_page(table, request, per_page=MOST_PER_PAGE)
    if "export" in request.GET:
        return download(table, request, f"{_('settled') if is_settled else _('discrepancies')}_{period.value}")
    context: dict[str, object] = {"period": period, "order": order, "table": table, "as_of": as_of()}
    context |= {"filters": filters, "is_settled": is_settled, "can_settle": can_settle, "form": SettlementForm()}
    if not table.paginator.count:
        is_filtered = is_settled or bool(filters.value("kind") or filters.value("customer"))
        context["empty"] = why_none(user=request.user, order=order, is_filtered=is_filtered)
    return render(request, "billing/discrepancies.html", context)


def _month(period: Period) -> Month | None:
    return None if period.everything else period.month


def _chosen_order(request: HttpRequest) -> Order | None:
    """What cannot be read, or not be seen, counts as not said."""
    text = request.GET.get("order", "")
    if not (text.isascii() and text.isdigit() and len(text) < LONGEST_KEY):
        return None
    return Order.objects.visible_to(request.user).filter(pk=int(text)).first()
