"""What the tests of the reports share: users, sums as plain values, and the truth of a data set."""

from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.db.models import QuerySet

from common.months import Month
from common.spans import Span
from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.model import Entry
from portal.reports.sums import By, Row, labelled, sums_by
from tests.billing.scenes import OCTOBER
from tickets.models import Customer, TimeEntry

MONTHS = [Month(2026, 8), Month(2026, 9), Month(2026, 10)]
IN_OCTOBER = Span.of_month(OCTOBER)


def boss() -> User:
    """Sees every customer."""
    return get_user_model().objects.create_superuser("boss")


def manager(*customers: Customer, name: str = "anna") -> User:
    """Sees these customers and nothing else."""
    user = get_user_model().objects.create_user(name)
    user.customers.set(customers)
    return user


def rows(by: By, entries: QuerySet[TimeEntry]) -> list[Row]:
    return labelled(by, sums_by(by, entries))


def minutes(by: By, entries: QuerySet[TimeEntry]) -> dict[str, Decimal]:
    """By key, which two groups must not share."""
    found = rows(by, entries)
    assert len({row.key for row in found}) == len(found)
    return {row.key: row.minutes for row in found}


def truth(data: DataSet, month: Month, key: Callable[[Entry], str]) -> dict[str, Decimal]:
    """Units booked in the month by what ``key`` says of the booking."""
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for entry in data.entries_booked_in((month.year, month.month)):
        sums[key(entry)] += entry.units
    return dict(sums)


def by_agent(data: DataSet) -> Callable[[Entry], str]:
    return lambda entry: data.agent_by_id(entry.user_id).login


def by_customer(data: DataSet) -> Callable[[Entry], str]:
    return lambda entry: data.ticket(entry.ticket_id).customer_number or ""


def by_ticket(data: DataSet) -> Callable[[Entry], str]:
    return lambda entry: data.ticket(entry.ticket_id).number
