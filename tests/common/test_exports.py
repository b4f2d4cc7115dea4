import csv
import io
import re
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

import pytest
from django.core.exceptions import BadRequest
from django.utils import timezone, translation
from pytest_django import DjangoAssertNumQueries

from common import exports
from common.exports import Format, export_response
from common.tables import Column, DateColumn, DateTimeColumn, MinutesColumn, MoneyColumn, Table
from tests.factories.tickets import TicketFactory, TimeEntryFactory
from tickets.models import TimeEntry

SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


class RowTable(Table):
    totals_fields = ("minutes", "amount")
    currency_field = "currency"

    title = Column(verbose_name="Title")
    link = Column(verbose_name="Link", exclude_from_export=True)
    day = DateColumn(verbose_name="Day")
    at = DateTimeColumn(verbose_name="At")
    minutes = MinutesColumn(verbose_name="Minutes")
    amount = MoneyColumn(verbose_name="Amount")
    billed = Column(verbose_name="Billed")


def row(**changes: Any) -> dict[str, Any]:
    return {
        "title": 'Größe; 5"',
        "link": "<a>",
        "day": date(2026, 10, 31),
        "at": datetime(2026, 10, 31, 23, 30, 5, tzinfo=UTC),
        "minutes": Decimal("1234.5000"),
        "amount": Decimal("-95"),
        "currency": "EUR",
        "billed": True,
    } | changes


def text_of(table: Table, kind: str) -> str:
    with timezone.override("Europe/Berlin"):
        content: bytes = export_response(table, kind, "rows").content
    return content.decode()


def cells_of(content: bytes) -> list[dict[str, str | float]]:
    """Each row of an XLSX file as ``{column letter: text or number}``, as it is stored and not as it looks."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        root = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))  # noqa: S314 - written by the test itself
    rows = []
    for line in root.iter(f"{SHEET}row"):
        cells: dict[str, str | float] = {}
        for cell in line.iter(f"{SHEET}c"):
            assert cell.find(f"{SHEET}f") is None, "a formula"
            letter = re.sub(r"\d", "", cell.attrib["r"])
            text = "".join(part.text or "" for part in cell.iter(f"{SHEET}t"))
            number = cell.find(f"{SHEET}v")
            cells[letter] = text if number is None else float(number.text or "nan")
        rows.append(cells)
    return rows


def xlsx_of(table: Table) -> list[dict[str, str | float]]:
    with timezone.override("Europe/Berlin"):
        return cells_of(export_response(table, "xlsx", "rows").content)


def test_csv_is_for_programs() -> None:
    assert text_of(RowTable([row()]), "csv") == (
        "Title,Day,At,Minutes,Amount,Billed\r\n"
        '"Größe; 5""",2026-10-31,2026-11-01 00:30:05,1234.5,-95.00,yes\r\n'
        "Total EUR,,,1234.5,-95.00,\r\n"
    )


def test_csv_german_is_for_excel() -> None:
    with translation.override("de"):
        text = text_of(RowTable([row(title="=1+1", billed=False)]), "csv-german")

    header, line, total, rest = text.split("\r\n")
    assert header == "\ufeffTitle;Day;At;Minutes;Amount;Billed"
    assert line.startswith("'=1+1;31.10.2026;01.11.2026 00:30:05;1234,5;-95,00;")
    assert total.endswith(" EUR;;;1234,5;-95,00;")
    assert rest == ""


def test_an_export_has_one_row_of_totals_per_currency() -> None:
    table = RowTable([row(), row(currency="CHF", amount=Decimal("0.1"))])

    lines = text_of(table, "csv").splitlines()

    assert lines[-2:] == ["Total CHF,,,1234.5,0.10,", "Total EUR,,,1234.5,-95.00,"]


def test_missing_values_are_empty_cells() -> None:
    empty = dict.fromkeys(row()) | {"currency": "EUR"}

    assert text_of(RowTable([empty]), "csv").splitlines()[1] == ",,,,,"


def test_values_of_other_kinds_are_exported_as_their_text() -> None:
    class OtherTable(Table):
        thing = Column()
        at = Column()

    table = OtherTable([{"thing": ["a", 1], "at": datetime(2026, 10, 1, 12)}])

    assert text_of(table, "csv").splitlines()[1] == "\"['a', 1]\",2026-10-01 12:00:00"


