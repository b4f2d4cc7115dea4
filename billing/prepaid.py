"""Prepaid time: what an order may take from a customer's blocks, and the movements that take it and give it back."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import F, Q, QuerySet, Sum
from django.utils.translation import gettext as _

from billing.agreement_models import PrepaidBlock, PrepaidMovement
from billing.agreements import last_day
from billing.claims import stored_minutes
from billing.models import Order
from common.months import Month
from common.templatetags import formats
from tickets.models import AnyUser, Customer

Uses = dict[str, dict[int, Decimal]]
"""Minutes taken from blocks, by number of the order and primary key of the block."""


LOW = Decimal("0.2")
"""The share of what was bought at which a customer is offered the next block."""


class MovementRefused(Exception):
    """Nothing was written; the text tells a person why."""


def usable_blocks(customers: Collection[int], month: Month, *, lock: bool) -> dict[int, list[PrepaidBlock]]:
    """Blocks that an order of a period that ends with the month may use, by customer, the first one first."""
    blocks = PrepaidBlock.objects.filter(customer__in=customers, starts__lte=last_day(month))
    blocks = blocks.filter(Q(expires__isnull=True) | Q(expires__gte=month.shift(-120).first_day)).order_by(
        "customer", "starts", "pk"
    )
    found: defaultdict[int, list[PrepaidBlock]] = defaultdict(list)
    for block in blocks.select_for_update(no_key=True) if lock else blocks:
        if is_usable(block, month):
            found[block.customer_id].append(block)
    return found


def is_usable(block: PrepaidBlock, month: Month) -> bool:
    """Whether it has begun when the month ends, and its last day, with carry-over, is not before the month."""
    if block.starts > last_day(month):
        return False
    if block.expires is None:
        return True
    last = Month.of(block.expires).shift(block.carry_over_months)
    return last >= month if block.carry_over_months else block.expires >= month.first_day


def low_on_prepaid(month: Month, *, user: AnyUser) -> set[int]:
    """Customers, by primary key, of whose prepaid minutes the month's order may use a fifth or less is left.

    Blocks that are used up count only where a customer has no other: else a row of old ones would make each new block
    look low. Three queries.
    """
    customers = PrepaidBlock.objects.filter(customer__in=Customer.objects.visible_to(user)).order_by()
    blocks = usable_blocks(set(customers.values_list("customer_id", flat=True)), month, lock=False)
    counted = {owner: [each for each in own if each.balance] or own for owner, own in blocks.items()}
    keys = [block.pk for own in counted.values() for block in own]
    bought = PrepaidMovement.objects.filter(block__in=keys, kind=PrepaidMovement.Kind.GRANTED).order_by()
    granted = {key: stored_minutes(total) for key, total in bought.values_list("block").annotate(Sum("minutes"))}
    return {owner for owner, own in counted.items() if _is_low(own, granted)}


def _is_low(blocks: Collection[PrepaidBlock], granted: Mapping[int, Decimal]) -> bool:
    bought = sum((granted.get(block.pk, Decimal(0)) for block in blocks), Decimal(0))
    return bought > 0 and sum((block.balance for block in blocks), Decimal(0)) <= bought * LOW


def uses_of(numbers: Collection[str]) -> Uses:
    """What the orders with these numbers take from blocks by now."""
    return _uses(PrepaidMovement.objects.filter(order_number__in=numbers))


def uses_of_all() -> Uses:
    """What all orders take from blocks by now."""
    return _uses(PrepaidMovement.objects.exclude(order_number=""))


def _uses(movements: QuerySet[PrepaidMovement]) -> Uses:
    rows = movements.order_by().values_list("order_number", "block").annotate(minutes=Sum("minutes"))
    found: Uses = {}
    for number, block, minutes in rows:
        if taken := -stored_minutes(minutes):
            found.setdefault(number, {})[block] = taken
    return found


def set_uses(wanted: Mapping[str, Mapping[int, Decimal]], before: Uses, *, now: datetime, user: int | None) -> None:
    """Write the movements that lead from what these orders took before to what they take now."""
    movements, changes = [], defaultdict[int, Decimal](Decimal)
    for number, uses in wanted.items():
        held = before.get(number, {})
        for block in sorted(held.keys() | uses.keys()):
            change = held.get(block, Decimal(0)) - uses.get(block, Decimal(0))
            if change:
                kind = PrepaidMovement.Kind.RELEASED if change > 0 else PrepaidMovement.Kind.USED
                movements.append(
                    PrepaidMovement(
                        block_id=block, kind=kind, minutes=change, order_number=number, at=now, user_id=user
                    )
                )
                changes[block] += change
    PrepaidMovement.objects.bulk_create(movements)
    for block in sorted(changes):
        PrepaidBlock.objects.filter(pk=block).update(balance=F("balance") + changes[block])


def release(order: Order, *, now: datetime, user: int | None) -> None:
    """Give back what the order took; for one that is voided."""
    set_uses({order.number: {}}, uses_of([order.number]), now=now, user=user)


@transaction.atomic
def move(
    block: PrepaidBlock,
    *,
    kind: PrepaidMovement.Kind,
    minutes: Decimal,
    reason: str,
    user: AnyUser | None,
    now: datetime,
) -> PrepaidMovement:
    """Grant minutes, or adjust them by hand with a reason; raises ``MovementRefused``."""
    locked = PrepaidBlock.objects.select_for_update(no_key=True).get(pk=block.pk)
    check_movement(locked, kind, minutes, reason)
    PrepaidBlock.objects.filter(pk=block.pk).update(balance=F("balance") + minutes)
    return PrepaidMovement.objects.create(
        block=locked, kind=kind, minutes=minutes, reason=reason.strip(), at=now, user_id=user.pk if user else None
    )


def check_movement(block: PrepaidBlock, kind: PrepaidMovement.Kind, minutes: Decimal, reason: str) -> None:
    """Raise ``MovementRefused`` where ``move`` would, as the block stands now."""
    if not minutes or (kind == PrepaidMovement.Kind.GRANTED and minutes < 0):
        raise MovementRefused(_("Enter the minutes, more than zero where they are bought."))
    if kind == PrepaidMovement.Kind.ADJUSTED and not reason.strip():
        raise MovementRefused(_("Say why the minutes are adjusted."))
    if block.balance + minutes < 0:
        text = _("There are only %(minutes)s minutes left.")
        raise MovementRefused(text % {"minutes": formats.number(block.balance)})
