"""How much of a period's included time its orders use by now."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Sum

from billing.agreement_models import Agreement
from billing.agreements import period_of
from billing.claims import stored_minutes
from billing.models import Order, OrderPosition
from common.months import Month


@dataclass(frozen=True, slots=True, kw_only=True)
class Included:
    """Minutes of one period that cost nothing: agreed, and used by its orders, drafts among them."""

    first_month: date
    last_month: date
    agreed: Decimal
    used: Decimal

    @property
    def left(self) -> Decimal:
        """Never below zero: an agreement may have included more when the order was issued."""
        return max(self.agreed - self.used, Decimal(0))


def included_of(
    agreements: Mapping[int, Agreement], month: Month, customers: Collection[int] | None = None
) -> dict[int, Included]:
    """By customer, for the period that holds the month; of all of ``agreements``, or of these customers. One query."""
    periods = {pk: _period(agreement, month) for pk, agreement in agreements.items()}
    orders = Order.objects.not_void().filter(month__in={last for _first, last in periods.values()})
    if customers is not None:
        orders = orders.filter(customer__in=customers)
    lines = OrderPosition.objects.filter(order__in=orders.order_by().values("pk")).exclude(included_minutes=0)
    sums = lines.order_by().values_list("order__customer", "order__month").annotate(total=Sum("included_minutes"))
    used = {(customer, day): stored_minutes(total) for customer, day, total in sums}
    return {
        pk: Included(
            first_month=first,
            last_month=last,
            agreed=Decimal(agreements[pk].included_minutes),
            used=used.get((pk, last), Decimal(0)),
        )
        for pk, (first, last) in periods.items()
    }


def _period(agreement: Agreement, month: Month) -> tuple[date, date]:
    begins, _is_last = period_of(agreement, month)
    return begins, Month.of(begins).shift(agreement.period_months - 1).first_day