def test_a_total_in_the_first_column_has_no_label() -> None:
    class NumbersTable(Table):
        totals_fields = ("minutes",)
        minutes = MinutesColumn()

    assert text_of(NumbersTable([{"minutes": Decimal(5)}]), "csv").splitlines() == ["Minutes", "5", "5"]


def test_xlsx_holds_real_numbers_and_dates_and_no_formula() -> None:
    header, line, total = xlsx_of(RowTable([row(title="=1+1")]))

    assert list(header.values()) == ["Title", "Day", "At", "Minutes", "Amount", "Billed"]
    assert line["A"] == "=1+1"
    assert line["B"] == 46326.0  # 2026-10-31
    assert line["C"] == pytest.approx(46327 + (30 * 60 + 5) / 86400)
    assert (line["D"], line["E"], line["F"]) == (1234.5, -95.0, "yes")
    assert total == {"A": "Total EUR", "D": 1234.5, "E": -95.0}


def test_xlsx_keeps_hostile_texts_as_text() -> None:
    titles = ["http://example.org", "<svg onload=x>", "+49", "2026100310000281", "a\0b", "_x0041_", "Zeile\nzwei"]

    lines = xlsx_of(RowTable([row(title=title) for title in titles]))[1:-1]

    assert [line["A"] for line in lines] == [
        *titles[:4],
        "a_x0000_b",  # Excel's own spelling of a control character and of a text that looks like one
        "_x005F_x0041_",
        "Zeile\nzwei",
    ]


def test_xlsx_has_a_frozen_header() -> None:
    content = export_response(RowTable([row()]), "xlsx", "rows").content

    with zipfile.ZipFile(io.BytesIO(content)) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>' in sheet


def test_xlsx_marks_a_text_that_is_too_long_for_a_cell() -> None:
    line = xlsx_of(RowTable([row(title="😀" * 20_000)]))[1]

    assert line["A"] == "😀" * 16_379 + " […]"


def test_xlsx_with_more_rows_than_a_sheet_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "XLSX_ROWS", 2)

    with pytest.raises(BadRequest, match="choose CSV"):
        export_response(RowTable([row()]), "xlsx", "rows")


@pytest.mark.parametrize(
    ("kind", "content_type", "name"),
    [
        ("csv", "text/csv; charset=utf-8", "tickets-2026-10.csv"),
        ("csv-german", "text/csv; charset=utf-8", "tickets-2026-10.csv"),
        ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "tickets-2026-10.xlsx"),
    ],
)
def test_an_export_is_a_download_that_no_browser_interprets(kind: str, content_type: str, name: str) -> None:
    response = export_response(RowTable([]), kind, "tickets-2026-10")

    assert response["Content-Type"] == content_type
    assert response["Content-Disposition"] == f'attachment; filename="{name}"'
    assert response["X-Content-Type-Options"] == "nosniff"


def test_a_file_name_cannot_break_out_of_its_header() -> None:
    response = export_response(RowTable([]), "csv", 'a"\r\nb ö')

    assert "\r" not in response["Content-Disposition"]
    assert "\n" not in response["Content-Disposition"]


@pytest.mark.parametrize("kind", ["", "pdf", "CSV"])
def test_an_unknown_kind_is_a_bad_request(kind: str) -> None:
    with pytest.raises(BadRequest, match="csv, csv-german or xlsx"):
        export_response(RowTable([]), kind, "rows")


def test_every_kind_has_a_label() -> None:
    assert [value for value, _label in Format.choices] == ["csv", "csv-german", "xlsx"]


class EntryTable(Table):
    totals_fields = ("minutes",)

    number = Column(accessor="ticket__number")
    minutes = MinutesColumn()


@pytest.mark.django_db
def test_an_export_holds_the_whole_filtered_set_in_the_order_of_the_page(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    ticket = TicketFactory.create()
    for units in (15, 5, 10, 99):
        TimeEntryFactory.create(ticket=ticket, units=Decimal(units))
    data = TimeEntry.objects.filter(units__lt=50).select_related("ticket")
    table = EntryTable(data, order_by="-minutes")
    table.paginate(per_page=1)  # type: ignore[no-untyped-call]

    with django_assert_num_queries(2):
        rows = list(csv.reader(io.StringIO(text_of(table, "csv"), newline="")))

    assert rows == [
        ["Number", "Minutes"],
        [ticket.number, "15"],
        [ticket.number, "10"],
        [ticket.number, "5"],
        ["Total", "30"],
    ]
