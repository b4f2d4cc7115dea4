"""The orders that a person chose to approve or to issue, as they stood when they were looked at."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from django.db.models import Exists, OuterRef

from billing.models import Order, OrderPosition
from common.tables import Total
from tickets.models import AnyUser


class Step(Enum):
    """What is done to the chosen orders."""

    APPROVE = "approve"
    ISSUE = "issue"

    def takes(self, order: Order) -> bool:
        """Whether the order is at the state that comes before this step."""
        if self is Step.ISSUE:
            return order.state == Order.State.APPROVED
        return order.state == Order.State.DRAFT and order.complete


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """``orders`` can take the step; ``others`` cannot: they are past it, not there yet, or bill nothing."""

    orders: list[Order]
    others: list[Order]

    @property
    def keys(self) -> str:
        """The primary keys of the orders, for a hidden field."""
        return ",".join(str(order.pk) for order in self.orders)

    @property
    def fingerprint(self) -> str:
        """Changes when a run changes one of the orders."""
        seen = ";".join(f"{order.pk} {order.changed_at.isoformat()} {order.net_amount}" for order in self.orders)
        return hashlib.sha256(seen.encode()).hexdigest()

    @property
    def totals(self) -> list[Total]:
        """Sum of the net amounts in each currency."""
        sums: dict[str, Decimal] = {}
        for order in self.orders:
            sums[order.currency] = sums.get(order.currency, Decimal(0)) + order.net_amount
        return [Total(currency, {"net_amount": sums[currency]}) for currency in sorted(sums)]


def select_orders(keys: Iterable[int], *, step: Step, user: AnyUser) -> Selection:
    """Those of the orders that the user may see; unknown and foreign ones are not there."""
    found = Order.objects.visible_to(user).filter(pk__in=list(keys)).select_related("customer").order_by("number")
    orders = list(found.annotate(bills=Exists(OrderPosition.objects.filter(order=OuterRef("pk")))))
    taken = {order.pk for order in orders if step.takes(order) and order.bills}  # type: ignore[attr-defined]  # annotated
    return Selection(
        orders=[order for order in orders if order.pk in taken],
        others=[order for order in orders if order.pk not in taken],
    )
