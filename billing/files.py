"""Orders as the bytes of a file, one function per format. The same orders give the same bytes."""

import html
import io
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

import xlsxwriter

from billing.agreements import last_day
from billing.documents import EntriesOf, entries_of_orders, orders_document, stored_orders
from billing.kivitendo import KivitendoOrder, KivitendoPosition, limited_html, write_orders
from billing.models import Order, OrderPosition
from billing.pricing import one_line
from common.csvfiles import PLAIN, Value, write_csv
from common.money import plain
from common.months import Month
from tickets.models import Customer, TimeEntry

COLUMNS = (
    "order_number",
    "month",
    "state",
    "customer_id",
    "customer",
    "erp_customer_number",
    "position",
    "ticket_number",
    "title",
    "text",
    "recorded_minutes",
    "billable_minutes",
    "included_minutes",
    "prepaid_minutes",
    "quantity",
    "unit",
    "unit_price",
    "discount",
    "amount",
    "currency",
    "article_number",
)
XLSX_OPTIONS = {"strings_to_formulas": False, "strings_to_urls": False}
XLSX_WIDTH = 16
NO_RECURRENCE = "Keine wiederkehrende Rechnung daraus machen: die Zeit würde sonst noch einmal berechnet."
"""Stands in each order's internal notes, in the language that the ERP's order texts are in."""


def kivitendo_file(orders: Sequence[Order]) -> bytes:
    """The order CSV for kivitendo; raises ``billing.kivitendo.ExportRefused`` where kivitendo would take it wrongly."""
    entries = entries_of_orders(orders)
    return write_orders([_kivitendo_order(order, entries) for order in orders])


def csv_file(orders: Sequence[Order]) -> bytes:
    """One row per position, UTF-8, comma, decimal point; texts that a spreadsheet would compute get an apostrophe."""
    return write_csv(COLUMNS, _rows(orders), PLAIN)


def xlsx_file(orders: Sequence[Order], *, now: datetime) -> bytes:
    """One sheet, one row per position. Text is written as text, so that nothing becomes a formula or a link."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, XLSX_OPTIONS) as book:
        book.set_properties({"created": now.replace(tzinfo=None)})
        sheet = book.add_worksheet()
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, len(COLUMNS) - 1, XLSX_WIDTH)
        sheet.write_row(0, 0, COLUMNS, book.add_format({"bold": True}))
        for line, row in enumerate(_rows(orders), start=1):
            for index, value in enumerate(row):
                if isinstance(value, str):
                    sheet.write_string(line, index, value)
                else:
                    sheet.write_number(line, index, value)
    return out.getvalue()


def json_file(orders: Sequence[Order], *, month: Month, customer: Customer | None) -> bytes:
    """Every order with its positions and the entries behind them; keys as in ``billing.documents``."""
    document = orders_document(month=month, customer=customer, orders=stored_orders(orders))
    return (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode()


def _rows(orders: Iterable[Order]) -> Iterable[Sequence[Value]]:
    for order in orders:
        for position in order.positions.all():
            yield (
                order.number,
                f"{order.month:%Y-%m}",
                order.state,
                order.customer.customer_id,
                order.customer.name,
                order.erp_customer_number,
                position.position,
                position.ticket.number if position.ticket else "",
                position.ticket.title if position.ticket else "",
                position.text,
                Decimal(plain(position.recorded_minutes)),
                Decimal(plain(position.billable_minutes)),
                Decimal(plain(position.included_minutes)),
                Decimal(plain(position.prepaid_minutes)),
                Decimal(plain(position.quantity)),
                position.unit,
                Decimal(plain(position.unit_price, 2)),
                Decimal(plain(position.discount)),
                position.amount,
                order.currency,
                position.article_number,
            )


def _kivitendo_order(order: Order, entries: EntriesOf) -> KivitendoOrder:
    """Dates are those of the period, not of the day: the file is the same whenever it is written."""
    month, first_month = Month.of(order.month), Month.of(order.period_start)
    end = last_day(month)
    positions = [_kivitendo_position(position, entries(position), month) for position in order.positions.all()]
    period = f"{month.month:02}/{month.year}"
    period = period if first_month == month else f"{first_month.month:02}/{first_month.year} – {period}"
    tickets = len({position.ticket_id for position in order.positions.all() if position.ticket_id})
    return KivitendoOrder(
        number=order.number,
        customer_number=order.erp_customer_number,
        date=month.end_day,
        request_date=end,
        description=f"Support {period}",
        currency=order.currency,
        notes=limited_html([f"{order.period_start:%d.%m.%Y} – {end:%d.%m.%Y}"]),
        internal_notes=f"{tickets} Tickets, {plain(order.recorded_minutes)} min. {NO_RECURRENCE}",
        tax_rate=order.tax_rate,
        positions=tuple(positions),
    )


def _kivitendo_position(position: OrderPosition, entries: Sequence[TimeEntry], month: Month) -> KivitendoPosition:
    ticket = position.ticket
    return KivitendoPosition(
        article_number=position.article_number,
        description=one_line(f"Ticket {ticket.number} {ticket.title}" if ticket else position.text),
        long_description=_long_description(position, entries, month),
        quantity=position.quantity,
        unit=position.unit,
        unit_price=position.unit_price,
        discount=position.discount,
        ticket_number=ticket.number if ticket else "",
        amount=position.amount,
        request_date=max((entry.local_day for entry in entries), default=last_day(month)),
    )


def _long_description(position: OrderPosition, entries: Iterable[TimeEntry], month: Month) -> str:
    """The position's text, the month and each booking, so that the customer can add it up; a fee has none."""
    text = limited_html([*position.text.splitlines(), f"{month.month:02}/{month.year}"])
    items = (f"{entry.local_day:%d.%m.%Y} {plain(entry.minutes)} min {entry.agent}" for entry in entries)
    bookings = "".join(f"<li>{html.escape(one_line(item), quote=False)}</li>" for item in items)
    return f"{text}<ul>{bookings}</ul>" if bookings else text
