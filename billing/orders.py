"""Approving orders: what a person has looked at goes on to the ERP and never changes again."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from billing.models import Order, OrderEvent, OrderPosition
from tickets.models import AnyUser


class OrdersRefused(Exception):
    """Nothing was done; ``sentences`` tell a person why, order by order."""

    def __init__(self, sentences: Sequence[str]) -> None:
        super().__init__(" ".join(sentences))
        self.sentences = list(sentences)


@transaction.atomic
def approve_orders(orders: Iterable[Order], *, user: AnyUser | None, now: datetime) -> list[Order]:
    """Approve all these drafts or none; raises ``OrdersRefused``. They are read anew, under a lock,
    and must still be what they were when they were looked at."""
    seen = {order.pk: order.changed_at for order in orders}
    wanted = list(seen)
    found = list(Order.objects.filter(pk__in=wanted).select_for_update().order_by("pk"))
    filled = set(Order.objects.filter(_has_positions(), pk__in=wanted).values_list("pk", flat=True))
    reasons = [_why_not(order, seen_at=seen[order.pk], has_positions=order.pk in filled) for order in found]
    sentences = [reason for reason in reasons if reason]
    if len(found) < len(wanted):
        sentences.append(_("An order is gone: a run found nothing to bill in it. Look at the list again."))
    if not found and not sentences:
        sentences.append(_("There is no order to approve."))
    if sentences:
        raise OrdersRefused(sentences)
    user_id = user.pk if user else None
    for order in found:
        order.state, order.approved_at, order.approved_by_id = Order.State.APPROVED, now, user_id
    Order.objects.bulk_update(found, ["state", "approved_at", "approved_by"])
    kind = OrderEvent.Kind.APPROVED
    OrderEvent.objects.bulk_create(OrderEvent(order=order, kind=kind, at=now, user_id=user_id) for order in found)
    return found


def _has_positions() -> Exists:
    return Exists(OrderPosition.objects.filter(order=OuterRef("pk")))


def _why_not(order: Order, *, seen_at: datetime, has_positions: bool) -> str:
    if order.state != Order.State.DRAFT:
        return _("Order %(number)s is approved already.") % {"number": order.number}
    if order.changed_at != seen_at:
        return _("Order %(number)s was changed by a run just now. Look at it again.") % {"number": order.number}
    if not order.complete:
        text = _("Order %(number)s rests on data that are not complete. Start the run again, then approve it.")
        return text % {"number": order.number}
    if not has_positions:
        return _("Order %(number)s has no position.") % {"number": order.number}
    return ""
