"""What a person does to an order before it is approved: change lines, each with a reason, and comment.

A change acts at once. The order is planned anew by what a run uses, so the next run finds nothing to do; and because
it is refused where the draft is not what a run would leave, nothing but the change comes along with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from billing.adjusting import (
    ATTRIBUTES,
    CHANGEABLE,
    Changes,
    Field,
    Line,
    by_line,
    in_words,
    line_name,
    printable,
    set_original,
)
from billing.closed_months import closed_month
from billing.issuing import LONGEST_REASON
from billing.ledger import Plan, Writing, bill_customers, plan_month
from billing.models import Order, OrderEvent, OrderPosition
from billing.orders import OrdersRefused, lock_orders, record
from billing.plans import LINE_BOUNDS, Change
from billing.review_models import Adjustment
from common.money import plain, quantize
from common.months import Month
from common.templatetags.formats import number
from tickets.models import AnyUser, Customer

LONGEST_COMMENT = LONGEST_TEXT = 2000
PLACES = {Field.MINUTES: 4, Field.PRICE: 5, Field.DISCOUNT: 2}
A_MOMENT = timedelta(microseconds=1)
MOST_DISCOUNT = Decimal(100)

Values = Mapping[Field, Decimal | str]
"""What a person wants, by field; to leave a line out, ``Field.INCLUSION`` with an empty text."""


@dataclass(frozen=True, slots=True)
class _Step:
    """One field from one value to another, for the history."""

    field: Field
    before: Decimal | str
    after: Decimal | str

    def __str__(self) -> str:
        if self.field == Field.INCLUSION:
            return str(self.field.label)
        return f"{self.field.label} {in_words(self.before)} → {in_words(self.after)}"


@transaction.atomic
def change_line(
    order: Order, line: Line, values: Values, *, reason: str, user: AnyUser, now: datetime
) -> list[Adjustment]:
    """Make these fields of a draft's line what the person says; returns all changes of the line.

    A field that is given what was computed is as computed again; one that is not given stays. Raises ``OrdersRefused``
    with nothing changed: no draft, changed since ``order`` was read, out of date with the mirror, or a bad value.
    """
    found = _lock_draft(order)
    position = _position(found, line)
    changes = by_line(found.adjustments.all()).get(line, {})
    why = printable(reason)
    sentences = [*_bad_reason(why), *_bad_values(position, changes, values)]
    if sentences:
        raise OrdersRefused(sentences)
    cleaned = {name: _cleaned(name, value) for name, value in values.items()}
    steps = [
        _Step(name, before, value)
        for name, value in cleaned.items()
        if (before := getattr(position, ATTRIBUTES[name])) != value
    ]
    if not steps:
        raise OrdersRefused([_("Nothing was changed: the line says all this already.")])
    for step in steps:
        _say(found, position, step, changes, reason=why, user=user, now=now)
    done = ", ".join(map(str, steps))
    _rebuild(found, f"{line_name(position)}: {done}", reason=why, user=user, now=now)
    return list(found.adjustments.filter(ticket=line.ticket, rate_rule=line.rate_rule, flat_fee=line.flat_fee))


@transaction.atomic
def undo_change(order: Order, line: Line, field: Field, *, user: AnyUser, now: datetime) -> None:
    """Let this field of the draft's line be as computed again. Raises ``OrdersRefused`` with nothing changed."""
    found = _lock_draft(order)
    change = by_line(found.adjustments.select_related("ticket", "flat_fee")).get(line, {}).get(field)
    if change is None:
        raise OrdersRefused([_("There is nothing to undo: the line is as computed. Look at the order again.")])
    if field == Field.INCLUSION:
        done = _("stands in the order again")
    else:
        done = str(_Step(field, change.value, change.original))
    change.delete()
    text = _("%(line)s: %(done)s (undone)") % {"line": line_name(change), "done": done}
    _rebuild(found, text, reason="", user=user, now=now)


@transaction.atomic
def comment_on(order: Order, *, text: str, user: AnyUser, now: datetime) -> None:
    """Write a comment into the order's history, in whatever state it is, for good; raises ``OrdersRefused``.

    Sent twice in a row it stands there once.
    """
    found = lock_orders([order.pk])
    words = printable(text)
    if not found:
        raise OrdersRefused([_gone()])
    if not words:
        raise OrdersRefused([_("Write something first.")])
    if len(words) > LONGEST_COMMENT:
        text = _("The comment is longer than %(longest)d characters. Nothing was kept; write a shorter one.")
        raise OrdersRefused([text % {"longest": LONGEST_COMMENT}])
    last = found[0].events.last()
    said = (OrderEvent.Kind.COMMENTED, user.pk, words)
    if last is None or (last.kind, last.user_id, last.text) != said:
        record(found, OrderEvent.Kind.COMMENTED, user=user, now=now, text=words)


def position_of(order: Order, line: Line) -> OrderPosition | None:
    """Where the line stands in the order, with its ticket or recurring line; ``None`` where it does not."""
    positions = order.positions.filter(ticket=line.ticket, rate_rule=line.rate_rule, flat_fee=line.flat_fee)
    return positions.filter(kind__in=CHANGEABLE).select_related("ticket", "flat_fee").first()


def _gone() -> str:
    return _("An order is gone: a run found nothing to bill in it. Look at the list again.")


