"""The order file for kivitendo's CSV import, written and read back strictly. Pure: no database, no models.

Two header lines (orders, positions), then each order followed by its positions. Settings of the import profile:
UTF-8, separator ``;``, quote and escape ``"``, numbers ``1000.00``, dates ``yyyy-mm-dd``, rows Auftrag and Position.

To kivitendo an empty price is 0, an empty record type ends the import, and of an order with a wrong position it saves
the rest. So every cell that counts is filled, columns that would stay empty are left out, and the sums are written
along: with ``verify_netamount`` and ``verify_amount`` it refuses an order that is not whole.

Texts are written as they are, also ``=1+1``: this file is for an importer. An apostrophe put in front for a
spreadsheet's sake would stand in the ERP and on the invoice.
"""

import csv
import datetime
import html
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal

from django.utils.translation import gettext as _

from billing.kivitendo_checks import KivitendoOrder, KivitendoPosition, Problem, check_orders, line_total, order_faults
from billing.pricing import one_line
from common.money import plain

__all__ = [
    "ExportRefused",
    "FileRefused",
    "KivitendoOrder",
    "KivitendoPosition",
    "OrderInFile",
    "Problem",
    "check_orders",
    "limited_html",
    "read_orders",
    "write_orders",
]

ORDER, POSITION = "Auftrag", "Position"
ORDER_COLUMNS = (
    "datatype",  # stands at the same place in both headers
    "ordnumber",
    "customernumber",
    "transdate",
    "reqdate",
    "tax_point",  # the tax rate is that of the day of service
    "transaction_description",
    "currency",
    "notes",
    "intnotes",
    "verify_netamount",
    "verify_amount",
)
POSITION_COLUMNS = (
    "datatype",
    "position",
    "partnumber",
    "description",
    "longdescription",
    "qty",
    "unit",
    "sellprice",
    "discount",
    "reqdate",
    "serialnumber",  # free text; kivitendo shows the ticket number there
)
NUMBER = re.compile(r"-?\d{1,10}\.\d{2,5}", re.ASCII)


class ExportRefused(Exception):
    """Nothing was written; ``problems`` says why."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        first = f"{problems[0].order_number} {problems[0].text}".lstrip()
        super().__init__(
            _("No file was written. Problems found: %(count)s. The first: %(first)s")
            % {"count": len(problems), "first": first}
        )


class FileRefused(ValueError):
    """The file is not one that ``write_orders`` wrote; the message names the line."""

    def __init__(self, line: int, text: str) -> None:
        self.line = line
        super().__init__(_("Line %(line)s: %(text)s") % {"line": line, "text": text})


@dataclass(frozen=True, slots=True)
class OrderInFile:
    """An order read back. The file holds the sums, not the tax rate that made them."""

    number: str
    customer_number: str
    date: datetime.date
    request_date: datetime.date
    description: str
    currency: str
    notes: str
    internal_notes: str
    net_amount: Decimal
    gross_amount: Decimal
    positions: tuple[KivitendoPosition, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One record of a CSV file and the line it starts on."""

    number: int
    cells: tuple[str, ...]


def limited_html(lines: Iterable[str]) -> str:
    """The lines as one paragraph of the HTML that kivitendo shows and prints; only ``&``, ``<``, ``>`` are escaped."""
    return "<p>" + "<br />".join(html.escape(one_line(line), quote=False) for line in lines) + "</p>"


def write_orders(orders: Sequence[KivitendoOrder]) -> bytes:
    """The whole file as bytes; ``ExportRefused`` when ``check_orders`` finds anything."""
    problems = check_orders(orders)
    if problems:
        raise ExportRefused(problems)
    rows: list[Sequence[str]] = [ORDER_COLUMNS, POSITION_COLUMNS]
    for order in orders:
        rows.append(_order_row(order))
        rows += [_position_row(number, position) for number, position in enumerate(order.positions, start=1)]
    return _csv(rows)


def _order_row(order: KivitendoOrder) -> tuple[str, ...]:
    return (
        ORDER,
        order.number,
        order.customer_number,
        order.date.isoformat(),
        order.request_date.isoformat(),
        order.request_date.isoformat(),
        order.description,
        order.currency,
        order.notes,
        order.internal_notes,
        plain(order.net_amount, 2),
        plain(order.gross_amount, 2),
    )


def _position_row(number: int, position: KivitendoPosition) -> tuple[str, ...]:
    # Always two decimals at least: kivitendo takes the cell "0" for nothing, but "0.00" for zero.
    return (
        POSITION,
        str(number),
        position.article_number,
        position.description,
        position.long_description,
        plain(position.quantity, 2),
        position.unit,
        plain(position.unit_price, 2),
        plain(position.discount, 2),
        position.request_date.isoformat(),
        position.ticket_number,
    )


