"""What became of the orders in kivitendo: a look there, and one finding for each order."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db.models import Q
from django.utils.translation import gettext as _

from billing.erp_models import ErpFinding
from billing.kivitendo_database import OrderRecord, read_orders
from billing.models import Order
from common.money import quantize
from common.months import Month
from common.templatetags.formats import number

BATCH = 1000
PLACES = 5
LIMIT = Decimal(10) ** 10  # of numeric(15,5)
State = ErpFinding.State


def look_for_orders(*, month: Month | None, now: datetime) -> list[ErpFinding]:
    """Look into kivitendo for every issued order of the month, or of all months, and keep what is found.

    An order must be there once it was exported, and not there before it was or after it was voided. Of the latter a
    finding is kept only where kivitendo has the order all the same, or had it at an earlier look. Raises
    ``KivitendoError``; the findings then stay as they were. Returns the findings by order number, each with its order.
    """
    orders = Order.objects.exclude(state__in=[Order.State.DRAFT, Order.State.APPROVED])
    if month is not None:
        orders = orders.filter(month=month.first_day)
    wanted = list(orders.select_related("customer").order_by("number"))
    there: defaultdict[str, list[OrderRecord]] = defaultdict(list)
    for record in read_orders(settings.KIVITENDO_DATABASE_URL, [order.number for order in wanted]):
        there[record.number].append(record)
    known = set(ErpFinding.objects.values_list("order_id", flat=True))
    findings = [
        _finding(order, there[order.number], now=now)
        for order in wanted
        if there[order.number] or is_expected(order) or order.pk in known
    ]
    ErpFinding.objects.bulk_create(
        sorted(findings, key=lambda finding: finding.order_id),
        batch_size=BATCH,
        update_conflicts=True,
        unique_fields=["order"],
        update_fields=["state", "looked_at", "count", "net_amount", "customer_number"],
    )
    return findings


def is_expected(order: Order) -> bool:
    """Whether kivitendo should have the order."""
    return order.state == Order.State.EXPORTED


def is_fine(finding: ErpFinding) -> bool:
    """Whether the order stands in kivitendo as it should, which for one that is not handed over means not at all."""
    return finding.state == (State.FOUND if is_expected(finding.order) else State.MISSING)


def as_they_should_be() -> Q:
    """The condition on findings that says the same as ``is_fine``."""
    exported = Q(order__state=Order.State.EXPORTED)
    return (exported & Q(state=State.FOUND)) | (~exported & Q(state=State.MISSING))


def sentence_of(finding: ErpFinding) -> str:
    """What the finding means for the person, and what to do."""
    order = finding.order
    if order.state == Order.State.VOID and finding.count:
        return _("The order is void here and stands in kivitendo. Cancel it there, or it is billed all the same.")
    if order.state == Order.State.ISSUED and finding.count:
        return _(
            "The order stands in kivitendo, but no final file with it was made. Delete it there before the export."
        )
    match finding.state:
        case State.TWICE:
            text = _("kivitendo has %(count)d orders of this number: it was imported more than once. Keep only one.")
            return text % {"count": finding.count}
        case State.DIFFERS:
            return f"{_differences(finding)} {_('Set it right in kivitendo, or void the order here.')}"
        case State.MISSING if is_expected(order):
            return _(
                "kivitendo has no order of this number. If none of the orders of its file is there, import the file; "
                "else import this order's lines alone, or the others are there twice."
            )
        case State.MISSING:
            return _("The order is not in kivitendo, as it should be.")
    return _("kivitendo has the order once, with the same customer and net amount.")


def _finding(order: Order, found: Sequence[OrderRecord], *, now: datetime) -> ErpFinding:
    first = found[0] if found else None
    return ErpFinding(
        order=order,
        state=_state(order, found),
        looked_at=now,
        count=len(found),
        net_amount=_storable(first.net_amount) if first else None,
        customer_number=first.customer_number if first else "",
    )


def _state(order: Order, found: Sequence[OrderRecord]) -> ErpFinding.State:
    if not found:
        return State.MISSING
    if len(found) > 1:
        return State.TWICE
    same = found[0].net_amount == order.net_amount and found[0].customer_number == order.erp_customer_number
    return State.FOUND if same else State.DIFFERS


def _storable(amount: Decimal | None) -> Decimal | None:
    """SQLite would store a number that is too big, and fail to read it for ever after."""
    return None if amount is None or abs(amount) >= LIMIT else quantize(amount, PLACES)


def _differences(finding: ErpFinding) -> str:
    order, parts = finding.order, []
    if finding.net_amount != order.net_amount:
        there = _("none") if finding.net_amount is None else number(finding.net_amount, 2)
        parts.append(
            _("The net amount there is %(there)s, here %(here)s.")
            % {"there": there, "here": number(order.net_amount, 2)}
        )
    if finding.customer_number != order.erp_customer_number:
        parts.append(
            _("The customer there is “%(there)s”, here “%(here)s”.")
            % {"there": finding.customer_number, "here": order.erp_customer_number}
        )
    return " ".join(parts)