def _lock_draft(order: Order) -> Order:
    """The order as it is, locked in the sequence in which runs lock; raises where it is not to be changed."""
    list(Customer.objects.filter(pk=order.customer_id).select_for_update(of=("self",), no_key=True))
    locked = lock_orders([order.pk])
    if not locked:
        raise OrdersRefused([_gone()])
    found = locked[0]
    values = {"number": found.number, "month": Month.of(found.month)}
    if found.state != Order.State.DRAFT:
        raise OrdersRefused([_("Order %(number)s is not a draft any more, so nothing of it was changed.") % values])
    if found.changed_at != order.changed_at:
        raise OrdersRefused([_("Order %(number)s was changed just now. Look at it again.") % values])
    if found.supplement:
        raise OrdersRefused([_("Order %(number)s bills what came late. Its lines cannot be changed.") % values])
    if closed_month(Month.of(found.month)):
        raise OrdersRefused([_("%(month)s is closed. Open it again first.") % values])
    _refuse_stale(found)
    return found


def _refuse_stale(order: Order) -> None:
    """Raise where a run would change the draft: then more than the person's change would come along."""
    plan = plan_month(Month.of(order.month), order.customer)
    _refuse_failures(plan)
    if plan.orders[0].change is not Change.UNCHANGED:
        text = _(
            "The mirror or the agreement has changed since order %(number)s was drafted. Start the run again first."
        )
        raise OrdersRefused([text % {"number": order.number}])


def _refuse_failures(plan: Plan) -> None:
    if plan.failures:
        raise OrdersRefused([failure.error for failure in plan.failures])


def _position(order: Order, line: Line) -> OrderPosition:
    position = position_of(order, line)
    if position is None:
        text = _("That line does not stand in order %(number)s. Look at it again.")
        raise OrdersRefused([text % {"number": order.number}])
    return position


def _bad_reason(reason: str) -> list[str]:
    if not reason:
        return [_("Say why.")]
    if len(reason) > LONGEST_REASON:
        return [_("The reason is longer than %(longest)d characters.") % {"longest": LONGEST_REASON}]
    return []


def _bad_values(position: OrderPosition, changes: Changes, values: Values) -> list[str]:
    sentences = []
    for name, value in values.items():
        if isinstance(value, str):
            sentences += _bad_text(value) if name == Field.TEXT else []
        elif not value.is_finite() or abs(value) >= LINE_BOUNDS[ATTRIBUTES[name]]:
            sentences.append(_("%(field)s: the number is too big.") % {"field": name.label})
        elif quantize(value, PLACES[name]) != value:
            text = _("%(field)s: a number with at most %(places)d decimals, please.")
            sentences.append(text % {"field": name.label, "places": PLACES[name]})
        elif name == Field.DISCOUNT and not 0 <= value <= MOST_DISCOUNT:
            sentences.append(_("A discount is 0 to 100 percent."))
        elif name == Field.PRICE and value < 0:
            sentences.append(_("A unit price is not below zero."))
        elif name == Field.MINUTES:
            change = changes.get(name)
            sentences += _bad_minutes(value, change.original_number if change else position.billable_minutes, position)
    return sentences


def _bad_text(value: str) -> list[str]:
    if not printable(value):
        return [_("A line needs a text.")]
    if len(printable(value)) > LONGEST_TEXT:
        return [_("The text is longer than %(longest)d characters.") % {"longest": LONGEST_TEXT}]
    return []


def _bad_minutes(value: Decimal, computed: Decimal | None, position: OrderPosition) -> list[str]:
    """A correction stays one: what is billed does not become what is given back, nor the other way round."""
    if position.kind != OrderPosition.Kind.TIME:
        return [_("A recurring line has no minutes.")]
    if computed is not None and value * computed < 0:
        return [_("Minutes to bill have the sign of the computed ones: %(minutes)s.") % {"minutes": number(computed)}]
    if not computed and value < 0:
        return [_("Minutes to bill are not below zero.")]
    return []


def _cleaned(name: Field, value: Decimal | str) -> Decimal | str:
    return value if isinstance(value, Decimal) else printable(value)


def _say(
    order: Order,
    position: OrderPosition,
    step: _Step,
    changes: Changes,
    *,
    reason: str,
    user: AnyUser,
    now: datetime,
) -> None:
    """Keep what the person says, or forget the change where it comes to what was computed."""
    change = changes.get(step.field)
    if change is None:
        line = {name: getattr(position, name) for name in ("ticket", "rate_rule", "flat_fee")}
        change = Adjustment(order=order, field=step.field, **line)
        set_original(change, step.before)
    elif change.original == step.after:
        change.delete()
        return
    if isinstance(step.after, Decimal):
        change.number = step.after
    else:
        change.text = step.after
    change.reason, change.at = reason, now
    change.user_id = user.pk  # type: ignore[assignment]  # who changes something is signed in
    change.save()


def _rebuild(order: Order, done: str, *, reason: str, user: AnyUser, now: datetime) -> None:
    """Bring the order up to date with the changes and write down what was done."""
    net_before, user_id = order.net_amount, user.pk
    numbers = {order.customer_id: order.number}
    writing = Writing(
        month=Month.of(order.month), numbers=numbers, complete=order.complete, user=user_id, now=now, by_person=True
    )
    _refuse_failures(bill_customers([order.customer_id], writing))
    # Later than before whatever the clock says, so that whoever has looked at it meanwhile is told.
    Order.objects.filter(pk=order.pk).update(changed_at=max(now, order.changed_at + A_MOMENT))
    order.refresh_from_db()
    amounts = f"{plain(net_before, 2)} → {plain(order.net_amount, 2)} {order.currency}"
    text = "\n".join(filter(None, [done, amounts, reason]))
    record([order], OrderEvent.Kind.ADJUSTED, user=user, now=now, text=text)
