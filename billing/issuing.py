"""Issuing and voiding: an issued order has a number and stays as it is for ever; a wrong one is voided and replaced.

Numbers come from a range for each year, without gaps: they are given in the transaction that issues, so one that fails
gives none, and the row of the range is locked, so no two orders get the same.
"""

from collections.abc import Collection, Iterable
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from billing.messages import prepare_messages, withdraw_messages
from billing.models import Allocation, NumberRange, Order, OrderEvent
from billing.orders import OrdersRefused, contradictions, lock_orders, record, record_texts
from billing.prepaid import release
from billing.resting import let_go, orders_correcting, why_not_void
from billing.settlement_history import carried_out_by, carried_out_texts, settled_texts
from billing.settlement_models import Settlement
from tickets.models import AnyUser

LONGEST_REASON = 2000


@transaction.atomic
def issue_orders(orders: Iterable[Order], *, user: AnyUser | None, now: datetime) -> list[Order]:
    """Give all these approved orders their document numbers, or none; raises ``OrdersRefused``.

    What their agreements want to be written into the ticket system waits in the outbox with them.
    They are numbered in the order of ``Order.number``, ``2026-00001`` and so on; the year is that of ``now`` in
    ``settings.TIME_ZONE``.
    """
    found = lock_orders(order.pk for order in orders)
    sentences = [reason for order in found if (reason := _why_not(order))]
    again = _("Return the order to draft, start the run again, then approve and issue it.")
    sentences = sentences or contradictions(found, remedy=again)
    if not found:
        sentences.append(_("There is no order to issue."))
    if sentences:
        raise OrdersRefused(sentences)
    found.sort(key=lambda order: order.number)
    for order, document_number in zip(found, _next_numbers(len(found), now=now), strict=True):
        order.state, order.document_number = Order.State.ISSUED, document_number
        order.issued_at, order.issued_by_id = now, user.pk if user else None
    Order.objects.bulk_update(found, ["state", "document_number", "issued_at", "issued_by"])
    record(found, OrderEvent.Kind.ISSUED, user=user, now=now, text=lambda order: order.document_number or "")
    text = _("Carried out by %(numbers)s.")
    texts = carried_out_texts(carried_out_by(found), found, text)
    record_texts(texts, OrderEvent.Kind.SETTLED, user=user, now=now)
    prepare_messages(found, user=user, now=now)
    return found


def _why_not(order: Order) -> str:
    match order.state:
        case Order.State.APPROVED:
            return ""
        case Order.State.DRAFT:
            return _("Order %(number)s is a draft. Approve it first.") % {"number": order.number}
    return _("Order %(number)s was issued before.") % {"number": order.number}


def _next_numbers(count: int, *, now: datetime) -> list[str]:
    year = timezone.localdate(now).year
    NumberRange.objects.get_or_create(year=year)
    numbers = NumberRange.objects.select_for_update().get(year=year)
    first = numbers.last + 1
    numbers.last += count
    numbers.save(update_fields=["last"])
    return [f"{year}-{number:05}" for number in range(first, first + count)]


@transaction.atomic
def void_order(order: Order, *, reason: str, user: AnyUser | None, now: datetime) -> Order:
    """Void an issued order: exactly its time entries are free again, the document and its number stay.

    The next run drafts an order that refers to it. Raises ``OrdersRefused``, then nothing was changed.
    """
    found = lock_orders([order.pk])[0]
    why = reason.strip()
    sentences = []
    if found.state not in (Order.State.ISSUED, Order.State.EXPORTED):
        sentences.append(_("Order %(number)s cannot be voided: it is not issued.") % {"number": found.number})
    if not why:
        sentences.append(_("Say why the order is voided."))
    if len(why) > LONGEST_REASON:
        sentences.append(_("The reason is longer than %(longest)d characters.") % {"longest": LONGEST_REASON})
    sentences += why_not_void(lock_orders(orders_correcting(found)))
    if sentences:
        raise OrdersRefused(sentences)
    found.state, found.voided_at, found.void_reason = Order.State.VOID, now, why
    found.voided_by_id = user.pk if user else None
    found.save(update_fields=["state", "voided_at", "voided_by", "void_reason"])
    carried_out = carried_out_by([found])
    Allocation.objects.filter(position__order=found, live=True).update(live=False)
    ended = let_go(found, reason=why, user=user, now=now)
    withdraw_messages(found, now=now)
    release(found, now=now, user=found.voided_by_id)
    record([found], OrderEvent.Kind.VOIDED, user=user, now=now, text=why)
    _tell_others(found, carried_out, ended, user=user, now=now)
    return found


def _tell_others(
    voided: Order,
    carried_out: dict[int, set[int]],
    ended: Collection[Settlement],
    *,
    user: AnyUser | None,
    now: datetime,
) -> None:
    """Write into the histories of earlier orders what the void one no longer carries out."""
    text = _("No longer carried out by %(numbers)s, which was voided.")
    texts = carried_out_texts(carried_out, [voided], text)
    taken_back = settled_texts(ended, reason=text % {"numbers": voided.document_number}, taken_back=True)
    others = {order: words for order, words in (texts | taken_back).items() if order != voided.pk}
    record_texts(others, OrderEvent.Kind.SETTLED, user=user, now=now)
