"""Handing orders over: a preview while not all of them are issued, else a file that is kept byte for byte."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import TextChoices
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from billing.documents import with_positions
from billing.files import csv_file, json_file, kivitendo_file, xlsx_file
from billing.kivitendo import ExportRefused
from billing.kivitendo_preflight import Preflight, preflight
from billing.models import Export, Order, OrderEvent
from billing.numbers import clean
from billing.order_events import write_events
from billing.orders import OrdersRefused
from common.months import Month
from tickets.models import AnyUser, Customer


class Format(TextChoices):
    KIVITENDO = "kivitendo", gettext_lazy("kivitendo (CSV)")
    CSV = "csv", gettext_lazy("CSV")
    XLSX = "xlsx", gettext_lazy("Excel (XLSX)")
    JSON = "json", gettext_lazy("JSON with every entry")


CONTENT_TYPES = {
    Format.KIVITENDO: "text/csv; charset=utf-8",
    Format.CSV: "text/csv; charset=utf-8",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Format.JSON: "application/json",
}


@dataclass(frozen=True, slots=True)
class ExportResult:
    """A file of orders. ``sha256`` is hexadecimal; ``problems`` are sentences that the person should read."""

    file_name: str
    content: bytes
    sha256: str
    orders: list[Order]
    is_draft: bool = False
    """A preview: nothing was recorded and no order was marked as exported."""
    problems: list[str] = field(default_factory=list)


@transaction.atomic
def export_orders(
    *,
    month: Month,
    format: Format | str,  # noqa: A002 - the field's word
    user: AnyUser | None = None,
    now: datetime,
    customer: Customer | None = None,
) -> ExportResult:
    """Hand over the month's orders, of all customers or of one, in a format of ``Format``.

    With one among them that is not issued the file is a preview. Else it is recorded, and asking for the same orders
    again gives the same bytes. The file for kivitendo makes the orders exported, and each is written once only: a
    second import would make a second order there. What the copy of a configured kivitendo says against an order is
    told with a preview and keeps the final file from being made. Raises ``OrdersRefused`` with sentences; then nothing
    was recorded.
    """
    wanted = Format(format)
    orders = _locked_orders(month, customer)
    waiting = [order for order in orders if order.state in (Order.State.DRAFT, Order.State.APPROVED)]
    if waiting:
        content = _render(wanted, orders, month, customer, now)
        name = _file_name(wanted, month, customer, suffix="-draft")
        found = _preflight(wanted, orders, now)
        problems = [_preview(len(waiting)), *found.problems, *found.notices]
        return ExportResult(name, content, sha256_of(content), orders, is_draft=True, problems=problems)
    stored = _same_export(wanted, orders)
    if stored is not None:
        when = f"{timezone.localtime(stored.created_at):%Y-%m-%d %H:%M}"
        notice = _("This is the file that was handed over at %(time)s; do not import it twice.") % {"time": when}
        return ExportResult(stored.file_name, bytes(stored.content), stored.sha256, orders, problems=[notice])
    fresh, notices = _not_handed_over(orders) if wanted == Format.KIVITENDO else (orders, [])
    found = _preflight(wanted, fresh, now)
    if found.problems:
        raise OrdersRefused([_("No file was written."), *found.problems])
    content = _render(wanted, fresh, month, customer, now)
    export = record_export(wanted, fresh, content, _free_name(wanted, month, customer), user, now)
    return ExportResult(export.file_name, content, export.sha256, fresh, problems=notices + found.notices)


def _locked_orders(month: Month, customer: Customer | None) -> list[Order]:
    orders = with_positions(month, customer).filter(positions__isnull=False).distinct()
    # Locked by primary key, as everywhere; DISTINCT rows cannot be locked.
    found_keys = Order.objects.filter(pk__in=orders.values("pk")).order_by("pk").values_list("pk")
    list(found_keys.select_for_update(no_key=True))
    found = list(orders)
    if not found:
        raise OrdersRefused([_("There is no order for %(month)s. Start a billing run first.") % {"month": month}])
    return found


def _preflight(wanted: Format, orders: Sequence[Order], now: datetime) -> Preflight:
    if wanted != Format.KIVITENDO:
        return Preflight()
    return preflight(Order.objects.filter(pk__in=[order.pk for order in orders]), now=now)


def _render(wanted: Format, orders: Sequence[Order], month: Month, customer: Customer | None, now: datetime) -> bytes:
    match wanted:
        case Format.KIVITENDO:
            try:
                return kivitendo_file(orders)
            except ExportRefused as refused:
                sentences = [f"{problem.order_number} {problem.text}".strip() for problem in refused.problems]
                raise OrdersRefused([_("No file was written."), *sentences]) from refused
        case Format.CSV:
            return csv_file(orders)
        case Format.XLSX:
            return xlsx_file(orders, now=now)
    return json_file(orders, month=month, customer=customer)


def _preview(waiting: int) -> str:
    text = ngettext(
        "This is a preview: %(count)d order is not issued yet. Approve and issue it, then export again.",
        "This is a preview: %(count)d orders are not issued yet. Approve and issue them, then export again.",
        waiting,
    )
    return text % {"count": waiting}


def _same_export(wanted: Format, orders: Sequence[Order]) -> Export | None:
    """The latest export in this format of exactly these orders."""
    ids = {order.pk for order in orders}
    exports = Export.objects.filter(format=wanted, orders__in=ids)
    candidates = exports.distinct().defer("content").prefetch_related("orders")
    matching = (export for export in candidates if {order.pk for order in export.orders.all()} == ids)
    return next(matching, None)


def _not_handed_over(orders: Sequence[Order]) -> tuple[list[Order], list[str]]:
    """The orders that kivitendo has not got yet, and a notice about the others."""
    ids = [order.pk for order in orders]
    earlier = Export.objects.filter(format=Format.KIVITENDO, orders__in=ids)
    known = dict(earlier.order_by("created_at").values_list("orders", "file_name"))
    fresh = [order for order in orders if order.pk not in known]
    if not known:
        return fresh, []
    numbers = ", ".join(f"{order.number} ({known[order.pk]})" for order in orders if order.pk in known)
    if not fresh:
        raise OrdersRefused([_("All these orders were handed over before: %(numbers)s.") % {"numbers": numbers}])
    return fresh, [_("Handed over before and not in this file: %(numbers)s.") % {"numbers": numbers}]


def record_export(
    wanted: str, orders: Sequence[Order], content: bytes, name: str, user: AnyUser | None, now: datetime
) -> Export:
    """Keep the file; one for kivitendo makes the orders exported."""
    user_id = user.pk if user else None
    digest = sha256_of(content)
    export = Export.objects.create(
        file_name=name, format=wanted, content=content, sha256=digest, created_at=now, created_by_id=user_id
    )
    export.orders.set(orders)
    if wanted == Format.KIVITENDO:
        Order.objects.filter(pk__in=[order.pk for order in orders]).update(state=Order.State.EXPORTED)
        for order in orders:
            order.state = Order.State.EXPORTED
    write_events(
        OrderEvent(order=order, kind=OrderEvent.Kind.EXPORTED, at=now, user_id=user_id, text=name) for order in orders
    )
    return export


def _file_name(wanted: Format, month: Month, customer: Customer | None, *, suffix: str = "") -> str:
    kind = "kivitendo" if wanted == Format.KIVITENDO else "orders"
    extension = "csv" if wanted == Format.KIVITENDO else wanted.value
    whose = f"-{clean(customer.customer_id) or customer.pk}" if customer else ""
    return f"{kind}-{month}{whose}{suffix}.{extension}"


def _free_name(wanted: Format, month: Month, customer: Customer | None) -> str:
    """A name that no earlier export has, so that no file replaces another on disk."""
    name, number = _file_name(wanted, month, customer), 1
    while Export.objects.filter(file_name=name).exists():
        number += 1
        name = _file_name(wanted, month, customer, suffix=f"-{number}")
    return name


def sha256_of(content: bytes) -> str:
    """Hexadecimal."""
    return hashlib.sha256(content).hexdigest()
