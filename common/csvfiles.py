"""CSV for people and spreadsheets, in two dialects. (Files for an ERP's importer have their own writer.)"""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import assert_never

Value = str | Decimal | int | date | datetime | None

# What a spreadsheet takes for a formula, also in full width, also after blanks, quotes and invisible marks.
FORMULA = re.compile("[\\s\"'`´‘’“”„‚«»\ufeff\u200b]*[=+\\-@＝＋－＠\t\r\\0]")


def formula_safe(text: str) -> str:
    """The text with a leading apostrophe where a spreadsheet would compute it.

    Reversible: a text that itself starts with an apostrophe before a formula gets a second one.
    """
    return f"'{text}" if FORMULA.match(text) else text


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
