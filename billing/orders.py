"""Approving orders: what a person has looked at goes on to the ERP and never changes again."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from itertools import chain

from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.utils.translation import gettext as _

from billing.completeness import mirror_problems
from billing.models import Allocation, Order, OrderEvent, OrderPosition
from common.months import Month
from tickets.models import AnyUser, TicketClosing


class OrdersRefused(Exception):
    """Nothing was done; ``sentences`` tell a person why, order by order."""

    def __init__(self, sentences: Sequence[str]) -> None:
        super().__init__(" ".join(sentences))
        self.sentences = list(sentences)


@transaction.atomic
def approve_orders(orders: Iterable[Order], *, user: AnyUser | None, now: datetime) -> list[Order]:
    """Approve all these drafts or none; raises ``OrdersRefused``. They are read anew, under a lock, must
    still be what they were when they were looked at, and must not contradict what the mirror holds by now."""
    seen = {order.pk: order.changed_at for order in orders}
    wanted = list(seen)
    locked = Order.objects.filter(pk__in=wanted).select_for_update(of=("self",), no_key=True)
    found = list(locked.select_related("customer__system").order_by("pk"))
    filled = set(Order.objects.filter(_has_positions(), pk__in=wanted).values_list("pk", flat=True))
    reasons = [_why_not(order, seen_at=seen[order.pk], has_positions=order.pk in filled) for order in found]
    sentences = [reason for reason in reasons if reason] or _contradictions(found)
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


def _contradictions(orders: Sequence[Order]) -> list[str]:
    """What the mirror says against these drafts. More orders of a month and ticket system take no more queries."""
    one_of_each = {(order.month, order.customer.system_id): order for order in orders}
    problems = [mirror_problems(Month.of(order.month), order.customer) for order in one_of_each.values()]
    again = _("Start the run again, then approve the orders.")
    sentences = [f"{problem} {again}" for problem in dict.fromkeys(chain.from_iterable(problems))]
    stale = _stale([order.pk for order in orders])
    text = _("The mirror has changed since order %(number)s was drafted. Start the run again, then approve the order.")
    return sentences + [text % {"number": order.number} for order in orders if order.pk in stale]


def _stale(orders: Collection[int]) -> set[int]:
    """Those that hold an entry that a run would not put there any more."""
    closed_here = TicketClosing.objects.filter(
        ticket=OuterRef("entry__ticket"), month=OuterRef("position__order__month")
    )
    held = Allocation.objects.filter(live=True, position__order__in=orders)
    as_mirrored = held.filter(
        Exists(closed_here),
        entry__gone_at__isnull=True,
        entry__minutes=F("minutes"),
        entry__ticket=F("position__ticket"),
        entry__ticket__customer=F("position__order__customer"),
    )
    return set(held.exclude(pk__in=as_mirrored.values("pk")).values_list("position__order", flat=True))
