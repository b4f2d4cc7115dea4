"""Approving orders, and taking the approval back: what a person has looked at is what will be issued."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext as _

from billing.agreement_models import Agreement
from billing.completeness import mirror_problems
from billing.models import Allocation, Order, OrderEvent, OrderPosition
from billing.order_events import write_events
from billing.resting import with_wrong_lines
from billing.settlements import lets_in
from common.months import Month
from tickets.models import AnyUser, TicketClosing

AUTHORS = (OrderEvent.Kind.DRAFTED, OrderEvent.Kind.CHANGED, OrderEvent.Kind.ADJUSTED)


class OrdersRefused(Exception):
    """Nothing was done; ``sentences`` tell a person why, order by order."""

    def __init__(self, sentences: Sequence[str]) -> None:
        super().__init__(" ".join(sentences))
        self.sentences = list(sentences)


@transaction.atomic
def approve_orders(orders: Iterable[Order], *, user: AnyUser | None, now: datetime, text: str = "") -> list[Order]:
    """Approve all these drafts or none; raises ``OrdersRefused``. They are read anew, under a lock, must
    still be what they were when they were looked at, and must not contradict what the mirror holds by now. Where
    the agreement asks for four eyes, nobody approves what they have drafted or changed, and a name is needed.
    ``text`` goes into their history."""
    seen = {order.pk: order.changed_at for order in orders}
    wanted = list(seen)
    found = lock_orders(wanted)
    filled = set(Order.objects.filter(_has_positions(), pk__in=wanted).values_list("pk", flat=True))
    reasons = [_why_not(order, seen_at=seen[order.pk], has_positions=order.pk in filled) for order in found]
    again = _("Start the run again, then approve the orders.")
    sentences = [reason for reason in reasons if reason] or _own_drafts(found, user)
    sentences = sentences or contradictions(found, remedy=again)
    if len(found) < len(wanted):
        sentences.append(_("An order is gone: a run found nothing to bill in it. Look at the list again."))
    if not found and not sentences:
        sentences.append(_("There is no order to approve."))
    if sentences:
        raise OrdersRefused(sentences)
    for order in found:
        order.state, order.approved_at, order.approved_by_id = Order.State.APPROVED, now, user.pk if user else None
    Order.objects.bulk_update(found, ["state", "approved_at", "approved_by"])
    record(found, OrderEvent.Kind.APPROVED, user=user, now=now, text=text)
    return found


@transaction.atomic
def return_to_draft(orders: Iterable[Order], *, reason: str, user: AnyUser | None, now: datetime) -> list[Order]:
    """Take the approval of all these orders back or of none; raises ``OrdersRefused``. A run may change them again."""
    found = lock_orders(order.pk for order in orders)
    text = _("Order %(number)s cannot be returned to draft: only what is approved and not issued yet can.")
    sentences = [text % {"number": order.number} for order in found if order.state != Order.State.APPROVED]
    if not reason.strip():
        sentences.append(_("Say why."))
    if sentences:
        raise OrdersRefused(sentences)
    for order in found:
        order.state, order.approved_at, order.approved_by = Order.State.DRAFT, None, None
    Order.objects.bulk_update(found, ["state", "approved_at", "approved_by"])
    record(found, OrderEvent.Kind.RETURNED, user=user, now=now, text=reason.strip())
    return found


def lock_orders(keys: Iterable[int]) -> list[Order]:
    """These orders anew, by primary key, locked until the transaction ends.

    Customer, ticket system and agreement come along.
    """
    locked = Order.objects.filter(pk__in=list(keys)).select_for_update(of=("self",), no_key=True)
    return list(locked.select_related("customer__system", "agreement").order_by("pk"))


def record(
    orders: Iterable[Order],
    kind: OrderEvent.Kind,
    *,
    user: AnyUser | None,
    now: datetime,
    text: str | Callable[[Order], str] = "",
) -> None:
    """Write into the history of each order what happened; ``text`` is the same for all or made for each."""
    user_id = user.pk if user else None
    write_events(
        OrderEvent(order=order, kind=kind, at=now, user_id=user_id, text=text(order) if callable(text) else text)
        for order in orders
    )


def record_texts(texts: Mapping[int, str], kind: OrderEvent.Kind, *, user: AnyUser | None, now: datetime) -> None:
    """Write each text into the history of the order with this primary key."""
    orders = Order.objects.filter(pk__in=texts).order_by("pk")
    record(orders, kind, user=user, now=now, text=lambda order: texts[order.pk])


def _has_positions() -> Exists:
    return Exists(OrderPosition.objects.filter(order=OuterRef("pk")))


def _why_not(order: Order, *, seen_at: datetime, has_positions: bool) -> str:
    if order.state == Order.State.APPROVED:
        return _("Order %(number)s is approved already.") % {"number": order.number}
    if order.state != Order.State.DRAFT:
        return _("Order %(number)s was issued before.") % {"number": order.number}
    if order.changed_at != seen_at:
        return _("Order %(number)s was changed just now. Look at it again.") % {"number": order.number}
    if not order.complete:
        text = _("Order %(number)s rests on data that are not complete. Start the run again, then approve it.")
        return text % {"number": order.number}
    if not has_positions:
        return _("Order %(number)s has no position.") % {"number": order.number}
    return ""


def _own_drafts(orders: Iterable[Order], user: AnyUser | None) -> list[str]:
    """Why this user must not approve those that need four eyes, a sentence each.

    What counts is who ever started a run that drafted or changed the order, or changed it by hand, also before it was
    returned to draft: the second person may be anybody else. A comment makes nobody its author.
    """
    asked = [order for order in orders if order.agreement.needs_second_person]
    if not asked:
        return []
    if user is None:
        text = _("Order %(number)s needs four eyes: somebody has to approve it by name (approve --user NAME).")
        return [text % {"number": order.number} for order in asked]
    made = OrderEvent.objects.filter(order__in=asked, kind__in=AUTHORS, user=user.pk).order_by()
    own = set(made.values_list("order", flat=True))
    text = _("Order %(number)s needs four eyes: you have drafted or changed it, so somebody else has to approve it.")
    return [text % {"number": order.number} for order in asked if order.pk in own]


def contradictions(orders: Sequence[Order], *, remedy: str) -> list[str]:
    """What the mirror says against these orders, each with the remedy, a sentence.

    More orders of a month and ticket system take no more queries.
    """
    one_of_each = {(order.month, order.customer.system_id): order for order in orders}
    problems = [mirror_problems(Month.of(order.month), order.customer) for order in one_of_each.values()]
    sentences = [f"{problem} {remedy}" for problem in dict.fromkeys(chain.from_iterable(problems))]
    stale = _stale([order.pk for order in orders])
    text = _("The mirror has changed since order %(number)s was drafted.")
    return sentences + [f"{text % {'number': order.number}} {remedy}" for order in orders if order.pk in stale]


def _stale(orders: Collection[int]) -> set[int]:
    """Those that hold an entry that a run would not put there any more."""
    closed_here = TicketClosing.objects.filter(
        ticket=OuterRef("entry__ticket"),
        month__gte=OuterRef("position__order__period_start"),
        month__lte=OuterRef("position__order__month"),
    )
    booked = Q(position__order__agreement__counting=Agreement.Counting.BOOKED)
    held = Allocation.objects.filter(live=True, position__order__in=orders)
    as_mirrored = held.filter(
        booked | Q(Exists(closed_here)) | lets_in(),
        entry__gone_at__isnull=True,
        entry__minutes=F("minutes"),
        entry__ticket=F("position__ticket"),
        entry__ticket__customer=F("position__order__customer"),
    )
    stale = held.exclude(pk__in=as_mirrored.values("pk")).values_list("position__order", flat=True)
    return {*stale, *with_wrong_lines(orders)}
