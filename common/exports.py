"""The whole filtered set of a table as a file: the same columns, typed values, the same totals."""

import io
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import xlsxwriter
from django.core.exceptions import BadRequest
from django.db.models import QuerySet, TextChoices
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_tables2.rows import BoundRow

from common.csvfiles import GERMAN, PLAIN, Dialect, Value, write_csv
from common.tables import NumberColumn, Table

XLSX_ROWS = 1_048_576
XLSX_TEXT = 16_383  # characters in a cell, even if each of them takes two of Excel's units
CUT = " […]"
XLSX_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "default_date_format": "yyyy-mm-dd hh:mm:ss",
}
CHUNK = 2000  # records read at a time


class Format(TextChoices):
    CSV = "csv", gettext_lazy("CSV")
    CSV_GERMAN = "csv-german", gettext_lazy("CSV for Excel in German")
    XLSX = "xlsx", gettext_lazy("Excel (XLSX)")


XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def download(table: Table, request: HttpRequest, file_name: str) -> HttpResponse:
    """The table as the file that ``?export=`` names, or the page (400) that says why there is none."""
    try:
        return export_response(table, request.GET["export"], file_name)
    except BadRequest as refusal:
        return bad_request(request, str(refusal))


def bad_request(request: HttpRequest, reason: str) -> HttpResponse:
    """The page for a request that cannot be answered; unlike the exception it leaves no traceback in the log."""
    return render(request, "400.html", {"reason": reason}, status=400)


def export_response(table: Table, format: str, file_name: str) -> HttpResponse:  # noqa: A002  # the field's word
    """The table as a download. ``file_name`` has no extension; a ``format`` that is none is a bad request (400)."""
    match format:
        case Format.CSV:
            content, mime, extension = _csv(table, PLAIN), "text/csv; charset=utf-8", "csv"
        case Format.CSV_GERMAN:
            content, mime, extension = _csv(table, GERMAN), "text/csv; charset=utf-8", "csv"
        case Format.XLSX:
            content, mime, extension = _xlsx(table), XLSX_TYPE, "xlsx"
        case _:
            raise BadRequest(_("There is no export of this kind; choose csv, csv-german or xlsx."))
    response = HttpResponse(content, content_type=mime)
    response["Content-Disposition"] = content_disposition_header(True, f"{file_name}.{extension}")
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _columns(table: Table) -> list[Any]:
    columns = table.columns.iterall()
    return [column for column in columns if not column.column.exclude_from_export]


def _rows(table: Table) -> Iterator[list[Value]]:
    """Records in the order of the page, read in chunks, then one row of totals per currency."""
    columns = _columns(table)
    data = table.data.data
    records = data.iterator(chunk_size=CHUNK) if isinstance(data, QuerySet) else data
    for record in records:
        row: Any = BoundRow(record, table=table)
        yield [_typed(row.get_cell_value(column.name)) for column in columns]
    for total in table.totals:
        cells: list[Value] = [
            column.column.value(value=total.sums[column.name]) if column.name in total.sums else None
            for column in columns
        ]
        if cells[0] is None:
            cells[0] = f"{_('Total')} {total.currency}".rstrip()
        yield cells


def _typed(value: object) -> Value:
    match value:
        case bool():
            return _("yes") if value else _("no")
        case datetime() if timezone.is_aware(value):
            return timezone.make_naive(value)
        case None | str() | Decimal() | int() | date():
            return value
        case _:
            return str(value)


def _csv(table: Table, dialect: Dialect) -> bytes:
    return write_csv([str(column.header) for column in _columns(table)], _rows(table), dialect)


def _xlsx(table: Table) -> bytes:
    """One sheet with a frozen header. Text is written as text, so that nothing becomes a formula or a link."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, XLSX_OPTIONS) as book:
        sheet = book.add_worksheet()
        sheet.freeze_panes(1, 0)
        styles = [book.add_format({"num_format": _number_format(column)}) for column in _columns(table)]
        bold, day = book.add_format({"bold": True}), book.add_format({"num_format": "yyyy-mm-dd"})
        for index, column in enumerate(_columns(table)):
            sheet.set_column(index, index, max(len(str(column.header)) + 2, 16))
            sheet.write_string(0, index, str(column.header), bold)
        for line, row in enumerate(_rows(table), start=1):
            if line >= XLSX_ROWS:
                raise BadRequest(_("The table has more rows than an Excel sheet can hold; choose CSV."))
            for index, value in enumerate(row):
                match value:
                    case str():
                        sheet.write_string(line, index, _cut(value))
                    case Decimal() | int():
                        sheet.write_number(line, index, value, styles[index])
                    case datetime():
                        sheet.write_datetime(line, index, value)
                    case date():
                        sheet.write_datetime(line, index, value, day)
    return out.getvalue()


def _number_format(column: Any) -> str:
    return column.column.xlsx_format if isinstance(column.column, NumberColumn) else "General"


def _cut(text: str) -> str:
    """The library cuts what is too long for a cell without a word; the mark says that something is missing."""
    return text if len(text) <= XLSX_TEXT else f"{text[: XLSX_TEXT - len(CUT)]}{CUT}"
