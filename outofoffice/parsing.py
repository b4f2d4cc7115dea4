"""The pure parser of absence files: bytes in, rows and faults out, each with its line and its column.

Forgiving in case and blanks, never in meaning: what the ticket system would guess at is a fault here.
"""

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TypeVar

from django.utils.translation import gettext as _

from common.csvfiles import LIMITS, CsvRow, UnreadableCsv, undo_formula_safe
from outofoffice.dialect import read_rows
from outofoffice.values import read_day, read_switch

LOGIN, EMAIL, SEARCH, START, END, ENABLED, REASON = (
    "UserLogin",
    "UserEmail",
    "UserSearch",
    "StartDate",
    "EndDate",
    "Enabled",
    "Reason",
)
USER_COLUMNS = (LOGIN, EMAIL, SEARCH)
TEMPLATE_COLUMNS = (LOGIN, START, END, ENABLED)
# By name in small letters without blanks. What the portal itself adds to a file of refused rows is not read.
HEADERS = {
    "userlogin": LOGIN,
    "useremail": EMAIL,
    "email": EMAIL,
    "usersearch": SEARCH,
    "startdate": START,
    "starttime": START,
    "enddate": END,
    "endtime": END,
    "enabled": ENABLED,
    "outofoffice": ENABLED,
    "reason": REASON,
    "grund": REASON,
}
CELLS_KEPT = LIMITS.columns + 1

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class CellFault:
    """``column`` is one of the names above; empty where the whole row is meant."""

    column: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFault:
    """Why a file is refused as a whole. ``line`` 0: it is not about one line."""

    line: int
    text: str

    def __str__(self) -> str:
        return _("Line %(line)d: %(text)s") % {"line": self.line, "text": self.text} if self.line else self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedRow:
    """``cells`` are the user's own; a value is empty or ``None`` where its cell is, or where it has a fault."""

    line: int
    cells: tuple[str, ...]
    login: str = ""
    email: str = ""
    search: str = ""
    start: date | None = None
    end: date | None = None
    enabled: bool | None = None
    faults: tuple[CellFault, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedFile:
    """``header`` is the user's own, ``columns`` says what each means (empty: a column without name and content).

    A file with ``faults`` has no rows.
    """

    header: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[ParsedRow, ...] = ()
    faults: tuple[FileFault, ...] = field(default=())


def parse_absences(data: bytes) -> ParsedFile:
    """Every row of the file, or every reason why it is refused as a whole. Never raises for any bytes."""
    try:
        header, *rows = read_rows(data)
    except UnreadableCsv as error:
        return ParsedFile(faults=(FileFault(line=error.line, text=str(error)),))
    columns = tuple(_column_of(name) for name in header.cells)
    if faults := tuple(_header_faults(header, columns)):
        return ParsedFile(header=header.cells, faults=faults)
    if not rows:
        text = _("The file has a header but no row below it.")
        return ParsedFile(header=header.cells, faults=(FileFault(line=0, text=text),))
    return ParsedFile(header=header.cells, columns=columns, rows=tuple(_read_row(row, columns) for row in rows))


def _column_of(name: str) -> str:
    return HEADERS.get("".join(name.split()).casefold(), "")


def _header_faults(header: CsvRow, columns: tuple[str, ...]) -> Iterator[FileFault]:
    known = Counter(filter(None, columns))
    if not any(column in known for column in (*USER_COLUMNS, START, END, ENABLED)):
        text = _("There is no header. The first row must name the columns, for example %(columns)s.")
        yield FileFault(line=header.line, text=text % {"columns": ", ".join(TEMPLATE_COLUMNS)})
        return
    for name, column in zip(header.cells, columns, strict=True):
        if name.strip() and not column:
            text = _("The column “%(name)s” is not known. Remove it or name it %(columns)s.")
            words = {"name": visible(name)[:40], "columns": ", ".join((*USER_COLUMNS, START, END, ENABLED))}
            yield FileFault(line=header.line, text=text % words)
    for column, times in known.items():
        if times > 1:
            text = _("The header names the column %(column)s %(times)d times, other spellings counted.")
            yield FileFault(line=header.line, text=text % {"column": column, "times": times})
    if not any(column in known for column in USER_COLUMNS):
        text = _("No column says which agent is meant. Add UserLogin, UserEmail or UserSearch.")
        yield FileFault(line=header.line, text=text)
    if ENABLED not in known:
        text = _("The column Enabled is missing: without it the ticket system would switch every absence off.")
        yield FileFault(line=header.line, text=text)


def _read_row(row: CsvRow, columns: tuple[str, ...]) -> ParsedRow:
    cells = row.cells[:CELLS_KEPT]
    faults: list[CellFault] = []
    if tuple(_column_of(cell) for cell in row.cells[: len(columns)]) == columns:
        return _faulty(row, _("The header stands here again."))
    named = max(index for index, column in enumerate(columns, start=1) if column)
    if len(row.cells) < named or any(cell.strip() for cell in row.cells[len(columns) :]):
        words = {"cells": len(row.cells), "columns": len(columns)}
        text = _("The row has %(cells)d cells, the header has %(columns)d. Is a cell that holds a separator quoted?")
        faults.append(CellFault("", text % words))
    texts: dict[str, str] = {}
    for column, cell in zip(columns, cells, strict=False):
        text = cell.strip()
        if not text or column == REASON:
            continue
        if not column:
            faults.append(CellFault("", _("The column of “%(text)s” has no name.") % {"text": visible(text)[:40]}))
        elif len(text) > LIMITS.cell or not text.isprintable():
            faults.append(CellFault(column, why_not_taken(text)))
        else:
            texts[column] = undo_formula_safe(text)
    return _understand(row, cells, columns, texts, faults)


def _understand(
    row: CsvRow, cells: tuple[str, ...], columns: tuple[str, ...], texts: Mapping[str, str], faults: list[CellFault]
) -> ParsedRow:
    bad = {fault.column for fault in faults}

    def value(column: str, read: Callable[[str], _Value]) -> _Value | None:
        if column not in texts:
            return None
        try:
            return read(texts[column])
        except ValueError as error:
            faults.append(CellFault(column, str(error)))
            bad.add(column)
            return None

    enabled, start, end = value(ENABLED, read_switch), value(START, read_day), value(END, read_day)
    if not bad.intersection(USER_COLUMNS) and not any(column in texts for column in USER_COLUMNS):
        named = next(column for column in columns if column in USER_COLUMNS)
        faults.append(CellFault(named, _("No agent is named.")))
    if enabled is None and ENABLED not in bad:
        faults.append(CellFault(ENABLED, _("Say yes or no: the ticket system would take an empty cell for no.")))
    faults += _date_faults(enabled, start, end, bad)
    return ParsedRow(
        line=row.line,
        cells=cells,
        login=texts.get(LOGIN, ""),
        email=texts.get(EMAIL, ""),
        search=texts.get(SEARCH, ""),
        start=start,
        end=end,
        enabled=enabled,
        faults=tuple(faults),
    )


def _date_faults(enabled: bool | None, start: date | None, end: date | None, bad: set[str]) -> Iterator[CellFault]:
    if start is not None and end is not None:
        if end < start:
            yield CellFault(END, _("The end is before the start."))
        return
    needed = enabled or start is not None or end is not None
    for column, day in ((START, start), (END, end)):
        if needed and day is None and column not in bad:
            yield CellFault(column, _("The date is missing: an absence needs its first and its last day."))


def _faulty(row: CsvRow, text: str) -> ParsedRow:
    return ParsedRow(line=row.line, cells=row.cells[:CELLS_KEPT], faults=(CellFault("", text),))


def visible(text: str) -> str:
    """The text with what cannot be seen written as its code point, so that a person finds it."""
    return "".join(sign if sign.isprintable() else f"[U+{ord(sign):04X}]" for sign in text)


def why_not_taken(text: str) -> str:
    """Why a cell cannot be taken as one line of text that means what it shows."""
    if len(text) > LIMITS.cell:
        words = {"length": len(text), "most": LIMITS.cell}
        return _("The cell holds %(length)d characters, more than %(most)d.") % words
    hidden = next(sign for sign in text if not sign.isprintable())
    if unicodedata.category(hidden) == "Zs":
        return _("The cell holds a blank of an unusual kind (U+%(code)04X). Type it again.") % {"code": ord(hidden)}
    return _("The cell holds a line break or a character that cannot be seen (U+%(code)04X).") % {"code": ord(hidden)}
