"""What a person does about a note or mail of an order: try again, or say what became of a mail."""

from collections.abc import Callable
from datetime import datetime

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from billing import tasks
from billing.message_models import OrderMessage
from billing.messages import send_again, settle_mail
from billing.models import Order
from billing.order_pages import RIGHTS
from billing.orders import OrdersRefused


@require_POST
@permission_required(RIGHTS, raise_exception=True)
def retry(request: HttpRequest, pk: int, message: int) -> HttpResponse:
    """Look, and write it where it is not there."""
    return _act(request, pk, message, lambda found, now: send_again(found, user=request.user, now=now))


@require_POST
@permission_required(RIGHTS, raise_exception=True)
def settle(request: HttpRequest, pk: int, message: int) -> HttpResponse:
    """Take in whether a mail was seen to have left."""
    was_sent = request.POST.get("sent")
    if was_sent not in ("yes", "no"):
        messages.error(request, _("Say whether the mail was sent. Nothing was changed."))
        return redirect("billing:order", pk)
    return _act(
        request,
        pk,
        message,
        lambda found, now: settle_mail(found, was_sent=was_sent == "yes", user=request.user, now=now),
    )


def _act(request: HttpRequest, pk: int, message: int, act: Callable[[OrderMessage, datetime], object]) -> HttpResponse:
    order = get_object_or_404(Order.objects.visible_to(request.user), pk=pk)
    of_order = order.messages.select_related("order", "ticket", "item").defer("item__content")
    found = get_object_or_404(of_order, pk=message)
    try:
        act(found, timezone.now())
    except OrdersRefused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("Noted. What comes of it stands on this page."))
        transaction.on_commit(lambda: tasks.deliver_messages.delay(found.item.system_id))
    return redirect(f"{order.get_absolute_url()}#messages")
