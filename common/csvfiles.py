"""CSV for people and spreadsheets: written in two dialects, read in whatever a spreadsheet makes of them.

(Files for an ERP's importer have their own writer.)
"""

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import assert_never

from django.utils.translation import gettext as _

Value = str | Decimal | int | date | datetime | None

# What a spreadsheet takes for a formula, also in full width, also after blanks, quotes and invisible marks.
FORMULA = re.compile("[\\s\"'`´‘’“”„‚«»\ufeff\u200b]*[=+\\-@＝＋－＠\t\r\\0]")


def formula_safe(text: str) -> str:
    """The text with a leading apostrophe where a spreadsheet would compute it.

    Reversible: a text that itself starts with an apostrophe before a formula gets a second one.
    """
    return f"'{text}" if FORMULA.match(text) else text


def undo_formula_safe(text: str) -> str:
    """What ``formula_safe`` was given."""
    return text[1:] if text.startswith("'") and FORMULA.match(text[1:]) else text


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one kind of reader wants its CSV: separator, decimal mark, encoding and ``strftime`` forms of dates."""

    delimiter: str
    decimal_mark: str
    encoding: str
    date_format: str
    datetime_format: str


PLAIN = Dialect(",", ".", "utf-8", "%Y-%m-%d", "%Y-%m-%d %H:%M:%S")
GERMAN = Dialect(";", ",", "utf-8-sig", "%d.%m.%Y", "%d.%m.%Y %H:%M:%S")  # with the BOM that Excel needs


def cell(value: Value, dialect: Dialect) -> str:
    """One cell as text. Numbers keep the decimals they carry and stay numbers: a negative one gets no apostrophe."""
    match value:
        case None:
            return ""
        case str():
            return formula_safe(value)
        case Decimal() | int():
            return f"{Decimal(value):f}".replace(".", dialect.decimal_mark)
        case datetime():
            return value.strftime(dialect.datetime_format)
        case date():
            return value.strftime(dialect.date_format)
        case _:
            assert_never(value)


def write_csv(columns: Sequence[str], rows: Iterable[Sequence[Value]], dialect: Dialect) -> bytes:
    """Header and rows as one file with CRLF line ends. Datetimes are written as they come: convert them before."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=dialect.delimiter, lineterminator="\r\n")
    writer.writerow([formula_safe(name) for name in columns])
    writer.writerows([cell(value, dialect) for value in row] for row in rows)
    return out.getvalue().encode(dialect.encoding)


DELIMITERS = ";,\t"
SEPARATOR_LINE = re.compile(f'"?sep=([{DELIMITERS}])"?', re.IGNORECASE)  # how a spreadsheet is told what separates
WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # of spreadsheet programs, new and old


class UnreadableCsv(ValueError):
    """The file is no table that could be looked at row by row; the text says why and what to do."""

    def __init__(self, text: str, *, line: int = 0) -> None:
        """``line`` is where it goes wrong; 0 where it is about the file."""
        super().__init__(text)
        self.line = line


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a file may have at most: bytes, rows below the header, columns, characters in a cell."""

    size: int = 1_000_000
    rows: int = 5_000
    columns: int = 50
    cell: int = 500


LIMITS = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvRow:
    """Cells as they were before they were made safe for spreadsheets; ``line`` is where the row begins, from 1."""

    line: int
    cells: tuple[str, ...]


def read_csv(data: bytes, *, limits: Limits = LIMITS) -> list[CsvRow]:
    """The header and all rows that hold anything; the inverse of ``write_csv``. Raises ``UnreadableCsv``.

    UTF-8 or Windows-1252, separated by semicolon, comma or tab: whichever splits the header into most cells.
    """
    if len(data) > limits.size:
        text = _("The file is larger than %(size)d kB. Split it into several.")
        raise UnreadableCsv(text % {"size": limits.size // 1000})
    text = decode(data)
    rows = list(_rows(text, limits=limits))
    if not rows:
        raise UnreadableCsv(_("The file is empty."))
    if len(rows[0].cells) > limits.columns:
        words = {"columns": len(rows[0].cells), "most": limits.columns}
        raise UnreadableCsv(_("The header has %(columns)d columns, more than %(most)d.") % words, line=rows[0].line)
    return rows


def cell_fault(text: str, *, limits: Limits = LIMITS) -> str:
    """Why a cell cannot be taken as one line of text; empty when it can."""
    if len(text) > limits.cell:
        words = {"length": len(text), "most": limits.cell}
        return _("The cell holds %(length)d characters, more than %(most)d.") % words
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in text):
        return _("The cell holds a line break or another character that cannot be seen.")
    return ""


def decode(data: bytes) -> str:
    """Text of UTF-8 or Windows-1252 without its BOM. Raises ``UnreadableCsv``, also for workbooks and NUL bytes."""
    if data.startswith(WORKBOOKS):
        raise UnreadableCsv(
            _("This is a workbook of a spreadsheet program, not a CSV file. Save the sheet there as “CSV UTF-8”.")
        )
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in data:
        raise UnreadableCsv(
            _("The file is no text in UTF-8 (it may be in UTF-16, or no text at all). Save it as “CSV UTF-8”."),
            line=data.partition(b"\0")[0].count(b"\n") + 1,
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        bad = error.start
    try:
        if data.decode("utf-8-sig", errors="ignore").isascii():  # else both encodings are mixed
            return data.decode("cp1252")
    except UnicodeDecodeError as error:
        bad = error.start
    raise UnreadableCsv(
        _("The file is neither UTF-8 nor Windows-1252 from here on. Save it as “CSV UTF-8”."),
        line=data[:bad].count(b"\n") + 1,
    )


def _rows(text: str, *, limits: Limits) -> Iterator[CsvRow]:
    first = next((line for line in text.splitlines() if line.strip()), "")
    named = SEPARATOR_LINE.fullmatch(first.strip(" "))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=named[1] if named else _delimiter(first), strict=True)
    count, line = -1, 1
    is_separator_line = named is not None
    try:
        for cells in reader:
            started, line = line, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if is_separator_line:
                is_separator_line = False
                continue
            count += 1
            if count > limits.rows:
                raise UnreadableCsv(
                    _("The file has more than %(rows)d rows. Split it into several.") % {"rows": limits.rows},
                    line=started,
                )
            yield CsvRow(line=started, cells=tuple(undo_formula_safe(each) for each in cells))
    except csv.Error as error:
        raise UnreadableCsv(
            _(
                "The row that begins here cannot be read: a quotation mark is opened and not closed, text follows a "
                "closing quotation mark, or a cell is far too long."
            ),
            line=line,
        ) from error


def _delimiter(header: str) -> str:
    """The one that splits the header into the most cells; the order of ``DELIMITERS`` decides among equals."""
    start = header[:10_000]  # enough for any header, and short enough for the reader
    return max(DELIMITERS, key=lambda mark: len(next(csv.reader([start], delimiter=mark), [])))
