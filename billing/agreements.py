"""Which agreement is in force."""

from collections.abc import Collection, Mapping
from datetime import date, timedelta

from django.db.models import Q

from billing.agreement_models import Agreement
from common.months import Month

Agreements = Mapping[int | None, Agreement]
"""By customer; the default one under ``None``."""


def agreements_in_force(month: Month, customers: Collection[int] | None = None) -> dict[int | None, Agreement]:
    """The agreement that each of these customers has in the month; of all customers, if none are named.

    It is the one that began last, also where it has ended since: then nothing is billed, see ``has_ended``. Customers
    without an own one are not there; what holds for them stands under ``None``.
    """
    found = Agreement.objects.filter(valid_from__lte=month.first_day).order_by("valid_from")
    if customers is not None:
        found = found.filter(Q(customer__in=customers) | Q(is_default=True))
    return {agreement.customer_id: agreement for agreement in found}


def agreements_of_months(months: Collection[Month]) -> dict[Month, dict[int | None, Agreement]]:
    """``agreements_in_force`` of each of these months; one query for all of them."""
    last = max(months).first_day
    found = list(Agreement.objects.filter(valid_from__lte=last).order_by("valid_from"))
    return {month: {each.customer_id: each for each in found if each.valid_from <= month.first_day} for month in months}


def agreement_of(agreements: Agreements, customer: int | None) -> Agreement | None:
    """The customer's own agreement, or else the default one."""
    return agreements.get(customer) or agreements.get(None)


def has_ended(agreement: Agreement, month: Month) -> bool:
    """Whether it does not reach into the month any more."""
    return agreement.valid_to is not None and agreement.valid_to < month.first_day


def period_of(agreement: Agreement, month: Month) -> tuple[date, bool]:
    """First day of the billing period that holds the month, and whether the month is its last one."""
    first = month.first_day
    begins = first.replace(month=first.month - (first.month - 1) % agreement.period_months)
    return begins, month.month % agreement.period_months == 0


def last_day(month: Month) -> date:
    return month.end_day - timedelta(days=1)
