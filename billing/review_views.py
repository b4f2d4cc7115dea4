"""Reviewing an order: change a line, undo that, comment."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from billing.adjusting import Line
from billing.line_pages import line_page, seen_of
from billing.models import Order
from billing.order_pages import RIGHTS
from billing.orders import OrdersRefused
from billing.review_forms import CommentForm, LineForm, UndoForm
from billing.reviewing import change_line, comment_on, undo_change
from common.refusals import with_input


@permission_required(RIGHTS, raise_exception=True)
def change(request: HttpRequest, pk: int, line: str) -> HttpResponse:
    """What was computed beside what is billed, and the form to change that."""
    order, wanted = _order(request, pk), _line(line)
    page = line_page(order, wanted)
    if page is None:
        sentence = _("That line cannot be changed; nothing was changed. Look at the order again.")
        messages.error(request, with_input(sentence, request.POST.get("text", ""), request.POST.get("reason", "")))
        return redirect(order)
    form = LineForm(request.POST or None, position=page.line.position)
    if form.is_valid():
        try:
            _refuse_other_tab(request.POST.get("seen", ""), order)
            change_line(
                order,
                wanted,
                form.values,
                reason=form.cleaned_data["reason"],
                user=request.user,
                now=timezone.now(),
            )
        except OrdersRefused as refusal:
            form.add_error(None, refusal.sentences)
        else:
            messages.success(request, _("The line was changed. What was computed is kept beside it."))
            return redirect(order)
    context: dict[str, Any] = {"order": order, "page": page, "form": form, "seen": seen_of(order)}
    return render(request, "billing/line.html", context)


@require_POST
@permission_required(RIGHTS, raise_exception=True)
def undo(request: HttpRequest, pk: int, line: str) -> HttpResponse:
    """Let one field of a line be as computed again."""
    order, wanted = _order(request, pk), _line(line)
    form = UndoForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("What is to be undone could not be read. Nothing was changed."))
        return redirect(order)
    try:
        _refuse_other_tab(form.cleaned_data["seen"], order)
        undo_change(order, wanted, form.field_to_undo, user=request.user, now=timezone.now())
    except OrdersRefused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("Undone: the line is as computed again."))
    return redirect(order)


@require_POST
def comment(request: HttpRequest, pk: int) -> HttpResponse:
    """Write into the history of an order that the user may see."""
    order, form = _order(request, pk), CommentForm(request.POST)
    if not form.is_valid():
        sentence = " ".join(str(error) for errors in form.errors.values() for error in errors)
        messages.error(request, with_input(sentence, request.POST.get("text", "")))
        return redirect(order)
    try:
        comment_on(order, text=form.cleaned_data["text"], user=request.user, now=timezone.now())
    except OrdersRefused as refusal:
        messages.error(request, with_input(str(refusal), form.cleaned_data["text"]))
    else:
        messages.success(request, _("Your comment stands in the history."))
    return redirect(f"{order.get_absolute_url()}#history")


def _refuse_other_tab(seen: str, order: Order) -> None:
    if seen != seen_of(order):
        text = _("Order %(number)s was changed just now. Look at it again.")
        raise OrdersRefused([text % {"number": order.number}])


def _order(request: HttpRequest, pk: int) -> Order:
    return get_object_or_404(Order.objects.visible_to(request.user).select_related("customer"), pk=pk)


def _line(text: str) -> Line:
    try:
        return Line.read(text)
    except ValueError as error:
        raise Http404(str(error)) from error
