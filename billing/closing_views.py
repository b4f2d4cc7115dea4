"""Closing a month and opening it again."""

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from billing.closing import close_month, reopen_month
from billing.forms import ReasonForm
from billing.order_pages import RIGHTS
from billing.orders import OrdersRefused
from tickets.periods import chosen_period


@require_POST
@permission_required(RIGHTS, raise_exception=True)
def close(request: HttpRequest) -> HttpResponse:
    """Close the month of the form."""
    period = chosen_period(request.POST, now=timezone.now())
    if period.error:
        messages.error(request, period.error)
        return redirect("billing:orders")
    try:
        close_month(period.month, user=request.user, now=timezone.now())
    except OrdersRefused as refusal:
        messages.error(request, str(refusal))
    else:
        text = _("%(month)s is closed: runs leave its orders as they are.")
        messages.success(request, text % {"month": period.label})
    return redirect(f"{reverse('billing:orders')}?period={period.value}")


@permission_required(RIGHTS, raise_exception=True)
def reopen(request: HttpRequest) -> HttpResponse:
    """Ask why, then open the month again."""
    period = chosen_period(request.POST if request.method == "POST" else request.GET, now=timezone.now())
    form = ReasonForm(request.POST or None)
    if request.method != "POST" or not form.is_valid() or period.error:
        context = {"title": _("Open the month again"), "period": period, "form": form}
        context["back"] = f"{reverse('billing:orders')}?period={period.value}"
        return render(request, "billing/reopen.html", context)
    try:
        reopen_month(period.month, reason=form.cleaned_data["reason"], user=request.user, now=timezone.now())
    except OrdersRefused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("%(month)s is open again.") % {"month": period.label})
    return redirect(f"{reverse('billing:orders')}?period={period.value}")
