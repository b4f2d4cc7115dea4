"""The orders: list, page of one order, export, and what was left out."""

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from billing.asking import clean_number, why_left_out, why_not_in_order
from billing.closed_months import closed_month
from billing.filters import OrderFilter
from billing.handover import CONTENT_TYPES, Format, export_orders
from billing.line_pages import seen_of
from billing.models import Order
from billing.order_pages import (
    RIGHTS,
    file_to_come,
    has_open_orders,
    may_bill,
    order_page,
    orders_of,
    run_of,
    start_label,
    why_no_orders,
)
from billing.orders import OrdersRefused
from billing.queries import Reason, left_out
from billing.review_forms import CommentForm
from billing.statement_files import CONTENT_TYPE, statement_file
from billing.stored_files import files_of_order
from billing.tables import LeftOutTable, OrderTable
from common.exports import bad_request, download
from common.paging import MOST_PER_PAGE, Empty, nothing_matches, show_page
from tickets.periods import chosen_period


def order_list(request: HttpRequest) -> HttpResponse:
    """Orders of the period with the button that starts the run, the choice to approve, and the export."""
    period = chosen_period(request.GET, now=timezone.now(), offers_everything=True)
    filters = OrderFilter(request.GET, orders=orders_of(period, user=request.user))
    can_bill, has_choice = may_bill(request.user), has_open_orders(period, user=request.user)
    table = OrderTable(filters.qs, can_choose=can_bill and has_choice, one_month=not period.everything)
    show_page(table, request, per_page=MOST_PER_PAGE)
    if "export" in request.GET:
        return download(table, request, f"{_('orders')}_{period.value}")
    run = run_of(period)
    context = {"period": period, "filters": filters, "table": table, "run": run, "can_bill": can_bill}
    context["closed"] = None if period.everything else closed_month(period.month)
    context |= {"start_label": start_label(period), "has_choice": has_choice}
    context["file"] = file_to_come(period.month, now=timezone.now()) if can_bill and not period.everything else None
    if not table.paginator.count:
        is_filtered = any(filters.form.cleaned_data.values())
        context["empty"] = why_no_orders(period, user=request.user, run=run, is_filtered=is_filtered)
    return render(request, "billing/orders.html", context)


def order(request: HttpRequest, pk: int) -> HttpResponse:
    """One order: its positions, how each was computed, and what happened to it."""
    visible = Order.objects.visible_to(request.user).select_related(
        "customer__system",
        "agreement__customer",
        "approved_by",
        "issued_by",
        "voided_by",
        "correction_of",
        "correction",
        "erp_finding",
    )
    found = get_object_or_404(visible.prefetch_related("events__user"), pk=pk)
    can_bill = may_bill(request.user)
    page = order_page(found, page=request.GET.get("page"), can_bill=can_bill)
    context = {"page": page, "order": found, "can_bill": can_bill, "comment": CommentForm(), "seen": seen_of(found)}
    context["files"] = files_of_order(found, user=request.user)
    context["asked"] = asked = clean_number(request.GET.get("ticket", ""))
    context["answers"] = why_not_in_order(asked, found, user=request.user) if asked else []
    return render(request, "billing/order.html", context)


@require_POST
@permission_required(RIGHTS, raise_exception=True)
def export(request: HttpRequest) -> HttpResponse:
    """The month's orders as the file for the ERP, if it still is what the page had announced."""
    period = chosen_period(request.POST, now=timezone.now())
    if period.error:
        return bad_request(request, period.error)
    back = f"{reverse('billing:orders')}?period={period.value}"
    file = file_to_come(period.month, now=timezone.now())
    if file and request.POST.get("seen") != file.seen:
        messages.warning(request, _("The orders have changed since you looked at them. No file was made; look again."))
        return redirect(back)
    try:
        result = export_orders(month=period.month, format=Format.KIVITENDO, user=request.user, now=timezone.now())
    except OrdersRefused as refusal:
        messages.error(request, str(refusal))
        return redirect(back)
    response = HttpResponse(result.content, content_type=CONTENT_TYPES[Format.KIVITENDO])
    response["Content-Disposition"] = content_disposition_header(True, result.file_name)
    response["X-Content-Type-Options"] = "nosniff"
    return response


@require_POST
def statement(request: HttpRequest, pk: int) -> HttpResponse:
    """The work statement of an order the user may see; by POST, because the first one of an issued order is kept."""
    found = get_object_or_404(Order.objects.visible_to(request.user), pk=pk)
    language = request.POST.get("language", "")
    try:
        result = statement_file(found, language=language, user=request.user, now=timezone.now())
    except OrdersRefused as refusal:
        return bad_request(request, str(refusal))
    response = HttpResponse(result.content, content_type=CONTENT_TYPE)
    response["Content-Disposition"] = content_disposition_header(True, result.file_name)
    response["X-Content-Type-Options"] = "nosniff"
    return response


def left_out_list(request: HttpRequest) -> HttpResponse:
    """Time that stands in no order of the month, with the reason."""
    period = chosen_period(request.GET, now=timezone.now())
    rows, reason = left_out(period.month, user=request.user), _reason(request)
    table = LeftOutTable([row for row in rows if reason in (None, row.reason)])
    show_page(table, request, per_page=MOST_PER_PAGE)
    if "export" in request.GET:
        return download(table, request, f"{_('left-out')}_{period.value}")
    asked = clean_number(request.GET.get("ticket", ""))
    context: dict[str, object] = {"period": period, "table": table, "asked": asked, "reason": reason}
    context["answers"] = why_left_out(asked, period.month, rows, user=request.user) if asked else []
    if not table.paginator.count:
        text = _("Every minute that was read for this month stands in an order, or nothing was read yet.")
        context["empty"] = Empty(title=_("Nothing was left out"), text=text)
        if reason is not None:
            text = _("No time of the month was left out for this reason.")
            context["empty"] = nothing_matches(text, url=f"?period={period.value}")
    return render(request, "billing/left_out.html", context)


def _reason(request: HttpRequest) -> Reason | None:
    """What cannot be read counts as not said."""
    text = request.GET.get("reason", "")
    return Reason(text) if text in Reason.values else None
