"""Drafts that are approved by themselves, as their agreements say; a scheduled run over complete data does it.

It approves and never issues. A draft that a person has changed, returned or commented on is left to people.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from django.utils.translation import gettext as _

from billing.models import Order, OrderEvent
from billing.orders import OrdersRefused, approve_orders
from common.months import Month

TOUCHED = [OrderEvent.Kind.ADJUSTED.value, OrderEvent.Kind.COMMENTED.value, OrderEvent.Kind.RETURNED.value]


def approve_by_agreement(month: Month, customers: Collection[int], *, now: datetime) -> tuple[int, list[str]]:
    """Approve these customers' drafts of the month where their agreements say so.

    Returns how many were approved, and a sentence for each that could not be.
    """
    drafts = Order.objects.filter(
        customer__in=customers, month=month.first_day, supplement=0, state=Order.State.DRAFT, complete=True
    )
    found = list(drafts.filter(agreement__approves_itself=True).select_related("agreement").order_by("pk"))
    touched = set(OrderEvent.objects.filter(order__in=found, kind__in=TOUCHED).values_list("order", flat=True))
    notes = {order.pk: _why_by_a_person(order, is_touched=order.pk in touched) for order in found}
    approved, refused = _approve([order for order in found if not notes[order.pk]], now=now)
    return approved, [note for note in notes.values() if note] + refused


def _why_by_a_person(order: Order, *, is_touched: bool) -> str:
    if order.agreement.needs_second_person:
        text = _("Order %(number)s is not approved by itself: its agreement asks for four eyes. Approve it by hand.")
        return text % {"number": order.number}
    if is_touched:
        text = _("Order %(number)s is not approved by itself: a person has worked on it. Approve it by hand.")
        return text % {"number": order.number}
    return ""


def _approve(orders: Sequence[Order], *, now: datetime) -> tuple[int, list[str]]:
    """All at once where none is refused, else one by one, so that one refusal stays its own."""
    if not orders:
        return 0, []
    try:
        text = _("By the scheduler, as the agreement says.")
        return len(approve_orders(orders, user=None, now=now, text=text)), []
    except OrdersRefused as refused:
        if len(orders) == 1:
            return 0, refused.sentences
    approved, sentences = 0, list[str]()
    for order in orders:
        count, why = _approve([order], now=now)
        approved += count
        sentences += why
    return approved, sentences
