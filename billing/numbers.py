"""Order numbers: stable, unique, and safe in file names, CSV and the ERP."""

import re
import unicodedata
from collections import Counter

from billing.agreements import agreements_in_force
from billing.models import Order
from common.months import Month
from tickets.models import Customer

NOT_ALLOWED = re.compile(r"[^A-Za-z0-9._-]+")
LONGEST_NAME = 80  # leaves room for prefix and suffix in the column


def order_numbers(month: Month) -> dict[int, str]:
    """The number of every customer's order of the month, by the customer's primary key.

    ``TK-2026-10-K1001``: the customer's number in the ERP or else the CustomerID. An order keeps the number it has;
    one that takes the place of a void one ends in ``-2``, and so on. Where two customers come out alike, the later
    one's primary key is added.
    """
    numbers: dict[int, str] = {}
    taken: set[str] = set()
    voided: Counter[int] = Counter()
    for pk, number, state in (
        Order.objects.filter(month=month.first_day, supplement=0)
        .order_by()
        .values_list("customer_id", "number", "state")
    ):
        taken.add(number)
        if state == Order.State.VOID:
            voided[pk] += 1
        else:
            numbers[pk] = number
    agreements = agreements_in_force(month)
    for pk, customer_id in Customer.objects.order_by("pk").values_list("pk", "customer_id"):
        if pk not in numbers:
            own = agreements.get(pk)
            erp_number = own.erp_customer_number if own else ""
            number = f"TK-{month}-{clean(erp_number or customer_id) or pk}"
            number += f"-{voided[pk] + 1}" if voided[pk] else ""
            while number in taken:
                number = f"{number}-{pk}"
            taken.add(number)
            numbers[pk] = number
    return numbers


def clean(name: str) -> str:
    """Letters without marks, digits, dot, dash and underscore; everything else becomes a dash."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return NOT_ALLOWED.sub("-", plain).strip("-.")[:LONGEST_NAME]