def _csv(rows: Iterable[Sequence[str]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=";", lineterminator="\r\n").writerows(rows)
    return out.getvalue().encode()


def read_orders(data: bytes) -> list[OrderInFile]:
    """Read a file of ``write_orders``; ``FileRefused`` with the line for anything else, and where a sum is wrong."""
    lines = read_lines(data)
    for index, columns in enumerate((ORDER_COLUMNS, POSITION_COLUMNS)):
        if len(lines) <= index or lines[index].cells != columns:
            raise FileRefused(index + 1, _("The header is not “%(header)s”.") % {"header": ";".join(columns)})
    _refuse_other_spelling(data, lines)
    groups: list[list[Line]] = []
    for line in lines[2:]:
        match line.cells[:1], len(line.cells):
            case (kind,), width if kind == ORDER and width == len(ORDER_COLUMNS):
                groups.append([line])
            case (kind,), width if kind == POSITION and width == len(POSITION_COLUMNS) and groups:
                groups[-1].append(line)
            case _:
                raise FileRefused(line.number, _("This is neither an order nor a position of an order."))
    if not groups:
        raise FileRefused(3, _("There is no order in the file."))
    orders: dict[str, OrderInFile] = {}
    for first, *rest in groups:
        order = _read_order(first, rest)
        if order.number in orders:
            raise FileRefused(first.number, _("The order %(number)s occurs again.") % {"number": order.number})
        orders[order.number] = order
    return list(orders.values())


def read_lines(data: bytes) -> list[Line]:
    """The records of any UTF-8 file with ``;`` and ``"``; blanks and line ends inside of cells are kept."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise FileRefused(data.count(b"\n", 0, error.start) + 1, _("The file is not in UTF-8.")) from error
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";", strict=True)
    lines: list[Line] = []
    start = 1
    try:
        for cells in reader:
            lines.append(Line(start, tuple(cells)))
            start = reader.line_num + 1
    except csv.Error as error:
        raise FileRefused(start, str(error)) from error
    return lines


def _refuse_other_spelling(data: bytes, lines: Iterable[Line]) -> None:
    """Line ends, quotes and blank lines must be those of ``write_orders``, byte by byte."""
    expected = _csv(line.cells for line in lines)
    if data != expected:
        pairs = enumerate(zip(data.split(b"\n"), expected.split(b"\n"), strict=False), start=1)
        line = next((number for number, (ours, theirs) in pairs if ours != theirs), data.count(b"\n") + 1)
        raise FileRefused(line, _("The line is not spelt as this program does it (line end, quotes, blank line)."))


def _read_order(line: Line, position_lines: Sequence[Line]) -> OrderInFile:
    _kind, number, customer, day, request, tax_point, description, currency, notes, internal, net, gross = line.cells
    order = KivitendoOrder(
        number=number,
        customer_number=customer,
        date=_date(line, day),
        request_date=_date(line, request),
        description=description,
        currency=currency,
        notes=notes,
        internal_notes=internal,
        tax_rate=Decimal(0),
        positions=tuple(_read_position(index, each) for index, each in enumerate(position_lines, start=1)),
    )
    fault = next(order_faults(order), None)
    if fault:
        raise FileRefused(line.number, fault)
    if tax_point != request:
        raise FileRefused(line.number, _("reqdate and tax_point differ."))
    net_amount, gross_amount = _number(line, net), _number(line, gross)
    tax = gross_amount - net_amount
    if net_amount != order.net_amount or abs(tax) > abs(net_amount) or tax * net_amount < 0:
        raise FileRefused(line.number, _("The sums do not agree with the positions."))
    known = {field.name: getattr(order, field.name) for field in fields(order) if field.name != "tax_rate"}
    return OrderInFile(**known, net_amount=net_amount, gross_amount=gross_amount)


def _read_position(index: int, line: Line) -> KivitendoPosition:
    _kind, number, article, description, long_description, quantity, unit, price, discount, request, ticket = line.cells
    if number != str(index):
        raise FileRefused(line.number, _("The position should be number %(index)s.") % {"index": index})
    numbers = [_number(line, text) for text in (quantity, price, discount)]
    return KivitendoPosition(
        article_number=article,
        description=description,
        long_description=long_description,
        quantity=numbers[0],
        unit=unit,
        unit_price=numbers[1],
        discount=numbers[2],
        ticket_number=ticket,
        amount=line_total(*numbers),
        request_date=_date(line, request),
    )


def _number(line: Line, text: str) -> Decimal:
    if NUMBER.fullmatch(text):
        number = Decimal(text)
        if plain(number, 2) == text:
            return number
    raise FileRefused(line.number, _("“%(text)s” is not a number like 1000.00.") % {"text": text[:40]})


def _date(line: Line, text: str) -> datetime.date:
    try:
        day = datetime.date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:
        raise FileRefused(line.number, _("“%(text)s” is not a date like 2026-10-31.") % {"text": text[:40]})
    return day
