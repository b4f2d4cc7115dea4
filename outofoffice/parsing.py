"""The pure parser of absence files: bytes in, rows and faults out, each with its line and its column.

Forgiving in case and blanks, never in meaning: what the ticket system would guess at is a fault here.
"""

import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

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
    named = max(index for index, column in enumerate(columns, start=1) if column)
    return ParsedFile(header=header.cells, columns=columns, rows=tuple(_read_row(row, columns, named) for row in rows))


def _column_of(name: str) -> str:
    return HEADERS.get("".join(name.split()).casefold(), "") if len(name) <= LIMITS.cell else ""


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


def _read_row(row: CsvRow, columns: tuple[str, ...], named: int) -> ParsedRow:
    """``named`` is how many cells there are up to the last column that has a name."""
    cells = row.cells
    if _column_of(cells[0]) == columns[0] and tuple(map(_column_of, cells[: len(columns)])) == columns:
        text = _("The header stands here again.")
        return ParsedRow(line=row.line, cells=cells[:CELLS_KEPT], faults=(CellFault("", text),))
    faults: list[CellFault] = []
    if len(cells) < named or (len(cells) > len(columns) and "".join(cells[len(columns) :]).strip()):
        words = {"cells": len(cells), "columns": len(columns)}
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
            texts[column] = undo_formula_safe(text) if text[0] == "'" else text
    return _understand(row, columns, texts, faults)


def _understand(row: CsvRow, columns: tuple[str, ...], texts: Mapping[str, str], faults: list[CellFault]) -> ParsedRow:
    enabled = _value(ENABLED, texts, read_switch, faults)
    start, end = _value(START, texts, read_day, faults), _value(END, texts, read_day, faults)
    login, email, search = texts.get(LOGIN, ""), texts.get(EMAIL, ""), texts.get(SEARCH, "")
    bad = {fault.column for fault in faults} if faults else ()
    if not (login or email or search) and not any(column in bad for column in USER_COLUMNS):
        column = next(column for column in columns if column in USER_COLUMNS)
        faults.append(CellFault(column, _("No agent is named.")))
    if enabled is None and ENABLED not in bad:
        faults.append(CellFault(ENABLED, _("Say yes or no: the ticket system would take an empty cell for no.")))
    if start is None or end is None or end < start:
        faults += _date_faults(enabled, start, end, bad)
    return ParsedRow(
        line=row.line,
        cells=row.cells[:CELLS_KEPT],
        login=login,
        email=email,
        search=search,
        start=start,
        end=end,
        enabled=enabled,
        faults=tuple(faults),
    )


def _value(column: str, texts: Mapping[str, str], read: Callable[[str], Any], faults: list[CellFault]) -> Any:
    """What the cell means; ``None`` where it is empty or has a fault."""
    text = texts.get(column)
    if text is None:
        return None
    try:
        return read(text)
    except ValueError as error:
        faults.append(CellFault(column, str(error)))
        return None


def _date_faults(
    enabled: bool | None, start: date | None, end: date | None, bad: Collection[str]
) -> Iterator[CellFault]:
    """Of days of which one is missing, or which are the wrong way round."""
    if start is not None and end is not None:
        yield CellFault(END, _("The end is before the start."))
        return
    needed = enabled or start is not None or end is not None
    for column, day in ((START, start), (END, end)):
        if needed and day is None and column not in bad:
            yield CellFault(column, _("The date is missing: an absence needs its first and its last day."))


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
