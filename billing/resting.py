"""What settlements and orders have to do with each other: when an order is voided, and when a draft is approved."""

from collections.abc import Collection, Iterable
from datetime import datetime

from django.db.models import F, Q
from django.utils.translation import gettext as _

from billing.models import Order
from billing.settlement_models import Choice, Settlement, SettlementLine
from billing.settlements import CORRECTING
from tickets.models import AnyUser


def orders_correcting(order: Order) -> set[int]:
    """Orders with a live line that corrects this one, by primary key."""
    lines = SettlementLine.objects.filter(live=True, settlement__position__order=order)
    return set(lines.values_list("position__order", flat=True))


def let_go(order: Order, *, reason: str, user: AnyUser | None, now: datetime) -> list[Settlement]:
    """What voiding the order does: its lines are to be carried out anew, and what was settled about it ends.

    Decisions about late time stay: that time waits for the next order, or is not billed, whatever becomes of this one.
    Returns what ended.
    """
    SettlementLine.objects.filter(position__order=order, live=True).update(live=False)
    about_it = Q(allocation__position__order=order) | Q(choice=Choice.SUPPLEMENT, supplement_number=order.number)
    found = Settlement.objects.filter(about_it, live=True).order_by("pk")
    return end_settlements(found, reason=reason, user=user, now=now)


def end_settlements(
    settlements: Iterable[Settlement], *, reason: str, user: AnyUser | None, now: datetime
) -> list[Settlement]:
    """Write that they are no longer in force; the rows stay."""
    ended = list(settlements)
    for row in ended:
        row.live, row.ended_at, row.end_reason = False, now, reason
        row.ended_by_id = user.pk if user else None
    Settlement.objects.bulk_update(ended, ["live", "ended_at", "ended_by", "end_reason"])
    return ended


def with_wrong_lines(orders: Collection[int]) -> set[int]:
    """Of these orders those with a line whose settlement was taken back, or is about other facts by now."""
    lines = SettlementLine.objects.filter(live=True, position__order__in=orders)
    right = Q(
        settlement__live=True,
        settlement__allocation__live=True,
        settlement__choice__in=CORRECTING,
    ) & (
        Q(settlement__entry__gone_at__isnull=False, settlement__minutes_now=0)
        | Q(settlement__entry__gone_at__isnull=True, settlement__minutes_now=F("settlement__entry__minutes"))
    )
    return set(lines.exclude(pk__in=lines.filter(right).values("pk")).values_list("position__order", flat=True))


def why_not_void(corrected_by: Iterable[Order]) -> list[str]:
    """Sentences where orders that have left draft correct the one that is to be voided."""
    text = _("Order %(number)s corrects time of this one. Return it to draft or void it first.")
    return [text % {"number": order.number} for order in corrected_by if order.state != Order.State.DRAFT]
