"""An order's way: approve, issue, return to draft, void."""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from billing import tasks
from billing.choice_filters import matching
from billing.forms import MOST_ORDERS, ApprovalForm, ReasonForm
from billing.issuing import issue_orders, void_order
from billing.messages import systems_of
from billing.models import Order
from billing.order_pages import RIGHTS
from billing.orders import OrdersRefused, approve_orders, return_to_draft
from billing.selection import Step, select_orders
from common.refusals import with_input


@require_POST
@permission_required(RIGHTS, raise_exception=True)
def approve(request: HttpRequest) -> HttpResponse:
    """First what would be approved; then, if nothing of it changed meanwhile, approve it."""
    return _take_step(request, Step.APPROVE)


@require_POST
@permission_required(RIGHTS, raise_exception=True)
def issue(request: HttpRequest) -> HttpResponse:
    """First what would be issued; then, if nothing of it changed meanwhile, issue it."""
    return _take_step(request, Step.ISSUE)


def _take_step(request: HttpRequest, step: Step) -> HttpResponse:
    form = ApprovalForm(request.POST)
    if not form.is_valid():
        messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
        return redirect("billing:orders")
    keys = form.cleaned_data["order"]
    if form.cleaned_data["all"]:
        keys = matching(form.cleaned_data["all"], step=step, user=request.user, now=timezone.now())
    if len(keys) > MOST_ORDERS:
        messages.error(request, _("Too many orders at once."))
        return redirect("billing:orders")
    selection = select_orders(keys, step=step, user=request.user)
    seen = form.cleaned_data["seen"]
    if not seen or not selection.orders or seen != selection.fingerprint:
        context = {"selection": selection, "has_changed": bool(seen and selection.orders)}
        return render(request, f"billing/{step.value}.html", context)
    try:
        done = _carry_out(step, selection.orders, request)
    except OrdersRefused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, done)
    return redirect(_orders_of(selection.orders[0]))


def _carry_out(step: Step, orders: Iterable[Order], request: HttpRequest) -> str:
    if step is Step.APPROVE:
        count = len(approve_orders(orders, user=request.user, now=timezone.now()))
        return ngettext("%(count)d order approved.", "%(count)d orders approved.", count) % {"count": count}
    issued = issue_orders(orders, user=request.user, now=timezone.now())
    for system in systems_of(issued):
        transaction.on_commit(partial(tasks.deliver_messages.delay, system))
    text = ngettext(
        "%(count)d order issued: %(first)s.", "%(count)d orders issued: %(first)s to %(last)s.", len(issued)
    )
    numbers = {"first": issued[0].document_number, "last": issued[-1].document_number}
    return text % {"count": len(issued), **numbers}


def _orders_of(order: Order) -> str:
    return f"{reverse('billing:orders')}?period={order.month:%Y-%m}"


@permission_required(RIGHTS, raise_exception=True)
def back_to_draft(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask why, then take the approval back."""

    def take_back(order: Order, reason: str, now: datetime) -> str:
        return_to_draft([order], reason=reason, user=request.user, now=now)
        return _("Order %(number)s is a draft again.") % {"number": order.number}

    states = [Order.State.APPROVED]
    return _with_reason(
        request, pk, take_back, title=_("Return to draft"), template="billing/return.html", states=states
    )


@permission_required(RIGHTS, raise_exception=True)
def void(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask why, then void the order."""

    def make_void(order: Order, reason: str, now: datetime) -> str:
        void_order(order, reason=reason, user=request.user, now=now)
        text = _("Order %(number)s is void. Its time is free again: start the run to draft it anew.")
        return text % {"number": order.document_number}

    states = [Order.State.ISSUED, Order.State.EXPORTED]
    return _with_reason(request, pk, make_void, title=_("Void the order"), template="billing/void.html", states=states)


def _with_reason(
    request: HttpRequest,
    pk: int,
    act: Callable[[Order, str, datetime], str],
    *,
    title: str,
    template: str,
    states: list[Order.State],
) -> HttpResponse:
    order = get_object_or_404(Order.objects.visible_to(request.user).select_related("customer"), pk=pk)
    if order.state not in states:
        state = order.get_state_display()
        sentence = _("The order is %(state)s; nothing was changed.") % {"state": state}
        messages.error(request, with_input(sentence, request.POST.get("reason", "")))
        return redirect(order)
    form = ReasonForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        context = {"title": title, "order": order, "form": form, "back": order.get_absolute_url()}
        return render(request, template, context)
    try:
        messages.success(request, act(order, form.cleaned_data["reason"], timezone.now()))
    except OrdersRefused as refusal:
        messages.error(request, with_input(str(refusal), form.cleaned_data["reason"]))
    return redirect(order)
