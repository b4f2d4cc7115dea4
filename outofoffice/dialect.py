"""From the bytes of an absence file to its rows, in whatever encoding, separator and line ends it came."""

import codecs
import csv
import io
from collections.abc import Iterator

from django.utils.translation import gettext as _

from common.csvfiles import DELIMITERS, LIMITS, SEPARATOR_LINE, CsvRow, UnreadableCsv, decode

COMMENT = "#"
FOREIGN_FORMATS = (b"%PDF", b"{\\rtf", b"\x1f\x8b", b"<!DOCTYPE", b"<html", b"<?xml")
HEADER_LOOKED_AT = 10_000
"""Characters of the first line that tell the separator; no header is longer."""


def read_rows(data: bytes) -> list[CsvRow]:
    """The header and every row that holds anything, comments left out. Raises ``UnreadableCsv`` about the file.

    UTF-8 with or without BOM, UTF-16, Windows-1252; separated by comma, semicolon or tab.
    """
    check_size(len(data))
    rows = list(_rows(_text(data)))
    if not rows:
        raise UnreadableCsv(_("The file is empty."))
    if len(rows[0].cells) > LIMITS.columns:
        words = {"columns": len(rows[0].cells), "most": LIMITS.columns}
        raise UnreadableCsv(_("The header has %(columns)d columns, more than %(most)d.") % words, line=rows[0].line)
    return rows


def check_size(size: int) -> None:
    """Raises ``UnreadableCsv`` for a file of so many bytes; to be called before one is read."""
    if size > LIMITS.size:
        text = _("The file is larger than %(size)d kB. Split it into several.")
        raise UnreadableCsv(text % {"size": LIMITS.size // 1000})


def _text(data: bytes) -> str:
    if data.lstrip().startswith(FOREIGN_FORMATS):
        raise UnreadableCsv(_("This is not a CSV file but one of another kind. Save the table as “CSV UTF-8”."))
    encoding = _utf_16(data)
    if not encoding:
        return decode(data).lstrip("\ufeff")
    try:
        text = data.decode(encoding).lstrip("\ufeff")
    except UnicodeDecodeError as error:
        raise UnreadableCsv(
            _("The file begins like UTF-16 but is damaged further on. Save it as “CSV UTF-8”.")
        ) from error
    if "\0" in text:
        raise UnreadableCsv(_("The file is not text that can be read. Save it as “CSV UTF-8”."))
    return text


def _utf_16(data: bytes) -> str:
    """The kind of UTF-16 that the bytes are in, told by a BOM or by every second byte being 0; empty for none."""
    if data.startswith(codecs.BOM_UTF16_LE):
        return "utf-16-le"
    if data.startswith(codecs.BOM_UTF16_BE):
        return "utf-16-be"
    start = data[:200]
    if len(start) >= 4 and len(data) % 2 == 0:
        if not any(start[0::2]) and all(start[1::2]):
            return "utf-16-be"
        if not any(start[1::2]) and all(start[0::2]):
            return "utf-16-le"
    return ""


class _Lines(Iterator[str]):
    """Lines for the CSV reader. Comments are left out between two rows; inside a quoted cell there are none."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines
        self._next = 0
        self.begun = 0
        """The line in which the present row begins, from 1; 0 before it has begun."""

    def __next__(self) -> str:
        while self._next < len(self._lines):
            line = self._lines[self._next]
            self._next += 1
            if self.begun:
                return f"{line}\n"
            if line.strip() and not line.lstrip().startswith(COMMENT):
                self.begun = self._next
                return f"{line}\n"
        raise StopIteration


def _rows(text: str) -> Iterator[CsvRow]:
    lines = io.StringIO(text, newline=None).read().split("\n")
    first = next((line for line in lines if line.strip() and not line.lstrip().startswith(COMMENT)), "")
    named = SEPARATOR_LINE.fullmatch(first.strip())
    source = _Lines(lines)
    if named is not None:
        next(source)
        source.begun = 0
    delimiter = named[1] if named is not None else _delimiter(first)
    reader = csv.reader(source, delimiter=delimiter, strict=True, skipinitialspace=True)
    count = -1
    try:
        for cells in reader:
            line, source.begun = source.begun, 0
            if not "".join(cells).strip():
                continue
            count += 1
            if count > LIMITS.rows:
                text = _("The file has more than %(rows)d rows. Split it into several.") % {"rows": LIMITS.rows}
                raise UnreadableCsv(text, line=line)
            yield CsvRow(line=line, cells=tuple(cells))
    except csv.Error as error:
        raise UnreadableCsv(
            _(
                "The row that begins here cannot be read: a quotation mark is opened and not closed, text follows a "
                "closing quotation mark, or a cell is far too long."
            ),
            line=source.begun,
        ) from error


def _delimiter(header: str) -> str:
    """The one that splits the header into the most cells; the order of ``DELIMITERS`` decides among equals."""
    start = header[:HEADER_LOOKED_AT]
    return max(DELIMITERS, key=lambda mark: len(next(csv.reader([start], delimiter=mark), [])))
